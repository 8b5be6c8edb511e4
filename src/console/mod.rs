//! The console: runs, watches and phones of the journal in a browser, the requests that control them, and rollouts.
//!
//! It reads the journal and writes requests into it, as `axlpaper control` does. Of phones it takes screenshots. Rollouts that
//! users make are those of [`rollout`](crate::rollout), in the process of the console.
//! Pages are whole without a script; a script renews their parts when the journal changes.
mod actions;
mod changes;
mod doctors;
mod guard;
mod jobs;
mod journal_view;
mod live;
mod login;
mod login_limit;
mod overview;
mod pages;
mod passwords;
mod phone_index;
mod request;
mod rollout_actions;
mod run_view;
mod screen_actions;
mod screens;
mod server;
mod sessions;
mod settings;
mod shared;

pub use passwords::hash_password;
pub use server::Console;
pub use settings::{Chosen, ConsoleSettings, NextCommand, ReadRollouts, RolloutCommand};
