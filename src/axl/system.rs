//! What the cluster consists of: the version of a server, its servers, its device pools, and what the database
//! remembers of registrations.

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use super::request::{List, Row, row_key};
use crate::soap::reference::Reference;
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

/// `getCCMVersion`. The server answers it in the namespace of every version, `1.0` included, so it can be sent
/// before anything is known about the server (AXL Developer Guide).
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GetCcmVersion {}

impl Operation for GetCcmVersion {
    const NAME: &'static str = "getCCMVersion";
    type Output = CcmVersion;
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct CcmVersion {
    #[serde(rename = "componentVersion")]
    component_version: ComponentVersion,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct ComponentVersion {
    version: String,
}

impl CcmVersion {
    /// Returns the version, such as `14.0.1.10000-20`.
    pub fn version(&self) -> &str {
        &self.component_version.version
    }
}

/// `listProcessNode`: the servers of the cluster.
pub type ListProcessNode = List<ProcessNodeRow>;

/// A server of the cluster. Release 11.5 answers these fields out of their order.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ProcessNodeRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name or the address. It is always requested, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    #[serde(deserialize_with = "scalar::text")]
    pub description: Option<String>,
    /// The IPv6 name or address.
    #[serde(rename = "ipv6Name", deserialize_with = "scalar::text")]
    pub ipv6_name: Option<String>,
    /// `Publisher` or `Subscriber`.
    #[serde(rename = "nodeUsage", deserialize_with = "scalar::text")]
    pub usage: Option<String>,
    /// The role, such as `CUCM Voice/Video`.
    #[serde(rename = "processNodeRole", deserialize_with = "scalar::text")]
    pub role: Option<String>,
}

impl Row for ProcessNodeRow {
    const LIST: &'static str = "listProcessNode";
    const ELEMENT: &'static str = "processNode";
    const TAGS: ReturnedTags =
        ReturnedTags(&["name", "description", "ipv6Name", "nodeUsage", "processNodeRole"]);

    fn key(&self) -> Option<&str> {
        row_key(self.uuid.as_deref(), &self.name)
    }
}

impl ProcessNodeRow {
    /// Returns whether this is `EnterpriseWideData`: an entry for settings of the whole cluster, which
    /// is in the list but is no server.
    pub fn is_virtual(&self) -> bool {
        let zero = |uuid: &str| uuid.eq_ignore_ascii_case(VIRTUAL_UUID);
        self.name.eq_ignore_ascii_case(ENTERPRISE_WIDE_DATA)
            || self.uuid.as_deref().is_some_and(zero)
    }
}

/// The name of the entry for settings of the whole cluster.
pub const ENTERPRISE_WIDE_DATA: &str = "EnterpriseWideData";

/// The UUID of that entry, the same in every cluster.
const VIRTUAL_UUID: &str = "{00000000-1111-0000-0000-000000000000}";

/// `listDevicePool`.
pub type ListDevicePool = List<DevicePoolRow>;

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct DevicePoolRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name. It is always requested, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    #[serde(rename = "callManagerGroupName")]
    pub call_manager_group: Reference,
    #[serde(rename = "regionName")]
    pub region: Reference,
    #[serde(rename = "locationName")]
    pub location: Reference,
}

impl Row for DevicePoolRow {
    const LIST: &'static str = "listDevicePool";
    const ELEMENT: &'static str = "devicePool";
    const TAGS: ReturnedTags =
        ReturnedTags(&["name", "callManagerGroupName", "regionName", "locationName"]);

    fn key(&self) -> Option<&str> {
        row_key(self.uuid.as_deref(), &self.name)
    }
}

/// `listRegistrationDynamic`: what the database remembers of registrations.
///
/// It needs no RisPort70, but it returns the last known state, however old that is. AXL has it since 11.5; whether
/// a phone is registered (`risStatus`) is in it only since 12.5 (AXL schema).
pub type ListRegistrationDynamic = List<RegistrationRow>;

/// The last known registration of one device.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct RegistrationRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    pub device: Reference,
    /// Its last address, as the cluster writes it.
    #[serde(rename = "lastKnownIpAddress", deserialize_with = "scalar::text")]
    pub ip: Option<String>,
    /// The server that it was last registered with.
    #[serde(rename = "lastKnownUcm", deserialize_with = "scalar::text")]
    pub node: Option<String>,
    /// When it was last seen, in seconds since 1970; copies of the schema disagree about its type.
    #[serde(rename = "lastSeen", deserialize_with = "scalar::number")]
    pub last_seen: Option<i64>,
    /// `Registered`, `Unregistered`, `Rejected`, `Partial Registered` or `Unknown`.
    #[serde(rename = "risStatus", deserialize_with = "scalar::text")]
    pub status: Option<String>,
}

impl Row for RegistrationRow {
    const LIST: &'static str = "listRegistrationDynamic";
    const ELEMENT: &'static str = "registrationDynamic";
    const CRITERION: &'static str = "device";
    // Published copies of the schema of 12.5 disagree about the last field; 14.0 has it.
    const TAGS: ReturnedTags =
        ReturnedTags(&["device", "lastKnownIpAddress", "lastKnownUcm", "lastSeen", "risStatus"]);

    fn key(&self) -> Option<&str> {
        self.uuid.as_deref().or(self.device.name.as_deref())
    }
}
