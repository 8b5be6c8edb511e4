//! Judges every phone of an inventory: one verdict, all findings.
//!
//! Pure: nothing here reads, waits or writes. One file a rule; a rule only ever adds findings.

mod rules;

use std::collections::HashMap;
use std::net::IpAddr;

use crate::domain::audit::{AssociationState, Audit, AuditedPhone, Summary};
use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Finding, Severity, Verdict};
use crate::domain::inventory::{Inventory, Phone, PushUser};
use crate::domain::model::Model;
use crate::domain::payload_kind::{ObjectKind, Takes};
use crate::domain::personalization::Personalization;
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
    }
}

/// What the rules may look at besides the phone itself, indexed once.
struct Context<'a> {
    /// What is to be pushed.
    object: ObjectKind,
    inventory: &'a Inventory,
    repairs: &'a Repairs,
    by_address: HashMap<IpAddr, Vec<&'a DeviceName>>,
}

impl<'a> Context<'a> {
    fn new(object: ObjectKind, inventory: &'a Inventory, repairs: &'a Repairs) -> Self {
        let mut by_address: HashMap<IpAddr, Vec<&DeviceName>> = HashMap::new();
        for phone in &inventory.phones {
            if let Some(ip) = phone.registration.reachable_ip() {
                by_address.entry(ip).or_default().push(&phone.name);
            }
        }
        Self { object, inventory, repairs, by_address }
    }
}

/// One phone, with what every rule needs to know of it.
struct Subject<'a> {
    phone: &'a Phone,
    model: Option<&'static Model>,
    personalization: Personalization,
    associated: bool,
}

impl Subject<'_> {
    fn is_here(&self) -> bool {
        use crate::domain::registration::Status;
        matches!(self.phone.registration.status, Status::Registered | Status::PartiallyRegistered)
    }

    /// Tells whether the model takes what is to be pushed.
    fn takes(&self, object: ObjectKind) -> bool {
        self.model.is_some_and(|model| Takes::of(object, model).is_some())
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

fn finding(
    code: Code,
    severity: Severity,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding { code, severity, message: message.into(), remedy: remedy.into() }
}

#[cfg(test)]
mod tests;
