//! How a push to one phone ended, in the words that JSON and tables use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditedPhone;
use crate::domain::finding::Verdict;
use crate::domain::payload_kind::ObjectKind;

/// How a push to one phone ended.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The phone accepted, and fetched image and thumbnail completely.
    Verified,
    /// Not pushed to: an earlier run proved that it shows this already.
    Already,
    /// The phone accepted, but its downloads were not seen.
    Accepted,
    /// The phone refused the push.
    Rejected,
    /// The phone refused the push user.
    AuthFailed,
    /// The phone could not be reached.
    Unreachable,
    /// The phone's answer could not be understood.
    BadReply,
    /// Another phone answers at that address.
    WrongDevice,
    /// Not pushed to: something must be repaired first.
    NeedsWork,
    /// Not pushed to: it is not registered.
    Offline,
    /// Not pushed to: the rules, or what is pushed, are not for it. Earlier journals have one word for all phones that were
    /// not pushed to.
    #[serde(alias = "skipped")]
    Excluded,
    /// Not pushed to: its model or firmware shows no pushed background.
    NoBackground,
    /// Looked at, not pushed to: its screen does not show the picture that it was proven to show.
    NotShown,
    /// Looked at, not pushed to: it gave no screenshot that could be compared.
    NotVerifiable,
    /// Tried, and the run was killed or cut off before it knew how that ended.
    Interrupted,
    /// Not tried, because the run stopped before.
    Pending,
}

impl Outcome {
    /// Every outcome, best first.
    pub const ALL: [Self; 16] = [
        Self::Verified,
        Self::Already,
        Self::Accepted,
        Self::Rejected,
        Self::AuthFailed,
        Self::Unreachable,
        Self::BadReply,
        Self::WrongDevice,
        Self::NeedsWork,
        Self::Offline,
        Self::Excluded,
        Self::NoBackground,
        Self::NotShown,
        Self::NotVerifiable,
        Self::Interrupted,
        Self::Pending,
    ];

    /// Returns the word that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Already => "already",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::AuthFailed => "auth_failed",
            Self::Unreachable => "unreachable",
            Self::BadReply => "bad_reply",
            Self::WrongDevice => "wrong_device",
            Self::NeedsWork => "needs_work",
            Self::Offline => "offline",
            Self::Excluded => "excluded",
            Self::NoBackground => "no_background",
            Self::NotShown => "not_shown",
            Self::NotVerifiable => "not_verifiable",
            Self::Interrupted => "interrupted",
            Self::Pending => "pending",
        }
    }

    /// Tells whether a push of this kind was tried, or should have been, and is not proven to have worked, as
    /// far as that can be proven.
    pub fn is_failure_of(self, object: ObjectKind) -> bool {
        match self {
            Self::Accepted => object.is_downloaded(),
            Self::Rejected
            | Self::AuthFailed
            | Self::Unreachable
            | Self::BadReply
            | Self::WrongDevice
            | Self::NotShown
            | Self::Interrupted
            | Self::Pending => true,
            Self::Verified
            | Self::Already
            | Self::NeedsWork
            | Self::Offline
            | Self::Excluded
            | Self::NoBackground
            | Self::NotVerifiable => false,
        }
    }

    /// Tells whether the phone was not to be pushed to, or could not be looked at.
    pub fn is_skipped(self) -> bool {
        matches!(
            self,
            Self::Already
                | Self::NeedsWork
                | Self::Offline
                | Self::Excluded
                | Self::NoBackground
                | Self::NotVerifiable
        )
    }

    /// Tells whether the run ended before the phone had a result.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Interrupted | Self::Pending)
    }

    /// Tells whether the phone is known to show what was pushed.
    pub fn is_proven(self) -> bool {
        matches!(self, Self::Verified | Self::Already)
    }

    /// Tells whether the phone could take the push, and was meant to.
    pub fn is_capable(self) -> bool {
        !matches!(self, Self::Excluded | Self::NoBackground)
    }

    /// Returns the outcome of a phone that an audit keeps from a push.
    pub fn of_skipped(phone: &AuditedPhone, object: ObjectKind) -> Self {
        match phone.verdict {
            _ if phone.excluded().is_some() => Self::Excluded,
            Verdict::Offline => Self::Offline,
            Verdict::Fixable | Verdict::Blocked => Self::NeedsWork,
            Verdict::Ready | Verdict::Unsupported => Self::of_other_model(object),
        }
    }

    /// Returns the outcome of a phone whose model takes no such object.
    pub fn of_other_model(object: ObjectKind) -> Self {
        if object == ObjectKind::Background { Self::NoBackground } else { Self::Excluded }
    }
}
