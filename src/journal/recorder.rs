//! Writes runs, their changes and attempts, and the results.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OpenFlags, Params, params};
use serde::Serialize;

use crate::domain::control::ControlResult;
use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::{Change, Plan};
use crate::domain::time_zone::zone_text;
use crate::domain::words::Words;
use crate::event::{ChangeResult, ChangeState, Download, Outcome, PhoneError, PhoneResult};
use crate::journal::error::{JournalError, Problem};
use crate::journal::rows::{EventKind, EventRow, NewControlRequest, RunId, RunRow, RunState};
use crate::journal::schema;
use crate::journal::writer::Writer;

/// A journal that is open for writing.
#[derive(Clone, Debug)]
pub struct Journal {
    writer: Writer,
    path: PathBuf,
}

/// What is known of a run when it begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The command, such as `rollout`.
    pub command: String,
    /// The command line as it was typed, which holds no secret.
    pub command_line: String,
    pub program: String,
    pub cluster_id: String,
    /// The name of the cluster in documents.
    pub cluster: String,
    /// The publisher, as `host:port`.
    pub host: String,
    pub os_user: String,
    pub machine: String,
    pub process: u32,
    pub continues: Option<RunId>,
    pub reverts: Option<RunId>,
    /// The time zone of this machine.
    pub time_zone: TimeZone,
}

impl NewRun {
    fn header(&self, began_at: Timestamp) -> RunRow {
        RunRow {
            id: 0,
            command: self.command.clone(),
            command_line: self.command_line.clone(),
            program: self.program.clone(),
            cluster_id: self.cluster_id.clone(),
            cluster: self.cluster.clone(),
            host: self.host.clone(),
            os_user: self.os_user.clone(),
            machine: self.machine.clone(),
            continues: self.continues,
            reverts: self.reverts,
            began_at,
            ended_at: None,
            state: RunState::Running,
            is_waiting: false,
            exit_code: None,
            outcomes: Vec::new(),
            subject: None,
            time_zone: self.time_zone.clone(),
        }
    }
}

/// One attempt at one phone, before it is made.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub phone: DeviceName,
    pub ip: std::net::IpAddr,
    pub object: ObjectKind,
    pub digest: String,
    /// Which attempt of this run it is, from 1.
    pub attempt: u32,
    /// The digest that the phone was proven to show before the run pushed to it.
    pub earlier: Option<String>,
    /// The words that are drawn on its picture.
    pub words: Option<AttemptWords>,
}

/// The words of an attempt: what is needed to draw the phone's picture again.
#[derive(Clone, Debug)]
pub struct AttemptWords {
    /// The digest of the picture below.
    pub base: String,
    pub words: Arc<Words>,
}

#[derive(Clone, Debug)]
pub struct AttemptEnd {
    pub outcome: Outcome,
    /// What the phone said, when it refused or answered what cannot be read.
    pub said: Option<PhoneError>,
}

