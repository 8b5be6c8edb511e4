//! Judges every phone of an inventory: one verdict, all findings.
//!
//! Pure: nothing here reads, waits or writes. One file a rule; a rule only ever adds findings.

mod context;
mod rules;

use crate::audit::context::{Context, Subject};
use crate::domain::audit::{AssociationState, Audit, AuditedPhone, Summary};
use crate::domain::finding::{Severity, Verdict};
use crate::domain::inventory::{Inventory, Phone, PushUser};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::repair_policy::Repairs;

pub use rules::push_user_missing;

/// Judges for every phone of the inventory whether a background can be pushed to it, given what may be
/// repaired: what may not be is left to a person.
pub fn audit(inventory: &Inventory, repairs: &Repairs) -> Audit {
    audit_for(ObjectKind::Background, inventory, repairs)
}

/// Does the same for any kind of object.
pub fn audit_for(object: ObjectKind, inventory: &Inventory, repairs: &Repairs) -> Audit {
    let context = Context::new(object, inventory, repairs);
    let phones: Vec<AuditedPhone> =
        inventory.phones.iter().map(|phone| judge(&context, phone)).collect();
    Audit {
        cluster: inventory.cluster.clone(),
        taken_at: inventory.taken_at,
        summary: Summary::of(&phones),
        phones,
        remarks: inventory.remarks.clone(),
        rule_changes: Vec::new(),
    }
}

fn judge(context: &Context<'_>, phone: &Phone) -> AuditedPhone {
    let associated = match &context.inventory.push_user {
        PushUser::Found { devices, .. } => devices.contains(phone.name.as_str()),
        PushUser::Missing { .. } | PushUser::NotNamed => false,
    };
    let subject = Subject {
        phone,
        model: phone.catalogue_entry(),
        personalization: context.inventory.personalization_of(phone),
        associated,
    };
    let mut findings = Vec::new();
    for rule in rules::ALL {
        rule(context, &subject, &mut findings);
    }
    let worst = findings.iter().map(|finding| finding.severity).max();
    AuditedPhone {
        phone: phone.clone(),
        model: subject.model,
        personalization: subject.personalization,
        association: association_state(&context.inventory.push_user, associated),
        image: subject.model.and_then(|model| model.image).map(Into::into),
        verdict: worst.map_or(Verdict::Ready, Severity::verdict),
        findings,
    }
}

fn association_state(push_user: &PushUser, associated: bool) -> AssociationState {
    let (user, kind) = match push_user {
        PushUser::NotNamed => (None, None),
        PushUser::Missing { user, .. } => (Some(user.clone()), None),
        PushUser::Found { user, .. } => (Some(user.user.clone()), Some(user.kind)),
    };
    AssociationState { user, kind, associated }
}

#[cfg(test)]
mod tests;
