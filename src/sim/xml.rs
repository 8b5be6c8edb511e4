//! The simulator's own XML: a small tree to read requests into, and escaping for what it writes.
//!
//! It shares nothing with the client's reader, so that one mistake cannot hide on both sides. It
//! refuses document type declarations, unknown entities, unbound prefixes and anything that is not
//! well-formed, and it is only ever fed bodies whose size has been limited before.

use std::fmt::Write as _;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Node {
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) name: String,
    /// Attributes other than namespace declarations: namespace, local name, value.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Attribute {
    /// Whether it carries a namespace prefix, as `xsi:nil` does.
    pub(crate) qualified: bool,
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Node {
    /// Reads a document in the encoding of its byte order mark or of its declaration, or in UTF-8.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let encoding = declared_encoding(bytes).unwrap_or(UTF_8);
        let (text, encoding, is_damaged) = encoding.decode(bytes);
        if is_damaged {
            return Err(format!("the request is no text in {}", encoding.name()));
        }
        Self::parse(&text).map_err(|error| error.to_string())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, XmlError> {
        let mut reader = NsReader::from_str(text);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        let mut last_namespace: Option<Arc<str>> = None;
        loop {
            let (resolved, event) = reader.read_resolved_event()?;
            let namespace = match resolved {
                ResolveResult::Bound(found) => {
                    let same = last_namespace.as_deref() == Some(found.0);
                    if !same {
                        last_namespace = Some(Arc::from(found.0));
                    }
                    last_namespace.clone()
                }
                ResolveResult::Unbound => None,
                ResolveResult::Unknown(prefix) => return Err(XmlError::Prefix(prefix)),
            };
            match event {
                Event::Start(start) => {
                    if root.is_some() {
                        return Err(XmlError::Outside);
                    }
                    if open.len() >= MAX_DEPTH {
                        return Err(XmlError::Depth);
                    }
                    open.push(Self::begin(&start, namespace)?);
                }
                Event::Empty(start) => {
                    let node = Self::begin(&start, namespace)?;
                    Self::close(node, &mut open, &mut root)?;
                }
                Event::End(_) => {
                    let node = open.pop().ok_or(XmlError::Outside)?;
                    Self::close(node, &mut open, &mut root)?;
                }
                Event::Text(text) => Self::write(&text.xml10_content(), &mut open)?,
                Event::CData(text) => Self::write(&text.xml10_content(), &mut open)?,
                Event::GeneralRef(entity) => {
                    let character = resolve(&entity)?;
                    Self::write(character.encode_utf8(&mut [0; 4]), &mut open)?;
                }
                Event::DocType(_) => return Err(XmlError::DocType),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if open.is_empty() { root.ok_or(XmlError::Truncated) } else { Err(XmlError::Truncated) }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| !a.qualified && a.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// Writes the content of this element as markup, for settings that are kept as they were sent.
    ///
    /// Nothing where the tree cannot give it back faithfully: texts between elements, namespaces. Blanks
    /// between elements are left out.
    pub(crate) fn inside(&self) -> Option<String> {
        let mut out = String::new();
        self.inside_into(&mut out)?;
        Some(out)
    }

    /// Writes this element as markup; nothing where the tree cannot give it back faithfully.
    pub(crate) fn markup(&self) -> Option<String> {
        let mut out = String::new();
        self.markup_into(&mut out)?;
        Some(out)
    }

    fn inside_into(&self, out: &mut String) -> Option<()> {
        if self.children.is_empty() {
            escape_into(out, &self.text);
            return Some(());
        }
        if !self.text.trim().is_empty() {
            return None;
        }
        self.children.iter().try_for_each(|child| child.markup_into(out))
    }

    fn markup_into(&self, out: &mut String) -> Option<()> {
        if self.namespace.is_some() || self.attributes.iter().any(|a| a.qualified) {
            return None;
        }
        // Writing into a String cannot fail.
        let _ = write!(out, "<{}", self.name);
        for attribute in &self.attributes {
            let _ = write!(out, " {}=\"", attribute.name);
            escape_into(out, &attribute.value);
            out.push('"');
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>");
            return Some(());
        }
        out.push('>');
        self.inside_into(out)?;
        let _ = write!(out, "</{}>", self.name);
        Some(())
    }

    fn begin(start: &BytesStart<'_>, namespace: Option<Arc<str>>) -> Result<Self, XmlError> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(quick_xml::Error::from)?;
            let key = attribute.key.0;
            if key == "xmlns" || key.starts_with("xmlns:") {
                continue;
            }
            let value = quick_xml::escape::unescape(attribute.value.as_ref())
                .map_err(|error| XmlError::Entity(error.to_string()))?
                .into_owned();
            if let Some(character) = value.chars().find(|&c| !is_character(c)) {
                return Err(XmlError::Character(u32::from(character)));
            }
            let (qualified, name) = match key.split_once(':') {
                Some((_, local)) => (true, local),
                None => (false, key),
            };
            attributes.push(Attribute { qualified, name: name.to_owned(), value });
        }
        let name = start.local_name().as_ref().to_owned();
        Ok(Self { namespace, name, attributes, ..Self::default() })
    }

    fn close(node: Self, open: &mut [Self], root: &mut Option<Self>) -> Result<(), XmlError> {
        match open.last_mut() {
            Some(parent) => parent.children.push(node),
            None if root.is_some() => return Err(XmlError::Outside),
            None => *root = Some(node),
        }
        Ok(())
    }

    fn write(text: &str, open: &mut [Self]) -> Result<(), XmlError> {
        if let Some(character) = text.chars().find(|&c| !is_character(c)) {
            return Err(XmlError::Character(u32::from(character)));
        }
        match open.last_mut() {
            Some(node) => node.text.push_str(text),
            None if text.trim().trim_start_matches('\u{feff}').is_empty() => {}
            None => return Err(XmlError::Outside),
        }
        Ok(())
    }
}

/// Returns the encoding that an XML declaration names, in characters of ASCII.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let declaration = bytes.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = declaration.iter().position(|&byte| byte == b'>')?;
    let declaration = std::str::from_utf8(&declaration[..end]).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let label = value.get(1..)?.split(['"', '\'']).next()?;
    Encoding::for_label(label.as_bytes())
}

/// Writes `text` with the five special characters escaped.
///
/// Characters that XML 1.0 cannot carry at all become `?`, as a database export would show them.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => out.push('?'),
            _ if c < ' ' => out.push('?'),
            _ => out.push(c),
        }
    }
}

