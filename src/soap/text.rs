//! Turns the bytes of an answer into text that the XML reader accepts.
//!
//! One broken character must not cost the whole answer, so whatever cannot be read becomes U+FFFD: bytes that are not
//! UTF-8, references to characters that do not exist, unknown entities. Two surrogates that belong together are joined
//! to their character, as Java programs write it. `unreadable_fields` then finds what is affected.
//!
//! U+FFFD means "not known", also where the server itself sends it. Nothing that holds it is written back.

use std::borrow::Cow;
use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::domain::text::{UNREADABLE, UnreadableField, is_readable};

/// Decodes an answer; what cannot be read becomes U+FFFD.
pub(super) fn decode(body: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(String::from_utf8_lossy(&join_surrogate_bytes(body)).into_owned()),
    };
    match replace_references(&text) {
        Some(replaced) => Cow::Owned(replaced),
        None => text,
    }
}

/// Joins surrogates that were encoded one by one (CESU-8), and replaces those that are alone. Everything else that is
/// not UTF-8 stays.
fn join_surrogate_bytes(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&first, after)) = rest.split_first() {
        let Some(unit) = surrogate_bytes(rest) else {
            out.push(first);
            rest = after;
            continue;
        };
        rest = &rest[3..];
        let pair = surrogate_bytes(rest).and_then(|low| join(unit, low));
        if pair.is_some() {
            rest = &rest[3..];
        }
        out.extend_from_slice(pair.unwrap_or(UNREADABLE).encode_utf8(&mut [0; 4]).as_bytes());
    }
    out
}

/// Reads a surrogate that is encoded in three bytes, as UTF-8 forbids.
fn surrogate_bytes(bytes: &[u8]) -> Option<u32> {
    let [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] = bytes else { return None };
    Some(0xD000 | (u32::from(second & 0x3F) << 6) | u32::from(third & 0x3F))
}

fn join(high: u32, low: u32) -> Option<char> {
    let is_pair = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
    is_pair.then(|| char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))).flatten()
}

/// Replaces references that no reader resolves; nothing where there are none.
fn replace_references(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['<', '&']) {
        let here = at + found;
        let rest = &text[here..];
        if rest.starts_with('<') {
            at = here + literal_length(rest).unwrap_or(1);
            continue;
        }
        let (length, replacement) = reference(rest);
        at = here + length;
        if let Some(character) = replacement {
            out.push_str(&text[copied..here]);
            out.push(character);
            copied = at;
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// Returns the length of markup in which `&` is an ordinary character.
fn literal_length(markup: &str) -> Option<usize> {
    let kinds = [("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>")];
    let (open, close) = kinds.into_iter().find(|(open, _)| markup.starts_with(open))?;
    let content = &markup[open.len()..];
    let end = content.find(close).map_or(content.len(), |end| end + close.len());
    Some(open.len() + end)
}

/// Reads the reference that a text begins with: how long it is, and what replaces it where it cannot be resolved.
fn reference(text: &str) -> (usize, Option<char>) {
    let Some(name) = reference_name(text) else { return (1, Some(UNREADABLE)) };
    let length = name.len() + 2;
    let Some(number) = name.strip_prefix('#') else {
        let is_known = matches!(name, "amp" | "apos" | "gt" | "lt" | "quot");
        return (length, (!is_known).then_some(UNREADABLE));
    };
    let Some(code) = character_code(number) else { return (length, Some(UNREADABLE)) };
    if code != 0 && char::from_u32(code).is_some() {
        return (length, None);
    }
    let low = reference_name(&text[length..]);
    let pair = low.and_then(|low| {
        let character = join(code, character_code(low.strip_prefix('#')?)?)?;
        Some((length + low.len() + 2, Some(character)))
    });
    pair.unwrap_or((length, Some(UNREADABLE)))
}

/// Returns what is between `&` and `;`; nothing for an ampersand that begins no reference.
fn reference_name(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('&')?;
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '#')?;
    let is_reference = (1..=LONGEST_REFERENCE).contains(&end) && inner[end..].starts_with(';');
    is_reference.then(|| &inner[..end])
}

fn character_code(number: &str) -> Option<u32> {
    match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    }
}

