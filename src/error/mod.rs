//! Errors of the application: what went wrong, and what to do next.

mod hints;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::domain::error_chain::{error_chain, without_os_codes};
use crate::domain::text::quoted;
use crate::journal::RunId;
use crate::net::trace::without_secrets;

pub(crate) use hints::tls_hint;

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
            Self::Done => "done; every push is verified",
            Self::Failed => "could not do it: network, cluster fault, files",
            Self::Usage => "usage or configuration",
            Self::SomeFailed => {
                "finished, but at least one phone or change failed or is not verified, or no phone could be \
                 pushed to"
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

/// What kind of error it is, which decides the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// It could not be done: network, cluster fault, files.
    Failed,
    /// Usage or configuration.
    Usage,
    /// Authentication or authorisation refused.
    Authentication,
    /// Refused: not confirmed, stale plan, safety limit, lock held.
    Refused,
    /// A person answered no.
    Declined,
    /// Interrupted.
    Interrupted,
}

impl ErrorKind {
    /// Returns the exit code of a program that ends with such an error.
    pub fn exit(self) -> Exit {
        match self {
            Self::Failed => Exit::Failed,
            Self::Usage => Exit::Usage,
            Self::Authentication => Exit::Authentication,
            Self::Refused | Self::Declined => Exit::Refused,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// An operation failed: what, why, and what to do next.
///
/// The error of the library that caused it is its [`source`](Error::source), so a caller can downcast to it. The message
/// already contains the text of every source; [`error_chain`] does not repeat it. Unlike the message, a source is not
/// filtered for secrets: decide by it, but show the message.
#[derive(Clone, Debug)]
pub struct AppError {
    kind: ErrorKind,
    message: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
    hints: Vec<String>,
    unfinished: Option<UnfinishedRun>,
}

/// A run that the error left unfinished, or that a previous process did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnfinishedRun {
    /// The file of the journal that holds it.
    pub journal: PathBuf,
    /// Its number.
    pub run: RunId,
}

impl AppError {
    /// Makes an error from a message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = safe(&message.into());
        Self { kind, message, source: None, hints: Vec::new(), unfinished: None }
    }

    /// Makes an error from the one that caused it, which becomes its source. The message is the text of the whole chain.
    pub fn from_error(kind: ErrorKind, source: impl Error + Send + Sync + 'static) -> Self {
        let message = error_chain(&source);
        Self { source: Some(Arc::new(source)), ..Self::new(kind, message) }
    }

    /// Puts what was attempted in front of the message: `{what}: {message}`.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        Self { message: safe(&format!("{what}: {}", self.message)), ..self }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(safe(&hint.into()));
        self
    }

    /// Adds the run that it ended.
    #[must_use]
    pub fn unfinished(self, run: UnfinishedRun) -> Self {
        Self { unfinished: Some(run), ..self }
    }

    /// Returns the run that it ended, where it ended one.
    pub fn unfinished_run(&self) -> Option<&UnfinishedRun> {
        self.unfinished.as_ref()
    }

    /// Says which cluster the error is about.
    #[must_use]
    pub fn within(self, cluster: &str) -> Self {
        self.context(format_args!("cluster {}", quoted(cluster)))
    }

    /// Returns the message without its hints.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do next.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns what kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        self.kind.exit()
    }
}

/// Returns a message that can be shown: without passwords in addresses, and with lines that can be read. What cannot be
/// understood may be one line of a megabyte, and is often repeated in the words of the library that found it.
fn safe(message: &str) -> String {
    let lines = message.split('\n').map(|line| match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => Cow::Owned(format!("{}…", &line[..end])),
        None => Cow::Borrowed(line),
    });
    without_os_codes(&without_secrets(&lines.collect::<Vec<_>>().join("\n")))
}

/// How many characters of a line are shown.
const LONGEST_LINE: usize = 1_000;

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Error for AppError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
