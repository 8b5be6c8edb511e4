//! `List.xml`: the list from which a phone's user chooses a background, one for each folder of the TFTP server.
//!
//! There are two dialects. 7900, 8800, 8900 and 9900 series: `ImageItem` with `Image` (the thumbnail) and `URL`
//! (administration guides, "List.xml File Format Requirements"). 8875 and 9800 (PhoneOS): `ImageItem` with
//! `Name`, `Image` (the background), `Thumbnail` and `Theme`, in a list with a `version` that has to grow with
//! every change (Cisco's help pages on the wallpaper of the Desk Phone 9800 Series). Only `TFTP:` addresses
//! are allowed, and names are case-sensitive.
//!
//! A list that is there already is somebody's work: entries are added behind its last one, and every other
//! byte stays what it was.

use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::domain::model::PushSchema;
use crate::domain::text::{excerpt, printable};

/// One picture of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListEntry {
    /// The folder under the TFTP root, such as `Desktops/320x212x16`.
    pub folder: String,
    /// The background's file name.
    pub background: String,
    /// The thumbnail's file name.
    pub thumbnail: String,
    /// What the user reads; only PhoneOS shows it.
    pub name: String,
    /// Whether the background is dark; only PhoneOS asks.
    pub dark: bool,
}

/// A list with one more entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The whole file.
    pub xml: String,
    /// How many entries it has.
    pub entries: usize,
    /// Whether the entry was there already, so that nothing has changed.
    pub unchanged: bool,
}

/// A list that cannot take an entry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListXmlError {
    /// It is no XML, or its root is another element.
    #[error("it is no list of pictures: {0}")]
    NotAList(String),
    /// It is full.
    #[error("it has {0} entries, and phones read {MOST_ENTRIES} at most; take one out first")]
    Full(usize),
    /// Its version does not end in a number that could be made larger.
    #[error("its version {0:?} cannot be made larger; write it as 1.0")]
    Version(String),
}

/// Makes a list with this entry alone.
pub fn new_list(schema: PushSchema, entry: &ListEntry) -> Listed {
    let version = match schema {
        PushSchema::Classic => "",
        PushSchema::PhoneOs => " version=\"1.0\"",
    };
    let xml = format!("<{ROOT}{version}>\n{}\n</{ROOT}>\n", item(schema, entry));
    Listed { xml, entries: 1, unchanged: false }
}

/// Adds an entry to a list, unless it has it already.
///
/// # Errors
/// When it is no such list, or when it is full.
pub fn add_to_list(
    xml: &str,
    schema: PushSchema,
    entry: &ListEntry,
) -> Result<Listed, ListXmlError> {
    // The reader does not count a byte order mark.
    if let Some(rest) = xml.strip_prefix('\u{feff}') {
        let listed = add_to_list(rest, schema, entry)?;
        return Ok(Listed { xml: format!("\u{feff}{}", listed.xml), ..listed });
    }
    let found = read(xml)?;
    let wanted = printable(&address(entry, &entry.background)).into_owned();
    let attribute = match schema {
        PushSchema::Classic => "URL",
        PushSchema::PhoneOs => "Image",
    };
    let entries = found.items.len();
    let has = |item: &Vec<(String, String)>| {
        item.iter().any(|(name, value)| name == attribute && *value == wanted)
    };
    if found.items.iter().any(has) {
        return Ok(Listed { xml: xml.to_owned(), entries, unchanged: true });
    }
    if entries >= MOST_ENTRIES {
        return Err(ListXmlError::Full(entries));
    }
    let mut merged = String::with_capacity(xml.len() + 400);
    let head = &xml[..found.root_end];
    match (schema, found.version) {
        (PushSchema::Classic, _) => merged.push_str(head),
        (PushSchema::PhoneOs, Some((from, to))) => {
            merged.push_str(&head[..from]);
            merged.push_str(&next_version(&head[from..to])?);
            merged.push_str(&head[to..]);
        }
        (PushSchema::PhoneOs, None) => {
            let end = head.trim_end_matches('>').trim_end_matches('/').len();
            merged.push_str(head[..end].trim_end());
            merged.push_str(" version=\"1.0\"");
            merged.push_str(&head[end..]);
        }
    }
    let item = item(schema, entry);
    match found.close {
        Some(close) => {
            let body = &xml[found.root_end..close];
            let line_end = if body.ends_with('\n') || body.is_empty() { "" } else { "\n" };
            merged.push_str(body);
            merged.push_str(line_end);
            merged.push_str(&item);
            merged.push('\n');
            merged.push_str(&xml[close..]);
        }
        // `<CiscoIPPhoneImageList/>` becomes a pair of tags.
        None => {
            merged.truncate(merged.trim_end_matches('>').trim_end_matches('/').trim_end().len());
            merged.extend([">\n", &item, "\n</", ROOT, ">"]);
            merged.push_str(&xml[found.root_end..]);
        }
    }
    // Somebody's list is not replaced by one that lacks an entry, or that phones cannot read.
    let kept = read(&merged)?.items;
    if kept.len() != entries + 1 || !kept.starts_with(&found.items) {
        return Err(ListXmlError::NotAList("an entry cannot be added without harm".to_owned()));
    }
    Ok(Listed { xml: merged, entries: entries + 1, unchanged: false })
}

