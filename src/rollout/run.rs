//! The journal and the lock of a run that changes something.

use crate::connect::cluster::cluster_id;
use crate::connect::journal::unusable;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::cli::ui;
use crate::connect::cluster;
use crate::connect::cluster::Connection;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Event, Observer};
use crate::journal::{
    ADDRESSES, ClusterLock, Ending, Journal, LockError, LockOwner, NewRun, Recorder, RunId,
    RunState,
};
use crate::report::RunReportBuilder;
use crate::rollout::next_command;

/// A run that is in the journal and has its cluster to itself.
#[derive(Debug)]
pub struct Run {
    recorder: Recorder,
    report: Arc<RunReportBuilder>,
    journal: PathBuf,
    holder: LockOwner,
    /// Held as long as the run lasts.
    locks: Mutex<Vec<ClusterLock>>,
}

/// Where a run works, in the journal's words: a cluster, or addresses that somebody typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// What tells it from any other.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// The publisher, as `host:port`; empty for addresses.
    pub host: String,
}

impl Place {
    /// A cluster.
    pub fn of(connection: &Connection) -> Self {
        let host = connection.endpoint.to_string();
        Self { id: cluster_id(connection), name: connection.name.clone(), host }
    }

    /// Addresses, whichever they are.
    pub fn addresses() -> Self {
        Self { id: ADDRESSES.to_owned(), name: ADDRESSES.to_owned(), host: String::new() }
    }
}

/// What a run is, in the journal's words.
#[derive(Clone, Debug)]
pub struct What {
    /// The command.
    pub command: &'static str,
    /// Where it works.
    pub place: Place,
    /// The run that this one goes on with.
    pub continues: Option<RunId>,
    /// The run that this one takes back.
    pub reverts: Option<RunId>,
}

