//! Pushes one thing to many phones: who, when, how many at once, again or not, seen or not.
//!
//! Deciding is in [`decide`], [`guard`] and [`patience`] and needs no socket. [`engine`] keeps the phones moving and
//! talks to a [`Line`]; [`mod@line`] is the real one, made of the phone client and the image host.

pub mod any_line;
pub mod book;
mod choose;
mod contact;
pub mod decide;
mod digests;
pub mod direct;
pub mod engine;
pub mod evidence;
pub mod guard;
mod job;
mod keys_line;
mod lane;
pub mod line;
pub mod meeting;
pub mod patience;
pub mod pins;
mod places;
pub mod schedule;
pub mod screens;
pub mod script;
mod skip;
mod terms;
mod tone_line;
pub mod waves;
pub mod window;

use std::net::IpAddr;

use crate::domain::device_name::DeviceName;
use crate::domain::object::{ObjectKind, Takes};
use crate::event::{Outcome, PhoneError};
use evidence::Evidence;

pub use choose::targets;
pub use digests::Digests;
pub use keys_line::KeysLine;
pub use skip::{cannot_remove, no_step, not_back, not_served, proven_already, skipped};
pub use tone_line::ToneLine;

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
    /// Whether it asks the cluster for the user, so that an acceptance proves the password.
    pub checks_password: bool,
    /// Whether its association or its configuration was changed only a moment ago. Such a phone may refuse
    /// the push user for some minutes, so it is asked after all others.
    pub fresh: bool,
}

impl Target {
    /// Returns what is pushed to it.
    pub fn object(&self) -> ObjectKind {
        self.takes.kind()
    }

    /// Returns which of several pictures it gets, where there are several.
    fn picture(&self) -> Option<String> {
        Some(self.picture.clone()).filter(|name| !name.is_empty())
    }
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
    /// The phone did not answer; says how.
    Unreachable(String),
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
            | Self::Unreadable(_)
            | Self::WrongDevice(_)
            | Self::Barred { .. }
            | Self::NotSent(_) => (self, false),
        }
    }
}

/// What the image server saw of one phone. A ring tone is one file, so both say the same of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fetched {
    /// The background was downloaded completely.
    pub image: bool,
    /// The thumbnail was downloaded completely.
    pub thumbnail: bool,
}

impl Fetched {
    /// Tells whether both were.
    pub fn is_complete(self) -> bool {
        self.image && self.thumbnail
    }
}

/// The way to a phone and back.
pub trait Line: Send + Sync {
    /// Makes one attempt.
    fn push(&self, target: &Target) -> impl Future<Output = Answer> + Send;

    /// Waits until the phone's downloads are complete, or until there is no more hope.
    fn downloads(&self, target: &Target) -> impl Future<Output = Fetched> + Send;

    /// Looks for what else there is to go by, once the downloads are known.
    fn evidence(&self, target: &Target, fetched: Fetched) -> impl Future<Output = Evidence> + Send {
        let (_, _) = (target, fetched);
        async { Evidence::Downloads }
    }
}
