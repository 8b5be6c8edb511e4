//! A rollout's part on one cluster: which phones, and what is to be done for them. Nothing here changes anything.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use secrecy::SecretString;

use crate::audit::audit_for;
use crate::connect::cluster::{ClusterClients, ClusterSettings, cluster_id};
use crate::connect::journal;
use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::device_name::DeviceName;
use crate::domain::finding::Verdict;
use crate::domain::inventory::Inventory;
use crate::domain::payload_kind::{AcceptedFormat, ObjectKind};
use crate::domain::plan::Plan;
use crate::domain::repair_policy::Repairs;
use crate::error::AppError;
use crate::event::{Observer, PhoneResult};
use crate::interaction::Interaction;
use crate::plan::{after_apply, nothing};
use crate::push::{Digests, Target};
use crate::rollout::payload::{ModelFormat, PreparedPayload};
use crate::rollout::push_common::EarlierRuns;
use crate::rollout::recently_changed::RecentlyChanged;
use crate::rollout::request::RolloutRequest;
use crate::rollout::run::{Run, RunInfo, RunScope};
use crate::rollout::{accounts, assess, repair};

/// A rollout's part on one cluster.
#[derive(Debug)]
pub struct ClusterTask {
    /// What is asked for.
    pub request: Arc<RolloutRequest>,
    /// The cluster.
    pub connection: ClusterSettings,
    /// The push user's password.
    pub push_password: Option<SecretString>,
    /// Whether the run is only prepared, and writes nothing.
    pub dry_run: bool,
    /// What a look at the cluster found a moment ago; where there is none, the cluster is read.
    pub surveyed: Option<Box<Surveyed>>,
}

/// A cluster that was read a moment ago.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// The clients that read it.
    pub clients: ClusterClients,
    /// The phones that are meant, and what decides about them.
    pub inventory: Inventory,
}

/// What was seen before anything is changed, and what is to be changed.
#[derive(Debug)]
pub struct Assessment {
    /// The cluster.
    pub inventory: Inventory,
    /// What it means.
    pub audit: Audit,
    /// What is to be changed.
    pub plan: Plan,
    /// Phones about which something is changed now or was a moment ago.
    pub recently_changed: RecentlyChanged,
}

/// What is pushed to whom when all changes succeed.
#[derive(Debug)]
struct ExpectedTargets {
    /// The phones, also those that are proven already.
    targets: Vec<Target>,
    /// What they take, also those that are waited for.
    models: Vec<ModelFormat>,
}

/// What is pushed, and to whom.
#[derive(Debug)]
pub struct PreparedTargets {
    /// What is pushed.
    pub payload: Box<dyn PreparedPayload>,
    /// The digests of what is pushed.
    pub digests: Digests,
    /// The phones that are not proven to show it.
    pub targets: Vec<Target>,
    /// The others.
    pub already: HashMap<DeviceName, PhoneResult>,
    /// The digests of what phones were proven to show before.
    pub shown_before: BTreeMap<DeviceName, String>,
}

impl ClusterTask {
    /// Returns what may be done about the obstacles of phones.
    pub fn repairs(&self) -> Repairs {
        let repairs = self.request.repair.clone().unwrap_or_default();
        Repairs { https: self.connection.may_use_https(), ..repairs }
    }

    /// Names the payload after the pictures that rules chose for phones of this cluster, where they chose any. Returns
    /// whether that is another name.
    pub fn name_payload(&mut self, audit: &Audit) -> bool {
        let name = audit.chosen_pictures().join(", ");
        if name.is_empty() || name == self.request.payload_name {
            return false;
        }
        let request = RolloutRequest { payload_name: name, ..RolloutRequest::clone(&self.request) };
        self.request = Arc::new(request);
        true
    }

    /// Judges phones for what is pushed.
    pub fn audit(&self, inventory: &Inventory) -> Audit {
        let payload = &self.request.payload;
        let audit = audit_for(payload.kind(), inventory, &self.repairs());
        payload.apply_to_audit(&cluster_id(&self.connection), audit)
    }

    /// Chooses the phones that are pushed to. The others are ready for such a thing, but not for this one.
    pub fn targets(
        &self,
        assessment: &Assessment,
        audit: &Audit,
    ) -> (Vec<Target>, Vec<PhoneResult>) {
        let payload = &self.request.payload;
        let targets = assessment
            .recently_changed
            .targets(payload.kind(), &assessment.inventory, audit)
            .into_iter();
        let nat = &self.connection.push_access.nat;
        payload.partition_targets(targets.map(|target| target.behind(nat)).collect())
    }

