//! The phones that the push user lacks.

use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::finding::{Code, Verdict};
use crate::domain::inventory::{Inventory, PushUser};
use crate::domain::plan::Action;
use crate::plan::draft::Draft;

/// Gives the push user every phone of the audit that it lacks and that is worth it.
pub(super) fn changes(inventory: &Inventory, audit: &Audit) -> Option<Draft> {
    let PushUser::Found { user, devices, account } = &inventory.push_user else { return None };
    if account.outranks() {
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
    let later = match offline {
        0 => String::new(),
        1 => "; 1 of them is not registered now and will be ready when it comes back".to_owned(),
        n => format!("; {n} of them are not registered now and will be ready when they come back"),
    };
    Some(Draft {
        affects: adds.len(),
        action: Action::AssociateDevices {
            target: user.clone(),
            before: devices.clone(),
            adds,
            after,
        },
        reason: format!(
            "a phone takes a push only from a user that controls it, and {} does not{later}",
            user.user
        ),
    })
}

fn is_worth_associating(phone: &AuditedPhone) -> bool {
    super::configure::can_become_ready(phone) && phone.has(Code::NotAssociated)
}
