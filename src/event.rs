//! What happened: the one interface between doing, progress and report.
//!
//! Stages tell what they do by sending an [`Event`] to an [`Observer`]. A stage never prints
//! it, and what prints never asks a stage.

mod control;
mod outcome;
mod wait_reason;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditedPhone;
use crate::domain::device_name::DeviceName;
use crate::domain::finding::Code;
use crate::domain::inventory::Phone;
use crate::domain::model::Size;
use crate::domain::payload_kind::{ObjectKind, ToneFormat};
use crate::domain::plan::Change;
use crate::domain::text::pluralize;
use crate::domain::words::Words;
pub use crate::event::control::{ControlEvent, ControlStep};
pub use crate::event::outcome::Outcome;
pub use crate::event::wait_reason::WaitReason;

/// A stage of the pipeline.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Making the first call to the cluster.
    Connect,
    /// Checking whether all is there that a rollout needs.
    Checks,
    /// Reading the phones from the publisher.
    Phones,
    /// Reading everything else from the publisher.
    Settings,
    /// Asking RisPort70 for registrations.
    Registrations,
    /// Reading the pages of phones that are to be changed.
    Pages,
    /// Asking phones who they are.
    Identities,
    /// Making the pictures.
    Pictures,
    /// Comparing the cluster with a plan.
    Check,
    /// Changing the cluster.
    Apply,
    /// Waiting for phones that restart.
    Restart,
    /// Pushing to phones.
    Push,
    /// Looking at the screens of phones, without a push.
    Screens,
}

impl Stage {
    /// Returns the word that the journal uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Checks => "checks",
            Self::Phones => "phones",
            Self::Settings => "settings",
            Self::Registrations => "registrations",
            Self::Pages => "pages",
            Self::Identities => "identities",
            Self::Pictures => "pictures",
            Self::Check => "check",
            Self::Apply => "apply",
            Self::Restart => "restart",
            Self::Push => "push",
            Self::Screens => "screens",
        }
    }

    /// Returns what is done in it, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Connect => "Connecting",
            Self::Checks => "Checking",
            Self::Phones => "Reading phones",
            Self::Settings => "Reading settings",
            Self::Registrations => "Asking registrations",
            Self::Pages => "Reading pages",
            Self::Identities => "Asking phones who they are",
            Self::Pictures => "Making pictures",
            Self::Check => "Comparing with the plan",
            Self::Apply => "Changing the cluster",
            Self::Restart => "Waiting for phones",
            Self::Push => "Pushing to phones",
            Self::Screens => "Looking at screens",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A stage began; its size may be known.
    Started {
        /// Which stage.
        stage: Stage,
        /// How many steps it has.
        total: Option<u64>,
    },
    /// A stage got on.
    Progress {
        /// Which stage.
        stage: Stage,
        /// How many steps are done.
        done: u64,
    },
    /// A stage waits for somebody else.
    Waiting {
        /// Which stage.
        stage: Stage,
        /// For what.
        reason: WaitReason,
        /// How long at most.
        delay: Duration,
    },
    /// A stage ended.
    Finished {
        /// Which stage.
        stage: Stage,
    },
    /// A wave of phones is next.
    Wave(Wave),
    /// A change was carried out and read back.
    Changed(Box<Change>),
    /// A phone is done with, one way or another.
    Pushed(Box<PhoneResult>),
    /// Somebody asked the image server for something, and it is known how that ended.
    Downloaded(Box<Download>),
    /// Something a person should know.
    Remark(String),
    /// The run was controlled from outside, or waits at a point where it can be.
    Control(ControlEvent),
}

/// One of the parts in which phones are pushed to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wave {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// Whether it is the canary.
    pub canary: bool,
    /// How many phones it has.
    pub phones: usize,
    /// How many phones of earlier waves are still tried beside it.
    pub beside: usize,
}

impl Wave {
    /// Returns its name, such as `canary` or `wave 2 of 3`.
    pub fn name(&self) -> String {
        if self.canary {
            "canary".to_owned()
        } else {
            format!("wave {} of {}", self.number, self.of)
        }
    }

    /// Says which wave it is and how many phones it has.
    pub fn describe(&self) -> String {
        let Self { number, of, canary, phones, beside } = self;
        let phones = pluralize(*phones, "phone");
        let beside = match *beside {
            0 => String::new(),
            open => format!(", beside {} of earlier waves", pluralize(open, "phone")),
        };
        if *canary {
            format!("canary (wave {number} of {of}): {phones}{beside}")
        } else {
            format!("wave {number} of {of}: {phones}{beside}")
        }
    }
}