    /// Reads the cluster, judges its phones and plans; of the selected phones only those with these `names`, where they
    /// are given.
    ///
    /// # Errors
    /// When the cluster or the journal cannot be read, or the repairs contradict what is there.
    pub async fn assess(
        &self,
        cluster: &ClusterClients,
        names: Option<&[DeviceName]>,
        observer: &Arc<dyn Observer>,
    ) -> Result<Assessment, AppError> {
        let Self { request, connection, .. } = self;
        let repairs = self.repairs();
        accounts::check_push_user(&cluster.axl, connection, observer).await?;
        let (selector, may_repair) = (&request.selector, request.repair.is_some());
        let inventory = if let Some(surveyed) = &self.surveyed {
            surveyed.inventory.clone()
        } else {
            let shown = self.showing_the_file()?;
            let within_limit = |inventory: &Inventory| {
                selector.within_limit(&self.audit(inventory), may_repair, &shown)
            };
            let needs_extensions = request.payload.needs_extensions();
            let phones =
                assess::Phones { selector, names, within_limit: &within_limit, needs_extensions };
            assess::survey_with(cluster, connection, phones, &repairs, observer).await?
        };
        assess::push_user_found(&inventory)?;
        let audit = self.audit(&inventory);
        let plan = match &request.repair {
            Some(repairs) => {
                let pending_applies = repair::pending_applies(&request.journal, connection)?;
                repair::plan(&inventory, &audit, repairs, &pending_applies)?
            }
            None => nothing(&audit),
        };
        let lately = repair::associated_lately(&request.journal, connection, &request.wait)?;
        let recently_changed = RecentlyChanged::of(&plan, &inventory).and(lately);
        Ok(Assessment { inventory, audit, plan, recently_changed })
    }

    /// Returns the phones that are proven to show a picture of the same file, where a sample prefers others.
    fn showing_the_file(&self) -> Result<HashSet<DeviceName>, AppError> {
        let request = &self.request;
        let is_asked = request.selector.sample.is_some() && !request.options.force;
        let digest = request.payload.source_digest().filter(|_| is_asked);
        match (digest, journal::history_if_any(&request.journal)?) {
            (Some(digest), Some(history)) => {
                Ok(history.showing_file(&cluster_id(&self.connection), &digest)?)
            }
            (_, _) => Ok(HashSet::new()),
        }
    }

    /// Makes what is pushed when all changes succeed, and finds out which phones are proven to show it already.
    ///
    /// # Errors
    /// When it cannot be made, or the journal cannot be read.
    pub async fn prepare_targets(
        &self,
        assessment: &Assessment,
        observer: &dyn Observer,
    ) -> Result<PreparedTargets, AppError> {
        let ExpectedTargets { mut targets, models } = self.expected(assessment);
        let payload = self.request.payload.prepare(models, observer).await?;
        let digests = payload.digests();
        let earlier = EarlierRuns::read(&self.request, &RunScope::of(&self.connection))?;
        let already = earlier.already_shown(self.request.options.force, &targets, &digests);
        targets.retain(|target| !already.contains_key(&target.name));
        let shown_before = earlier.into_shown_before();
        Ok(PreparedTargets { payload, digests, targets, already, shown_before })
    }

    /// Returns what is pushed to whom when all changes succeed.
    fn expected(&self, assessment: &Assessment) -> ExpectedTargets {
        let changes = assessment.plan.changes.iter().map(|change| (change, None));
        let meant = self.audit(&after_apply(assessment.inventory.clone(), changes));
        let (targets, _) = self.targets(assessment, &meant);
        let mut models: Vec<ModelFormat> = targets.iter().map(ModelFormat::from).collect();
        if self.request.options.wait_for_offline.is_some() {
            models.extend(accepts(self.request.payload.kind(), &meant));
        }
        ExpectedTargets { targets, models }
    }
}

impl ClusterTask {
    /// Begins a run in the journal, and takes the lock of its cluster. Nothing has been sent anywhere yet.
    ///
    /// # Errors
    /// When the journal cannot be written, or another run works on this cluster.
    pub async fn begin(&self, interaction: &Arc<dyn Interaction>) -> Result<Run, AppError> {
        let request = &self.request;
        let what = RunInfo {
            command: request.command,
            place: RunScope::of(&self.connection),
            continues: request.continues,
            reverts: request.reverts,
            command_line: request.command_line.clone(),
            on_behalf_of: request.on_behalf_of.clone(),
            dry_run: self.dry_run,
        };
        Run::begin(&request.journal, what, interaction).await
    }
}

/// Returns what phones take which only have to come back, each with its model.
fn accepts(object: ObjectKind, audit: &Audit) -> Vec<ModelFormat> {
    let coming = waited_for(audit);
    let of_model = |phone: &AuditedPhone| {
        let model = phone.model?;
        let image = phone.image.as_ref();
        let picture = image.and_then(|image| image.picture.clone());
        let words = image.and_then(|image| image.words.clone());
        Some(ModelFormat {
            model: model.name.to_owned(),
            accepts: AcceptedFormat::of(object, model)?,
            picture: picture.unwrap_or_default(),
            words: words.map(Arc::new),
        })
    };
    coming.filter_map(of_model).collect()
}

/// Phones that only have to come back, and that are not left alone then.
pub(crate) fn waited_for(audit: &Audit) -> impl Iterator<Item = &AuditedPhone> {
    let offline = audit.phones.iter().filter(|phone| phone.verdict == Verdict::Offline);
    offline.filter(|phone| phone.excluded().is_none())
}
