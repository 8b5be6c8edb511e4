//! RisPort70: what the cluster's nodes know about registered devices.

mod document;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::Instant;

pub(crate) use document::FIRST_TIME;

use super::Shared;
use super::config::RisPort;
use super::fault::serviceability_fault;
use super::fleet_content::Registration;
use super::https::soap_request;
use super::operations::{Pattern, protocol};
use super::responses::{broken, html, retry_after, xml};
use super::schema;
use super::state::{Cluster, Database, Device};
use super::xml::Node;

/// The path of the service.
pub(crate) const PATH: &str = "/realtimeservice2/services/RISService70";

/// Answers one request.
pub(crate) fn answer(shared: &Shared, body: &Bytes) -> Response {
    match shared.risport {
        RisPort::Answers => {}
        RisPort::Forbidden => {
            return html(StatusCode::FORBIDDEN, "Access to the requested resource has been denied");
        }
        RisPort::Html => return html(StatusCode::OK, "The service is not activated."),
        RisPort::Closed => return broken(),
    }
    let asked = read(body);
    let (name, selection) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let document = serviceability_fault(false, &error);
            return xml(StatusCode::INTERNAL_SERVER_ERROR, document);
        }
    };
    let mut cluster = shared.cluster();
    if let Err(wait) = within_rate(&mut cluster) {
        return too_often(&mut cluster, shared.ris_fault_with_200, &name, wait);
    }
    cluster.count(&name);
    let sprung = cluster.arrived(&name);
    let database = Arc::clone(&cluster.database);
    drop(cluster);
    // It has no effect, so it makes no difference whether it is carried out.
    if let Some(sprung) = sprung {
        return sprung.hold();
    }
    let document = document::document(&database, &selection);
    shared.cluster().answered(&name);
    xml(StatusCode::OK, document)
}

/// Reads a request: its name, and what it asks for.
fn read(body: &Bytes) -> Result<(String, Selection), String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let root = Node::parse(text).map_err(|_| "the request is not well-formed XML")?;
    let request = soap_request(&root)?;
    if request.namespace.as_deref() != Some(NAMESPACE) {
        return Err(format!("the namespace of {} is not {NAMESPACE}", request.name));
    }
    let shape = schema::risport(&request.name)
        .ok_or_else(|| format!("the operation {} is unknown", request.name))?;
    schema::check(request, shape, 0, Some(NAMESPACE))?;
    Ok((request.name.clone(), Selection::read(request)?))
}

