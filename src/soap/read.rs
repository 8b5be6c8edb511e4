//! Answers, from bytes to types.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor,
};

use super::error::SoapError;
use super::fault::{EXCERPT, Fault, FaultKind};
use super::text;
use super::version_list::supported_versions;
use crate::domain::text::{UnreadableField, quoted, sanitize_truncate};

pub trait Answer: DeserializeOwned {
    /// Returns whether the answer's element may have this local name.
    fn is_element(name: &str) -> bool;

    /// Returns the usual local name of the answer's element.
    fn element() -> String;

    /// Looks at the document that the answer was read from, for what must be kept exactly as it is written.
    fn keep(&mut self, _document: &str) {}

    /// Takes the fields that could not be read completely; there is at least one.
    fn note_unreadable(&mut self, fields: BTreeSet<UnreadableField>);
}

/// Reads one answer.
///
/// A fault is found whatever the HTTP status, because RisPort was seen to send faults with 200. The
/// meaning of the other statuses is in the AXL Developer Guide and on Cisco's AXL FAQ page. Characters that cannot be
/// read cost their field, not the answer: see [`crate::soap::text`].
///
/// # Errors
/// See [`SoapError`]; the response to another operation is an error too.
pub fn read_answer<T: Answer>(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<T, SoapError> {
    match status {
        401 => return Err(SoapError::Unauthorized),
        403 => return Err(SoapError::Forbidden),
        404 => return Err(SoapError::NotFound),
        429 | 503 => return Err(SoapError::Throttled { status }),
        599 => {
            let page = String::from_utf8_lossy(body);
            return Err(SoapError::VersionNotSupported { supported: supported_versions(&page) });
        }
        _ => {}
    }
    let decoded = text::decode(body);
    let text = decoded.trim_start_matches('\u{feff}');
    if root_element(text).as_deref() != Some("Envelope") {
        return Err(not_soap(status, content_type, text, body.len()));
    }
    let envelope: Envelope<T> =
        quick_xml::de::from_str(text).map_err(|error| unreadable(text, body.len(), &error))?;
    match envelope.content {
        Content::Fault(fault) => Err(from_fault(fault)),
        Content::Answer(mut answer) if (200..300).contains(&status) => {
            answer.keep(text);
            let fields = text::unreadable_fields(text);
            if !fields.is_empty() {
                answer.note_unreadable(fields);
            }
            Ok(answer)
        }
        Content::Answer(_) => {
            let what = "an answer with the status of a failure".to_owned();
            Err(SoapError::NotSoap { status, what })
        }
        Content::Other(found) => Err(SoapError::WrongAnswer { expected: T::element(), found }),
    }
}

fn from_fault(fault: Fault) -> SoapError {
    match fault.kind() {
        FaultKind::DatabaseBusy => SoapError::DatabaseBusy(Box::new(fault)),
        FaultKind::MemoryExhausted => SoapError::MemoryExhausted(Box::new(fault)),
        FaultKind::RateLimited { per_minute } => SoapError::RateLimited { per_minute },
        FaultKind::TooLarge { matched, suggested } => {
            SoapError::TooLarge { matched, suggested, fault: Box::new(fault) }
        }
        FaultKind::NotFound | FaultKind::OutrankedUser | FaultKind::Other => {
            SoapError::Fault(Box::new(fault))
        }
    }
}

/// Returns the local name of the first element, if the text begins like XML.
fn root_element(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                return Some(start.local_name().into_inner().to_owned());
            }
            Event::Text(text) if text.trim().is_empty() => {}
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            // SOAP forbids document types, which only serve to smuggle entities in (SOAP 1.1, section 3).
            Event::DocType(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::End(_)
            | Event::Eof
            | Event::GeneralRef(_) => return None,
        }
    }
}

