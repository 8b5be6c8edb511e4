//! One push attempt: the interface to a phone, the reply, and what proves the push.

use std::future::ready;

use futures::future::{BoxFuture, FutureExt as _};

use crate::event::{Downloads, Outcome, PhoneError, Stage};
use crate::image_server::FetchState;
use crate::media::Similarity;
use crate::phone::PhoneError as PushObjectError;
use crate::push::target::Target;

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
    /// There is no page for pushes at the address: HTTP status 404.
    NotFound(PhoneError),
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

impl ReplyKind {
    /// Tells whether the phone answered that it will not take the push.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::AuthRefused(_) | Self::Refused(_) | Self::NotFound(_))
    }
}

/// The downloads of one phone. A ring tone is one file, so both flags have the same value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DownloadStatus {
    /// The background was downloaded completely, from an address of the phone.
    pub image: bool,
    /// The thumbnail was downloaded completely, from an address of the phone.
    pub thumbnail: bool,
    pub downloads: Downloads,
}

impl DownloadStatus {
    /// Downloads from the phone's own address only.
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

/// What decides, besides the downloads, whether a push is verified.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Only the image server's log decides.
    Downloads,
    /// Nothing was checked, so the outcome is at best `accepted`. Contains the reason.
    Nothing(String),
    Screen {
        look: ScreenCheck,
        /// Whether the downloads have to be complete too, because our image server serves them.
        downloads: bool,
    },
}

impl Evidence {
    /// Evidence for a push whose downloads cannot be observed: the screenshot, or nothing for the reason `unseen`.
    pub(crate) fn without_downloads(look: Option<ScreenCheck>, unseen: &str) -> Self {
        match look {
            Some(look) => Self::Screen { look, downloads: false },
            None => Self::Nothing(unseen.to_owned()),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum ScreenCheck {
    /// How similar the screen is to the picture that was pushed.
    Picture(Similarity),
    /// How much of the screen looks like the picture that the phone was proven to show, from 0 to 1, where nothing was
    /// pushed.
    Current { like: f64 },
    /// How much the screen has changed since the picture was removed, from 0 to 1.
    Removal { changed: f64 },
    /// The phone refused the push user when it was asked for the screenshot. Contains its reply.
    Refused(String),
    /// There is no screenshot to compare. Contains the reason.
    None(String),
}

/// Pushes one kind of payload to phones and collects what proves it.
///
/// The [scheduler](crate::push::scheduler) decides which phone and when.
pub trait Delivery: Send + Sync {
    /// Returns the stage of a run that this is.
    fn stage(&self) -> Stage {
        Stage::Push
    }

    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply>;

    /// Waits until the phone's downloads are complete, or until the time for them has passed. The default is for a
    /// payload that is not downloaded from our image server.
    fn downloads<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        ready(DownloadStatus::default()).boxed()
    }

    /// Collects further evidence after [`Self::downloads`]; `_complete` tells whether the downloads are complete.
    fn evidence<'a>(&'a self, _: &'a Target, _complete: bool) -> BoxFuture<'a, Evidence> {
        ready(Evidence::Downloads).boxed()
    }

    /// Checks that what would be sent to these targets is not too long for phones.
    ///
    /// # Errors
    /// Names the part that is too long. Nothing has been sent or changed then.
    fn check(&self, _: &[Target]) -> Result<(), PushObjectError> {
        Ok(())
    }

    /// Returns the base URL of our image server; nothing when phones download nothing from it.
    fn base_url(&self) -> Option<&str> {
        None
    }

    /// Returns whether phones have requested anything from our image server so far; nothing when they download nothing
    /// from it.
    fn was_requested(&self) -> Option<bool> {
        None
    }

    /// Stops the image server, where there is one, after its transfers have ended.
    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }
}
