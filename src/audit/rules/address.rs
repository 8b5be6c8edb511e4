//! Is there exactly one address, and can it be used?

use crate::audit::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
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
            "set IP Addressing Mode to IPv4 or to both in its Common Device Configuration",
        ));
    }
    let others = context
        .by_address
        .get(&ip)
        .into_iter()
        .flatten()
        .filter(|name| **name != &subject.phone.name);
    let others: Vec<&str> = others.map(|name| name.as_str()).collect();
    if !others.is_empty() {
        found.push(finding(
            Code::DuplicateIp,
            Severity::Blocked,
            format!("{ip} is reported for {} too, so one of them is out of date", names(&others)),
            format!("open http://{ip}/ to see which phone answers; restart the other one"),
        ));
    }
}
