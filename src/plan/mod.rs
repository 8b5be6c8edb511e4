//! Turns an audit into an ordered list of changes.
//!
//! Pure. A plan leaves nothing to choose: it carries what was read, what is changed and what will stand
//! there afterwards, so that `apply` can refuse when the cluster has moved since.
mod projection;
mod revert;

mod associate;
mod check;
mod configure;

use crate::domain::audit::Audit;
use crate::domain::inventory::{ClusterInfo, Inventory};
use crate::domain::plan::{Action, Change, Plan};
use crate::domain::repair_policy::{Owed, Repairs};
use crate::domain::text::{digest, names};

pub use crate::plan::projection::after_apply;
pub use crate::plan::revert::{Undo, left_by, taken_back, undo};
pub use check::{Kind, PlanError, check};

/// Why no plan can be made that does what is asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanRefused {
    /// One new profile cannot be a copy of several.
    #[error(
        "the phones to be moved to the new profile {name:?} use {} different Common Phone Profiles: {}", sources.len(), names(sources)
    )]
    SeveralProfiles {
        /// The name that the copy should get.
        name: String,
        /// The profiles.
        sources: Vec<String>,
    },
    /// There is a profile of that name which would not help.
    #[error(
        "there is a Common Phone Profile {name:?} already, and its Phone Personalization is not Enabled"
    )]
    ProfileExists {
        /// Its name.
        name: String,
    },
}

/// Makes the plan that repairs what may be repaired: the push user gets every phone of the audit that it
/// lacks, then settings are changed, then phones take them over.
///
/// Phones that only miss their registration are included, so that they are ready when they come back.
/// Phones where a person must act first, models without a background, and phones that the run is not about
/// ([`Code::LeftAlone`](crate::domain::finding::Code)), stay as they are. What earlier
/// runs have changed and `owed` tells is taken over too.
///
/// # Errors
/// When the repairs contradict what is there.
pub fn plan(
    inventory: &Inventory,
    audit: &Audit,
    repairs: &Repairs,
    owed: &Owed,
) -> Result<Plan, PlanRefused> {
    let mut changes: Vec<Draft> = associate::changes(inventory, audit).into_iter().collect();
    changes.extend(configure::changes(inventory, audit, repairs, owed)?);
    Ok(assemble(&audit.cluster, audit.taken_at, changes))
}

/// Returns the plan that changes nothing.
pub fn nothing(audit: &Audit) -> Plan {
    assemble(&audit.cluster, audit.taken_at, Vec::new())
}

/// A change that has no number yet.
#[derive(Debug)]
struct Draft {
    action: Action,
    affects: usize,
    reason: String,
}

fn assemble(cluster: &ClusterInfo, made_at: jiff::Timestamp, drafts: Vec<Draft>) -> Plan {
    let numbered = (1..).zip(drafts).map(|(id, draft)| {
        let Draft { action, affects, reason } = draft;
        Change { id, action, affects, reason }
    });
    let changes: Vec<Change> = numbered.collect();
    let fingerprint = fingerprint(cluster, &changes);
    let id = fingerprint.chars().take(12).collect();
    Plan { cluster: cluster.clone(), made_at, id, fingerprint, changes }
}

/// SHA-256 over everything that the plan expects, writes and shows, in hexadecimal.
fn fingerprint(cluster: &ClusterInfo, changes: &[Change]) -> String {
    let parts = [&cluster.host, &cluster.name, &cluster.version, &cluster.axl_version];
    // A change is made of texts, numbers and lists of them, which JSON always has words for.
    let written = changes.iter().map(|change| serde_json::to_string(change).unwrap_or_default());
    let written: Vec<String> = written.collect();
    digest(parts.into_iter().chain(&written).map(String::as_str))
}

#[cfg(test)]
mod tests;
