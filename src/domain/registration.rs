//! Where a phone is registered, from RisPort70 or the AXL database.

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Registered,
    PartiallyRegistered,
    /// Known to a node, but not registered now.
    Unregistered,
    Rejected,
    /// Every node answered and none has seen it.
    NotFound,
    /// A node that could know did not answer, or the answer was incomplete.
    Unknown,
}

impl Status {
    /// Returns whether the phone is there, with all of its lines or some.
    pub fn is_registered(self) -> bool {
        match self {
            Self::Registered | Self::PartiallyRegistered => true,
            Self::Unregistered | Self::Rejected | Self::NotFound | Self::Unknown => false,
        }
    }
}

/// Whether the phone's web server runs, as the phone said when it registered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Httpd {
    /// It runs.
    Yes,
    /// It is switched off; where the phone did not say, its page in CUCM does.
    No,
    /// The phone did not say.
    Unknown,
}

/// Where the knowledge about a registration comes from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// RisPort70, live.
    Risport70,
    /// The AXL database: what was last known (`listRegistrationDynamic`).
    RegistrationDynamic,
    /// Not asked.
    None,
}

/// What is known of one phone's registration.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Registration {
    /// Whether it is registered.
    pub status: Status,
    /// The address to reach it at: IPv4 where there is one.
    pub ip: Option<IpAddr>,
    /// All addresses that the cluster lists for it, the one in `ip` among them.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The node that said so.
    pub node: Option<String>,
    /// When the registration last changed.
    pub timestamp: Option<Timestamp>,
    /// The source.
    pub source: Source,
    /// The firmware load that runs on it.
    pub active_load: Option<String>,
    /// Its web server.
    pub httpd: Httpd,
    /// The number by which RisPort70 says why (`StatusReason`).
    pub status_reason: Option<u32>,
    /// The model number that the phone registered with.
    pub model_number: Option<u32>,
}

impl Registration {
    /// A registration of which nothing is known.
    pub fn unknown(status: Status, source: Source) -> Self {
        Self {
            status,
            ip: None,
            addresses: Vec::new(),
            node: None,
            timestamp: None,
            source,
            active_load: None,
            httpd: Httpd::Unknown,
            status_reason: None,
            model_number: None,
        }
    }

    /// Returns the address when the phone is there to be pushed to.
    pub fn reachable_ip(&self) -> Option<IpAddr> {
        self.ip.filter(|_| self.status.is_registered())
    }

    /// Returns every address that the phone itself may use.
    pub fn own_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.ip.into_iter().chain(self.addresses.iter().copied())
    }
}

/// Chooses the address to reach a phone at: a usable IPv4 address first, else a usable IPv6 address.
///
/// Unspecified addresses (`0.0.0.0`, `::`) are what RisPort70 reports for a phone without one.
pub fn preferred_address(addresses: &[IpAddr]) -> Option<IpAddr> {
    let mut usable = addresses.iter().copied().filter(|ip| !ip.is_unspecified());
    let v4 = usable.clone().find(IpAddr::is_ipv4);
    v4.or_else(|| usable.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_ipv4_and_skips_the_unspecified() {
        let [v6, v4, no_v4, no_v6] =
            ["2001:db8::1", "10.1.2.3", "0.0.0.0", "::"].map(|ip| ip.parse::<IpAddr>().unwrap());
        assert_eq!(preferred_address(&[v6, no_v4, v4]), Some(v4));
        assert_eq!(preferred_address(&[no_v4, v6]), Some(v6));
        assert_eq!(preferred_address(&[no_v6]), None);
    }

    #[test]
    fn only_a_registered_phone_is_reachable() {
        let mut registration = Registration::unknown(Status::Unregistered, Source::Risport70);
        registration.ip = Some([10, 0, 0, 1].into());
        assert_eq!(registration.reachable_ip(), None);
        registration.status = Status::PartiallyRegistered;
        assert_eq!(registration.reachable_ip(), registration.ip);
    }
}
