//! The web server that phones download their pictures from; its log is the proof.
//!
//! A phone's "Success" says that it will try, and nothing on a phone tells which background it shows.
//! So every phone gets addresses of its own, and what was downloaded from them is written down
//! here: completely, or not.
mod delivery_proof;
mod exchange_log;
pub mod external_url;
mod outcome;
mod published;
mod response;

mod admission;
mod advertise;
mod config;
mod connection;
mod error;
mod server;
mod shared;
mod stream;

pub use crate::image_server::advertise::{BaseUrl, advertised_base};
pub use crate::image_server::config::{HostConfig, HostLimits};
pub use crate::image_server::error::HostError;
pub use crate::image_server::outcome::CloseReason;
pub use crate::image_server::published::{
    Fetch, FetchState, PublishedTone, PublishedUrls, Recipient, Strays, Token, UnknownRequest,
    Which,
};
pub use crate::image_server::server::ImageHost;
