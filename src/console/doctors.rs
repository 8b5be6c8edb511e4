//! What doctor found about each cluster, on request and kept until the next time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::doctor::{Check, ChecksDone, DoctorRequest, State, run};
use crate::domain::text::printable;
use crate::error::Exit;
use crate::interaction::Silent;

/// The clusters that can be checked.
#[derive(Debug)]
pub(crate) struct Doctors {
    clusters: Vec<(String, DoctorRequest)>,
    last: Mutex<Vec<Option<Examination>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The last checks of a cluster.
#[derive(Clone, Debug)]
struct Examination {
    began_at: Timestamp,
    done: ChecksDone,
    is_running: bool,
}

/// A cluster as its page shows it.
#[derive(Clone, Debug)]
pub(crate) struct ExaminedCluster {
    pub(crate) name: String,
    pub(crate) began_at: Option<Timestamp>,
    pub(crate) is_running: bool,
    pub(crate) checks: Vec<Check>,
    /// Whether a password was refused, so that the next check could be one more failed log-in.
    pub(crate) was_refused: bool,
}

impl Doctors {
    pub(crate) fn new(clusters: Vec<(String, DoctorRequest)>) -> Self {
        let last = Mutex::new(clusters.iter().map(|_| None).collect());
        Self { clusters, last, tasks: TaskTracker::new(), stop: CancellationToken::new() }
    }

    pub(crate) fn clusters(&self) -> Vec<ExaminedCluster> {
        let last = self.last().clone();
        let clusters = self.clusters.iter().zip(last);
        let clusters = clusters.map(|((name, _), last)| {
            let checks = last.as_ref().map(|last| last.done.so_far()).unwrap_or_default();
            ExaminedCluster {
                name: printable(name).into_owned(),
                began_at: last.as_ref().map(|last| last.began_at),
                is_running: last.is_some_and(|last| last.is_running),
                was_refused: checks.iter().any(is_refusal),
                checks,
            }
        });
        clusters.collect()
    }

    /// Begins to check a cluster. Nothing happens where it is being checked already, or where a password was refused the last
    /// time and is not said to be right now.
    pub(crate) fn begin(self: &Arc<Self>, name: &str, is_corrected: bool) {
        let at = self.clusters.iter().position(|(known, _)| printable(known) == name);
        let Some(at) = at else { return };
        let request = self.clusters[at].1.clone();
        let done = ChecksDone::default();
        {
            let mut last = self.last();
            let is_refused = |last: &Examination| {
                last.is_running || (!is_corrected && last.done.so_far().iter().any(is_refusal))
            };
            if last[at].as_ref().is_some_and(is_refused) {
                return;
            }
            let began_at = Timestamp::now();
            last[at] = Some(Examination { began_at, done: done.clone(), is_running: true });
        }
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = this.stop.cancelled() => {}
                () = Box::pin(run(request, &Silent, &done)) => {}
            }
            if let Some(last) = &mut this.last()[at] {
                last.is_running = false;
            }
        });
    }

    /// Ends the checks that are being made.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn last(&self) -> MutexGuard<'_, Vec<Option<Examination>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_refusal(check: &Check) -> bool {
    check.state == State::Failed && check.exit == Exit::Authentication
}
