//! Version, device pools, nodes and enterprise parameters.

use std::fmt::Write as _;

use super::call::{Answer, Call, Criteria, answered_tags, returned_tags, rows, written};
use super::row::Row;
use crate::sim::change_log::LoggedChange;
use crate::sim::config::{ChangeNotification, FirstCall, Release};
use crate::sim::fault::SoapFault;
use crate::sim::state::{Cluster, Database, Entry, Fields};
use crate::sim::values::{ris_status, uuid};
use crate::sim::xml::escape_into;

pub(super) fn ccm_version(cluster: &Database, call: &Call<'_>) -> Answer {
    if let Some(node) = call.request.child_text("processNodeName")
        && !node.is_empty()
        && !cluster.nodes.iter().any(|known| known.eq_ignore_ascii_case(node))
    {
        return Err(SoapFault::not_found("ProcessNode"));
    }
    Ok(format!(
        "<return><componentVersion><version>{}</version></componentVersion></return>",
        cluster.config.release.version()
    ))
}

/// Answers `listChange`: what changed from a number on, and without one as the configuration of the simulator says.
pub(super) fn changes(cluster: &Database, call: &Call<'_>) -> Answer {
    match cluster.change_notification {
        // Neither code nor wording were published.
        ChangeNotification::OffWithFault => {
            return Err(SoapFault::server(-1, "Change notification is not enabled."));
        }
        ChangeNotification::OffWithoutQueue => return Ok(String::new()),
        ChangeNotification::On => {}
    }
    let (log, cache) = (&cluster.changes, cluster.config.change_cache);
    let mut changes = String::new();
    let mut next = log.last() + 1;
    let start = match (call.request.child("startChangeId"), cache.first_call) {
        (None, FirstCall::Baseline) => None,
        (None, FirstCall::WholeCache) => Some(log.first()),
        (Some(start), _) => {
            // Published: this fault is in the namespace, and others are not.
            let namespace = Some(call.version);
            if start.attribute("queueId") != Some(&log.queue_id()) {
                return Err(SoapFault { namespace, ..SoapFault::server(5007, WRONG_QUEUE) });
            }
            let id = start.text.trim();
            // Neither code nor wording were published.
            let dropped = || {
                let (first, next) = (log.first(), log.last() + 1);
                let message = format!(
                    "The startChangeId {id} is not in the change cache, which holds {first} to {next}. A full sync is needed."
                );
                SoapFault { namespace, ..SoapFault::server(5007, message) }
            };
            let id = id.parse().ok().filter(|&id| log.from(id).is_some());
            Some(id.ok_or_else(dropped)?)
        }
    };
    if let Some(start) = start {
        let wanted: Vec<&str> = call
            .request
            .child("objectList")
            .map(|list| list.children.iter().map(|object| object.text.trim()).collect())
            .unwrap_or_default();
        let wanted = |kind: &str| wanted.is_empty() || wanted.contains(&kind);
        for (id, change) in log.from(start).into_iter().flatten().take(cache.page) {
            next = id + 1;
            if wanted(change.kind) {
                write_change(&mut changes, id, change, cache.small_initial);
            }
        }
    }
    Ok(format!(
        "<queueInfo><firstChangeId>{}</firstChangeId><lastChangeId>{}</lastChangeId>\
         <nextStartChangeId>{next}</nextStartChangeId><queueId>{}</queueId></queueInfo><changes>{changes}</changes>",
        log.first(),
        log.last(),
        log.queue_id()
    ))
}

fn write_change(out: &mut String, id: u64, change: &LoggedChange, small_initial: bool) {
    let LoggedChange { kind, uuid, action, tags } = change;
    let initial = if small_initial { kind[..1].to_ascii_lowercase() } else { kind[..1].to_owned() };
    let rest = &kind[1..];
    let do_get = *action == 'a';
    // Writing into a String cannot fail.
    let _ = write!(
        out,
        "<change type=\"{initial}{rest}\" uuid=\"{uuid}\"><id>{id}</id><action>{action}</action><doGet>{do_get}</doGet><changedTags>"
    );
    for tag in tags {
        let _ = write!(out, "<changedTag name=\"{}\">", tag.name);
        escape_into(out, tag.value.as_deref().unwrap_or_default());
        out.push_str("</changedTag>");
    }
    out.push_str("</changedTags></change>");
}

