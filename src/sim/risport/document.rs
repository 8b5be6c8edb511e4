//! The answer of RisPort70: nodes, and the devices that they report.

use std::fmt::Write as _;

use super::cti::{CtiSelection, Fields};
use super::record::DeviceRecord;
use super::selection::{NAMESPACE, Report, Selection};
use crate::sim::fault::SOAP;
use crate::sim::state::{Database, Device};
use crate::sim::values::FIRST_TIME;
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
            for record in &report.devices {
                write_device(&mut items, &cluster.devices[record.at], record);
            }
            items.push_str("</ns1:CmDevices>");
        }
        items.push_str("</ns1:item>");
    }
    let mut out = format!(
        "<?xml version='1.0' encoding='utf-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns1:selectCmDeviceResponse xmlns:ns1=\"{NAMESPACE}\"><ns1:selectCmDeviceReturn><ns1:SelectCmDeviceResult><ns1:TotalDevicesFound>{total}</ns1:TotalDevicesFound>"
    );
    // Only nodes that found nothing are left out.
    if reports.iter().all(|report| report.code == "NotFound" && !report.unchanged) {
        out.push_str(
            "<ns1:CmNodes xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"1\" />",
        );
    } else {
        out.push_str("<ns1:CmNodes>");
        out.push_str(&items);
        out.push_str("</ns1:CmNodes>");
    }
    out.push_str("</ns1:SelectCmDeviceResult>");
    element_into(&mut out, "ns1:StateInfo", &state_info(&reports, " ClusterWide=\"1\""));
    out.push_str("</ns1:selectCmDeviceReturn></ns1:selectCmDeviceResponse></soapenv:Body></soapenv:Envelope>");
    out
}

/// Answers `selectCtiItem` with what applications have opened over CTI.
pub(super) fn cti(cluster: &Database, selection: &CtiSelection) -> String {
    let nodes = selection.reports(cluster);
    let total: usize = nodes.iter().map(|node| node.items.len()).sum();
    let mut out = format!(
        "<?xml version='1.0' encoding='utf-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns1:selectCtiItemResponse xmlns:ns1=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><ns1:selectCtiItemReturn><ns1:SelectCtiItemResult><ns1:TotalItemsFound>{total}</ns1:TotalItemsFound><ns1:CtiNodes>"
    );
    for node in &nodes {
        out.push_str("<ns1:item>");
        element_into(&mut out, "ns1:ReturnCode", node.code);
        element_into(&mut out, "ns1:Name", node.name);
        element_into(&mut out, "ns1:NoChange", "false");
        out.push_str("<ns1:CtiItems>");
        for item in &node.items {
            out.push_str("<ns1:item>");
            write_fields(&mut out, &item.application(true));
            for (name, fields) in [("ns1:CtiDevice", item.device()), ("ns1:CtiLine", item.line())] {
                match fields {
                    Some(fields) => {
                        // Writing into a String cannot fail.
                        let _ = write!(out, "<{name}>");
                        write_fields(&mut out, &fields);
                        let _ = write!(out, "</{name}>");
                    }
                    None => {
                        let _ = write!(out, "<{name} xsi:nil=\"true\"/>");
                    }
                }
            }
            out.push_str("</ns1:item>");
        }
        out.push_str("</ns1:CtiItems></ns1:item>");
    }
    out.push_str("</ns1:CtiNodes></ns1:SelectCtiItemResult><ns1:StateInfo/></ns1:selectCtiItemReturn></ns1:selectCtiItemResponse></soapenv:Body></soapenv:Envelope>");
    out
}

fn write_fields(out: &mut String, fields: &Fields) {
    for (name, _, text) in fields {
        element_into(out, &format!("ns1:{name}"), text);
    }
}

/// Writes the token that a client sends back to learn of changes only: a document inside of a text.
///
/// `attributes` are those of its root: only the newer service has one (seen in published answers).
pub(super) fn state_info(reports: &[Report<'_>], attributes: &str) -> String {
    let mut state = format!("<StateInfo{attributes}>");
    for Report { name, state: id, devices, found, .. } in reports {
        // Writing into a String cannot fail.
        let _ = write!(
            state,
            "<Node Name=\"{name}\" SubsystemStartTime=\"{FIRST_TIME}\" StateId=\"{id}\" TotalItemsFound=\"{found}\" TotalItemsReturned=\"{}\"/>",
            devices.len()
        );
    }
    state.push_str("</StateInfo>");
    state
}

fn bool_text(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn write_device(out: &mut String, device: &Device, record: &DeviceRecord) {
    let spec = &device.spec;
    let now = record.status;
    // A line is registered or not; only a device can be so partially (published WSDL).
    let lines: &[&str] =
        if now == "PartiallyRegistered" { &["Registered", "UnRegistered"] } else { &[now] };
    let model = spec.model.to_string();
    out.push_str("<ns1:item>");
    for (name, text) in [
        ("ns1:Name", spec.name.as_str()),
        ("ns1:DirNumber", &record.dir_number()),
        ("ns1:DeviceClass", record.class),
        ("ns1:Model", &model),
        ("ns1:Product", &model),
        ("ns1:BoxProduct", "0"),
        ("ns1:Httpd", record.httpd),
        ("ns1:RegistrationAttempts", "1"),
        ("ns1:IsCtiControllable", "true"),
        ("ns1:LoginUserId", spec.login_user.as_deref().unwrap_or_default()),
        ("ns1:Status", now),
        ("ns1:StatusReason", record.reason),
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
        ("ns1:TimeStamp", record.time.to_string().as_str()),
        ("ns1:Protocol", record.protocol),
        ("ns1:NumOfLines", if lines.len() == 2 { "2" } else { "1" }),
    ] {
        element_into(out, name, text);
    }
    out.push_str("<ns1:LinesStatus>");
    for (k, status) in lines.iter().enumerate() {
        out.push_str("<ns1:item>");
        let number = match (&record.extension, k) {
            (Some(extension), 0) => extension.clone(),
            (_, _) => (1000 + record.at + k).to_string(),
        };
        element_into(out, "ns1:DirectoryNumber", &number);
        element_into(out, "ns1:Status", status);
        out.push_str("</ns1:item>");
    }
    out.push_str("</ns1:LinesStatus>");
    element_into(out, "ns1:ActiveLoadID", if record.stale { "" } else { &spec.active_load });
    for name in [
        "ns1:InactiveLoadID",
        "ns1:DownloadStatus",
        "ns1:DownloadFailureReason",
        "ns1:DownloadServer",
    ] {
        let is_status = name == "ns1:DownloadStatus";
        element_into(out, name, if is_status { record.download_status } else { "" });
    }
    write_addresses(out, record);
    out.push_str("</ns1:item>");
}

/// Writes the addresses of a device: IPv6 first, and with the misspelt attribute of the real schema.
fn write_addresses(out: &mut String, record: &DeviceRecord) {
    let DeviceRecord { v4, v6, .. } = record;
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
