//! Reading: pages of runs, and the last run of each cluster.

use rusqlite::params;

use crate::journal::error::JournalError;
use crate::journal::reader::{JournalReader, text};
use crate::journal::rows::{RunId, RunRow, VERIFY};

impl JournalReader {
    /// Returns the runs of clusters with this name, or of all, that began before another one; the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs_page(
        &self,
        cluster: Option<&str>,
        before: Option<RunId>,
        most: usize,
    ) -> Result<Vec<RunRow>, JournalError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let select = "select * from runs where state <> 'pruned' and (?1 is null or cluster = ?1) and id < ?2
                      order by id desc limit ?3";
        let with = params![cluster, before.unwrap_or(RunId::MAX), most];
        self.rows(select, with, |row| self.run_row(row))
    }

    /// Returns the names of the clusters that runs are about.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn clusters(&self) -> Result<Vec<String>, JournalError> {
        let select = "select distinct cluster from runs where state <> 'pruned' order by cluster";
        self.rows(select, [], |row| text(row, 0))
    }

    /// Returns the last run of each cluster that has results of phones, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_pushes(&self) -> Result<Vec<RunRow>, JournalError> {
        let select = "select * from runs where id in
                          (select max(id) from runs r where state <> 'pruned' and command <> ?1
                              and exists (select 1 from phones where run = r.id) group by cluster_id)
                      order by id desc";
        self.rows(select, [VERIFY], |row| self.run_row(row))
    }
}
