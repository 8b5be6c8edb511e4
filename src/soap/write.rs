//! Requests, from types to text.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::error::SoapError;
use crate::domain::text::is_xml_character;

/// Writes an AXL request: the operation is in the namespace of its version, its children in none
/// (`elementFormDefault="unqualified"` in the AXL schema).
pub fn axl_envelope(
    version: &str,
    operation: &str,
    request: &impl Serialize,
) -> Result<String, SoapError> {
    let body = Element { name: &format!("ns:{operation}"), content: request };
    let namespace = format!("{AXL_NAMESPACE}{version}");
    to_xml(&AxlEnvelope { soapenv: SOAP_NAMESPACE, ns: &namespace, header: (), body })
}

/// Writes a RisPort70 request: the operation and everything below it is in one namespace
/// (`elementFormDefault="qualified"` in its WSDL), so the fields of `request` must be named with the
/// prefix `soap:`.
pub fn ris_envelope(operation: &str, request: &impl Serialize) -> Result<String, SoapError> {
    let body = Element { name: &format!("soap:{operation}"), content: request };
    to_xml(&RisEnvelope { soapenv: SOAP_NAMESPACE, soap: RIS_NAMESPACE, header: (), body })
}

#[derive(serde::Serialize)]
#[serde(rename = "soapenv:Envelope")]
struct AxlEnvelope<'a, B> {
    #[serde(rename = "@xmlns:soapenv")]
    soapenv: &'a str,
    #[serde(rename = "@xmlns:ns")]
    ns: &'a str,
    #[serde(rename = "soapenv:Header")]
    header: (),
    #[serde(rename = "soapenv:Body")]
    body: B,
}

#[derive(serde::Serialize)]
#[serde(rename = "soapenv:Envelope")]
struct RisEnvelope<'a, B> {
    #[serde(rename = "@xmlns:soapenv")]
    soapenv: &'a str,
    #[serde(rename = "@xmlns:soap")]
    soap: &'a str,
    #[serde(rename = "soapenv:Header")]
    header: (),
    #[serde(rename = "soapenv:Body")]
    body: B,
}

/// One element whose name is only known at run time.
struct Element<'a, T> {
    name: &'a str,
    content: &'a T,
}

impl<T: Serialize> Serialize for Element<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.name, self.content)?;
        map.end()
    }
}

/// Escapes a value that is written into markup.
pub(super) fn escape(value: &str) -> String {
    // A carriage return in a value would reach the server as a line feed.
    quick_xml::escape::escape(value).replace('\r', "&#13;")
}

fn to_xml(envelope: &impl Serialize) -> Result<String, SoapError> {
    let text = quick_xml::se::to_string(envelope)
        .map_err(|error| SoapError::Unwritable { reason: error.to_string() })?;
    if let Some(bad) = text.chars().find(|c| !is_xml_character(*c)) {
        let reason =
            format!("a value holds the character U+{:04X}, which XML cannot carry", u32::from(bad));
        return Err(SoapError::Unwritable { reason });
    }
    // A carriage return in a value would reach the server as a line feed.
    Ok(if text.contains('\r') { text.replace('\r', "&#13;") } else { text })
}

const SOAP_NAMESPACE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const AXL_NAMESPACE: &str = "http://www.cisco.com/AXL/API/";
const RIS_NAMESPACE: &str = "http://schemas.cisco.com/ast/soap";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::domain::text::UnreadableField;
    use crate::soap::read::{Answer, read_answer};

    #[derive(Debug, Default, Deserialize, Serialize)]
    struct Echo {
        value: String,
    }

    impl Answer for Echo {
        fn is_element(name: &str) -> bool {
            name == "echo"
        }

        fn element() -> String {
            "echo".to_owned()
        }

        fn note_unreadable(&mut self, _fields: BTreeSet<UnreadableField>) {}
    }

    #[test]
    fn writes_prefix_and_escapes() {
        let text = axl_envelope("14.0", "echo", &Echo { value: "a<b & 'c'".into() }).unwrap();
        assert_eq!(
            text,
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:ns=\"http://www.cisco.com/AXL/API/14.0\"><soapenv:Header/><soapenv:Body><ns:echo>\
             <value>a&lt;b &amp; 'c'</value></ns:echo></soapenv:Body></soapenv:Envelope>"
        );
    }

    #[test]
    fn refuses_what_xml_cannot_carry() {
        let error = axl_envelope("14.0", "echo", &Echo { value: "a\u{0}".into() }).unwrap_err();
        assert!(matches!(error, SoapError::Unwritable { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(inner in "[^\\x00-\\x1f\\x7f\u{fffe}\u{ffff}]{0,40}") {
            // Blanks around a value are no part of any name that is sent.
            let value = inner.trim().to_owned();
            let text = axl_envelope("14.0", "echo", &Echo { value: value.clone() }).unwrap();
            let echo: Echo = read_answer(200, None, text.as_bytes()).unwrap();
            prop_assert_eq!(echo.value, value);
        }
    }
}
