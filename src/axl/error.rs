//! Why an AXL call failed.

use crate::net::endpoint::Endpoint;
use crate::net::error::HttpError;
use crate::net::session::SessionError;
use crate::soap::error::SoapError;
use crate::soap::fault::{Fault, FaultKind};

use super::version::VersionError;

/// An AXL call that failed: which, where, and, as its source, why.
#[derive(Debug, thiserror::Error)]
pub enum AxlError {
    /// The answer lacks what was asked for, so nothing can be concluded from it.
    #[error("the answer of {endpoint} to {operation} lacks {what}")]
    Lacking {
        endpoint: Endpoint,
        operation: &'static str,
        /// What is not there.
        what: &'static str,
    },
    /// No complete answer came, or the user was refused.
    #[error("{operation} on {endpoint} failed{}", after(*attempts))]
    Session {
        endpoint: Endpoint,
        operation: &'static str,
        writes: bool,
        /// How often the request was sent, without success.
        attempts: u32,
        /// Whether the server has answered an earlier request of this run.
        answered_before: bool,
        #[source]
        source: SessionError,
    },
    /// The answer was a fault or could not be read.
    #[error("{operation} on {endpoint} failed{}", after(*attempts))]
    Soap {
        endpoint: Endpoint,
        operation: &'static str,
        writes: bool,
        /// How often the request was sent, without success.
        attempts: u32,
        /// Whether the server has answered an earlier request of this run.
        answered_before: bool,
        #[source]
        source: SoapError,
    },
    /// The version of the server does not fit.
    #[error("cannot work with {endpoint}")]
    Version {
        endpoint: Endpoint,
        #[source]
        source: VersionError,
    },
}

impl AxlError {
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
            Self::Lacking { .. } | Self::Version { .. } => 1,
        }
    }

    /// Returns whether the server has answered an earlier request of this run.
    pub fn has_answered_before(&self) -> bool {
        match self {
            Self::Session { answered_before, .. } | Self::Soap { answered_before, .. } => {
                *answered_before
            }
            Self::Lacking { .. } | Self::Version { .. } => true,
        }
    }

    /// Returns whether user, password or roles are the reason.
    pub fn is_authentication(&self) -> bool {
        match self {
            Self::Session { source, .. } => match source {
                SessionError::PasswordRefused { .. } | SessionError::RoleMissing { .. } => true,
                SessionError::Http(_) => false,
            },
            Self::Soap { .. } => {
                matches!(self.soap(), Some(SoapError::Unauthorized | SoapError::Forbidden))
            }
            Self::Lacking { .. } | Self::Version { .. } => false,
        }
    }

    /// Returns whether the password itself was refused, as opposed to a missing role.
    pub fn is_password_refused(&self) -> bool {
        matches!(self, Self::Session { source: SessionError::PasswordRefused { .. }, .. })
    }

    /// Returns whether the change was refused because its target has a higher User Rank than the account.
    pub fn is_outranked(&self) -> bool {
        self.fault().is_some_and(|fault| fault.kind() == FaultKind::OutrankedUser)
    }

    /// Returns whether the server does not know the object that was asked for.
    pub fn is_not_found(&self) -> bool {
        self.fault().is_some_and(|fault| fault.kind() == FaultKind::NotFound)
    }

    /// Returns whether the database refused the question, as opposed to a cluster that cannot answer now.
    pub fn is_sql_refused(&self) -> bool {
        self.fault().is_some_and(Fault::is_sql_refusal)
    }

    /// Returns whether the server answered, and refused: not for lack of memory or
    /// because the answer would be too large.
    pub fn is_refusal(&self) -> bool {
        matches!(self.soap(), Some(SoapError::Fault(_)))
    }

    /// Returns whether a change may have happened although no answer confirms it: read before writing again.
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Session { writes: true, source: SessionError::Http(error), .. } => {
                error.may_have_been_sent()
            }
            Self::Soap { writes: true, source, .. } => matches!(
                source,
                SoapError::Truncated { .. }
                    | SoapError::Malformed { .. }
                    | SoapError::NotSoap { .. }
                    | SoapError::WrongAnswer { .. }
            ),
            Self::Session { .. }
            | Self::Soap { .. }
            | Self::Lacking { .. }
            | Self::Version { .. } => false,
        }
    }

    /// Returns whether the call was to change something.
    pub fn is_write(&self) -> bool {
        match self {
            Self::Session { writes, .. } | Self::Soap { writes, .. } => *writes,
            Self::Lacking { .. } | Self::Version { .. } => false,
        }
    }

    /// Returns whether the server was not there, or its services were not up. That passes by itself where it has
    /// answered before.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Session { source: SessionError::Http(error), .. } => error.is_outage(),
            Self::Soap { source, .. } => source.is_outage(),
            Self::Session { .. } | Self::Lacking { .. } | Self::Version { .. } => false,
        }
    }

    /// Returns whether the server could not do it for the moment: no memory left, or rows of the database are locked.
    pub fn is_busy(&self) -> bool {
        matches!(self.soap(), Some(SoapError::MemoryExhausted(_) | SoapError::DatabaseBusy(_)))
    }

    /// Returns whether the server or the connection went away under the call, so that the server no longer works
    /// on it: after a time limit it may.
    pub fn is_cut_off(&self) -> bool {
        self.is_broken_off() || self.is_outage()
    }

    /// Returns whether the answer was cut off, so that a retry may get it whole.
    pub fn is_broken_off(&self) -> bool {
        match self {
            Self::Session { source: SessionError::Http(error), .. } => {
                matches!(error, HttpError::ConnectionLost { .. } | HttpError::Truncated { .. })
            }
            Self::Soap { source, .. } => matches!(source, SoapError::Truncated { .. }),
            Self::Session { .. } | Self::Lacking { .. } | Self::Version { .. } => false,
        }
    }

    /// Describes the cause in short, without the operation and the server.
    pub fn why(&self) -> String {
        match self {
            Self::Soap { source, .. } => source.to_string(),
            Self::Session { source, .. } => source.to_string(),
            Self::Lacking { .. } | Self::Version { .. } => self.to_string(),
        }
    }

    /// Returns whether asking for fewer rows may help.
    pub fn wants_smaller_page(&self) -> bool {
        match self {
            // Some 12.5 servers drop the connection instead of saying that a query is too large.
            Self::Session { source: SessionError::Http(error), .. } => matches!(
                error,
                HttpError::ConnectionLost { .. }
                    | HttpError::Stalled { .. }
                    | HttpError::TooLong { .. }
                    | HttpError::Truncated { .. }
            ),
            Self::Soap { source, .. } => source.wants_smaller_page(),
            Self::Session { .. } | Self::Lacking { .. } | Self::Version { .. } => false,
        }
    }

    /// Returns the server's fault, if it gave one.
    pub fn fault(&self) -> Option<&Fault> {
        match self.soap() {
            Some(
                SoapError::Fault(fault)
                | SoapError::DatabaseBusy(fault)
                | SoapError::MemoryExhausted(fault)
                | SoapError::TooLarge { fault, .. },
            ) => Some(fault),
            Some(_) | None => None,
        }
    }

    /// Returns what was wrong with the answer, if there was one.
    pub fn soap(&self) -> Option<&SoapError> {
        match self {
            Self::Soap { source, .. } => Some(source),
            Self::Lacking { .. } | Self::Session { .. } | Self::Version { .. } => None,
        }
    }
}

/// Writes how many attempts a message is about.
fn after(attempts: u32) -> String {
    if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() }
}
