//! A device as RisPort70 sees it.

use std::net::IpAddr;

use crate::domain::device_name::DeviceName;

/// The latest known state of a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RisDevice {
    pub name: DeviceName,
    pub node: String,
    pub status: RisStatus,
    /// Why it is not, as a number of the RisPort70 documentation: 13 is a missed keep-alive.
    pub status_reason: Option<i64>,
    /// Its addresses, in the server's order, without empty ones.
    pub addresses: Vec<RisAddress>,
    /// Its model, a number of the CUCM table `typemodel`.
    pub model: Option<i64>,
    /// Whether its web server is on, as reported at registration; nothing when it was not reported.
    pub httpd: Option<bool>,
    pub active_load: Option<String>,
    /// The number of its first line.
    pub extension: Option<String>,
    /// When this state began, in seconds since 1970.
    pub timestamp: Option<i64>,
    /// `SIP` or `SCCP`.
    pub protocol: Option<String>,
}

impl RisDevice {
    /// Returns the IPv4 address to reach it at: one that is not for signalling only, if there is one.
    pub fn ipv4(&self) -> Option<IpAddr> {
        self.best(IpAddr::is_ipv4)
    }

    /// Returns the IPv6 address to reach it at, likewise.
    pub fn ipv6(&self) -> Option<IpAddr> {
        self.best(IpAddr::is_ipv6)
    }

    fn best(&self, fits: fn(&IpAddr) -> bool) -> Option<IpAddr> {
        let fitting = || self.addresses.iter().filter(|address| fits(&address.ip));
        let reachable = fitting().find(|address| !address.is_signaling_only());
        reachable.or_else(|| fitting().next()).map(|address| address.ip)
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RisStatus {
    /// Something that the RisPort70 documentation does not list.
    Other(String),
    /// Registered with some of its lines only.
    PartiallyRegistered,
    Registered,
    Rejected,
    /// The server does not know.
    Unknown,
    /// It was registered and is not any more.
    Unregistered,
}

impl RisStatus {
    /// Reads the server's word; case and blanks do not matter.
    pub fn parse(word: &str) -> Self {
        let plain: String =
            word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_ascii_lowercase();
        match plain.as_str() {
            "registered" => Self::Registered,
            "unregistered" => Self::Unregistered,
            "rejected" => Self::Rejected,
            "partiallyregistered" | "partialregistered" => Self::PartiallyRegistered,
            "unknown" | "" => Self::Unknown,
            _ => Self::Other(crate::domain::text::sanitize_truncate(word, 40)),
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RisAddress {
    pub ip: IpAddr,
    /// What it is for: `Unknown`, `Adminstrative` (spelled so), `Signaling` or
    /// `AdministrativeAndSignaling` (RisPort70 WSDL).
    pub attribute: Option<String>,
}

impl RisAddress {
    fn is_signaling_only(&self) -> bool {
        self.attribute.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("Signaling"))
    }
}
