//! Registrations from RisPort70: status, node and address of each phone.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;

use crate::domain::device_name::DeviceName;
use crate::domain::inventory::{AddressOwner, Phone};
use crate::domain::registration::{Httpd, Registration, Source, Status, preferred_address};
use crate::domain::text::{names, unreadable_remarks};
use crate::event::{Event, Observer, Stage};
use crate::phone::{Https, PhoneClient, who_is_there};
use crate::ris::client::{RisClient, RisEvent};
use crate::ris::device::{RisDevice, RisStatus};
use crate::ris::error::RisError;
use crate::ris::merge::RisAnswer;
use crate::survey::extensions::readable_number;

/// Asks RisPort70 for the phones and writes the answers into them. Returns the nodes that did not
/// answer.
///
/// # Errors
/// When RisPort70 does not answer. An account that may not ask it is no error: then registrations stay
/// unknown, with a remark.
pub(super) async fn fill(
    ris: &RisClient,
    phones: &mut [Phone],
    nodes: &[String],
    observer: &dyn Observer,
    remarks: &mut Vec<String>,
) -> Result<Vec<String>, RisError> {
    let wanted: Vec<DeviceName> = phones.iter().map(|phone| phone.name.clone()).collect();
    observer
        .observe(&Event::Started { stage: Stage::Registrations, total: Some(wanted.len() as u64) });
    let asked = ris.devices(&wanted, |event| observer.observe(&event_of(event))).await;
    observer.observe(&Event::Finished { stage: Stage::Registrations });
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) if error.is_authentication() => {
            remarks.push(format!(
                "RisPort70 on {} refused the account, so no registration is known; it needs the role Standard CCM Server \
                 Monitoring, or use --registration-source axl",
                ris.endpoint()
            ));
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    remarks.extend(unreadable_remarks(&answer.unreadable_fields));
    let silent = silent_nodes(&answer, nodes);
    if !silent.is_empty() {
        remarks.push(format!(
            "no answer from {}: phones there are of unknown registration",
            names(&silent)
        ));
    }
    let complete = answer.is_complete_for(&wanted);
    if !complete && silent.is_empty() {
        remarks.push(
            "the answer of RisPort70 is not complete: phones that it does not show as registered are of unknown \
             registration"
                .to_owned(),
        );
    }
    write_into(phones, answer.devices, complete);
    Ok(silent)
}

fn event_of(event: RisEvent) -> Event {
    let stage = Stage::Registrations;
    let (reason, delay) = match event {
        RisEvent::Progress { done, .. } => return Event::Progress { stage, done: done as u64 },
        RisEvent::Waiting(delay) => ("RisPort70's request rate", delay),
        RisEvent::Refused(delay) => ("RisPort70 reports too many requests", delay),
        RisEvent::Away(delay) => ("RisPort70 does not answer", delay),
    };
    Event::Waiting { stage, reason: reason.into(), delay }
}

/// Names the nodes that gave no answer; RisPort70 may call one by its address instead of its name.
fn silent_nodes(answer: &RisAnswer, nodes: &[String]) -> Vec<String> {
    let name = |silent: &str| nodes.iter().find(|node| node.eq_ignore_ascii_case(silent)).cloned();
    let mut silent: Vec<String> = answer
        .silent_nodes
        .iter()
        .map(|node| name(&node.name).unwrap_or_else(|| node.name.clone()))
        .collect();
    silent.sort();
    silent.dedup();
    silent
}

/// Writes what is known into the phones.
///
/// While a node is silent or rows are missing, a phone that another node calls unregistered may well be
/// registered there, so it is of unknown registration too, as one is that is absent.
fn write_into(phones: &mut [Phone], mut devices: HashMap<DeviceName, RisDevice>, complete: bool) {
    let absent = if complete { Status::NotFound } else { Status::Unknown };
    for phone in phones {
        phone.registration = match devices.remove(&phone.name) {
            Some(device) => {
                if phone.extension.is_none() {
                    phone.extension = device.extension.as_deref().and_then(readable_number);
                }
                registration(device, complete)
            }
            None => Registration::unknown(absent, Source::Risport70),
        };
    }
}

