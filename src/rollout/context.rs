//! The stages of a run that changes something, one function each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::apply::{Applied, Halt};
use crate::connect::cluster::ClusterClients;
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::{Inventory, PushUser};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::Plan;
use crate::error::AppError;
use crate::event::{Event, Observer, Outcome, PhoneResult};
use crate::interaction::Interaction;
use crate::journal::{Coverage, Recorder};
use crate::plan::{Kind, after_apply};
use crate::push::addresses::AddressSource;
use crate::push::attempt_log::JournalAttemptLog;
use crate::push::policy::logins::LoginProbes;
use crate::push::scheduler;
use crate::push::scheduler::waves::{self, WaveSettings};
use crate::push::scheduler::{PushSettings, StopReason, StopSignals};
use crate::push::{Delivery, Digests, LoginCheck, Target, not_back, not_served, skipped};
use crate::rollout::cluster_task::{Assessment, ClusterTask, PreparedTargets, waited_for};
use crate::rollout::current_addresses::CurrentAddresses;
use crate::rollout::offline_wait;
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::run::RunScope;
use crate::rollout::soak::RegistrationCheck;
use crate::rollout::{push_common, repair, verify_password};

/// A run that works on a cluster.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// What is to be done.
    pub task: &'a ClusterTask,
    /// Where.
    pub cluster: &'a ClusterClients,
    /// Where it is written down.
    pub recorder: &'a Recorder,
    /// Receives the events.
    pub observer: &'a Arc<dyn Observer>,
    /// Whom to ask and to warn.
    pub interaction: &'a dyn Interaction,
}

/// What is at hand for the push, before anything is changed.
pub struct PushSetup {
    delivery: Box<dyn Delivery>,
    log: JournalAttemptLog,
    digests: Digests,
    /// Phones that are proven to show it already.
    pub already: HashMap<DeviceName, PhoneResult>,
    password_proven: bool,
    /// The phones that will be pushed to when all changes succeed.
    pub targets: Vec<Target>,
}

/// What the user is asked to confirm.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// What would be done, in words.
    pub what: String,
    /// How many phones that touches.
    pub touched: usize,
    /// How many phones would be pushed to.
    pub phones: usize,
}

/// What became of the cluster.
#[derive(Debug)]
pub struct AppliedChanges {
    /// The changes.
    pub applied: Applied,
    /// The cluster as it is now.
    pub now: Inventory,
    /// Phones that did not come back.
    pub away: HashSet<DeviceName>,
}

/// What became of every selected phone.
#[derive(Debug)]
pub struct PushResults {
    /// The phones, sorted by name.
    pub phones: Vec<PhoneResult>,
    /// How many of the phones show what was pushed, by all that is known; nothing where that cannot be known.
    pub coverage: Option<Coverage>,
    /// Why some of them were not done with.
    pub stopped: Option<StopReason>,
}

