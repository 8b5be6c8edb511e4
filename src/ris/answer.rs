//! The answer to `selectCmDeviceExt`, as the XML has it.
//!
//! Servers and releases differ in the names of the wrapping elements, so several are understood.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::domain::device_name::DeviceName;
use crate::domain::text::UnreadableField;
use crate::soap::read::Answer;
use crate::soap::scalar::{self, Loose};

use super::device::{RisAddress, RisDevice, RisStatus};

/// One answer.
///
/// The operation `selectCmDeviceExt` answers with the element of `selectCmDevice` (RisPort70 WSDL); the
/// name that one would expect is understood too.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SelectAnswer {
    #[serde(rename = "selectCmDeviceReturn", alias = "selectCmDeviceExtReturn")]
    wrapped: Option<Wrapped>,
    #[serde(rename = "SelectCmDeviceResult", alias = "SelectCmDeviceExtResult")]
    bare: Option<RawResult>,
    #[serde(skip)]
    unreadable: BTreeSet<UnreadableField>,
}

impl Answer for SelectAnswer {
    fn is_element(name: &str) -> bool {
        ["selectCmDeviceResponse", "selectCmDeviceExtResponse", "SelectCmDeviceResponse"]
            .contains(&name)
    }

    fn element() -> String {
        "selectCmDeviceResponse".to_owned()
    }

    fn note_unreadable(&mut self, fields: BTreeSet<UnreadableField>) {
        self.unreadable = fields;
    }
}

impl SelectAnswer {
    /// Turns the answer into rows; nothing when it holds no result at all.
    pub fn into_page(self) -> Option<RisPage> {
        let (result, state) = match (self.wrapped, self.bare) {
            (Some(wrapped), bare) => (wrapped.result.or(bare), wrapped.state_info),
            (None, bare) => (bare, None),
        };
        let result = result?;
        let mut page = RisPage {
            total: result.total,
            withheld: state.as_deref().is_some_and(says_withheld),
            unreadable_fields: self.unreadable,
            ..RisPage::default()
        };
        for node in result.nodes.unwrap_or_default().0 {
            let name = node.name.unwrap_or_default();
            let code = node.return_code.unwrap_or_default();
            if !is_conclusive(&code) {
                page.silent.push(SilentNode { name: name.clone(), return_code: code });
            }
            for device in node.devices.unwrap_or_default().0 {
                page.rows += 1;
                match device.into_device(&name) {
                    Some(device) => page.devices.push(device),
                    None => page.unreadable += 1,
                }
            }
        }
        Some(page)
    }
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RisPage {
    /// How many devices the server reports as found.
    pub total: Option<i64>,
    pub devices: Vec<RisDevice>,
    /// How many rows there were, readable or not.
    pub rows: usize,
    /// How many rows had no usable name.
    pub unreadable: usize,
    pub silent: Vec<SilentNode>,
    /// Whether a server reports that it returned fewer than it found.
    pub withheld: bool,
    /// Fields that could not be read completely.
    pub unreadable_fields: BTreeSet<UnreadableField>,
}

/// A server of the cluster that gave no conclusive answer: what it knows is missing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SilentNode {
    pub name: String,
    /// Its return code, such as `NodeNotResponding`.
    pub return_code: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Wrapped {
    #[serde(rename = "SelectCmDeviceResult", alias = "SelectCmDeviceExtResult")]
    result: Option<RawResult>,
    #[serde(default, rename = "StateInfo", deserialize_with = "scalar::text")]
    state_info: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RawResult {
    #[serde(rename = "TotalDevicesFound", deserialize_with = "scalar::number")]
    total: Option<i64>,
    #[serde(rename = "CmNodes")]
    nodes: Option<Items<RawNode>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RawNode {
    #[serde(rename = "ReturnCode", deserialize_with = "scalar::text")]
    return_code: Option<String>,
    #[serde(rename = "Name", deserialize_with = "scalar::text")]
    name: Option<String>,
    #[serde(rename = "CmDevices")]
    devices: Option<Items<RawDevice>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RawDevice {
    #[serde(rename = "Name", deserialize_with = "scalar::text")]
    name: Option<String>,
    #[serde(rename = "Model", deserialize_with = "scalar::number")]
    model: Option<i64>,
    #[serde(rename = "Httpd", deserialize_with = "scalar::text")]
    httpd: Option<String>,
    #[serde(rename = "Status", deserialize_with = "scalar::text")]
    status: Option<String>,
    #[serde(rename = "StatusReason", deserialize_with = "scalar::number")]
    status_reason: Option<i64>,
    #[serde(rename = "TimeStamp", deserialize_with = "scalar::number")]
    timestamp: Option<i64>,
    #[serde(rename = "Protocol", deserialize_with = "scalar::text")]
    protocol: Option<String>,
    #[serde(rename = "ActiveLoadID", deserialize_with = "scalar::text")]
    active_load: Option<String>,
    #[serde(rename = "DirNumber", deserialize_with = "scalar::text")]
    lines: Option<String>,
    #[serde(rename = "IPAddress", alias = "IpAddress")]
    addresses: Addresses,
}

impl RawDevice {
    fn into_device(self, node: &str) -> Option<RisDevice> {
        let name = DeviceName::of_cluster(&self.name?).ok()?;
        Some(RisDevice {
            name,
            node: node.to_owned(),
            status: RisStatus::parse(self.status.as_deref().unwrap_or_default()),
            status_reason: self.status_reason,
            addresses: self.addresses.0,
            model: self.model,
            httpd: self.httpd.as_deref().and_then(|word| {
                let is = |other| word.trim().eq_ignore_ascii_case(other);
                if is("yes") { Some(true) } else { is("no").then_some(false) }
            }),
            active_load: self.active_load,
            extension: self.lines.as_deref().and_then(first_line),
            timestamp: self.timestamp,
            protocol: self.protocol.filter(|word| !word.eq_ignore_ascii_case("unknown")),
        })
    }
}

/// Returns the number of the first line: each is written as the number, a minus and its state, such as
/// `1003-Registered,1004-Registered`.
fn first_line(lines: &str) -> Option<String> {
    let first = lines.split(',').next()?.trim();
    let number = first.rsplit_once('-').map_or(first, |(number, _)| number);
    (!number.is_empty()).then(|| number.to_owned())
}

/// A list whose elements are called `item`, or otherwise in another service of the same server.
#[derive(Clone, Debug)]
struct Items<T>(Vec<T>);

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw<T> {
            #[serde(default = "Vec::new", rename = "item", alias = "CmNode", alias = "CmDevice")]
            item: Vec<T>,
        }
        Raw::deserialize(deserializer).map(|raw| Self(raw.item))
    }
}

/// The addresses of a device: a list of items, or one text as the service before RisPort70 has it.
#[derive(Clone, Debug, Default)]
struct Addresses(Vec<RisAddress>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressesVisitor)
    }
}