/// Decides between XML that is cut off and XML that is wrong.
fn unreadable(text: &str, bytes: usize, error: &quick_xml::DeError) -> SoapError {
    if ends_with_envelope(text) {
        let reason = not_well_formed(text).unwrap_or_else(|| error.to_string());
        SoapError::Malformed { reason: sanitize_truncate(&reason, EXCERPT) }
    } else {
        SoapError::Truncated { bytes }
    }
}

/// Says where a text stops being XML, by the last name or user ID before that; nothing where it is XML to its end.
fn not_well_formed(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return None,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let at = usize::try_from(reader.error_position()).ok()?;
    let before = text.get(..at)?;
    let object =
        ["<name>", "<userid>"].iter().filter_map(|tag| before.rfind(tag).map(|at| at + tag.len()));
    let object = object.max().and_then(|from| before.get(from..)?.split('<').next());
    let object = object.map(|name| format!(", in or after the object {}", quoted(name.trim())));
    Some(format!(
        "it is not well-formed XML at byte {at}{}: the text of a field there holds a < that is not escaped, or an end \
         tag is missing",
        object.unwrap_or_default()
    ))
}

fn ends_with_envelope(text: &str) -> bool {
    let Some(rest) = text.trim_end().strip_suffix('>') else { return false };
    let Some((_, name)) = rest.rsplit_once("</") else { return false };
    name.trim_end().rsplit(':').next() == Some("Envelope")
}

/// Says what an answer is that is no SOAP.
fn not_soap(status: u16, content_type: Option<&str>, text: &str, bytes: usize) -> SoapError {
    let lower = text.to_ascii_lowercase();
    // Overloaded RisPort services answer in plain text (seen in published clients).
    if lower.contains("exceeded allowed rate") {
        return SoapError::RateLimited { per_minute: None };
    }
    if lower.contains("http status 599") {
        return SoapError::VersionNotSupported { supported: supported_versions(text) };
    }
    let trimmed = text.trim_start();
    if trimmed.starts_with('<') && root_element(text).is_none() && !lower.contains("<html") {
        return SoapError::Truncated { bytes };
    }
    let what = if trimmed.is_empty() {
        "an empty answer".to_owned()
    } else if lower.contains("<html") || is_type(content_type, "html") {
        match between(text, &lower, "<title>", "</title>") {
            Some(title) => format!("an HTML page {}", quoted(&sanitize_truncate(title, 100))),
            None => format!("an HTML page: {}", sanitize_truncate(&without_tags(text), 160)),
        }
    } else if trimmed.starts_with(['{', '[']) || is_type(content_type, "json") {
        format!("JSON: {}", sanitize_truncate(text, 160))
    } else if let Some(root) = root_element(text) {
        format!("another XML document with the root {}", quoted(&root))
    } else {
        format!("text: {}", sanitize_truncate(text, 160))
    };
    SoapError::NotSoap { status, what }
}

fn is_type(content_type: Option<&str>, part: &str) -> bool {
    content_type.is_some_and(|name| name.to_ascii_lowercase().contains(part))
}

fn between<'a>(text: &'a str, lower: &str, open: &str, close: &str) -> Option<&'a str> {
    // Lower-casing ASCII keeps every byte in its place.
    let start = lower.find(open)? + open.len();
    let end = start + lower.get(start..)?.find(close)?;
    text.get(start..end).filter(|title| !title.trim().is_empty())
}

fn without_tags(text: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for character in text.chars().take(8192) {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                plain.push(' ');
            }
            _ if !inside => plain.push(character),
            _ => {}
        }
    }
    plain
}

struct Envelope<T> {
    content: Content<T>,
}

enum Content<T> {
    Answer(T),
    Fault(Fault),
    Other(String),
}

impl<'de, T: Answer> Deserialize<'de> for Envelope<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor(PhantomData))
    }
}

struct EnvelopeVisitor<T>(PhantomData<T>);

impl<'de, T: Answer> Visitor<'de> for EnvelopeVisitor<T> {
    type Value = Envelope<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SOAP envelope")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<T>, A::Error> {
        let mut content = Content::Other("no body".to_owned());
        let mut has_body = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "Body" {
                // A second one could hide the fault of the first.
                if std::mem::replace(&mut has_body, true) {
                    return Err(A::Error::duplicate_field("Body"));
                }
                Body { content } = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Envelope { content })
    }
}