impl RunContext<'_> {
    /// Makes the guard of the push user's logins, which asks this cluster why phones refuse.
    ///
    /// # Errors
    /// When what to trust cannot be read.
    pub fn logins(&self, assessment: &Assessment) -> Result<LoginProbes, AppError> {
        let Self { task, cluster, .. } = *self;
        let Some(password) = &task.push_password else { return Ok(LoginProbes::default()) };
        let user = task.connection.push_access.need_push_user()?;
        let page = assessment.inventory.enterprise.authentication_url.as_deref();
        let trust = &task.connection.trust;
        verify_password::logins(&cluster.axl, user, password.clone(), page, trust)
    }

    /// Returns how the addresses of phones are read again while the push runs.
    pub fn addresses(&self, assessment: &Assessment) -> AddressSource {
        let Self { task, cluster, .. } = *self;
        AddressSource::new(Arc::new(CurrentAddresses {
            cluster: ClusterClients {
                axl: Arc::clone(&cluster.axl),
                ris: Arc::clone(&cluster.ris),
            },
            registrations: task.connection.registrations,
            nodes: assessment.inventory.nodes.clone(),
            nat: task.connection.push_access.nat.clone(),
        }))
    }

    /// Says what a password that is changed in mid-run could do to the push user's account, where it could lock it.
    fn logins_at_risk(&self, assessment: &Assessment, ready: &PushSetup) -> Option<String> {
        let PushUser::Found { account, .. } = &assessment.inventory.push_user else { return None };
        let most = self.task.connection.push_access.most_logins().min(ready.targets.len());
        push_common::logins_at_risk(most, account.locks_after?)
    }

    /// Reads the cluster, judges its phones and plans; the journal keeps what was seen.
    ///
    /// # Errors
    /// When the cluster or the journal cannot be read, or the repairs contradict what is there.
    pub async fn assess(&self) -> Result<Assessment, AppError> {
        let assessment = self.task.assess(self.cluster, None, self.observer).await?;
        let kept = self.recorder.snapshot("audit", &assessment.audit).await;
        kept?;
        Ok(assessment)
    }

    /// Makes the pictures, starts the image server, and finds out what can be found out beforehand.
    ///
    /// # Errors
    /// When phones could not be pushed to, or the push user's password is wrong. Nothing is changed then.
    pub async fn prepare(&self, assessment: &Assessment) -> Result<PushSetup, AppError> {
        let Self { task, observer, .. } = *self;
        let PreparedTargets {
            payload: prepared,
            digests,
            targets: expected,
            already,
            shown_before,
        } = task.prepare_targets(assessment, observer.as_ref()).await?;
        let saved = prepared.save_summary(self.recorder, &task.request.payload_name).await;
        saved?;
        let log = JournalAttemptLog::new(self.recorder.clone(), digests.clone(), shown_before);
        let context = DeliveryContext {
            push_access: &task.connection.push_access,
            password: task.push_password.clone().unwrap_or_default(),
            options: &task.request.options,
            file: &task.request.payload_name,
            proof: task.request.proof,
            journal: &task.request.journal,
            recorder: self.recorder,
            interaction: self.interaction,
            phone_side_ip: task.connection.phone_side_ip().await,
            observer,
        };
        let delivery = prepared.deliver(&context).await?;
        let action = task.request.payload.action();
        let checked = delivery.check(&expected);
        checked.map_err(|error| push_common::too_long(error, action))?;
        let password_proven = proven(task, self.cluster, &expected).await?;
        Ok(PushSetup { delivery, log, digests, already, password_proven, targets: expected })
    }

    /// Shows what a person should know before the confirmation. Returns what is to be confirmed; nothing where nothing is to be
    /// done.
    pub fn intent(&self, assessment: &Assessment, ready: &PushSetup) -> Option<Confirmation> {
        let phones = ready.targets.len();
        let only_waits = phones == 0 && assessment.plan.changes.is_empty();
        let waits = self.task.request.options.wait_for_offline.is_some();
        let coming = if waits { waited_for(&assessment.audit).count() } else { 0 };
        if only_waits && coming == 0 {
            return None;
        }
        if let Some(caution) = self.task.request.payload.warning() {
            self.observer.observe(&Event::Remark(caution.to_owned()));
        }
        if let Some(risk) = self.logins_at_risk(assessment, ready) {
            self.observer.observe(&Event::Remark(risk));
        }
        if let Some(url) = ready.delivery.base_url() {
            self.observer.observe(&Event::Remark(format!("phones download from {url}")));
        }
        if only_waits {
            let what = question(self.task, &assessment.plan, coming) + ", when they come back";
            return Some(Confirmation { what, touched: coming, phones });
        }
        let touched = assessment.plan.phones_touched().max(phones);
        let what = question(self.task, &assessment.plan, phones);
        Some(Confirmation { what, touched, phones })
    }

    /// Changes the cluster, and waits for phones that restart for it.
    ///
    /// # Errors
    /// When nothing could be changed. What failed later is in the answer.
    pub async fn change(
        &self,
        assessment: &Assessment,
        stop: &StopSignals,
    ) -> Result<AppliedChanges, AppError> {
        let Self { task, cluster, observer, .. } = *self;
        let applied = if assessment.plan.changes.is_empty() {
            Applied::default()
        } else {
            repair::apply(cluster, self.recorder, &assessment.plan, Kind::Repair, stop, observer)
                .await?
        };
        let read_back = applied.read_back.iter().map(|(change, list)| (change, list.as_ref()));
        let mut now = after_apply(assessment.inventory.clone(), read_back);
        let told = repair::applied_phones(&now, &applied);
        let connection = &task.connection;
        let away = repair::wait(
            cluster,
            connection,
            &mut now,
            &told,
            &task.request.wait,
            &stop.soon,
            observer,
        )
        .await;
        Ok(AppliedChanges { applied, now, away })
    }

    /// Pushes, and says of every selected phone what became of it.
    pub async fn push(
        &self,
        assessment: &Assessment,
        ready: PushSetup,
        changed: &AppliedChanges,
        stop: &StopSignals,
    ) -> PushResults {
        let PushSetup { delivery, log, digests, mut already, password_proven, targets: expected } =
            ready;
        let expected: HashSet<DeviceName> =
            expected.into_iter().map(|target| target.name).collect();
        let after = self.task.audit(&changed.now);
        let (mut targets, _) = self.task.targets(assessment, &after);
        let mut held = repair::held_back(&changed.now, &changed.applied.results);
        if let Some(Halt::Refused(why)) = &changed.applied.halt {
            let rest =
                expected.iter().map(|name| (name.clone(), format!("the run ended before: {why}")));
            held = rest.chain(held).collect();
        }
        held.retain(|name, _| expected.contains(name));
        targets.retain(|target| !held.contains_key(&target.name));
        // A change that failed can have taken a phone out of reach; only who would be pushed to is left out.
        already.retain(|name, _| targets.iter().any(|target| target.name == *name));
        targets.retain(|target| !already.contains_key(&target.name));
        let settings = PushSettings { password_proven, ..settings(self.task) };
        let soak_check = RegistrationCheck {
            cluster: self.cluster,
            registrations: self.task.connection.registrations,
            inventory: &changed.now,
        };
        let waves = WaveSettings {
            waves: &self.task.request.options.waves,
            push: settings,
            soak_check: Some(&soak_check),
        };
        let observer = self.observer.as_ref();
        let mut pushed = waves::run(&*delivery, &log, targets, waves, stop, observer).await;
        let late = offline_wait::Push {
            task: self.task,
            cluster: self.cluster,
            observer,
            delivery: &*delivery,
            log: &log,
            settings,
            stop,
        };
        let after = if matches!(changed.applied.halt, Some(Halt::Refused(_))) {
            after
        } else {
            late.wait(assessment, changed.now.clone(), after, &mut pushed).await
        };
        delivery.shutdown().await;
        let waited = self.task.request.wait.restart;
        // Those that came late are among them too.
        let (_, left) = self.task.targets(assessment, &after);
        push_common::remark_left_out(&left, self.observer.as_ref());
        let object = self.task.request.payload.kind();
        let lost = after.phones.iter().filter(|phone| changed.away.contains(phone.name()));
        let lost =
            lost.map(|phone| not_back(object, phone, waited)).chain(already.values().cloned());
        let held = after.phones.iter().filter_map(|phone| {
            let why = held.get(phone.name())?;
            Some(not_served(object, phone, why.clone()))
        });
        let lost = held.chain(lost).chain(left);
        let others = not_pushed_to(object, &pushed, lost.collect(), &after);
        // The journal has those that show it already since the beginning.
        let unwritten = others.iter().filter(|phone| phone.outcome != Outcome::Already);
        push_common::write_down(self.recorder, unwritten, observer).await;
        let stopped = pushed.stopped.clone();
        let phones = push_common::all(pushed, others);
        let scope = RunScope::of(&self.task.connection);
        let coverage = push_common::coverage(&self.task.request, &scope, &phones, &digests);
        PushResults { phones, coverage, stopped }
    }
}

