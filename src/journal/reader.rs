//! Reading: what was run, what it changed, and how each phone ended.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, Row, params};
use serde::de::DeserializeOwned;

use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::Plan;
use crate::domain::time_zone::zone_of_text;
use crate::event::{ChangeState, ControlStep, Download, PhoneResult};
use crate::journal::documents::Subject;
use crate::journal::error::{JournalError, Problem};
use crate::journal::lock::ClusterLock;
use crate::journal::recorder::{DOWNLOAD, Moment};
use crate::journal::rows::{
    ADDRESSES, AttemptRow, ChangeRow, EventRow, Proven, RunId, RunRef, RunRow, RunState, VERIFY,
};
use crate::journal::schema;

/// A journal that is open for reading. It sees what has been written so far, also by a run that goes on.
#[derive(Debug)]
pub struct JournalReader {
    connection: Connection,
    path: PathBuf,
}

impl JournalReader {
    /// Opens the journal for reading; nothing where there is none yet.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, JournalError> {
        let failed = |problem| JournalError::new("open", path, problem);
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(failed(Problem::Folder)),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        }
        let connection = match open_shared(path) {
            Err(Problem::ReadOnly) => open_unshared(path),
            opened => opened,
        };
        Ok(Some(Self { connection: connection.map_err(failed)?, path: path.to_owned() }))
    }

    /// Returns the runs, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs(&self, most: usize) -> Result<Vec<RunRow>, JournalError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let select = "select * from runs where state <> 'pruned' order by id desc limit ?1";
        self.rows(select, [most], |row| self.run_row(row))
    }

    /// Returns a number that changes whenever another connection has changed the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn version(&self) -> Result<i64, JournalError> {
        Ok(self.row("pragma data_version", [], |row| Ok(row.get(0)?))?.unwrap_or_default())
    }

    /// Returns one run; nothing when there is none of that number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn run(&self, which: RunRef) -> Result<Option<RunRow>, JournalError> {
        match which {
            RunRef::Number(id) => {
                let select = "select * from runs where id = ?1 and state <> 'pruned'";
                self.row(select, [id], |row| self.run_row(row))
            }
            RunRef::Last => self.last_run(""),
        }
    }

    /// Returns the last run that began to do something, of all commands but one: that has not ended, or that has a plan,
    /// changes or phones. Runs that a wrong option, a declined confirmation or a wrong password ended before count only
    /// where there is no other.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_run(&self, without: &str) -> Result<Option<RunRow>, JournalError> {
        self.last_where("command <> ?1", [without])
    }

    /// Returns the last run of that kind that another run can continue.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_resumable(&self) -> Result<Option<RunRow>, JournalError> {
        let is_resumable =
            "cluster_id <> ?2 and exists (select 1 from snapshots where run = r.id and kind = ?1)";
        self.last_where(is_resumable, [RESUME_RECORD, ADDRESSES])
    }

    fn last_where(
        &self,
        condition: &str,
        with: impl Params,
    ) -> Result<Option<RunRow>, JournalError> {
        let has = |table| format!("exists (select 1 from {table} where run = r.id)");
        let began = ["plans", "changes", "pushes", "phones"].map(has).join(" or ");
        let select = format!(
            "select * from runs r where state <> 'pruned' and {condition}
              order by (ended_at is null or {began}) desc, id desc limit 1"
        );
        self.row(&select, with, |row| self.run_row(row))
    }

    /// Returns the runs that have not ended: those that are running, and those that were killed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn without_end(&self) -> Result<Vec<RunId>, JournalError> {
        let select = "select id from runs where ended_at is null and state <> 'pruned'";
        self.rows(select, [], |row| Ok(row.get(0)?))
    }

    /// Returns the runs on a cluster that began before one of them, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs_before(&self, run: &RunRow, most: usize) -> Result<Vec<RunRow>, JournalError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let select = "select * from runs where cluster_id = ?1 and id < ?2 and state <> 'pruned' order by id desc limit ?3";
        self.rows(select, params![run.cluster_id, run.id, most], |row| self.run_row(row))
    }

    /// Returns whether there was a run of this number, also one that was removed since.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn was_begun(&self, run: RunId) -> Result<bool, JournalError> {
        let select = "select 1 from sqlite_sequence where name = 'runs' and seq >= ?1";
        Ok(self.row(select, [run], |_| Ok(()))?.is_some())
    }

    /// Returns the last run that continued this one, or that reverted the same: changes of the cluster, or pictures. One that ended
    /// before it did anything does not count.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn continued_by(&self, run: &RunRow) -> Result<Option<RunId>, JournalError> {
        let has = |table| format!("exists (select 1 from {table} where run = r.id)");
        let began = ["changes", "pushes", "phones"].map(has).join(" or ");
        let select = format!(
            "select id from runs r where id > ?1 and (ended_at is null or {began})
                and (continues = ?1 or reverts = ?2 and ?3 =
                     exists (select 1 from snapshots where run = r.id and kind = ?4))
              order by id desc limit 1"
        );
        let with = params![run.id, run.reverts, run.subject.is_some(), Subject::KIND];
        self.row(&select, with, |row| Ok(row.get(0)?))
    }

    /// Returns what a run meant to change, and what came of it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn changes(&self, run: RunId) -> Result<Vec<ChangeRow>, JournalError> {
        let select = "select body, intended_at, ended_at, state, message from changes where run = ?1 order by number";
        self.rows(select, [run], |row| {
            Ok(ChangeRow {
                change: json(&text(row, 0)?, "a change")?,
                intended_at: Some(time(row, 1)?),
                ended_at: optional_time(row, 2)?,
                state: change_state(row, 3)?,
                message: row.get(4)?,
            })
        })
    }

    /// Returns the plan that a run carried out.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn plan(&self, run: RunId) -> Result<Option<Plan>, JournalError> {
        self.row("select body from plans where run = ?1", [run], |row| {
            inflated(&row.get::<_, Vec<u8>>(0)?, "a plan")
        })
    }

    /// Returns a document that a run kept, the last one of its kind.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn snapshot<T: DeserializeOwned>(
        &self,
        run: RunId,
        kind: &str,
    ) -> Result<Option<T>, JournalError> {
        let body = self.kept(run, kind)?;
        self.told(body.map(|body| inflated(&body, "a document")).transpose())
    }

    /// Returns one of several files of a kind that a run kept.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn kept_named(
        &self,
        run: RunId,
        kind: &str,
        name: &str,
    ) -> Result<Option<Vec<u8>>, JournalError> {
        self.kept(run, &format!("{kind} {name}"))
    }

    /// Returns a file that a run kept, the last one of its kind.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn kept(&self, run: RunId, kind: &str) -> Result<Option<Vec<u8>>, JournalError> {
        self.row(KEPT, params![run, kind], |row| Ok(row.get(0)?))
    }

    /// Returns the last screenshot of a phone that a run kept of this moment.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn screen(
        &self,
        run: RunId,
        phone: &DeviceName,
        moment: Moment,
    ) -> Result<Option<Vec<u8>>, JournalError> {
        self.kept(run, &format!("{}{phone}", moment.prefix()))
    }

    /// Returns how the phones of a run ended, by name.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn phones(&self, run: RunId) -> Result<Vec<PhoneResult>, JournalError> {
        self.rows("select body from phones where run = ?1 order by phone", [run], |row| {
            json(&text(row, 0)?, "a phone")
        })
    }

    /// Returns every attempt of a run, in the order in which they were begun.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn attempts(&self, run: RunId) -> Result<Vec<AttemptRow>, JournalError> {
        let select = "select phone, ip, coalesce(base, pushes.digest), attempt, began_at, ended_at, outcome, number, said,
                             raw, object
                        from pushes left join words on words.digest = pushes.digest where run = ?1 order by id";
        self.rows(select, [run], attempt)
    }

    /// Returns what each phone of a cluster is proven to show: the digest of the pictures of its last
    /// attempt, where that one ended verified. A later attempt that did not, or whose result is unknown,
    /// takes the proof away.
    ///
    /// Each kind of object is proven by itself. Only key presses may change anything on a phone, so they take
    /// every proof away.
    ///
    /// A phone that did not answer was perhaps not reached, or its answer was lost: it keeps what it was proven to
    /// show only where it was sent that again.
    ///
    /// So does one at the phone's address, whatever came of it: that can have been any cluster's phone, and it
    /// got another picture perhaps. The other way round it is the same.
    ///
    /// A run that only looked at its screen takes the proof away where the screen did not show the content.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn proven(
        &self,
        cluster_id: &str,
        object: ObjectKind,
    ) -> Result<HashMap<DeviceName, Proven>, JournalError> {
        self.proven_before(cluster_id, object, i64::MAX)
    }

    /// Returns what [`Self::proven`] returned before the attempt in this row was made.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) fn proven_before(
        &self,
        cluster_id: &str,
        object: ObjectKind,
        attempt: i64,
    ) -> Result<HashMap<DeviceName, Proven>, JournalError> {
        let proven = self.proven_rows("", "", (cluster_id, object, attempt), |row| {
            Ok((name(row)?, Proven { digest: row.get(1)?, run: row.get(2)? }))
        })?;
        Ok(proven.into_iter().collect())
    }

    /// Returns what [`Self::proven`] returned when a run ended, or before the next one began to push where it made no attempt.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn proven_by(
        &self,
        run: &RunRow,
        object: ObjectKind,
    ) -> Result<HashMap<DeviceName, Proven>, JournalError> {
        let select = "select coalesce((select max(id) + 1 from pushes where run = ?1),
                                      (select min(id) from pushes where run > ?1))";
        let after = self.row(select, [run.id], |row| Ok(row.get::<_, Option<i64>>(0)?))?.flatten();
        self.proven_before(&run.cluster_id, object, after.unwrap_or(i64::MAX))
    }

    /// Returns what [`Self::proven`] does, with the result of each phone in the run that proved it, unless that was removed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn proven_results(
        &self,
        cluster_id: &str,
        object: ObjectKind,
    ) -> Result<Vec<(DeviceName, Proven, Option<PhoneResult>)>, JournalError> {
        let results = "left join phones f on f.run = p.run and f.phone = p.phone";
        self.proven_rows(", f.body", results, (cluster_id, object, i64::MAX), |row| {
            let proven = Proven { digest: row.get(1)?, run: row.get(2)? };
            let result = row.get::<_, Option<String>>(3)?;
            let result = result.map(|result| json(&result, "a phone")).transpose()?;
            Ok((name(row)?, proven, result))
        })
    }

    /// Reads the attempts that prove what phones of a cluster show, before the attempt in a row.
    fn proven_rows<T>(
        &self,
        columns: &str,
        joined: &str,
        (cluster_id, object, attempt): (&str, ObjectKind, i64),
        read: impl Fn(&Row<'_>) -> Result<T, Problem>,
    ) -> Result<Vec<T>, JournalError> {
        let select = format!(
            "select p.phone, p.digest, p.run{columns} from {PROVEN_ATTEMPTS} {joined} where {PROVEN}"
        );
        let (object, keys) = (object.as_str(), ObjectKind::Keys.as_str());
        let with = params![cluster_id, ADDRESSES, object, keys, attempt, VERIFY];
        self.rows(&select, with, read)
    }

    /// Returns the events of a run.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn events(&self, run: RunId) -> Result<Vec<EventRow>, JournalError> {
        let select =
            "select at, kind, body from events where run = ?1 and kind <> ?2 order by rowid";
        self.rows(select, params![run, DOWNLOAD], |row| {
            Ok(EventRow {
                at: time(row, 0)?,
                kind: word(&text(row, 1)?, "the kind of an event")?,
                text: text(row, 2)?,
            })
        })
    }

    /// Returns the fingerprints of the certificates that phones are pinned to.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pins(&self) -> Result<HashMap<DeviceName, String>, JournalError> {
        let select = "select phone, fingerprint from phone_pins order by id";
        let pins = self.rows(select, [], |row| Ok((name(row)?, text(row, 1)?)))?;
        Ok(pins.into_iter().collect())
    }

    /// Returns the image server's access log of a run, in the order in which downloads ended.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn downloads(&self, run: RunId) -> Result<Vec<Download>, JournalError> {
        let select = "select body from events where run = ?1 and kind = ?2 order by rowid";
        self.rows(select, params![run, DOWNLOAD], |row| json(&text(row, 0)?, "a download"))
    }

    /// Reads every row of a query.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) fn rows<T>(
        &self,
        select: &str,
        with: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, Problem>,
    ) -> Result<Vec<T>, JournalError> {
        let all = || {
            let mut select = self.connection.prepare_cached(select)?;
            let rows = select.query_map(with, |row| Ok(read(row)))?;
            rows.map(|row| row?).collect()
        };
        self.told(all())
    }

    /// Reads the first row of a query, where it has one.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) fn row<T>(
        &self,
        select: &str,
        with: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, Problem>,
    ) -> Result<Option<T>, JournalError> {
        Ok(self.rows(select, with, read)?.into_iter().next())
    }

    fn told<T>(&self, read: Result<T, Problem>) -> Result<T, JournalError> {
        read.map_err(|problem| JournalError::new("read", &self.path, problem))
    }

    /// Returns whether no process works any more on a run that has not ended.
    fn is_dead(&self, run: RunId, cluster_id: &str) -> Result<bool, Problem> {
        // Where the lock file cannot be used, the run may be alive.
        if ClusterLock::is_held_for(&self.path, cluster_id, run).unwrap_or(true) {
            return Ok(false);
        }
        // A run writes its end before it gives its lock back, so it may have ended since its row was read.
        let running = "select 1 from runs where id = ?1 and state = 'running'";
        let running = self.connection.query_row(running, [run], |_| Ok(())).optional()?;
        Ok(running.is_some())
    }

    /// Returns whether a run waits for the time at which it starts.
    fn is_waiting(&self, run: RunId) -> Result<bool, Problem> {
        let last = "select kind from events where run = ?1 and kind in (?2, ?3, ?4) order by rowid desc limit 1";
        let [waits, started, aborted] =
            [ControlStep::StartAwaited, ControlStep::StartReached, ControlStep::Aborted]
                .map(ControlStep::as_str);
        let last = self
            .connection
            .query_row(last, params![run, waits, started, aborted], |row| row.get::<_, String>(0));
        Ok(last.optional()?.is_some_and(|kind| kind == waits))
    }

    pub(super) fn run_row(&self, row: &Row<'_>) -> Result<RunRow, Problem> {
        let at = |name: &str| row.as_ref().column_index(name);
        let id = row.get("id")?;
        let mut outcomes = self.connection.prepare_cached(
            "select outcome, count(*) from phones where run = ?1 group by outcome order by outcome",
        )?;
        let outcomes = outcomes.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut subject = self.connection.prepare_cached(KEPT)?;
        let subject: Option<Vec<u8>> =
            subject.query_row(params![id, Subject::KIND], |row| row.get(0)).optional()?;
        let cluster_id: String = row.get("cluster_id")?;
        let mut state = word(&row.get::<_, String>("state")?, "how a run ended")?;
        if state == RunState::Running && self.is_dead(id, &cluster_id)? {
            state = RunState::Killed;
        }
        let is_waiting = state == RunState::Running && self.is_waiting(id)?;
        Ok(RunRow {
            id,
            command: row.get("command")?,
            command_line: row.get("command_line")?,
            program: row.get("program")?,
            cluster_id,
            cluster: row.get("cluster")?,
            host: row.get("host")?,
            os_user: row.get("os_user")?,
            machine: row.get("machine")?,
            continues: row.get("continues")?,
            reverts: row.get("reverts")?,
            began_at: time(row, at("began_at")?)?,
            ended_at: optional_time(row, at("ended_at")?)?,
            state,
            is_waiting,
            exit_code: row.get("exit_code")?,
            outcomes: outcomes.collect::<Result<_, _>>()?,
            subject: subject.map(|body| inflated(&body, "what a run pushed")).transpose()?,
            time_zone: zone_of_text(row.get::<_, Option<String>>("time_zone")?.as_deref()),
        })
    }
}

