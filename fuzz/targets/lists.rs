//! Lists of a TFTP server that get one more entry.

use axlpaper::domain::model::PushSchema;
use axlpaper::media::{ListEntry, add_to_list, merge_ring_list};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::with_text;

/// A picture is added to a list of pictures: all entries stay, and two parsers read the result.
pub fn list_xml(data: &[u8]) {
    with_text(data, |text| {
        let (list, name) = list_and_name(text);
        let entry = ListEntry {
            folder: "Desktops/DP-9871".into(),
            background: "wallpaper-new.png".into(),
            thumbnail: "thumbnail-new.png".into(),
            name: name.to_owned(),
            dark: true,
        };
        for schema in [PushSchema::Classic, PushSchema::PhoneOs] {
            let Ok(listed) = add_to_list(list, schema, &entry) else { continue };
            if listed.unchanged {
                assert_eq!(listed.xml, list);
                continue;
            }
            // The version is the only other part that may change.
            let kept = if schema == PushSchema::Classic { list.len() } else { 0 };
            check(list, &listed.xml, "ImageItem", kept);
            let again = add_to_list(&listed.xml, schema, &entry).expect("it is a list still");
            assert!(again.unchanged && again.entries == listed.entries, "{}", listed.xml);
        }
    });
}

/// A tone is added to a ring list: all entries stay, and two parsers read the result.
pub fn ring_list(data: &[u8]) {
    with_text(data, |text| {
        let (list, name) = list_and_name(text);
        let Ok(merged) = merge_ring_list(Some(list), name, "new.raw") else { return };
        if merged.was_there {
            assert_eq!(merged.text, list);
            return;
        }
        check(list, &merged.text, "FileName", list.len());
        let again = merge_ring_list(Some(&merged.text), name, "new.raw").expect("a list still");
        assert!(again.was_there, "{}", merged.text);
    });
}

/// The name of the new entry is what follows the list's last `#`.
fn list_and_name(text: &str) -> (&str, &str) {
    text.rsplit_once('#').filter(|(_, name)| name.len() < 64).unwrap_or((text, "New"))
}

/// Checks that a merge has kept all elements of this name, and at least this many bytes in their order.
fn check(before: &str, after: &str, element: &str, kept: usize) {
    if let Err(error) = roxmltree::Document::parse(after) {
        panic!("{error}: {after:?}");
    }
    let (old, new) = (elements(before, element), elements(after, element));
    assert_eq!(new.len(), old.len() + 1, "{after:?}");
    assert!(new.starts_with(&old), "{before:?} became {after:?}");
    let start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let end = before.bytes().rev().zip(after.bytes().rev()).take_while(|(a, b)| a == b).count();
    // `<List/>` becomes a pair of tags, so its last two bytes may go.
    assert!(start + end + 2 >= kept, "{before:?} became {after:?}");
}

/// The elements of this name with their attributes and the text behind their start tag, by another parser.
fn elements(xml: &str, wanted: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut found, mut inside) = (Vec::<String>::new(), false);
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {xml:?}")) {
            Event::Start(tag) => {
                inside = tag.local_name().as_ref() == wanted;
                if inside {
                    found.push(String::from(&*tag));
                }
            }
            Event::Empty(tag) if tag.local_name().as_ref() == wanted => {
                found.push(String::from(&*tag));
            }
            Event::Text(text) if inside => {
                if let Some(last) = found.last_mut() {
                    last.push_str(&text);
                }
            }
            Event::End(_) => inside = false,
            Event::Eof => return found,
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}
