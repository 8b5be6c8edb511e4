//! Turns an audit into an ordered list of changes.
//!
//! Pure. A plan leaves nothing to choose: it carries what was read, what is changed and what will stand
//! there afterwards, so that `apply` can refuse when the cluster has moved since.
mod check;
mod configure;
mod draft;
mod projection;
mod revert;

use crate::domain::audit::Audit;
use crate::domain::inventory::Inventory;
use crate::domain::plan::Plan;
use crate::domain::repair_policy::{PendingApplies, Repairs};
use crate::plan::draft::{Draft, assemble};

pub use crate::plan::configure::PlanRefused;
pub use crate::plan::projection::after_apply;
pub use crate::plan::revert::{Revert, left_by, revert_of, taken_back};
pub use check::{Kind, PlanError, check};

/// Makes the plan that repairs what may be repaired: the push user gets every phone of the audit that it
/// lacks, then settings are changed, then phones apply them.
///
/// Phones that only miss their registration are included, so that they are ready when they come back.
/// Phones where a person must act first, models without a background, and phones that the run is not about
/// ([`Code::LeftAlone`](crate::domain::finding::Code)), stay as they are. What earlier
/// runs have changed and `pending_applies` tells is taken over too.
pub fn plan(
    inventory: &Inventory,
    audit: &Audit,
    repairs: &Repairs,
    pending_applies: &PendingApplies,
) -> Result<Plan, PlanRefused> {
    let mut changes: Vec<Draft> = configure::association(inventory, audit).into_iter().collect();
    changes.extend(configure::changes(inventory, audit, repairs, pending_applies)?);
    Ok(assemble(&audit.cluster, audit.taken_at, changes))
}

pub fn nothing(audit: &Audit) -> Plan {
    assemble(&audit.cluster, audit.taken_at, Vec::new())
}

#[cfg(test)]
mod tests;