/// The kind of the document by which a run can be resumed.
pub const RESUME_RECORD: &str = "job";

/// The last file of a kind that a run kept.
const KEPT: &str =
    "select coalesce(p.body, s.body) from snapshots s left join pictures p on p.digest = s.picture
                     where s.run = ?1 and s.kind = ?2 order by s.rowid desc limit 1";

/// Attempts with their runs, for [`PROVEN`].
pub(super) const PROVEN_ATTEMPTS: &str = "pushes p inner join runs o on p.run = o.id";

/// Which attempts prove what phones of the cluster ?1 show of the object ?3, before the attempt ?5. A look at a screen, of
/// the command ?6, proves nothing, and withdraws a proof that the screen contradicts.
pub(super) const PROVEN: &str = "p.id = (select max(q.id) from pushes q inner join runs r on q.run = r.id
                                 where q.phone = p.phone and (r.cluster_id in (?1, ?2) or ?1 = ?2)
                                   and q.object in (?3, ?4) and q.id < ?5
                                   and coalesce(q.outcome, '') not in ('excluded', 'skipped', 'wrong_device')
                                   and (q.object = ?4 or coalesce(q.outcome, '') <> 'unreachable'
                                        or q.digest <> p.digest)
                                   and (r.command <> ?6 or q.outcome = 'not_shown' and q.digest = p.digest))
                    and p.outcome = 'verified' and p.object = ?3 and o.cluster_id = ?1 and o.command <> ?6";

