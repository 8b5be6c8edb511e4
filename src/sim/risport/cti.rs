//! `selectCtiItem`: the applications, devices and lines that are open over CTI.
//!
//! The cluster's one application is a contact center, which has opened every registered CTI port that a user controls, in
//! that user's name.

use std::collections::BTreeMap;

use super::record::DeviceRecord;
use super::selection::{one_of, patterns};
use super::service::Service;
use crate::sim::operations::call::Pattern;
use crate::sim::state::Database;
use crate::sim::xml::Node;

/// Fields of an element: name, type in the older service, and text.
pub(super) type Fields = Vec<(&'static str, &'static str, String)>;

pub(super) struct CtiSelection {
    most: usize,
    class: String,
    status: String,
    node: String,
    by: String,
    applications: Vec<Pattern>,
    devices: Vec<Pattern>,
    numbers: Vec<Pattern>,
}

/// What one node reports.
pub(super) struct CtiReport<'a> {
    pub(super) name: &'a str,
    pub(super) code: &'static str,
    pub(super) items: Vec<CtiItem<'a>>,
}

pub(super) struct CtiItem<'a> {
    user: &'a str,
    address: String,
    time: u64,
    /// The CTI port; not of an item about an application.
    device: Option<&'a str>,
    /// The directory number; only of an item about a line.
    number: Option<String>,
}

impl CtiSelection {
    pub(super) fn read(request: &Node, service: Service) -> Result<Self, String> {
        let criteria = request.child("CtiSelectionCriteria").ok_or("there are no criteria")?;
        let text = |name: &str| criteria.child_text(name).unwrap_or_default().to_owned();
        let items = |list: &str, name: &str| -> Vec<Pattern> {
            let items = criteria.child(list).map(|list| list.children.as_slice());
            let texts = items.unwrap_or_default().iter().filter_map(|item| item.child_text(name));
            patterns(texts.filter(|text| !text.is_empty()))
        };
        let by: &[&str] = match service {
            Service::RisPort70 => &["AppId", "AppIPV4Address", "AppIPV6Address", "UserId"],
            Service::RisPort => &["AppId", "AppIpAddress", "UserId"],
        };
        Ok(Self {
            most: text("MaxReturnedItems").parse().unwrap_or(usize::MAX),
            class: one_of(criteria, "CtiMgrClass", &["Provider", "Device", "Line"])?,
            status: one_of(
                criteria,
                "Status",
                &["Any", "Open", "Closed", "OpenFailed", "Unknown"],
            )?,
            node: text("NodeName"),
            by: one_of(criteria, "SelectAppBy", by)?,
            applications: items("AppItems", "AppItem"),
            devices: items("DevNames", "DevName"),
            numbers: items("DirNumbers", "DirNumber"),
        })
    }

    pub(super) fn reports<'a>(&'a self, cluster: &'a Database) -> Vec<CtiReport<'a>> {
        let mut nodes: Vec<Vec<CtiItem<'a>>> =
            std::iter::repeat_with(Vec::new).take(cluster.nodes.len()).collect();
        // Everything that is there is open.
        if matches!(self.status.as_str(), "" | "Any" | "Open") {
            self.collect(cluster, &mut nodes);
        }
        super::selection::nodes(cluster, &self.node, |at, name, code| CtiReport {
            name,
            code: match at {
                Some(at) if code == "Ok" && nodes[at].is_empty() => "NotFound",
                Some(_) | None => code,
            },
            items: match at {
                Some(at) if code == "Ok" => std::mem::take(&mut nodes[at]),
                Some(_) | None => Vec::new(),
            },
        })
    }

    fn collect<'a>(&self, cluster: &'a Database, nodes: &mut [Vec<CtiItem<'a>>]) {
        let mut providers: BTreeMap<(usize, usize), CtiItem<'a>> = BTreeMap::new();
        let mut total = 0;
        for &at in &cluster.order {
            let device = &cluster.devices[at];
            let Some(record) = DeviceRecord::of(device, at, false) else { continue };
            if record.class != "Cti" || record.status != "Registered" {
                continue;
            }
            let owner = cluster.users.iter().position(|user| user.devices.contains(&at));
            let (Some(owner), node) = (owner, device.spec.node) else { continue };
            if node >= nodes.len() || total >= self.most {
                continue;
            }
            let item = CtiItem {
                user: &cluster.users[owner].userid,
                address: record.v4.map(|address| address.to_string()).unwrap_or_default(),
                time: record.time,
                device: Some(&device.spec.name),
                number: record.extension,
            };
            if !self.wants(&item) {
                continue;
            }
            let item = match self.class.as_str() {
                "Line" if item.number.is_none() => continue,
                "Line" => item,
                "Device" => CtiItem { number: None, ..item },
                _ => {
                    let provider = CtiItem { device: None, number: None, ..item };
                    providers.entry((node, owner)).or_insert(provider);
                    continue;
                }
            };
            nodes[node].push(item);
            total += 1;
        }
        for ((node, _), provider) in providers.into_iter().take(self.most) {
            nodes[node].push(provider);
        }
    }

    fn wants(&self, item: &CtiItem<'_>) -> bool {
        let application = match self.by.as_str() {
            "UserId" => item.user,
            "AppIPV4Address" | "AppIpAddress" => &item.address,
            "AppIPV6Address" => "",
            _ => APPLICATION,
        };
        let any = |patterns: &[Pattern], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(text))
        };
        any(&self.applications, application)
            && any(&self.devices, item.device.unwrap_or_default())
            && any(&self.numbers, item.number.as_deref().unwrap_or_default())
    }
}

impl CtiItem<'_> {
    /// Returns the fields of its application; the older service has no IPv6 address.
    pub(super) fn application(&self, has_v6: bool) -> Fields {
        let mut fields = vec![
            ("AppId", "xsd:string", APPLICATION.to_owned()),
            ("UserId", "xsd:string", self.user.to_owned()),
            ("AppIpAddr", "xsd:string", self.address.clone()),
        ];
        if has_v6 {
            fields.push(("AppIpv6Addr", "xsd:string", String::new()));
        }
        fields.extend(self.open(["AppStatus", "AppStatusReason", "AppTimeStamp"]));
        fields
    }

    pub(super) fn device(&self) -> Option<Fields> {
        let mut fields = vec![
            ("AppControlsMedia", "xsd:boolean", "true".to_owned()),
            ("DeviceName", "xsd:string", self.device?.to_owned()),
        ];
        fields.extend(self.open(["DeviceStatus", "DeviceStatusReason", "DeviceTimeStamp"]));
        Some(fields)
    }

    pub(super) fn line(&self) -> Option<Fields> {
        let mut fields = vec![("DirNumber", "xsd:string", self.number.clone()?)];
        fields.extend(self.open(["LineStatus", "LineStatusReason", "LineTimeStamp"]));
        Some(fields)
    }

    /// Returns the status of an application, device or line that is open.
    fn open(&self, [status, reason, time]: [&'static str; 3]) -> Fields {
        vec![
            (status, "ns1:CtiStatus", "Open".to_owned()),
            (reason, "xsd:unsignedInt", "0".to_owned()),
            (time, "xsd:unsignedInt", self.time.to_string()),
        ]
    }
}

const APPLICATION: &str = "Simulated contact center";
