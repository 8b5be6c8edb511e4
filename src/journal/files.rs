//! Notices when the files of an open journal are removed or replaced: SQLite goes on writing into a file that has no
//! name any more, and all of it is lost with the last process that has it open.

use std::path::{Path, PathBuf};

use super::error::Problem;

/// The files of an open journal with what tells each from any other file that gets its name.
#[derive(Debug)]
pub(super) struct Files(Vec<(PathBuf, Option<Identity>)>);

/// Device and inode. Other systems than Unix have nothing that can be had so easily; Windows does not allow to remove a
/// file that is open.
type Identity = (u64, u64);

impl Files {
    /// Remembers the files of a journal that has just been opened.
    pub(super) fn of(journal: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut path = journal.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        let files = [journal.to_owned(), beside("-wal"), beside("-shm")];
        Self(files.map(|path| (path.clone(), identity(&path))).into())
    }

    /// Makes sure that they are still there.
    ///
    /// # Errors
    /// Names the first one that is not.
    pub(super) fn check(&mut self) -> Result<(), Problem> {
        for (path, known) in &mut self.0 {
            let now = identity(path);
            match known {
                // SQLite makes the files beside a journal only when it needs them.
                None => *known = now,
                Some(_) if *known == now => {}
                Some(_) => return Err(Problem::Replaced { path: path.clone() }),
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;

    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}
