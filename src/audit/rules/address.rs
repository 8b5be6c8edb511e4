//! Is there exactly one address, and can it be used?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::inventory::AddressOwner;
use crate::domain::text::names;

pub(in crate::audit) fn check(
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
            "look at Device > Phone for its address; restart the phone if there is none",
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
    let others = context
        .by_address
        .get(&ip)
        .into_iter()
        .flatten()
        .filter(|name| **name != &subject.phone.name);
    let others: Vec<&str> = others.map(|name| name.as_str()).collect();
    let address_owner = context.inventory.residents.get(&ip);
    if others.is_empty()
        || address_owner.is_some_and(|address_owner| lives_there(address_owner, subject))
    {
        return;
    }
    let who = match address_owner {
        Some(AddressOwner::Device(name)) => format!(", and {name} answers there"),
        Some(AddressOwner::Nameless) => {
            ", and what answers there does not say who it is".to_owned()
        }
        Some(AddressOwner::Silent) => ", and nobody answers there".to_owned(),
        None => String::new(),
    };
    found.push(finding(
        Code::DuplicateIp,
        Severity::Blocked,
        format!("{ip} is reported for {} too{who}", names(&others)),
        "restart the phone, or look at Device > Phone for where it really is",
    ));
}

/// Tells whether this phone is the one that answers at its address.
fn lives_there(address_owner: &AddressOwner, subject: &Subject<'_>) -> bool {
    let AddressOwner::Device(name) = address_owner else { return false };
    let own = subject.phone.name.as_str().to_ascii_uppercase();
    let name = name.to_ascii_uppercase();
    own == name || own.strip_prefix("SEP").is_some_and(|mac| mac == name)
}