fn registration(device: RisDevice, complete: bool) -> Registration {
    let listed = device.addresses.iter().map(|address| address.ip);
    let addresses = listed.filter(|ip| !ip.is_unspecified()).collect();
    let ip = preferred_address(
        &[device.ipv4(), device.ipv6()].into_iter().flatten().collect::<Vec<_>>(),
    );
    let status = match device.status {
        RisStatus::Registered => Status::Registered,
        RisStatus::PartiallyRegistered => Status::PartiallyRegistered,
        RisStatus::Rejected => Status::Rejected,
        RisStatus::Unregistered if !complete => Status::Unknown,
        RisStatus::Unregistered => Status::Unregistered,
        RisStatus::Unknown | RisStatus::Other(_) => Status::Unknown,
    };
    Registration {
        status,
        ip,
        addresses,
        node: (!device.node.is_empty()).then_some(device.node),
        timestamp: device
            .timestamp
            .filter(|at| *at > 0)
            .and_then(|at| Timestamp::from_second(at).ok()),
        source: Source::Risport70,
        active_load: device.active_load.filter(|load| !load.is_empty()),
        httpd: match device.httpd {
            Some(true) => Httpd::Yes,
            Some(false) => Httpd::No,
            None => Httpd::Unknown,
        },
        status_reason: device.status_reason.and_then(|reason| u32::try_from(reason).ok()),
        model_number: device.model.and_then(|model| u32::try_from(model).ok()),
    }
}

/// Asks every such address once for the device that answers there. No credentials are sent.
pub(crate) async fn address_owners(
    client: &PhoneClient,
    https: Option<&Https>,
    phones: &[Phone],
) -> BTreeMap<IpAddr, AddressOwner> {
    let asked = shared(phones).into_iter().map(|ip| async move {
        let address_owner = match who_is_there(client, https, ip).await {
            Ok(found) => {
                found.host_name.or(found.mac).map_or(AddressOwner::Nameless, AddressOwner::Device)
            }
            Err(_) => AddressOwner::Silent,
        };
        (ip, address_owner)
    });
    stream::iter(asked).buffer_unordered(AT_ONCE).collect().await
}

/// Returns the addresses that more than one reachable phone has.
fn shared(phones: &[Phone]) -> Vec<IpAddr> {
    let mut count: HashMap<IpAddr, usize> = HashMap::new();
    for ip in phones.iter().filter_map(|phone| phone.registration.reachable_ip()) {
        *count.entry(ip).or_default() += 1;
    }
    let mut shared: Vec<IpAddr> =
        count.into_iter().filter(|(_, count)| *count > 1).map(|(ip, _)| ip).collect();
    shared.sort_unstable();
    shared
}

const AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ris::device::RisAddress;

    fn device(status: RisStatus, ips: &[&str]) -> RisDevice {
        RisDevice {
            name: "SEP1".parse().unwrap(),
            node: "sub1".into(),
            status,
            status_reason: Some(13),
            addresses: ips
                .iter()
                .map(|ip| RisAddress { ip: ip.parse().unwrap(), attribute: None })
                .collect(),
            model: Some(683),
            httpd: Some(true),
            active_load: Some(String::new()),
            extension: None,
            timestamp: Some(0),
            protocol: None,
        }
    }

    #[test]
    fn a_dual_stack_phone_is_reached_over_ipv4() {
        let found = registration(device(RisStatus::Registered, &["2001:db8::1", "10.1.2.3"]), true);
        assert_eq!(found.ip, Some("10.1.2.3".parse().unwrap()));
        assert_eq!(found.addresses.len(), 2, "it may download from both");
        assert_eq!((found.active_load, found.timestamp), (None, None));
        let found = registration(device(RisStatus::Registered, &["2001:db8::1"]), true);
        assert_eq!(found.ip, Some("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn an_answer_with_gaps_makes_unregistered_phones_unknown() {
        assert_eq!(
            registration(device(RisStatus::Unregistered, &[]), true).status,
            Status::Unregistered
        );
        assert_eq!(
            registration(device(RisStatus::Unregistered, &[]), false).status,
            Status::Unknown
        );
        assert_eq!(
            registration(device(RisStatus::Registered, &[]), false).status,
            Status::Registered
        );
    }
}
