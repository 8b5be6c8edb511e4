//! AXL: one file per object of the cluster, and the session with the publisher.

pub mod change_notification;
pub mod client;
pub mod common_phone_config;
pub mod enterprise;
pub mod error;
pub mod operation;
pub mod paging;
pub mod phone;
pub mod request;
pub mod sql;
pub mod system;
pub mod upgrade;
pub mod user;
pub mod version;

#[cfg(test)]
mod client_tests;
