//! Why the journal cannot be used.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

/// The journal could not be opened, written or read. Nothing may be changed anywhere without it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {doing} the journal {}", path.display())]
pub struct JournalError {
    /// What was tried, as a verb: `open`, `write to`, `read`.
    pub doing: &'static str,
    pub path: PathBuf,
    #[source]
    pub problem: Problem,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Problem {
    /// It was written by a later release.
    #[error(
        "it was written by a newer axlpaper (its format is {found}, this program knows {known})"
    )]
    Newer {
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// It is a database of another program.
    #[error("it is a database, but not a journal of axlpaper")]
    Foreign,
    /// It is no database, or a damaged one.
    #[error("it is damaged, or no journal at all: {0}")]
    Damaged(String),
    /// It may not be written.
    #[error("it may not be written")]
    ReadOnly,
    #[error("there is no room left on its disk")]
    Full,
    #[error("it is a folder")]
    Folder,
    /// Its file, or one of those beside it, is not the one any more that was opened.
    #[error("it was removed or replaced while it was in use: {}", path.display())]
    Replaced { path: PathBuf },
    /// Another process has kept it to itself for too long.
    #[error("another process does not let go of it")]
    Busy,
    /// The folder or the file itself cannot be used.
    #[error("{0}")]
    File(Arc<io::Error>),
    /// Something in it cannot be understood.
    #[error("its entry for {what} cannot be read: {why}")]
    Unreadable { what: &'static str, why: String },
    #[error("its writer has stopped")]
    Stopped,
    #[error("{0}")]
    Other(String),
}

impl JournalError {
    pub(super) fn new(doing: &'static str, path: &Path, problem: Problem) -> Self {
        Self { doing, path: path.to_owned(), problem }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        let is = |kinds: &[io::ErrorKind]| kinds.contains(&error.kind());
        if is(&[
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ]) {
            Self::Full
        } else if is(&[io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied]) {
            Self::ReadOnly
        } else if is(&[io::ErrorKind::IsADirectory]) {
            Self::Folder
        } else {
            Self::File(Arc::new(error))
        }
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error() else { return Self::Other(error.to_string()) };
        let is = |codes: &[ErrorCode]| codes.contains(&code.code);
        if is(&[ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked]) {
            Self::Busy
        } else if is(&[ErrorCode::ReadOnly, ErrorCode::CannotOpen, ErrorCode::PermissionDenied]) {
            Self::ReadOnly
        } else if is(&[ErrorCode::DiskFull]) || code.extended_code == IOERR_WRITE {
            // A limit of the file's size ends in a failed write, not in a full disk.
            Self::Full
        } else if is(&[ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase]) {
            Self::Damaged(error.to_string())
        } else {
            Self::Other(error.to_string())
        }
    }
}

/// `SQLITE_IOERR_WRITE` (SQLite's list of result codes).
const IOERR_WRITE: i32 = 778;