const WRONG_QUEUE: &str = "The queueId value does not match the server. This indicates that it is either incorrect or the \
    server restarted and a full sync is needed.";

pub(super) fn device_pools(cluster: &Database, call: &Call<'_>) -> Answer {
    let criteria = Criteria::read(call.request)?;
    let tags = returned_tags(call.request).unwrap_or_default();
    let entries = cluster.pools.entries.iter().enumerate();
    let matching = entries.filter(|(_, entry)| {
        criteria.fit(|field| match field {
            "name" => &entry.name,
            // `callManagerGroupName` and `regionName`: every pool has the default ones.
            _ => "Default",
        })
    });
    rows(cluster, call.request, matching, |out, (at, entry)| pool(out, at, entry, &tags, call))
}

pub(super) fn device_pool(cluster: &Database, call: &Call<'_>) -> Answer {
    let at = match (call.request.child_text("name"), call.request.child_text("uuid")) {
        (Some(name), _) => cluster.pools.find(name),
        (None, uuid) => uuid.and_then(|uuid| cluster.pools.find_uuid(uuid)),
    };
    let at = at.ok_or_else(|| SoapFault::not_found("DevicePool"))?;
    let usual = "name dateTimeSettingName callManagerGroupName regionName revertPriority";
    let tags = answered_tags(call, usual, &Fields::new());
    let mut out = String::from("<return>");
    pool(&mut out, at, &cluster.pools.entries[at], &tags, call);
    out.push_str("</return>");
    Ok(out)
}

fn pool(out: &mut String, at: usize, entry: &Entry<()>, tags: &[&str], call: &Call<'_>) {
    // Writing into a String cannot fail.
    let _ = write!(out, "<devicePool uuid=\"{}\">", entry.uuid);
    let mut row = Row::new(out, at, call);
    for &tag in tags {
        match tag {
            "name" => row.text(tag, &entry.name),
            "callManagerGroupName" | "regionName" => {
                row.named(tag, "Default", &uuid(tag, "Default"));
            }
            "dateTimeSettingName" => row.named(tag, "CMLocal", &uuid(tag, "CMLocal")),
            "revertPriority" => row.text(tag, "Default"),
            _ if tag.ends_with("Name") => row.reference::<()>(tag, None),
            _ => row.null(tag),
        }
    }
    out.push_str("</devicePool>");
}

pub(super) fn process_nodes(cluster: &Database, call: &Call<'_>) -> Answer {
    let criteria = Criteria::read(call.request)?;
    let mut tags = returned_tags(call.request).unwrap_or_default();
    if cluster.config.release == Release::R11_5 {
        // A known defect of 11.5: the children do not come in the schema's order.
        tags.reverse();
    }
    let nodes = [ENTERPRISE_WIDE].into_iter().chain(cluster.nodes.iter().map(String::as_str));
    let matching = nodes.enumerate().filter(|&(at, name)| {
        criteria.fit(|field| match field {
            "name" => name,
            "processNodeRole" => "CUCM Voice/Video",
            // The description.
            _ => node_description(at).unwrap_or_default(),
        })
    });
    rows(cluster, call.request, matching, |out, (at, name)| {
        let id = node_uuid(cluster, at, name);
        let _ = write!(out, "<processNode uuid=\"{id}\">");
        let mut row = Row::new(out, at, call);
        for &tag in &tags {
            match tag {
                "name" => row.text(tag, name),
                "description" => row.text(tag, node_description(at).unwrap_or_default()),
                "nodeUsage" => row.text(tag, if at <= 1 { "Publisher" } else { "Subscriber" }),
                "processNodeRole" => row.text(tag, "CUCM Voice/Video"),
                "lbmHubGroup" => row.reference::<()>(tag, None),
                _ => row.null(tag),
            }
        }
        out.push_str("</processNode>");
    })
}

