//! Why a notification cannot be sent.

use std::time::Duration;

use crate::error::{AppError, ErrorKind};

/// Why a notification was not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SendError {
    /// What happened, as what the channel does: "answered HTTP 404".
    pub what: String,
    /// Whether the same notification can be taken later.
    pub is_passing: bool,
    /// How long the other side wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl SendError {
    pub fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_passing: true, retry_after: None }
    }

    pub fn lasting(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_passing: false, retry_after: None }
    }
}

/// Makes an error of a setting that cannot be used.
pub(super) fn unusable(what: impl Into<String>) -> AppError {
    AppError::new(ErrorKind::Usage, what).hint("change it in [notify] of the config file")
}

/// How long one attempt may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
