//! What can go wrong between us and an HTTP server, in sentences.

use crate::domain::text::quoted;
use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use super::credentials::CredentialsError;
use super::endpoint::Endpoint;
use super::tls_problem::TlsProblem;
use super::trust::TrustError;

/// Why an HTTP call gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client could not be built: a fault of the program or of the machine.
    #[error("cannot set up the HTTP client")]
    Build(#[source] reqwest::Error),
    /// The user name or the password cannot be sent.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("cannot connect to {endpoint}: {reason}")]
    Connect { endpoint: Endpoint, reason: String },
    /// The connection broke before the answer began.
    #[error("{endpoint} closed the connection without an answer")]
    ConnectionLost {
        endpoint: Endpoint,
        #[source]
        source: reqwest::Error,
    },
    /// The answer is compressed, which was not requested.
    #[error("{endpoint} sent an answer packed with {}, which was not asked for", quoted(encoding))]
    Encoded { endpoint: Endpoint, encoding: String },
    #[error("the HTTP exchange with {endpoint} failed")]
    Other {
        endpoint: Endpoint,
        #[source]
        source: reqwest::Error,
    },
    /// The server sends us elsewhere; the password does not follow.
    #[error("{endpoint} redirects to {to} (HTTP {status}), which is not followed")]
    Redirect { endpoint: Endpoint, status: u16, to: String },
    /// The answer began and then stood still.
    #[error("{endpoint} sent nothing more for {} s after {received} bytes", after.as_secs_f32())]
    Stalled {
        endpoint: Endpoint,
        /// How many bytes of the body came.
        received: usize,
        after: Duration,
    },
    /// The answer did not come in time.
    #[error("{endpoint} did not answer within {} s", after.as_secs_f32())]
    Timeout { endpoint: Endpoint, after: Duration },
    /// The TLS handshake failed; nothing was sent.
    #[error("no secure connection to {endpoint}: {problem}")]
    Tls {
        endpoint: Endpoint,
        /// What is wrong and what to do about it.
        problem: TlsProblem,
    },
    /// The answer was longer than is allowed.
    #[error("the answer of {endpoint} is longer than {limit} bytes")]
    TooLong {
        endpoint: Endpoint,
        /// The limit in bytes.
        limit: usize,
    },
    /// What to trust could not be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The answer ended before it was complete.
    #[error("the answer of {endpoint} broke off after {received} bytes")]
    Truncated {
        endpoint: Endpoint,
        /// How many bytes of the body came.
        received: usize,
    },
}

impl HttpError {
    /// Tells whether the request may have reached the server, so that a write may have happened.
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::ConnectionLost { .. }
            | Self::Encoded { .. }
            | Self::Other { .. }
            | Self::Redirect { .. }
            | Self::Stalled { .. }
            | Self::Timeout { .. }
            | Self::TooLong { .. }
            | Self::Truncated { .. } => true,
            Self::Build(_)
            | Self::Connect { .. }
            | Self::Credentials(_)
            | Self::Tls { .. }
            | Self::Trust(_) => false,
        }
    }

    /// Tells whether the server was not there, which passes by itself when it only restarts.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::ConnectionLost { .. })
    }

    /// Turns an error of the request itself into a sentence.
    pub(super) fn from_send(error: reqwest::Error, endpoint: &Endpoint, limit: Duration) -> Self {
        let endpoint = endpoint.clone();
        if let Some(problem) = TlsProblem::find(&error) {
            return Self::Tls { endpoint, problem };
        }
        if error.is_connect() {
            let reason = connect_reason(&error);
            return Self::Connect { endpoint, reason };
        }
        if error.is_timeout() {
            return Self::Timeout { endpoint, after: limit };
        }
        if is_broken(&error) {
            return Self::ConnectionLost { endpoint, source: error.without_url() };
        }
        Self::Other { endpoint, source: error.without_url() }
    }

    /// Turns an error while the body was read into a sentence.
    pub(super) fn from_body(
        error: reqwest::Error,
        endpoint: &Endpoint,
        limit: Duration,
        received: usize,
    ) -> Self {
        if error.is_timeout() {
            return Self::Timeout { endpoint: endpoint.clone(), after: limit };
        }
        Self::Truncated { endpoint: endpoint.clone(), received }
    }
}

pub(super) fn connect_reason(error: &reqwest::Error) -> String {
    // The words of the library are those of its types.
    if let Some(problem) = TlsProblem::find(error) {
        return problem.to_string();
    }
    if error.is_timeout() {
        return "no answer to the connection attempt in time: check host, port and firewall".into();
    }
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    let mut last = String::new();
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && let Some(sentence) = io_reason(io)
        {
            return sentence.to_owned();
        }
        last = cause.to_string();
        if last.contains("failed to lookup address") || last.contains("dns error") {
            return "the name is unknown: check its spelling and this machine's DNS".into();
        }
        next = cause.source();
    }
    last
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum belongs to another crate and grows; the rest shares one answer"
)]
fn io_reason(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Some("the connection was refused: nothing listens on that port")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            Some("the server closed the connection during the handshake")
        }
        io::ErrorKind::TimedOut => Some("no answer to the connection attempt in time"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("there is no route to that host")
        }
        io::ErrorKind::PermissionDenied => Some("this machine does not allow the connection"),
        _ => None,
    }
}

fn is_broken(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return matches!(
                io.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::UnexpectedEof
            );
        }
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            return true;
        }
        next = cause.source();
    }
    false
}
