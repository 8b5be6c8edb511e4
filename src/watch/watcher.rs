//! The watch of one cluster: passes, one after the other, until it is stopped.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, LocalBoxFuture};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::axl::change_notification::{ChangeCursor, ChangesLost};
use crate::connect::cluster::{self, ClusterActivity, ClusterClients, ClusterSettings, cluster_id};
use crate::domain::control::ControlResult;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::finding::Verdict;
use crate::domain::inventory::{AccountStatus, Inventory, Phone, PushUser};
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Selector;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Event, Observer, Proof, Unobserved};
use crate::interaction::{Interaction, Notice, Question};
use crate::journal::{
    Journal, JournalReader, LockError, LockOwner, WatchRow, WatchStatus, lock_watch,
};
use crate::push::Target;
use crate::push::scheduler::schedule::Schedule;
use crate::push::scheduler::waves::Amount;
use crate::push::scheduler::window::WindowState;
use crate::report::RunReport;
use crate::rollout::cluster_task::{Assessment, ClusterTask, PreparedTargets, Surveyed};
use crate::rollout::control::RolloutHandle;
use crate::rollout::multi_cluster::{self, Observers};
use crate::rollout::options::{PushOptions, SavedOptions, WaitLimits};
use crate::rollout::payload::Payload;
use crate::rollout::request::RolloutRequest;
use crate::survey;
use crate::watch::backoff::retry_after_stop;
use crate::watch::changes::{self, Changes};
use crate::watch::event::{WatchEvent, WatchObserver};
use crate::watch::replaced::Identities;
use crate::watch::state::{LookScope, SeenPhone, WatchState};

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
        identities: Identities::default(),
        nodes: Vec::new(),
        requests: 1.0,
        asked_at: Duration::ZERO,
        agreed: 0,
        wanted: 0,
        reader: None,
        paused_until: Duration::ZERO,
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
    payload: Option<(Arc<dyn Payload>, String)>,
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
    /// No phone is pushed to before.
    paused_until: Duration,
    /// How many runs in a row stopped by themselves.
    stops: u32,
    /// How often in a row the cluster refused the account.
    refusals: u32,
    exit: Exit,
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
        let observer = match self.is_first {
            true => (self.callers.observers)(&self.connection.name),
            false => Arc::new(Unobserved),
        };
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
                status.stopped = None;
                status.held = 0;
                self.state.release();
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

    async fn save(&mut self) {
        let counts = self.state.counts();
        let status = &mut self.row.status;
        (status.phones, status.capable, status.shown) =
            (counts.phones, counts.capable, counts.shown);
        (status.offline, status.failing, status.held) =
            (counts.offline, counts.failing, counts.held);
        let now = Timestamp::now();
        self.row.passed_at = Some(now);
        self.row.retries = self.state.retries(self.uptime(), now);
        if let Err(error) = self.journal.save_watch(&self.row).await {
            tracing::warn!(error = %error_chain(&error), "the journal does not have how the watch is doing");
        }
    }
}

