//! Pushes one thing to many phones: who, when, how many at once, again or not, seen or not.
//!
//! Deciding is in [`decide`], [`lockout`] and [`patience`] and needs no socket. [`engine`] keeps the phones moving and
//! talks to a [`Line`]; [`mod@line`] is the real one, made of the phone client and the image host.
pub mod attempt_log;
pub mod delivery;
pub mod key_script;
mod payload_digest;
pub mod policy;
pub mod scheduler;
mod settings;

use std::net::IpAddr;

use crate::domain::device_name::DeviceName;
use crate::domain::nat::{DownloadSources, NatRules};
use crate::domain::payload_kind::{ObjectKind, Takes};
use crate::event::{Downloads, Outcome, PhoneError};
use crate::image_server::{FetchState, Recipient};
use crate::push::policy::verification::Evidence;

pub use crate::push::delivery::key_script::KeysLine;
pub use crate::push::delivery::ring_tone::ToneLine;
pub use crate::push::payload_digest::Digests;
pub use crate::push::policy::skipped::{
    cannot_remove, no_step, not_back, not_served, proven_already, skipped,
};
pub use crate::push::policy::targets::targets;

/// A phone to push to. Everything that could be decided beforehand is decided here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Its device name.
    pub name: DeviceName,
    /// Its model.
    pub model: String,
    /// Its device pool.
    pub device_pool: String,
    /// Where it answers.
    pub ip: IpAddr,
    /// What it takes of what is pushed.
    pub takes: Takes,
    /// Which of the run's pictures it gets, by its name; empty where there is one only.
    pub picture: String,
    /// Whether it is known to take pictures over HTTPS only. Others may turn out to want it.
    pub https: bool,
    /// Whom it asks whether the push user's password is right.
    pub login_check: LoginCheck,
    /// Whether its association or its configuration was changed only a moment ago. Such a phone may refuse
    /// the push user for some minutes, so it is asked after all others.
    pub fresh: bool,
    /// From which addresses its downloads count.
    pub sources: DownloadSources,
}

impl Target {
    /// Returns what is pushed to it.
    pub fn object(&self) -> ObjectKind {
        self.takes.kind()
    }

    /// Lets its downloads come from translated addresses, where a rule says so.
    #[must_use]
    pub fn behind(mut self, rules: &NatRules) -> Self {
        self.sources.translate(rules, &self.device_pool);
        self
    }

    /// Returns for whom its files are published.
    fn recipient(&self) -> Recipient<'_> {
        Recipient { device: &self.name, sources: &self.sources }
    }

    /// Returns which of several pictures it gets, where there are several.
    fn picture(&self) -> Option<String> {
        Some(self.picture.clone()).filter(|name| !name.is_empty())
    }
}

/// Whom a phone asks whether the push user's password is right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginCheck {
    /// The cluster: an acceptance proves the password, and a refusal can be a failed login.
    Cluster,
    /// It is not known whom, or whether anybody: an acceptance proves nothing, and a refusal can be a failed login.
    Unknown,
    /// Another server: neither says anything about the cluster's account.
    Elsewhere,
}

/// What came of one attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// The phone accepted; holds its reply, shortened and without control characters.
    Accepted(String),
    /// The phone refused the user.
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
    Barred {
        /// How the phone ends.
        outcome: Outcome,
        /// Why.
        why: String,
        /// What to do about it.
        remedy: String,
    },
    /// One of the others, and it must not be sent again: some of it was carried out, or may have been.
    Once(Box<Self>),
}

impl Answer {
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
            | Self::Barred { .. }
            | Self::NotSent(_) => (self, false),
        }
    }
}

/// What the image server saw of one phone. A ring tone is one file, so both say the same of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fetched {
    /// The background was downloaded completely, from an address of the phone.
    pub image: bool,
    /// The thumbnail was downloaded completely, from an address of the phone.
    pub thumbnail: bool,
    /// Who else downloaded something.
    pub downloads: Downloads,
}

impl Fetched {
    /// What only the phone itself has downloaded.
    pub const fn own(image: bool, thumbnail: bool) -> Self {
        Self { image, thumbnail, downloads: Downloads { fetched_by: Vec::new(), nat: None } }
    }

    /// Tells whether both were.
    pub fn is_complete(&self) -> bool {
        self.image && self.thumbnail
    }
}

impl From<FetchState> for Fetched {
    fn from(seen: FetchState) -> Self {
        let FetchState { image, thumbnail, requests: _, downloads } = seen;
        Self { image, thumbnail, downloads }
    }
}

/// The way to a phone and back.
pub trait Line: Send + Sync {
    /// Makes one attempt.
    fn push(&self, target: &Target) -> impl Future<Output = Answer> + Send;

    /// Waits until the phone's downloads are complete, or until there is no more hope.
    fn downloads(&self, target: &Target) -> impl Future<Output = Fetched> + Send;

    /// Looks for what else there is to go by, once the downloads are known.
    fn evidence(
        &self,
        target: &Target,
        fetched: &Fetched,
    ) -> impl Future<Output = Evidence> + Send {
        let (_, _) = (target, fetched);
        async { Evidence::Downloads }
    }
}
