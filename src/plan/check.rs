//! Inspects any plan before it is carried out, wherever it comes from.
//!
//! A plan file can have been edited or damaged on its way, so nothing that it claims is believed.

use std::collections::HashSet;

use crate::domain::plan::{Action, Change, Plan};

/// Why a plan must not be carried out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The fingerprint does not belong to these changes.
    #[error("the plan was altered after it was made: its fingerprint does not fit its changes")]
    Altered,
    /// Two changes write to the same list, so the second would find what the first one left.
    #[error("changes of the plan write the list of the {user} twice")]
    WrittenTwice {
        /// Whose list.
        user: String,
    },
    /// The list to write lacks an entry of the list that was read.
    #[error("change {change} of the plan would take {device} away from the {user}")]
    TakesAway {
        /// The change.
        change: u32,
        /// Whose list.
        user: String,
        /// The first entry that would be lost.
        device: String,
    },
    /// The list to write is not the list that was read with the additions at its end.
    #[error("change {change} of the plan does not write exactly what it says it adds")]
    NotExact {
        /// The change.
        change: u32,
    },
}

/// Tells whether the plan can be trusted to only add, and to be what it was when it was made.
///
/// # Errors
/// Says which promise the plan breaks.
pub fn check(plan: &Plan) -> Result<(), PlanError> {
    let mut written = HashSet::new();
    for change in &plan.changes {
        let Action::AssociateDevices { target, .. } = &change.action;
        if !written.insert(target.to_string().to_lowercase()) {
            return Err(PlanError::WrittenTwice { user: target.to_string() });
        }
        check_change(change)?;
    }
    let expected = super::fingerprint(&plan.cluster, &plan.changes);
    if expected != plan.fingerprint || !expected.starts_with(&plan.id) || plan.id.is_empty() {
        return Err(PlanError::Altered);
    }
    Ok(())
}

fn check_change(change: &Change) -> Result<(), PlanError> {
    let Action::AssociateDevices { target, before, adds, after } = &change.action;
    if let Some(device) = before.missing_from(after).into_iter().next() {
        return Err(PlanError::TakesAway { change: change.id, user: target.to_string(), device });
    }
    let expected = before.merged(adds.iter().map(String::as_str));
    if expected != *after
        || after.len() != before.len() + adds.len()
        || adds.len() != change.affects
    {
        return Err(PlanError::NotExact { change: change.id });
    }
    Ok(())
}
