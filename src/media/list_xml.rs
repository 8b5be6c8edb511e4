//! `List.xml`: the list from which a phone's user chooses a background, one for each folder of the TFTP server.
//!
//! There are two dialects. 7900, 8800, 8900 and 9900 series: `ImageItem` with `Image` (the thumbnail) and `URL`
//! (administration guides, "List.xml File Format Requirements"). 8875 and 9800 (PhoneOS): `ImageItem` with
//! `Name`, `Image` (the background), `Thumbnail` and `Theme`, in a list with a `version` that has to grow with
//! every change (Cisco's help pages on the wallpaper of the Desk Phone 9800 Series). Only `TFTP:` addresses
//! are allowed, and names are case-sensitive.
//!
//! An existing list is an administrator's work: entries are added behind its last one, and every other
//! byte stays what it was.

use quick_xml::escape::escape;

use crate::domain::model::PushSchema;
use crate::domain::text::{printable, quoted};
use crate::media::xml_list::XmlList;

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListEntry {
    /// The folder under the TFTP root, such as `Desktops/320x212x16`.
    pub folder: String,
    pub background: String,
    pub thumbnail: String,
    /// What the user reads; only PhoneOS shows it.
    pub name: String,
    /// Whether the background is dark; only PhoneOS asks.
    pub dark: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    pub xml: String,
    pub entries: usize,
    /// Whether the entry was there already, so that nothing has changed.
    pub unchanged: bool,
    /// The thumbnail of an entry that was there already, where the new one has another.
    pub other_thumbnail: Option<String>,
    /// The files that the list named before, as paths under the TFTP root.
    pub named: Vec<String>,
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListXmlError {
    #[error("it is no list of pictures: {0}")]
    NotAList(String),
    #[error("it has {0} entries, and phones read {MOST_ENTRIES} at most; take one out first")]
    Full(usize),
    #[error("its version {} cannot be made larger; write it as 1.0", quoted(.0))]
    Version(String),
    /// The list with the entry, read back, is not the list that was read plus that entry.
    #[error("with the new entry it would not be read back as it is: {0}")]
    NotReadBack(String),
}

/// Makes a list with this entry alone.
pub fn new_list(schema: PushSchema, entry: &ListEntry) -> Listed {
    let version = match schema {
        PushSchema::Classic => "",
        PushSchema::PhoneOs => " version=\"1.0\"",
    };
    let xml = format!("<{ROOT}{version}>\n{}\n</{ROOT}>\n", item(schema, entry));
    Listed { xml, entries: 1, unchanged: false, other_thumbnail: None, named: Vec::new() }
}

/// Adds an entry to a list, unless it has it already.
pub fn add_to_list(
    xml: &str,
    schema: PushSchema,
    entry: &ListEntry,
) -> Result<Listed, ListXmlError> {
    let list = XmlList::parse(xml, ROOT).map_err(ListXmlError::NotAList)?;
    let before = items(&list);
    let wanted = printable(&address(entry, &entry.background)).into_owned();
    let (background, thumbnail) = match schema {
        PushSchema::Classic => ("URL", "Image"),
        PushSchema::PhoneOs => ("Image", "Thumbnail"),
    };
    let entries = before.len();
    let named = before.iter().flatten().filter_map(|(_, value)| tftp_path(value)).collect();
    let value_of = |item: &Item, key| {
        item.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    };
    if let Some(item) =
        before.iter().find(|item| value_of(item, background) == Some(wanted.clone()))
    {
        let ours = printable(&address(entry, &entry.thumbnail)).into_owned();
        let other_thumbnail = value_of(item, thumbnail).filter(|value| *value != ours);
        return Ok(Listed {
            xml: xml.to_owned(),
            entries,
            unchanged: true,
            other_thumbnail,
            named,
        });
    }
    if entries >= MOST_ENTRIES {
        return Err(ListXmlError::Full(entries));
    }
    let new = item(schema, entry);
    let counted = match schema {
        PushSchema::Classic => xml.to_owned(),
        PushSchema::PhoneOs => with_next_version(xml, &list)?,
    };
    let list = XmlList::parse(&counted, ROOT).map_err(ListXmlError::NotReadBack)?;
    let merged = list.with_entry(&format!("{new}\n"));
    read_back(&merged, before, &new)?;
    let other_thumbnail = None;
    Ok(Listed { xml: merged, entries: entries + 1, unchanged: false, other_thumbnail, named })
}

/// Returns the path of a `TFTP:` address.
fn tftp_path(address: &str) -> Option<String> {
    let (scheme, path) = address.trim().split_at_checked("TFTP:".len())?;
    scheme.eq_ignore_ascii_case("TFTP:").then(|| path.trim_start_matches('/').to_owned())
}

type Item = Vec<(String, String)>;

fn items(list: &XmlList<'_>) -> Vec<Item> {
    let entries = list.root().children().filter(|node| node.tag_name().name() == ITEM);
    entries
        .map(|entry| {
            let attributes = entry.attributes();
            attributes.map(|of| (of.name().to_owned(), of.value().to_owned())).collect()
        })
        .collect()
}

/// Checks that a merged list holds what it held before, in that order, and the new entry behind it.
fn read_back(merged: &str, before: Vec<Item>, new: &str) -> Result<(), ListXmlError> {
    let list = XmlList::parse(merged, ROOT).map_err(ListXmlError::NotReadBack)?;
    let alone = format!("<{ROOT}>{new}</{ROOT}>");
    let alone = XmlList::parse(&alone, ROOT).map_err(ListXmlError::NotReadBack)?;
    let mut expected = before;
    expected.extend(items(&alone));
    if items(&list) == expected {
        Ok(())
    } else {
        Err(ListXmlError::NotReadBack("its entries are not the same".to_owned()))
    }
}

/// Returns the list's text with the next version, and version 1.0 where it has none.
fn with_next_version(xml: &str, list: &XmlList<'_>) -> Result<String, ListXmlError> {
    let (range, version) = match list.root_attribute("version") {
        Some(value) => (value.clone(), next_version(&xml[value])?),
        None => {
            let behind_name = list.root().range().start + 1 + ROOT.len();
            (behind_name..behind_name, " version=\"1.0\"".to_owned())
        }
    };
    Ok([&xml[..range.start], &version, &xml[range.end..]].concat())
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
const ITEM: &str = "ImageItem";

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
            let list = XmlList::parse(&merged, ROOT).unwrap();
            assert_eq!(items(&list).len(), 1, "{merged}");
            let value = list.root_attribute("version").unwrap();
            assert_eq!(&merged[value], version, "{merged}");
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
            let mut reader = quick_xml::reader::Reader::from_str(&list);
            let mut held = Vec::new();
            loop {
                let event = reader.read_event().unwrap();
                if let quick_xml::events::Event::Empty(item) = event {
                    let name = item.try_get_attribute("Name").unwrap().unwrap();
                    held.push(quick_xml::escape::unescape(&name.value).unwrap().into_owned());
                } else if event == quick_xml::events::Event::Eof {
                    break;
                }
            }
            let mut wanted: Vec<_> = names.iter().map(|name| printable(name).into_owned()).collect();
            wanted.sort();
            wanted.dedup();
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
