//! `CiscoIPPhoneExecute` and `setRingTone`, as phones read them.
//!
//! Nothing happens when a key is pressed but that it is written down: what keys do on which screen is not simulated.

use std::fmt::Write as _;

use super::answers::{Answer, page};
use crate::domain::payload_kind::ToneFormat;
use crate::sim::xml::{Node, escape_into};

pub(super) fn root(xml: &str) -> Option<String> {
    Node::parse(xml).ok().map(|root| root.name)
}

/// Reads the URIs of a `CiscoIPPhoneExecute`; nothing if a phone cannot parse it.
///
/// Three at most, of which one may be an address (XML services notes, `CiscoIPPhoneExecute`).
pub(super) fn items(xml: &str) -> Option<Vec<String>> {
    let root = Node::parse(xml).ok()?;
    if root.name != "CiscoIPPhoneExecute" || !(1..=3).contains(&root.children.len()) {
        return None;
    }
    let mut items = Vec::new();
    for child in &root.children {
        let priority = child.attribute("Priority").unwrap_or("0");
        if child.name != "ExecuteItem" || !matches!(priority, "0" | "1" | "2") {
            return None;
        }
        items.push(child.attribute("URL").filter(|uri| !uri.is_empty())?.to_owned());
    }
    let is_address = |uri: &&String| uri.starts_with("http://") || uri.starts_with("https://");
    (items.iter().filter(is_address).count() <= 1).then_some(items)
}

/// Returns whether a phone accepts URIs of this kind in an Execute object.
pub(super) fn is_known(uri: &str) -> bool {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| SCHEMES.contains(&scheme))
}

pub(super) fn done(items: &[String]) -> Answer {
    let mut body =
        String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<CiscoIPPhoneResponse>\n");
    for item in items {
        let (status, data) = if is_known(item) { (0, "Success") } else { (6, "URI not found") };
        // Writing into a String cannot fail.
        let _ = write!(body, "<ResponseItem Status=\"{status}\" Data=\"{data}\" URL=\"");
        escape_into(&mut body, item);
        body.push_str("\"/>\n");
    }
    body.push_str("</CiscoIPPhoneResponse>\n");
    page(200, "text/xml", body)
}

pub(super) fn ring_tone(xml: &str) -> Option<String> {
    let root = Node::parse(xml).ok()?;
    let [tone] = root.children.as_slice() else { return None };
    let plain = root.name == "setRingTone" && tone.name == "ringTone" && tone.children.is_empty();
    (plain && !tone.text.is_empty()).then(|| tone.text.clone())
}

/// Returns the format of a file that a phone of this kind rings with; nothing when it does not.
///
/// The files have no header, so the name decides which kind it is. Wideband phones are taken to ring with classic
/// files too, and longer ones, as one published tool sends them.
pub(super) fn rings(phone: ToneFormat, url: &str, file: &[u8]) -> Option<ToneFormat> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (format, longest) = match (path.rsplit('.').next()?, phone) {
        ("raw", ToneFormat::Classic) => (ToneFormat::Classic, 16_080),
        ("raw", ToneFormat::Wideband) => (ToneFormat::Classic, 160_800),
        ("rwb", ToneFormat::Wideband) => (ToneFormat::Wideband, 160_800),
        _ => return None,
    };
    let per_sample = if format == ToneFormat::Wideband { 2 } else { 1 };
    let samples = file.len() / per_sample;
    let whole = file.len().is_multiple_of(per_sample) && samples.is_multiple_of(240);
    (whole && (240..=longest).contains(&samples)).then_some(format)
}

const SCHEMES: [&str; 13] = [
    "Key",
    "Init",
    "Play",
    "Display",
    "Dial",
    "EditDial",
    "SendDigits",
    "SettingsMenu",
    "Button",
    "Device",
    "App",
    "http",
    "https",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_has_the_length_and_the_name_of_its_kind() {
        use ToneFormat::{Classic, Wideband};
        assert_eq!(rings(Classic, "http://h/r.raw", &[0; 480]), Some(Classic));
        assert_eq!(rings(Wideband, "http://h/r.rwb", &[0; 480]), Some(Wideband));
        assert_eq!(rings(Wideband, "http://h/r.raw", &[0; 24_000]), Some(Classic));
        assert_eq!(rings(Classic, "http://h/r.raw", &[0; 24_000]), None);
        assert_eq!(rings(Classic, "http://h/r.raw", &[0; 481]), None);
        assert_eq!(rings(Classic, "http://h/r.rwb", &[0; 480]), None);
        assert_eq!(rings(Wideband, "http://h/r.rwb", &[0; 240]), None);
        assert_eq!(rings(Classic, "http://h/r.wav", &[0; 480]), None);
        let xml = "<setRingTone><ringTone>http://h/r.raw</ringTone></setRingTone>";
        assert_eq!(ring_tone(xml).as_deref(), Some("http://h/r.raw"));
        assert_eq!(ring_tone("<setRingTone><ringTone></ringTone></setRingTone>"), None);
    }
}