/// Somebody who wants to know what happens. Must not block.
pub trait Observer: Send + Sync {
    /// Takes note of an event.
    fn observe(&self, event: &Event);
}

/// No observer.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: &Event) {}
}

/// How one change of a plan ended.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ChangeResult {
    /// The change.
    pub change: Change,
    /// How it ended.
    pub state: ChangeState,
    /// What went wrong, or what else a person should know.
    pub message: Option<String>,
}

/// Whether a change is on the cluster.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Written, read back and found there.
    Applied,
    /// Nothing was written.
    NotApplied,
    /// It was written, or may have been, and the cluster does not show what was meant.
    Unproven,
}

/// A request to the image server: a line of its access log.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Download {
    /// The phone that the address was made for; nothing for what is published for everybody or not at all.
    pub phone: Option<DeviceName>,
    /// `background` or `thumbnail`, a file's name, or the path of what is not published.
    pub file: String,
    /// Where the request came from; behind NAT that is not the phone's own address.
    pub peer: SocketAddr,
    /// Whether only the header was asked for.
    pub head_only: bool,
    /// The HTTP status that was answered.
    pub status: u16,
    /// Bytes of the file that were sent.
    pub bytes: u64,
    /// Bytes that the whole file has.
    pub length: u64,
    /// Whether the client has got everything that it was answered with.
    pub complete: bool,
    /// When the request came.
    pub at: Timestamp,
    /// Time from there until its end was known, in milliseconds.
    pub duration_ms: u64,
}

/// How a push is to be proven.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// By the image server's log: the phone downloads everything completely.
    #[default]
    Fetch,
    /// By the phone's screen, and by the log too where there is one.
    Screenshot,
    /// Not at all: an acceptance is all that is asked for.
    None,
}

impl Proof {
    /// Returns the word that options and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Screenshot => "screenshot",
            Self::None => "none",
        }
    }
}

/// What a phone said when it refused.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PhoneError {
    /// The number of its `CiscoIPPhoneError` or `ResponseItem`, when there was one.
    pub number: Option<u32>,
    /// What it means, as far as it is known.
    pub text: String,
    /// The reply, shortened and without control characters.
    pub raw: String,
}

/// Downloads of one phone's files by an address that is not the phone's. They prove nothing about the phone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OtherDownload {
    /// The address that the requests came from.
    pub address: IpAddr,
    /// The phone of the same run whose address that is, where it is one's.
    pub phone: Option<DeviceName>,
    /// What was asked for, each file once.
    pub files: Vec<OtherFile>,
}

/// A file that another address asked for.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OtherFile {
    /// `background`, `thumbnail` or `ring_tone`.
    pub file: String,
    /// Whether one request got all of it.
    pub complete: bool,
    /// The most bytes that were sent in one request.
    pub bytes: u64,
    /// Bytes that the whole file has.
    pub length: u64,
}

/// Downloads that came from translated addresses, so that only the secret path proves them.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct NatProof {
    /// The number of the `[[nat]]` rule of the config file, from 1.
    pub rule: usize,
    /// The addresses that the downloads came from.
    pub from: Vec<IpAddr>,
}

/// Who downloaded a phone's files besides the phone's own address.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Downloads {
    /// Other addresses. What they downloaded does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetched_by: Vec<OtherDownload>,
    /// Translated addresses, where a rule of the config file lets their downloads count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<NatProof>,
}

impl Downloads {
    /// Tells whether only the phone's own address downloaded anything.
    pub fn is_plain(&self) -> bool {
        self.fetched_by.is_empty() && self.nat.is_none()
    }

    /// Notes a request for one of the phone's files by another address. Of a great many addresses only the first
    /// are kept.
    pub fn note_other(&mut self, address: IpAddr, phone: Option<&DeviceName>, seen: OtherFile) {
        let at = self.fetched_by.iter().position(|other| other.address == address);
        let other = match at {
            Some(at) => &mut self.fetched_by[at],
            None if self.fetched_by.len() == MOST_OTHERS => return,
            None => {
                let phone = phone.cloned();
                self.fetched_by.push(OtherDownload { address, phone, files: Vec::new() });
                let last = self.fetched_by.len() - 1;
                &mut self.fetched_by[last]
            }
        };
        match other.files.iter_mut().find(|file| file.file == seen.file) {
            Some(file) => {
                file.complete |= seen.complete;
                file.bytes = file.bytes.max(seen.bytes);
            }
            None => other.files.push(seen),
        }
    }

