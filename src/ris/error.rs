//! Why a RisPort70 call failed.

use crate::net::endpoint::Endpoint;
use crate::net::error::HttpError;
use crate::net::session::SessionError;
use crate::soap::error::SoapError;

/// A RisPort70 call that failed: where, and, as its source, why.
#[derive(Debug, thiserror::Error)]
pub enum RisError {
    #[error("the answer of {endpoint} to selectCmDeviceExt holds no result")]
    NoResult { endpoint: Endpoint },
    /// No complete answer came, or the user was refused.
    #[error("selectCmDeviceExt on {endpoint} failed{}", after(*attempts))]
    Session {
        endpoint: Endpoint,
        /// How often the request was sent, without success.
        attempts: u32,
        /// Whether RisPort70 has answered an earlier request of this run.
        answered_before: bool,
        #[source]
        source: SessionError,
    },
    /// The answer was a fault or could not be read.
    #[error("selectCmDeviceExt on {endpoint} failed{}", after(*attempts))]
    Soap {
        endpoint: Endpoint,
        /// How often the request was sent, without success.
        attempts: u32,
        /// Whether RisPort70 has answered an earlier request of this run.
        answered_before: bool,
        #[source]
        source: SoapError,
    },
}

impl RisError {
    /// Adds the attempts that were made before to those of this error.
    #[must_use]
    pub(super) fn after(mut self, earlier: u32) -> Self {
        if let Self::Session { attempts, .. } | Self::Soap { attempts, .. } = &mut self {
            *attempts = attempts.saturating_add(earlier);
        }
        self
    }

    /// Returns how often the request was sent.
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Session { attempts, .. } | Self::Soap { attempts, .. } => *attempts,
            Self::NoResult { .. } => 1,
        }
    }

    /// Returns whether RisPort70 has answered an earlier request of this run.
    pub fn has_answered_before(&self) -> bool {
        match self {
            Self::Session { answered_before, .. } | Self::Soap { answered_before, .. } => {
                *answered_before
            }
            Self::NoResult { .. } => true,
        }
    }

    /// Returns whether the answer was cut off, so that a retry may get it whole.
    pub(super) fn is_broken_off(&self) -> bool {
        match self {
            Self::Session { source: SessionError::Http(error), .. } => {
                matches!(error, HttpError::ConnectionLost { .. } | HttpError::Truncated { .. })
            }
            Self::Soap { source, .. } => matches!(source, SoapError::Truncated { .. }),
            Self::NoResult { .. } | Self::Session { .. } => false,
        }
    }

    /// Tells whether user, password or roles are the reason. RisPort70 needs the role "Standard CCM
    /// Server Monitoring" or "Standard RealtimeAndTraceCollection" (Cisco's serviceability
    /// documentation).
    pub fn is_authentication(&self) -> bool {
        match self {
            Self::NoResult { .. } => false,
            Self::Session { source, .. } => match source {
                SessionError::PasswordRefused { .. } | SessionError::RoleMissing { .. } => true,
                SessionError::Http(_) => false,
            },
            Self::Soap { source, .. } => {
                matches!(source, SoapError::Forbidden | SoapError::Unauthorized)
            }
        }
    }

    /// Tells whether the password itself was refused, as opposed to a missing role.
    pub fn is_password_refused(&self) -> bool {
        matches!(self, Self::Session { source: SessionError::PasswordRefused { .. }, .. })
    }
}

/// Writes how many attempts a message is about.
fn after(attempts: u32) -> String {
    if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() }
}
