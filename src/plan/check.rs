//! Inspects any plan before it is carried out, wherever it comes from.
//!
//! A plan file can have been edited or damaged on its way, so nothing that it claims is believed.

use std::collections::HashSet;

use crate::domain::association::DeviceList;
use crate::domain::pattern::fold;
use crate::domain::personalization::Setting;
use crate::domain::plan::{Action, Change, Plan};
use crate::plan::draft::fingerprint;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Add and enable only.
    Repair,
    Revert,
}

/// Why a plan must not be carried out.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanError {
    #[error("the plan was altered after it was made: its fingerprint does not fit its changes")]
    Altered,
    /// Two changes write to the same thing, so the second would find what the first one left.
    #[error("changes of the plan write the same thing twice: the {subject}")]
    WrittenTwice { subject: String },
    /// The list to write lacks an entry of the list that was read.
    #[error("change {change} of the plan would take {device} away from the {user}")]
    TakesAway { change: u32, user: String, device: String },
    #[error("change {change} of the plan would take something back: {kind} of the {subject}")]
    TakesBack { change: u32, kind: &'static str, subject: String },
    #[error("change {change} of the plan does not write exactly what it says")]
    NotExact { change: u32 },
}

/// Returns whether the plan can be trusted to do only what its kind may do, and to be what it was when it
/// was made.
///
/// # Errors
/// Says which promise the plan breaks.
pub fn check(plan: &Plan, kind: Kind) -> Result<(), PlanError> {
    let mut written = HashSet::new();
    for change in &plan.changes {
        let subject = change.action.subject();
        if !written.insert(fold(&subject).into_owned()) {
            return Err(PlanError::WrittenTwice { subject });
        }
        if kind == Kind::Repair && change.action.takes_back() {
            let kind = change.action.kind();
            return Err(PlanError::TakesBack { change: change.id, kind, subject });
        }
        check_change(change)?;
    }
    let expected = fingerprint(&plan.cluster, &plan.changes);
    if expected != plan.fingerprint || !expected.starts_with(&plan.id) || plan.id.is_empty() {
        return Err(PlanError::Altered);
    }
    Ok(())
}

fn check_change(change: &Change) -> Result<(), PlanError> {
    let exact = match &change.action {
        Action::AssociateDevices { target, before, adds, after } => {
            if let Some(device) = before.missing_from(after).into_iter().next() {
                let user = target.to_string();
                return Err(PlanError::TakesAway { change: change.id, user, device });
            }
            before.merged(adds.iter().map(String::as_str)) == *after
                && after.len() == before.len() + adds.len()
                && adds.len() == change.affects
        }
        Action::DissociateDevices { before, removes, after, .. } => {
            before.without(&DeviceList::from(removes.clone())) == *after
                && before.len() == after.len() + removes.len()
                && removes.len() == change.affects
        }
        Action::EnablePersonalization(to) => {
            to.after == Setting::Enabled
                && matches!(to.before, Setting::Disabled | Setting::Default)
        }
        Action::RestorePersonalization(to) => to.before != to.after,
        Action::EnableWebAccess(to) => {
            to.before.others == to.after.others && to.after.web_access.as_deref() == Some("0")
        }
        Action::RestoreWebAccess(to) => to.before.others == to.after.others,
        Action::AddProfile { after, page, .. } => *after == Setting::Enabled && !page.is_empty(),
        Action::RemoveProfile { before, .. } => !before.is_empty(),
        Action::AssignProfile { before, after, .. } => before != after,
        Action::ApplyConfig { .. } => true,
    };
    if exact { Ok(()) } else { Err(PlanError::NotExact { change: change.id }) }
}
