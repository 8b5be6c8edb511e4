//! The rows of the journal: runs, changes, attempts, events and control requests.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::control::{ControlAction, ControlResult};
use crate::domain::plan::Change;
use crate::domain::text::sanitize_truncate;
use crate::event::{ChangeState, ControlEvent, ControlStep, Event, Stage};
use crate::journal::documents::Subject;

pub type RunId = i64;

/// The identity and name of the cluster in runs that push by address. The identity of a cluster is never equal to it,
/// because that ends in a port.
pub const ADDRESSES: &str = "addresses";

/// The command of runs that only look at screens. Their attempts never prove anything; one that ends `not_shown` takes a
/// proof of the same content away.
pub const VERIFY: &str = "verify";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RunRef {
    Number(RunId),
    Last,
}

impl FromStr for RunRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("last") {
            return Ok(Self::Last);
        }
        match text.parse() {
            Ok(number) if number > 0 => Ok(Self::Number(number)),
            Ok(_) | Err(_) => Err("a run is a number from 1, or `last`".to_owned()),
        }
    }
}

impl std::fmt::Display for RunRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Last => f.write_str("last"),
        }
    }
}

/// How a run ended, if it did.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// A process works on it.
    Running,
    /// It came to its end, with or without failures.
    Finished,
    Interrupted,
    /// The answer to its question was no, so nothing was changed.
    Declined,
    /// It could not go on.
    Failed,
    /// It has not ended, and no process holds its lock any more.
    Killed,
}

impl RunState {
    /// Returns the word that the journal uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Killed => "killed",
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub command: String,
    /// The command line as it was typed.
    pub command_line: String,
    pub program: String,
    pub cluster_id: String,
    pub cluster: String,
    /// The publisher, as `host:port`.
    pub host: String,
    pub os_user: String,
    pub machine: String,
    pub continues: Option<RunId>,
    pub reverts: Option<RunId>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended; nothing while it runs, or when it was killed.
    pub ended_at: Option<Timestamp>,
    pub state: RunState,
    /// Whether it runs and waits for the time at which it starts.
    pub is_waiting: bool,
    pub exit_code: Option<i64>,
    pub outcomes: Vec<(String, i64)>,
    /// What it pushed, where it pushed something; the first releases did not keep it.
    pub subject: Option<Subject>,
    /// The time zone of its machine; UTC where it is not known.
    pub time_zone: TimeZone,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeRow {
    /// The change, with what was there before and after.
    pub change: Change,
    /// When it was about to be made; nothing for one that was never begun.
    pub intended_at: Option<Timestamp>,
    /// When it ended; nothing when its result is unknown.
    pub ended_at: Option<Timestamp>,
    /// The result; nothing when it is unknown.
    pub state: Option<ChangeState>,
    pub message: Option<String>,
}

/// What a phone is proven to show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proven {
    pub digest: String,
    pub run: RunId,
}

/// One attempt at a phone.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct AttemptRow {
    /// The device name.
    pub phone: String,
    /// Where it answered.
    pub ip: String,
    /// What was pushed: `background`, `ring_tone`, `play` or `keys`.
    pub object: String,
    /// Digest of the pushed content; of a picture with words, that of the picture below them.
    pub digest: String,
    /// Which attempt of its run it was.
    pub attempt: u32,
    /// When it was about to be made.
    pub began_at: Timestamp,
    /// When it ended; nothing when its result is unknown.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The number of its error.
    pub number: Option<u32>,
    /// What that means.
    pub said: Option<String>,
    /// The phone's reply, shortened.
    pub raw: Option<String>,
}

/// An event of a run: a note for people, the beginning or end of a stage, or a step of its control.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EventRow {
    /// When.
    pub at: Timestamp,
    pub kind: EventKind,
    /// In words; the name of the stage.
    pub text: String,
}

/// What an event of a run is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Remark,
    /// The run waited for the cluster.
    Waiting,
    /// A stage began.
    Began,
    /// A stage ended.
    Finished,
    /// A phone took its connection over HTTPS for the first time, or with a new certificate.
    PhoneTls,
    /// A step of a run that is controlled.
    #[serde(untagged)]
    Control(ControlStep),
}

impl EventKind {
    /// Returns the word that the journal uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remark => "remark",
            Self::Waiting => "waiting",
            Self::Began => "began",
            Self::Finished => "finished",
            Self::PhoneTls => "phone_tls",
            Self::Control(step) => step.as_str(),
        }
    }
}

/// A request to control a run, before it is written.
#[derive(Clone, Debug)]
pub struct NewControlRequest {
    pub run: RunId,
    pub action: ControlAction,
    pub os_user: String,
    pub machine: String,
    pub process: u32,
}

/// A request of another process to control a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ControlRequest {
    pub id: i64,
    pub run: RunId,
    pub action: ControlAction,
    pub os_user: String,
    pub machine: String,
    pub requested_at: Timestamp,
    /// When the run took it up; nothing while it has not.
    pub taken_at: Option<Timestamp>,
    pub result: Option<ControlResult>,
}

impl ControlRequest {
    pub fn by(&self) -> String {
        let word = |text: &str| sanitize_truncate(text, 80);
        format!("{} on {}", word(&self.os_user), word(&self.machine))
    }
}

impl RunRow {
    /// Tells whether it pushed to addresses and asked no cluster.
    pub fn is_about_addresses(&self) -> bool {
        self.cluster_id == ADDRESSES
    }
}

impl EventRow {
    /// Makes the row of an event, where the journal keeps one: phones, changes and downloads have rows of their own.
    pub fn of(event: &Event, at: Timestamp) -> Option<Self> {
        let (kind, text) = match event {
            Event::Remark(text) => (EventKind::Remark, text.clone()),
            Event::Wave(wave) => (EventKind::Remark, wave.describe()),
            // Each phone changes what the run waits for; the attempts have it.
            Event::Waiting { stage: Stage::Push | Stage::Screens | Stage::Restart, .. } => {
                return None;
            }
            Event::Waiting { reason, delay, .. } => {
                (EventKind::Waiting, format!("{reason} ({} s)", delay.as_secs()))
            }
            Event::Started { stage, .. } => (EventKind::Began, stage.as_str().to_owned()),
            Event::Finished { stage } => (EventKind::Finished, stage.as_str().to_owned()),
            Event::Control(ControlEvent { step, text }) => {
                (EventKind::Control(*step), text.clone())
            }
            Event::Progress { .. }
            | Event::Changed(_)
            | Event::Pushed(_)
            | Event::Downloaded(_) => return None,
        };
        Some(Self { at, kind, text })
    }

    /// Returns which step of a controlled run it is, where it is one.
    pub fn control_step(&self) -> Option<ControlStep> {
        match self.kind {
            EventKind::Control(step) => Some(step),
            EventKind::Remark
            | EventKind::Waiting
            | EventKind::Began
            | EventKind::Finished
            | EventKind::PhoneTls => None,
        }
    }
}
