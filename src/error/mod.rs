//! How a command ends: its exit code, its message, and what to do next.

pub mod hints;

use std::borrow::Cow;
use std::fmt;
use std::process::ExitCode;

use crate::domain::error_chain::chain;
use crate::net::trace::without_secrets;

/// The exit codes, which scripts rely on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Done; nothing failed.
    Done = 0,
    /// It could not be done: network, cluster fault, files.
    Failed = 1,
    /// Usage or configuration.
    Usage = 2,
    /// Finished, but at least one phone or change failed.
    SomeFailed = 3,
    /// Authentication or authorisation refused.
    Authentication = 4,
    /// Refused: needs `--yes`, stale plan, safety limit.
    Refused = 5,
    /// There is work to do (`--detailed-exitcode`).
    WorkToDo = 6,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// Every exit code, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::SomeFailed,
        Self::Authentication,
        Self::Refused,
        Self::WorkToDo,
        Self::Interrupted,
    ];

    /// Says what it means, for the reference.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; every push is proven",
            Self::Failed => "could not do it: network, cluster fault, files",
            Self::Usage => "usage or configuration",
            Self::SomeFailed => {
                "finished, but at least one phone or change failed or is not proven, or no phone could be pushed to"
            }
            Self::Authentication => "authentication or authorisation refused",
            Self::Refused => {
                "refused: needs `--yes`, stale plan, safety limit, another run works on the cluster"
            }
            Self::WorkToDo => "`audit` or `plan` with `--detailed-exitcode`: there is work to do",
            Self::Interrupted => "interrupted; the state is saved",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that could not do its work.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    message: String,
    hints: Vec<String>,
}

impl CliError {
    /// Makes an error from a message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: safe(&message.into()), hints: Vec::new() }
    }

    /// Makes an error from another one, with everything that caused it.
    pub fn from_error(exit: Exit, error: &dyn std::error::Error) -> Self {
        Self::new(exit, chain(error))
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(safe(&hint.into()));
        self
    }

    /// Adds the command that finishes what was begun, where there is one.
    #[must_use]
    pub fn go_on(self, next: Option<String>) -> Self {
        match next {
            Some(next) => self.hint(format!("go on with `{next}`")),
            None => self,
        }
    }

    /// Says which cluster the error is about.
    #[must_use]
    pub fn within(self, cluster: &str) -> Self {
        Self { message: format!("cluster {cluster:?}: {}", self.message), ..self }
    }

    /// Returns the error in words, as [`Self::within`] would tell it.
    pub fn told_of(&self, cluster: &str) -> String {
        let (exit, message, hints) = (self.exit, self.message.clone(), self.hints.clone());
        Self { exit, message, hints }.within(cluster).to_string()
    }

    /// Returns the message without its hints.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do next.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

/// Returns a message that can be shown: without passwords in addresses, and with lines that can be read. What cannot be
/// understood may be one line of a megabyte, and is often repeated in the words of the library that found it.
fn safe(message: &str) -> String {
    let lines = message.split('\n').map(|line| match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => Cow::Owned(format!("{}…", &line[..end])),
        None => Cow::Borrowed(line),
    });
    without_secrets(&lines.collect::<Vec<_>>().join("\n"))
}

/// How many characters of a line are shown.
const LONGEST_LINE: usize = 1_000;

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}