struct AddressesVisitor;

impl<'de> Visitor<'de> for AddressesVisitor {
    type Value = Addresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("addresses")
    }

    fn visit_str<E>(self, text: &str) -> Result<Addresses, E> {
        Ok(Addresses(usable(text, None).into_iter().collect()))
    }

    fn visit_unit<E>(self) -> Result<Addresses, E> {
        Ok(Addresses::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Addresses, A::Error> {
        let mut addresses = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "item" => {
                    let raw: RawAddress = map.next_value()?;
                    addresses.extend(usable(raw.ip.as_deref().unwrap_or_default(), raw.attribute));
                }
                "$text" => {
                    let Loose(text) = map.next_value()?;
                    addresses.extend(usable(&text, None));
                }
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        Ok(Addresses(addresses))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Addresses, A::Error> {
        let mut addresses = Vec::new();
        while let Some(Addresses(more)) = seq.next_element()? {
            addresses.extend(more);
        }
        Ok(Addresses(addresses))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RawAddress {
    #[serde(rename = "IP", alias = "Ip", deserialize_with = "scalar::text")]
    ip: Option<String>,
    #[serde(rename = "Attribute", deserialize_with = "scalar::text")]
    attribute: Option<String>,
}

/// Reads an address; one that is empty, broken, `0.0.0.0` or `::` is none.
fn usable(text: &str, attribute: Option<String>) -> Option<RisAddress> {
    let ip: IpAddr = text.trim().parse().ok()?;
    (!ip.is_unspecified()).then_some(RisAddress { ip, attribute })
}

/// Tells whether a return code means that the server's answer can be relied on.
fn is_conclusive(code: &str) -> bool {
    code.eq_ignore_ascii_case("Ok") || code.eq_ignore_ascii_case("NotFound")
}

/// Looks into the XML text that `StateInfo` holds: a server that found more than it returned.
fn says_withheld(state: &str) -> bool {
    #[derive(Default, Deserialize)]
    struct State {
        #[serde(default, rename = "Node")]
        nodes: Vec<Node>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Node {
        #[serde(rename = "@TotalItemsFound", deserialize_with = "scalar::number")]
        found: Option<i64>,
        #[serde(rename = "@TotalItemsReturned", deserialize_with = "scalar::number")]
        returned: Option<i64>,
    }
    // The token is not meant for clients, so one that cannot be read is ignored.
    let state: State = quick_xml::de::from_str(state).unwrap_or_default();
    let withheld = |node: &Node| matches!((node.found, node.returned), (Some(f), Some(r)) if f > r);
    state.nodes.iter().any(withheld)
}
