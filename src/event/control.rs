//! Steps of a run that waits for people: pauses, approvals, soak periods, questions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A step of a run that is controlled: a pause, an approval, a soak period.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ControlEvent {
    /// Which step.
    pub step: ControlStep,
    /// A sentence for people: by whom, and which command goes on.
    pub text: String,
}

/// The steps of a run that is controlled.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlStep {
    /// Nothing new begins until the run is continued.
    Paused,
    /// A pause ended.
    Continued,
    /// A wave waits for an approval.
    GateReached,
    /// The wave that waited begins.
    Approved,
    /// The soak period after a wave began.
    SoakStarted,
    /// The soak period is over, and the phones of the wave were checked again.
    SoakEnded,
    /// The run waits for the time at which it starts.
    StartAwaited,
    /// That time has come.
    StartReached,
    /// The run asked for a confirmation and waits for the answer.
    QuestionAsked,
    /// The answer came.
    QuestionAnswered,
    /// The run finishes what is in progress and ends.
    Aborted,
}

impl ControlStep {
    /// Every step.
    pub const ALL: [Self; 11] = [
        Self::Paused,
        Self::Continued,
        Self::GateReached,
        Self::Approved,
        Self::SoakStarted,
        Self::SoakEnded,
        Self::StartAwaited,
        Self::StartReached,
        Self::QuestionAsked,
        Self::QuestionAnswered,
        Self::Aborted,
    ];

    /// Returns the word that the journal uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Continued => "continued",
            Self::GateReached => "gate_reached",
            Self::Approved => "approved",
            Self::SoakStarted => "soak_started",
            Self::SoakEnded => "soak_ended",
            Self::StartAwaited => "start_awaited",
            Self::StartReached => "start_reached",
            Self::QuestionAsked => "question_asked",
            Self::QuestionAnswered => "question_answered",
            Self::Aborted => "aborted",
        }
    }
}
