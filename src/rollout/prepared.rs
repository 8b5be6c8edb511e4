//! A run in two halves, with the question in between: all that only reads, and all that changes something.
//!
//! Several clusters are worked on at once, and one question is about all of them, so each has to stand there and
//! wait for the answer.

use crate::connect::journal;
use std::sync::Arc;

use jiff::Timestamp;

use crate::apply::Halt;
use crate::cli::present::run_result;
use crate::cli::ui;
use crate::connect::cluster;
use crate::connect::cluster::Cluster;
use crate::domain::plan::Plan;
use crate::error::AppError;
use crate::event::Observer;
use crate::journal::{ChangeEnd, Ending};
use crate::push::scheduler::{Stop, Stopped};
use crate::report::{RunReport, RunReportBuilder, change_rows};
use crate::rollout::Work;
use crate::rollout::context;
use crate::rollout::context::{At, Intent, Pushed, Ready, Seen};
use crate::rollout::run::{Place, Run, What};
use crate::rollout::{maintenance_window, repair, run_record, undo_file};

/// A run that has seen its cluster and is ready to change it.
pub struct Standing<'a> {
    work: &'a Work<'a>,
    run: Run,
    observer: Arc<dyn Observer>,
    sight: Box<Sight>,
    intent: Option<Intent>,
}

/// What was seen, and what is at hand.
struct Sight {
    cluster: Cluster,
    seen: Seen,
    ready: Ready,
}

/// Begins a run in the journal, and takes the lock of its cluster. Nothing has been sent anywhere yet.
///
/// # Errors
/// When the journal cannot be written, or another run works on this cluster.
pub async fn begin(work: &Work<'_>) -> Result<Run, AppError> {
    let what = What {
        command: work.name,
        place: Place::of(work.connection),
        continues: work.continues,
        reverts: None,
    };
    Run::begin(work.state, what).await
}

impl<'a> Standing<'a> {
    /// Reads the cluster, plans, and makes everything ready. Nothing is changed, and nothing is sent to a phone.
    ///
    /// # Errors
    /// When any of that cannot be done. The journal has the end of the run then.
    pub async fn reach(
        work: &'a Work<'a>,
        run: Run,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, AppError> {
        let observer = run.noting(observer.clone());
        // What a future holds is moved with it, and this is much.
        match Box::pin(look(work, &run, &observer)).await {
            Ok(sight) => {
                let Sight { cluster, seen, ready } = &*sight;
                let at = At { work, cluster, recorder: run.recorder(), observer: &observer };
                let intent = at.intent(seen, ready);
                Ok(Self { work, run, observer, sight, intent })
            }
            Err(error) => {
                let next = run.end(Err::<&RunReport, _>(&error), run_result::exit_of).await;
                Err(error.go_on(next))
            }
        }
    }

    /// Returns what is to be changed on the cluster.
    pub fn plan(&self) -> &Plan {
        &self.sight.seen.plan
    }

    /// Returns what a yes is about; nothing where nothing is to be done.
    pub fn intent(&self) -> Option<&Intent> {
        self.intent.as_ref()
    }

    /// Asks whether this run may go on.
    ///
    /// # Errors
    /// When the answer is no.
    pub fn ask(&self) -> Result<(), AppError> {
        match &self.intent {
            Some(intent) => ui::confirm(&intent.what, intent.touched, self.work.yes),
            None => Ok(()),
        }
    }

    /// Ends the run without having changed anything. Returns the command that does it after all.
    pub async fn give_up(self, why: &AppError) -> Option<String> {
        self.run.end(Err::<&RunReport, _>(why), run_result::exit_of).await
    }

    /// Changes the cluster and pushes; all of it is in the journal afterwards.
    ///
    /// # Errors
    /// When nothing could be changed. What failed later is in the answer.
    pub async fn carry_out(self, stop: &Stop) -> Result<RunReport, AppError> {
        let Self { work, run, observer, sight, .. } = self;
        let Sight { cluster, seen, ready } = *sight;
        let at = At { work, cluster: &cluster, recorder: run.recorder(), observer: &observer };
        let done = async {
            // Each cluster has an account of its own for the push user.
            let stop = Stop { logins: at.logins(&seen)?, ..stop.clone() };
            Box::pin(do_all(&at, seen, ready, &stop, run.report())).await
        };
        let done = done.await;
        run_record::keep_ending(run.recorder(), &done).await;
        let next = run.end(done.as_ref(), run_result::exit_of).await;
        done.map_err(|error| error.go_on(next))
    }
}

async fn look(
    work: &Work<'_>,
    run: &Run,
    observer: &Arc<dyn Observer>,
) -> Result<Box<Sight>, AppError> {
    run_record::keep_subject(run.recorder(), work.goods.deed(), &work.picture_file).await?;
    context::keep(work, run.recorder()).await.map_err(|error| journal::unusable(&error))?;
    let cluster = cluster::connect(work.connection, observer).await?;
    if let Some(publisher) = repair::publisher(&cluster).await? {
        run.lock_cluster(&publisher)?;
    }
    let at = At { work, cluster: &cluster, recorder: run.recorder(), observer };
    let seen = at.look().await?;
    maintenance_window::check(&work.schedule, &seen.plan, &seen.inventory)?;
    let ready = at.prepare(&seen).await?;
    Ok(Box::new(Sight { cluster, seen, ready }))
}

async fn do_all(
    at: &At<'_>,
    seen: Seen,
    ready: Ready,
    stop: &Stop,
    report: &RunReportBuilder,
) -> Result<RunReport, AppError> {
    let work = at.work;
    let changed = at.change(&seen, stop).await?;
    let (results, changes) = (at.push(&seen, ready, &changed, stop).await, changed.applied);
    undo_file::leave(at.recorder, &seen.plan, &changes).await;
    let Pushed { phones, already, stopped } = results;
    let interrupted =
        changes.halt == Some(Halt::Interrupted) || stopped == Some(Stopped::Interrupted);
    let refused = matches!(changes.halt, Some(Halt::Refused(_)))
        || matches!(stopped, Some(Stopped::PasswordRefused { .. }));
    let halted = changes.halt.as_ref().filter(|_| !interrupted).map(Halt::to_string);
    let stopped = halted.or_else(|| stopped.as_ref().map(Stopped::told));
    let ending = Ending {
        stopped: stopped.or_else(|| interrupted.then(|| Stopped::Interrupted.told())),
        already,
        interrupted,
        refused,
        finished_at: Some(Timestamp::now()),
        changes: changes.results.iter().map(ChangeEnd::from).collect(),
        ..Ending::default()
    };
    Ok(RunReport {
        audit: Some(seen.audit),
        changes: change_rows(changes.results),
        ending: Some(ending),
        phones,
        ..report.report(work.goods.deed(), &work.picture_file)
    })
}
