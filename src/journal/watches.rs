//! What watches keep: a row for each cluster, which each pass overwrites, and the approvals that other processes give.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::control::ControlResult;
use crate::domain::device_name::DeviceName;
use crate::journal::error::{JournalError, Problem};
use crate::journal::lock::{ClusterLock, LockError, LockOwner};
use crate::journal::reader::{JournalReader, json, name, optional_time, text, time};
use crate::journal::recorder::{Journal, now, statement};
use crate::journal::rows::RunId;

/// A watch: the last one that worked on a cluster, whether it still works or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WatchRow {
    pub cluster_id: String,
    /// The name of the cluster in documents.
    pub cluster: String,
    pub os_user: String,
    pub machine: String,
    pub process: u32,
    pub began_at: Timestamp,
    /// When its last pass ended.
    pub passed_at: Option<Timestamp>,
    pub status: WatchStatus,
    /// The phones that could not be served.
    pub retries: Vec<SavedRetry>,
}

/// A phone that could not be served, and when it is tried again.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SavedRetry {
    pub phone: DeviceName,
    /// How often in a row it could not be served.
    pub failures: u32,
    pub retry_at: Timestamp,
    /// A digest of its registration. After another registration it is tried at once.
    pub registration: u64,
}

/// A phone by what people know it by, as a watch saw it last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownPhone {
    pub name: DeviceName,
    pub extension: Option<String>,
    pub description: String,
    pub owner: Option<String>,
    /// Whether it is on the cluster no more.
    pub is_gone: bool,
}

/// How a watch is doing.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default)]
pub struct WatchStatus {
    /// How many passes it has made, also before it was started again.
    pub passes: u64,
    /// When all phones were looked at last.
    pub surveyed_at: Option<Timestamp>,
    /// Phones that are selected.
    pub phones: usize,
    /// Phones that can show what is pushed, and are meant to.
    pub capable: usize,
    /// Phones that are proven to show what they should.
    pub shown: usize,
    /// Phones that only have to register.
    pub offline: usize,
    /// Phones that could not be served, and are tried again later.
    pub failing: usize,
    /// Phones that wait for an approval.
    pub held: usize,
    /// Phones that show another picture than they were proven to show, and are left so.
    pub drifted: usize,
    /// When the screens of some phones were looked at last in their turn.
    pub screens_at: Option<Timestamp>,
    /// Why it pushes to no phone, in words.
    pub stopped: Option<String>,
    /// Why its last pass failed, in words.
    pub error: Option<String>,
    /// Why the cluster does not say what changed, in words; changes are found by surveys alone then.
    pub without_changes: Option<String>,
    /// Its last run.
    pub last_run: Option<RunId>,
}

/// A request of another process to let the phones go on that wait for an approval.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approval {
    pub id: i64,
    pub os_user: String,
    pub machine: String,
    pub taken_at: Option<Timestamp>,
    pub result: Option<ControlResult>,
}

/// Returns the name of the lock that the watch of a cluster holds.
fn lock_id(cluster_id: &str) -> String {
    format!("watch {cluster_id}")
}

/// Takes the lock of the watch of a cluster.
///
/// # Errors
/// When another watch holds it, or the lock file cannot be used.
pub fn lock_watch(
    journal: &Path,
    cluster_id: &str,
    owner: &LockOwner,
) -> Result<ClusterLock, LockError> {
    ClusterLock::take(journal, &lock_id(cluster_id), owner)
}

impl WatchRow {
    /// Returns whether its process still works.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn is_alive(&self, journal: &Path) -> Result<bool, LockError> {
        match ClusterLock::check_free(journal, &lock_id(&self.cluster_id)) {
            Ok(()) => Ok(false),
            Err(LockError::Held { .. }) => Ok(true),
            Err(error @ LockError::File { .. }) => Err(error),
        }
    }
}

