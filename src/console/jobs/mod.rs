//! Rollouts that users make in the browser: from the picture to the run.
//!
//! A job lives in the memory of the console. Its run is in the journal from the moment when the cluster is asked, so everything
//! that the console does with a run works for it too. The steps are those of the command line: `prepare`, `confirm` and `execute`
//! of [`rollout`](crate::rollout::multi_cluster).
pub(crate) mod draft;
mod interaction;
pub(crate) mod job;
mod observer;
mod progress;
mod revert;
mod review;
pub(crate) mod rights;
mod task;
mod work;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::console::jobs::draft::Draft;
use crate::console::jobs::job::{Job, JobState};
pub(crate) use crate::console::jobs::task::Kind;
use crate::console::jobs::task::Work;
use crate::console::jobs::work::work;
use crate::console::settings::{ConsoleSettings, RolloutCommand};
use crate::error::{AppError, ErrorKind};
use crate::journal::RunId;

pub(crate) use crate::console::jobs::job::JobId;

/// The jobs of a console.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    all: Mutex<Vec<Arc<Job>>>,
    next: AtomicU64,
    /// Grows when a job changes, so that pages renew themselves.
    revision: Arc<AtomicU64>,
    tasks: Mutex<JoinSet<()>>,
    /// Is cancelled when the console is to end: nothing new begins.
    stop: CancellationToken,
}

impl Jobs {
    /// Begins a job that its user still changes.
    ///
    /// # Errors
    /// When there are too many jobs.
    pub(crate) fn begin(&self, by: &str, draft: Draft) -> Result<Arc<Job>, AppError> {
        self.add(by, JobState::Draft(Box::new(draft)))
    }

    fn add(&self, by: &str, state: JobState) -> Result<Arc<Job>, AppError> {
        if self.stop.is_cancelled() {
            return Err(AppError::new(ErrorKind::Refused, "the console ends")
                .hint("nothing was changed; begin again when it has started again"));
        }
        let mut all = lock(&self.all);
        all.retain(|job| !job.is_forgotten(Instant::now()));
        if all.iter().filter(|job| job.is_open()).count() >= MOST_OPEN {
            return Err(AppError::new(
                ErrorKind::Refused,
                format!("{MOST_OPEN} rollouts are being made or work already"),
            )
            .hint("nothing was changed; confirm or discard one of them first: the overview lists them"));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let job = Arc::new(Job::new(id, by, state, Arc::clone(&self.revision)));
        all.push(Arc::clone(&job));
        drop(all);
        job.changed();
        Ok(job)
    }

    /// Has the clusters asked for a draft, as its user has left it.
    ///
    /// # Errors
    /// When it is asked already.
    pub(crate) fn prepare(
        &self,
        job: &Arc<Job>,
        command: RolloutCommand,
        settings: &ConsoleSettings,
    ) -> Result<(), AppError> {
        job.begin_to_prepare()?;
        self.spawn(job, command, Kind::Rollout(None), settings);
        Ok(())
    }

    /// Begins a job for an earlier run, and has its cluster asked.
    ///
    /// # Errors
    /// When there are too many jobs.
    pub(crate) fn begin_earlier(
        &self,
        by: &str,
        command: RolloutCommand,
        kind: Kind,
        settings: &ConsoleSettings,
    ) -> Result<Arc<Job>, AppError> {
        let job = self.add(by, JobState::Preparing)?;
        self.spawn(&job, command, kind, settings);
        Ok(job)
    }

    fn spawn(
        &self,
        job: &Arc<Job>,
        command: RolloutCommand,
        kind: Kind,
        settings: &ConsoleSettings,
    ) {
        let work_of = Work {
            job: Arc::clone(job),
            command,
            kind,
            journal: settings.journal.clone(),
            reader: Arc::clone(&settings.rollouts),
            confirm_within: settings.confirm_within,
            stop: self.stop.clone(),
        };
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work(work_of));
    }

    pub(crate) fn job(&self, id: JobId) -> Option<Arc<Job>> {
        lock(&self.all).iter().find(|job| job.id == id).cloned()
    }

    /// Returns the jobs whose clusters are asked or that wait for a confirmation.
    pub(crate) fn pending(&self) -> Vec<Arc<Job>> {
        let mut all = lock(&self.all).clone();
        all.retain(|job| job.is_pending());
        all
    }

    /// Returns the job that waits for the confirmation of a run.
    pub(crate) fn of_run(&self, run: RunId) -> Option<JobId> {
        self.pending().into_iter().find(|job| job.runs().contains(&run)).map(|job| job.id)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// Ends all jobs: what waits is declined, and what works is interrupted and can be resumed.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        let all = lock(&self.all).clone();
        all.iter().for_each(|job| job.handle.interrupt());
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let ended = timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            all.iter().for_each(|job| job.handle.cut_off());
            let cut_off = async { while tasks.join_next().await.is_some() {} };
            if timeout(AFTER_CUT_OFF, cut_off).await.is_err() {
                tracing::warn!("a rollout of the console did not end in time");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many jobs may be open at once: each holds a picture.
const MOST_OPEN: usize = 8;

/// How long pushes in progress may take when the console ends.
const GRACE: Duration = Duration::from_secs(10);

/// How long it may take to write the end of a run that was cut off.
const AFTER_CUT_OFF: Duration = Duration::from_secs(3);