fn too_often(cluster: &mut Cluster, with_200: bool, name: &str, wait: Duration) -> Response {
    cluster.count("rate control");
    let limit = cluster.limits.ris_per_minute.unwrap_or_default();
    // The spelling, and the action that follows without a blank, are those of the real fault.
    let message = format!(
        "AxisFault: Exceeded allowed rate for Reatime information. Current allowed rate for realtime information is {limit} requests per minute.{name}"
    );
    let status = if with_200 { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let mut response = xml(status, serviceability_fault(true, &message));
    if cluster.limits.retry_after {
        retry_after(&mut response, wait);
    }
    response
}

/// Counts a request unless there were too many in the last minute; then tells how long to wait.
fn within_rate(cluster: &mut Cluster) -> Result<(), Duration> {
    let Some(limit) = cluster.limits.ris_per_minute else { return Ok(()) };
    let now = Instant::now();
    let minute = cluster.limits.scaled(Duration::from_secs(60));
    let calls = &mut cluster.ris_calls;
    while calls.front().is_some_and(|&call| now.duration_since(call) >= minute) {
        calls.pop_front();
    }
    if calls.len() >= limit as usize {
        let oldest = calls.front().map_or(Duration::ZERO, |&call| now.duration_since(call));
        return Err(minute.saturating_sub(oldest));
    }
    calls.push_back(now);
    Ok(())
}

/// What a request asks for.
struct Selection {
    most: usize,
    /// Whether this is `selectCmDevice`, which knows the wildcard `*`.
    wildcards: bool,
    node: String,
    status: String,
    class: String,
    protocol: String,
    model: Option<u32>,
    by: String,
    items: Vec<String>,
}

impl Selection {
    fn read(request: &Node) -> Result<Self, String> {
        let criteria = request.child("CmSelectionCriteria").ok_or("there are no criteria")?;
        let text = |name: &str| criteria.child_text(name).unwrap_or_default().to_owned();
        let one_of = |name: &str, values: &[&str]| {
            let text = text(name);
            if text.is_empty() || values.contains(&text.as_str()) {
                Ok(text)
            } else {
                Err(format!("the value {text:?} of {name} is not valid"))
            }
        };
        let items: Vec<String> = criteria
            .child("SelectItems")
            .map(|items| items.children.iter())
            .into_iter()
            .flatten()
            .map(|item| item.child_text("Item").unwrap_or_default().to_owned())
            .collect();
        if items.len() > MOST_DEVICES {
            return Err(format!("more than {MOST_DEVICES} items were given"));
        }
        let most = text("MaxReturnedDevices").parse().unwrap_or(MOST_DEVICES);
        Ok(Self {
            most: most.min(MOST_DEVICES),
            wildcards: request.name == "selectCmDevice",
            node: text("NodeName"),
            status: one_of("Status", &STATUSES)?,
            class: one_of("DeviceClass", &CLASSES)?,
            protocol: one_of("Protocol", &["Any", "SCCP", "SIP", "Unknown"])?,
            model: text("Model").parse().ok().filter(|&model| model != ANY_MODEL),
            by: one_of(
                "SelectBy",
                &["Name", "IPV4Address", "IPV6Address", "DirNumber", "Description"],
            )?,
            items,
        })
    }

    /// Returns the devices that the items name: by hash where they are names without wildcards.
    fn candidates(&self, cluster: &Database) -> Vec<usize> {
        let by_name = self.by.is_empty() || self.by == "Name";
        let wild = |item: &String| self.wildcards && item.contains('*');
        if by_name && !self.items.is_empty() && !self.items.iter().any(wild) {
            let mut found: Vec<usize> =
                self.items.iter().filter_map(|item| cluster.device(item)).collect();
            found.sort_unstable();
            found.dedup();
            return found;
        }
        let patterns: Vec<Pattern> = self
            .items
            .iter()
            .map(|item| {
                // `%` and `_` mean nothing here; an unknown character can stand for neither.
                let plain = item.replace(['%', '_'], "\u{0}");
                Pattern::new(&if self.wildcards { plain.replace('*', "%") } else { plain })
            })
            .collect();
        let fits = |device: &Device| {
            let field = match self.by.as_str() {
                "Description" => device.spec.description.clone(),
                "IPV4Address" | "IPV6Address" => device.address_text().unwrap_or_default(),
                "DirNumber" => String::new(),
                _ => device.spec.name.clone(),
            };
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(&field))
        };
        let devices = cluster.order.iter().map(|&at| (at, &cluster.devices[at]));
        devices.filter(|(_, device)| fits(device)).map(|(at, _)| at).collect()
    }

    fn wants(&self, device: &Device) -> bool {
        let any = |text: &str| text.is_empty() || text == "Any";
        let protocol = protocol(device.spec.protocol);
        status(device.registration()).is_some_and(|s| any(&self.status) || self.status == s)
            && (any(&self.class) || self.class == "Phone")
            && (any(&self.protocol) || self.protocol == protocol)
            && self.model.is_none_or(|model| model == device.spec.model)
    }
}

/// Returns the status as RisPort70 names it; nothing for a device that no node knows.
fn status(registration: Registration) -> Option<&'static str> {
    match registration {
        Registration::NeverSeen => None,
        Registration::PartiallyRegistered => Some("PartiallyRegistered"),
        Registration::Registered => Some("Registered"),
        Registration::Rejected => Some("Rejected"),
        Registration::UnRegistered => Some("UnRegistered"),
    }
}

const STATUSES: [&str; 6] =
    ["Any", "Registered", "UnRegistered", "Rejected", "PartiallyRegistered", "Unknown"];
const CLASSES: [&str; 10] = [
    "Any",
    "Phone",
    "Gateway",
    "H323",
    "Cti",
    "VoiceMail",
    "MediaResources",
    "SIPTrunk",
    "HuntList",
    "Unknown",
];
const NAMESPACE: &str = "http://schemas.cisco.com/ast/soap";
/// The most devices in one answer, and items in one request, from 9.x on (published WSDLs).
const MOST_DEVICES: usize = 1000;
const ANY_MODEL: u32 = 255;
