//! Reading: what phones showed, where a run looked at their screens.

use rusqlite::params;

use crate::journal::error::JournalError;
use crate::journal::reader::JournalReader;
use crate::journal::recorder::Moment;
use crate::journal::rows::RunId;

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

fn screen(kind: String, bytes: usize) -> Option<Screen> {
    let (after, phone) = match kind.strip_prefix(Moment::After.prefix()) {
        Some(phone) => (true, phone),
        None => (false, kind.strip_prefix(Moment::Before.prefix())?),
    };
    let phone = phone.to_owned();
    Some(Screen { kind, phone, after, bytes })
}
