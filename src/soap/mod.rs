//! SOAP envelopes: bytes to types and back, without sockets.
//!
//! Answers are matched on local names only, because servers of different releases choose different
//! prefixes. Nothing here ever panics on what a server sends.

pub mod error;
pub mod fault;
pub mod read;
pub mod reference;
pub mod scalar;
pub mod tags;
pub mod text;
pub mod vendor_config;
pub mod vendor_markup;
pub mod version_list;
pub mod write;
