//! Is the phone there?

use crate::audit::context::{Context, Subject, finding};
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::registration::{Source, Status};

pub(in crate::audit) fn check(
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
            "look at the phone's lines; the push is tried all the same",
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
            "nobody was asked for its registration",
            "give the account the role Standard CCM Server Monitoring, or use --registration-source axl, then run \
             axlpaper again",
        )),
        Status::Unknown if registration.source == Source::RegistrationDynamic => {
            found.push(finding(
                Code::RegistrationUnknown,
                Severity::Blocked,
                "the AXL database does not say whether it is registered",
                "look at Device > Phone, or let RisPort70 be asked (without --registration-source axl)",
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