struct Body<T> {
    content: Content<T>,
}

impl<'de, T: Answer> Deserialize<'de> for Body<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor(PhantomData))
    }
}

struct BodyVisitor<T>(PhantomData<T>);

impl<'de, T: Answer> Visitor<'de> for BodyVisitor<T> {
    type Value = Body<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of a SOAP envelope")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<T>, A::Error> {
        let mut content = Content::Other("an empty body".to_owned());
        while let Some(key) = map.next_key::<String>()? {
            if key == "Fault" {
                content = Content::Fault(map.next_value()?);
            } else if T::is_element(&key) {
                let answer = map.next_value()?;
                // A second answer could replace rows of the first by nothing.
                if matches!(content, Content::Answer(_)) {
                    return Err(A::Error::custom("there are two answers in one body"));
                }
                // A fault beside an answer means that the answer is not to be trusted.
                if !matches!(content, Content::Fault(_)) {
                    content = Content::Answer(answer);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
                if matches!(content, Content::Other(_)) && !key.starts_with(['@', '$']) {
                    content = Content::Other(quoted(&sanitize_truncate(&key, 60)));
                }
            }
        }
        Ok(Body { content })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    struct Number {
        #[serde(rename = "return")]
        value: u32,
        #[serde(skip)]
        unreadable: BTreeSet<UnreadableField>,
    }

    fn number(value: u32) -> Number {
        Number { value, unreadable: BTreeSet::new() }
    }

    impl Answer for Number {
        fn is_element(name: &str) -> bool {
            name == "numberResponse"
        }

        fn element() -> String {
            "numberResponse".to_owned()
        }

        fn note_unreadable(&mut self, fields: BTreeSet<UnreadableField>) {
            self.unreadable = fields;
        }
    }

    fn read(status: u16, body: &str) -> Result<Number, SoapError> {
        read_answer(status, Some("text/xml;charset=UTF-8"), body.as_bytes())
    }

    fn in_envelope(prefix: &str, body: &str) -> String {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><{prefix}:Envelope \
             xmlns:{prefix}=\"http://schemas.xmlsoap.org/soap/envelope/\"><{prefix}:Body>{body}\
             </{prefix}:Body></{prefix}:Envelope>"
        )
    }

    const ANSWER: &str =
        "<ns:numberResponse xmlns:ns=\"urn:x\"><return>7</return></ns:numberResponse>";

    #[test]
    fn reads_whatever_the_prefix() {
        for prefix in ["soapenv", "SOAP-ENV", "s"] {
            assert_eq!(read(200, &in_envelope(prefix, ANSWER)), Ok(number(7)));
        }
    }

