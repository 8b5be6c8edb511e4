//! A small and forgiving reader for the small documents that phones send.
//!
//! Published captures show doubled declarations, empty encodings, raw ampersands and documents that
//! break off. So reading never fails outright: it gives as much of the tree as there is, and says what
//! was wrong with it. Whether a flawed document may still be believed is for the caller to decide.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

#[derive(Debug)]
pub(super) struct Document {
    /// The outermost element, possibly unfinished; nothing when there is none.
    pub(super) root: Option<Element>,
    /// Why this is no well-formed document; nothing when it is one.
    pub(super) flaw: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    /// Local names and unescaped values, in document order.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Self>,
    pub(super) text: String,
}

impl Element {
    /// Returns an attribute's value, or else the text of the child element of the same name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let attribute = self.attributes.iter().find(|(key, _)| key == name);
        attribute.map(|(_, value)| value.trim()).or_else(|| self.child_text(name))
    }

    pub(super) fn child_text(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|child| child.name == name).map(|child| child.text.trim())
    }
}

pub(super) fn parse(text: &str) -> Document {
    let mut reader = Reader::from_str(text.trim_matches(['\0', ' ', '\t', '\r', '\n']));
    reader.config_mut().allow_dangling_amp = true;
    let mut tree = Tree::default();
    let flaw = loop {
        let step = match reader.read_event() {
            Err(error) => Err(error.to_string()),
            Ok(Event::Eof) => break tree.end(),
            Ok(Event::Start(start)) => tree.open(&start),
            Ok(Event::Empty(start)) => tree.open(&start).and_then(|()| tree.close()),
            Ok(Event::End(_)) => tree.close(),
            Ok(Event::Text(text)) => tree.text(&text),
            Ok(Event::CData(text)) => tree.text(&text),
            Ok(Event::GeneralRef(name)) => tree.text(&unescape(&format!("&{};", &*name))),
            Ok(Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_)) => Ok(()),
        };
        if let Err(flaw) = step {
            break Some(flaw);
        }
    };
    Document { root: tree.into_root(), flaw }
}

/// Replaces the five named references and the numbered ones; everything else stays as it is.
///
/// A raw `&` in a URL is common in phones' replies, and is no reason to throw the reply away.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference = rest.find(';').filter(|end| *end <= LONGEST_REFERENCE);
        match reference.and_then(|end| Some((resolve(&rest[1..end])?, end))) {
            Some((c, end)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn resolve(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
    }
}

#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
}

impl Tree {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.root.is_some() {
            return Err("another element follows the first".to_owned());
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("elements are nested more than {DEEPEST} deep"));
        }
        let name = start.local_name().as_ref().to_owned();
        let mut element = Element { name, ..Element::default() };
        let mut flaw = None;
        for attribute in start.attributes().with_checks(false) {
            match attribute {
                Ok(attribute) => {
                    let key = attribute.key.local_name().as_ref().to_owned();
                    element.attributes.push((key, unescape(&attribute.value)));
                }
                Err(error) => {
                    flaw = Some(error.to_string());
                    break;
                }
            }
        }
        self.open.push(element);
        flaw.map_or(Ok(()), Err)
    }

    fn close(&mut self) -> Result<(), String> {
        let closed = self.open.pop().ok_or("an end tag without its start")?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => self.root = Some(closed),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err("text stands outside of the first element".to_owned()),
        }
        Ok(())
    }

    fn end(&self) -> Option<String> {
        match self.open.last() {
            Some(open) => Some(format!("it ends before </{}>", open.name)),
            None if self.root.is_none() => Some("it holds no element".to_owned()),
            None => None,
        }
    }

    fn into_root(mut self) -> Option<Element> {
        while self.root.is_none() && !self.open.is_empty() {
            // Closing cannot fail while something is open.
            let _closed = self.close();
        }
        self.root
    }
}

/// Longest reference that is looked for, in bytes without its semicolon: `&#x10FFFF`.
const LONGEST_REFERENCE: usize = 9;

