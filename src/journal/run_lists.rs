//! Reading: pages of runs, and the last run of each cluster.

use rusqlite::params;

use crate::journal::error::JournalError;
use crate::journal::reader::{JournalReader, text};
use crate::journal::rows::{RunId, RunRow, VERIFY};

/// What a list of runs needs to know before it reads more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunHead {
    pub id: RunId,
    /// The name of the cluster.
    pub cluster: String,
    pub has_ended: bool,
}

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

    /// Returns the runs that looked at a cluster or pushed to phones, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn run_heads(&self, most: usize) -> Result<Vec<RunHead>, JournalError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let select = "select id, cluster, ended_at is not null from runs where state <> 'pruned' and command <> ?1
                      order by id desc limit ?2";
        self.rows(select, params![VERIFY, most], |row| {
            Ok(RunHead { id: row.get(0)?, cluster: text(row, 1)?, has_ended: row.get(2)? })
        })
    }

    /// Returns the outcome of each phone of a run, as far as it has one, in the words of the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn outcomes_by_phone(&self, run: RunId) -> Result<Vec<(String, String)>, JournalError> {
        let select = "select phone, outcome from phones where run = ?1";
        self.rows(select, [run], |row| Ok((text(row, 0)?, text(row, 1)?)))
    }

    /// Returns the names of the clusters that runs are about.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn clusters(&self) -> Result<Vec<String>, JournalError> {
        let select = "select distinct cluster from runs where state <> 'pruned' order by cluster";
        self.rows(select, [], |row| text(row, 0))
    }

    /// Returns the last run of each cluster that ended with results of phones, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_pushes(&self) -> Result<Vec<RunRow>, JournalError> {
        let select = "select * from runs where id in
                          (select max(id) from runs r where state <> 'pruned' and command <> ?1 and ended_at is not null
                              and exists (select 1 from phones where run = r.id) group by cluster_id)
                      order by id desc";
        self.rows(select, [VERIFY], |row| self.run_row(row))
    }
}