    #[test]
    fn finds_a_fault_in_a_success() {
        let fault = "<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>No &lt;way&gt;\
                     </faultstring><detail /></soapenv:Fault>";
        for status in [200, 500] {
            let error = read(status, &in_envelope("soapenv", fault)).unwrap_err();
            let SoapError::Fault(fault) = error else { panic!("{error}") };
            assert_eq!(fault.text, "No <way>");
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        let whole = in_envelope("soapenv", ANSWER);
        for end in 1..whole.len() {
            let error = read(200, &whole[..end]).unwrap_err();
            assert_eq!(error, SoapError::Truncated { bytes: end });
        }
    }

    #[test]
    fn maps_the_statuses() {
        assert_eq!(read(401, "<html>"), Err(SoapError::Unauthorized));
        assert_eq!(read(403, ""), Err(SoapError::Forbidden));
        assert_eq!(read(404, ""), Err(SoapError::NotFound));
        for status in [429, 503] {
            assert_eq!(read(status, ""), Err(SoapError::Throttled { status }));
        }
        let page = "Supported axl versions are 12.x, 14.0 and 15.0</div>";
        let supported = ["12.x", "14.0", "15.0"].map(str::to_owned).to_vec();
        assert_eq!(read(599, page), Err(SoapError::VersionNotSupported { supported }));
        let answer = in_envelope("soapenv", ANSWER);
        assert!(matches!(read(500, &answer), Err(SoapError::NotSoap { status: 500, .. })));
    }

    #[test]
    fn names_the_object_where_an_answer_is_not_well_formed() {
        let broken = "<getXResponse><return><phone><name>SEP1</name><description>a</description></phone><phone>\
                      <name>SEP2</name><description>a < b</description></phone></return></getXResponse>";
        let Err(SoapError::Malformed { reason }) = read(200, &in_envelope("soapenv", broken))
        else {
            panic!("it was read")
        };
        assert!(
            reason.contains("object \"SEP2\"") && reason.contains("not well-formed"),
            "{reason}"
        );
    }

    #[test]
    fn says_what_is_there_instead() {
        let what = |status, body| match read(status, body) {
            Err(SoapError::NotSoap { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            what(200, "<!-- x --><html><head><title>Cisco\u{7} Unified</title></head>"),
            "an HTML page \"Cisco Unified\""
        );
        assert_eq!(what(502, "<html><body>Bad <b>gateway</b>"), "an HTML page: Bad gateway");
        assert_eq!(what(200, " "), "an empty answer");
        assert!(what(200, "{\"a\":1}").starts_with("JSON"));
        assert_eq!(what(200, "<rss></rss>"), "another XML document with the root \"rss\"");
        assert_eq!(what(200, "too busy"), "text: too busy");
        let plain = read(200, "AxisFault: Exceeded allowed rate for Reatime information");
        assert_eq!(plain, Err(SoapError::RateLimited { per_minute: None }));
    }

    #[test]
    fn refuses_the_answer_to_another_question() {
        let other = in_envelope("soapenv", "<ns:otherResponse xmlns:ns=\"urn:x\"/>");
        let empty = in_envelope("soapenv", "");
        for (answer, found) in [(other, "\"otherResponse\""), (empty, "an empty body")] {
            let (expected, found) = ("numberResponse".to_owned(), found.to_owned());
            assert_eq!(read(200, &answer), Err(SoapError::WrongAnswer { expected, found }));
        }
    }

    #[test]
    fn broken_markup_is_refused_and_a_broken_character_is_noted() {
        let broken = in_envelope("soapenv", "<numberResponse><return>7</retrun></numberResponse>");
        assert!(matches!(read(200, &broken), Err(SoapError::Malformed { .. })));
        for broken in [&b"\xE9"[..], b"&#0;", b"&nope;", b"\xED\xA0\x80"] {
            let answer = [
                &b"<numberResponse><return>7</return><name>SEP1</name><text>"[..],
                broken,
                b"</text></numberResponse>",
            ];
            let whole = in_envelope("soapenv", "@");
            let (before, after) = whole.split_once('@').unwrap();
            let body = [before.as_bytes(), &answer.concat(), after.as_bytes()].concat();
            let answer: Number = read_answer(200, None, &body).unwrap();
            let fields: Vec<_> = answer.unreadable.iter().map(ToString::to_string).collect();
            assert_eq!(
                (answer.value, fields.as_slice()),
                (7, ["SEP1: text".to_owned()].as_slice())
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics_on_bytes(status in 200_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read_answer::<Number>(status, None, &body));
        }

        #[test]
        fn never_panics_on_broken_xml(
            at in 0_usize..300,
            junk in "[<>/&;:a-z \"=!\\[\\]?-]{0,12}",
        ) {
            let fault = "<soapenv:Fault><faultcode>a</faultcode><detail><axlError><axlcode>-1</axlcode>\
                         <axlmessage><![CDATA[x]]></axlmessage></axlError></detail></soapenv:Fault>";
            let mut text = in_envelope("soapenv", fault);
            text.insert_str(at.min(text.len()), &junk);
            drop(read(200, &text));
        }
    }
}
