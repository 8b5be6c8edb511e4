//! The commands, one file each. The doc comment of `Args` is the help text.

pub mod apply;
pub mod audit;
pub mod completions;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod host;
pub mod image;
pub mod init;
pub mod inventory;
pub mod keys;
pub mod man;
pub mod models;
pub mod plan;
pub mod play;
pub mod push;
pub mod report;
pub mod revert;
pub mod ringtone;
pub mod rollout;
pub mod runs;
pub mod show;
pub mod sim;
pub mod trust;
