//! Why a RisPort70 call failed.

use crate::net::endpoint::Endpoint;
use crate::net::session::SessionError;
use crate::soap::error::SoapError;

/// A RisPort70 call that failed: where, and, as its source, why.
#[derive(Debug, thiserror::Error)]
pub enum RisError {
    #[error("the answer of {endpoint} to selectCmDeviceExt holds no result")]
    NoResult { endpoint: Endpoint },
    /// No complete answer came, or the user was refused.
    #[error("selectCmDeviceExt on {endpoint} failed")]
    Session {
        endpoint: Endpoint,
        #[source]
        source: SessionError,
    },
    /// The answer was a fault or could not be read.
    #[error("selectCmDeviceExt on {endpoint} failed")]
    Soap {
        endpoint: Endpoint,
        #[source]
        source: SoapError,
    },
}

impl RisError {
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
