//! RisPort70: which phones are registered, where, and with which address.

pub mod answer;
pub mod client;
pub mod device;
pub mod error;
pub mod merge;
pub mod request;

#[cfg(test)]
mod client_tests;