struct Found {
    /// Where the root's start tag ends, in bytes.
    root_end: usize,
    /// Where the value of its version stands.
    version: Option<(usize, usize)>,
    /// Where its end tag begins; nothing when it is empty and closed at once.
    close: Option<usize>,
    /// The attributes of each entry.
    items: Vec<Vec<(String, String)>>,
}

fn read(xml: &str) -> Result<Found, ListXmlError> {
    let bad = |why: &dyn std::fmt::Display| ListXmlError::NotAList(excerpt(&why.to_string(), 200));
    let mut reader = Reader::from_str(xml);
    let (mut root, mut close, mut items) = (None, None, Vec::new());
    let mut depth = 0_u32;
    loop {
        let before = position(&reader, xml);
        let event = reader.read_event().map_err(|error| bad(&error))?;
        let after = position(&reader, xml);
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) if depth == 0 => {
                if tag.name().as_ref() != ROOT || root.is_some() {
                    return Err(bad(&format_args!("its root is not {ROOT}")));
                }
                attributes(tag).map_err(|error| bad(&error))?;
                // Positions in the tag as it stands, because everything else in it has to stay.
                root = Some((
                    after,
                    version(&xml[before..after]).map(|(a, b)| (before + a, before + b)),
                ));
                depth += u32::from(matches!(event, Event::Start(_)));
            }
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                if depth == 1 && tag.name().as_ref() == "ImageItem" {
                    items.push(attributes(tag).map_err(|error| bad(&error))?);
                }
                depth += u32::from(matches!(event, Event::Start(_)));
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    close = Some(before);
                }
            }
            Event::Eof => break,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
    let (root_end, version) = root.ok_or_else(|| bad(&"it is empty"))?;
    if depth > 0 {
        return Err(bad(&"its end is missing"));
    }
    Ok(Found { root_end, version, close, items })
}

fn position(reader: &Reader<&[u8]>, xml: &str) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(xml.len()).min(xml.len())
}

fn attributes(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>, quick_xml::Error> {
    tag.attributes()
        .map(|attribute| {
            let attribute = attribute?;
            let name = attribute.key.as_ref().to_owned();
            Ok((name, unescape(&attribute.value)?.into_owned()))
        })
        .collect()
}

/// Returns where the value of `version` stands in a start tag that is known to be well-formed.
fn version(tag: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let at = from + tag[from..].find("version")?;
        let (before, after) = (&tag[..at], &tag[at + "version".len()..]);
        let rest = after.trim_start();
        let is_name = before.ends_with(|c: char| c.is_ascii_whitespace());
        if is_name && let Some(value) = rest.strip_prefix('=') {
            let value = value.trim_start();
            let start = tag.len() - value.len() + 1;
            let quote = value.chars().next()?;
            return Some((start, start + tag[start..].find(quote)?));
        }
        from = at + "version".len();
    }
}

