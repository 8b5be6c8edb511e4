//! Keeps every exchange with the cluster, with phones and with other people's web servers in a folder, for a
//! support case.
//!
//! What is secret is blanked before anything is written: see [`redact()`]; in addresses too. An exchange never waits
//! for the disk: a thread of its own writes, and what it cannot keep up with is left out and counted. A disk
//! that takes no more ends the trace, not the run.
//!
//! There is one trace in a process, as there is one log, because what is to be kept comes from clients that
//! know nothing of each other.
mod address;
mod exchange;
mod guard;
mod queue;
mod redact;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::HeaderMap;

pub use crate::net::trace::writer::{Trace, TraceSummary};
pub use address::{without_login, without_secrets};
pub use exchange::Request;
pub use guard::ExchangeGuard;
pub use redact::{HIDDEN, redact};

static TRACE: OnceLock<Trace> = OnceLock::new();

/// Starts the trace of this process in a new folder inside `folder`, and returns where that is.
///
/// # Errors
/// When the folder cannot be made, or a trace was started before.
pub fn start(folder: &Path) -> io::Result<PathBuf> {
    let trace = Trace::start(folder)?;
    let path = trace.path().to_owned();
    TRACE.set(trace).map_err(|_| io::Error::other("a trace was started before"))?;
    Ok(path)
}

/// Watches an exchange, where there is a trace; `request` is asked for only then.
pub fn watch(request: impl FnOnce() -> Request) -> ExchangeGuard {
    match TRACE.get() {
        Some(trace) => trace.watch(request()),
        None => ExchangeGuard::off(),
    }
}

/// Keeps a text out of the trace.
pub fn hide(secret: &str) {
    if let Some(trace) = TRACE.get() {
        trace.hide(secret);
    }
}

/// Writes what is still to be written, for `limit` at most, and returns what was kept. Nothing where there is
/// no trace.
pub fn finish(limit: Duration) -> Option<TraceSummary> {
    TRACE.get().map(|trace| trace.finish(limit))
}

/// Returns the operation that a `SOAPAction` header names.
pub(super) fn operation_of(headers: &HeaderMap) -> Option<String> {
    let action = headers.get("soapaction").and_then(|value| value.to_str().ok())?;
    action.trim_matches('"').split(' ').next_back().map(str::to_owned)
}
