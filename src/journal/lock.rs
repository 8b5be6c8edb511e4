//! One run at a time changes a cluster.
//!
//! The lock is the operating system's, on a small file beside the journal: it is gone the moment its
//! holder is, however that died. The text in the file only names the holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::Problem;
use crate::domain::text::sanitize_truncate;
use crate::journal::rows::RunId;

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LockOwner {
    /// The name of the operating system's user.
    pub os_user: String,
    pub machine: String,
    pub process: u32,
    pub command: String,
    /// The number of the run, once it has one.
    pub run: Option<RunId>,
    /// Since when.
    pub since: Timestamp,
}

impl LockOwner {
    /// Returns this process, which executes `command`.
    pub fn this_process(command: &str) -> Self {
        let known = |asked: whoami::Result<String>| asked.unwrap_or_else(|_| "unknown".to_owned());
        Self {
            os_user: known(whoami::account()),
            machine: known(whoami::hostname()),
            process: std::process::id(),
            command: command.to_owned(),
            run: None,
            since: Timestamp::now(),
        }
    }

    /// Tells whether another holder is the same process.
    pub fn is_this_process(&self, other: &Self) -> bool {
        (&self.machine, self.process) == (&other.machine, other.process)
    }
}

impl std::fmt::Display for LockOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |text: &str| sanitize_truncate(text, 80);
        write!(
            f,
            "`axlpaper {}` of {} on {} (process {}), since {}",
            word(&self.command),
            word(&self.os_user),
            word(&self.machine),
            self.process,
            self.since.strftime("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}

/// Why the lock of a cluster was not given.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LockError {
    #[error("another run works on this cluster: {}", holder.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string))]
    Held { holder: Option<LockOwner> },
    /// The lock's file cannot be used.
    #[error("cannot use the lock file {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Problem,
    },
}

/// The right to change one cluster, until this is dropped or the process ends.
#[derive(Debug)]
pub struct ClusterLock {
    file: File,
    stale_owner: Option<LockOwner>,
}

impl ClusterLock {
    /// Takes the lock of a cluster, or returns who holds it. Never waits.
    ///
    /// # Errors
    /// When somebody else has it, or the lock file cannot be used.
    pub fn take(journal: &Path, cluster_id: &str, holder: &LockOwner) -> Result<Self, LockError> {
        let path = lock_path(journal, cluster_id);
        let failed =
            |error: std::io::Error| LockError::File { path: path.clone(), source: error.into() };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { holder: read_holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let stale_owner = read_holder(&mut file);
        let mut lock = Self { file, stale_owner };
        lock.name(holder).map_err(failed)?;
        Ok(lock)
    }

    /// Tells whether a process holds the lock of a cluster for this run.
    ///
    /// The lock itself is tried only where the file names the run, so that this never takes it from a process that
    /// begins another one.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn is_held_for(journal: &Path, cluster_id: &str, run: RunId) -> Result<bool, LockError> {
        let names_run = |owner: &LockOwner| owner.run.is_none_or(|held_for| held_for == run);
        match Self::check(journal, cluster_id, names_run) {
            Ok(()) => Ok(false),
            Err(LockError::Held { .. }) => Ok(true),
            Err(error @ LockError::File { .. }) => Err(error),
        }
    }

    /// Makes sure that no process holds the lock of a cluster, and does not take it.
    ///
    /// # Errors
    /// When a process holds it, or the lock file cannot be used.
    pub fn check_free(journal: &Path, cluster_id: &str) -> Result<(), LockError> {
        Self::check(journal, cluster_id, |_| true)
    }

    fn check(
        journal: &Path,
        cluster_id: &str,
        is_meant: impl Fn(&LockOwner) -> bool,
    ) -> Result<(), LockError> {
        let path = lock_path(journal, cluster_id);
        let failed =
            |error: std::io::Error| LockError::File { path: path.clone(), source: error.into() };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if file.metadata().map_err(failed)?.len() == 0 {
            return Ok(());
        }
        // Windows lets no other process read a locked file.
        let holder = read_holder(&mut file);
        if !holder.as_ref().is_none_or(is_meant) {
            return Ok(());
        }
        match file.try_lock_shared() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { holder }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Returns the previous holder, if it did not release the lock.
    pub fn stale_owner(&self) -> Option<&LockOwner> {
        self.stale_owner.as_ref()
    }

    /// Writes the holder into the lock file.
    ///
    /// # Errors
    /// When the lock file cannot be written.
    pub fn name(&mut self, holder: &LockOwner) -> std::io::Result<()> {
        let text = serde_json::to_vec(holder)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.flush()
    }
}

impl Drop for ClusterLock {
    fn drop(&mut self) {
        // An empty file means that the last holder released it. The lock ends when the file is closed.
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(%error, "the lock file keeps the name of its last holder");
        }
    }
}

fn read_holder(file: &mut File) -> Option<LockOwner> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// A cluster's identity can hold anything, a file name cannot.
fn lock_path(journal: &Path, cluster_id: &str) -> PathBuf {
    use base64::Engine as _;
    let digest = Sha256::digest(cluster_id.as_bytes());
    let short = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest[..12]);
    let mut name = journal.as_os_str().to_owned();
    name.push(format!(".{short}.lock"));
    PathBuf::from(name)
}

const MOST_BYTES: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(command: &str) -> LockOwner {
        LockOwner {
            os_user: "ada".into(),
            machine: "ops1".into(),
            process: 42,
            command: command.into(),
            run: Some(7),
            since: Timestamp::from_second(1_790_000_000).unwrap(),
        }
    }

    #[test]
    fn the_second_one_is_told_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.sqlite3");
        let first = ClusterLock::take(&journal, "a/b", &holder("rollout")).unwrap();
        assert!(first.stale_owner().is_none());
        let told = ClusterLock::take(&journal, "a/b", &holder("apply")).unwrap_err().to_string();
        assert_eq!(
            told,
            "another run works on this cluster: `axlpaper rollout` of ada on ops1 (process 42), since 2026-09-21 14:13:20 UTC"
        );
        assert!(ClusterLock::is_held_for(&journal, "a/b", 7).unwrap());
        assert!(!ClusterLock::is_held_for(&journal, "a/b", 8).unwrap(), "another run has it");
        assert!(!ClusterLock::is_held_for(&journal, "b", 7).unwrap());
        // Another cluster is another matter, and a lock that was let go of is free.
        ClusterLock::take(&journal, "b", &holder("apply")).unwrap();
        drop(first);
        assert!(
            ClusterLock::take(&journal, "a/b", &holder("apply")).unwrap().stale_owner().is_none()
        );
    }

    #[test]
    fn a_dead_holder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.sqlite3");
        // What a process leaves that was killed: its words, and no lock.
        std::fs::write(lock_path(&journal, "c"), serde_json::to_vec(&holder("rollout")).unwrap())
            .unwrap();
        assert!(!ClusterLock::is_held_for(&journal, "c", 7).unwrap());
        let lock = ClusterLock::take(&journal, "c", &holder("apply")).unwrap();
        assert_eq!(lock.stale_owner(), Some(&holder("rollout")));
    }

    #[test]
    fn rubbish_in_the_file_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.sqlite3");
        std::fs::write(lock_path(&journal, "c"), "{\"os_user\": \u{1b}").unwrap();
        assert!(ClusterLock::take(&journal, "c", &holder("a")).unwrap().stale_owner().is_none());
    }
}
