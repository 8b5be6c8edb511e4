//! Requests to control a run: another process writes them, the process of the run reads them.
//!
//! A request names its run, and the numbers of runs are never used twice: no later run takes it up.

use std::str::FromStr;

use rusqlite::Row;

use crate::journal::error::{JournalError, Problem};
use crate::journal::reader::{JournalReader, optional_time, text, time};
use crate::journal::rows::{ControlRequest, RunId};

impl JournalReader {
    /// Returns the requests that a run has not taken up, in the order in which they were written.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn open_control_requests(&self, run: RunId) -> Result<Vec<ControlRequest>, JournalError> {
        let select = format!("{SELECT} where run = ?1 and taken_at is null order by id");
        self.rows(&select, [run], request)
    }

    /// Returns a request; nothing when there is none of that number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn control_request(&self, id: i64) -> Result<Option<ControlRequest>, JournalError> {
        self.row(&format!("{SELECT} where id = ?1"), [id], request)
    }
}

fn request(row: &Row<'_>) -> Result<ControlRequest, Problem> {
    let result: Option<String> = row.get(7)?;
    Ok(ControlRequest {
        id: row.get(0)?,
        run: row.get(1)?,
        action: word(&text(row, 2)?)?,
        os_user: text(row, 3)?,
        machine: text(row, 4)?,
        requested_at: time(row, 5)?,
        taken_at: optional_time(row, 6)?,
        result: result.map(|result| word(&result)).transpose()?,
    })
}

fn word<T: FromStr<Err = String>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|why| Problem::Unreadable { what: "a control request", why })
}

const SELECT: &str = "select id, run, action, os_user, machine, requested_at, taken_at, result
                        from control_requests";
