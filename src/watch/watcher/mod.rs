//! The watch of one cluster: passes, one after the other, until it is stopped.

mod look;
mod screens;
mod serve;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::axl::change_notification::ChangeCursor;
use crate::connect::cluster::{ClusterActivity, ClusterClients, ClusterSettings, cluster_id};
use crate::domain::control::ControlResult;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::inventory::AccountStatus;
use crate::domain::picture_rules::Keep;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Selector;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Event, Observer, Proof, Unobserved};
use crate::interaction::Interaction;
use crate::journal::{
    Journal, JournalReader, LockError, LockOwner, WatchRow, WatchStatus, lock_watch,
};
use crate::push::scheduler::schedule::Schedule;
use crate::push::scheduler::waves::Amount;
use crate::rollout::control::RolloutHandle;
use crate::rollout::multi_cluster::Observers;
use crate::rollout::options::{PushOptions, SavedOptions, WaitLimits};
use crate::rollout::payload::Payload;
use crate::watch::event::{WatchEvent, WatchObserver};
use crate::watch::replaced::Identities;
use crate::watch::state::{LookScope, WatchState};

/// What a watch is asked to do.
#[derive(Clone, Debug)]
pub struct WatchRequest {
    /// The command line, for the journal and the report.
    pub command_line: String,
    /// The file of the journal.
    pub journal: PathBuf,
    /// Which phones.
    pub selector: Selector,
    /// How phones are pushed to.
    pub options: PushOptions,
    /// Which options were given, for runs that resume those of the watch.
    pub saved_options: SavedOptions,
    /// How pushes are proven, where it was typed.
    pub proof: Option<Proof>,
    /// What may be repaired besides associations.
    pub repair: Repairs,
    /// How long changes may need.
    pub wait: WaitLimits,
    /// When phones may be pushed to.
    pub schedule: Schedule,
    /// The time between two passes.
    pub interval: Duration,
    /// The time between two looks at all phones.
    pub survey_every: Duration,
    /// In which time the screens of all phones are looked at; nothing where they are not.
    pub verify_every: Option<Duration>,
    /// What is done about phones that show another picture, where no rule says it.
    pub keep: Keep,
    /// How many phones a pass may touch without an approval.
    pub max_change: Option<Amount>,
    /// Whether only one pass is made.
    pub once: bool,
    /// Whether the first pass is asked about, and not limited.
    pub asks_first: bool,
}

/// The future of [`DesiredState::load`].
pub type LoadFuture<'a> = LocalBoxFuture<'a, Result<(Arc<dyn Payload>, String), AppError>>;

/// What phones shall show. It is read for each pass, because rules have times and files change.
pub trait DesiredState: Send + Sync {
    /// Reads it for this time. Returns the payload with its name in reports.
    ///
    /// # Errors
    /// When a file cannot be read, or no rule applies.
    fn load(&self, now: Timestamp) -> LoadFuture<'_>;
}

/// Stops a watch.
#[derive(Clone, Debug, Default)]
pub struct WatchHandle {
    /// No other pass begins once it is cancelled.
    pub stop: CancellationToken,
    /// Controls the runs of the watch.
    pub rollout: RolloutHandle,
}

impl WatchHandle {
    /// Ends the watch: what is in progress finishes.
    pub fn stop(&self) {
        self.stop.cancel();
        self.rollout.interrupt();
    }
}

/// Who is asked and told.
pub struct Callers<'a> {
    /// Whom to ask before the first pass, and for passwords.
    pub interaction: &'a Arc<dyn Interaction>,
    /// Receives the progress of runs.
    pub observers: &'a Observers,
    /// Receives the events of the watch.
    pub observer: &'a dyn WatchObserver,
}

