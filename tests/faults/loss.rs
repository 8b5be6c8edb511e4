//! Journals that are lost while they are in use, and backups of them.

use std::path::{Path, PathBuf};

/// How a journal is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// Its file is unlinked.
    Unlinked,
    /// A copy takes its place.
    Replaced,
    /// The write-ahead log beside it is unlinked.
    LogUnlinked,
}

impl Loss {
    /// Loses a journal; false when there is none.
    pub fn strike(self, journal: &Path) -> bool {
        match self {
            Self::Unlinked => std::fs::remove_file(journal).is_ok(),
            Self::Replaced => {
                let copy = journal.with_extension("copy");
                std::fs::copy(journal, &copy).is_ok() && std::fs::rename(&copy, journal).is_ok()
            }
            Self::LogUnlinked => std::fs::remove_file(&files(journal)[1]).is_ok(),
        }
    }
}

/// The files of a journal that is not in use, as they were.
pub struct Backup(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Backup {
    pub fn of(journal: &Path) -> Self {
        Self(files(journal).map(|path| (path.clone(), std::fs::read(path).ok())).into())
    }

    /// Puts the files back, in place of whatever is there.
    pub fn restore(self) {
        for (path, bytes) in &self.0 {
            // It need not be there.
            let _gone = std::fs::remove_file(path);
            if let Some(bytes) = bytes {
                std::fs::write(path, bytes).unwrap();
            }
        }
    }

    /// Removes the files.
    pub fn remove(self) {
        Self(self.0.into_iter().map(|(path, _)| (path, None)).collect()).restore();
    }
}

/// The file, its write-ahead log and the index of that.
fn files(journal: &Path) -> [PathBuf; 3] {
    ["sqlite3", "sqlite3-wal", "sqlite3-shm"].map(|extension| journal.with_extension(extension))
}