impl Journal {
    /// Opens the journal, makes it where there is none, and makes sure that it can be written.
    ///
    /// # Errors
    /// When it cannot be made, read or written, or is of a newer release.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |problem| JournalError::new("open", path, problem);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
        }
        let connection = connect(path).map_err(failed)?;
        let writer = Writer::start(connection, path.to_owned()).map_err(failed)?;
        Ok(Self { writer, path: path.to_owned() })
    }

    /// Makes a journal in memory, for a dry run. It is gone with its last recorder.
    ///
    /// # Errors
    /// When SQLite cannot make it.
    pub fn in_memory() -> Result<Self, JournalError> {
        let path = PathBuf::from(":memory:");
        let failed = |problem| JournalError::new("open", Path::new(":memory:"), problem);
        let mut connection = Connection::open_in_memory().map_err(|error| failed(error.into()))?;
        schema::migrate(&mut connection).map_err(failed)?;
        // The run that a dry run continues is in the journal on the disk.
        let pragma = connection.pragma_update(None, "foreign_keys", false);
        pragma.map_err(|error| failed(error.into()))?;
        let writer = Writer::start(connection, path.clone()).map_err(failed)?;
        Ok(Self { writer, path })
    }

    /// Makes sure that a run could write its journal there. Creates no journal.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn check_writable(path: &Path) -> Result<(), JournalError> {
        let checked = if path.exists() {
            connect(path)
                .and_then(|connection| Ok(connection.execute_batch("begin immediate; rollback")?))
        } else {
            let folder = path.ancestors().skip(1).find(|folder| folder.exists());
            tempfile::tempfile_in(folder.unwrap_or_else(|| Path::new(".")))
                .map(drop)
                .map_err(Into::into)
        };
        checked.map_err(|problem| JournalError::new("open", path, problem))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn write(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<i64> + Send + 'static,
    ) -> Result<i64, JournalError> {
        self.writer.write(work).await
    }

    /// Writes a request to control a run, and returns its number. The run takes it up.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn request_control(&self, request: NewControlRequest) -> Result<i64, JournalError> {
        let insert =
            "insert into control_requests (run, action, os_user, machine, process, requested_at)
                     values (?1, ?2, ?3, ?4, ?5, ?6)";
        let NewControlRequest { run, action, os_user, machine, process } = request;
        let with = (run, action.as_str(), os_user, machine, process, now());
        self.writer.write(statement(insert, with)).await
    }

    /// Begins a run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn begin(&self, run: NewRun) -> Result<Recorder, JournalError> {
        let began_at = Timestamp::now();
        let mut header = run.header(began_at);
        let insert = "insert into runs (command, command_line, program, cluster_id, cluster, host, os_user, machine,
                         process, continues, reverts, began_at, time_zone)
                     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let with = (
            run.command,
            run.command_line,
            run.program,
            run.cluster_id,
            run.cluster,
            run.host,
            run.os_user,
            run.machine,
            run.process,
            run.continues,
            run.reverts,
            began_at.to_string(),
            zone_text(&run.time_zone, began_at),
        );
        header.id = self.writer.write(statement(insert, with)).await?;
        let (run, header) = (header.id, Arc::new(header));
        Ok(Recorder { writer: self.writer.clone(), path: self.path.clone(), run, header })
    }
}

/// When a screenshot was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    Before,
    After,
}

impl Moment {
    /// Returns what the kind of a kept screenshot begins with, before the phone's name.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Before => "screen before ",
            Self::After => "screen after ",
        }
    }
}

/// Records what one run does. Every call returns when its data is on the disk.
#[derive(Clone, Debug)]
pub struct Recorder {
    writer: Writer,
    path: PathBuf,
    run: RunId,
    header: Arc<RunRow>,
}

impl Recorder {
    /// Returns the row of the run as it was when the run began.
    pub fn header(&self) -> &RunRow {
        &self.header
    }

    pub fn run(&self) -> RunId {
        self.run
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that what was written is still there and that more could be written.
    ///
    /// # Errors
    /// When it is not.
    pub async fn check(&self) -> Result<(), JournalError> {
        self.write("update runs set state = state where id = ?1", [self.run]).await.map(drop)
    }

    /// Keeps a document as it is now, such as the inventory before a change.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn snapshot<T: Serialize + Sync>(
        &self,
        kind: &'static str,
        document: &T,
    ) -> Result<(), JournalError> {
        self.keep_as(kind.to_owned(), self.deflated(document)?).await
    }

    async fn keep_as(&self, kind: String, bytes: Vec<u8>) -> Result<(), JournalError> {
        let insert = "insert into snapshots (run, kind, taken_at, body) values (?1, ?2, ?3, ?4)";
        self.write(insert, (self.run, kind, now(), bytes)).await.map(drop)
    }

