//! What the cluster consists of: the version of a server, its servers, its device pools, and what the database
//! remembers of registrations.

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use super::request::{List, record};
use crate::soap::reference::Reference;

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

record! {
    /// A server of the cluster. Release 11.5 answers these fields out of their order.
    #[derive(Default)]
    row ProcessNodeRow = List ListProcessNode "listProcessNode", "processNode" by name {
        /// The name or the address. It is always requested, so an empty one means that the server left it out.
        name: String = "name",
        description: Option<String> = "description",
        /// The IPv6 name or address.
        ipv6_name: Option<String> = "ipv6Name",
        /// `Publisher` or `Subscriber`.
        usage: Option<String> = "nodeUsage",
        /// The role, such as `CUCM Voice/Video`.
        role: Option<String> = "processNodeRole",
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

record! {
    #[derive(Default)]
    row DevicePoolRow = List ListDevicePool "listDevicePool", "devicePool" by name {
        /// The name. It is always requested, so an empty one means that the server left it out.
        name: String = "name",
        call_manager_group: Reference = "callManagerGroupName",
        region: Reference = "regionName",
        location: Reference = "locationName",
    }
}

record! {
    /// What the database remembers of the registration of one device.
    ///
    /// It needs no RisPort70, but it is the last known state, however old that is. AXL has it since 11.5; whether a
    /// phone is registered (`risStatus`) is in it only since 12.5 (AXL schema).
    #[derive(Default)]
    row RegistrationRow = List ListRegistrationDynamic "listRegistrationDynamic", "registrationDynamic" by device {
        device: Reference = "device",
        /// Its last address, as the cluster writes it.
        ip: Option<String> = "lastKnownIpAddress",
        /// The server that it was last registered with.
        node: Option<String> = "lastKnownUcm",
        /// When it was last seen, in seconds since 1970; copies of the schema disagree about its type.
        last_seen: Option<i64> = "lastSeen",
        /// `Registered`, `Unregistered`, `Rejected`, `Partial Registered` or `Unknown`.
        // Published copies of the schema of 12.5 disagree about this field; 14.0 has it.
        status: Option<String> = "risStatus",
    }
}
