//! Whether the cluster is being upgraded, as its user data service (UDS) reports it without credentials.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The path of the document with the version of the server.
pub const VERSION_PATH: &str = "/cucm-uds/version";

/// The answer is not the document with the version of the server: a login page, or that of a proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoVersionDocument;

/// Reads `upgradeInProgress`, an element or an attribute; nothing where the document lacks it, as that of old releases.
///
/// # Errors
/// When the text is another document, or is cut off.
pub fn upgrade_in_progress(document: &str) -> Result<Option<bool>, NoVersionDocument> {
    let mut reader = Reader::from_str(document);
    let (mut depth, mut inside) = (0_usize, false);
    let mut in_progress = None;
    loop {
        let event = reader.read_event().map_err(|_| NoVersionDocument)?;
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                let name = start.local_name();
                if depth == 0 && !name.as_ref().eq_ignore_ascii_case("versionInformation") {
                    return Err(NoVersionDocument);
                }
                in_progress = in_progress.or_else(|| flag(&attribute(start)?));
                if matches!(event, Event::Start(_)) {
                    depth += 1;
                    inside = is_wanted(name.as_ref());
                } else if depth == 0 {
                    return Ok(in_progress);
                }
            }
            Event::Text(text) if inside => in_progress = in_progress.or_else(|| flag(&text)),
            Event::End(_) => {
                (depth, inside) = (depth.saturating_sub(1), false);
                if depth == 0 {
                    return Ok(in_progress);
                }
            }
            Event::Eof => return Err(NoVersionDocument),
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
        assert_eq!(element("true"), Ok(Some(true)));
        assert_eq!(element(" False\n"), Ok(Some(false)));
        assert_eq!(element("perhaps"), Ok(None));
        assert_eq!(of("<capabilities upgradeInProgress=\"true\"/>"), Ok(Some(true)));
        assert_eq!(of("<upgradeInProgress/><other>true</other>"), Ok(None));
        assert_eq!(upgrade_in_progress("<versionInformation version=\"11.5.1\"/>"), Ok(None));
        for other in [
            "<html><body>404",
            "<!DOCTYPE html><html><body><p>Log in</p></body></html>",
            "<versionInformation version=\"15.0.1\"><capabilities>",
            "{\"version\": 1}",
            "",
        ] {
            assert_eq!(upgrade_in_progress(other), Err(NoVersionDocument), "{other}");
        }
    }
}
