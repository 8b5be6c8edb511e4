//! The task of a job: prepares, waits for the confirmation, executes.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::console::jobs::interaction::Browser;
use crate::console::jobs::observer::JobObserver;
use crate::console::jobs::revert::revert;
use crate::console::jobs::review::describe;
use crate::console::jobs::task::{Kind, Work, ended};
use crate::console::sessions::MARK;
use crate::domain::device_name::DeviceName;
use crate::error::{AppError, ErrorKind};
use crate::event::Observer;
use crate::interaction::Interaction;
use crate::rollout::multi_cluster::{self, PreparedRollout};
use crate::rollout::request::Scope;

/// Works on a job until it has ended.
pub(super) async fn work(work: Work) {
    let job = Arc::clone(&work.job);
    let errors = Box::pin(carry_out(work)).await.unwrap_or_else(|error| vec![error]);
    for error in &errors {
        tracing::info!(
            job = job.id,
            by = job.by,
            error = error.message(),
            "a rollout of the console failed"
        );
    }
    job.ended(errors);
}

async fn carry_out(work: Work) -> Result<Vec<AppError>, AppError> {
    let Work { job, confirm_within, stop, .. } = &work;
    let (confirm_within, stop) = (*confirm_within, stop.clone());
    let interaction: Arc<dyn Interaction> =
        Arc::new(Browser { job: Arc::clone(job), confirm_within, stop: stop.clone() });
    let only = match &work.kind {
        Kind::Rollout(only) => only.as_deref(),
        Kind::Revert(run) => return revert(&work, run, &interaction).await.map(|()| Vec::new()),
    };
    let prepared = tokio::select! {
        () = stop.cancelled() => return Err(ended()),
        prepared = Box::pin(prepare(&work, only, &interaction)) => prepared?,
    };
    job.keep_reviews(describe(&prepared)?);
    let prepared = Box::pin(prepared.confirm()).await?;
    job.works();
    let results = Box::pin(prepared.execute(&job.handle)).await;
    let several = results.len() > 1;
    let errors = results.into_iter().filter_map(|one| {
        let error = one.result.err()?;
        Some(if several { error.within(&one.name) } else { error })
    });
    Ok(errors.collect())
}

async fn prepare(
    work: &Work,
    only: Option<&[DeviceName]>,
    interaction: &Arc<dyn Interaction>,
) -> Result<PreparedRollout, AppError> {
    let Work { job, command, reader, .. } = work;
    let (reader, command, asks) = (Arc::clone(reader), command.clone(), Arc::clone(interaction));
    let read = spawn_blocking(move || reader.request(&command, asks.as_ref())).await;
    let read = read.unwrap_or_else(|error| Err(AppError::from_error(ErrorKind::Failed, error)));
    let Some((mut request, scope)) = read? else {
        let error = "nothing is left to do in that run: no phone failed, and none is pending";
        return Err(AppError::new(ErrorKind::Refused, error));
    };
    job.name(format!("{} {}", request.command, request.payload_name), request.command_line.clone());
    request.on_behalf_of = Some(format!("{}{MARK}", job.by));
    if let Some(only) = only {
        let listed = request.selector.listed.get_or_insert_with(|| only.to_vec());
        listed.retain(|name| only.contains(name));
        if listed.is_empty() {
            let error = "none of these phones is left to do in that run";
            return Err(AppError::new(ErrorKind::Refused, error));
        }
    }
    let several = matches!(&scope, Scope::Clusters(clusters) if clusters.len() > 1);
    let of_job = Arc::clone(job);
    let observers = move |name: &str| -> Arc<dyn Observer> {
        let cluster = if several { name.to_owned() } else { String::new() };
        Arc::new(JobObserver { job: Arc::clone(&of_job), cluster })
    };
    multi_cluster::prepare(request, scope, interaction, &observers).await
}
