//! The XML lists of a TFTP server, read so that one entry can be added and every other byte stays.
//!
//! A strict parser reads the lists. Its byte ranges count from the start of the text, whether or not the text
//! begins with a byte order mark, so an entry can be inserted at a position that it returned.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::Event;
use roxmltree::{Document, Node};

use crate::domain::text::{line_of, sanitize_truncate};

pub(super) struct XmlList<'a> {
    text: &'a str,
    document: Document<'a>,
}

impl<'a> XmlList<'a> {
    /// Parses a list.
    ///
    /// Two parsers have to take it. The one that gives positions reads `</:Name>` as the end of `<Name>`; the other one
    /// compares the tags as they are written.
    pub(super) fn parse(text: &'a str, root: &str) -> Result<Self, String> {
        let document =
            Document::parse(text).map_err(|error| not_well_formed(error.pos().row as usize))?;
        let mut reader = Reader::from_str(text);
        loop {
            match reader.read_event() {
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(_) => {
                    let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
                    return Err(not_well_formed(line_of(text, at)));
                }
            }
        }
        let found = document.root_element();
        let begins = &text[found.range().start..];
        if found.tag_name().name() != root || !begins[1..].starts_with(root) {
            // As it is written, with the prefix of its namespace.
            let mut words =
                begins[1..].split(|c: char| c.is_whitespace() || matches!(c, '>' | '/'));
            let name = sanitize_truncate(words.next().unwrap_or_default(), MOST_SHOWN);
            return Err(format!("its root is <{name}>, not <{root}>"));
        }
        Ok(Self { text, document })
    }

    pub(super) fn root(&self) -> Node<'_, 'a> {
        self.document.root_element()
    }

    pub(super) fn root_attribute(&self, name: &str) -> Option<Range<usize>> {
        let attribute = self.root().attribute_node(name)?;
        let end = attribute.range().end.checked_sub(1)?;
        let quote = self.text.get(end..=end)?;
        let start = self.text[..end].rfind(quote)? + 1;
        Some(start..end)
    }

    pub(super) fn with_entry(&self, entry: &str) -> String {
        let root = self.root().range();
        let element = &self.text[root.clone()];
        let (head, tail) = match element.strip_suffix("/>") {
            // `<List/>` becomes a pair of tags.
            Some(start) => {
                let name = self.root().tag_name().name();
                (format!("{start}>\n"), format!("</{name}>"))
            }
            None => {
                let close = element.rfind("</").unwrap_or(element.len());
                (element[..close].to_owned(), element[close..].to_owned())
            }
        };
        let (before, after) = (&self.text[..root.start], &self.text[root.end..]);
        let is_line_start = head.ends_with('\n') || !self.root().has_children();
        let line_end = if is_line_start { "" } else { "\n" };
        [before, &head, line_end, entry, &tail, after].concat()
    }
}

/// Describes where a list is no XML; the parsers' own descriptions are for programmers.
fn not_well_formed(line: usize) -> String {
    format!("line {line} is not well-formed XML")
}

/// Returns an element's own text: character data and CDATA sections, without comments and other elements.
pub(super) fn text_of(element: Node<'_, '_>) -> String {
    element.children().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

/// The longest text of a list that an error repeats, in characters.
const MOST_SHOWN: usize = 200;
