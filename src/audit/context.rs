//! What a rule looks at: the phone, and the cluster around it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::inventory::{Inventory, Phone, PushUser};
use crate::domain::model::Model;
use crate::domain::payload_kind::{AcceptedFormat, ObjectKind};
use crate::domain::personalization::Personalization;
use crate::domain::repair_policy::Repairs;

/// What the rules may look at besides the phone itself, indexed once.
pub(super) struct Context<'a> {
    pub(super) object: ObjectKind,
    pub(super) inventory: &'a Inventory,
    pub(super) repairs: &'a Repairs,
    pub(super) by_address: HashMap<IpAddr, Vec<&'a Phone>>,
    /// The addresses of nodes that the survey knows.
    pub(super) nodes: HashSet<IpAddr>,
    /// Whether every entry of the push user's list was read completely, so that the list can be written back.
    pub(super) list_is_readable: bool,
}

impl<'a> Context<'a> {
    pub(super) fn new(object: ObjectKind, inventory: &'a Inventory, repairs: &'a Repairs) -> Self {
        let mut by_address: HashMap<IpAddr, Vec<&Phone>> = HashMap::new();
        for phone in &inventory.phones {
            if let Some(ip) = phone.registration.reachable_ip() {
                by_address.entry(ip).or_default().push(phone);
            }
        }
        // RisPort70 can call a node by its address although the list of nodes has its host name.
        let of_phones =
            inventory.phones.iter().filter_map(|phone| phone.registration.node.as_ref());
        let publisher = inventory.cluster.host.rsplit_once(':').map(|(host, _)| host);
        let publisher = publisher.map(|host| host.trim_matches(['[', ']']));
        let nodes = inventory.nodes.iter().chain(of_phones).map(String::as_str).chain(publisher);
        let nodes = nodes.filter_map(|node| node.parse().ok()).collect();
        let list_is_readable = match &inventory.push_user {
            PushUser::Found { devices, .. } => devices.is_readable(),
            PushUser::Missing { .. } | PushUser::NotNamed => true,
        };
        Self { object, inventory, repairs, by_address, nodes, list_is_readable }
    }
}

/// One phone, with what every rule needs to know of it.
pub(super) struct Subject<'a> {
    pub(super) phone: &'a Phone,
    pub(super) model: Option<&'static Model>,
    pub(super) personalization: Personalization,
    pub(super) associated: bool,
}

impl Subject<'_> {
    pub(super) fn is_here(&self) -> bool {
        use crate::domain::registration::Status;
        matches!(self.phone.registration.status, Status::Registered | Status::PartiallyRegistered)
    }

    pub(super) fn accepts(&self, object: ObjectKind) -> bool {
        self.model.is_some_and(|model| AcceptedFormat::of(object, model).is_some())
    }
}

pub(super) fn finding(
    code: Code,
    severity: Severity,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding { code, severity, message: message.into(), remedy: remedy.into() }
}
