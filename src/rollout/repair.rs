//! Plans and their way to the cluster, for the commands that change it.

use crate::connect::cluster::cluster_id;
use crate::connect::journal;
use crate::connect::journal::history_if_any;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use tokio_util::sync::CancellationToken;

use crate::apply::{Applied, Halt, StepControl, apply as apply_plan};
use crate::axl::system::ListProcessNode;
use crate::connect::cluster::{ClusterClients, ClusterSettings};
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::inventory::{Inventory, Phone};
use crate::domain::personalization::Setting;
use crate::domain::plan::{Action, Change, ConfigLevel, Plan};
use crate::domain::repair_policy::{PendingApplies, Repairs};
use crate::domain::text::pluralize;
use crate::error::{AppError, ErrorKind};
use crate::event::{ChangeResult, ChangeState, Event, Observer};
use crate::interaction::Question;
use crate::journal::Recorder;
use crate::plan::{Kind, check};
use crate::push::scheduler::{StopReason, StopSignals};
use crate::rollout::options::WaitLimits;
use crate::rollout::run::{self, Run};
use crate::survey::{RestartWait, wait_until_back};

/// Returns what earlier runs changed on a cluster without making phones apply it.
///
/// # Errors
/// When there is a journal that cannot be read.
pub fn pending_applies(
    path: &Path,
    connection: &ClusterSettings,
) -> Result<PendingApplies, AppError> {
    let Some(history) = history_if_any(path)? else { return Ok(PendingApplies::default()) };
    history.pending_applies(&cluster_id(connection)).map_err(Into::into)
}

/// Makes the plan.
///
/// # Errors
/// When the repairs contradict what is there.
pub fn plan(
    inventory: &Inventory,
    audit: &Audit,
    repairs: &Repairs,
    pending_applies: &PendingApplies,
) -> Result<Plan, AppError> {
    crate::plan::plan(inventory, audit, repairs, pending_applies).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .hint("nothing was changed; take another name, narrow the selection with --profile, or use --scope phone")
    })
}

/// No change begins while the run is paused, nor after it was interrupted, nor when its time ended in a pause.
impl StepControl for StopSignals {
    async fn may_begin(&self) -> Result<(), Halt> {
        if let Err(over @ StopReason::TimeOver { .. }) = self.while_paused().await {
            return Err(Halt::TimeOver(over.describe()));
        }
        self.soon.may_begin().await
    }
}

/// Carries a plan out, until it is done or interrupted; at once, when it is interrupted twice.
///
/// # Errors
/// When the cluster has moved since the plan was made, cannot be read, or refuses the write.
pub async fn apply(
    cluster: &ClusterClients,
    recorder: &Recorder,
    plan: &Plan,
    kind: Kind,
    stop: &StopSignals,
    observer: &Arc<dyn Observer>,
) -> Result<Applied, AppError> {
    check(plan, kind).map_err(|error| AppError::from_error(ErrorKind::Refused, error))?;
    recorder.plan(plan).await?;
    let told_before = journal::history(recorder.path())?.told_before(recorder.run(), plan);
    let told_before = told_before?;
    let observer = observer.as_ref();
    let apply = apply_plan(&*cluster.axl, recorder, plan, &told_before, stop, observer);
    tokio::select! {
        applied = apply => applied.map_err(Into::into),
        () = stop.now.cancelled() => {
            let cut = "stopped at once: what was under way may have been changed or not";
            let show = format!("`axlpaper show {}` names it", recorder.run());
            Err(AppError::new(ErrorKind::Interrupted, cut).hint(show))
        }
    }
}

/// Returns the selected phones for which something was to be changed that is not known to be, and why: they are not
/// pushed to.
pub fn held_back(inventory: &Inventory, results: &[ChangeResult]) -> HashMap<DeviceName, String> {
    let mut held: HashMap<DeviceName, String> = HashMap::new();
    let failed = results.iter().filter(|result| result.state != ChangeState::Applied);
    for ChangeResult { change: Change { action, .. }, message, .. } in failed {
        let adds: HashSet<&str> = action.added_devices().iter().map(String::as_str).collect();
        let settings = action.told().or_else(|| action.configures());
        let what = match action.told() {
            Some(_) => UNTOLD.to_owned(),
            None => format!("the {} could not be changed", action.subject()),
        };
        let why = message.as_deref().unwrap_or("the cluster does not show it");
        let is_about = |phone: &&Phone| {
            adds.contains(phone.name.as_str())
                || settings.is_some_and(|(place, name)| obeys(phone, place, name))
        };
        for phone in inventory.phones.iter().filter(is_about) {
            // The first obstacle is the reason.
            held.entry(phone.name.clone()).or_insert_with(|| format!("{what}: {why}"));
        }
    }
    held
}

/// Tells whether a setting there counts for a phone: the phone's own page comes before its profile.
fn obeys(phone: &Phone, place: ConfigLevel, name: &str) -> bool {
    match place {
        ConfigLevel::Phone => phone.name.as_str() == name,
        ConfigLevel::Profile => {
            phone.common_phone_profile.as_deref() == Some(name)
                && phone.personalization == Some(Setting::Default)
        }
    }
}

/// Asks whether a plan may be carried out.
///
/// # Errors
/// When the answer is no.
pub async fn confirm(plan: &Plan, run: &Run) -> Result<(), AppError> {
    let what = format!("This will {} on {}", in_words(plan), plan.cluster.name);
    let question = Question { what, phones: plan.phones_touched(), outline: Vec::new() };
    run::confirm(&[run], run.interaction().as_ref(), &question).await
}

