//! One attempt at a phone: what the phone answers, what is seen of it, and what makes the attempt.

use crate::event::{Downloads, Outcome, PhoneError};
use crate::image_server::FetchState;
use crate::media::Similarity;
use crate::push::target::Target;

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AttemptReply {
    /// The phone accepted; holds its reply, shortened and without control characters.
    Accepted(String),
    AuthRefused(PhoneError),
    /// The phone refused for another reason.
    Refused(PhoneError),
    /// The phone could not be reached, so nothing was sent to it; says how.
    Unreachable(String),
    /// The phone was sent the push, and no whole answer came; says how.
    NoReply(String),
    /// The phone answered what cannot be read, or was busy.
    Unreadable(PhoneError),
    /// Another device answers at the address; nothing was sent to it. Names it.
    WrongDevice(String),
    /// Nothing was sent, because the push could not be made; says why.
    NotSent(String),
    /// Nothing was sent, for a reason that does not pass by itself.
    Blocked {
        outcome: Outcome,
        why: String,
        remedy: String,
    },
    /// One of the others, and it must not be sent again: some of it was carried out, or may have been.
    Once(Box<Self>),
}

impl AttemptReply {
    /// Takes it apart: the answer itself, and whether what was sent must not be sent again.
    pub fn once(self) -> (Self, bool) {
        match self {
            Self::Once(answer) => (*answer, true),
            Self::Accepted(_)
            | Self::AuthRefused(_)
            | Self::Refused(_)
            | Self::Unreachable(_)
            | Self::NoReply(_)
            | Self::Unreadable(_)
            | Self::WrongDevice(_)
            | Self::Blocked { .. }
            | Self::NotSent(_) => (self, false),
        }
    }
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