pub(crate) fn element_into(out: &mut String, name: &str, text: &str) {
    // Writing into a String cannot fail.
    let _ = write!(out, "<{name}>");
    escape_into(out, text);
    let _ = write!(out, "</{name}>");
}

fn resolve(entity: &BytesRef<'_>) -> Result<char, XmlError> {
    if let Some(character) = entity.resolve_char_ref()? {
        return Ok(character);
    }
    match entity.borrow().into_inner().as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        other => Err(XmlError::Entity(other.to_owned())),
    }
}

/// Returns whether XML 1.0 has a character, also as a reference.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("XML has no character with the number {0}")]
    Character(u32),
    #[error("the XML is not well-formed")]
    Syntax(#[from] quick_xml::Error),
    /// The text ends inside an element, or holds none.
    #[error("the XML ends too early")]
    Truncated,
    /// Text or a second element after the end of the root element.
    #[error("there is text outside of the root element")]
    Outside,
    /// A document type declaration, which SOAP forbids.
    #[error("the XML declares a document type")]
    DocType,
    /// An entity that XML does not define itself.
    #[error("the entity {0:?} is unknown")]
    Entity(String),
    #[error("the prefix {0:?} is bound to no namespace")]
    Prefix(String),
    #[error("the XML is nested more than {MAX_DEPTH} levels deep")]
    Depth,
}

const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_namespaces_entities_and_cdata() {
        let node = Node::parse(
            "<?xml version='1.0'?>\n<a:x xmlns:a='urn:a' n='1 &amp; 2'><y>O&amp;M &#8211; <![CDATA[<&>]]></y><z/></a:x>",
        )
        .unwrap();
        assert_eq!(node.namespace.as_deref(), Some("urn:a"));
        assert_eq!(node.attribute("n"), Some("1 & 2"));
        assert_eq!(node.child("y").unwrap().namespace, None);
        assert_eq!(node.child_text("y"), Some("O&M – <&>"));
        assert_eq!(node.child_text("z"), Some(""));
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for bad in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<!DOCTYPE a><a/>",
            "<a>&nbsp;</a>",
            "<p:a/>",
            "<a b='1' b='2'/>",
            "<a b=1/>",
        ] {
            assert!(Node::parse(bad).is_err(), "{bad}");
        }
        assert!(Node::parse(&"<a>".repeat(100)).is_err());
    }

    #[test]
    fn markup_is_given_back_or_refused() {
        let inside = |markup: &str| Node::parse(&format!("<r>{markup}</r>")).unwrap().inside();
        for same in [
            "",
            "<a>1</a><b c=\"d\"/>",
            "<a>O&amp;M &lt;x&gt;</a>",
            "<a> b </a>",
            "<a><b>1</b><b>2</b></a>",
            "<a b=\"&quot;&lt;\">&#13;</a>",
        ] {
            assert_eq!(inside(same).as_deref(), Some(same));
        }
        assert_eq!(inside("<a> <b></b>\n</a><!-- c -->").as_deref(), Some("<a><b/></a>"));
        for bad in ["<a>x<b/></a>", "<a xmlns='u'/>", "<p:a xmlns:p='u'/>", "<a xml:lang='de'/>"] {
            assert_eq!(inside(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn markup_is_read_back_as_it_was(text in "[ -~äß€\r\n]{1,40}", value in "[ -~ä]{0,20}") {
            let leaf = Node { name: "leaf".to_owned(), text, ..Node::default() };
            let attributes = vec![Attribute { qualified: false, name: "n".to_owned(), value }];
            let inner = vec![leaf.clone(), Node { attributes, ..leaf }];
            let root = Node { name: "r".to_owned(), children: inner, ..Node::default() };
            let written = format!("<r>{}</r>", root.inside().unwrap());
            prop_assert_eq!(Node::parse(&written).unwrap(), root);
        }

        #[test]
        fn never_panics(text in "\\PC{0,200}") {
            drop(Node::parse(&text));
        }
    }
}
