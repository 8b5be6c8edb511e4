//! The use cases: prepare, confirm, execute, outcome.
//!
//! There is one order of steps. A dry run stops in it, a resumed run enters in it with a request from the journal, and
//! addresses instead of clusters, and several clusters instead of one, are inputs of it. Nothing here knows options
//! or a terminal: the caller gives it a [`request::RolloutRequest`], an
//! [`Interaction`](crate::interaction::Interaction) and an observer of [`Event`](crate::event::Event)s.

pub mod accounts;
pub mod assess;
pub mod by_address;
pub mod change_run;
pub mod cluster_task;
pub mod context;
pub mod control;
pub mod control_requests;
mod current_addresses;
pub mod dry_run;
pub mod maintenance_window;
pub mod multi_cluster;
pub mod offline_wait;
pub mod options;
pub mod page_report;
pub mod payload;
pub mod prepared;
pub mod push_common;
pub mod recently_changed;
pub mod repair;
pub mod request;
pub mod result;
pub mod resume;
pub mod revert;
pub mod review;
pub mod run;
pub mod run_record;
pub mod screens;
pub mod soak;
pub mod undo_file;
pub mod verify_password;
