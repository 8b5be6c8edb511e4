//! What a run changed on its cluster, and how that is taken back.

use std::path::Path;

use jiff::Timestamp;

use crate::apply::now;
use crate::connect::cluster::{ClusterClients, ClusterSettings};
use crate::domain::inventory::ClusterInfo;
use crate::domain::plan::{Change, CurrentState};
use crate::error::AppError;
use crate::event::ChangeState;
use crate::journal::{JournalError, JournalReader, RunRow};
use crate::plan::{Revert, revert_of};
use crate::rollout::repair;

/// Returns the changes of a run that were made, or may have been.
///
/// # Errors
/// When the journal cannot be read.
pub fn changes_made(history: &JournalReader, run: &RunRow) -> Result<Vec<Change>, JournalError> {
    let rows = history.changes(run.id)?;
    let made = rows.into_iter().filter(|row| row.state != Some(ChangeState::NotApplied));
    Ok(made.map(|row| row.change).collect())
}

/// Reads everything that was changed, and plans how to take it back. `reset` restarts phones whose settings are changed.
///
/// # Errors
/// When the cluster or the journal cannot be read.
pub async fn plan_revert(
    cluster: &ClusterClients,
    connection: &ClusterSettings,
    done: &[Change],
    reset: bool,
    state: &Path,
) -> Result<Revert, AppError> {
    let mut there: Vec<CurrentState> = Vec::with_capacity(done.len());
    for change in done {
        there.push(now(&*cluster.axl, &change.action).await?);
    }
    let info = ClusterInfo {
        name: connection.name.clone(),
        host: cluster.axl.endpoint().to_string(),
        version: cluster.axl.server_version().to_owned(),
        axl_version: cluster.axl.version().as_str().to_owned(),
    };
    let pending_applies = repair::pending_applies(state, connection)?;
    Ok(revert_of(&info, Timestamp::now(), done.iter().zip(&there), &pending_applies, reset))
}
