//! The vocabulary of the whole program, without any input or output.
//!
//! Everything here is a value: names, settings, the model catalogue, and the documents that one stage
//! of the pipeline hands to the next.
pub mod address_range;
pub mod error_chain;
pub mod exclusion;
pub mod payload_kind;
pub mod picture_rules;
pub mod push_action;
pub mod repair_policy;
pub mod rule_order;
pub mod spread;

pub mod as_typed;
pub mod association;
pub mod audit;
pub mod colour;
pub mod console_role;
pub mod control;
pub mod device_name;
pub mod finding;
pub mod inventory;
mod limit;
pub mod mac_address;
pub mod model;
pub mod nat;
pub mod notification;
pub mod pattern;
pub mod personalization;
pub mod phone_page;
pub mod plan;
pub mod registration;
pub mod roles;
pub mod rule_times;
pub mod selector;
mod selector_error;
pub mod text;
pub mod text_encoding;
pub mod time_zone;
pub mod web_access;
pub mod words;
