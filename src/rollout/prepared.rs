//! A run on one cluster in two halves, with the question in between: all that only reads, and all that changes something.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::FutureExt as _;
use jiff::Timestamp;

use crate::apply::Halt;
use crate::connect::cluster::{self, ClusterClients};
use crate::domain::audit::Audit;
use crate::error::AppError;
use crate::event::Observer;
use crate::journal::{ChangeEnd, RunEnd};
use crate::push::scheduler::{StopReason, StopSignals};
use crate::report::{RunReport, RunReportBuilder, change_rows};
use crate::rollout::cluster_task::{Assessment, ClusterTask};
use crate::rollout::context::{Confirmation, PushResults, PushSetup, RunContext};
use crate::rollout::control::RolloutHandle;
use crate::rollout::dry_run::{self, DryRun};
use crate::rollout::request::RolloutRequest;
use crate::rollout::result::exit_of;
use crate::rollout::run::{Run, same_publisher};
use crate::rollout::{
    accounts, maintenance_window, push_common, repair, resume, run_record, undo_file,
};

/// A run that has read its cluster and is ready to change it.
pub struct PreparedCluster {
    task: ClusterTask,
    run: Run,
    observer: Arc<dyn Observer>,
    assessed: Box<Assessed>,
    intent: Option<Confirmation>,
}

/// What was seen, and what is at hand.
struct Assessed {
    cluster: ClusterClients,
    /// The UUID of the publisher.
    publisher: Option<String>,
    assessment: Assessment,
    ready: PushSetup,
}

impl PreparedCluster {
    /// Reads the cluster, plans, and makes everything ready. Nothing is changed, and nothing is sent to a phone.
    ///
    /// # Errors
    /// When any of that cannot be done. The journal has the end of the run then.
    pub async fn prepare(
        mut task: ClusterTask,
        run: Run,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, AppError> {
        let observer = run.journal_observer(observer);
        // What a future holds is moved with it, and this is much.
        match assess(&mut task, &run, &observer).boxed().await {
            Ok(assessed) => {
                let Assessed { cluster, assessment, ready, .. } = &*assessed;
                let intent = context(&task, cluster, &run, &observer).intent(assessment, ready);
                Ok(Self { task, run, observer, assessed, intent })
            }
            Err(error) => Err(run.fail(error).await),
        }
    }

    /// Returns what is to be changed on the cluster and which phones are pushed to, in lines for people.
    pub fn outline(&self) -> String {
        let Assessed { assessment, ready, .. } = &*self.assessed;
        let plan = Some(&assessment.plan).filter(|plan| !plan.changes.is_empty());
        let changes = plan.map(crate::report::plan_outline).unwrap_or_default();
        let ClusterTask { request, connection, .. } = &self.task;
        let push = push_common::outline(&ready.targets, &connection.push_access, &request.options);
        format!("{changes}{push}")
    }

    /// Returns what is to be done, what was found, and what is ready.
    pub(super) fn prepared(&self) -> (&RolloutRequest, &Assessment, &PushSetup) {
        let Assessed { assessment, ready, .. } = &*self.assessed;
        (&self.task.request, assessment, ready)
    }

    /// Returns the run in the journal.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Returns what is to be confirmed; nothing where nothing is to be done.
    pub fn intent(&self) -> Option<&Confirmation> {
        self.intent.as_ref()
    }

    /// Returns what the run would do. Its image server ends with it. A dry run takes no locks, so `publishers` has those
    /// of the clusters before.
    pub fn dry_run(self, publishers: &mut HashSet<String>) -> DryRun<Audit> {
        let Assessed { publisher, assessment, ready, .. } = *self.assessed;
        let again = publisher.filter(|publisher| !publishers.insert(publisher.to_lowercase()));
        let refused = self.run.refusal().or_else(|| again.as_deref().map(same_publisher));
        dry_run::of(&self.task.request, assessment, &ready, refused)
    }

    /// Ends the run without having changed anything.
    pub async fn abandon(self, why: AppError) -> AppError {
        self.run.fail(why).await
    }

    /// Changes the cluster and pushes; all of it is in the journal afterwards.
    ///
    /// # Errors
    /// When nothing could be changed. What failed later is in the result.
    pub async fn execute(self, handle: &RolloutHandle) -> Result<RunReport, AppError> {
        let Self { task, run, observer, assessed, .. } = self;
        let Assessed { cluster, assessment, ready, .. } = *assessed;
        let done = async {
            let at = context(&task, &cluster, &run, &observer);
            let stop = StopSignals {
                schedule: task.request.schedule.clone(),
                // Each cluster has an account of its own for the push user.
                logins: at.logins(&assessment)?,
                addresses: at.addresses(&assessment),
                ..run.stop_signals(handle)
            };
            change_and_push(&at, assessment, ready, &stop, run.report()).boxed().await
        };
        let done = done.await;
        run_record::keep_ending(&run, &done).await;
        run.end(done, exit_of).await
    }
}

fn context<'a>(
    task: &'a ClusterTask,
    cluster: &'a ClusterClients,
    run: &'a Run,
    observer: &'a Arc<dyn Observer>,
) -> RunContext<'a> {
    RunContext {
        task,
        cluster,
        recorder: run.recorder(),
        observer,
        interaction: run.interaction().as_ref(),
    }
}