/// Asks the cluster whether the push user's password is right, before the first phone that would ask it too: a wrong one
/// then costs one failed login a run.
async fn proven(
    task: &ClusterTask,
    cluster: &ClusterClients,
    targets: &[Target],
) -> Result<bool, AppError> {
    let asks_cluster = targets.iter().any(|target| target.login_check == LoginCheck::Cluster);
    match &task.push_password {
        Some(password) if asks_cluster => {
            let user = task.connection.push_access.need_push_user()?;
            verify_password::is_proven(&cluster.axl, user, password.clone()).await
        }
        Some(_) | None => Ok(false),
    }
}

fn question(task: &ClusterTask, plan: &Plan, phones: usize) -> String {
    let push = task.request.payload.describe(&task.request.payload_name, phones);
    let place = format!("{} ({})", task.connection.name, task.connection.endpoint);
    if plan.changes.is_empty() {
        format!("This will {push} on {place}")
    } else {
        format!("This will {}, and {push} on {place}", repair::in_words(plan))
    }
}

fn settings(task: &ClusterTask) -> PushSettings {
    let patience = task.request.wait.settle;
    let settings = push_common::settings(&task.connection.push_access, &task.request.options);
    PushSettings { propagation_limit: patience, proof: task.request.proof, ..settings }
}

/// Returns the results of everybody who was not pushed to: of those that are known, and of all others that
/// were selected.
fn not_pushed_to(
    object: ObjectKind,
    pushed: &scheduler::PushOutcomes,
    known: Vec<PhoneResult>,
    audit: &Audit,
) -> Vec<PhoneResult> {
    let mut done: HashSet<DeviceName> =
        pushed.results.iter().map(|phone| phone.name.clone()).collect();
    let mut phones = known;
    // Who was pushed to all the same has a better result.
    phones.retain(|phone| done.insert(phone.name.clone()));
    phones.extend(
        audit
            .phones
            .iter()
            .filter(|phone| !done.contains(phone.name()))
            .map(|phone| skipped(object, phone)),
    );
    phones
}
