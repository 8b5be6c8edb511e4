//! `Ringlist.xml`: the tones that users may choose from.
//!
//! An existing list belongs to an administrator: an entry is put in front of its end, and everything else
//! stays as it is, byte for byte.

use quick_xml::escape::escape;

use crate::domain::text::{is_control_or_bidi, quoted};
use crate::media::xml_list::{XmlList, text_of};

/// A ring list with an entry more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Merged {
    pub text: String,
    /// Whether the file's name stood there already; then nothing was added.
    pub was_there: bool,
    /// The files that the list named before.
    pub named: Vec<String>,
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RingListError {
    #[error("it is no ring list: {0}")]
    NotAList(String),
    #[error("it has {0} rings, and phones read {MOST_RINGS}")]
    Full(usize),
    /// A name with a character that XML does not have or that is invisible.
    #[error("{what} holds the character U+{code:04X}, which no list can hold; choose another name")]
    Unprintable { what: &'static str, code: u32 },
    #[error("{what} {} has {length} characters; phones read {LONGEST_NAME} at most", quoted(name))]
    TooLong { what: &'static str, name: String, length: usize },
    /// The list with the entry, read back, is not the list that was read plus that entry.
    #[error("with the new entry it would not be read back as it is: {0}")]
    NotReadBack(String),
}

/// Adds an entry to a ring list, or makes a list with that entry.
pub fn merge(list: Option<&str>, display: &str, file: &str) -> Result<Merged, RingListError> {
    for (what, name) in [("the display name", display), ("the file name", file)] {
        if let Some(c) = name.chars().find(|c| is_control_or_bidi(*c)) {
            return Err(RingListError::Unprintable { what, code: c.into() });
        }
        let length = name.chars().count();
        if length == 0 || length > LONGEST_NAME {
            return Err(RingListError::TooLong { what, name: name.to_owned(), length });
        }
    }
    let entry = format!(
        "  <Ring>\n    <DisplayName>{}</DisplayName>\n    <FileName>{}</FileName>\n  </Ring>\n",
        escape(display),
        escape(file)
    );
    let Some(list) = list else {
        let text =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{ROOT}>\n{entry}</{ROOT}>\n");
        read_back(&text, Vec::new(), (display, file))?;
        return Ok(Merged { text, was_there: false, named: Vec::new() });
    };
    let known = XmlList::parse(list, ROOT).map_err(RingListError::NotAList)?;
    let before = rings(&known);
    let named = before.iter().map(|ring| ring.file.clone()).collect();
    if before.iter().any(|ring| ring.file == file) {
        return Ok(Merged { text: list.to_owned(), was_there: true, named });
    }
    if before.len() >= MOST_RINGS {
        return Err(RingListError::Full(before.len()));
    }
    let text = known.with_entry(&entry);
    read_back(&text, before, (display, file))?;
    Ok(Merged { text, was_there: false, named })
}

#[derive(Debug, Eq, PartialEq)]
struct Ring {
    display: Option<String>,
    file: String,
}

fn rings(list: &XmlList<'_>) -> Vec<Ring> {
    let files = list.root().descendants().filter(|node| node.tag_name().name() == "FileName");
    files
        .map(|file| {
            let mut beside = file.parent_element().into_iter().flat_map(|ring| ring.children());
            let display = beside.rfind(|node| node.tag_name().name() == "DisplayName");
            Ring { display: display.map(text_of), file: text_of(file).trim().to_owned() }
        })
        .collect()
}

/// Checks that a merged list holds what it held before, in that order, and the new entry behind it.
fn read_back(merged: &str, before: Vec<Ring>, new: (&str, &str)) -> Result<(), RingListError> {
    let list = XmlList::parse(merged, ROOT).map_err(RingListError::NotReadBack)?;
    let mut expected = before;
    expected.push(Ring { display: Some(new.0.to_owned()), file: new.1.to_owned() });
    if rings(&list) == expected {
        Ok(())
    } else {
        Err(RingListError::NotReadBack("its entries are not the same".to_owned()))
    }
}

const ROOT: &str = "CiscoIPPhoneRingList";

/// So many rings phones read, and names of so many characters (usecallmanager.nz, "Ring Tones").
const MOST_RINGS: usize = 50;
const LONGEST_NAME: usize = 25;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = "<CiscoIPPhoneRingList>\r\n<!-- ours --><Ring><DisplayName>A &amp; B</DisplayName>\
        <FileName>a&amp;b.raw</FileName></Ring>\r\n</CiscoIPPhoneRingList>\r\n";

    #[test]
    fn a_list_keeps_everything_that_it_had() {
        let merged = merge(Some(LIST), "Chime <1>", "chime.raw").unwrap();
        let at = LIST.find("</CiscoIPPhoneRingList>").unwrap();
        assert!(merged.text.starts_with(&LIST[..at]) && merged.text.ends_with(&LIST[at..]));
        assert!(merged.text.contains("<DisplayName>Chime &lt;1&gt;</DisplayName>"));
        let again = merge(Some(&merged.text), "Other", "chime.raw").unwrap();
        assert_eq!((again.text, again.was_there), (merged.text, true));
        assert!(merge(Some(LIST), "X", "a&b.raw").unwrap().was_there);
    }

    #[test]
    fn a_byte_order_mark_moves_nothing() {
        let merged = merge(Some(&format!("\u{feff}{LIST}")), "Café", "b.raw").unwrap();
        let list = merged.text.strip_prefix('\u{feff}').unwrap();
        let document = roxmltree::Document::parse(list).unwrap();
        let files: Vec<_> = (document.descendants().filter(|found| found.has_tag_name("FileName")))
            .filter_map(|found| found.text())
            .collect();
        assert_eq!(files, ["a&b.raw", "b.raw"]);
        assert_eq!(list.replace(&merge(Some(LIST), "Café", "b.raw").unwrap().text, ""), "");
    }

    #[test]
    fn names_that_no_list_can_hold_are_refused() {
        for name in ["a\u{1}", "a\tb", "a\u{85}", "a\u{202e}b", "\u{feff}a", "a\u{ffff}"] {
            let refused = merge(Some(LIST), name, "b.raw").unwrap_err();
            assert!(matches!(refused, RingListError::Unprintable { .. }), "{refused}");
        }
    }

    #[test]
    fn what_is_no_list_is_left_alone() {
        for wrong in
            ["", "<html></html>", "<CiscoIPPhoneRingList>", "<CiscoIPPhoneRingList></x>", "no"]
        {
            assert!(
                matches!(merge(Some(wrong), "A", "a.raw"), Err(RingListError::NotAList(_))),
                "{wrong}"
            );
        }
        let ring = "<Ring><DisplayName>A</DisplayName><FileName>F.raw</FileName></Ring>";
        let full: String = (0..50).map(|n| ring.replace("F.raw", &format!("f{n}.raw"))).collect();
        let full = format!("<CiscoIPPhoneRingList>{full}</CiscoIPPhoneRingList>");
        assert_eq!(merge(Some(&full), "A", "a.raw"), Err(RingListError::Full(50)));
        assert!(merge(Some(&full), "A", "f7.raw").unwrap().was_there);
        assert!(matches!(
            merge(None, &"x".repeat(26), "a.raw"),
            Err(RingListError::TooLong { .. })
        ));
        assert!(matches!(merge(None, "", "a.raw"), Err(RingListError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn every_entry_is_still_there(names in proptest::collection::vec("[a-z&<>\"é]{1,20}", 0..20)) {
            let mut text = None;
            for name in &names {
                text = Some(merge(text.as_deref(), name, name).unwrap().text);
            }
            if let Some(text) = text {
                let list = XmlList::parse(&text, ROOT).unwrap();
                let mut known: Vec<_> = rings(&list).into_iter().map(|ring| ring.file).collect();
                known.sort();
                let mut wanted = names;
                wanted.sort();
                wanted.dedup();
                prop_assert_eq!(known, wanted);
            }
        }
    }
}
