//! What the stages of a run on one cluster share: its task, where it works, and what is known of the cluster.

use std::collections::HashSet;
use std::sync::Arc;

use secrecy::SecretString;

use crate::apply::Applied;
use crate::audit::audit_for;
use crate::connect::cluster::{Cluster, Connection};
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Inventory;
use crate::domain::plan::Plan;
use crate::domain::repair_policy::Repairs;
use crate::error::AppError;
use crate::event::{Observer, PhoneResult};
use crate::interaction::Interaction;
use crate::journal::Recorder;
use crate::push::Target;
use crate::rollout::recently_changed::Fresh;
use crate::rollout::request::RolloutRequest;
use crate::rollout::run::{Place, Run, What};

/// A rollout's part on one cluster.
#[derive(Debug)]
pub struct ClusterTask {
    /// What is asked for.
    pub request: Arc<RolloutRequest>,
    /// The cluster.
    pub connection: Connection,
    /// The push user's password; nothing for a dry run.
    pub push_password: Option<SecretString>,
}

/// A run that works on a cluster.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// What is to be done.
    pub task: &'a ClusterTask,
    /// Where.
    pub cluster: &'a Cluster,
    /// Where it is written down.
    pub recorder: &'a Recorder,
    /// Who is told.
    pub observer: &'a Arc<dyn Observer>,
    /// Whom to ask and to warn.
    pub interaction: &'a dyn Interaction,
}

/// What was seen before anything is changed, and what is to be changed.
#[derive(Debug)]
pub struct Seen {
    /// The cluster.
    pub inventory: Inventory,
    /// What it means.
    pub audit: Audit,
    /// What is to be changed.
    pub plan: Plan,
    /// Phones about which something is changed now or was a moment ago.
    pub fresh: Fresh,
}

/// What became of the cluster.
#[derive(Debug)]
pub struct Changed {
    /// The changes.
    pub applied: Applied,
    /// The cluster as it is now.
    pub now: Inventory,
    /// Phones that did not come back.
    pub away: HashSet<DeviceName>,
}

impl ClusterTask {
    /// Begins a run in the journal, and takes the lock of its cluster. Nothing has been sent anywhere yet.
    ///
    /// # Errors
    /// When the journal cannot be written, or another run works on this cluster.
    pub async fn begin(&self, interaction: &Arc<dyn Interaction>) -> Result<Run, AppError> {
        let request = &self.request;
        let what = What {
            command: request.command,
            place: Place::of(&self.connection),
            continues: request.continues,
            reverts: None,
            command_line: request.command_line.clone(),
        };
        Run::begin(&request.journal, what, interaction).await
    }

    /// Returns what may be done about what stands in the way of phones.
    pub fn repairs(&self) -> Repairs {
        let repairs = self.request.repair.clone().unwrap_or_default();
        Repairs { https: self.connection.may_use_https(), ..repairs }
    }

    /// Judges phones for what is pushed.
    pub fn audit(&self, inventory: &Inventory) -> Audit {
        let goods = &self.request.payload;
        goods.narrow(audit_for(goods.kind(), inventory, &self.repairs()))
    }

    /// Chooses the phones that are pushed to. The others are ready for such a thing, but not for this one.
    pub fn targets(&self, seen: &Seen, audit: &Audit) -> (Vec<Target>, Vec<PhoneResult>) {
        let goods = &self.request.payload;
        let targets = seen.fresh.targets(goods.kind(), &seen.inventory, audit).into_iter();
        let nat = &self.connection.way.nat;
        goods.sort(targets.map(|target| target.behind(nat)).collect())
    }
}