    /// Keeps a phone's screenshot.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keep_screen(
        &self,
        phone: &DeviceName,
        moment: Moment,
        file: Vec<u8>,
    ) -> Result<(), JournalError> {
        self.keep_as(format!("{}{phone}", moment.prefix()), file).await
    }

    /// Keeps the plan that is carried out.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn plan(&self, plan: &Plan) -> Result<(), JournalError> {
        let insert = "insert into plans (run, plan_id, fingerprint, body) values (?1, ?2, ?3, ?4)";
        let (id, fingerprint) = (plan.id.clone(), plan.fingerprint.clone());
        self.write(insert, (self.run, id, fingerprint, self.deflated(plan)?)).await.map(drop)
    }

    /// Records that a change begins now. Nothing may be written to the cluster before this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn intend(&self, change: &Change) -> Result<(), JournalError> {
        let insert = "insert into changes (run, number, kind, target, body, intended_at) values (?1, ?2, ?3, ?4, ?5, ?6)";
        let (kind, target) = (change.action.kind(), change.action.subject());
        let with = (self.run, change.id, kind, target, self.json(change)?, now());
        self.write(insert, with).await.map(drop)
    }

    /// Records the result of a change.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn changed(&self, result: &ChangeResult) -> Result<(), JournalError> {
        let state = match result.state {
            ChangeState::Applied => "applied",
            ChangeState::NotApplied => "not_applied",
            ChangeState::Unproven => "unproven",
        };
        let update = "update changes set ended_at = ?3, state = ?4, message = ?5 where run = ?1 and number = ?2";
        let with = (self.run, result.change.id, now(), state, result.message.clone());
        self.write(update, with).await.map(drop)
    }

    /// Records that an attempt at a phone begins now. Nothing may be sent to it before this returns the row, whose end
    /// [`Recorder::tried`] records.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn trying(&self, attempt: Attempt) -> Result<i64, JournalError> {
        let insert =
            "insert into pushes (run, phone, ip, object, digest, attempt, began_at, earlier)
                     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Attempt { phone, ip, object, digest, attempt, earlier, words } = attempt;
        let words = words.map(|with| Ok((digest.clone(), with.base, self.json(&*with.words)?)));
        let words: Option<(String, String, String)> = words.transpose()?;
        let (phone, ip) = (phone.to_string(), ip.to_string());
        let earlier = earlier.unwrap_or_default();
        let with = (self.run, phone, ip, object.as_str(), digest, attempt, now(), earlier);
        let write = move |db: &Connection| {
            if let Some(words) = words {
                let insert = "insert into words (digest, base, body) values (?1, ?2, ?3) on conflict do nothing";
                db.prepare_cached(insert)?.execute(words)?;
            }
            db.prepare_cached(insert)?.insert(with)
        };
        self.writer.write(write).await
    }

    /// Records the reply of a phone that accepted. The caller does not wait; later writes about the attempt come after it.
    pub fn replied(&self, attempt: i64, raw: String) {
        drop(
            self.writer.send(statement("update pushes set raw = ?2 where id = ?1", (attempt, raw))),
        );
    }

    /// Records the end of an attempt that is followed by another one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn tried(&self, attempt: i64, end: AttemptEnd) -> Result<(), JournalError> {
        let at = now();
        self.writer
            .write(move |db| close(db, attempt, &at, end.outcome, end.said.as_ref()))
            .await
            .map(drop)
    }

    /// Records the result of a phone in this run, and the end of its last attempt, where there was one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn ended(
        &self,
        attempt: Option<i64>,
        result: &PhoneResult,
    ) -> Result<(), JournalError> {
        let (run, at, body) = (self.run, now(), self.json(result)?);
        let (name, outcome) = (result.name.as_str().to_owned(), result.outcome);
        let said = result.phone_error.clone();
        self.writer
            .write(move |db| {
                if let Some(attempt) = attempt {
                    close(db, attempt, &at, outcome, said.as_ref())?;
                }
                db.prepare_cached(
                    "insert into phones (run, phone, outcome, body) values (?1, ?2, ?3, ?4)
                     on conflict (run, phone) do update set outcome = ?3, body = ?4",
                )?
                .execute(params![run, name, outcome.as_str(), body])
                .map(|rows| rows as i64)
            })
            .await?;
        Ok(())
    }

    /// Records an event. No caller waits for it, so it may be lost when the journal can no longer be written; nothing
    /// depends on it.
    pub fn note(&self, event: EventRow) {
        let (run, EventRow { at, kind, text }) = (self.run, event);
        drop(self.writer.send(statement(EVENT, (run, at.to_string(), kind.as_str(), text))));
    }

    /// Pins the certificate that a phone showed. Nothing secret may be sent to it before this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn pin(&self, phone: &DeviceName, fingerprint: String) -> Result<(), JournalError> {
        let insert =
            "insert into phone_pins (run, phone, fingerprint, pinned_at) values (?1, ?2, ?3, ?4)";
        self.write(insert, (self.run, phone.to_string(), fingerprint, now())).await.map(drop)
    }

    /// Records an event as [`Recorder::note`] does, together with the next write: it costs no time.
    pub fn note_deferred(&self, kind: EventKind, text: String) {
        self.writer.write_deferred(statement(EVENT, (self.run, now(), kind.as_str(), text)));
    }

    /// Keeps a line of the image server's access log. It is written together with what is written next, at the
    /// latest with the end of the run, and so costs a push no time; nothing depends on it.
    pub fn downloaded(&self, download: &Download) {
        // A document of plain fields can always be written.
        let Ok(body) = serde_json::to_string(download) else { return };
        let with = (self.run, download.at.to_string(), DOWNLOAD, body);
        self.writer.write_deferred(statement(EVENT, with));
    }

    /// Writes that the run has taken a control request up, and with which result.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn control_taken(
        &self,
        request: i64,
        result: ControlResult,
    ) -> Result<(), JournalError> {
        let update = "update control_requests set taken_at = ?2, result = ?3 where id = ?1";
        self.write(update, (request, now(), result.as_str())).await.map(drop)
    }

    /// Ends the run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn end(&self, state: RunState, exit_code: u8) -> Result<(), JournalError> {
        let update = "update runs set ended_at = ?2, state = ?3, exit_code = ?4 where id = ?1";
        self.write(update, (self.run, now(), state.as_str(), exit_code)).await.map(drop)
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Writes, and returns the number of the row that was inserted last.
    pub(super) async fn write(
        &self,
        sql: &'static str,
        with: impl Params + Send + 'static,
    ) -> Result<i64, JournalError> {
        self.writer.write(statement(sql, with)).await
    }

    fn json<T: Serialize>(&self, document: &T) -> Result<String, JournalError> {
        serde_json::to_string(document).map_err(|error| self.unwritable(&error))
    }

    fn deflated<T: Serialize>(&self, document: &T) -> Result<Vec<u8>, JournalError> {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut deflate, document).map_err(|error| self.unwritable(&error))?;
        deflate
            .flush()
            .and_then(|()| deflate.finish())
            .map_err(|error| JournalError::new("write to", &self.path, error.into()))
    }

    fn unwritable(&self, error: &serde_json::Error) -> JournalError {
        JournalError::new("write to", &self.path, Problem::Other(error.to_string()))
    }
}

