//! The pages of a phone's web server, as people see them and, with an X behind their names, as XML. Those about calls and
//! lines need the credentials of a push.
//!
//! Names and order of the elements are those of published answers; those of the pages for people, and what the log says,
//! are believed.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::answers::{Answer, page};
use crate::sim::xml::escape_into;

/// What a phone reports about itself.
pub(super) struct Facts<'a> {
    pub(super) name: &'a str,
    pub(super) model: &'a str,
    pub(super) load: &'a str,
    /// The directory number of its first line.
    pub(super) extension: Option<String>,
    pub(super) address: Ipv4Addr,
    /// The node that it is registered with.
    pub(super) node: &'a str,
}

/// Answers a page; nothing where there is none at this path, which is case-sensitive.
pub(super) fn answer(path: &str, facts: &Facts<'_>) -> Option<Answer> {
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        let entries = device_information(facts);
        return Some(html("Device information", &entries));
    }
    let (of, is_xml) = match path.strip_suffix('X') {
        Some(of) => (of, true),
        None => (path, false),
    };
    let (title, entries) = match of {
        "DeviceInformation" => ("Device information", device_information(facts)),
        "NetworkConfiguration" => ("Network configuration", network_configuration(facts)),
        "EthernetInformation" => ("Ethernet information", ethernet_information()),
        "PortInformation" => ("Port information", port_information()),
        "DeviceLog" => ("Debug display", device_log(facts)),
        "StreamingStatistics" => ("Streaming statistics", streaming_statistics(facts)),
        "SettingsInfo" if !is_xml => ("Settings", settings(facts)),
        _ => return None,
    };
    Some(if is_xml { xml(of, &entries) } else { html(title, &entries) })
}

/// Answers a page about calls, lines or what the phone shows; nothing where it has none at this path.
///
/// Guides publish them for the 78xx and 88xx, and tools for the 79xx, which have them at both paths. The phone has no call.
pub(super) fn call_page(path: &str, facts: &Facts<'_>) -> Option<Answer> {
    let number = facts.model.trim_start_matches("CP-");
    let is_old = number.starts_with("79") && !["7940", "7960"].contains(&number);
    let name = path.strip_prefix("/CGI/")?;
    let name = match name.strip_prefix("Java/") {
        Some(name) => {
            Some(name).filter(|_| is_old || number.starts_with("78") || number.starts_with("88"))
        }
        None => Some(name).filter(|_| is_old),
    };
    let mut extension = String::new();
    escape_into(&mut extension, facts.extension.as_deref().unwrap_or_default());
    let (kind, body) = match name? {
        // The number of the line follows.
        "CallInfo" | "CallInfo1" => (
            "text/xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CiscoIPPhoneCallLineInfo>\n<Prompt/>\n<Notify/>\n<Status/>\n<LineDirNum>{extension}</LineDirNum>\n<LineState>ONHOOK</LineState>\n<VisibleFeatureList/>\n</CiscoIPPhoneCallLineInfo>"
            ),
        ),
        "LineInfo" => (
            "text/xml",
            format!(
                "<CiscoIPPhoneLineInfo>\n<Prompt/>\n<Notify/>\n<Status>null</Status>\n<CiscoIPPhoneLines>\n<LineType>9</LineType>\n<lineDirNum>{extension}</lineDirNum>\n<MessageWaiting>NO</MessageWaiting>\n<RingerName>Chirp1</RingerName>\n<LineLabel/>\n<LineIconState>ONHOOK</LineIconState>\n</CiscoIPPhoneLines>\n</CiscoIPPhoneLineInfo>"
            ),
        ),
        "ModeInfo" => (
            // Seen in a published tool.
            if is_old { "text/html" } else { "text/xml" },
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<CiscoIPPhoneModeInfo>\n<PlaneTitle>Applications</PlaneTitle>\n<PlaneFieldCount>1</PlaneFieldCount>\n<PlaneSoftKeyIndex>0</PlaneSoftKeyIndex>\n<PlaneSoftKeyMask>0</PlaneSoftKeyMask>\n<Prompt></Prompt>\n<Notify></Notify>\n<Status></Status>\n<CiscoIPPhoneFields>\n<FieldType>0</FieldType>\n<FieldAttr></FieldAttr>\n<fieldHelpIndex>0</fieldHelpIndex>\n<FieldName>Call History</FieldName>\n<FieldValue></FieldValue>\n</CiscoIPPhoneFields>\n</CiscoIPPhoneModeInfo>".to_owned(),
        ),
        _ => return None,
    };
    Some(page(200, kind, body))
}

