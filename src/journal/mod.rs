//! The record of runs, changes and pushes: one SQLite file that survives `kill -9`.
//!
//! What is attempted stands here before it is attempted, what was learnt before it is told. A row without
//! an end means that nobody knows how that attempt ended: it is read back before it is made again.
//!
//! No password, no cookie and no header ever comes here.
mod pending_applies;
mod reader;
mod recorder;
mod rows;
mod screenshots;

mod documents;
mod error;
mod files;
mod lock;
mod schema;
mod writer;

pub use crate::journal::reader::JournalReader;
pub use crate::journal::recorder::{Attempt, AttemptEnd, Journal, Moment, NewRun, Recorder};
pub use crate::journal::rows::{
    ADDRESSES, AttemptRow, ChangeRow, EventRow, Proven, RunId, RunRef, RunRow, RunState,
};
pub use crate::journal::screenshots::Screen;
pub use documents::{
    ChangeEnd, RunEnd, RunGroup, ScreenCheckRecord, SentFile, SentPicture, SentPictures, SentTone,
    SentTones, SkippedCluster, Subject,
};
pub use error::{JournalError, Problem};
pub use lock::{ClusterLock, LockError, LockOwner};

#[cfg(test)]
mod tests;
