//! The web server that phones download their pictures from; its log is the proof.
//!
//! A phone's "Success" says that it will try, and nothing on a phone tells which background it shows.
//! So every phone gets addresses of its own, and what was downloaded from them is written down
//! here: completely, or not.

mod admission;
mod advertise;
mod answer;
mod config;
mod connection;
pub mod elsewhere;
mod error;
mod exchange;
mod proof;
mod server;
mod stream;
mod table;

pub use advertise::{BaseUrl, advertised_base};
pub use config::{HostConfig, HostLimits};
pub use error::HostError;
pub use proof::Ending;
pub use server::ImageHost;
pub use table::{
    Fetch, FetchState, PublishedTone, PublishedUrls, Recipient, Stray, Strays, Token, Which,
};
