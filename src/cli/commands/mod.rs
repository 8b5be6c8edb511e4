//! The commands, one file each. The doc comment of `Args` is the help text.

pub mod apply;
pub mod audit;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod init;
pub mod inventory;
pub mod models;
pub mod plan;
pub mod push;
pub mod revert;
pub mod rollout;
pub mod runs;
pub mod show;
pub mod sim;
pub mod trust;
