//! The console: runs, watches and phones of the journal in a browser, and the requests that control them.
//!
//! It reads the journal and writes requests into it, as `axlpaper control` does. Of phones it takes screenshots; it pushes
//! to none.
//! Pages are whole without a script; a script renews their parts when the journal changes.
mod actions;
mod changes;
mod doctors;
mod guard;
mod journal_view;
mod live;
mod login;
mod login_limit;
mod overview;
mod pages;
mod passwords;
mod phone_index;
mod request;
mod run_view;
mod screen_actions;
mod screens;
mod server;
mod sessions;
mod settings;
mod shared;

pub use passwords::hash_password;
pub use server::Console;
pub use settings::{ConsoleSettings, NextCommand};