pub(super) fn now() -> String {
    Timestamp::now().to_string()
}

/// One statement that is written; returns the number of the row that was inserted last.
pub(super) fn statement(
    sql: &'static str,
    with: impl Params + Send + 'static,
) -> impl FnOnce(&Connection) -> rusqlite::Result<i64> + Send + 'static {
    move |db| {
        db.prepare_cached(sql)?.execute(with)?;
        Ok(db.last_insert_rowid())
    }
}

fn close(
    db: &Connection,
    attempt: i64,
    at: &str,
    outcome: Outcome,
    said: Option<&PhoneError>,
) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "update pushes set ended_at = ?2, outcome = ?3, number = ?4, said = ?5, raw = coalesce(?6, raw) where id = ?1",
    )?
    .execute(params![
        attempt,
        at,
        outcome.as_str(),
        said.and_then(|error| error.number),
        said.map(|error| &error.text),
        said.map(|error| &error.raw)
    ])
    .map(|rows| rows as i64)
}

/// Opens a connection that loses nothing.
pub(super) fn connect(path: &Path) -> Result<Connection, Problem> {
    own_file(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // A file of another program is not changed at all.
    schema::inspect(&connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

/// Makes the file where there is none, readable only by its owner: it holds device names and replies.
fn own_file(path: &Path) -> Result<(), Problem> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    Ok(())
}

/// The kind of event that is a line of the access log.
pub(crate) const DOWNLOAD: &str = "download";

const EVENT: &str = "insert into events (run, at, kind, body) values (?1, ?2, ?3, ?4)";

/// How long to wait while another process writes the journal.
const PATIENCE: Duration = Duration::from_secs(20);