/// Makes the last number of a version one larger: 1.9 becomes 1.10.
fn next_version(version: &str) -> Result<String, ListXmlError> {
    let unusable = || ListXmlError::Version(version.to_owned());
    let trimmed = version.trim();
    let digits = trimmed.len() - trimmed.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (head, last) = trimmed.split_at(trimmed.len() - digits);
    let last: u32 = last.parse().map_err(|_| unusable())?;
    let next = last.checked_add(1).ok_or_else(unusable)?;
    Ok(format!("{head}{next}"))
}

fn item(schema: PushSchema, entry: &ListEntry) -> String {
    let background = address(entry, &entry.background);
    let thumbnail = address(entry, &entry.thumbnail);
    // No control character is XML, and none of them is for the eyes of users.
    let text = |text: &str| escape(printable(text)).into_owned();
    let (background, thumbnail) = (text(&background), text(&thumbnail));
    match schema {
        PushSchema::Classic => format!("<ImageItem Image=\"{thumbnail}\" URL=\"{background}\"/>"),
        PushSchema::PhoneOs => format!(
            "<ImageItem Name=\"{}\" Image=\"{background}\" Thumbnail=\"{thumbnail}\" Theme=\"{}\"/>",
            text(&entry.name),
            if entry.dark { "dark" } else { "light" },
        ),
    }
}

fn address(entry: &ListEntry, file: &str) -> String {
    format!("TFTP:{}/{file}", entry.folder)
}

const ROOT: &str = "CiscoIPPhoneImageList";