/// What a plan does, in a half-sentence.
pub fn in_words(plan: &Plan) -> String {
    let mut parts = Vec::new();
    let (mut settings, mut accepts, mut restarts) = (0, 0, 0);
    for change in &plan.changes {
        match &change.action {
            Action::AssociateDevices { target, adds, .. } => parts.push(format!(
                "add {} to the controlled devices of the {target}",
                pluralize(adds.len(), "phone")
            )),
            Action::DissociateDevices { target, removes, .. } => parts.push(format!(
                "take {} out of the controlled devices of the {target}",
                pluralize(removes.len(), "phone")
            )),
            Action::AddProfile { target, .. } => {
                parts.push(format!("make the Common Phone Profile {target}"));
            }
            Action::RemoveProfile { target, .. } => {
                parts.push(format!("remove the Common Phone Profile {target}"));
            }
            Action::EnablePersonalization(_)
            | Action::RestorePersonalization(_)
            | Action::EnableWebAccess(_)
            | Action::RestoreWebAccess(_)
            | Action::AssignProfile { .. } => settings += 1,
            Action::ApplyConfig { reset: true, .. } => restarts += change.affects,
            Action::ApplyConfig { reset: false, .. } => accepts += change.affects,
        }
    }
    if settings > 0 {
        parts.push(format!("change {}", pluralize(settings, "setting")));
    }
    if accepts > 0 {
        let phones = pluralize(accepts, "phone");
        parts.push(format!("apply the configuration of {phones}, which may restart them"));
    }
    if restarts > 0 {
        parts.push(format!("RESTART {}, which ends their calls", pluralize(restarts, "phone")));
    }
    parts.join(" and ")
}

/// Tells whether every planned change is on the cluster.
pub fn all_applied(applied: &Applied) -> bool {
    applied.halt.is_none()
        && applied.results.iter().all(|result| result.state == ChangeState::Applied)
}

/// Returns the selected phones that were sent the command to apply their configuration.
pub fn applied_phones(inventory: &Inventory, applied: &Applied) -> HashSet<DeviceName> {
    let (mut phones, mut profiles) = (HashSet::new(), HashSet::new());
    for (scope, target) in applied.read_back.iter().filter_map(|(change, _)| change.action.told()) {
        match scope {
            ConfigLevel::Phone => phones.insert(target),
            ConfigLevel::Profile => profiles.insert(target),
        };
    }
    let uses = |profile: Option<&str>| profile.is_some_and(|name| profiles.contains(name));
    inventory
        .phones
        .iter()
        .filter(|phone| {
            phones.contains(phone.name.as_str()) || uses(phone.common_phone_profile.as_deref())
        })
        .map(|phone| phone.name.clone())
        .collect()
}

/// Waits until the phones that apply their configuration are registered again. Returns those that do not come back in time.
///
/// The cluster has been changed by then, so what goes wrong here ends nothing: it is a remark.
pub async fn wait(
    cluster: &ClusterClients,
    connection: &ClusterSettings,
    inventory: &mut Inventory,
    phones: &HashSet<DeviceName>,
    wait: &WaitLimits,
    stop: &CancellationToken,
    observer: &Arc<dyn Observer>,
) -> HashSet<DeviceName> {
    if phones.is_empty() {
        return HashSet::new();
    }
    let limit = wait.restart;
    let waiting = RestartWait {
        registrations: connection.registrations,
        phones,
        settle: SETTLE.min(limit / 10),
        limit,
        every: BETWEEN_LOOKS.min(limit / 20),
        stop,
    };
    let waited =
        wait_until_back(&cluster.axl, &cluster.ris, inventory, &waiting, observer.as_ref()).await;
    match waited {
        // Who interrupts does not want to know who would still have come.
        Ok(_) if stop.is_cancelled() => HashSet::new(),
        Ok(away) => away.into_iter().collect(),
        Err(error) => {
            observer.observe(&Event::Remark(format!(
                "could not check which phones re-registered; pushing to their last known addresses: {}",
                error_chain(&error)
            )));
            HashSet::new()
        }
    }
}

/// Returns the devices whose association is so new that phones may not know of it yet.
///
/// # Errors
/// When there is a journal that cannot be read.
pub fn associated_lately(
    path: &Path,
    connection: &ClusterSettings,
    wait: &WaitLimits,
) -> Result<BTreeSet<String>, AppError> {
    let Some(history) = history_if_any(path)? else { return Ok(BTreeSet::new()) };
    let seconds = i64::try_from(wait.settle.as_secs()).unwrap_or(i64::MAX);
    let since = Timestamp::now().checked_sub(seconds.seconds()).unwrap_or(Timestamp::MIN);
    history.associated_since(&cluster_id(connection), since).map_err(Into::into)
}

/// Returns what tells the cluster from any other, whatever name led to it: the UUID of its publisher.
///
/// # Errors
/// When the cluster cannot be asked.
pub async fn publisher(cluster: &ClusterClients) -> Result<Option<String>, AppError> {
    let listing = cluster.axl.list(ListProcessNode::all(), |_| {}).await;
    let nodes = listing?.rows;
    let publisher = nodes.into_iter().filter(|node| !node.is_virtual()).find(|node| {
        node.usage.as_deref().is_some_and(|usage| usage.eq_ignore_ascii_case("publisher"))
    });
    Ok(publisher.and_then(|node| node.uuid))
}

const UNTOLD: &str = "its new settings were written but the phone was not told to apply them";

/// A phone needs half a minute to a minute until it has applied its configuration (believed).
const SETTLE: Duration = Duration::from_secs(45);

const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
