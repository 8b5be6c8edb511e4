//! The answer of RisPort, the older service: RPC with encoded types, without namespaces inside, and one IPv4 address.

use std::fmt::Write as _;

use super::cti::{CtiSelection, Fields};
use super::document::state_info;
use super::record::DeviceRecord;
use super::selection::Selection;
use crate::sim::fault::SOAP;
use crate::sim::state::{Database, Device};
use crate::sim::xml::escape_into;

pub(super) fn document(cluster: &Database, selection: &Selection) -> String {
    let reports = selection.reports(cluster);
    let total: usize = reports.iter().map(|report| report.devices.len()).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soapenv:Envelope xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns1:SelectCmDeviceResponse xmlns:ns1=\"{NAMESPACE}\" soapenv:encodingStyle=\"{ENCODING}\"><SelectCmDeviceResult xsi:type=\"ns1:SelectCmDeviceResult\">"
    );
    typed(&mut out, "TotalDevicesFound", "xsd:unsignedInt", &total.to_string());
    out.push_str(&array("CmNodes", "CmNode", reports.len()));
    for report in &reports {
        out.push_str("<item xsi:type=\"ns1:CmNode\">");
        typed(&mut out, "ReturnCode", "ns1:RisReturnCode", report.code);
        typed(&mut out, "Name", "xsd:string", report.name);
        let unchanged = if report.unchanged { "true" } else { "false" };
        typed(&mut out, "NoChange", "xsd:boolean", unchanged);
        out.push_str(&array("CmDevices", "CmDevice", report.devices.len()));
        for record in &report.devices {
            write_device(&mut out, &cluster.devices[record.at], record);
        }
        out.push_str("</CmDevices></item>");
    }
    out.push_str("</CmNodes></SelectCmDeviceResult>");
    typed(&mut out, "StateInfo", "xsd:string", &state_info(&reports, ""));
    out.push_str("</ns1:SelectCmDeviceResponse></soapenv:Body></soapenv:Envelope>");
    out
}

/// Answers `SelectCtiItem` with what applications have opened over CTI.
pub(super) fn cti(cluster: &Database, selection: &CtiSelection) -> String {
    let nodes = selection.reports(cluster);
    let total: usize = nodes.iter().map(|node| node.items.len()).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soapenv:Envelope xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:soapenv=\"{SOAP}\"><soapenv:Body><ns1:SelectCtiItemResponse xmlns:ns1=\"{NAMESPACE}\" soapenv:encodingStyle=\"{ENCODING}\">"
    );
    typed(&mut out, "StateInfo", "xsd:string", "");
    out.push_str("<SelectCtiItemResult xsi:type=\"ns1:SelectCtiItemResult\">");
    typed(&mut out, "TotalItemsFound", "xsd:unsignedInt", &total.to_string());
    out.push_str(&array("CtiNodes", "CtiNode", nodes.len()));
    for node in &nodes {
        out.push_str("<item xsi:type=\"ns1:CtiNode\">");
        typed(&mut out, "ReturnCode", "ns1:RisReturnCode", node.code);
        typed(&mut out, "Name", "xsd:string", node.name);
        typed(&mut out, "NoChange", "xsd:boolean", "false");
        out.push_str(&array("CtiItems", "CtiItem", node.items.len()));
        for item in &node.items {
            group(&mut out, "item", "CtiItem", &item.application(false), |out| {
                for (name, fields) in [("CtiDevice", item.device()), ("CtiLine", item.line())] {
                    match fields {
                        Some(fields) => group(out, name, name, &fields, |_| ()),
                        None => typed(out, name, &format!("ns1:{name}"), ""),
                    }
                }
            });
        }
        out.push_str("</CtiItems></item>");
    }
    out.push_str("</CtiNodes></SelectCtiItemResult></ns1:SelectCtiItemResponse></soapenv:Body></soapenv:Envelope>");
    out
}

/// Writes an element of one of the service's own types: its fields, and what follows them.
fn group(out: &mut String, name: &str, kind: &str, fields: &Fields, more: impl Fn(&mut String)) {
    // Writing into a String cannot fail.
    let _ = write!(out, "<{name} xsi:type=\"ns1:{kind}\">");
    for (field, of, text) in fields {
        typed(out, field, of, text);
    }
    more(out);
    let _ = write!(out, "</{name}>");
}

fn write_device(out: &mut String, device: &Device, state: &DeviceRecord) {
    let spec = &device.spec;
    let model = spec.model.to_string();
    let address = state.v4.map(|address| address.to_string()).unwrap_or_default();
    out.push_str("<item xsi:type=\"ns1:CmDevice\">");
    for (name, kind, text) in [
        ("Name", "xsd:string", spec.name.as_str()),
        ("IpAddress", "xsd:string", &address),
        ("DirNumber", "xsd:string", &state.dir_number()),
        ("Class", "ns1:DeviceClass", state.class),
        ("Model", "xsd:unsignedInt", &model),
        ("Product", "xsd:unsignedInt", &model),
        ("BoxProduct", "xsd:unsignedInt", "0"),
        ("Httpd", "ns1:CmDevHttpd", state.httpd),
        ("RegistrationAttempts", "xsd:unsignedInt", "1"),
        ("IsCtiControllable", "xsd:boolean", "true"),
        ("LoginUserId", "xsd:string", spec.login_user.as_deref().unwrap_or_default()),
        ("Status", "ns1:CmDevRegStat", state.status),
        ("StatusReason", "xsd:unsignedInt", state.reason),
        ("PerfMonObject", "xsd:unsignedInt", "2"),
        ("DChannel", "xsd:unsignedInt", "0"),
        ("Description", "xsd:string", &spec.description),
    ] {
        typed(out, name, kind, text);
    }
    out.push_str("<H323Trunk xsi:type=\"ns1:H323Trunk\">");
    for name in [
        "ConfigName",
        "TechPrefix",
        "Zone",
        "RemoteCmServer1",
        "RemoteCmServer2",
        "RemoteCmServer3",
        "AltGkList",
        "ActiveGk",
        "CallSignalAddr",
        "RasAddr",
    ] {
        typed(out, name, "xsd:string", "");
    }
    out.push_str("</H323Trunk>");
    typed(out, "TimeStamp", "xsd:unsignedInt", &state.time.to_string());
    out.push_str("</item>");
}

fn array(name: &str, kind: &str, length: usize) -> String {
    format!(
        "<{name} xmlns:soapenc=\"{ENCODING}\" xsi:type=\"soapenc:Array\" soapenc:arrayType=\"ns1:{kind}[{length}]\">"
    )
}

/// Writes an element with its type; an empty text is nil.
fn typed(out: &mut String, name: &str, kind: &str, text: &str) {
    if text.is_empty() {
        // Writing into a String cannot fail.
        let _ = write!(out, "<{name} xsi:nil=\"true\" xsi:type=\"{kind}\"/>");
        return;
    }
    let _ = write!(out, "<{name} xsi:type=\"{kind}\">");
    escape_into(out, text);
    let _ = write!(out, "</{name}>");
}

/// The namespace, with a slash at its end.
pub(super) const NAMESPACE: &str = "http://schemas.cisco.com/ast/soap/";
const ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";