/// Watches one cluster, until it is stopped; or makes one pass.
///
/// # Errors
/// When another watch works on the cluster, when the first pass fails or is not confirmed, or when the cluster refuses
/// the account again and again.
pub async fn watch(
    request: Arc<WatchRequest>,
    mut connection: ClusterSettings,
    desired: &dyn DesiredState,
    callers: Callers<'_>,
    handle: &WatchHandle,
) -> Result<Exit, AppError> {
    let id = cluster_id(&connection);
    let journal = Journal::open(&request.journal)?;
    let owner = LockOwner::this_process("watch");
    let lock =
        lock_watch(journal.path(), &id, &owner).map_err(|error| locked(&connection, error))?;
    connection.fetch_password(callers.interaction.as_ref()).await?;
    let name = connection.name.clone();
    connection.push_access.fetch_push_password(&name, callers.interaction.as_ref()).await?;
    let push_password = connection.push_access.push_password(callers.interaction.as_ref()).await?;
    let before = reader(&request)?.watches()?.into_iter().find(|watch| watch.cluster_id == id);
    let known = reader(&request)?.known_phones(&id)?;
    let (before, retries) = before.map(|watch| (watch.status, watch.retries)).unzip();
    let retries = retries.unwrap_or_default();
    let row = WatchRow {
        cluster_id: id,
        cluster: name,
        os_user: owner.os_user.clone(),
        machine: owner.machine.clone(),
        process: owner.process,
        began_at: Timestamp::now(),
        passed_at: None,
        status: WatchStatus {
            passes: before.as_ref().map(|before| before.passes).unwrap_or_default(),
            last_run: before.as_ref().and_then(|before| before.last_run),
            error: before.as_ref().and_then(|before| before.error.clone()),
            screens_at: before.as_ref().and_then(|before| before.screens_at),
            ..WatchStatus::default()
        },
        retries: Vec::new(),
    };
    let mut watcher = Watcher {
        is_first: true,
        // Without a question the first watch of a cluster is confirmed in advance, and one that was started again is not.
        is_limited: !request.asks_first && row.status.passes > 0,
        request,
        connection,
        push_password,
        desired,
        callers,
        handle,
        journal,
        row,
        began: Instant::now(),
        state: WatchState::of(retries, Timestamp::now()),
        clients: None,
        payload: None,
        picture_error: None,
        cursor: None,
        account: None,
        associated: BTreeSet::new(),
        identities: Identities::of(known),
        nodes: Vec::new(),
        requests: 1.0,
        asked_at: Duration::ZERO,
        agreed: 0,
        wanted: 0,
        touched: 0,
        reader: None,
        paused_until: Duration::ZERO,
        announced: Vec::new(),
        screens_after: Duration::ZERO,
        stops: 0,
        refusals: 0,
        exit: Exit::Done,
    };
    if let Some(error) = &watcher.row.status.error {
        watcher.tell(&WatchEvent::EndedBefore(error.clone()));
    }
    let ended = watcher.run().await;
    if let Err(error) = &ended {
        watcher.ended(error);
    }
    watcher.save().await;
    drop(lock);
    ended
}

/// What is pushed, and its name in reports.
type NamedPayload = (Arc<dyn Payload>, String);

struct Watcher<'a> {
    request: Arc<WatchRequest>,
    connection: ClusterSettings,
    push_password: SecretString,
    desired: &'a dyn DesiredState,
    callers: Callers<'a>,
    handle: &'a WatchHandle,
    journal: Journal,
    /// Reads approvals; opened again after an error.
    reader: Option<JournalReader>,
    row: WatchRow,
    began: Instant,
    state: WatchState,
    /// The clients; nothing before the first pass and after one that failed.
    clients: Option<ClusterClients>,
    /// What phones shall show, as it could be read last.
    payload: Option<NamedPayload>,
    /// Why the pictures could not be read again, as it was reported.
    picture_error: Option<String>,
    /// The place in the queue of changes; nothing where the cluster does not say what changes.
    cursor: Option<ChangeCursor>,
    /// The account of the push user, where there is one.
    account: Option<AccountStatus>,
    /// The devices that the push user controls.
    associated: BTreeSet<String>,
    identities: Identities,
    nodes: Vec<String>,
    /// How many requests to RisPort70 were saved up, and when that was counted.
    requests: f64,
    asked_at: Duration,
    is_first: bool,
    /// Whether the first pass is limited as all others are.
    is_limited: bool,
    /// How many phones may be touched besides the usual limit: what was confirmed or approved, and is not done yet.
    agreed: usize,
    /// How many phones wait for an approval, as it was asked for.
    wanted: usize,
    /// How many phones were touched in this pass besides what was agreed.
    touched: usize,
    /// No phone is pushed to before.
    paused_until: Duration,
    /// The phones that were reported as served now.
    announced: Vec<DeviceName>,
    /// No screens are looked at before.
    screens_after: Duration,
    /// How many runs in a row stopped by themselves.
    stops: u32,
    /// How often in a row the cluster refused the account.
    refusals: u32,
    exit: Exit,
}

