//! The journal and the lock of a run that changes something.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::task::JoinSet;

use crate::connect::cluster::{ClusterSettings, cluster_id};
use crate::connect::journal::path;
use crate::error::{AppError, ErrorKind, Exit, UnfinishedRun};
use crate::event::{ControlEvent, ControlStep, Event, Observer};
use crate::interaction::{Interaction, Notice, Question};
use crate::journal::{
    ADDRESSES, ClusterLock, Journal, LockError, LockOwner, NewRun, Problem, Recorder, RunEnd,
    RunId, RunState,
};
use crate::push::control::RunControl;
use crate::push::scheduler::StopSignals;
use crate::report::RunReportBuilder;
use crate::rollout::control::RolloutHandle;
use crate::rollout::control_requests;

/// A run in the journal that holds the lock of its cluster.
pub struct Run {
    recorder: Recorder,
    report: Arc<RunReportBuilder>,
    journal: PathBuf,
    holder: LockOwner,
    /// Held as long as the run lasts.
    locks: Mutex<Vec<ClusterLock>>,
    interaction: Arc<dyn Interaction>,
    control: RunControl,
    /// The task that reads control requests from the journal. It ends with the run.
    listener: Mutex<JoinSet<()>>,
    /// Set in a dry run, whose journal is in memory and which takes no lock.
    dry: Option<Refusal>,
}

/// The first reason why a dry run would be refused.
type Refusal = Mutex<Option<AppError>>;

/// What a run works on, as the journal names it: a cluster, or addresses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunScope {
    /// Its identity.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The publisher, as `host:port`; empty for addresses.
    pub host: String,
}