type Entries = Vec<(&'static str, String)>;

fn device_information(facts: &Facts<'_>) -> Entries {
    let mac = facts.name.get(PREFIX..).unwrap_or_default();
    let serial = format!("FCH{}", mac.get(4..).unwrap_or_default());
    vec![
        ("MACAddress", mac.to_owned()),
        ("HostName", facts.name.to_owned()),
        ("phoneDN", facts.extension.clone().unwrap_or_default()),
        ("appLoadID", facts.load.to_owned()),
        ("versionID", facts.load.to_owned()),
        ("serialNumber", serial),
        ("modelNumber", facts.model.to_owned()),
        ("MessageWaiting", "No".to_owned()),
    ]
}

fn network_configuration(facts: &Facts<'_>) -> Entries {
    let [a, b, c, _] = facts.address.octets();
    let router = Ipv4Addr::new(a, b, c, 254).to_string();
    vec![
        ("HostName", facts.name.to_owned()),
        ("IPAddress", facts.address.to_string()),
        ("SubNetMask", "255.255.255.0".to_owned()),
        ("DefaultRouter1", router),
        ("DomainName", "example.com".to_owned()),
        ("DNSServer1", String::new()),
        ("TFTPServer1", facts.node.to_owned()),
        ("CallManager1", facts.node.to_owned()),
    ]
}

fn ethernet_information() -> Entries {
    let zero = || "0".to_owned();
    vec![
        ("TxFrames", "2732807".to_owned()),
        ("TxBroadcasts", "7944".to_owned()),
        ("TxMulticasts", "169287".to_owned()),
        ("TxCollisions", zero()),
        ("RxFrames", "3837371".to_owned()),
        ("RxCRCErrors", zero()),
        ("RxMulticasts", "151066".to_owned()),
        ("RxBroadcasts", "1424370".to_owned()),
    ]
}

fn port_information() -> Entries {
    vec![
        ("PortSpeed", "1000 Full".to_owned()),
        ("CDPNeighborDeviceId", "switch01.example.com".to_owned()),
        ("CDPNeighborIP", String::new()),
        ("CDPNeighborPort", "GigabitEthernet1/0/1".to_owned()),
        ("LLDPNeighborDeviceId", String::new()),
        ("LLDPNeighborPort", String::new()),
    ]
}

fn device_log(facts: &Facts<'_>) -> Entries {
    let lines = ["DHCP: address", "TFTP: configuration", "CCM: registered with"];
    let texts =
        [facts.address.to_string(), format!("{}.cnf.xml", facts.name), facts.node.to_owned()];
    lines.into_iter().zip(texts).map(|(line, text)| ("status", format!("{line} {text}"))).collect()
}

/// The statistics of a phone without a call.
fn streaming_statistics(facts: &Facts<'_>) -> Entries {
    let zero = || "0".to_owned();
    vec![
        ("RemoteAddr", "0.0.0.0/0".to_owned()),
        ("LocalAddr", "0.0.0.0/0".to_owned()),
        ("StreamStatus", "Not Ready".to_owned()),
        ("Name", facts.name.to_owned()),
        ("SenderPackets", zero()),
        ("SenderOctets", zero()),
        ("SenderCodec", "None".to_owned()),
        ("RcvrPackets", zero()),
        ("RcvrOctets", zero()),
        ("RcvrCodec", "None".to_owned()),
        ("RcvrLostPackets", zero()),
        ("AvgJitter", zero()),
        ("MaxJitter", zero()),
    ]
}

fn settings(facts: &Facts<'_>) -> Entries {
    let mut entries = device_information(facts);
    entries.extend(network_configuration(facts).into_iter().skip(1));
    entries
}

fn xml(root: &str, entries: &Entries) -> Answer {
    let mut body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<{root}>\r\n");
    for (name, value) in entries {
        // Writing into a String cannot fail.
        let _ = write!(body, "<{name}>");
        escape_into(&mut body, value);
        let _ = write!(body, "</{name}>\r\n");
    }
    let _ = write!(body, "</{root}>");
    page(200, "text/xml", body)
}

fn html(title: &str, entries: &Entries) -> Answer {
    let mut body = format!(
        "<HTML><HEAD><TITLE>Cisco Systems, Inc.</TITLE></HEAD><BODY><B>{title}</B><TABLE>\r\n"
    );
    for (name, value) in entries {
        let _ = write!(body, "<TR><TD><B>{name}</B></TD><TD></TD><TD><B>");
        escape_into(&mut body, value);
        body.push_str("</B></TD></TR>\r\n");
    }
    body.push_str("</TABLE></BODY></HTML>");
    page(200, "text/html", body)
}

/// How many letters of a device name stand before the MAC address: SEP, ATA and others.
const PREFIX: usize = 3;

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn body(path: &str) -> Option<String> {
        let facts = Facts {
            name: "SEPEEF0A1B2C3D4",
            model: "CP-8841",
            load: "sip88xx.14",
            extension: Some("5001".to_owned()),
            address: Ipv4Addr::new(127, 1, 0, 7),
            node: "cucm-sub1",
        };
        let bytes = answer(path, &facts)?.into_body().collect().await.ok()?.to_bytes();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_mac_address_is_what_follows_the_prefix() {
        let page = body("/DeviceInformationX").await.unwrap();
        assert!(page.contains("<MACAddress>EEF0A1B2C3D4</MACAddress>"), "{page}");
        assert!(page.contains("<phoneDN>5001</phoneDN>"), "{page}");
    }

    #[tokio::test]
    async fn pages_are_there_for_people_and_for_programs() {
        for of in ["DeviceInformation", "NetworkConfiguration", "PortInformation"] {
            let text = body(&format!("/{of}")).await.unwrap();
            assert!(text.starts_with("<HTML>"), "{text}");
            let xml = body(&format!("/{of}X")).await.unwrap();
            assert!(xml.contains(&format!("<{of}>")), "{xml}");
        }
        assert!(body("/").await.unwrap().contains("SEPEEF0A1B2C3D4"));
        assert!(body("/NetworkConfigurationX").await.unwrap().contains("127.1.0.7"));
        for nothing in ["/deviceinformation", "/X", "/SettingsInfoX", "/CGI", "x"] {
            assert!(body(nothing).await.is_none(), "{nothing}");
        }
    }
}
