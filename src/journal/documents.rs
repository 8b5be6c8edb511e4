//! Documents that a run keeps so that it can be shown later, from the journal alone, as it was shown at its end.
//!
//! All of them are kept by [`super::Recorder::snapshot`] under their `KIND`. Fields are only ever added, each with a
//! default, so that the journals of earlier releases can still be read.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::model::Size;
use crate::domain::payload_kind::{ObjectKind, ToneFormat};
use crate::domain::push_action::PushAction;
use crate::event::{ChangeResult, ChangeState};

/// What a run is about; kept when it begins.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subject {
    /// What is pushed, by the name of its file.
    pub file: String,
    #[serde(default)]
    pub object: ObjectKind,
    /// What is done with it. Earlier releases kept the kind alone.
    #[serde(default)]
    pub action: Option<PushAction>,
    /// Whether the run repairs what keeps phones from it.
    #[serde(default)]
    pub repairs: bool,
}

impl Subject {
    pub const KIND: &'static str = "subject";

    pub fn new(action: PushAction, file: &str, repairs: bool) -> Self {
        Self { file: file.to_owned(), object: action.object(), action: Some(action), repairs }
    }

    pub fn action(&self) -> PushAction {
        self.action.unwrap_or_else(|| self.object.into())
    }
}

/// How a run came to its end; kept right before the end itself is written down. A run without it was killed, or
/// goes on.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RunEnd {
    /// Why it ended before its time, in words.
    pub stopped: Option<String>,
    /// Why it could not go on at all, in words.
    pub error: Option<String>,
    pub hints: Vec<String>,
    /// How many of the phones show what was pushed, by all that was known when the run ended.
    pub coverage: Option<Coverage>,
    pub interrupted: bool,
    /// Whether the cluster refused the account, or the push user's password, in the middle of it, which ended it.
    pub refused: bool,
    /// Whether no phone downloaded anything, which ended it: another address of the image server is needed.
    pub no_downloads: bool,
    /// When its work ended.
    pub finished_at: Option<Timestamp>,
    /// What came of every change of its plan, in the order of the plan.
    pub changes: Vec<ChangeEnd>,
}

/// How many phones show what was pushed, of those that could. Phones whose model takes no such object, and those that
/// rules or the payload exclude, count in neither.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Coverage {
    /// Phones that are proven to show it, by this run, by those that it continues, or by an earlier run with the same
    /// payload.
    pub shown: usize,
    /// Phones that could.
    pub capable: usize,
}

impl Coverage {
    /// Adds the phones of another cluster.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { shown: self.shown + other.shown, capable: self.capable + other.capable }
    }

    /// Returns how many of a hundred show it, rounded down so that only all of them are 100; nothing where there is none.
    pub fn percent(self) -> Option<usize> {
        (self.shown * 100).checked_div(self.capable)
    }
}

/// What came of a change: a change that was never begun has no other row in the journal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChangeEnd {
    /// The number of the change in the plan.
    pub id: u32,
    pub state: ChangeState,
    /// What went wrong, or what else a person should know.
    pub message: Option<String>,
}

impl RunEnd {
    pub const KIND: &'static str = "ending";
}

impl From<&ChangeResult> for ChangeEnd {
    fn from(result: &ChangeResult) -> Self {
        Self { id: result.change.id, state: result.state, message: result.message.clone() }
    }
}

/// What a run was begun together with, where several clusters were worked on at once; kept when all have begun.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RunGroup {
    /// The runs, in the order in which their clusters were named; this one is among them.
    pub runs: Vec<i64>,
    /// The clusters for which no run could be begun.
    pub left_out: Vec<SkippedCluster>,
}

impl RunGroup {
    pub const KIND: &'static str = "together";
}

/// A cluster for which no run could be begun.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SkippedCluster {
    /// Its name in the config file.
    pub cluster: String,
    /// Why, in words.
    pub error: String,
    pub hints: Vec<String>,
}

/// The pictures of a run in every size that was made; kept before the first one is sent.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SentPictures {
    /// The pictures, in the order of their sizes.
    pub pictures: Vec<SentPicture>,
}

impl SentPictures {
    pub const KIND: &'static str = "sent";
}

/// A background and its thumbnail as phones of one kind got them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SentPicture {
    /// What tells the two files from any others: attempts name it.
    pub digest: String,
    /// Which of several pictures it is, by the name of its file; empty where there is one only.
    #[serde(default)]
    pub name: String,
    /// Whether the panel shows shades of grey only.
    pub grey: bool,
    pub background: SentFile,
    pub thumbnail: SentFile,
}

/// The ring tone of a run in every format that was made; kept before the first one is sent.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SentTones {
    /// The files, in the order of their formats.
    pub tones: Vec<SentTone>,
}

impl SentTones {
    pub const KIND: &'static str = "sent tones";
}

/// A ring tone as phones of one kind got it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SentTone {
    /// The SHA-256 digest of its file in hexadecimal: attempts name it.
    pub digest: String,
    pub format: ToneFormat,
    /// The length of the file in bytes.
    pub bytes: usize,
    /// How long it rings, in milliseconds.
    pub ms: u64,
    /// Whether only the beginning of the sound is there, because phones ring no longer.
    pub cut: bool,
}

/// A file as it was sent, and how it looks.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SentFile {
    /// Width and height in pixels.
    pub size: Size,
    /// The length of the file in bytes.
    pub bytes: usize,
    /// Its SHA-256 digest in hexadecimal.
    pub sha256: String,
    /// How it looks: the file itself, or a smaller picture of it.
    pub look: ScreenCheckRecord,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ScreenCheckRecord {
    /// Whether it is the very file that was sent.
    pub exact: bool,
    /// Its media type, such as `image/png`.
    pub media_type: String,
    /// Its bytes in Base64.
    pub base64: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_releases_kept_can_be_read() {
        let subject: Subject =
            serde_json::from_str(r#"{"file":"a.wav","object":"ring_tone"}"#).unwrap();
        assert_eq!(subject.action(), PushAction::RingTone);
        let subject: Subject = serde_json::from_str(r#"{"file":"a.png"}"#).unwrap();
        assert_eq!(subject.action(), PushAction::Picture);
        let removal = Subject { action: Some(PushAction::Removal), ..subject };
        let kept = serde_json::to_string(&removal).unwrap();
        assert_eq!(serde_json::from_str::<Subject>(&kept).unwrap().action(), PushAction::Removal);
    }
}
