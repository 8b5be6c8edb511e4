//! HTTP clients with trust, pacing and retry; the listener behind our TLS servers.
pub mod certificate_probe;
pub mod cluster_trust;
pub mod rate_limit;
pub mod server_certificate;
mod signature_check;

pub mod certificate;
pub mod certificate_file;
pub mod client;
pub mod cookie;
pub mod credentials;
pub mod endpoint;
pub mod error;
pub mod fingerprint;
pub mod listen;
pub mod mail_server;
pub mod page;
pub mod phone_tls_problem;
pub mod phone_trust;
pub mod post;
pub mod provider;
pub mod request_counts;
pub mod retry;
pub mod session;
pub mod tls_problem;
pub mod trace;
pub mod trust;
pub mod unsupported_certificate;

#[cfg(test)]
mod session_tests;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod trust_tests;