pub(super) fn text(row: &Row<'_>, at: usize) -> Result<String, Problem> {
    Ok(row.get(at)?)
}

/// Reads an attempt from the columns that a row begins with.
pub(super) fn attempt(row: &Row<'_>) -> Result<AttemptRow, Problem> {
    Ok(AttemptRow {
        phone: text(row, 0)?,
        ip: text(row, 1)?,
        digest: text(row, 2)?,
        attempt: row.get(3)?,
        began_at: time(row, 4)?,
        ended_at: optional_time(row, 5)?,
        outcome: row.get(6)?,
        number: row.get(7)?,
        said: row.get(8)?,
        raw: row.get(9)?,
        object: text(row, 10)?,
    })
}

/// The name of the phone that a row begins with.
pub(super) fn name(row: &Row<'_>) -> Result<DeviceName, Problem> {
    DeviceName::of_cluster(&text(row, 0)?)
        .map_err(|error| Problem::Unreadable { what: "a phone", why: error.to_string() })
}

pub(super) fn time(row: &Row<'_>, at: usize) -> Result<Timestamp, Problem> {
    let text = text(row, at)?;
    text.parse().map_err(|error: jiff::Error| Problem::Unreadable {
        what: "a time",
        why: error.to_string(),
    })
}

pub(super) fn optional_time(row: &Row<'_>, at: usize) -> Result<Option<Timestamp>, Problem> {
    let there: Option<String> = row.get(at)?;
    there.map(|_| time(row, at)).transpose()
}

