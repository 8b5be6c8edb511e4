//! What a phone says about itself on `/DeviceInformationX`, which asks for no credentials.
//!
//! Addresses are leased: before a picture is pushed to an address, this tells whether the phone that
//! is meant still lives there.

use crate::phone::xml;
use crate::phone::xml::{clean, decode};

/// The fields of `/DeviceInformationX` that identify a phone; every one may be missing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DeviceInformation {
    /// The device name that the phone goes by, such as `SEP0011223344AA`.
    pub host_name: Option<String>,
    /// The MAC address: twelve hexadecimal digits in upper case, without separators.
    pub mac: Option<String>,
    /// The model as the phone prints it, such as `CP-8841`.
    pub model_number: Option<String>,
    pub app_load: Option<String>,
}

impl DeviceInformation {
    /// Reads the document; a broken one gives what is before the break.
    ///
    /// Returns nothing when it is not a `DeviceInformation` at all.
    pub fn read(body: &[u8]) -> Option<Self> {
        let document = xml::parse(&decode(body));
        let root = document.root.filter(|root| root.name == "DeviceInformation")?;
        let field = |name: &str| {
            let text = clean(root.child_text(name)?, FIELD_CHARS);
            (!text.is_empty()).then_some(text)
        };
        Some(Self {
            host_name: field("HostName"),
            mac: field("MACAddress").and_then(|text| plain_mac(&text)),
            model_number: field("modelNumber"),
            app_load: field("appLoadID"),
        })
    }
}

/// Why a phone could not be asked who it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentityError {
    #[error("{0}")]
    Unreachable(crate::phone::Unreachable),
    #[error("it answers on HTTPS only (HTTP status {status})")]
    MovedToHttps { status: u16 },
    #[error("/DeviceInformationX answered with HTTP status {status} and no device information")]
    NotThere { status: u16 },
}

/// Phones write twelve digits, some documents show colons between them.
fn plain_mac(text: &str) -> Option<String> {
    let digits: String =
        text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect::<String>().to_uppercase();
    (digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then_some(digits)
}

/// Longest field that is kept, in characters.
const FIELD_CHARS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there() {
        let body = b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\t<DeviceInformation>\n\
            <MACAddress>00:11:22:33:44:aa</MACAddress><HostName>SEP0011223344AA</HostName>\
            <appLoadID> sip88xx.14-2-1 </appLoadID><versionID/><modelNumber></modelNumber>\
            <MessageWaiting> OUI</MessageWaiting></DeviceInformation>";
        assert_eq!(
            DeviceInformation::read(body),
            Some(DeviceInformation {
                host_name: Some("SEP0011223344AA".to_owned()),
                mac: Some("0011223344AA".to_owned()),
                model_number: None,
                app_load: Some("sip88xx.14-2-1".to_owned()),
            })
        );
    }

    #[test]
    fn other_documents_are_none() {
        assert_eq!(DeviceInformation::read(b"<HTML><B>DeviceInformation</B></HTML>"), None);
        assert_eq!(DeviceInformation::read(b""), None);
        assert_eq!(
            DeviceInformation::read(b"<DeviceInformation><HostName>SEP1</HostName><x"),
            Some(DeviceInformation { host_name: Some("SEP1".to_owned()), ..Default::default() })
        );
    }
}
