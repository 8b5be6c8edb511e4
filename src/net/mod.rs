//! HTTP clients with trust, pacing and retry; the listener behind our TLS servers.

pub mod certificate;
pub mod client;
pub mod cookie;
pub mod credentials;
pub mod endpoint;
pub mod error;
pub mod fingerprint;
mod handshake;
pub mod listen;
pub mod pace;
pub mod page;
pub mod peek;
pub mod phone_tls_problem;
pub mod phone_trust;
pub mod pin;
pub mod provider;
pub mod retry;
pub mod server_identity;
pub mod session;
pub mod tls_problem;
pub mod trace;
pub mod trust;

#[cfg(test)]
mod session_tests;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod trust_tests;