async fn assess(
    task: &mut ClusterTask,
    run: &Run,
    observer: &Arc<dyn Observer>,
) -> Result<Box<Assessed>, AppError> {
    keep_subject(task, run).await?;
    resume::keep(task, run.recorder()).await?;
    let cluster = match &task.surveyed {
        Some(surveyed) => surveyed.clients.clone(),
        None => cluster::connect(&task.connection, run.interaction().as_ref(), observer).await?,
    };
    let publisher = repair::publisher(&cluster).await?;
    if let Some(publisher) = &publisher {
        run.lock_cluster(publisher)?;
    }
    let assessment = context(task, &cluster, run, observer).assess().boxed().await?;
    if task.name_payload(&assessment.audit) {
        keep_subject(task, run).await?;
    }
    let request = &task.request;
    if request.selector.is_limited() {
        resume::keep_selection(task, &assessment.inventory.phones, run.recorder()).await?;
    }
    if !assessment.plan.changes.is_empty() {
        accounts::check_writable(&cluster.axl).await.or_else(|error| run.refuse(error))?;
    }
    let window =
        maintenance_window::check(&request.schedule, &assessment.plan, &assessment.inventory);
    window.or_else(|error| run.refuse(error))?;
    let ready = context(task, &cluster, run, observer).prepare(&assessment).boxed().await?;
    Ok(Box::new(Assessed { cluster, publisher, assessment, ready }))
}

async fn keep_subject(task: &ClusterTask, run: &Run) -> Result<(), AppError> {
    let RolloutRequest { payload, payload_name, repair, .. } = &*task.request;
    let (recorder, action) = (run.recorder(), payload.action());
    run_record::keep_subject(recorder, action, payload_name, repair.is_some()).await
}

async fn change_and_push(
    at: &RunContext<'_>,
    assessment: Assessment,
    ready: PushSetup,
    stop: &StopSignals,
    report: &RunReportBuilder,
) -> Result<RunReport, AppError> {
    let request = &at.task.request;
    // A run that is killed later has no other record of them.
    let already = ready.already.values();
    push_common::write_down(at.recorder, already, at.observer.as_ref()).await;
    // A run that ends while it waits goes on with a signal to stop, so that each phone gets its result.
    drop(stop.start(at.observer.as_ref()).await);
    let changed = at.change(&assessment, stop).boxed().await?;
    let (results, changes) =
        (at.push(&assessment, ready, &changed, stop).boxed().await, changed.applied);
    undo_file::leave(at.recorder, &assessment.plan, &changes, at.interaction).await;
    let PushResults { phones, coverage, stopped } = results;
    let interrupted =
        changes.halt == Some(Halt::Interrupted) || stopped == Some(StopReason::Interrupted);
    let refused = matches!(changes.halt, Some(Halt::Refused(_)))
        || matches!(stopped, Some(StopReason::PasswordRefused { .. }));
    let no_downloads = matches!(stopped, Some(StopReason::NoDownloads { .. }));
    let halted = changes.halt.as_ref().filter(|_| !interrupted).map(Halt::to_string);
    let stopped = halted.or_else(|| stopped.as_ref().map(StopReason::describe));
    let ending = RunEnd {
        stopped: stopped.or_else(|| interrupted.then(|| StopReason::Interrupted.describe())),
        coverage,
        interrupted,
        refused,
        no_downloads,
        finished_at: Some(Timestamp::now()),
        changes: changes.results.iter().map(ChangeEnd::from).collect(),
        ..RunEnd::default()
    };
    let report = RunReport {
        audit: Some(assessment.audit),
        changes: change_rows(changes.results),
        ending: Some(ending),
        phones,
        ..report.report(request.payload.action(), &request.payload_name, request.repair.is_some())
    };
    Ok(report.with_labels())
}