impl Journal {
    /// Writes how the watch of a cluster is doing, over what the journal has of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn save_watch(&self, watch: &WatchRow) -> Result<(), JournalError> {
        let insert = "insert or replace into watches (cluster_id, cluster, os_user, machine, process, began_at,
                         passed_at, status, retries) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let failed = |error: serde_json::Error| {
            let why = error.to_string();
            JournalError::new("write to", self.path(), Problem::Unreadable { what: "a watch", why })
        };
        let with = (
            watch.cluster_id.clone(),
            watch.cluster.clone(),
            watch.os_user.clone(),
            watch.machine.clone(),
            watch.process,
            watch.began_at.to_string(),
            watch.passed_at.map(|at| at.to_string()),
            serde_json::to_string(&watch.status).map_err(failed)?,
            serde_json::to_string(&watch.retries).map_err(failed)?,
        );
        self.write(statement(insert, with)).await.map(drop)
    }

    /// Writes phones that the watch of a cluster knows, over what the journal has of them, and forgets others.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn save_known_phones(
        &self,
        cluster_id: String,
        phones: Vec<KnownPhone>,
        forgotten: Vec<DeviceName>,
    ) -> Result<(), JournalError> {
        let write = move |db: &Connection| {
            let mut delete =
                db.prepare_cached("delete from known_phones where cluster_id = ?1 and phone = ?2")?;
            for phone in forgotten {
                delete.execute((&cluster_id, phone.as_str()))?;
            }
            let mut insert = db.prepare_cached(
                "insert or replace into known_phones (cluster_id, phone, extension, description, owner, gone)
                 values (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for phone in phones {
                let KnownPhone { name, extension, description, owner, is_gone } = phone;
                let with = (&cluster_id, name.as_str(), extension, description, owner, is_gone);
                insert.execute(with)?;
            }
            Ok(0)
        };
        self.write(write).await.map(drop)
    }

    /// Writes an approval for the watch of a cluster, and returns its number. The watch takes it up.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn approve_watch(
        &self,
        cluster_id: &str,
        by: &LockOwner,
    ) -> Result<i64, JournalError> {
        let insert = "insert into approvals (cluster_id, os_user, machine, process, requested_at)
                      values (?1, ?2, ?3, ?4, ?5)";
        let with =
            (cluster_id.to_owned(), by.os_user.clone(), by.machine.clone(), by.process, now());
        self.write(statement(insert, with)).await
    }

    /// Writes that the watch has taken an approval up.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn approval_taken(&self, id: i64, result: ControlResult) -> Result<(), JournalError> {
        let update = "update approvals set taken_at = ?2, result = ?3 where id = ?1";
        self.write(statement(update, (id, now(), result.as_str()))).await.map(drop)
    }
}

impl JournalReader {
    /// Returns the watches, by the names of their clusters.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn watches(&self) -> Result<Vec<WatchRow>, JournalError> {
        let select =
            "select cluster_id, cluster, os_user, machine, process, began_at, passed_at, status,
                             retries
                      from watches order by cluster";
        self.rows(select, [], watch)
    }

    /// Returns the phones that the last watch of a cluster knew.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn known_phones(&self, cluster_id: &str) -> Result<Vec<KnownPhone>, JournalError> {
        let select = "select phone, extension, description, owner, gone from known_phones
                      where cluster_id = ?1 order by phone";
        self.rows(select, [cluster_id], |row| {
            Ok(KnownPhone {
                name: name(row)?,
                extension: row.get(1)?,
                description: row.get(2)?,
                owner: row.get(3)?,
                is_gone: row.get(4)?,
            })
        })
    }

    /// Returns the approvals that the watch of a cluster has not taken up.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn open_approvals(&self, cluster_id: &str) -> Result<Vec<Approval>, JournalError> {
        let select = format!("{APPROVALS} where cluster_id = ?1 and taken_at is null order by id");
        self.rows(&select, [cluster_id], approval)
    }

    /// Returns an approval; nothing when there is none of that number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn approval(&self, id: i64) -> Result<Option<Approval>, JournalError> {
        self.row(&format!("{APPROVALS} where id = ?1"), [id], approval)
    }
}

const APPROVALS: &str = "select id, os_user, machine, taken_at, result from approvals";

fn watch(row: &Row<'_>) -> Result<WatchRow, Problem> {
    Ok(WatchRow {
        cluster_id: text(row, 0)?,
        cluster: text(row, 1)?,
        os_user: text(row, 2)?,
        machine: text(row, 3)?,
        process: row.get(4)?,
        began_at: time(row, 5)?,
        passed_at: optional_time(row, 6)?,
        status: json(&text(row, 7)?, "a watch")?,
        retries: json(&text(row, 8)?, "a watch")?,
    })
}

fn approval(row: &Row<'_>) -> Result<Approval, Problem> {
    let result: Option<String> = row.get(4)?;
    let word = |text: String| {
        let read: Result<ControlResult, String> = text.parse();
        read.map_err(|why| Problem::Unreadable { what: "an approval", why })
    };
    Ok(Approval {
        id: row.get(0)?,
        os_user: text(row, 1)?,
        machine: text(row, 2)?,
        taken_at: optional_time(row, 3)?,
        result: result.map(word).transpose()?,
    })
}