/// What a look asks the cluster for before it decides which phones to look at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum News {
    Changes,
    Registrations,
}

impl Watcher<'_> {
    async fn run(&mut self) -> Result<Exit, AppError> {
        while !self.handle.stop.is_cancelled() {
            let begins = self.row.status.surveyed_at.is_none();
            match self.pass().await {
                Ok(()) => self.passed(),
                Err(error) if begins || self.request.once => return Err(error),
                Err(error) => self.failed(error)?,
            }
            self.save().await;
            let (name, status) = (&self.connection.name, &self.row.status);
            self.callers.observer.passed(name, status, self.state.counts());
            if self.request.once {
                return Ok(self.exit);
            }
            self.wait().await;
        }
        Ok(Exit::Done)
    }

    fn passed(&mut self) {
        self.refusals = 0;
        let status = &mut self.row.status;
        status.passes += 1;
        if status.error.take().is_some() {
            self.tell(&WatchEvent::Recovered);
        }
    }

    /// Takes in that the watch ends with an error, unless a person waits for the first pass. The journal keeps it, so that
    /// the next process does not report it again.
    fn ended(&mut self, error: &AppError) {
        let is_seen = self.request.asks_first && self.row.status.surveyed_at.is_none();
        if is_seen || matches!(error.kind(), ErrorKind::Declined | ErrorKind::Interrupted) {
            return;
        }
        let text = error.message().to_owned();
        if self.row.status.error.as_ref() != Some(&text) {
            self.tell(&WatchEvent::Ended(text.clone()));
        }
        self.row.status.error = Some(text);
    }

    /// Takes in that a pass failed. The next one connects anew.
    ///
    /// # Errors
    /// When the cluster refused the account too often.
    fn failed(&mut self, error: AppError) -> Result<(), AppError> {
        // Another run works on the cluster, or more than was agreed would be done: the clients are as good as before.
        if error.kind() != ErrorKind::Refused {
            self.clients = None;
        }
        if error.kind() == ErrorKind::Authentication {
            self.refusals += 1;
            if self.refusals >= MOST_REFUSALS {
                return Err(error.hint("the watch ended, so that the account is not locked"));
            }
        }
        let text = error.message().to_owned();
        if self.row.status.error.as_ref() != Some(&text) {
            self.tell(&WatchEvent::Failed(text.clone()));
        }
        self.row.status.error = Some(text);
        Ok(())
    }

    fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// Shows progress of the first pass, which a person may look at. Of the later ones the events are enough.
    fn progress(&self) -> Arc<dyn Observer> {
        match self.is_first {
            true => self.counted((self.callers.observers)(&self.connection.name)),
            false => self.unobserved(),
        }
    }

    fn unobserved(&self) -> Arc<dyn Observer> {
        self.counted(Arc::new(Unobserved))
    }

    fn counted(&self, observer: Arc<dyn Observer>) -> Arc<dyn Observer> {
        Arc::new(Counted { observer, activity: Arc::clone(&self.connection.activity) })
    }

    fn tell(&self, event: &WatchEvent) {
        self.callers.observer.observe(&self.connection.name, event);
    }

    /// Waits until the next pass is due. Approvals are taken up meanwhile.
    async fn wait(&mut self) {
        let due = Instant::now() + self.delay();
        while Instant::now() < due {
            let look = due.min(Instant::now() + BETWEEN_APPROVALS);
            tokio::select! {
                () = self.handle.stop.cancelled() => return,
                () = tokio::time::sleep_until(look) => {}
            }
            self.connection.activity.step();
            if self.take_approvals().await {
                return;
            }
        }
    }

    /// An account that was refused is used again only much later, because each refusal counts.
    fn delay(&self) -> Duration {
        match self.refusals {
            0 => self.request.interval,
            refusals => REFUSED * refusals,
        }
    }

    /// Takes up the approvals that other processes gave. Returns whether phones go on for them.
    async fn take_approvals(&mut self) -> bool {
        let reader = match self.reader.take() {
            Some(reader) => Ok(reader),
            None => reader(&self.request),
        };
        let open = reader.and_then(|reader| {
            let open = reader.open_approvals(&self.row.cluster_id)?;
            self.reader = Some(reader);
            Ok(open)
        });
        let open = match open {
            Ok(open) => open,
            Err(error) => {
                tracing::debug!(%error, "cannot read approvals");
                return false;
            }
        };
        let mut goes_on = false;
        for approval in open {
            let status = &mut self.row.status;
            let is_waiting = status.held > 0 || status.stopped.is_some();
            if is_waiting {
                let had_stopped = status.stopped.take().is_some();
                status.held = 0;
                self.state.release(had_stopped);
                self.agreed = std::mem::take(&mut self.wanted).max(self.agreed);
                (self.paused_until, self.stops) = (Duration::ZERO, 0);
                goes_on = true;
                let by = format!("{} on {}", approval.os_user, approval.machine);
                self.tell(&WatchEvent::Approved { by });
            }
            let result = if is_waiting { ControlResult::Done } else { ControlResult::NotWaiting };
            if let Err(error) = self.journal.approval_taken(approval.id, result).await {
                tracing::warn!(error = %error_chain(&error), "the journal does not have that an approval was taken up");
            }
        }
        goes_on
    }

    /// Finds out what changed, looks at it, and has it served. Then come the phones that registered anew, because asking for
    /// registrations takes as long as the rate of RisPort70 says, and some screens.
    async fn pass(&mut self) -> Result<(), AppError> {
        self.touched = 0;
        if self.look_and_serve(News::Changes).await? != LookScope::Whole {
            self.look_and_serve(News::Registrations).await?;
        }
        if self.look_at_screens().await? {
            self.look_and_serve(News::Changes).await?;
        }
        Ok(())
    }

    /// Returns which phones were looked at.
    async fn look_and_serve(&mut self, news: News) -> Result<LookScope, AppError> {
        let stop = &self.handle.stop;
        let found = tokio::select! {
            // A look changes nothing, so it need not come to its end.
            () = stop.cancelled() => None,
            found = Box::pin(self.look(news)) => found?,
        };
        let Some(found) = found else { return Ok(LookScope::Nothing) };
        let scope = found.scope.clone();
        Box::pin(self.serve(found)).await?;
        Ok(scope)
    }

    async fn save(&mut self) {
        let counts = self.state.counts();
        let status = &mut self.row.status;
        (status.phones, status.capable, status.shown) =
            (counts.phones, counts.capable, counts.shown);
        (status.offline, status.failing) = (counts.offline, counts.failing);
        (status.held, status.drifted) = (counts.held, counts.drifted);
        let now = Timestamp::now();
        self.row.passed_at = Some(now);
        self.row.retries = self.state.retries(self.uptime(), now);
        if let Err(error) = self.journal.save_watch(&self.row).await {
            tracing::warn!(error = %error_chain(&error), "the journal does not have how the watch is doing");
        }
    }
}

/// Counts each event as a step.
struct Counted {
    observer: Arc<dyn Observer>,
    activity: Arc<ClusterActivity>,
}

impl Observer for Counted {
    fn observe(&self, event: &Event) {
        self.activity.step();
        self.observer.observe(event);
    }
}

fn reader(request: &WatchRequest) -> Result<JournalReader, AppError> {
    crate::connect::journal::history(&request.journal)
}

fn locked(connection: &ClusterSettings, error: LockError) -> AppError {
    match &error {
        LockError::Held { holder } => {
            let who = holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default();
            let message = format!("another watch works on {}{who}", connection.name);
            AppError::new(ErrorKind::Refused, message)
                .hint("nothing was changed; one watch keeps a cluster, `axlpaper runs` shows it")
        }
        LockError::File { .. } => AppError::from_error(ErrorKind::Failed, error)
            .hint("nothing was changed; name a place that you may write with --state"),
    }
}

/// How often approvals are looked for.
const BETWEEN_APPROVALS: Duration = Duration::from_secs(1);

/// How long an account is left alone after the cluster refused it.
const REFUSED: Duration = Duration::from_secs(15 * 60);

/// After so many refusals in a row the watch ends.
const MOST_REFUSALS: u32 = 3;
