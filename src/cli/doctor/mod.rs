//! Whether everything is there that a rollout needs: one check after the other, none of which changes
//! anything on the cluster.
mod evaluate;

mod checks;

use std::fmt::Write as _;
use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Exit;
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

#[derive(Debug)]
pub struct Checks {
    done: Vec<Check>,
    since: Instant,
}

impl Checks {
    fn new() -> Self {
        Self { done: Vec::new(), since: Instant::now() }
    }

    fn add(&mut self, id: &'static str, found: Found) {
        let took_ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Found { state, summary, remedy, exit } = found;
        self.done.push(Check { id, state, summary, remedy, took_ms, exit });
        self.since = Instant::now();
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

/// The checks for a person: a mark and a word each, so that neither colour nor a font decides.
pub fn shown(checks: &[Check], unicode: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let (mark, plain) = match check.state {
            State::Ok => ("✓", "ok"),
            State::Warning => ("!", "warning"),
            State::Failed => ("✗", "FAILED"),
            State::NotChecked => ("-", "-"),
        };
        let mark = if unicode { format!("{mark} ") } else { String::new() };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{mark}{plain:<8} {:<19} {}", check.id, check.summary);
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "{:>30} {remedy}", "->");
        }
    }
    text
}
