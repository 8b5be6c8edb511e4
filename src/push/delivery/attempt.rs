//! One push attempt: the interface to a phone, the reply, and what proves the push.

use crate::event::{Downloads, Outcome, PhoneError};
use crate::image_server::FetchState;
use crate::media::Similarity;
use crate::push::target::Target;

/// The reply to one attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttemptReply {
    pub kind: ReplyKind,
    /// Whether the same push may be sent again. False where the phone executed a part of it, or may have.
    pub resend_safe: bool,
}

impl From<ReplyKind> for AttemptReply {
    fn from(kind: ReplyKind) -> Self {
        Self { kind, resend_safe: true }
    }
}

impl From<Result<ReplyKind, ReplyKind>> for AttemptReply {
    fn from(result: Result<ReplyKind, ReplyKind>) -> Self {
        match result {
            Ok(kind) | Err(kind) => kind.into(),
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ReplyKind {
    /// The phone accepted. Contains its reply, shortened and without control characters.
    Accepted(String),
    AuthRefused(PhoneError),
    /// The phone refused for another reason.
    Refused(PhoneError),
    /// The phone was not reachable, and nothing was sent. Contains the reason.
    Unreachable(String),
    /// The push was sent, and no complete reply arrived. Contains the reason.
    NoReply(String),
    /// The reply could not be parsed, or the phone was busy.
    Unreadable(PhoneError),
    /// Another device answered at the address, and nothing was sent. Contains its name.
    WrongDevice(String),
    /// Nothing was sent because the push could not be built. Contains the reason.
    NotSent(String),
    /// Nothing was sent, for a reason that persists until somebody removes it.
    Blocked {
        outcome: Outcome,
        why: String,
        remedy: String,
    },
}

/// What the image server saw of one phone. A ring tone is one file, so both say the same of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DownloadStatus {
    /// The background was downloaded completely, from an address of the phone.
    pub image: bool,
    /// The thumbnail was downloaded completely, from an address of the phone.
    pub thumbnail: bool,
    pub downloads: Downloads,
}

impl DownloadStatus {
    /// What only the phone itself has downloaded.
    pub const fn own(image: bool, thumbnail: bool) -> Self {
        Self { image, thumbnail, downloads: Downloads { fetched_by: Vec::new(), nat: None } }
    }

    pub fn is_complete(&self) -> bool {
        self.image && self.thumbnail
    }
}

impl From<FetchState> for DownloadStatus {
    fn from(seen: FetchState) -> Self {
        let FetchState { image, thumbnail, requests: _, downloads } = seen;
        Self { image, thumbnail, downloads }
    }
}

/// What there is to go by, besides the downloads that were seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The image server's log decides alone.
    Downloads,
    /// Nobody looks, so an acceptance is all that is known; says why.
    Nothing(String),
    /// The phone's screen was looked at.
    Screen {
        look: ScreenCheck,
        /// Whether the downloads have to be complete too, because they can be seen.
        downloads: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ScreenCheck {
    /// How much it looks like the picture that was pushed.
    Picture(Similarity),
    /// How much it has changed since a picture was taken off, in a share from 0 to 1.
    Removal {
        /// That share.
        changed: f64,
    },
    /// The phone refused the push user when its screen was asked for; says how.
    Refused(String),
    /// Nothing; says why.
    None(String),
}

/// The way to a phone and back.
pub trait Delivery: Send + Sync {
    fn push(&self, target: &Target) -> impl Future<Output = AttemptReply> + Send;

    /// Waits until the phone's downloads are complete, or until there is no more hope.
    fn downloads(&self, target: &Target) -> impl Future<Output = DownloadStatus> + Send;

    /// Looks for what else there is to go by, once the downloads are known.
    fn evidence(
        &self,
        target: &Target,
        fetched: &DownloadStatus,
    ) -> impl Future<Output = Evidence> + Send {
        let (_, _) = (target, fetched);
        async { Evidence::Downloads }
    }
}
