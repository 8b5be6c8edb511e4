//! RisPort70: what the cluster's nodes know about registered devices.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::Instant;

use super::content::{Address, Httpd, Registration};
use super::fault::{SOAP, serviceability_fault};
use super::front::{soap_request, xml};
use super::operations::{Pattern, protocol};
use super::schema;
use super::state::{Cluster, Device};
use super::xml::{Node, element_into};

/// The path of the service.
pub(crate) const PATH: &str = "/realtimeservice2/services/RISService70";

/// Answers one request.
pub(crate) fn answer(
    cluster: &mut Cluster,
    per_minute: Option<u32>,
    fault_with_200: bool,
    body: &Bytes,
) -> Response {
    let refuse = |message: &str| {
        xml(StatusCode::INTERNAL_SERVER_ERROR, serviceability_fault(false, message))
    };
    let Some(root) = std::str::from_utf8(body).ok().and_then(|text| Node::parse(text).ok()) else {
        return refuse("the request is not well-formed XML");
    };
    let request = match soap_request(&root) {
        Ok(request) => request,
        Err(error) => return refuse(&error),
    };
    if request.namespace.as_deref() != Some(NAMESPACE) {
        return refuse(&format!("the namespace of {} is not {NAMESPACE}", request.name));
    }
    let Some(shape) = schema::risport(&request.name) else {
        return refuse(&format!("the operation {} is unknown", request.name));
    };
    if let Err(error) = schema::check(request, shape, 0, Some(NAMESPACE)) {
        return refuse(&error);
    }
    if !within_rate(cluster, per_minute) {
        cluster.count("rate control");
        let limit = per_minute.unwrap_or_default();
        // The spelling, and the action that follows without a blank, are those of the real fault.
        let message = format!(
            "AxisFault: Exceeded allowed rate for Reatime information. Current allowed rate for realtime information is {limit} requests per minute.{}",
            request.name
        );
        let status =
            if fault_with_200 { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
        return xml(status, serviceability_fault(true, &message));
    }
    cluster.count(&request.name);
    match Selection::read(request) {
        Ok(selection) => xml(StatusCode::OK, document(cluster, &selection)),
        Err(error) => refuse(&error),
    }
}

/// Counts a request unless there were too many in the last minute.
fn within_rate(cluster: &mut Cluster, per_minute: Option<u32>) -> bool {
    let Some(limit) = per_minute else { return true };
    let now = Instant::now();
    while cluster
        .ris_calls
        .front()
        .is_some_and(|&call| now.duration_since(call) >= Duration::from_secs(60))
    {
        cluster.ris_calls.pop_front();
    }
    if cluster.ris_calls.len() >= limit as usize {
        return false;
    }
    cluster.ris_calls.push_back(now);
    true
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
    fn candidates(&self, cluster: &Cluster) -> Vec<usize> {
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
        let devices = cluster.devices.iter().enumerate();
        devices.filter(|(_, device)| fits(device)).map(|(at, _)| at).collect()
    }

    fn wants(&self, device: &Device) -> bool {
        let any = |text: &str| text.is_empty() || text == "Any";
        let protocol = protocol(device.spec.protocol);
        status(device.spec.registration).is_some_and(|s| any(&self.status) || self.status == s)
            && (any(&self.class) || self.class == "Phone")
            && (any(&self.protocol) || self.protocol == protocol)
            && self.model.is_none_or(|model| model == device.spec.model)
    }
}

fn document(cluster: &Cluster, selection: &Selection) -> String {
    // For every node: device index, and whether it is an older state.
    let mut nodes: Vec<Vec<(usize, bool)>> = vec![Vec::new(); cluster.nodes.len()];
    let mut total = 0;
    for at in selection.candidates(cluster) {
        let device = &cluster.devices[at];
        if !selection.wants(device) {
            continue;
        }
        let places = [(Some(device.spec.node), false), (device.spec.stale_node, true)];
        for (node, stale) in places {
            let Some(node) = node else { continue };
            if node < nodes.len() && !cluster.silent_nodes.contains(&node) && total < selection.most
            {
                nodes[node].push((at, stale));
                total += 1;
            }
        }
    }
    let asked = |name: &str| {
        selection.node.is_empty()
            || selection.node == "Any"
            || selection.node.eq_ignore_ascii_case(name)
    };
    let mut items = String::new();
    let mut state = String::from("<StateInfo ClusterWide=\"1\">");
    total = 0;
    for (at, rows) in nodes.iter().enumerate().filter(|(at, _)| asked(&cluster.nodes[*at])) {
        let silent = cluster.silent_nodes.contains(&at);
        let code = match (silent, rows.is_empty()) {
            (true, _) => "NodeNotResponding",
            (false, true) => "NotFound",
            (false, false) => "Ok",
        };
        items.push_str("<ns1:item>");
        element_into(&mut items, "ns1:ReturnCode", code);
        element_into(&mut items, "ns1:Name", &cluster.nodes[at]);
        element_into(&mut items, "ns1:NoChange", "false");
        if rows.is_empty() {
            items.push_str(if at.is_multiple_of(2) {
                "<ns1:CmDevices xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"1\" />"
            } else {
                "<ns1:CmDevices/>"
            });
        } else {
            items.push_str("<ns1:CmDevices>");
            for &(device, stale) in rows {
                write_device(&mut items, &cluster.devices[device], device, stale);
            }
            items.push_str("</ns1:CmDevices>");
        }
        items.push_str("</ns1:item>");
        total += rows.len();
        // Writing into a String cannot fail.
        let _ = write!(
            state,
            "<Node Name=\"{}\" SubsystemStartTime=\"{FIRST_TIME}\" StateId=\"1\" TotalItemsFound=\"{n}\" TotalItemsReturned=\"{n}\"/>",
            cluster.nodes[at],
            n = rows.len()
        );
    }
    state.push_str("</StateInfo>");
    let mut out = format!(
        "<?xml version='1.0' encoding='utf-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns1:selectCmDeviceResponse xmlns:ns1=\"{NAMESPACE}\"><ns1:selectCmDeviceReturn><ns1:SelectCmDeviceResult><ns1:TotalDevicesFound>{total}</ns1:TotalDevicesFound>"
    );
    if total == 0 && cluster.silent_nodes.is_empty() {
        out.push_str(
            "<ns1:CmNodes xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"1\" />",
        );
    } else {
        out.push_str("<ns1:CmNodes>");
        out.push_str(&items);
        out.push_str("</ns1:CmNodes>");
    }
    out.push_str("</ns1:SelectCmDeviceResult>");
    // The token is a document inside of a text.
    element_into(&mut out, "ns1:StateInfo", &state);
    out.push_str("</ns1:selectCmDeviceReturn></ns1:selectCmDeviceResponse></soapenv:Body></soapenv:Envelope>");
    out
}

fn write_device(out: &mut String, device: &Device, at: usize, stale: bool) {
    let spec = &device.spec;
    let now = if stale { "UnRegistered" } else { status(spec.registration).unwrap_or("Unknown") };
    let reason = match (stale, spec.registration) {
        (true, _) => "15",
        (false, Registration::Rejected) => "14",
        (false, Registration::UnRegistered) => "13",
        (
            false,
            Registration::NeverSeen | Registration::PartiallyRegistered | Registration::Registered,
        ) => "0",
    };
    let httpd = match device.httpd() {
        Httpd::Yes => "Yes",
        Httpd::No => "No",
        Httpd::Unknown => "Unknown",
    };
    let model = spec.model.to_string();
    // An older state lies a day back.
    let time = FIRST_TIME + at as u64 - if stale { 86_400 } else { 0 };
    out.push_str("<ns1:item>");
    for (name, text) in [
        ("ns1:Name", spec.name.as_str()),
        ("ns1:DirNumber", &format!("{}-{now}", 1000 + at)),
        ("ns1:DeviceClass", "Phone"),
        ("ns1:Model", &model),
        ("ns1:Product", &model),
        ("ns1:BoxProduct", "0"),
        ("ns1:Httpd", httpd),
        ("ns1:RegistrationAttempts", "1"),
        ("ns1:IsCtiControllable", "true"),
        ("ns1:LoginUserId", ""),
        ("ns1:Status", now),
        ("ns1:StatusReason", reason),
        ("ns1:PerfMonObject", "2"),
        ("ns1:DChannel", "0"),
        ("ns1:Description", &spec.description),
    ] {
        element_into(out, name, text);
    }
    out.push_str("<ns1:H323Trunk/>");
    for (name, text) in [
        ("ns1:TimeStamp", time.to_string().as_str()),
        ("ns1:Protocol", protocol(spec.protocol)),
        ("ns1:NumOfLines", "1"),
    ] {
        element_into(out, name, text);
    }
    out.push_str("<ns1:LinesStatus><ns1:item>");
    element_into(out, "ns1:DirectoryNumber", &(1000 + at).to_string());
    element_into(out, "ns1:Status", now);
    out.push_str("</ns1:item></ns1:LinesStatus>");
    element_into(out, "ns1:ActiveLoadID", if stale { "" } else { &spec.active_load });
    for name in [
        "ns1:InactiveLoadID",
        "ns1:DownloadStatus",
        "ns1:DownloadFailureReason",
        "ns1:DownloadServer",
    ] {
        element_into(out, name, if name == "ns1:DownloadStatus" { "Unknown" } else { "" });
    }
    let kind = match spec.address {
        Address::None => {
            out.push_str("<ns1:IPAddress/></ns1:item>");
            return;
        }
        Address::V4(_) => "ipv4",
        Address::V6Only(_) => "ipv6",
    };
    out.push_str("<ns1:IPAddress><ns1:item>");
    // An older state tells an address that the phone no longer has.
    let address = device.address_text().filter(|_| !stale);
    element_into(out, "ns1:IP", address.as_deref().unwrap_or("127.255.255.254"));
    element_into(out, "ns1:IPAddrType", kind);
    element_into(out, "ns1:Attribute", "AdministrativeAndSignaling");
    out.push_str("</ns1:item></ns1:IPAddress></ns1:item>");
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
/// When the simulated registrations began, in seconds since 1970: the clock is never asked.
const FIRST_TIME: u64 = 1_790_000_000;
