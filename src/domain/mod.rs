//! The vocabulary of the whole program, without any input or output.
//!
//! Everything here is a value: names, settings, the model catalogue, and the documents that one stage
//! of the pipeline hands to the next.

pub mod association;
pub mod audit;
pub mod chain;
pub mod deed;
pub mod device_name;
pub mod finding;
pub mod inventory;
pub mod left_alone;
pub mod model;
pub mod nat;
pub mod object;
pub mod pattern;
pub mod personalization;
pub mod picture;
pub mod plan;
pub mod registration;
pub mod repair;
pub mod selector;
pub mod text;
pub mod time_zone;
pub mod web_access;