impl Watcher<'_> {
    /// Finds out what changed, looks at it, and has it served.
    async fn pass(&mut self) -> Result<(), AppError> {
        let stop = &self.handle.stop;
        let found = tokio::select! {
            // A look changes nothing, so it need not come to its end.
            () = stop.cancelled() => return Ok(()),
            found = Box::pin(self.look()) => found?,
        };
        match found {
            Some((clients, assessment, targets)) => self.serve(clients, assessment, &targets).await,
            None => Ok(()),
        }
    }

    async fn look(&mut self) -> Result<Option<Found>, AppError> {
        let clients = self.clients().await?;
        if self.cursor.is_none() && self.row.status.without_changes.is_some() {
            // Once the cluster reports changes again, what changed before that is found by looking at all phones.
            self.take_baseline(&clients).await?;
            if self.cursor.is_some() {
                self.state.survey_now();
            }
        }
        self.read_changes(&clients).await?;
        if self.state.look(self.uptime(), Timestamp::now()) != LookScope::Whole {
            self.read_registrations(&clients).await?;
        }
        let scope = self.state.look(self.uptime(), Timestamp::now());
        let names = match &scope {
            LookScope::Nothing => return Ok(None),
            LookScope::Named(names) => {
                self.tell(&WatchEvent::Changed(names.clone()));
                Some(&**names)
            }
            LookScope::Whole => {
                self.take_baseline(&clients).await?;
                None
            }
        };
        self.load().await?;
        let task = self.task()?;
        // What is remarkable about the pictures, the run that pushes them says.
        let prepares = Unobserved;
        let assessment = task.assess(&clients, names, &self.progress()).await?;
        let prepared = task.prepare_targets(&assessment, &prepares).await?;
        self.take_in(&scope, &assessment, &prepared);
        if scope == LookScope::Whole {
            self.row.status.surveyed_at = Some(Timestamp::now());
            self.tell(&WatchEvent::Surveyed(self.state.counts()));
        }
        Ok(Some((clients, assessment, prepared.targets)))
    }

    async fn clients(&mut self) -> Result<ClusterClients, AppError> {
        if let Some(clients) = &self.clients {
            return Ok(clients.clone());
        }
        let interaction = self.callers.interaction.as_ref();
        let clients = cluster::connect(&self.connection, interaction, &self.progress()).await?;
        // What was changed while the cluster could not be asked is found by looking at all phones.
        self.cursor = None;
        self.state.survey_now();
        self.clients = Some(clients.clone());
        Ok(clients)
    }

    /// Takes the end of the queue of changes, before all phones are looked at.
    ///
    /// # Errors
    /// When the cluster refuses the account: each request more would count as another failed login.
    async fn take_baseline(&mut self, clients: &ClusterClients) -> Result<(), AppError> {
        if self.cursor.is_some() {
            return Ok(());
        }
        let without = match changes::baseline(&clients.axl).await? {
            Ok(cursor) => {
                self.cursor = Some(cursor);
                None
            }
            Err(why) => Some(why),
        };
        let before = std::mem::replace(&mut self.row.status.without_changes, without.clone());
        match (before, without) {
            (None, Some(why)) => {
                self.tell(&WatchEvent::WithoutChanges { why, survey_every: self.survey_every() });
            }
            (Some(_), None) => self.tell(&WatchEvent::WithChanges),
            (None, None) | (Some(_), Some(_)) => {}
        }
        Ok(())
    }

    /// Without changes the cluster is looked at more often.
    fn survey_every(&self) -> Duration {
        match self.cursor {
            Some(_) => self.request.survey_every,
            None => self.request.survey_every.min(WITHOUT_CHANGES),
        }
    }

    async fn read_changes(&mut self, clients: &ClusterClients) -> Result<(), AppError> {
        let Some(cursor) = &self.cursor else { return Ok(()) };
        match changes::since(&clients.axl, cursor).await {
            Ok((changes, cursor)) => {
                let Changes { phones, users, many } = changes;
                self.state.changed(phones);
                if many {
                    self.state.survey_now();
                }
                self.read_associations(clients, &users).await?;
                // What came is among the phones that are due, until they are served.
                self.cursor = Some(cursor);
            }
            Err(ChangesLost::Failed(error)) if error.is_authentication() => {
                return Err(error.into());
            }
            Err(lost) => {
                self.cursor = None;
                self.state.survey_now();
                self.tell(&WatchEvent::ChangesLost(error_chain(&lost)));
            }
        }
        Ok(())
    }

    /// Reads the devices of the push user again, where it is among the users that changed. What a run of this watch added
    /// is known already, and no reason to look at a phone.
    async fn read_associations(
        &mut self,
        clients: &ClusterClients,
        users: &BTreeSet<String>,
    ) -> Result<(), AppError> {
        let Some(user) = &self.connection.push_access.push_user else { return Ok(()) };
        if !users.iter().any(|changed| changed.eq_ignore_ascii_case(user)) {
            return Ok(());
        }
        let kind = self.connection.push_user_kind;
        let found = survey::push_user(&clients.axl, user, kind, &mut Vec::new()).await?;
        let (account, now) = (account_of(&found), devices_of(&found));
        if account != self.account {
            // No phone can be pushed to while it is locked, so all phones that wait for that are looked at again.
            self.state.survey_now();
        }
        let differ = now.symmetric_difference(&self.associated);
        let differ: Vec<DeviceName> =
            differ.filter_map(|name| DeviceName::of_cluster(name).ok()).collect();
        self.state.changed(differ);
        (self.account, self.associated) = (account, now);
        Ok(())
    }

    /// Asks where phones are registered, with half of the requests that the rate allows. The other half is for runs.
    async fn read_registrations(&mut self, clients: &ClusterClients) -> Result<(), AppError> {
        let rate = f64::from(self.connection.ris_rate) / 2.0;
        let (now, since) = (self.uptime(), self.asked_at);
        self.asked_at = now;
        self.requests += rate * now.saturating_sub(since).as_secs_f64() / 60.0;
        self.requests = self.requests.min(rate);
        // Never negative, and at most 300.
        let requests = self.requests.floor() as usize;
        let names = self.state.to_ask(requests * NAMES_A_REQUEST);
        if names.is_empty() {
            return Ok(());
        }
        self.requests -= names.len().div_ceil(NAMES_A_REQUEST) as f64;
        let source = self.connection.registrations;
        let (axl, ris) = (&clients.axl, &clients.ris);
        let seen = survey::registrations_of(axl, ris, names, &self.nodes, source).await?;
        self.state.registered(&seen);
        Ok(())
    }

    /// Reads what phones shall show. A picture that cannot be read is kept as it was.
    async fn load(&mut self) -> Result<(), AppError> {
        match self.desired.load(Timestamp::now()).await {
            Ok(loaded) => {
                self.payload = Some(loaded);
                if self.picture_error.take().is_some() {
                    self.tell(&WatchEvent::PictureRead);
                }
            }
            Err(error) if self.payload.is_some() => {
                let why = Some(error.message().to_owned());
                if self.picture_error != why {
                    self.tell(&WatchEvent::PictureKept(error.message().to_owned()));
                }
                self.picture_error = why;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn task(&self) -> Result<ClusterTask, AppError> {
        let request = &self.request;
        let Some((payload, payload_name)) = self.payload.clone() else {
            return Err(AppError::new(ErrorKind::Usage, "no picture is named"));
        };
        let request = RolloutRequest {
            command: "watch",
            command_line: request.command_line.clone(),
            journal: request.journal.clone(),
            continues: None,
            reverts: None,
            selector: request.selector.clone(),
            proof: payload.proof(request.proof)?,
            payload,
            payload_name,
            options: request.options.clone(),
            saved_options: request.saved_options.clone(),
            repair: Some(request.repair.clone()),
            wait: request.wait,
            schedule: request.schedule.clone(),
            names_clusters: false,
        };
        Ok(ClusterTask {
            request: Arc::new(request),
            connection: self.connection.clone(),
            push_password: Some(self.push_password.clone()),
            dry_run: false,
            surveyed: None,
        })
    }

    /// Takes in what a look found.
    fn take_in(&mut self, scope: &LookScope, assessment: &Assessment, targets: &PreparedTargets) {
        let seen = assessment.audit.phones.iter().map(|phone| SeenPhone {
            name: phone.name().clone(),
            registration: phone.phone.registration.clone(),
            verdict: phone.verdict,
            is_capable: phone.verdict != Verdict::Unsupported && phone.excluded().is_none(),
            is_offline: phone.verdict == Verdict::Offline,
            is_shown: targets.already.contains_key(phone.name()),
            next_picture: phone.image.as_ref().and_then(|image| Some(image.next.as_ref()?.at)),
        });
        let (uptime, survey_every) = (self.uptime(), self.survey_every());
        self.state.looked(scope, seen.collect(), uptime, survey_every);
        let new = self.identities.looked(scope, &assessment.inventory.phones);
        for replaced in new.replaced {
            self.tell(&WatchEvent::Replaced(replaced));
        }
        self.state.changed(new.suspects);
        self.account = account_of(&assessment.inventory.push_user);
        self.associated = devices_of(&assessment.inventory.push_user);
        self.nodes.clone_from(&assessment.inventory.nodes);
    }
}

impl Watcher<'_> {
    /// Has a rollout change and push what a look found to be done.
    async fn serve(
        &mut self,
        clients: ClusterClients,
        assessment: Assessment,
        targets: &[Target],
    ) -> Result<(), AppError> {
        let Assessment { inventory, plan, .. } = assessment;
        let targets: BTreeSet<&DeviceName> = targets.iter().map(|target| &target.name).collect();
        let touched: BTreeSet<&DeviceName> =
            plan.touched_of(&inventory.phones).into_iter().map(|phone| &phone.name).collect();
        let has_work =
            |phone: &&Phone| targets.contains(&phone.name) || touched.contains(&phone.name);
        let phones: Vec<&Phone> = inventory.phones.iter().filter(has_work).collect();
        let all = phones.len().max(plan.phones_touched());
        let (is_first, progress) = (self.is_first, self.progress());
        self.is_first = false;
        let closed = self.postpone_closed(&phones);
        let names = phones.iter().map(|phone| phone.name.clone());
        let work = self.state.work(names);
        if is_first && self.request.asks_first && closed > 0 {
            self.ask_about(all, closed).await?;
        } else if is_first && !self.is_limited {
            self.agreed = all;
        }
        if work.is_empty() || self.row.status.stopped.is_some() || self.uptime() < self.paused_until
        {
            return Ok(());
        }
        // A profile that is changed touches phones that have no other work.
        let others = plan.phones_touched().saturating_sub(touched.len());
        let (wanted, limit) = (work.len() + others, self.limit());
        if wanted > limit {
            if self.wanted != wanted {
                self.tell(&WatchEvent::ApprovalNeeded { phones: wanted, limit });
            }
            self.wanted = wanted;
            self.state.hold(work);
            self.exit = Exit::Refused;
            return Ok(());
        }
        if self.state.counts().held == 0 {
            // Nothing waits any more, so the same number is told when it comes again.
            self.wanted = 0;
        }
        let asks = is_first && self.request.asks_first && closed == 0;
        let surveyed = Surveyed { clients, inventory };
        match self.run_on(surveyed, work, (!asks).then_some(limit), progress).await {
            // Before the first push the cluster was asked whether the push user's password is right.
            Err(error) if error.kind() == ErrorKind::Authentication && !self.request.once => {
                self.stop_pushing(error.message().to_owned());
            }
            ran => ran?,
        }
        self.agreed = self.agreed.saturating_sub(wanted);
        Ok(())
    }

    /// Asks about all that is to be done at the start of a watch, where some of it waits for its window.
    async fn ask_about(&mut self, phones: usize, closed: usize) -> Result<(), AppError> {
        let Some((payload, name)) = &self.payload else { return Ok(()) };
        let what = format!(
            "This will {} on {} ({}), to {} of them when their window opens",
            payload.describe(name, phones),
            self.connection.name,
            self.connection.endpoint,
            closed
        );
        let question = Question { what, phones, outline: Vec::new() };
        self.callers.interaction.confirm(&question).await?;
        self.agreed = phones;
        Ok(())
    }

    /// Has phones wait whose window is closed, until it opens. Returns how many they are.
    fn postpone_closed(&mut self, phones: &[&Phone]) -> usize {
        let (schedule, uptime) = (&self.request.schedule, self.began.elapsed());
        let (now, mut closed) = (schedule.now(), 0);
        for phone in phones {
            if let WindowState::Closed { opens } = schedule.gate(&phone.device_pool, now) {
                let left = Duration::try_from(opens.duration_since(now)).unwrap_or_default();
                self.state.postpone(&phone.name, uptime + left);
                closed += 1;
            }
        }
        closed
    }

    /// Returns how many phones may be touched now.
    fn limit(&self) -> usize {
        let phones = self.state.counts().phones;
        let usual = DEFAULT_COUNT.max(Amount::Percent(DEFAULT_PERCENT).of(phones));
        let typed = self.request.max_change.map(|most| match most {
            Amount::Count(count) => count,
            Amount::Percent(_) => most.of(phones),
        });
        typed.unwrap_or(usual).max(self.agreed)
    }

    async fn run_on(
        &mut self,
        mut surveyed: Surveyed,
        work: Vec<DeviceName>,
        limit: Option<usize>,
        progress: Arc<dyn Observer>,
    ) -> Result<(), AppError> {
        let names: Vec<String> = work.iter().map(|name| name.as_str().to_owned()).collect();
        let wanted: BTreeSet<&DeviceName> = work.iter().collect();
        surveyed.inventory.phones.retain(|phone| wanted.contains(&phone.name));
        let ClusterTask { request, connection, .. } = self.task()?;
        let selector = Selector { listed: Some(work), ..Selector::default() };
        let schedule = self.closing(&surveyed.inventory);
        let request = RolloutRequest { selector, schedule, ..RolloutRequest::clone(&request) };
        let interaction: Arc<dyn Interaction> =
            Arc::new(Agreed { limit, interaction: Arc::clone(self.callers.interaction) });
        let observers = move |_: &str| Arc::clone(&progress);
        let prepared = multi_cluster::prepare_surveyed(
            request,
            connection,
            surveyed,
            &interaction,
            &observers,
        );
        let prepared = Box::pin(prepared).await?.confirm().await?;
        // Wherever that fails, the next answer of the cluster differs from it, and the phone is looked at.
        self.associated.extend(names);
        for ended in Box::pin(prepared.execute(&self.handle.rollout)).await {
            self.row.status.last_run = ended.run;
            self.take_report(&ended.result?);
        }
        Ok(())
    }

    /// Ends a run when the first window of its phones closes: the others must not wait for the next one.
    fn closing(&self, inventory: &Inventory) -> Schedule {
        let schedule = &self.request.schedule;
        let now = schedule.now();
        let closes = inventory.phones.iter().filter_map(|phone| {
            match schedule.gate(&phone.device_pool, now) {
                WindowState::Open { closes } => closes,
                WindowState::Closed { .. } => None,
            }
        });
        match closes.min() {
            Some(closes) => schedule.clone().ending(closes),
            None => schedule.clone(),
        }
    }

    fn stop_pushing(&mut self, why: String) {
        self.tell(&WatchEvent::PushStopped(why.clone()));
        self.row.status.stopped = Some(why);
    }

    fn take_report(&mut self, report: &RunReport) {
        let uptime = self.uptime();
        self.state.served(&report.phones, uptime);
        self.callers.observer.ran(&self.connection.name, report);
        let ending = report.ending.clone().unwrap_or_default();
        let shown = report.phones.iter().filter(|phone| phone.outcome.is_proven()).count();
        let failed = report.failures().count();
        let stopped = ending.stopped.clone().filter(|_| !ending.interrupted);
        let run = self.row.status.last_run;
        let failing = self.state.counts().failing;
        self.tell(&WatchEvent::Ran { run, shown, failed, failing, stopped: stopped.clone() });
        self.exit = crate::rollout::result::exit_of(report);
        match stopped {
            Some(why) if ending.refused => self.stop_pushing(why),
            Some(why) => {
                let delay = retry_after_stop(self.stops);
                (self.stops, self.paused_until) = (self.stops + 1, uptime + delay);
                self.tell(&WatchEvent::PushPaused { why, delay });
            }
            None => self.stops = 0,
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

/// What a look found: the cluster, and the phones that do not show what they should.
type Found = (ClusterClients, Assessment, Vec<Target>);

/// Answers the question of a run: as many phones as were agreed may be touched.
struct Agreed {
    /// How many; nothing where a person is asked.
    limit: Option<usize>,
    interaction: Arc<dyn Interaction>,
}

impl Interaction for Agreed {
    fn confirm<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), AppError>> {
        let Some(limit) = self.limit else { return self.interaction.confirm(question) };
        let answer = if question.phones <= limit {
            Ok(())
        } else {
            let message =
                format!("{}: more than the {limit} phones that were agreed", question.what);
            Err(AppError::new(ErrorKind::Refused, message)
                .hint("nothing was changed; --max-change allows more"))
        };
        Box::pin(std::future::ready(answer))
    }

    fn waits_for_answers(&self) -> bool {
        self.limit.is_none() && self.interaction.waits_for_answers()
    }

    fn password<'a>(
        &'a self,
        whose: &'a str,
        other_ways: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, AppError>> {
        self.interaction.password(whose, other_ways)
    }

    fn notice(&self, notice: &Notice<'_>) {
        self.interaction.notice(notice);
    }
}

fn account_of(user: &PushUser) -> Option<AccountStatus> {
    match user {
        PushUser::Found { account, .. } => Some(account.clone()),
        PushUser::NotNamed | PushUser::Missing { .. } => None,
    }
}

fn devices_of(user: &PushUser) -> BTreeSet<String> {
    match user {
        PushUser::Found { devices, .. } => devices.entries().iter().cloned().collect(),
        PushUser::NotNamed | PushUser::Missing { .. } => BTreeSet::new(),
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

/// Phones that a pass may touch without an approval, where nothing else was typed.
const DEFAULT_COUNT: usize = 20;

/// The same, as a percentage of the selected phones; the larger one counts.
const DEFAULT_PERCENT: u8 = 2;

/// How often approvals are looked for.
const BETWEEN_APPROVALS: Duration = Duration::from_secs(1);

/// How long an account is left alone after the cluster refused it.
const REFUSED: Duration = Duration::from_secs(15 * 60);

/// After so many refusals in a row the watch ends.
const MOST_REFUSALS: u32 = 3;

/// How often all phones are looked at, at least, where the cluster does not say what changed.
const WITHOUT_CHANGES: Duration = Duration::from_secs(60 * 60);

/// Names in a request to RisPort70.
const NAMES_A_REQUEST: usize = 1_000;
