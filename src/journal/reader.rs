//! Reading: what was run, what it changed, and how each phone ended.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::Plan;
use crate::event::{ChangeState, Download, PhoneResult};
use crate::journal::documents::Subject;
use crate::journal::error::{JournalError, Problem};
use crate::journal::recorder::{DOWNLOAD, Moment};
use crate::journal::rows::{
    ADDRESSES, AttemptRow, ChangeRow, EventRow, Proven, RunId, RunRow, Which,
};

/// A journal that is open for reading. It sees what has been written so far, also by a run that goes on.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    path: PathBuf,
}

impl History {
    /// Opens the journal for reading; nothing where there is none yet.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, JournalError> {
        let failed = |problem| JournalError::new("open", path, problem);
        match std::fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection =
            Connection::open_with_flags(path, flags).map_err(|error| failed(error.into()))?;
        // A journal of an earlier release becomes one of this release here too, or says why it cannot.
        crate::journal::schema::migrate(&mut connection).map_err(failed)?;
        connection.pragma_update(None, "query_only", true).map_err(|error| failed(error.into()))?;
        Ok(Some(Self { connection, path: path.to_owned() }))
    }

    /// Returns the runs, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs(&self, most: usize) -> Result<Vec<RunRow>, JournalError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.told((|| {
            let mut select =
                self.connection.prepare("select * from runs order by id desc limit ?1")?;
            let rows = select.query_map([most], |row| Ok(run_row(row)))?;
            rows.map(|row| row?.and_then(|run| self.with_outcomes(run))).collect()
        })())
    }

    /// Returns one run; nothing when there is none of that number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn run(&self, which: Which) -> Result<Option<RunRow>, JournalError> {
        self.told((|| {
            let found = match which {
                Which::Number(id) => {
                    self.connection
                        .query_row("select * from runs where id = ?1", [id], |row| Ok(run_row(row)))
                }
                Which::Last => self.connection.query_row(
                    "select * from runs order by id desc limit 1",
                    [],
                    |row| Ok(run_row(row)),
                ),
            };
            found.optional()?.transpose()?.map(|run| self.with_outcomes(run)).transpose()
        })())
    }

    /// Tells whether a later run went on with this one, or took back what this one was to take back.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn went_on(&self, run: &RunRow) -> Result<bool, JournalError> {
        self.told((|| {
            let mut select = self.connection.prepare_cached(
                "select exists (select 1 from runs where id > ?1 and (continues = ?1 or reverts = ?2))",
            )?;
            Ok(select.query_row(params![run.id, run.reverts], |row| row.get(0))?)
        })())
    }

    /// Returns what a run meant to change, and what came of it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn changes(&self, run: RunId) -> Result<Vec<ChangeRow>, JournalError> {
        self.told((|| {
            let mut select = self.connection.prepare(
                "select body, intended_at, ended_at, state, message from changes where run = ?1 order by number",
            )?;
            let rows = select.query_map([run], |row| {
                Ok((|| {
                    Ok(ChangeRow {
                        change: json(&text(row, 0)?, "a change")?,
                        intended_at: Some(time(row, 1)?),
                        ended_at: optional_time(row, 2)?,
                        state: change_state(row, 3)?,
                        message: get(row, 4)?,
                    })
                })())
            })?;
            rows.map(|row| row?).collect()
        })())
    }

    /// Returns the plan that a run carried out.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn plan(&self, run: RunId) -> Result<Option<Plan>, JournalError> {
        self.told((|| {
            let body: Option<Vec<u8>> = self
                .connection
                .query_row("select body from plans where run = ?1", [run], |row| row.get(0))
                .optional()?;
            body.map(|body| inflated(&body, "a plan")).transpose()
        })())
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
        let select = self.connection.prepare_cached(KEPT).map_err(Problem::from);
        self.told(select.and_then(|select| kept(select, run, kind)))
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
        self.told((|| {
            let mut select =
                self.connection.prepare("select body from phones where run = ?1 order by phone")?;
            let rows = select.query_map([run], |row| row.get::<_, String>(0))?;
            rows.map(|row| json(&row?, "a phone")).collect()
        })())
    }

    /// Returns every attempt of a run, in the order in which they were begun.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn attempts(&self, run: RunId) -> Result<Vec<AttemptRow>, JournalError> {
        self.told((|| {
            let mut select = self.connection.prepare(
                "select phone, ip, digest, attempt, began_at, ended_at, outcome, number, said, raw, object
                   from pushes where run = ?1 order by id",
            )?;
            let rows = select.query_map([run], |row| {
                Ok((|| {
                    Ok(AttemptRow {
                        phone: text(row, 0)?,
                        ip: text(row, 1)?,
                        digest: text(row, 2)?,
                        attempt: get(row, 3)?,
                        began_at: time(row, 4)?,
                        ended_at: optional_time(row, 5)?,
                        outcome: get(row, 6)?,
                        number: get(row, 7)?,
                        said: get(row, 8)?,
                        raw: get(row, 9)?,
                        object: text(row, 10)?,
                    })
                })())
            })?;
            rows.map(|row| row?).collect()
        })())
    }

    /// Returns what each phone of a cluster is proven to show: the digest of the pictures of its last
    /// attempt, where that one ended verified. A later attempt that did not, or whose end nobody knows,
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
    /// # Errors
    /// When the journal cannot be read.
    pub fn proven(
        &self,
        cluster_id: &str,
        object: ObjectKind,
    ) -> Result<HashMap<DeviceName, Proven>, JournalError> {
        self.told((|| {
            let keys = ObjectKind::Keys.as_str();
            let mut select = self.connection.prepare(
                "select p.phone, p.digest, p.run from pushes p inner join runs o on p.run = o.id
                  where p.id = (select max(q.id) from pushes q inner join runs r on q.run = r.id
                                 where q.phone = p.phone and (r.cluster_id in (?1, ?2) or ?1 = ?2)
                                   and q.object in (?3, ?4)
                                   and coalesce(q.outcome, '') not in ('skipped', 'wrong_device')
                                   and (q.object = ?4 or coalesce(q.outcome, '') <> 'unreachable'
                                        or q.digest <> p.digest))
                    and p.outcome = 'verified' and p.object = ?3 and o.cluster_id = ?1",
            )?;
            let rows =
                select.query_map(params![cluster_id, ADDRESSES, object.as_str(), keys], |row| {
                    Ok((row.get::<_, String>(0)?, Proven { digest: row.get(1)?, run: row.get(2)? }))
                })?;
            let mut proven = HashMap::new();
            for row in rows {
                let (name, digest) = row?;
                let name = DeviceName::of_cluster(&name).map_err(|error| Problem::Unreadable {
                    what: "a phone",
                    why: error.to_string(),
                })?;
                proven.insert(name, digest);
            }
            Ok(proven)
        })())
    }

    /// Returns what a person was told while a run went on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn events(&self, run: RunId) -> Result<Vec<EventRow>, JournalError> {
        self.told((|| {
            let mut select = self.connection.prepare(
                "select at, kind, body from events where run = ?1 and kind <> ?2 order by rowid",
            )?;
            let rows = select.query_map(params![run, DOWNLOAD], |row| {
                Ok((|| {
                    Ok(EventRow { at: time(row, 0)?, kind: text(row, 1)?, text: text(row, 2)? })
                })())
            })?;
            rows.map(|row| row?).collect()
        })())
    }

    /// Returns the fingerprints of the certificates that phones are pinned to.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pins(&self) -> Result<HashMap<DeviceName, String>, JournalError> {
        self.told((|| {
            let mut select =
                self.connection.prepare("select phone, fingerprint from phone_pins order by id")?;
            let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
            let mut pins = HashMap::new();
            for row in rows {
                let (name, fingerprint) = row?;
                let name = DeviceName::of_cluster(&name).map_err(|error| Problem::Unreadable {
                    what: "a phone",
                    why: error.to_string(),
                })?;
                pins.insert(name, fingerprint);
            }
            Ok(pins)
        })())
    }

    /// Returns the image server's access log of a run, in the order in which downloads ended.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn downloads(&self, run: RunId) -> Result<Vec<Download>, JournalError> {
        self.told((|| {
            let mut select = self
                .connection
                .prepare("select body from events where run = ?1 and kind = ?2 order by rowid")?;
            let rows = select.query_map(params![run, DOWNLOAD], |row| row.get::<_, String>(0))?;
            let read = |body: String| {
                serde_json::from_str(&body).map_err(|error| Problem::Unreadable {
                    what: "a download",
                    why: error.to_string(),
                })
            };
            rows.map(|row| read(row?)).collect()
        })())
    }

    fn with_outcomes(&self, mut run: RunRow) -> Result<RunRow, Problem> {
        let mut select = self.connection.prepare_cached(
            "select outcome, count(*) from phones where run = ?1 group by outcome order by outcome",
        )?;
        let rows = select.query_map([run.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        run.outcomes = rows.collect::<Result<_, _>>()?;
        let subject = self.connection.prepare_cached(KEPT)?;
        run.subject = kept(subject, run.id, Subject::KIND)?
            .map(|body| inflated(&body, "what a run pushed"))
            .transpose()?;
        Ok(run)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn told<T>(&self, read: Result<T, Problem>) -> Result<T, JournalError> {
        read.map_err(|problem| JournalError::new("read", &self.path, problem))
    }
}

/// The last file of a kind that a run kept.
const KEPT: &str =
    "select body from snapshots where run = ?1 and kind = ?2 order by rowid desc limit 1";

fn kept(
    mut select: CachedStatement<'_>,
    run: RunId,
    kind: &str,
) -> Result<Option<Vec<u8>>, Problem> {
    Ok(select.query_row(params![run, kind], |row| row.get(0)).optional()?)
}

fn run_row(row: &Row<'_>) -> Result<RunRow, Problem> {
    let by_name = |name: &str| row.as_ref().column_index(name);
    Ok(RunRow {
        id: get(row, by_name("id")?)?,
        command: text(row, by_name("command")?)?,
        command_line: text(row, by_name("command_line")?)?,
        program: text(row, by_name("program")?)?,
        cluster_id: text(row, by_name("cluster_id")?)?,
        cluster: text(row, by_name("cluster")?)?,
        host: text(row, by_name("host")?)?,
        os_user: text(row, by_name("os_user")?)?,
        machine: text(row, by_name("machine")?)?,
        continues: get(row, by_name("continues")?)?,
        reverts: get(row, by_name("reverts")?)?,
        began_at: time(row, by_name("began_at")?)?,
        ended_at: optional_time(row, by_name("ended_at")?)?,
        state: text(row, by_name("state")?)?,
        exit_code: get(row, by_name("exit_code")?)?,
        outcomes: Vec::new(),
        subject: None,
    })
}

fn get<T: FromSql>(row: &Row<'_>, at: usize) -> Result<T, Problem> {
    Ok(row.get(at)?)
}

fn text(row: &Row<'_>, at: usize) -> Result<String, Problem> {
    get(row, at)
}

fn time(row: &Row<'_>, at: usize) -> Result<Timestamp, Problem> {
    let text = text(row, at)?;
    text.parse().map_err(|error: jiff::Error| Problem::Unreadable {
        what: "a time",
        why: error.to_string(),
    })
}

fn optional_time(row: &Row<'_>, at: usize) -> Result<Option<Timestamp>, Problem> {
    let there: Option<String> = get(row, at)?;
    there.map(|_| time(row, at)).transpose()
}

fn change_state(row: &Row<'_>, at: usize) -> Result<Option<ChangeState>, Problem> {
    let word: Option<String> = get(row, at)?;
    word.map(|word| json(&format!("\"{word}\""), "how a change ended")).transpose()
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
