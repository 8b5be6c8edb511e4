//! `listRegistrationDynamic`: what the database remembers about registrations.

use std::fmt::Write as _;

use super::call::{Call, Criteria, returned_tags, rows};
use super::row::Row;
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::Registration;
use crate::sim::state::Database;
use crate::sim::values::{FIRST_TIME, uuid};

pub(super) fn list(cluster: &Database, call: &Call<'_>) -> Result<String, SoapFault> {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let devices = cluster.order.iter().map(|&at| (at, &cluster.devices[at]));
    let matching = devices.filter_map(|(at, device)| {
        let status = ris_status(device.registration())?;
        criteria.fit(|_| &device.spec.name).then_some((at, device, status))
    });
    rows(cluster, call.request, matching, |out, (at, device, status)| {
        // Writing into a String cannot fail.
        let id = uuid("registration", &device.spec.name);
        let _ = write!(out, "<registrationDynamic uuid=\"{id}\">");
        let mut row = Row::new(out, at, call);
        for &tag in &tags {
            match tag {
                "device" => row.named(tag, &device.spec.name, &device.uuid),
                "lastKnownIpAddress" => row.text(tag, &device.address_text().unwrap_or_default()),
                "lastKnownUcm" => {
                    row.text(tag, cluster.nodes.get(device.spec.node).map_or("", String::as_str));
                }
                "lastKnownConfigVersion" => row.text(tag, device.uuid.trim_matches(['{', '}'])),
                "endpointConnection" => row.text(tag, "CDP"),
                "lastSeen" => row.text(tag, &(FIRST_TIME + at as u64 + device.newer()).to_string()),
                "risStatus" => row.text(tag, status),
                _ => row.null(tag),
            }
        }
        out.push_str("</registrationDynamic>");
    })
}

/// Returns the state as `XRisStatus` names it (AXL schema 12.5); nothing for a device that never registered.
fn ris_status(registration: Registration) -> Option<&'static str> {
    match registration {
        Registration::NeverSeen => None,
        Registration::PartiallyRegistered => Some("Partial Registered"),
        Registration::Registered => Some("Registered"),
        Registration::Rejected => Some("Rejected"),
        Registration::UnRegistered => Some("Unregistered"),
    }
}
