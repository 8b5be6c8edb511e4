//! Whether the cluster is being upgraded, as its user data service (UDS) reports it without credentials.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The path of the document with the version of the server.
pub const VERSION_PATH: &str = "/cucm-uds/version";

/// Reads `upgradeInProgress`, an element or an attribute; nothing where the document lacks it, as that of old releases.
pub fn upgrade_in_progress(document: &str) -> Option<bool> {
    let mut reader = Reader::from_str(document);
    let mut inside = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                if let Some(value) = attribute(&start) {
                    return flag(&value);
                }
                inside = is_wanted(start.local_name().as_ref());
            }
            Event::Text(text) if inside => return flag(&text),
            Event::End(_) => inside = false,
            Event::Eof => return None,
            Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::Comment(_)
            | Event::DocType(_) => {}
        }
    }
}

fn attribute(start: &BytesStart<'_>) -> Option<String> {
    let wanted = start.attributes().flatten().find(|at| is_wanted(at.key.local_name().as_ref()));
    wanted.map(|attribute| attribute.value.into_owned())
}

fn is_wanted(name: &str) -> bool {
    name.eq_ignore_ascii_case("upgradeInProgress")
}

fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" => Some(true),
        "false" | "f" | "no" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_element_or_an_attribute() {
        let of = |inner: &str| {
            upgrade_in_progress(&format!(
                "<?xml version=\"1.0\"?><versionInformation version=\"15.0.1\">{inner}</versionInformation>"
            ))
        };
        let element = |value| of(&format!("<a><upgradeInProgress>{value}</upgradeInProgress></a>"));
        assert_eq!(element("true"), Some(true));
        assert_eq!(element(" False\n"), Some(false));
        assert_eq!(element("perhaps"), None);
        assert_eq!(of("<capabilities upgradeInProgress=\"true\"/>"), Some(true));
        assert_eq!(of("<upgradeInProgress/><other>true</other>"), None);
        assert_eq!(upgrade_in_progress("<versionInformation version=\"11.5.1\"/>"), None);
        assert_eq!(upgrade_in_progress("<html><body>404"), None);
    }
}