impl Run {
    /// Opens the journal, takes the cluster's lock and begins a run. Nothing has been sent anywhere yet.
    ///
    /// # Errors
    /// When the journal cannot be written, or another run works on this cluster.
    pub async fn begin(state: &Path, what: What) -> Result<Self, AppError> {
        let journal = Journal::open(state).map_err(|error| unusable(&error))?;
        let Place { id, name, host } = what.place;
        let mut holder = holder(what.command);
        let mut lock =
            ClusterLock::take(journal.path(), &id, &holder).map_err(|error| locked(&error, &id))?;
        if let Some(dead) = lock.stale_owner() {
            if let Some(run) = dead.run {
                journal.died(run).await.map_err(|error| unusable(&error))?;
            }
            let resumes = dead.run.is_some() && dead.run == what.continues;
            if !resumes {
                ui::say(&format!(
                    "an earlier run ended without a word: {dead}; {}",
                    go_on(dead, state)
                ));
            }
        }
        let run = NewRun {
            command: what.command.to_owned(),
            command_line: cluster::command_line(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            cluster_id: id,
            cluster: name,
            host,
            os_user: holder.os_user.clone(),
            machine: holder.machine.clone(),
            process: holder.process,
            continues: what.continues,
            reverts: what.reverts,
        };
        let recorder = journal.begin(run).await.map_err(|error| unusable(&error))?;
        holder.run = Some(recorder.run());
        // The lock itself is not in danger, only its label.
        if let Err(error) = lock.name(&holder) {
            tracing::debug!(%error, "the lock file does not name this run");
        }
        let journal = journal.path().to_owned();
        let report = Arc::new(RunReportBuilder::new(recorder.header().clone()));
        Ok(Self { recorder, report, journal, holder, locks: Mutex::new(vec![lock]) })
    }

    /// Takes the lock of the cluster itself, once it has told who it is: two names can lead to one cluster.
    ///
    /// # Errors
    /// When another run works on it.
    pub fn lock_cluster(&self, publisher: &str) -> Result<(), AppError> {
        let id = format!("node {}", publisher.to_lowercase());
        let lock = ClusterLock::take(&self.journal, &id, &self.holder);
        let lock = lock.map_err(|error| match &error {
            LockError::Held { holder: Some(other) } if other.is_this_process(&self.holder) => {
                same_publisher(publisher)
            }
            LockError::Held { .. } | LockError::File { .. } => locked(&error, &id),
        })?;
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
        Ok(())
    }

    /// Returns an observer that tells `observer`, and notes in the journal what a person should know.
    pub fn noting(&self, observer: Arc<dyn Observer>) -> Arc<dyn Observer> {
        Arc::new(Noting { recorder: self.recorder.clone(), report: self.report.clone(), observer })
    }

    /// Returns the report that the run builds.
    pub fn report(&self) -> &RunReportBuilder {
        &self.report
    }

    /// Returns where the run is written down.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Writes the run's end into the journal, whichever way it ended. Returns the command that finishes what it left
    /// undone, where there is one.
    pub async fn end<T>(
        self,
        result: Result<&T, &AppError>,
        exit: impl Fn(&T) -> Exit,
    ) -> Option<String> {
        let exit = match &result {
            Ok(done) => exit(done),
            Err(error) => error.exit(),
        };
        let state = match (&result, exit) {
            (_, Exit::Interrupted) => RunState::Interrupted,
            (Ok(_), _) => RunState::Finished,
            (Err(_), _) => RunState::Failed,
        };
        if let Err(error) = result {
            let hints = error.hints().to_vec();
            let error = Some(error.message().to_owned());
            keep_ending(&self.recorder, &Ending { error, hints, ..Ending::default() }).await;
        }
        if let Err(error) = self.recorder.end(state, exit as u8).await {
            ui::say(&unusable(&error).to_string());
        }
        next_command::step_here(&self.journal, self.recorder.run())
    }
}

/// Keeps how a run came to its end. Everything else is done by then, so what cannot be written is told.
pub async fn keep_ending(recorder: &Recorder, ending: &Ending) {
    if let Err(error) = recorder.snapshot(Ending::KIND, ending).await {
        ui::say(&unusable(&error).to_string());
    }
}

/// Notes what a person is told.
struct Noting {
    recorder: Recorder,
    report: Arc<RunReportBuilder>,
    observer: Arc<dyn Observer>,
}

impl Observer for Noting {
    fn observe(&self, event: &Event) {
        match (event, self.report.observe(event, Timestamp::now())) {
            (Event::Downloaded(download), _) => self.recorder.downloaded(download),
            (_, Some(row)) => self.recorder.note(row),
            (_, None) => {}
        }
        self.observer.observe(event);
    }
}

/// Says how to go on with what a run left undone.
fn go_on(dead: &LockOwner, journal: &Path) -> String {
    let Some(run) = dead.run else { return "it had not begun its run".to_owned() };
    match next_command::step_here(journal, run) {
        Some(next) => format!("go on with `{next}`"),
        None => format!("`axlpaper show {run}` tells how far it came"),
    }
}

/// Two of the clusters that are worked on at once say that they are the same one.
fn same_publisher(publisher: &str) -> AppError {
    let told = format!(
        "its publisher has the same identity ({publisher}) as that of another cluster that was named: two names for \
         one cluster, or one is a copy of the other"
    );
    AppError::new(ErrorKind::Refused, told)
        .hint("nothing was changed there; a copy can have a run of its own, at another time")
}

fn locked(error: &LockError, cluster_id: &str) -> AppError {
    match error {
        LockError::Held { holder } if cluster_id == ADDRESSES => {
            let who = holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default();
            AppError::new(
                ErrorKind::Refused,
                format!("another push to addresses is under way{who}"),
            )
            .hint("nothing was sent; wait until it has ended")
        }
        LockError::Held { .. } => AppError::from_error(ErrorKind::Refused, error)
            .hint("nothing was changed; wait until it has ended"),
        LockError::File { .. } => AppError::from_error(ErrorKind::Failed, error)
            .hint("nothing was changed; name a place that you may write with --state"),
    }
}

fn holder(command: &str) -> LockOwner {
    let told = |asked: whoami::Result<String>| asked.unwrap_or_else(|_| "unknown".to_owned());
    LockOwner {
        os_user: told(whoami::account()),
        machine: told(whoami::hostname()),
        process: std::process::id(),
        command: command.to_owned(),
        run: None,
        since: Timestamp::now(),
    }
}
