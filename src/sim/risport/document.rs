//! The answer of RisPort70: nodes, and the devices that they report.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::selection::{NAMESPACE, Report, Selection, status};
use crate::sim::fault::SOAP;
use crate::sim::fleet_content::{Httpd, PhoneSpec, Registration};
use crate::sim::state::{Database, Device};
use crate::sim::values::{FIRST_TIME, protocol};
use crate::sim::xml::element_into;

pub(super) fn document(cluster: &Database, selection: &Selection) -> String {
    let reports = selection.reports(cluster);
    let mut items = String::new();
    let total: usize = reports.iter().map(|report| report.devices.len()).sum();
    for (at, report) in reports.iter().enumerate() {
        items.push_str("<ns1:item>");
        element_into(&mut items, "ns1:ReturnCode", report.code);
        element_into(&mut items, "ns1:Name", report.name);
        element_into(&mut items, "ns1:NoChange", bool_text(report.unchanged));
        if report.devices.is_empty() {
            items.push_str(if at.is_multiple_of(2) {
                "<ns1:CmDevices xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"1\" />"
            } else {
                "<ns1:CmDevices/>"
            });
        } else {
            items.push_str("<ns1:CmDevices>");
            for &(device, stale) in &report.devices {
                write_device(&mut items, &cluster.devices[device], device, stale);
            }
            items.push_str("</ns1:CmDevices>");
        }
        items.push_str("</ns1:item>");
    }
    let mut out = format!(
        "<?xml version='1.0' encoding='utf-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns1:selectCmDeviceResponse xmlns:ns1=\"{NAMESPACE}\"><ns1:selectCmDeviceReturn><ns1:SelectCmDeviceResult><ns1:TotalDevicesFound>{total}</ns1:TotalDevicesFound>"
    );
    let none_changed = reports.iter().any(|report| report.unchanged);
    if total == 0 && cluster.silent_nodes.is_empty() && !none_changed {
        out.push_str(
            "<ns1:CmNodes xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"1\" />",
        );
    } else {
        out.push_str("<ns1:CmNodes>");
        out.push_str(&items);
        out.push_str("</ns1:CmNodes>");
    }
    out.push_str("</ns1:SelectCmDeviceResult>");
    element_into(&mut out, "ns1:StateInfo", &state_info(&reports));
    out.push_str("</ns1:selectCmDeviceReturn></ns1:selectCmDeviceResponse></soapenv:Body></soapenv:Envelope>");
    out
}

/// Answers `selectCtiItem`: no application has opened a device of the simulated cluster.
pub(super) fn no_cti_items(cluster: &Database) -> String {
    let mut nodes = String::new();
    for (at, name) in cluster.nodes.iter().enumerate() {
        let silent = cluster.silent_nodes.contains(&at);
        nodes.push_str("<ns1:item>");
        let code = if silent { "NodeNotResponding" } else { "NotFound" };
        element_into(&mut nodes, "ns1:ReturnCode", code);
        element_into(&mut nodes, "ns1:Name", name);
        element_into(&mut nodes, "ns1:NoChange", "false");
        nodes.push_str("<ns1:CtiItems/></ns1:item>");
    }
    format!(
        "<?xml version='1.0' encoding='utf-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns1:selectCtiItemResponse xmlns:ns1=\"{NAMESPACE}\"><ns1:selectCtiItemReturn><ns1:SelectCtiItemResult><ns1:TotalItemsFound>0</ns1:TotalItemsFound><ns1:CtiNodes>{nodes}</ns1:CtiNodes></ns1:SelectCtiItemResult><ns1:StateInfo/></ns1:selectCtiItemReturn></ns1:selectCtiItemResponse></soapenv:Body></soapenv:Envelope>"
    )
}

/// Writes the token that a client sends back to learn of changes only: a document inside of a text.
pub(super) fn state_info(reports: &[Report<'_>]) -> String {
    let mut state = String::from("<StateInfo ClusterWide=\"1\">");
    for Report { name, state: id, devices, .. } in reports {
        // Writing into a String cannot fail.
        let _ = write!(
            state,
            "<Node Name=\"{name}\" SubsystemStartTime=\"{FIRST_TIME}\" StateId=\"{id}\" TotalItemsFound=\"{n}\" TotalItemsReturned=\"{n}\"/>",
            n = devices.len()
        );
    }
    state.push_str("</StateInfo>");
    state
}

/// What both services report of a device.
pub(super) struct DeviceState {
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) httpd: &'static str,
    pub(super) dir_number: String,
    pub(super) time: u64,
    /// The address over IPv4.
    pub(super) v4: Option<Ipv4Addr>,
}