/// Finds the fields of a decoded answer that hold U+FFFD.
///
/// Objects are recognized by their element `name` or `userid`, in any case, as AXL, SQL rows and RisPort70 have it.
pub(super) fn unreadable_fields(document: &str) -> BTreeSet<UnreadableField> {
    let mut found = BTreeSet::new();
    if is_readable(document) {
        return found;
    }
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = Vec::new();
    // The document was read before, so an error is only its end.
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(start) => {
                let name = start.local_name().into_inner().to_owned();
                let is_broken = start.attributes_raw().contains(UNREADABLE);
                open.push(Element { name, is_broken, ..Element::default() });
            }
            Event::Empty(start) => {
                if start.attributes_raw().contains(UNREADABLE)
                    && let Some(parent) = open.last_mut()
                {
                    parent.fields.push(start.local_name().into_inner().to_owned());
                }
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content()),
            Event::CData(text) => add_text(&mut open, &text.xml10_content()),
            Event::GeneralRef(entity) => {
                let entity = format!("&{};", entity.into_inner());
                let text = quick_xml::escape::unescape(&entity);
                add_text(&mut open, &text.unwrap_or_default());
            }
            Event::End(_) => {
                let Some(element) = open.pop() else { break };
                element.close(open.last_mut(), &mut found);
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::DocType(_) | Event::PI(_) => {}
        }
    }
    found
}

fn add_text(open: &mut [Element], text: &str) {
    let Some(element) = open.last_mut() else { return };
    element.is_broken |= !is_readable(text);
    if element.is_key() {
        element.text.push_str(text);
    }
}

/// An element that is being read.
#[derive(Default)]
struct Element {
    name: String,
    /// Its text, where it is the name of an object.
    text: String,
    is_broken: bool,
    /// The name of the object that this element is.
    key: Option<String>,
    /// Broken fields inside that no named object has claimed yet.
    fields: Vec<String>,
}

impl Element {
    fn is_key(&self) -> bool {
        ["name", "userid"].iter().any(|key| self.name.eq_ignore_ascii_case(key))
    }

    fn close(self, parent: Option<&mut Self>, found: &mut BTreeSet<UnreadableField>) {
        let is_key = self.is_key();
        let mut fields = self.fields;
        if self.key.is_some() || parent.is_none() {
            let object = self.key;
            found.extend(
                fields.drain(..).map(|field| UnreadableField { field, object: object.clone() }),
            );
        }
        let Some(parent) = parent else { return };
        // SOAP's own elements are no part of a field's name.
        let is_wrapper = WRAPPERS.contains(&self.name.as_str()) || self.name.ends_with("Response");
        parent.fields.extend(
            fields
                .into_iter()
                .map(|field| if is_wrapper { field } else { format!("{}/{field}", self.name) }),
        );
        if is_key && !self.text.trim().is_empty() {
            parent.key.get_or_insert_with(|| self.text.trim().to_owned());
        }
        if self.is_broken {
            parent.fields.push(self.name);
        }
    }
}

const WRAPPERS: [&str; 3] = ["Body", "Envelope", "return"];

