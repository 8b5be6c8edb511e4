//! A run on one cluster in two halves, with the question in between: all that only reads, and all that changes something.

use std::sync::Arc;

use futures::future::FutureExt as _;
use jiff::Timestamp;

use crate::apply::Halt;
use crate::connect::cluster::Cluster;
use crate::connect::{cluster, journal};
use crate::error::AppError;
use crate::event::Observer;
use crate::push::scheduler::{Stop, Stopped};
use crate::report::Rollout;
use crate::rollout::context::{At, ClusterTask, Seen};
use crate::rollout::control::RolloutHandle;
use crate::rollout::execute::Pushed;
use crate::rollout::prepare::{Intent, Ready};
use crate::rollout::result::exit_of;
use crate::rollout::run::Run;
use crate::rollout::{maintenance_window, repair, resume, run_record, undo_file};

/// A run that has read its cluster and is ready to change it.
pub struct PreparedCluster {
    task: ClusterTask,
    run: Run,
    observer: Arc<dyn Observer>,
    assessed: Box<Assessed>,
    intent: Option<Intent>,
    started_at: Timestamp,
}

/// What was seen, and what is at hand.
struct Assessed {
    cluster: Cluster,
    seen: Seen,
    ready: Ready,
}

impl PreparedCluster {
    /// Reads the cluster, plans, and makes everything ready. Nothing is changed, and nothing is sent to a phone.
    ///
    /// # Errors
    /// When any of that cannot be done. The journal has the end of the run then.
    pub async fn prepare(
        task: ClusterTask,
        run: Run,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, AppError> {
        let observer = run.noting(observer);
        let started_at = Timestamp::now();
        // What a future holds is moved with it, and this is much.
        match assess(&task, &run, &observer).boxed().await {
            Ok(assessed) => {
                let Assessed { cluster, seen, ready } = &*assessed;
                let intent = context(&task, cluster, &run, &observer).intent(seen, ready);
                Ok(Self { task, run, observer, assessed, intent, started_at })
            }
            Err(error) => Err(run.fail(error).await),
        }
    }

    /// Returns what is to be changed on the cluster, in lines for people.
    pub fn outline(&self) -> String {
        crate::report::plan_outline(&self.assessed.seen.plan)
    }

    /// Returns what is to be confirmed; nothing where nothing is to be done.
    pub fn intent(&self) -> Option<&Intent> {
        self.intent.as_ref()
    }

    /// Ends the run without having changed anything.
    pub async fn abandon(self, why: AppError) -> AppError {
        self.run.fail(why).await
    }

    /// Changes the cluster and pushes; all of it is in the journal afterwards.
    ///
    /// # Errors
    /// When nothing could be changed. What failed later is in the result.
    pub async fn execute(self, handle: &RolloutHandle) -> Result<Rollout, AppError> {
        let Self { task, run, observer, assessed, started_at, .. } = self;
        let Assessed { cluster, seen, ready } = *assessed;
        let done = async {
            let at = context(&task, &cluster, &run, &observer);
            let stop = Stop {
                schedule: task.request.schedule.clone(),
                // Each cluster has an account of its own for the push user.
                logins: at.logins(&seen)?,
                ..handle.stop()
            };
            change_and_push(&at, seen, ready, &stop, started_at).boxed().await
        };
        let done = done.await;
        run_record::keep_ending(&run, &done).await;
        run.end(done, exit_of).await
    }
}

fn context<'a>(
    task: &'a ClusterTask,
    cluster: &'a Cluster,
    run: &'a Run,
    observer: &'a Arc<dyn Observer>,
) -> At<'a> {
    At {
        task,
        cluster,
        recorder: run.recorder(),
        observer,
        interaction: run.interaction().as_ref(),
    }
}

async fn assess(
    task: &ClusterTask,
    run: &Run,
    observer: &Arc<dyn Observer>,
) -> Result<Box<Assessed>, AppError> {
    let request = &task.request;
    run_record::keep_subject(run.recorder(), request.payload.deed(), &request.payload_name).await?;
    resume::keep(task, run.recorder()).await.map_err(|error| journal::unusable(&error))?;
    let cluster = cluster::connect(&task.connection, run.interaction().as_ref(), observer).await?;
    if let Some(publisher) = repair::publisher(&cluster).await? {
        run.lock_cluster(&publisher)?;
    }
    let at = context(task, &cluster, run, observer);
    let seen = at.look().boxed().await?;
    maintenance_window::check(&request.schedule, &seen.plan, &seen.inventory)?;
    let ready = at.prepare(&seen).boxed().await?;
    Ok(Box::new(Assessed { cluster, seen, ready }))
}

async fn change_and_push(
    at: &At<'_>,
    seen: Seen,
    ready: Ready,
    stop: &Stop,
    started_at: Timestamp,
) -> Result<Rollout, AppError> {
    let request = &at.task.request;
    let changed = at.change(&seen, stop).boxed().await?;
    let (results, changes) = (at.push(&seen, ready, &changed, stop).boxed().await, changed.applied);
    undo_file::leave(at.recorder, &seen.plan, &changes, at.interaction).await;
    let Pushed { phones, already, stopped } = results;
    let interrupted =
        changes.halt == Some(Halt::Interrupted) || stopped == Some(Stopped::Interrupted);
    let refused = matches!(changes.halt, Some(Halt::Refused(_)))
        || matches!(stopped, Some(Stopped::PasswordRefused { .. }));
    let halted = changes.halt.as_ref().filter(|_| !interrupted).map(Halt::to_string);
    let stopped = halted.or_else(|| stopped.as_ref().map(Stopped::told));
    Ok(Rollout {
        run: at.recorder.run(),
        command: request.command_line.clone(),
        deed: request.payload.deed(),
        picture: request.payload_name.clone(),
        started_at,
        finished_at: Timestamp::now(),
        cluster: seen.audit.cluster.clone(),
        audit: Some(seen.audit),
        changes: changes.results,
        already,
        stopped: stopped.or_else(|| interrupted.then(|| Stopped::Interrupted.told())),
        interrupted,
        refused,
        phones,
    })
}
