//! What can be wrong with an answer, as bytes.

use super::fault::Fault;
use crate::domain::text::quoted;

/// Why an answer gave no value, or a request could not be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SoapError {
    /// The database could not be read for the moment, because rows are locked or it restarts.
    #[error("the database of the server is busy at the moment: {0}")]
    DatabaseBusy(Box<Fault>),
    #[error("{0}")]
    Fault(Box<Fault>),
    /// HTTP 403: the user is known but may not use this service.
    #[error("the user may not use this service (HTTP 403)")]
    Forbidden,
    /// XML that is complete but makes no sense as this answer.
    #[error("the answer cannot be read: {reason}")]
    Malformed { reason: String },
    /// AXL has no memory left for the moment.
    #[error("the AXL service has no memory left for this request at the moment: {0}")]
    MemoryExhausted(Box<Fault>),
    /// HTTP 404: no such service, or a session that has expired.
    #[error(
        "there is no such service at this address (HTTP 404): is it activated on this server, and is \
         the port right?"
    )]
    NotFound,
    #[error("expected SOAP, found {what} (HTTP {status})")]
    NotSoap {
        status: u16,
        /// What it looks like, with a few words of it.
        what: String,
    },
    #[error("the server was asked too often{}", allowed(*per_minute))]
    RateLimited {
        /// The allowed requests a minute, where the server reports it.
        per_minute: Option<u32>,
    },
    /// HTTP 503: the cluster is busy, or still passing earlier changes on to its nodes. HTTP 429: a proxy in front of it
    /// got too many requests. Nothing was done.
    #[error("the server is busy (HTTP {status})")]
    Throttled { status: u16 },
    /// The answer would be larger than AXL gives at once.
    #[error("the query is too large for one answer: {fault}")]
    TooLarge {
        /// How many rows matched, where the server reports it.
        matched: Option<u64>,
        /// The number of rows that the server suggests; it is often wrong.
        suggested: Option<u64>,
        fault: Box<Fault>,
    },
    /// The XML ends before it is complete.
    #[error("the answer breaks off after {bytes} bytes")]
    Truncated {
        /// How many bytes came.
        bytes: usize,
    },
    /// HTTP 401: a wrong password, a locked account, or a write without the role for it.
    #[error("the user was refused (HTTP 401)")]
    Unauthorized,
    /// A value that XML cannot carry.
    #[error("the request cannot be written: {reason}")]
    Unwritable {
        /// What cannot be written.
        reason: String,
    },
    /// HTTP 599: another version of the AXL schema is wanted.
    #[error("the server does not support this version of AXL{}", listed(supported))]
    VersionNotSupported {
        /// The supported versions as the server writes them; empty when it does not list them.
        supported: Vec<String>,
    },
    /// The response to another operation.
    #[error("expected {} in the answer, found {found}", quoted(expected))]
    WrongAnswer { expected: String, found: String },
}

impl SoapError {
    /// Returns whether the answer is that of a server, or of a proxy in front of it, whose services are not up: they
    /// come while Tomcat restarts. [`Self::Throttled`] is not among them, because it has a pace of its own.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::NotFound => true,
            // The page with HTTP 200 is that of a server which is starting.
            Self::NotSoap { status, .. } => matches!(status, 200 | 408 | 500..=504),
            Self::DatabaseBusy(_)
            | Self::Fault(_)
            | Self::Forbidden
            | Self::Malformed { .. }
            | Self::MemoryExhausted(_)
            | Self::RateLimited { .. }
            | Self::Throttled { .. }
            | Self::TooLarge { .. }
            | Self::Truncated { .. }
            | Self::Unauthorized
            | Self::Unwritable { .. }
            | Self::VersionNotSupported { .. }
            | Self::WrongAnswer { .. } => false,
        }
    }

    /// Returns whether asking for fewer rows may help.
    pub fn wants_smaller_page(&self) -> bool {
        match self {
            Self::MemoryExhausted(_) | Self::TooLarge { .. } | Self::Truncated { .. } => true,
            Self::DatabaseBusy(_)
            | Self::Fault(_)
            | Self::Forbidden
            | Self::Malformed { .. }
            | Self::NotFound
            | Self::NotSoap { .. }
            | Self::RateLimited { .. }
            | Self::Throttled { .. }
            | Self::Unauthorized
            | Self::Unwritable { .. }
            | Self::VersionNotSupported { .. }
            | Self::WrongAnswer { .. } => false,
        }
    }
}

fn allowed(per_minute: Option<u32>) -> String {
    per_minute.map(|rate| format!(" (it allows {rate} requests a minute)")).unwrap_or_default()
}

fn listed(supported: &[String]) -> String {
    if supported.is_empty() {
        String::new()
    } else {
        format!("; it supports {}", supported.join(", "))
    }
}