impl RunScope {
    /// A cluster.
    pub fn of(connection: &ClusterSettings) -> Self {
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
pub struct RunInfo {
    /// The command.
    pub command: &'static str,
    /// Where it works.
    pub place: RunScope,
    /// The run that this one resumes.
    pub continues: Option<RunId>,
    /// The run that this one reverts.
    pub reverts: Option<RunId>,
    /// The command line, so that it can be typed again.
    pub command_line: String,
    /// Who asks for it; nothing for the operating system's user.
    pub on_behalf_of: Option<String>,
    /// Whether nothing is to be written, neither to the cluster nor to the journal.
    pub dry_run: bool,
}

impl Run {
    /// Opens the journal, takes the cluster's lock and begins a run. Nothing has been sent anywhere yet. A dry run only
    /// checks that this is possible.
    ///
    /// # Errors
    /// When the journal cannot be written, or another run works on this cluster.
    pub async fn begin(
        state: &Path,
        what: RunInfo,
        interaction: &Arc<dyn Interaction>,
    ) -> Result<Self, AppError> {
        let RunScope { id, name, host } = what.place;
        let mut holder = LockOwner::this_process(what.command);
        if let Some(user) = what.on_behalf_of {
            holder.os_user = user;
        }
        let (journal, mut lock, dry) = if what.dry_run {
            Journal::check_writable(state)?;
            let refused = ClusterLock::check_free(state, &id).map_err(|error| locked(error, &id));
            (Journal::in_memory()?, None, Some(Refusal::new(refused.err())))
        } else {
            let journal = Journal::open(state)?;
            let lock = ClusterLock::take(journal.path(), &id, &holder);
            (journal, Some(lock.map_err(|error| locked(error, &id))?), None)
        };
        if let Some(dead) = lock.as_ref().and_then(ClusterLock::stale_owner) {
            let resumes = dead.run.is_some() && dead.run == what.continues;
            if !resumes {
                let run = dead.run.map(|run| unfinished(journal.path(), run));
                let owner = dead.to_string();
                interaction.notice(&Notice::PreviousRun { owner: &owner, run: run.as_ref() });
            }
        }
        let run = NewRun {
            command: what.command.to_owned(),
            command_line: what.command_line,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            cluster_id: id,
            cluster: name,
            host,
            os_user: holder.os_user.clone(),
            machine: holder.machine.clone(),
            process: holder.process,
            continues: what.continues,
            reverts: what.reverts,
            time_zone: TimeZone::system(),
        };
        let recorder = journal.begin(run).await?;
        holder.run = Some(recorder.run());
        // The lock itself is not in danger, only its label.
        if let Some(Err(error)) = lock.as_mut().map(|lock| lock.name(&holder)) {
            tracing::debug!(%error, "the lock file does not name this run");
        }
        let journal = state.to_owned();
        let interaction = Arc::clone(interaction);
        let report = Arc::new(RunReportBuilder::new(recorder.header().clone()));
        let control = RunControl::of_run(
            format!("axlpaper control {}", recorder.run()),
            state_option(&journal),
        );
        let (locks, listener) = (Mutex::new(Vec::from_iter(lock)), Mutex::default());
        Ok(Self { recorder, journal, holder, locks, interaction, report, control, listener, dry })
    }

    /// Returns the number of the run; a dry run has none.
    pub fn number(&self) -> Option<RunId> {
        self.dry.is_none().then(|| self.recorder.run())
    }

    /// Refuses the run: a real one now, a dry run at its end, so that it finds out everything else.
    ///
    /// # Errors
    /// `error`, unless this is a dry run.
    pub fn refuse(&self, error: AppError) -> Result<(), AppError> {
        let Some(refusal) = &self.dry else { return Err(error) };
        refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        Ok(())
    }

    /// Returns why a dry run would be refused.
    pub fn refusal(&self) -> Option<AppError> {
        self.dry.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the lock of the publisher, once its identity is known: two names can lead to one cluster.
    ///
    /// # Errors
    /// When another run works on it.
    pub fn lock_cluster(&self, publisher: &str) -> Result<(), AppError> {
        let id = format!("node {}", publisher.to_lowercase());
        if self.dry.is_some() {
            let free = ClusterLock::check_free(&self.journal, &id);
            return free.or_else(|error| self.refuse(locked(error, &id)));
        }
        let lock = ClusterLock::take(&self.journal, &id, &self.holder);
        let lock = lock.map_err(|error| match &error {
            LockError::Held { holder: Some(other) } if other.is_this_process(&self.holder) => {
                same_publisher(publisher)
            }
            LockError::Held { .. } | LockError::File { .. } => locked(error, &id),
        })?;
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).push(lock);
        Ok(())
    }

    /// Returns an observer that passes events on to `observer` and writes them into the journal. From now on the run
    /// takes control requests up, whose events go there too.
    pub fn journal_observer(&self, observer: Arc<dyn Observer>) -> Arc<dyn Observer> {
        let observer: Arc<dyn Observer> = Arc::new(JournalObserver {
            recorder: self.recorder.clone(),
            report: self.report.clone(),
            observer,
        });
        self.control.observe_with(&observer);
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_empty() && self.dry.is_none() {
            listener.spawn(control_requests::listen(self.control.clone(), self.recorder.clone()));
        }
        observer
    }

    /// Writes a step into the journal that people see anyway.
    fn note(&self, step: ControlStep, text: &str) {
        let event = Event::Control(ControlEvent { step, text: text.to_owned() });
        if let Some(row) = self.report.observe(&event, Timestamp::now()) {
            self.recorder.note(row);
        }
    }

    /// Returns the signals that control and stop the run; from now on `handle` controls it too.
    pub fn stop_signals(&self, handle: &RolloutHandle) -> StopSignals {
        handle.attach(&self.control);
        StopSignals::of(self.control.clone())
    }

    /// Returns the report that the run builds.
    pub fn report(&self) -> &RunReportBuilder {
        &self.report
    }

    /// Returns what writes the run into the journal.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Returns what asks and informs people.
    pub fn interaction(&self) -> &Arc<dyn Interaction> {
        &self.interaction
    }

    /// Writes the run's end into the journal, whichever way it ended. The error that ended it names the run then.
    ///
    /// # Errors
    /// As `result`.
    pub async fn end<T>(
        self,
        result: Result<T, AppError>,
        exit: impl Fn(&T) -> Exit,
    ) -> Result<T, AppError> {
        match result {
            Ok(done) => {
                let exit = exit(&done);
                let interrupted = exit == Exit::Interrupted;
                let state = if interrupted { RunState::Interrupted } else { RunState::Finished };
                self.write_end(state, exit).await;
                Ok(done)
            }
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Writes into the journal that an error ended the run; the error names the run then.
    pub async fn fail(self, error: AppError) -> AppError {
        if self.dry.is_some() {
            return error;
        }
        let hints = error.hints().to_vec();
        let message = Some(error.message().to_owned());
        self.keep_ending(&RunEnd { error: message, hints, ..RunEnd::default() }).await;
        let state = match error.kind() {
            ErrorKind::Interrupted => RunState::Interrupted,
            ErrorKind::Declined => RunState::Declined,
            ErrorKind::Failed
            | ErrorKind::Usage
            | ErrorKind::Authentication
            | ErrorKind::Refused => RunState::Failed,
        };
        self.write_end(state, error.exit()).await;
        error.unfinished(unfinished(&self.journal, self.recorder.run()))
    }

    async fn write_end(&self, state: RunState, exit: Exit) {
        // A run that ends must not say that it was paused.
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        if let Err(error) = self.recorder.end(state, exit as u8).await {
            self.interaction.notice(&Notice::Text(&AppError::from(error).to_string()));
        }
    }

    /// Keeps how the run came to its end. Everything else is done by then, so what cannot be written is shown.
    pub async fn keep_ending(&self, ending: &RunEnd) {
        if let Err(error) = self.recorder.snapshot(RunEnd::KIND, ending).await {
            self.interaction.notice(&Notice::Text(&AppError::from(error).to_string()));
        }
    }
}

/// Asks for the confirmation of these runs. Their journal has how long the answer took.
///
/// # Errors
/// When the answer is no, or there is no one to ask.
pub async fn confirm(
    runs: &[&Run],
    interaction: &dyn Interaction,
    question: &Question,
) -> Result<(), AppError> {
    if !interaction.waits_for_answers() {
        return interaction.confirm(question).await;
    }
    let note = |step, text| runs.iter().for_each(|run| run.note(step, text));
    note(ControlStep::QuestionAsked, "waits for an answer to its question");
    let answer = interaction.confirm(question).await;
    note(ControlStep::QuestionAnswered, "the question was answered");
    answer
}

/// Returns the option that names this journal, where a command would not find it by itself.
fn state_option(journal: &Path) -> String {
    if path(None).is_ok_and(|usual| usual == journal) {
        return String::new();
    }
    let journal = journal.to_string_lossy();
    // Only a null byte cannot be quoted, and no path has one.
    let quoted = shlex::try_quote(&journal).unwrap_or(Cow::Borrowed(&*journal));
    format!(" --state {quoted}")
}

fn unfinished(journal: &Path, run: RunId) -> UnfinishedRun {
    UnfinishedRun { journal: journal.to_owned(), run }
}

/// Writes events into the journal and passes them on.
struct JournalObserver {
    recorder: Recorder,
    report: Arc<RunReportBuilder>,
    observer: Arc<dyn Observer>,
}

impl Observer for JournalObserver {
    fn observe(&self, event: &Event) {
        match (event, self.report.observe(event, Timestamp::now())) {
            (Event::Downloaded(download), _) => self.recorder.downloaded(download),
            (_, Some(row)) => self.recorder.note(row),
            (_, None) => {}
        }
        self.observer.observe(event);
    }
}

/// Two of the clusters of the rollout have the same identity.
pub(crate) fn same_publisher(publisher: &str) -> AppError {
    let told = format!(
        "its publisher has the same identity ({publisher}) as that of another cluster that was named: two names for \
         one cluster, or one is a copy of the other"
    );
    AppError::new(ErrorKind::Refused, told)
        .hint("nothing was changed there; a copy can have a run of its own, at another time")
}

fn locked(error: LockError, cluster_id: &str) -> AppError {
    match &error {
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
        LockError::File { source: Problem::Full, .. } => {
            AppError::from_error(ErrorKind::Failed, error)
                .hint("nothing was changed; make room on that disk, or use --state")
        }
        LockError::File { .. } => AppError::from_error(ErrorKind::Failed, error)
            .hint("nothing was changed; name a place that you may write with --state"),
    }
}
