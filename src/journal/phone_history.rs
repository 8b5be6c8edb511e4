//! Reading: one phone over all runs.

use rusqlite::params;

use crate::domain::device_name::DeviceName;
use crate::event::PhoneResult;
use crate::journal::error::JournalError;
use crate::journal::reader::{JournalReader, attempt, json, text};
use crate::journal::rows::{AttemptRow, RunId};

impl JournalReader {
    /// Returns the result of a phone in every run that has one, the oldest run first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn results_of(
        &self,
        phone: &DeviceName,
    ) -> Result<Vec<(RunId, PhoneResult)>, JournalError> {
        // The key of `phones` begins with the run, so each run is looked up by itself.
        let select = "select runs.id, phones.body from runs cross join phones
                       where phones.run = runs.id and phones.phone = ?1 order by runs.id";
        self.rows(select, params![phone.as_str()], |row| {
            Ok((row.get(0)?, json(&text(row, 1)?, "a phone")?))
        })
    }

    /// Returns every attempt at a phone with its run, in the order in which they were begun.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn attempts_of(
        &self,
        phone: &DeviceName,
    ) -> Result<Vec<(RunId, AttemptRow)>, JournalError> {
        let select = "select phone, ip, digest, attempt, began_at, ended_at, outcome, number, said, raw, object, run
                        from pushes where phone = ?1 order by id";
        self.rows(select, params![phone.as_str()], |row| Ok((row.get(11)?, attempt(row)?)))
    }
}
