//! Is the phone there?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::inventory::AddressOwner;
use crate::domain::registration::{Httpd, Source, Status};
use crate::domain::text::names;

pub(in crate::audit) fn registration(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    let registration = &subject.phone.registration;
    let reason = registration
        .status_reason
        .filter(|reason| *reason > 0)
        .map(|reason| format!(" (RisPort reason {reason})"))
        .unwrap_or_default();
    let node = registration.node.as_deref().unwrap_or("the cluster");
    match registration.status {
        Status::Registered => {}
        Status::PartiallyRegistered => found.push(finding(
            Code::PartiallyRegistered,
            Severity::Warning,
            format!("some of its lines are not registered with {node}{reason}"),
            "check the phone's lines; the push is tried anyway",
        )),
        Status::Unregistered => found.push(finding(
            Code::NotRegistered,
            Severity::Offline,
            format!("it is not registered; {node} saw it last{reason}"),
            "run axlpaper again when the phone is back",
        )),
        Status::NotFound => found.push(finding(
            Code::NotRegistered,
            Severity::Offline,
            match registration.source {
                Source::RegistrationDynamic => "the AXL database knows of no registration of it",
                Source::Risport70 | Source::None => {
                    "no node has seen it since the nodes were started"
                }
            },
            "run axlpaper again when the phone is back, or remove it from CUCM if it is gone for good",
        )),
        Status::Rejected => found.push(finding(
            Code::RegistrationRejected,
            Severity::Blocked,
            format!("{node} rejects its registration{reason}"),
            "compare the phone with Device > Phone: protocol, security profile, auto-registration",
        )),
        Status::Unknown if registration.source == Source::None => found.push(finding(
            Code::RegistrationUnknown,
            Severity::Blocked,
            "its registration was not requested",
            "give the account the role Standard CCM Server Monitoring, or use --registration-source axl, then run \
             axlpaper again",
        )),
        Status::Unknown if registration.source == Source::RegistrationDynamic => {
            found.push(finding(
                Code::RegistrationUnknown,
                Severity::Blocked,
                "the AXL database has no registration state for it",
                "check Device > Phone, or use RisPort70 (without --registration-source axl)",
            ));
        }
        Status::Unknown => found.push(finding(
            Code::RegistrationUnknown,
            Severity::Blocked,
            match context.inventory.silent_nodes.as_slice() {
                [] => "the answer about registrations was not complete, so it may be registered".to_owned(),
                nodes => format!("it may be registered with {}, which did not answer", nodes.join(", ")),
            },
            "check the service Cisco RIS Data Collector on that node, then run axlpaper again",
        )),
    }
}

pub(in crate::audit) fn address(
    context: &Context<'_>,
    subject: &Subject<'_>,
    found: &mut Vec<Finding>,
) {
    if !subject.is_here() {
        return;
    }
    let Some(ip) = subject.phone.registration.ip else {
        found.push(finding(
            Code::NoIpAddress,
            Severity::Blocked,
            "it is registered, but no address is reported for it",
            "check Device > Phone for its address; restart the phone if there is none",
        ));
        return;
    };
    if ip.is_ipv6() {
        found.push(finding(
            Code::Ipv6Only,
            Severity::Blocked,
            format!("it is reachable over IPv6 only ({ip})"),
            "set IP Addressing Mode to IPv4 or to both in Device > Device Settings > Common Device Configuration",
        ));
    }
    if context.nodes.contains(&ip) {
        found.push(behind_expressway(format!("its address {ip} is that of a node of the cluster")));
        return;
    }
    let there = context.by_address.get(&ip).map(Vec::as_slice).unwrap_or_default();
    let others = there.iter().filter(|phone| phone.name != subject.phone.name);
    let others: Vec<&str> = others.map(|phone| phone.name.as_str()).collect();
    let address_owner = context.inventory.residents.get(&ip);
    if others.is_empty()
        || address_owner.is_some_and(|address_owner| lives_there(address_owner, subject))
    {
        return;
    }
    // Where no phone of them runs a web server, the silence at the address means nothing.
    let can_answer = there.iter().any(|phone| phone.registration.httpd != Httpd::No);
    let who = match address_owner {
        Some(AddressOwner::Nameless) => {
            found.push(behind_expressway(format!(
                "{ip} is reported for {} too, and what answers there is no phone",
                names(&others)
            )));
            return;
        }
        Some(AddressOwner::Silent) if can_answer => {
            found.push(behind_expressway(format!(
                "{ip} is reported for {} too, and no phone answers there",
                names(&others)
            )));
            return;
        }
        Some(AddressOwner::Silent) => ", and no device answers there".to_owned(),
        Some(AddressOwner::Device(name)) => format!(", and {name} answers there"),
        None => String::new(),
    };
    found.push(finding(
        Code::DuplicateIp,
        Severity::Blocked,
        format!("{ip} is reported for {} too{who}", names(&others)),
        "restart the phone, or check its current address under Device > Phone",
    ));
}

/// The finding for a phone whose address leads to a proxy: CUCM reports the address of the Expressway-C for every phone
/// that registers through it, and an Expressway passes no push on.
fn behind_expressway(why: String) -> Finding {
    finding(
        Code::BehindExpressway,
        Severity::Blocked,
        format!(
            "{why}: this is how phones are reported that register through an Expressway (Mobile and Remote Access)"
        ),
        "nothing can be pushed to a phone behind an Expressway; on its own network it can (if it is there now, restart \
         it). Its user can choose a picture that the TFTP servers offer: `axlpaper image tftp`",
    )
}

/// Returns whether this phone is the one that answers at its address.
fn lives_there(address_owner: &AddressOwner, subject: &Subject<'_>) -> bool {
    let AddressOwner::Device(name) = address_owner else { return false };
    let own = subject.phone.name.as_str().to_ascii_uppercase();
    let name = name.to_ascii_uppercase();
    own == name || own.strip_prefix("SEP").is_some_and(|mac| mac == name)
}
