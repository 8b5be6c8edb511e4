//! Which devices a RisPort70 request selects.

use std::collections::HashMap;

use super::service::Service;
use crate::sim::fleet_content::Registration;
use crate::sim::operations::call::Pattern;
use crate::sim::state::{Database, Device};
use crate::sim::values::protocol;
use crate::sim::xml::Node;

pub(super) struct Selection {
    most: usize,
    /// Whether the wildcard `*` counts: `selectCmDeviceExt` has none.
    wildcards: bool,
    node: String,
    status: String,
    class: String,
    protocol: String,
    model: Option<u32>,
    by: String,
    items: Vec<String>,
    /// The states of nodes that the client has seen, as it sends them back.
    known: HashMap<String, u32>,
}

/// A node in an answer.
pub(super) struct Report<'a> {
    pub(super) name: &'a str,
    pub(super) code: &'static str,
    /// Identifies what its devices are; an answer to a client that knows it already lists none.
    pub(super) state: u32,
    pub(super) unchanged: bool,
    /// The index of each device, and whether this is an older state of it.
    pub(super) devices: Vec<(usize, bool)>,
}

impl Selection {
    pub(super) fn read(request: &Node, service: Service) -> Result<Self, String> {
        let criteria = request.child("CmSelectionCriteria").ok_or("there are no criteria")?;
        let text = |name: &str| criteria.child_text(name).unwrap_or_default().to_owned();
        let one_of = |name: &str, values: &[&str]| {
            let text = text(name);
            if text.is_empty() || values.contains(&text.as_str()) {
                Ok(text)
            } else {
                Err(format!("the value {text:?} of {name} is not valid"))
            }
        };
        let (class, ways): (_, &[&str]) = match service {
            Service::RisPort70 => {
                ("DeviceClass", &["Name", "IPV4Address", "IPV6Address", "DirNumber", "Description"])
            }
            Service::RisPort => ("Class", &["Name", "IpAddress", "DirNumber", "Description"]),
        };
        let by = one_of("SelectBy", ways)?;
        let items = criteria.child("SelectItems").map(|items| items.children.as_slice());
        let items = items.unwrap_or_default().iter();
        let items = items.map(|item| item.child_text("Item").unwrap_or_default());
        // Published clients send all names in one item; an empty one selects everything.
        let items: Vec<String> = items
            .flat_map(|item| match by.as_str() {
                "Description" => vec![item],
                _ => item.split(',').collect(),
            })
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect();
        if items.len() > MOST_DEVICES {
            return Err(format!("more than {MOST_DEVICES} items were given"));
        }
        let most = text("MaxReturnedDevices").parse().unwrap_or(MOST_DEVICES);
        Ok(Self {
            most: most.min(MOST_DEVICES),
            wildcards: request.name != "selectCmDeviceExt",
            node: text("NodeName"),
            status: one_of("Status", &STATUSES)?,
            class: one_of(class, &CLASSES)?,
            protocol: one_of("Protocol", &["Any", "SCCP", "SIP", "Unknown"])?,
            model: text("Model").parse().ok().filter(|&model| model != ANY_MODEL),
            by,
            items,
            known: known_states(request.child_text("StateInfo").unwrap_or_default()),
        })
    }

