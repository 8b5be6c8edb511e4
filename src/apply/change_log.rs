//! Where changes are written down before they are made, and what came of them.

use crate::domain::plan::Change;
use crate::event::ChangeResult;
use crate::journal::{JournalError, Recorder};

/// A record of changes that outlives this process.
pub trait ChangeLog: Send + Sync {
    /// Says that a change will now be made.
    fn intend(&self, change: &Change) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Says what came of a change.
    fn changed(
        &self,
        result: &ChangeResult,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;
}

impl ChangeLog for Recorder {
    async fn intend(&self, change: &Change) -> Result<(), JournalError> {
        self.intend(change).await
    }

    async fn changed(&self, result: &ChangeResult) -> Result<(), JournalError> {
        self.changed(result).await
    }
}

/// A ledger that forgets everything, for tests of other things.
#[derive(Clone, Copy, Debug)]
pub struct NullChangeLog;

impl ChangeLog for NullChangeLog {
    async fn intend(&self, _: &Change) -> Result<(), JournalError> {
        Ok(())
    }

    async fn changed(&self, _: &ChangeResult) -> Result<(), JournalError> {
        Ok(())
    }
}
