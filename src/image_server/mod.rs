//! The web server that phones download their pictures from; its log is the proof.
//!
//! A phone's "Success" means that it will try, and nothing on a phone shows which background it has.
//! So every phone gets addresses of its own, and what was downloaded from them is written down
//! here: completely, or not.

mod admission;
mod advertise;
mod config;
mod connection;
mod delivery_proof;
mod error;
mod exchange;
pub mod external_url;
mod published;
mod server;

pub use crate::image_server::advertise::{BaseUrl, advertised_base};
pub use crate::image_server::config::{HostConfig, HostLimits};
pub use crate::image_server::error::HostError;
pub use crate::image_server::published::{
    FetchState, PublishedTone, PublishedUrls, Recipient, Token,
};
pub use crate::image_server::server::{ImageHost, check_free};
