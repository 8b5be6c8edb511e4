//! Reads the object that a push carries, in the way of the phone's model.
//!
//! The phones' reader is not a full one: an unknown name is an error.

use std::fmt::Write as _;

use super::answers::{Answer, page};
use crate::domain::model::PushSchema;
use crate::domain::payload_kind::ToneFormat;
use crate::sim::xml::{Node, escape_into};

#[derive(Debug, Eq, PartialEq)]
pub(super) struct Background {
    /// Where the picture is; empty on PhoneOS to remove the pushed picture.
    pub(super) image: String,
    /// Where its thumbnail is; empty where there is none.
    pub(super) thumbnail: String,
}

/// Reads a `setBackground` object, or returns nothing if the model does not understand it.
pub(super) fn background(xml: &str, schema: PushSchema) -> Option<Background> {
    let root = Node::parse(xml).ok()?;
    let [background] = root.children.as_slice() else { return None };
    if root.name != "setBackground" || background.name != "background" {
        return None;
    }
    let (small, allowed): (_, &[&str]) = match schema {
        PushSchema::Classic => ("icon", &["image", "icon"]),
        PushSchema::PhoneOs => ("thumbnail", &["image", "thumbnail", "kem"]),
    };
    let mut seen = Vec::new();
    for child in &background.children {
        let name = child.name.as_str();
        if !allowed.contains(&name) || seen.contains(&name) || !child.children.is_empty() {
            return None;
        }
        seen.push(name);
    }
    match schema {
        PushSchema::Classic if !background.attributes.is_empty() => return None,
        PushSchema::Classic => {}
        // Both are in every published example; that they are required is believed.
        PushSchema::PhoneOs => {
            let named = background.attribute("name").is_some_and(|name| !name.is_empty());
            let theme = background.attribute("theme");
            if !named || !matches!(theme, Some("light" | "dark")) {
                return None;
            }
        }
    }
    let image = background.child_text("image")?.to_owned();
    if image.is_empty() && schema == PushSchema::PhoneOs {
        return Some(Background { image, thumbnail: String::new() });
    }
    let thumbnail = background.child_text(small)?.to_owned();
    let usable = !image.is_empty() && !thumbnail.is_empty();
    usable.then_some(Background { image, thumbnail })
}

pub(super) fn root(xml: &str) -> Option<String> {
    Node::parse(xml).ok().map(|root| root.name)
}

/// Returns whether this object is shown on the screen: texts, menus, input forms, directories and images.
pub(super) fn is_display(root: &str) -> bool {
    let kind = root.strip_prefix("CiscoIPPhone").unwrap_or_default();
    DISPLAY.contains(&kind)
}

/// The objects of the XML services notes, without `CiscoIPPhone`.
const DISPLAY: [&str; 12] = [
    "Text",
    "Menu",
    "IconMenu",
    "IconFileMenu",
    "Input",
    "Directory",
    "Image",
    "ImageFile",
    "GraphicMenu",
    "GraphicFileMenu",
    "Status",
    "StatusFile",
];

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

/// Reads the address of a `setRingTone`.
pub(super) fn ring_tone(xml: &str) -> Option<String> {
    only_address(xml, "setRingTone", "ringTone")
}

/// Reads the address of a `setBackgroundPreview`, which is published for the classic schema only.
pub(super) fn preview(xml: &str) -> Option<String> {
    only_address(xml, "setBackgroundPreview", "image")
}

/// Reads an object that has one element with an address.
fn only_address(xml: &str, object: &str, element: &str) -> Option<String> {
    let root = Node::parse(xml).ok()?;
    let [child] = root.children.as_slice() else { return None };
    let plain = root.name == object && child.name == element && child.children.is_empty();
    (plain && !child.text.is_empty()).then(|| child.text.clone())
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
    fn each_schema_reads_its_own_object_only() {
        let classic = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setBackground><background><icon>b</icon><image>a</image></background></setBackground>";
        let modern = "<setBackground><background name=\"n\" theme=\"dark\"><image>a</image><thumbnail>b</thumbnail></background></setBackground>";
        let wanted = Background { image: "a".to_owned(), thumbnail: "b".to_owned() };
        assert_eq!(background(classic, PushSchema::Classic).as_ref(), Some(&wanted));
        assert_eq!(background(modern, PushSchema::PhoneOs).as_ref(), Some(&wanted));
        assert_eq!(background(classic, PushSchema::PhoneOs), None);
        assert_eq!(background(modern, PushSchema::Classic), None);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in [
            "",
            "<setBackground/>",
            "<setBackground><background><image>a</image></background></setBackground>",
            "<setBackground><background><image>a</image><icon>b</icon><x/></background></setBackground>",
            "<setBackground><background><image>a</image><image>a</image><icon>b</icon></background></setBackground>",
            "<setbackground><background><image>a</image><icon>b</icon></background></setbackground>",
            "<setBackground><background><image>a</image><icon></icon></background></setBackground>",
        ] {
            assert_eq!(background(bad, PushSchema::Classic), None, "{bad}");
        }
    }
}

#[cfg(test)]
mod command_tests {
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
        let xml = "<setBackgroundPreview><image>http://h/p.png</image></setBackgroundPreview>";
        assert_eq!(preview(xml).as_deref(), Some("http://h/p.png"));
        assert_eq!(ring_tone(xml), None);
    }
}