pub(super) fn change_state(row: &Row<'_>, at: usize) -> Result<Option<ChangeState>, Problem> {
    let state: Option<String> = row.get(at)?;
    state.map(|state| word(&state, "how a change ended")).transpose()
}

/// Reads a value of an enum that the journal keeps as a bare word.
fn word<T: DeserializeOwned>(word: &str, what: &'static str) -> Result<T, Problem> {
    json(&format!("\"{word}\""), what)
}

pub(crate) fn json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::Unreadable { what, why: error.to_string() })
}

fn inflated<T: DeserializeOwned>(body: &[u8], what: &'static str) -> Result<T, Problem> {
    let mut text = Vec::new();
    ZlibDecoder::new(body).take(MOST_BYTES).read_to_end(&mut text)?;
    serde_json::from_slice(&text)
        .map_err(|error| Problem::Unreadable { what, why: error.to_string() })
}

/// A damaged document must not fill the memory.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Opens a journal that other processes can write meanwhile. SQLite needs files beside it for that.
fn open_shared(path: &Path) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    // A journal of an earlier release becomes one of this release here too, or says why it cannot.
    schema::migrate(&mut connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens a journal in a folder that this user may not write. No process may be using it: what it has not yet written
/// into the file itself would be missing.
fn open_unshared(path: &Path) -> Result<Connection, Problem> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(Problem::ReadOnly);
    }
    let whole = std::path::absolute(path)?;
    let mut url = reqwest::Url::from_file_path(whole).map_err(|()| Problem::ReadOnly)?;
    url.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let mut connection = Connection::open_with_flags(url.as_str(), flags)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}