    /// Notes a complete download from a translated address.
    pub fn note_nat(&mut self, address: IpAddr, rule: usize) {
        let proof = self.nat.get_or_insert_with(|| NatProof { rule, from: Vec::new() });
        if !proof.from.contains(&address) && proof.from.len() < MOST_OTHERS {
            proof.from.push(address);
        }
    }

    /// Adds what was seen during another attempt.
    pub fn join(&mut self, later: Self) {
        for OtherDownload { address, phone, files } in later.fetched_by {
            for file in files {
                self.note_other(address, phone.as_ref(), file);
            }
        }
        if let Some(NatProof { rule, from }) = later.nat {
            from.into_iter().for_each(|address| self.note_nat(address, rule));
        }
    }
}

/// How many other addresses are kept of one phone.
const MOST_OTHERS: usize = 16;

/// Everything about the push to one phone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PhoneResult {
    /// Its device name.
    pub name: DeviceName,
    /// The directory number of its first line.
    #[serde(default)]
    pub extension: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// Its owner's user ID.
    #[serde(default)]
    pub owner: Option<String>,
    /// Its model.
    pub model: String,
    /// Its device pool.
    pub device_pool: String,
    /// The address that was pushed to.
    pub ip: Option<IpAddr>,
    /// What was pushed. Journals of earlier releases know of backgrounds only.
    #[serde(default)]
    pub object: ObjectKind,
    /// How it was to be proven.
    #[serde(default)]
    pub proof: Proof,
    /// The size of the picture it was sent, where it was one.
    pub image: Option<Size>,
    /// Which of several pictures is for it, by the name of its file; nothing where there is one only, or none for
    /// this phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The words that are for it on its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
    /// Which version of the ring tone is for it, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_tone: Option<ToneFormat>,
    /// How it ended.
    pub outcome: Outcome,
    /// The finding of the audit because of which it was not pushed to.
    #[serde(default)]
    pub finding: Option<Code>,
    /// What the phone said, when it refused or answered what cannot be read.
    pub phone_error: Option<PhoneError>,
    /// Why it ended so, in words.
    pub reason: Option<String>,
    /// What to do next.
    pub remedy: Option<String>,
    /// Who downloaded its files besides the phone's own address.
    #[serde(default, skip_serializing_if = "Downloads::is_plain")]
    pub downloads: Downloads,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first_attempt_at: Option<Timestamp>,
    /// When it was done with.
    pub finished_at: Option<Timestamp>,
    /// Time between the two, in milliseconds.
    pub duration_ms: Option<u64>,
}

impl PhoneResult {
    /// A phone that nothing was sent to.
    pub fn not_tried(name: DeviceName, object: ObjectKind, outcome: Outcome) -> Self {
        Self {
            name,
            extension: None,
            description: String::new(),
            owner: None,
            model: String::new(),
            device_pool: String::new(),
            ip: None,
            object,
            proof: Proof::default(),
            image: None,
            picture: None,
            words: None,
            ring_tone: None,
            outcome,
            finding: None,
            phone_error: None,
            reason: None,
            remedy: None,
            downloads: Downloads::default(),
            attempts: 0,
            first_attempt_at: None,
            finished_at: None,
            duration_ms: None,
        }
    }

    /// A phone that an audit knows, and that nothing was sent to.
    pub fn of_audited(phone: &AuditedPhone, object: ObjectKind, outcome: Outcome) -> Self {
        let image = phone.image.as_ref();
        let picture = image.and_then(|image| image.picture.clone());
        let words = image.and_then(|image| image.words.clone());
        let Phone { name, extension, description, owner, model, device_pool, registration, .. } =
            &phone.phone;
        Self {
            extension: extension.clone(),
            description: description.clone(),
            owner: owner.clone(),
            model: model.clone(),
            device_pool: device_pool.clone(),
            ip: registration.ip,
            picture,
            words,
            ..Self::not_tried(name.clone(), object, outcome)
        }
    }

    /// Tells whether the phone could take the push, and was meant to. A phone that keeps the picture of a reverted run
    /// was meant to as well.
    pub fn is_capable(&self) -> bool {
        self.outcome.is_capable() || self.finding == Some(Code::NotReverted)
    }

    /// Tells whether the push was tried, or should have been, and is not known to have worked as far as that can
    /// be known: without a download or a verification an acceptance is all there is.
    pub fn is_failure(&self) -> bool {
        let enough = self.outcome == Outcome::Accepted && self.proof == Proof::None;
        !enough && self.outcome.is_failure_of(self.object)
    }
}
