//! A run in two halves, with the question in between: all that only reads, and all that changes something.
//!
//! Several clusters are worked on at once, and one question is about all of them, so each has to stand there and
//! wait for the answer.

use crate::cli::journal_file;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::CliError;
use super::open::{self, Cluster};
use super::pipeline::Work;
use super::stages::{self, At, Intent, Pushed, Ready, Seen};
use super::state::{self, Place, Run, What};
use super::{hours, repair, tell, telling, ui, undo_file};
use crate::apply::Halt;
use crate::domain::plan::Plan;
use crate::event::Observer;
use crate::push::scheduler::{Stop, Stopped};
use crate::report::Rollout;

/// A run that has seen its cluster and is ready to change it.
pub struct Standing<'a> {
    work: &'a Work<'a>,
    run: Run,
    observer: Arc<dyn Observer>,
    sight: Box<Sight>,
    intent: Option<Intent>,
    started_at: Timestamp,
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
pub async fn begin(work: &Work<'_>) -> Result<Run, CliError> {
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
    ) -> Result<Self, CliError> {
        let observer = run.noting(observer.clone());
        let started_at = Timestamp::now();
        // What a future holds is moved with it, and this is much.
        match Box::pin(look(work, &run, &observer)).await {
            Ok(sight) => {
                let Sight { cluster, seen, ready } = &*sight;
                let at = At { work, cluster, recorder: run.recorder(), observer: &observer };
                let intent = at.intent(seen, ready);
                Ok(Self { work, run, observer, sight, intent, started_at })
            }
            Err(error) => {
                let next = run.end(Err::<&Rollout, _>(&error), tell::exit_of).await;
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
    pub fn ask(&self) -> Result<(), CliError> {
        match &self.intent {
            Some(intent) => ui::confirm(&intent.what, intent.touched, self.work.yes),
            None => Ok(()),
        }
    }

    /// Ends the run without having changed anything. Returns the command that does it after all.
    pub async fn give_up(self, why: &CliError) -> Option<String> {
        self.run.end(Err::<&Rollout, _>(why), tell::exit_of).await
    }

    /// Changes the cluster and pushes; all of it is in the journal afterwards.
    ///
    /// # Errors
    /// When nothing could be changed. What failed later is in the answer.
    pub async fn carry_out(self, stop: &Stop) -> Result<Rollout, CliError> {
        let Self { work, run, observer, sight, started_at, .. } = self;
        let Sight { cluster, seen, ready } = *sight;
        let at = At { work, cluster: &cluster, recorder: run.recorder(), observer: &observer };
        let done = async {
            // Each cluster has an account of its own for the push user.
            let stop = Stop { logins: at.logins(&seen)?, ..stop.clone() };
            Box::pin(do_all(&at, seen, ready, &stop, started_at)).await
        };
        let done = done.await;
        telling::keep_ending(run.recorder(), &done).await;
        let next = run.end(done.as_ref(), tell::exit_of).await;
        done.map_err(|error| error.go_on(next))
    }
}

async fn look(
    work: &Work<'_>,
    run: &Run,
    observer: &Arc<dyn Observer>,
) -> Result<Box<Sight>, CliError> {
    telling::keep_subject(run.recorder(), work.goods.deed(), &work.picture_file).await?;
    stages::keep(work, run.recorder()).await.map_err(|error| journal_file::unusable(&error))?;
    let cluster = open::connect(work.connection, observer).await?;
    if let Some(publisher) = repair::publisher(&cluster).await? {
        run.lock_cluster(&publisher)?;
    }
    let at = At { work, cluster: &cluster, recorder: run.recorder(), observer };
    let seen = at.look().await?;
    hours::check(&work.schedule, &seen.plan, &seen.inventory)?;
    let ready = at.prepare(&seen).await?;
    Ok(Box::new(Sight { cluster, seen, ready }))
}

async fn do_all(
    at: &At<'_>,
    seen: Seen,
    ready: Ready,
    stop: &Stop,
    started_at: Timestamp,
) -> Result<Rollout, CliError> {
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
    Ok(Rollout {
        run: at.recorder.run(),
        command: work.command.clone(),
        deed: work.goods.deed(),
        picture: work.picture_file.clone(),
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
