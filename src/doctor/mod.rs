//! Whether everything is there that a rollout needs: one check after the other, none of which changes
//! anything on the cluster.
mod evaluate;

mod checks;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Layer, NotifySettings};
use crate::domain::text::pluralize;
use crate::error::{AppError, Exit};
use crate::event::{Event, Observer};
use crate::report::Row;

pub use checks::run;

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All is well.
    Ok,
    /// It works, but the user should know.
    Warning,
    /// A rollout cannot work like this.
    Failed,
    /// Something that it needs failed before.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Check {
    /// What was looked at, for scripts.
    pub id: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found.
    pub summary: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The exit code of a program that fails for this reason.
    #[serde(skip)]
    pub exit: Exit,
}

impl Row for Check {
    const COLUMNS: &'static [&'static str] = &["id", "state", "summary", "remedy", "took_ms"];
    const FIXED: &'static [&'static str] = &["id", "state"];
    const DROPPED: &'static [&'static str] = &["took_ms"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_owned(),
            self.state.as_str().to_owned(),
            self.summary.clone(),
            self.remedy.clone().unwrap_or_default(),
            self.took_ms.to_string(),
        ]
    }
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotChecked => "not_checked",
        }
    }
}

/// What is in a `doctor` document.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct DoctorBody<'a> {
    /// The checks, in the order in which they were made unless another one was asked for.
    pub checks: &'a [Check],
}

/// What is checked.
#[derive(Clone, Debug)]
pub struct DoctorRequest {
    /// Where the journal is.
    pub journal: Result<PathBuf, AppError>,
    /// The channels that a test is sent to; nothing where none is sent.
    pub notify: Option<Result<Option<NotifySettings>, AppError>>,
    /// The settings of the cluster.
    pub configuration: Result<Configuration, AppError>,
}

/// The settings of a cluster, and where they are from.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The config file and the cluster, in words.
    pub source: String,
    /// The name of the cluster, where it is one of the config file's.
    pub cluster: Option<String>,
    /// The settings.
    pub settings: Layer,
}

/// The checks that were made so far.
#[derive(Clone, Debug, Default)]
pub struct ChecksDone(Arc<Mutex<Vec<Check>>>);

impl ChecksDone {
    /// Returns a copy of the checks so far.
    pub fn so_far(&self) -> Vec<Check> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug)]
pub struct Checks {
    done: ChecksDone,
    since: Instant,
    /// Observes the session with AXL.
    failure: Arc<LastFailure>,
}

/// Keeps why the current question has to be asked again.
#[derive(Debug, Default)]
struct LastFailure(Mutex<Option<(usize, String)>>);

impl LastFailure {
    fn take(&self) -> Option<(usize, String)> {
        // No panic leaves it half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Observer for LastFailure {
    fn observe(&self, event: &Event) {
        if let Event::Waiting { reason, .. } = event {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let attempts = last.as_ref().map_or(1, |(attempts, _)| attempts + 1);
            *last = Some((attempts, reason.to_string()));
        }
    }
}

impl Checks {
    fn new(done: &ChecksDone) -> Self {
        Self { done: done.clone(), since: Instant::now(), failure: Arc::default() }
    }

    fn add(&mut self, id: &'static str, found: Found) {
        let took_ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Found { state, summary, remedy, exit } = found;
        let check = Check { id, state, summary, remedy, took_ms, exit };
        self.done.0.lock().unwrap_or_else(PoisonError::into_inner).push(check);
        self.since = Instant::now();
        self.failure.take();
    }

    /// Makes a question that took too long a failed check. A server that answers with an error each time did answer.
    fn late(&self, about: &str) -> Found {
        let limit = LIMIT.as_secs();
        let Some((attempts, reason)) = self.failure.take() else {
            return Found::failed(
                Exit::Failed,
                format!("no answer {about} within {limit} s"),
                "check the load of the publisher, and run it again",
            );
        };
        Found::failed(
            Exit::Failed,
            format!(
                "no usable answer {about} within {limit} s and {}; the last: {reason}",
                pluralize(attempts, "attempt")
            ),
            "check the services of the publisher (Cisco AXL Web Service, A Cisco DB), and run it again",
        )
    }

    fn skip(&mut self, ids: &[&'static str], needs: &str) {
        for id in ids {
            self.add(id, Found::skipped(needs));
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    state: State,
    summary: String,
    remedy: Option<String>,
    exit: Exit,
}

impl Found {
    fn ok(summary: impl Into<String>) -> Self {
        Self { state: State::Ok, summary: summary.into(), remedy: None, exit: Exit::Done }
    }

    fn warning(summary: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { state: State::Warning, summary: summary.into(), remedy, exit: Exit::Done }
    }

    fn failed(exit: Exit, summary: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        Self { state: State::Failed, summary: summary.into(), remedy, exit }
    }

    fn skipped(needs: &str) -> Self {
        let summary = format!("not checked: needs {needs}");
        Self { state: State::NotChecked, summary, remedy: None, exit: Exit::Done }
    }
}

/// Returns the exit code of all checks together: that of the first one that failed.
pub fn exit_of(checks: &[Check]) -> Exit {
    checks.iter().find(|check| check.state == State::Failed).map_or(Exit::Done, |check| check.exit)
}

/// For one question; a healthy cluster needs a second.
const LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stage;

    #[test]
    fn a_service_that_answers_with_errors_is_not_said_to_be_silent() {
        let mut checks = Checks::new(&ChecksDone::default());
        assert!(checks.late("to x").summary.starts_with("no answer to x within 30 s"));
        let failed = |reason: &str| Event::Waiting {
            stage: Stage::Settings,
            reason: reason.to_owned().into(),
            delay: Duration::ZERO,
        };
        checks.failure.observe(&failed("x: HTTP 502"));
        checks.failure.observe(&failed("x: HTTP 500"));
        let late = checks.late("to x").summary;
        assert_eq!(late, "no usable answer to x within 30 s and 2 attempts; the last: x: HTTP 500");
        checks.failure.observe(&failed("x: HTTP 500"));
        checks.add("y", Found::ok("fine"));
        assert!(checks.late("to z").summary.starts_with("no answer"), "of another question");
    }
}
