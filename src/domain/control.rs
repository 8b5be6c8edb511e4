//! Requests that control a run while it works, and their results.

use super::text::quoted;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

/// What is asked of a run.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlAction {
    /// Begin nothing new until the run is continued; finish what is in progress.
    Pause,
    /// End a pause.
    Continue,
    /// Begin the wave that waits for an approval.
    Approve,
    /// Finish what is in progress, begin nothing new, and end. The run can be resumed.
    Abort,
}

/// What a run made of a request.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlResult {
    /// The run did what was asked.
    Done,
    /// The run was in that state already.
    Unchanged,
    /// No wave waits for an approval, so none was approved. An approval never counts for a later wave.
    NotWaiting,
}

impl ControlAction {
    const ALL: [Self; 4] = [Self::Pause, Self::Continue, Self::Approve, Self::Abort];

    /// Returns the word that the command line and the journal use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Continue => "continue",
            Self::Approve => "approve",
            Self::Abort => "abort",
        }
    }
}

impl ControlResult {
    const ALL: [Self; 3] = [Self::Done, Self::Unchanged, Self::NotWaiting];

    /// Returns the word that the journal and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::NotWaiting => "not_waiting",
        }
    }
}

impl FromStr for ControlAction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|action| action.as_str() == text);
        known.ok_or_else(|| format!("{} is not a control action", quoted(text)))
    }
}

impl FromStr for ControlResult {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|result| result.as_str() == text);
        known.ok_or_else(|| format!("{} is not the result of a control request", quoted(text)))
    }
}

impl fmt::Display for ControlAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
