//! The record of runs, changes and pushes: one SQLite file that survives `kill -9`.
//!
//! A change and an attempt are written before they are made, and their result before it is reported. A row without an
//! end means that the result is unknown: it is read back before anything is repeated. Other processes write requests to
//! control a run.
//!
//! No password, cookie or header is ever written.
mod control_requests;
mod pending_applies;
mod phone_history;
mod pictures;
mod prune;
mod reader;
mod recorder;
mod rows;
mod run_lists;
mod screenshots;
mod watches;

mod documents;
mod error;
mod files;
mod lock;
mod schema;
mod writer;

pub use crate::journal::pictures::{KeptPicture, PushedPhone, file_digest};
pub use crate::journal::prune::{KeptBecause, Pruned, prune};
pub use crate::journal::reader::{JournalReader, RESUME_RECORD};
pub use crate::journal::recorder::{
    Attempt, AttemptEnd, AttemptWords, Journal, Moment, NewRun, Recorder,
};
pub use crate::journal::rows::{
    ADDRESSES, AttemptRow, ChangeRow, ControlRequest, EventKind, EventRow, NewControlRequest,
    Proven, RunId, RunRef, RunRow, RunState, VERIFY,
};
pub use crate::journal::run_lists::RunHead;
pub use crate::journal::screenshots::Screen;
pub use crate::journal::watches::{
    Approval, KnownPhone, SavedRetry, WatchRow, WatchStatus, lock_watch,
};
pub use documents::{
    ChangeEnd, Coverage, RunEnd, RunGroup, ScreenCheckRecord, SentFile, SentPicture, SentPictures,
    SentTone, SentTones, SkippedCluster, Subject,
};
pub use error::{JournalError, Problem};
pub use lock::{ClusterLock, LockError, LockOwner};

/// Returns the version of the SQLite that is built in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

#[cfg(test)]
mod tests;
