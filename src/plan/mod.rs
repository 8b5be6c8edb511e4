//! Turns an audit into an ordered list of changes.
//!
//! Pure. A plan leaves nothing to choose: it carries the list that was read, what is added and the list
//! that will be written, so that `apply` can refuse when the cluster has moved since.

mod check;

use sha2::{Digest as _, Sha256};

use crate::domain::association::DeviceList;
use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::finding::{Code, Verdict};
use crate::domain::inventory::{ClusterInfo, Inventory, PushUser};
use crate::domain::plan::{Action, Change, Plan};
use crate::domain::text::hex;

pub use check::{PlanError, check};

/// Makes the plan that gives the push user every phone of the audit that it lacks.
///
/// Phones that only miss their registration are included, so that they are ready when they come back.
/// Phones where a person must act first, and models without a background, are left alone.
pub fn plan(inventory: &Inventory, audit: &Audit) -> Plan {
    let changes = associate(inventory, audit).into_iter().collect::<Vec<_>>();
    let fingerprint = fingerprint(&audit.cluster, &changes);
    Plan {
        cluster: audit.cluster.clone(),
        made_at: audit.taken_at,
        id: fingerprint.chars().take(12).collect(),
        fingerprint,
        changes,
    }
}

/// Returns the inventory as it is once the changes that succeeded are on the cluster.
///
/// The lists are those that were read back, not those that were meant to be written.
#[must_use]
pub fn after_apply(mut inventory: Inventory, read_back: &[(Change, DeviceList)]) -> Inventory {
    for (change, list) in read_back {
        let Action::AssociateDevices { target, .. } = &change.action;
        if let PushUser::Found { user, devices, .. } = &mut inventory.push_user
            && user == target
        {
            *devices = list.clone();
        }
    }
    inventory
}

fn associate(inventory: &Inventory, audit: &Audit) -> Option<Change> {
    let PushUser::Found { user, devices, standing } = &inventory.push_user else { return None };
    if standing.outranks() {
        return None;
    }
    let lacking: Vec<&AuditedPhone> =
        audit.phones.iter().filter(|phone| is_worth_associating(phone)).collect();
    if lacking.is_empty() {
        return None;
    }
    let after = devices.merged(lacking.iter().map(|phone| phone.name().as_str()));
    let adds = after.missing_from(devices);
    let offline = lacking.iter().filter(|phone| phone.verdict == Verdict::Offline).count();
    let reason = match offline {
        0 => format!(
            "a phone takes a push only from a user that controls it, and {} does not",
            user.user
        ),
        1 => format!(
            "a phone takes a push only from a user that controls it, and {} does not; 1 of them is not \
             registered now and will be ready when it comes back",
            user.user
        ),
        n => format!(
            "a phone takes a push only from a user that controls it, and {} does not; {n} of them are not \
             registered now and will be ready when they come back",
            user.user
        ),
    };
    Some(Change {
        id: 1,
        affects: adds.len(),
        action: Action::AssociateDevices {
            target: user.clone(),
            before: devices.clone(),
            adds,
            after,
        },
        reason,
    })
}

fn is_worth_associating(phone: &AuditedPhone) -> bool {
    match phone.verdict {
        Verdict::Fixable | Verdict::Offline => phone.has(Code::NotAssociated),
        Verdict::Ready | Verdict::Blocked | Verdict::Unsupported => false,
    }
}

/// SHA-256 over everything that the plan expects, writes and shows, in hexadecimal.
///
/// Each part is written with its length in front, so that no two different plans read the same.
fn fingerprint(cluster: &ClusterInfo, changes: &[Change]) -> String {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update(text.len().to_be_bytes());
        hasher.update(text.as_bytes());
    };
    for text in [&cluster.host, &cluster.name, &cluster.version, &cluster.axl_version] {
        part(text);
    }
    for change in changes {
        part(&change.id.to_string());
        part(&change.affects.to_string());
        part(&change.reason);
        let Action::AssociateDevices { target, before, adds, after } = &change.action;
        part("associate_devices");
        part(&target.to_string());
        for list in [before.entries(), adds, after.entries()] {
            part(&list.len().to_string());
            list.iter().for_each(|name| part(name));
        }
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests;
