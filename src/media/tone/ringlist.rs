//! `Ringlist.xml`: the tones that users may choose from.
//!
//! A list that is there already belongs to somebody: an entry is put in front of its end, and everything else
//! stays as it is, byte for byte.

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

use crate::domain::text::{excerpt, is_steering};

/// A ring list with an entry more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Merged {
    /// The whole file.
    pub text: String,
    /// Whether the file's name stood there already; then nothing was added.
    pub was_there: bool,
}

/// A ring list that an entry cannot be added to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RingListError {
    /// It is not XML, or another document.
    #[error("it is no ring list: {0}")]
    NotAList(String),
    /// It has as many entries as phones read.
    #[error("it has {0} rings, and phones read {MOST_RINGS}")]
    Full(usize),
    /// A name with a character that XML does not have or nobody sees.
    #[error("{what} holds the character U+{code:04X}, which no list can hold; choose another name")]
    Unprintable {
        /// Which name.
        what: &'static str,
        /// The character's code.
        code: u32,
    },
    /// A name that phones do not take.
    #[error("{what} {name:?} has {length} characters; phones read {LONGEST_NAME} at most")]
    TooLong {
        /// Which name.
        what: &'static str,
        /// The name.
        name: String,
        /// Its length in characters.
        length: usize,
    },
}

/// Adds an entry to a ring list, or makes a list with that entry.
///
/// # Errors
/// When the list cannot be understood or is full, or a name is too long.
pub fn merge(list: Option<&str>, display: &str, file: &str) -> Result<Merged, RingListError> {
    for (what, name) in [("the display name", display), ("the file name", file)] {
        if let Some(c) = name.chars().find(|c| is_steering(*c)) {
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
        return Ok(Merged { text, was_there: false });
    };
    // The reader does not count a byte order mark.
    let (mark, list) = match list.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", list),
    };
    let Known { files, end } = read(list)?;
    if files.iter().any(|known| known == file) {
        return Ok(Merged { text: format!("{mark}{list}"), was_there: true });
    }
    if files.len() >= MOST_RINGS {
        return Err(RingListError::Full(files.len()));
    }
    let (before, after) = list.split_at(end);
    let text = format!("{before}{entry}{after}");
    // Somebody's list is not replaced by one that lacks an entry, or that phones cannot read.
    let kept = read(&text)?.files;
    if !kept.starts_with(&files) || kept.len() != files.len() + 1 {
        return Err(RingListError::NotAList("an entry cannot be added without harm".to_owned()));
    }
    Ok(Merged { text: format!("{mark}{text}"), was_there: false })
}

/// What a list holds.
struct Known {
    files: Vec<String>,
    /// Where its end tag begins, in bytes.
    end: usize,
}

fn read(list: &str) -> Result<Known, RingListError> {
    let no_list = |why: &str| RingListError::NotAList(excerpt(why, 200));
    let mut reader = Reader::from_str(list);
    let (mut open, mut files, mut end) = (Vec::<String>::new(), Vec::new(), None);
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match reader.read_event().map_err(|error| no_list(&error.to_string()))? {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                if open.is_empty() && name != ROOT {
                    return Err(no_list(&format!("it begins with <{name}>")));
                }
                if name == "FileName" {
                    files.push(String::new());
                }
                open.push(name);
            }
            Event::End(_) => {
                open.pop();
                if open.is_empty() {
                    end = Some(at);
                }
            }
            Event::Text(text) if in_file_name(&open) => {
                if let Some(file) = files.last_mut() {
                    file.push_str(text.trim());
                }
            }
            Event::GeneralRef(name) if in_file_name(&open) => {
                let reference = format!("&{};", &*name);
                let text = quick_xml::escape::unescape(&reference);
                let text = text.map_err(|error| no_list(&error.to_string()))?;
                if let Some(file) = files.last_mut() {
                    file.push_str(&text);
                }
            }
            Event::Eof => break,
            Event::Empty(_)
            | Event::Text(_)
            | Event::GeneralRef(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
    let end = end.filter(|_| open.is_empty()).ok_or_else(|| no_list("it has no end"))?;
    Ok(Known { files, end })
}

fn in_file_name(open: &[String]) -> bool {
    open.last().is_some_and(|name| name == "FileName")
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
        let document = resvg::usvg::roxmltree::Document::parse(list).unwrap();
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
    fn a_new_list_is_one_that_can_be_added_to() {
        let new = merge(None, "Chime", "chime.raw").unwrap();
        let more = merge(Some(&new.text), "Bell", "bell.raw").unwrap();
        assert_eq!(more.text.matches("<Ring>").count(), 2);
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
                let mut known = read(&text).unwrap().files;
                known.sort();
                let mut wanted = names;
                wanted.sort();
                wanted.dedup();
                prop_assert_eq!(known, wanted);
            }
        }
    }
}