    /// Returns the devices that the items name: by hash where they are names without wildcards.
    fn candidates(&self, cluster: &Database) -> Vec<usize> {
        let by_name = self.by.is_empty() || self.by == "Name";
        let wild = |item: &String| self.wildcards && item.contains('*');
        if by_name && !self.items.is_empty() && !self.items.iter().any(wild) {
            let mut found: Vec<usize> =
                self.items.iter().filter_map(|item| cluster.device(item)).collect();
            found.sort_unstable();
            found.dedup();
            return found;
        }
        let patterns: Vec<Pattern> = self
            .items
            .iter()
            .map(|item| {
                // `%` and `_` mean nothing here; an impossible character replaces them.
                let plain = item.replace(['%', '_'], "\u{0}");
                Pattern::new(&if self.wildcards { plain.replace('*', "%") } else { plain })
            })
            .collect();
        let fits = |at: usize, device: &Device| {
            let field = match self.by.as_str() {
                "Description" => device.spec.description.clone(),
                "IPV4Address" | "IPV6Address" | "IpAddress" => {
                    device.address_text().unwrap_or_default()
                }
                "DirNumber" => device.extension(at).unwrap_or_default(),
                _ => device.spec.name.clone(),
            };
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(&field))
        };
        let devices = cluster.order.iter().map(|&at| (at, &cluster.devices[at]));
        devices.filter(|(at, device)| fits(*at, device)).map(|(at, _)| at).collect()
    }

    /// Returns what each node that is asked reports.
    pub(super) fn reports<'a>(&self, cluster: &'a Database) -> Vec<Report<'a>> {
        let mut nodes: Vec<Vec<(usize, bool)>> = vec![Vec::new(); cluster.nodes.len()];
        let mut total = 0;
        for at in self.candidates(cluster) {
            let device = &cluster.devices[at];
            if !self.wants(device) {
                continue;
            }
            let places = [(Some(device.spec.node), false), (device.spec.stale_node, true)];
            for (node, stale) in places {
                let Some(node) = node else { continue };
                let is_there = node < nodes.len() && !cluster.silent_nodes.contains(&node);
                if is_there && total < self.most {
                    nodes[node].push((at, stale));
                    total += 1;
                }
            }
        }
        let states = states(cluster);
        let asked = |name: &str| {
            self.node.is_empty() || self.node == "Any" || self.node.eq_ignore_ascii_case(name)
        };
        let reports = nodes.into_iter().enumerate().map(|(at, devices)| {
            let name = cluster.nodes[at].as_str();
            let silent = cluster.silent_nodes.contains(&at);
            let unchanged = !silent && self.known.get(name) == Some(&states[at]);
            let code = match (silent, devices.is_empty()) {
                (true, _) => "NodeNotResponding",
                (false, true) => "NotFound",
                (false, false) => "Ok",
            };
            let devices = if unchanged { Vec::new() } else { devices };
            Report { name, code, state: states[at], unchanged, devices }
        });
        reports.filter(|report| asked(report.name)).collect()
    }

    fn wants(&self, device: &Device) -> bool {
        let any = |text: &str| text.is_empty() || text == "Any";
        let protocol = protocol(device.spec.protocol);
        status(device.registration()).is_some_and(|s| any(&self.status) || self.status == s)
            && (any(&self.class) || self.class == "Phone")
            && (any(&self.protocol) || self.protocol == protocol)
            && self.model.is_none_or(|model| model == device.spec.model)
    }
}

/// Reads the states of nodes from a `StateInfo` that a client sends back: a document inside of a text.
fn known_states(text: &str) -> HashMap<String, u32> {
    let Ok(root) = Node::parse(text) else { return HashMap::new() };
    let states = root.children.iter().filter_map(|node| {
        Some((node.attribute("Name")?.to_owned(), node.attribute("StateId")?.parse().ok()?))
    });
    states.collect()
}

/// Returns a number for each node that changes with the registrations and addresses that it reports.
fn states(cluster: &Database) -> Vec<u32> {
    let mut states = vec![FNV_OFFSET; cluster.nodes.len()];
    for &at in &cluster.order {
        let device = &cluster.devices[at];
        let registration = device.registration() as u64;
        let address = device.spec.address.v4().map_or(0, u32::from);
        let changes = [at as u64, registration, device.newer(), u64::from(address)];
        for node in [Some(device.spec.node), device.spec.stale_node].into_iter().flatten() {
            let Some(state) = states.get_mut(node) else { continue };
            for value in changes {
                *state = (*state ^ (value as u32)).wrapping_mul(FNV_PRIME);
            }
        }
    }
    states
}

/// The constants of the hash function FNV-1a for 32 bits.
const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// Returns the status as RisPort70 names it; `None` for a device that no node reports.
pub(super) fn status(registration: Registration) -> Option<&'static str> {
    match registration {
        Registration::NeverSeen => None,
        Registration::PartiallyRegistered => Some("PartiallyRegistered"),
        Registration::Registered => Some("Registered"),
        Registration::Rejected => Some("Rejected"),
        Registration::UnRegistered => Some("UnRegistered"),
    }
}

const STATUSES: [&str; 6] =
    ["Any", "Registered", "UnRegistered", "Rejected", "PartiallyRegistered", "Unknown"];
const CLASSES: [&str; 10] = [
    "Any",
    "Phone",
    "Gateway",
    "H323",
    "Cti",
    "VoiceMail",
    "MediaResources",
    "SIPTrunk",
    "HuntList",
    "Unknown",
];
pub(super) const NAMESPACE: &str = "http://schemas.cisco.com/ast/soap";
/// The most devices in one answer, and items in one request, from 9.x on (published WSDLs).
const MOST_DEVICES: usize = 1000;
const ANY_MODEL: u32 = 255;
