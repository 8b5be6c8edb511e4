//! Which devices a RisPort70 request selects.

use crate::sim::fleet_content::Registration;
use crate::sim::operations::call::Pattern;
use crate::sim::state::{Database, Device};
use crate::sim::values::protocol;
use crate::sim::xml::Node;

pub(super) struct Selection {
    pub(super) most: usize,
    /// Whether this is `selectCmDevice`, which has the wildcard `*`.
    wildcards: bool,
    pub(super) node: String,
    status: String,
    class: String,
    protocol: String,
    model: Option<u32>,
    by: String,
    items: Vec<String>,
}

impl Selection {
    pub(super) fn read(request: &Node) -> Result<Self, String> {
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
        let items: Vec<String> = criteria
            .child("SelectItems")
            .map(|items| items.children.iter())
            .into_iter()
            .flatten()
            .map(|item| item.child_text("Item").unwrap_or_default().to_owned())
            .collect();
        if items.len() > MOST_DEVICES {
            return Err(format!("more than {MOST_DEVICES} items were given"));
        }
        let most = text("MaxReturnedDevices").parse().unwrap_or(MOST_DEVICES);
        Ok(Self {
            most: most.min(MOST_DEVICES),
            wildcards: request.name == "selectCmDevice",
            node: text("NodeName"),
            status: one_of("Status", &STATUSES)?,
            class: one_of("DeviceClass", &CLASSES)?,
            protocol: one_of("Protocol", &["Any", "SCCP", "SIP", "Unknown"])?,
            model: text("Model").parse().ok().filter(|&model| model != ANY_MODEL),
            by: one_of(
                "SelectBy",
                &["Name", "IPV4Address", "IPV6Address", "DirNumber", "Description"],
            )?,
            items,
        })
    }

    /// Returns the devices that the items name: by hash where they are names without wildcards.
    pub(super) fn candidates(&self, cluster: &Database) -> Vec<usize> {
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
        let fits = |device: &Device| {
            let field = match self.by.as_str() {
                "Description" => device.spec.description.clone(),
                "IPV4Address" | "IPV6Address" => device.address_text().unwrap_or_default(),
                "DirNumber" => String::new(),
                _ => device.spec.name.clone(),
            };
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(&field))
        };
        let devices = cluster.order.iter().map(|&at| (at, &cluster.devices[at]));
        devices.filter(|(_, device)| fits(device)).map(|(at, _)| at).collect()
    }

    pub(super) fn wants(&self, device: &Device) -> bool {
        let any = |text: &str| text.is_empty() || text == "Any";
        let protocol = protocol(device.spec.protocol);
        status(device.registration()).is_some_and(|s| any(&self.status) || self.status == s)
            && (any(&self.class) || self.class == "Phone")
            && (any(&self.protocol) || self.protocol == protocol)
            && self.model.is_none_or(|model| model == device.spec.model)
    }
}

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