impl DeviceState {
    pub(super) fn of(device: &Device, at: usize, stale: bool) -> Self {
        let registration = device.registration();
        let status = if stale { "UnRegistered" } else { status(registration).unwrap_or("Unknown") };
        let reason = match (stale, registration) {
            (true, _) => "15",
            (false, Registration::Rejected) => "14",
            (false, Registration::UnRegistered) => "13",
            (
                false,
                Registration::NeverSeen
                | Registration::PartiallyRegistered
                | Registration::Registered,
            ) => "0",
        };
        let httpd = match device.httpd() {
            Httpd::Yes => "Yes",
            Httpd::No => "No",
            Httpd::Unknown => "Unknown",
        };
        let dir_number = device.extension(at).map(|number| format!("{number}-{status}"));
        // An older state lies a day back.
        let time = FIRST_TIME + at as u64;
        let time = if stale { time - 86_400 } else { time + device.newer() };
        // An older state has an address that the phone no longer has.
        let old = Ipv4Addr::new(127, 255, 255, 254);
        let v4 = device.spec.reported_address.or_else(|| device.spec.address.v4());
        let v4 = v4.map(|now| if stale { old } else { now });
        Self { status, reason, httpd, dir_number: dir_number.unwrap_or_default(), time, v4 }
    }
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn write_device(out: &mut String, device: &Device, at: usize, stale: bool) {
    let spec = &device.spec;
    let DeviceState { status: now, reason, httpd, dir_number, time, v4 } =
        DeviceState::of(device, at, stale);
    // A line is registered or not; only a device can be so partially (published WSDL).
    let lines: &[&str] =
        if now == "PartiallyRegistered" { &["Registered", "UnRegistered"] } else { &[now] };
    let model = spec.model.to_string();
    let extension = device.extension(at);
    out.push_str("<ns1:item>");
    for (name, text) in [
        ("ns1:Name", spec.name.as_str()),
        ("ns1:DirNumber", &dir_number),
        ("ns1:DeviceClass", "Phone"),
        ("ns1:Model", &model),
        ("ns1:Product", &model),
        ("ns1:BoxProduct", "0"),
        ("ns1:Httpd", httpd),
        ("ns1:RegistrationAttempts", "1"),
        ("ns1:IsCtiControllable", "true"),
        ("ns1:LoginUserId", spec.login_user.as_deref().unwrap_or_default()),
        ("ns1:Status", now),
        ("ns1:StatusReason", reason),
        ("ns1:PerfMonObject", "2"),
        ("ns1:DChannel", "0"),
        ("ns1:Description", &spec.description),
    ] {
        element_into(out, name, text);
    }
    out.push_str(
        "<ns1:H323Trunk xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>",
    );
    for (name, text) in [
        ("ns1:TimeStamp", time.to_string().as_str()),
        ("ns1:Protocol", protocol(spec.protocol)),
        ("ns1:NumOfLines", if lines.len() == 2 { "2" } else { "1" }),
    ] {
        element_into(out, name, text);
    }
    out.push_str("<ns1:LinesStatus>");
    for (k, status) in lines.iter().enumerate() {
        out.push_str("<ns1:item>");
        let number = match (&extension, k) {
            (Some(extension), 0) => extension.clone(),
            (_, _) => (1000 + at + k).to_string(),
        };
        element_into(out, "ns1:DirectoryNumber", &number);
        element_into(out, "ns1:Status", status);
        out.push_str("</ns1:item>");
    }
    out.push_str("</ns1:LinesStatus>");
    element_into(out, "ns1:ActiveLoadID", if stale { "" } else { &spec.active_load });
    for name in [
        "ns1:InactiveLoadID",
        "ns1:DownloadStatus",
        "ns1:DownloadFailureReason",
        "ns1:DownloadServer",
    ] {
        element_into(out, name, if name == "ns1:DownloadStatus" { "Unknown" } else { "" });
    }
    write_addresses(out, spec, v4);
    out.push_str("</ns1:item>");
}

/// Writes the addresses of a device: IPv6 first, and with the misspelt attribute of the real schema.
fn write_addresses(out: &mut String, spec: &PhoneSpec, v4: Option<Ipv4Addr>) {
    let v6 = spec.address.v6();
    let both = v4.is_some() && v6.is_some();
    if v4.is_none() && v6.is_none() {
        out.push_str("<ns1:IPAddress/>");
        return;
    }
    out.push_str("<ns1:IPAddress>");
    let v6 =
        v6.map(|address| (address.to_string(), "ipv6", if both { "Signaling" } else { EVERY }));
    let v4 =
        v4.map(|address| (address.to_string(), "ipv4", if both { "Adminstrative" } else { EVERY }));
    for (address, kind, attribute) in v6.into_iter().chain(v4) {
        out.push_str("<ns1:item>");
        element_into(out, "ns1:IP", &address);
        element_into(out, "ns1:IPAddrType", kind);
        element_into(out, "ns1:Attribute", attribute);
        out.push_str("</ns1:item>");
    }
    out.push_str("</ns1:IPAddress>");
}

/// What an address is for (published WSDL).
const EVERY: &str = "AdministrativeAndSignaling";
