//! The task of a job that takes back what a run changed on its cluster.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::connect::cluster::ClusterSettings;
use crate::connect::journal::history;
use crate::console::jobs::observer::JobObserver;
use crate::console::jobs::review::of_revert;
use crate::console::jobs::task::{Work, ended};
use crate::console::sessions::MARK;
use crate::domain::plan::Change;
use crate::error::{AppError, ErrorKind};
use crate::event::Observer;
use crate::interaction::Interaction;
use crate::journal::RunRow;
use crate::rollout::change_run::{ChangeRun, PreparedChanges};
use crate::rollout::revert::{changes_made, plan_revert};

/// Takes back what a run changed.
pub(super) async fn revert(
    work: &Work,
    run: &RunRow,
    interaction: &Arc<dyn Interaction>,
) -> Result<(), AppError> {
    let prepared = tokio::select! {
        () = work.stop.cancelled() => return Err(ended()),
        prepared = Box::pin(prepare(work, run, interaction)) => prepared?,
    };
    let prepared = Box::pin(prepared.confirm()).await?;
    work.job.works();
    Box::pin(prepared.execute(&work.job.handle)).await.map(drop)
}

async fn prepare(
    work: &Work,
    run: &RunRow,
    interaction: &Arc<dyn Interaction>,
) -> Result<PreparedChanges, AppError> {
    let Work { job, command, reader, journal, .. } = work;
    let command_line = reader.command_line(command);
    job.name(format!("revert run {}", run.id), command_line.clone());
    let (done, connection) = read(work, run).await?;
    if done.is_empty() {
        let error = format!("run {} changed nothing on the cluster; nothing to revert", run.id);
        return Err(AppError::new(ErrorKind::Refused, error));
    }
    let by = format!("{}{MARK}", job.by);
    let change_run = ChangeRun::reverting(run.id, command_line, by);
    let observer: Arc<dyn Observer> =
        Arc::new(JobObserver { job: Arc::clone(job), cluster: String::new() });
    let begun = change_run.begin(&connection, journal, interaction, observer).await?;
    let revert = plan_revert(begun.cluster(), &connection, &done, false, journal).await;
    let (plan, left) = match revert {
        Ok(revert) => (Ok(revert.plan), revert.left),
        Err(error) => (Err(error), Vec::new()),
    };
    let prepared = begun.prepare(plan).await?;
    job.keep_reviews(vec![of_revert(&connection.name, prepared.number(), prepared.plan(), left)]);
    Ok(prepared)
}

/// Reads what the run changed, and how its cluster is reached.
async fn read(work: &Work, run: &RunRow) -> Result<(Vec<Change>, ClusterSettings), AppError> {
    let (journal, run, command) = (work.journal.clone(), run.clone(), work.command.clone());
    let reader = Arc::clone(&work.reader);
    let read = spawn_blocking(move || {
        let done = changes_made(&history(&journal)?, &run)?;
        Ok((done, reader.connection(&command)?))
    });
    read.await.unwrap_or_else(|error| Err(AppError::from_error(ErrorKind::Failed, error)))
}
