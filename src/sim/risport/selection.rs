//! Which records of which nodes a request selects.

use std::collections::HashMap;

use super::record::DeviceRecord;
use super::service::Service;
use crate::sim::operations::call::Pattern;
use crate::sim::state::{Database, Device};
use crate::sim::xml::Node;

pub(super) struct Selection {
    most: usize,
    /// `selectCmDeviceExt` reads the newest record of each device only, and does not report that its answer is
    /// truncated. What it does with the wildcard `*` is not known (Cisco documents it for `selectCmDevice` only, and
    /// published clients send it to both); it is a wildcard here.
    is_ext: bool,
    node: String,
    status: String,
    class: String,
    protocol: String,
    download_status: String,
    model: Option<u32>,
    by: String,
    items: Vec<String>,
    /// `items`, to match the field that `by` names.
    patterns: Vec<Pattern>,
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
    /// How many records were found, of which `devices` has the first ones.
    pub(super) found: usize,
    pub(super) devices: Vec<DeviceRecord>,
}

impl Selection {
    pub(super) fn read(request: &Node, service: Service) -> Result<Self, String> {
        let criteria = request.child("CmSelectionCriteria").ok_or("there are no criteria")?;
        let text = |name: &str| criteria.child_text(name).unwrap_or_default().to_owned();
        let (class, ways): (_, &[&str]) = match service {
            Service::RisPort70 => {
                ("DeviceClass", &["Name", "IPV4Address", "IPV6Address", "DirNumber", "Description"])
            }
            Service::RisPort => ("Class", &["Name", "IpAddress", "DirNumber", "Description"]),
        };
        let by = one_of(criteria, "SelectBy", ways)?;
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
        let is_ext = request.name == "selectCmDeviceExt";
        let download = ["Any", "Upgrading", "Successful", "Failed", "Unknown"];
        Ok(Self {
            most: most.min(MOST_DEVICES),
            is_ext,
            node: text("NodeName"),
            status: one_of(criteria, "Status", &STATUSES)?,
            class: one_of(criteria, class, &CLASSES)?,
            protocol: one_of(criteria, "Protocol", &["Any", "SCCP", "SIP", "Unknown"])?,
            download_status: one_of(criteria, "DownloadStatus", &download)?,
            model: text("Model").parse().ok().filter(|&model| model != ANY_MODEL),
            by,
            patterns: patterns(items.iter().map(String::as_str)),
            items,
            known: request.child("StateInfo").map(known_states).unwrap_or_default(),
        })
    }

