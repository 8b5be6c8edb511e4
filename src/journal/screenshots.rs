//! Reading: what phones showed, where a run looked at their screens.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::params;

use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::journal::error::JournalError;
use crate::journal::reader::{JournalReader, name, time};
use crate::journal::recorder::Moment;
use crate::journal::rows::{RunId, VERIFY};

/// A screenshot that a run kept; [`JournalReader::kept`] has its file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Screen {
    /// The kind under which it is kept.
    pub kind: String,
    pub phone: String,
    /// Whether it was taken after the push, not before it.
    pub after: bool,
    /// How long the file is, in bytes.
    pub bytes: usize,
}

impl JournalReader {
    /// Returns the phones of a cluster whose screens showed another picture than they were proven to show, with the digest
    /// of that one. Phones that took a push since are not among them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn drifted(&self, cluster_id: &str) -> Result<HashMap<DeviceName, String>, JournalError> {
        let select = format!("select phone, digest from {DRIFTED}");
        let with = params![cluster_id, ObjectKind::Background.as_str(), VERIFY];
        Ok(self.rows(&select, with, |row| Ok((name(row)?, row.get(1)?)))?.into_iter().collect())
    }

    /// Returns when the phones of a cluster were proven to show a picture, or when a run looked at their screens, whichever
    /// was later.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn looked_at(
        &self,
        cluster_id: &str,
    ) -> Result<HashMap<DeviceName, Timestamp>, JournalError> {
        let select = "select phone, max(at) from (
                          select q.phone, q.ended_at at from pushes q inner join runs r on q.run = r.id
                          where r.cluster_id = ?1 and q.object = ?2 and q.outcome = 'verified'
                          union all
                          select f.phone, r.began_at from phones f inner join runs r on f.run = r.id
                          where r.cluster_id = ?1 and r.command = ?3)
                      where at is not null group by phone";
        let with = params![cluster_id, ObjectKind::Background.as_str(), VERIFY];
        Ok(self.rows(select, with, |row| Ok((name(row)?, time(row, 1)?)))?.into_iter().collect())
    }

    /// Returns which screenshots a run kept: of each phone and moment the last one.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn screens(&self, run: RunId) -> Result<Vec<Screen>, JournalError> {
        // Of rows that are grouped, SQLite gives the one with the highest rowid here (bare columns).
        let select = "select kind, length(body), max(rowid) from snapshots
                  where run = ?1 and (kind like ?2 || '%' or kind like ?3 || '%') group by kind order by kind";
        let moments = params![run, Moment::Before.prefix(), Moment::After.prefix()];
        let screens = self.rows(select, moments, |row| {
            let bytes = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX);
            Ok(screen(row.get(0)?, bytes))
        })?;
        Ok(screens.into_iter().flatten().collect())
    }
}

/// The looks of the command ?3 that found another object of the kind ?2 on phones of the cluster ?1, where no push came after
/// them. Of rows that are grouped, SQLite gives the one with the highest id (bare columns).
pub(super) const DRIFTED: &str = "(select max(q.id) id, q.phone, q.digest, q.outcome, r.command
          from pushes q inner join runs r on q.run = r.id
          where r.cluster_id = ?1 and q.object = ?2
            and (q.outcome is null or q.outcome in ('verified', 'accepted', 'not_shown'))
          group by q.phone)
     where command = ?3 and outcome = 'not_shown'";

fn screen(kind: String, bytes: usize) -> Option<Screen> {
    let (after, phone) = match kind.strip_prefix(Moment::After.prefix()) {
        Some(phone) => (true, phone),
        None => (false, kind.strip_prefix(Moment::Before.prefix())?),
    };
    let phone = phone.to_owned();
    Some(Screen { kind, phone, after, bytes })
}