/// `&#x10FFFF;` needs eight characters, and some serializers write leading zeros.
const LONGEST_REFERENCE: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(text: &str) -> String {
        decode(text.as_bytes()).into_owned()
    }

    #[test]
    fn what_can_be_read_stays_as_it_is() {
        for text in [
            "<a>R&amp;D &#8211; &#x1F600; &lt;&gt;&quot;&apos; \u{1}</a>",
            "<a><![CDATA[&#0; &nope; R&D]]></a><!-- & --><?x & ?>",
            "<a><![CDATA[ & ",
        ] {
            assert!(
                matches!(decode(text.as_bytes()), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn surrogates_that_belong_together_are_joined() {
        for pair in
            ["&#55357;&#56832;", "&#xD83D;&#xDE00;", "&#xd83d;&#56832;", "&#0055357;&#56832;"]
        {
            assert_eq!(decoded(&format!("<a>x{pair}y</a>")), "<a>x\u{1F600}y</a>");
        }
        assert_eq!(decode(b"<a>x\xED\xA0\xBD\xED\xB8\x80y</a>"), "<a>x\u{1F600}y</a>");
    }

    #[test]
    fn what_cannot_be_read_becomes_one_replacement_character() {
        for broken in [
            "&#0;",
            "&#x0;",
            "&#xD83D;",
            "&#56832;",
            "&#x110000;",
            "&#99999999999;",
            "&nope;",
            "&nbsp;",
            "&#;",
            "&#x;",
            "&#X41;",
            "&;",
            "&#-1;",
        ] {
            let text = decoded(&format!("<a>x{broken}y</a>"));
            let tail =
                text.strip_prefix("<a>x\u{FFFD}").unwrap_or_else(|| panic!("{broken}: {text}"));
            assert!(tail.ends_with("y</a>"), "{broken}: {text}");
        }
        assert_eq!(decoded("<a>R&D & x</a>"), "<a>R\u{FFFD}D \u{FFFD} x</a>");
        assert_eq!(decoded("<a>&#xDE00;&#xD83D;</a>"), "<a>\u{FFFD}\u{FFFD}</a>");
        assert_eq!(decode(b"<a>M\xFCnchen</a>"), "<a>M\u{FFFD}nchen</a>");
        assert_eq!(decode(b"<a>x\xFC</a>"), "<a>x\u{FFFD}</a>");
        assert_eq!(decode(b"<a>\xED\xA0\xBDx</a>"), "<a>\u{FFFD}x</a>");
    }

    fn found(inside: &str) -> Vec<String> {
        let document = format!(
            "<s:Envelope xmlns:s=\"u\"><s:Body><n:listResponse xmlns:n=\"v\"><return>{inside}</return>\
             </n:listResponse></s:Body></s:Envelope>"
        );
        unreadable_fields(&document).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_object_and_the_field_are_named() {
        assert!(found("<phone><name>SEP1</name></phone>").is_empty());
        let phones = "<phone><description>a\u{FFFD}</description><name>SEP1</name></phone>\
                      <phone><name>SEP2</name><vendorConfig><x>\u{FFFD}</x></vendorConfig></phone>\
                      <phone><name>SEP\u{FFFD}</name><pool uuid=\"\u{FFFD}\"/></phone>";
        assert_eq!(
            found(phones),
            ["SEP1: description", "SEP\u{FFFD}: name", "SEP\u{FFFD}: pool", "SEP2: vendorConfig/x"]
        );
        let user = "<appUser><userid>O&amp;M</userid><associatedDevices><device>\u{FFFD}</device>\
                    </associatedDevices></appUser>";
        assert_eq!(found(user), ["O&M: associatedDevices/device"]);
        let nodes = "<item><Name>sub1</Name><CmDevices><item><Name>SEP1</Name><Description>\u{FFFD}\
                     </Description></item></CmDevices></item>";
        assert_eq!(found(nodes), ["SEP1: Description"]);
        assert_eq!(found("<row><paramvalue>\u{FFFD}</paramvalue></row>"), ["row/paramvalue"]);
    }

    proptest! {
        #[test]
        fn every_text_decodes_to_something_that_the_reader_takes(text in "[&#x;0-9a-fDlt ]{0,40}") {
            let document = decoded(&format!("<a>{text}</a>"));
            let value: String = quick_xml::de::from_str(&document).unwrap();
            drop(value);
        }

        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(unreadable_fields(&decode(&body)));
        }
    }
}
