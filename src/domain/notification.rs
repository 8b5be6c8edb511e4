//! The events of a watch that a notification is sent for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// A run ended, and no phone failed in it.
    RunFinished,
    /// Phones could not be served or show another picture now, the pictures cannot be read, or the watch ended with an error.
    Failed,
    /// More phones would be changed or pushed to than a pass may.
    ApprovalNeeded,
    /// No phone is pushed to any more, or for a while.
    Stopped,
    /// Passes fail for long: mostly because the cluster cannot be reached.
    Unreachable,
    /// A condition that was reported is over.
    Recovered,
    /// A test of the settings; no watch sends it.
    #[serde(skip_deserializing)]
    Test,
}

impl NotificationKind {
    /// The kinds that a watch sends.
    pub const ALL: [Self; 6] = [
        Self::RunFinished,
        Self::Failed,
        Self::ApprovalNeeded,
        Self::Stopped,
        Self::Unreachable,
        Self::Recovered,
    ];

    /// Returns the name in the config file and in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunFinished => "run_finished",
            Self::Failed => "failed",
            Self::ApprovalNeeded => "approval_needed",
            Self::Stopped => "stopped",
            Self::Unreachable => "unreachable",
            Self::Recovered => "recovered",
            Self::Test => "test",
        }
    }
}

/// The shape of the documents that a webhook receives.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// The notification as a document of its own.
    #[default]
    Json,
    /// A message with an Adaptive Card, as workflows of Microsoft Teams take it.
    Teams,
    /// A text, as incoming webhooks of Slack take it.
    Slack,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// The connection begins in clear text and must be upgraded before anything else is sent.
    #[default]
    Starttls,
    /// The connection is encrypted from its first byte.
    Implicit,
    /// Nothing is encrypted, and no password is sent.
    None,
}

impl MailTls {
    /// Returns the port that mail servers offer it on (RFC 8314, RFC 6409, RFC 5321).
    pub fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}