/// Returns the UUID of a node; the one at 0 is that of enterprise parameters.
pub(super) fn node_uuid(cluster: &Database, at: usize, name: &str) -> String {
    match at {
        0 => ENTERPRISE_WIDE_UUID.to_owned(),
        _ => uuid(
            "node",
            &format!("{} {name}", cluster.config.installation.as_deref().unwrap_or_default()),
        ),
    }
}

pub(super) fn node_description(at: usize) -> Option<&'static str> {
    (at > 0).then_some("Simulated node")
}

pub(super) fn service_parameter(cluster: &Database, call: &Call<'_>) -> Answer {
    let text = |name| call.request.child_text(name).unwrap_or_default();
    let found = if text("uuid").is_empty() {
        let place = text("processNodeName").eq_ignore_ascii_case(ENTERPRISE_WIDE)
            && text("service") == ENTERPRISE_SERVICE;
        // Parameter names are compared exactly (believed).
        place.then(|| cluster.parameters.get_key_value(text("name"))).flatten()
    } else {
        let wanted = text("uuid");
        cluster.parameters.iter().find(|(n, _)| uuid("parameter", n).eq_ignore_ascii_case(wanted))
    };
    let (name, value) = found.ok_or_else(|| SoapFault::not_found("ServiceParameter"))?;
    let every = || vec!["processNodeName", "name", "service", "value", "valueType"];
    let tags = returned_tags(call.request).unwrap_or_else(every);
    let mut out = format!("<return><serviceParameter uuid=\"{}\">", uuid("parameter", name));
    let mut row = Row::new(&mut out, 0, call);
    for tag in tags {
        match tag {
            "processNodeName" => row.named(tag, ENTERPRISE_WIDE, ENTERPRISE_WIDE_UUID),
            "name" => row.text(tag, name),
            "service" => row.text(tag, ENTERPRISE_SERVICE),
            "value" => row.text(tag, value),
            // `valueType` is the last field of the schema.
            _ => row.text(tag, "String"),
        }
    }
    out.push_str("</serviceParameter></return>");
    Ok(out)
}

/// `updateServiceParameter`, for enterprise parameters.
pub(super) fn set_service_parameter(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let text = |name| call.request.child_text(name).unwrap_or_default();
    let known = cluster.parameters.keys().find(|known| match call.request.child_text("uuid") {
        Some(id) => uuid("parameter", known).eq_ignore_ascii_case(id),
        None => text("service") == ENTERPRISE_SERVICE && *known == text("name"),
    });
    let name = known.cloned().ok_or_else(|| SoapFault::no_target("ServiceParameter"))?;
    cluster.set_parameter(name.clone(), text("value").to_owned());
    let id = uuid("parameter", &name);
    written(cluster, call, name, 1);
    Ok(format!("<return>{id}</return>"))
}

/// The virtual node that enterprise parameters belong to, with its fixed UUID (seen in published code).
pub(super) const ENTERPRISE_WIDE: &str = "EnterpriseWideData";
pub(super) const ENTERPRISE_WIDE_UUID: &str = "{00000000-1111-0000-0000-000000000000}";
/// The service of enterprise parameters (AXL schema, `XService`).
const ENTERPRISE_SERVICE: &str = "Enterprise Wide";

pub(super) fn registrations(cluster: &Database, call: &Call<'_>) -> Answer {
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
                "lastSeen" => row.text(tag, &device.last_seen(at).to_string()),
                "risStatus" => row.text(tag, status),
                _ => row.null(tag),
            }
        }
        out.push_str("</registrationDynamic>");
    })
}