/// Phones' documents are three deep; a deep tree would only cost stack.
const DEEPEST: usize = 16;

pub(super) use crate::domain::text::sanitize_truncate as clean;

/// Reads bytes as UTF-8, or as ISO 8859-1 when they are not UTF-8 or declare it.
///
/// Phones declare `iso-8859-1` (seen from a 7905 and a 7940), and some declare `utf-8` and send the
/// other. Every byte sequence is valid ISO 8859-1, so this never fails.
pub(super) fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if !declares_latin1(text) => text.to_owned(),
        Ok(_) | Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn declares_latin1(text: &str) -> bool {
    let text = text.trim_start();
    let Some(declaration) = text.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next())
    else {
        return false;
    };
    let declaration = declaration.to_ascii_lowercase();
    ["iso-8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252"]
        .iter()
        .any(|name| declaration.contains(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_clean_document_has_no_flaw() {
        let document = parse(
            "<?xml version='1.0'?><?xml version='1.0' encoding=''?>\n<a b='1'>x<c/>&amp;</a>\n\0",
        );
        assert_eq!(document.flaw, None);
        let root = document.root.unwrap();
        assert_eq!((root.name.as_str(), root.text.as_str()), ("a", "x&"));
        assert_eq!(root.value("b"), Some("1"));
        assert_eq!(root.value("c"), Some(""));
        assert_eq!(root.value("d"), None);
    }

    #[test]
    fn flaws_are_told_and_the_beginning_is_kept() {
        for (text, root) in [
            ("", None),
            ("only text", None),
            ("x <a/>", None),
            ("</a>", None),
            ("<a><b></a>", Some("a")),
            ("<a><b>", Some("a")),
            ("<a", None),
            ("<a b=”1”/>", Some("a")),
            ("<a/><b/>", Some("a")),
            ("<a/> text", Some("a")),
        ] {
            let document = parse(text);
            assert!(document.flaw.is_some(), "{text}");
            assert_eq!(document.root.map(|root| root.name).as_deref(), root, "{text}");
        }
        assert!(parse(&"<a>".repeat(10_000)).flaw.is_some());
    }

    #[test]
    fn references_are_resolved_and_stray_ampersands_kept() {
        assert_eq!(unescape("a&amp;b&x=1&lt;&#65;&#x42;&;&#xD800;&"), "a&b&x=1<AB&;&#xD800;&");
        let root = parse("<a u=\"http://h/?a=1&b=2\">r&d & x</a>").root.unwrap();
        assert_eq!(root.value("u"), Some("http://h/?a=1&b=2"));
        assert_eq!(root.text, "r&d & x");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[<>/a-c='\"&;!?\\[\\]ä \\-#x0-9]{0,80}") {
            let document = parse(&text);
            prop_assert!(document.root.is_some() || document.flaw.is_some());
        }
    }
}

#[cfg(test)]
mod text_tests {
    use super::*;

    #[test]
    fn nothing_unseen_gets_through() {
        assert_eq!(clean(" a\r\n\t b\u{1b}[31mc\u{202e}d\0 ", 100), "a b [31mc d");
        assert_eq!(clean("\u{9b}x", 100), "x");
        assert_eq!(clean("", 100), "");
    }

    #[test]
    fn is_cut_at_the_limit() {
        assert_eq!(clean("äöüß", 4), "äöüß");
        assert_eq!(clean("äöüßx", 4), "äöüß…");
        assert_eq!(clean("ab cd", 3), "ab…");
        assert_eq!(clean("ab   ", 2), "ab");
    }

    #[test]
    fn reads_both_encodings() {
        assert_eq!(decode(b"\xEF\xBB\xBFa"), "a");
        assert_eq!(decode("ä".as_bytes()), "ä");
        assert_eq!(decode(b"\xE4"), "ä");
        assert_eq!(decode(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\xC3"), {
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>Ã"
        });
    }
}
