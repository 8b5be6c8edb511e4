//! What a prepared rollout found and would do, for a front end that shows it before the confirmation.

use crate::domain::audit::Audit;
use crate::domain::plan::Plan;
use crate::rollout::cluster_task::waited_for;
use crate::rollout::multi_cluster::{ClusterResult, Part, PreparedRollout};
use crate::rollout::prepared::PreparedCluster;

/// What was found on a cluster, and what would be done there.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    /// The phones.
    pub audit: &'a Audit,
    /// What would be changed.
    pub plan: &'a Plan,
    /// How many phones would be pushed to.
    pub phones: usize,
    /// How many phones are skipped because they are verified to show it.
    pub already: usize,
    /// How many of the phones may refuse the push user for a while, because they were changed or will be.
    pub recently_changed: usize,
    /// How many phones would be pushed to when they come back.
    pub waited_for: usize,
}

impl PreparedRollout {
    /// Returns what was found on each cluster; nothing for a push by address.
    pub fn reviews(&self) -> Vec<ClusterResult<Option<Review<'_>>>> {
        let parts = self.parts.iter().map(|part| {
            let result = match &part.result {
                Ok(Part::Cluster(cluster)) => Ok(Some(review(cluster))),
                Ok(Part::Addresses(_)) => Ok(None),
                Err(error) => Err(error.clone()),
            };
            ClusterResult { name: part.name.clone(), run: part.run, result }
        });
        parts.collect()
    }
}

fn review(cluster: &PreparedCluster) -> Review<'_> {
    let (request, assessment, ready) = cluster.prepared();
    let waits = request.options.wait_for_offline.is_some();
    Review {
        audit: &assessment.audit,
        plan: &assessment.plan,
        phones: ready.targets.len(),
        already: ready.already.len(),
        recently_changed: ready.targets.iter().filter(|target| target.recently_changed).count(),
        waited_for: if waits { waited_for(&assessment.audit).count() } else { 0 },
    }
}
