//! What one node reports of a device: its present registration, or an older one that the node still lists.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::domain::model::{self, DeviceKind};
use crate::sim::database::Device;
use crate::sim::fleet_content::{Httpd, Registration};
use crate::sim::values::{FIRST_TIME, protocol};

/// The record of a device on one node; both services write it.
pub(super) struct DeviceRecord {
    /// The index of the device in the database.
    pub(super) at: usize,
    pub(super) stale: bool,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) class: &'static str,
    pub(super) protocol: &'static str,
    pub(super) download_status: &'static str,
    pub(super) httpd: &'static str,
    /// The directory number of its first line.
    pub(super) extension: Option<String>,
    pub(super) time: u64,
    pub(super) v4: Option<Ipv4Addr>,
    pub(super) v6: Option<Ipv6Addr>,
}

impl DeviceRecord {
    /// Returns the record of a device; nothing for one that never registered.
    pub(super) fn of(device: &Device, at: usize, stale: bool) -> Option<Self> {
        let spec = &device.spec;
        let registration = device.registration();
        let (now, now_reason) = match registration {
            Registration::NeverSeen => return None,
            Registration::PartiallyRegistered => ("PartiallyRegistered", "0"),
            Registration::Registered => ("Registered", "0"),
            Registration::Rejected => ("Rejected", "14"),
            Registration::UnRegistered => ("UnRegistered", "13"),
        };
        let (status, reason) = if stale { ("UnRegistered", "15") } else { (now, now_reason) };
        let is_virtual =
            model::by_number(spec.model).is_some_and(|m| m.kind == DeviceKind::Virtual);
        let httpd = match device.httpd() {
            _ if is_virtual => "No",
            Httpd::Yes => "Yes",
            Httpd::No => "No",
            Httpd::Unknown => "Unknown",
        };
        // An older record is a day back, and has an address that the phone no longer has.
        let begun = FIRST_TIME + at as u64;
        let time = if stale { begun - 86_400 } else { begun + device.newer() };
        let v4 = spec.reported_address.or_else(|| spec.address.v4());
        Some(Self {
            at,
            stale,
            status,
            reason,
            class: if is_virtual { "Cti" } else { "Phone" },
            protocol: protocol(spec.protocol),
            download_status: "Unknown",
            httpd,
            extension: device.extension(at),
            time,
            v4: if stale { v4.map(|_| STALE_ADDRESS) } else { v4 },
            v6: spec.address.v6(),
        })
    }

    /// Returns the directory number with its status, as both services write it.
    pub(super) fn dir_number(&self) -> String {
        let number = self.extension.as_ref();
        number.map(|number| format!("{number}-{}", self.status)).unwrap_or_default()
    }
}

const STALE_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 254);