    /// Returns the devices that the items name, by hash; nothing where all devices have to be compared.
    fn named(&self, cluster: &Database) -> Option<Vec<usize>> {
        let by_name = self.by.is_empty() || self.by == "Name";
        if !by_name || self.items.is_empty() || self.items.iter().any(|item| item.contains('*')) {
            return None;
        }
        let mut found: Vec<usize> =
            self.items.iter().filter_map(|item| cluster.device(item)).collect();
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    /// Returns whether the items select this record.
    fn matches(&self, device: &Device, record: &DeviceRecord) -> bool {
        let field = match self.by.as_str() {
            "Description" => Some(device.spec.description.clone()),
            "IPV4Address" | "IpAddress" => record.v4.map(|address| address.to_string()),
            "IPV6Address" => record.v6.map(|address| address.to_string()),
            "DirNumber" => record.extension.clone(),
            _ => Some(device.spec.name.clone()),
        };
        let is_one = |field: String| self.patterns.iter().any(|pattern| pattern.fits(&field));
        self.patterns.is_empty() || field.is_some_and(is_one)
    }

    /// Returns what each node that is asked reports.
    pub(super) fn reports<'a>(&'a self, cluster: &'a Database) -> Vec<Report<'a>> {
        let mut found = vec![0; cluster.nodes.len()];
        let mut records: Vec<Vec<DeviceRecord>> =
            std::iter::repeat_with(Vec::new).take(cluster.nodes.len()).collect();
        let mut total = 0;
        let named = self.named(cluster);
        for &at in named.as_deref().unwrap_or(&cluster.order) {
            let device = &cluster.devices[at];
            let nodes = [(Some(device.spec.node), false), (device.spec.stale_node, true)];
            for (node, stale) in nodes {
                let Some(node) = node.filter(|node| *node < found.len()) else { continue };
                if cluster.silent_nodes.contains(&node) || !asks(&self.node, &cluster.nodes[node]) {
                    continue;
                }
                let Some(record) = DeviceRecord::of(device, at, stale) else { continue };
                let is_selected = named.is_some() || self.matches(device, &record);
                if is_selected && self.wants(device, &record) {
                    found[node] += 1;
                    if total < self.most {
                        records[node].push(record);
                        total += 1;
                    }
                }
                if self.is_ext {
                    // The newest record decides; older ones are not looked at.
                    break;
                }
            }
        }
        let states = states(cluster);
        nodes(cluster, &self.node, |at, name, code| {
            let Some(at) = at else {
                return Report {
                    name,
                    code,
                    state: 0,
                    unchanged: false,
                    found: 0,
                    devices: vec![],
                };
            };
            let unchanged = code == "Ok" && self.known.get(name) == Some(&states[at]);
            let code = if code == "Ok" && found[at] == 0 { "NotFound" } else { code };
            let devices = std::mem::take(&mut records[at]);
            let devices = if unchanged { Vec::new() } else { devices };
            let found = if unchanged || self.is_ext { devices.len() } else { found[at] };
            Report { name, code, state: states[at], unchanged, found, devices }
        })
    }

    /// Returns whether a record has what the criteria demand.
    fn wants(&self, device: &Device, record: &DeviceRecord) -> bool {
        let any = |wanted: &str, is: &str| wanted.is_empty() || wanted == "Any" || wanted == is;
        any(&self.status, record.status)
            && any(&self.class, record.class)
            && any(&self.protocol, record.protocol)
            && any(&self.download_status, record.download_status)
            && self.model.is_none_or(|model| model == device.spec.model)
    }
}

/// Returns whether a request for `wanted` asks this node.
fn asks(wanted: &str, node: &str) -> bool {
    wanted.is_empty() || wanted == "Any" || wanted.eq_ignore_ascii_case(node)
}

/// Makes a report for each node that is asked, from its index, name and return code. A name that no node has gets one
/// report, with the return code that the schema has for it and without an index.
pub(super) fn nodes<'a, T>(
    cluster: &'a Database,
    wanted: &'a str,
    mut report: impl FnMut(Option<usize>, &'a str, &'static str) -> T,
) -> Vec<T> {
    let asked = cluster.nodes.iter().enumerate().filter(|(_, name)| asks(wanted, name));
    let reports: Vec<T> = asked
        .map(|(at, name)| {
            let silent = cluster.silent_nodes.contains(&at);
            report(Some(at), name, if silent { "NodeNotResponding" } else { "Ok" })
        })
        .collect();
    if reports.is_empty() { vec![report(None, wanted, "InvalidNodeName")] } else { reports }
}

/// Makes the patterns of items; `*` is their wildcard.
pub(super) fn patterns<'a>(items: impl Iterator<Item = &'a str>) -> Vec<Pattern> {
    let patterns = items.map(|item| {
        // `%` and `_` mean nothing here; an impossible character replaces them.
        Pattern::new(&item.replace(['%', '_'], "\u{0}").replace('*', "%"))
    });
    patterns.collect()
}

/// Returns a criterion; an empty text is one that was not given.
pub(super) fn one_of(criteria: &Node, name: &str, values: &[&str]) -> Result<String, String> {
    let text = criteria.child_text(name).unwrap_or_default();
    if text.is_empty() || values.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("the value {text:?} of {name} is not valid, expected {}", values.join(", ")))
    }
}

/// Reads the states of nodes from a `StateInfo` that a client sends back: a document inside of a text, or, from clients
/// that do not escape it, an element.
fn known_states(sent: &Node) -> HashMap<String, u32> {
    let parsed = Node::parse(&sent.text).ok();
    let root = sent.child("StateInfo").or(parsed.as_ref());
    let states = root.map(|root| root.children.as_slice()).unwrap_or_default();
    let states = states.iter().filter_map(|node| {
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

const STATUSES: [&str; 6] =
    ["Any", "Registered", "UnRegistered", "Rejected", "PartiallyRegistered", "Unknown"];
const CLASSES: [&str; 11] = [
    "Any",
    "Phone",
    "Gateway",
    "H323",
    "Cti",
    "VoiceMail",
    "MediaResources",
    "SIPTrunk",
    // The older service writes it so.
    "SIP Trunk",
    "HuntList",
    "Unknown",
];
pub(super) const NAMESPACE: &str = "http://schemas.cisco.com/ast/soap";
/// The most devices in one answer, and items in one request, from 9.x on (published WSDLs).
const MOST_DEVICES: usize = 1000;
const ANY_MODEL: u32 = 255;