/// How many entries phones read.
const MOST_ENTRIES: usize = 50;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str) -> ListEntry {
        ListEntry {
            folder: "Desktops/DP-9871".into(),
            background: format!("wallpaper-{name}.png"),
            thumbnail: format!("thumbnail-{name}.png"),
            name: name.into(),
            dark: true,
        }
    }

    #[test]
    fn each_family_gets_its_dialect() {
        assert_eq!(
            new_list(PushSchema::Classic, &entry("a")).xml,
            "<CiscoIPPhoneImageList>\n<ImageItem Image=\"TFTP:Desktops/DP-9871/thumbnail-a.png\" \
             URL=\"TFTP:Desktops/DP-9871/wallpaper-a.png\"/>\n</CiscoIPPhoneImageList>\n"
        );
        assert_eq!(
            new_list(PushSchema::PhoneOs, &entry("a")).xml,
            "<CiscoIPPhoneImageList version=\"1.0\">\n<ImageItem Name=\"a\" \
             Image=\"TFTP:Desktops/DP-9871/wallpaper-a.png\" \
             Thumbnail=\"TFTP:Desktops/DP-9871/thumbnail-a.png\" Theme=\"dark\"/>\n</CiscoIPPhoneImageList>\n"
        );
    }

    #[test]
    fn every_other_byte_stays() {
        let theirs = "\u{feff}<?xml version=\"1.0\"?>\r\n<!-- version=\"7\" ours -->\n\
            <CiscoIPPhoneImageList a='>' version = '1.9' >\n  <!-- <ImageItem/> -->\n  \
            <ImageItem Image=\"TFTP:D/t&amp;n.png\" URL='TFTP:D/x.png'></ImageItem>\n\n</CiscoIPPhoneImageList>\n<!-- end -->";
        let merged = add_to_list(theirs, PushSchema::PhoneOs, &entry("b")).unwrap();
        assert_eq!((merged.entries, merged.unchanged), (2, false));
        let item = item(PushSchema::PhoneOs, &entry("b"));
        let expected = theirs
            .replace("'1.9'", "'1.10'")
            .replace("\n\n</Cisco", &format!("\n\n{item}\n</Cisco"));
        assert_eq!(merged.xml, expected);
        let again = add_to_list(&merged.xml, PushSchema::PhoneOs, &entry("b")).unwrap();
        assert_eq!((again.xml, again.unchanged), (merged.xml, true));
    }

    #[test]
    fn an_empty_list_takes_an_entry() {
        for (theirs, version) in [
            ("<CiscoIPPhoneImageList/>", "1.0"),
            ("<CiscoIPPhoneImageList></CiscoIPPhoneImageList>", "1.0"),
            ("<CiscoIPPhoneImageList version=\"3\" />", "4"),
        ] {
            let merged = add_to_list(theirs, PushSchema::PhoneOs, &entry("a")).unwrap().xml;
            let found = read(&merged).unwrap();
            assert_eq!(found.items.len(), 1, "{merged}");
            let (from, to) = found.version.unwrap();
            assert_eq!(&merged[from..to], version, "{merged}");
            assert!(found.close.is_some(), "{merged}");
        }
    }

    #[test]
    fn a_full_list_and_what_is_no_list_are_refused() {
        let mut list = new_list(PushSchema::Classic, &entry("0")).xml;
        for n in 1..50 {
            list = add_to_list(&list, PushSchema::Classic, &entry(&n.to_string())).unwrap().xml;
        }
        let full = add_to_list(&list, PushSchema::Classic, &entry("50")).unwrap_err();
        assert_eq!(full, ListXmlError::Full(50));
        // One that is there already fits in.
        assert!(add_to_list(&list, PushSchema::Classic, &entry("49")).unwrap().unchanged);
        for xml in [
            "",
            "text",
            "<CiscoIPPhoneImageList>",
            "<list></list>",
            "<CiscoIPPhoneImageList></list>",
            "<CiscoIPPhoneImageList/><CiscoIPPhoneImageList/>",
            "<CiscoIPPhoneImageList version=x/>",
        ] {
            let error = add_to_list(xml, PushSchema::Classic, &entry("a")).unwrap_err();
            assert!(matches!(error, ListXmlError::NotAList(_)), "{xml}: {error}");
        }
        let odd = "<CiscoIPPhoneImageList version=\"new\"/>";
        let error = add_to_list(odd, PushSchema::PhoneOs, &entry("a")).unwrap_err();
        assert_eq!(error, ListXmlError::Version("new".into()));
    }

    proptest! {
        #[test]
        fn names_stay_texts_and_nothing_is_lost(names in proptest::collection::vec("(.|[\u{0}-\u{1f}\u{85}\u{202e}\u{fffe}]){1,20}", 1..12)) {
            let mut list = new_list(PushSchema::PhoneOs, &entry(&names[0])).xml;
            for name in &names {
                list = add_to_list(&list, PushSchema::PhoneOs, &entry(name)).unwrap().xml;
            }
            // Another parser than the one that the list was merged with.
            let found = resvg::usvg::roxmltree::Document::parse(&list).unwrap();
            let mut wanted: Vec<_> = names.iter().map(|name| printable(name)).collect();
            wanted.sort();
            wanted.dedup();
            let mut held: Vec<_> =
                found.descendants().filter_map(|item| item.attribute("Name")).collect();
            held.sort_unstable();
            prop_assert_eq!(held, wanted, "{}", list);
        }

        #[test]
        fn no_text_makes_it_panic(xml in ".{0,200}", start in "(<CiscoIPPhoneImageList[ ='\"version1.0/]{0,20}>)?") {
            for schema in [PushSchema::Classic, PushSchema::PhoneOs] {
                let _result = add_to_list(&format!("{start}{xml}"), schema, &entry("a"));
                let _result = add_to_list(&format!("{start}{xml}</CiscoIPPhoneImageList>"), schema, &entry("a"));
            }
        }
    }
}
