//! The product-specific settings as markup, so that one of them can be changed and all others stay as they are.
//!
//! AXL takes `vendorConfig` as a whole, and the schema does not define its content. So each setting is
//! kept byte for byte as the server sent it, whatever it holds.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::write::escape;
use crate::domain::text::{is_readable, quoted};

/// The content of a `vendorConfig`, every setting as the server wrote it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct VendorMarkup {
    settings: Vec<Setting>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Setting {
    name: String,
    markup: String,
    /// Its text, where it holds text only.
    text: Option<String>,
}

/// Why settings cannot be written back as they are.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MarkupError {
    #[error("its product-specific settings are no well-formed XML: {0}")]
    Malformed(String),
    /// They use prefixes, whose meaning would be lost.
    #[error(
        "its product-specific settings use the prefixed name {}, which cannot be written back"
    , quoted(.0))]
    Prefixed(String),
    /// A value could not be read, so that writing it back would replace it.
    #[error("its field {} holds a character that cannot be read, so it is not written back", quoted(.0))]
    Unreadable(String),
    /// There is text between them, which belongs to nothing.
    #[error("there is text between its product-specific settings, which cannot be written back")]
    Stray,
}

impl VendorMarkup {
    /// No settings at all, for readers that must put something there before they look.
    pub fn none() -> Result<Self, MarkupError> {
        Ok(Self::default())
    }

    /// Finds the first `vendorConfig` of a document; an answer without one has no settings.
    ///
    /// # Errors
    /// When the settings could not be written back as they are.
    pub fn find(document: &str) -> Result<Self, MarkupError> {
        // The reader does not count a byte order mark in its positions.
        let document = document.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(document);
        loop {
            match next(&mut reader)? {
                Event::Start(start) if is_vendor_config(&start) => {
                    return settings(document, &mut reader);
                }
                Event::Empty(start) if is_vendor_config(&start) => return Ok(Self::default()),
                Event::Eof => return Ok(Self::default()),
                Event::Start(_)
                | Event::Empty(_)
                | Event::End(_)
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

    /// Returns the value of a setting; the name is compared without case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.is(name))?.text.as_deref()
    }

    /// Sets one setting: in its place, or at the end where it is new.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.clone();
        let new = |name: &str| Setting {
            name: name.to_owned(),
            markup: format!("<{name}>{}</{name}>", escape(value)),
            text: Some(value.to_owned()),
        };
        match changed.settings.iter_mut().find(|setting| setting.is(name)) {
            // The server's own spelling of the name stays.
            Some(setting) => *setting = new(&setting.name.clone()),
            None => changed.settings.push(new(name)),
        }
        changed
    }

    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let settings = self.settings.iter().filter(|setting| !setting.is(name)).cloned().collect();
        Self { settings }
    }

    /// Returns the elements, as they are written into a request.
    pub fn markup(&self) -> String {
        self.settings.iter().map(|setting| setting.markup.as_str()).collect()
    }

    /// Returns every setting but one, sorted: servers promise no order.
    pub fn others(&self, name: &str) -> Vec<&str> {
        let mut others: Vec<&str> = self
            .settings
            .iter()
            .filter(|setting| !setting.is(name))
            .map(|setting| setting.markup.as_str())
            .collect();
        others.sort_unstable();
        others
    }
}

impl Setting {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Puts settings into a request in whose text an empty `vendorConfig` marks their place.
///
/// Nothing else in a request can look like that mark, because every value is escaped.
pub fn put_into(request: &str, settings: &VendorMarkup) -> String {
    let full = format!("<vendorConfig>{}</vendorConfig>", settings.markup());
    request.replacen("<vendorConfig/>", &full, 1)
}

fn is_vendor_config(start: &BytesStart<'_>) -> bool {
    start.local_name().into_inner() == "vendorConfig"
}

fn settings(document: &str, reader: &mut Reader<&[u8]>) -> Result<VendorMarkup, MarkupError> {
    let mut settings = Vec::new();
    loop {
        let from = place(reader);
        match next(reader)? {
            Event::Start(start) => {
                check(&start)?;
                let name = start.name().into_inner().to_owned();
                let text = inside(reader)?;
                let markup = cut(document, from, place(reader))?;
                if !is_readable(&markup) {
                    return Err(MarkupError::Unreadable(name));
                }
                settings.push(Setting { name, markup, text });
            }
            Event::Empty(start) => {
                check(&start)?;
                let name = start.name().into_inner().to_owned();
                let markup = cut(document, from, place(reader))?;
                if !is_readable(&markup) {
                    return Err(MarkupError::Unreadable(name));
                }
                settings.push(Setting { name, markup, text: Some(String::new()) });
            }
            Event::End(_) => return Ok(VendorMarkup { settings }),
            Event::Text(text) if text.trim().is_empty() => {}
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return Err(MarkupError::Malformed("it is cut off".to_owned())),
            Event::Text(_)
            | Event::CData(_)
            | Event::Decl(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => return Err(MarkupError::Stray),
        }
    }
}

/// Reads to the end of a setting; returns its text, unless it holds other elements.
fn inside(reader: &mut Reader<&[u8]>) -> Result<Option<String>, MarkupError> {
    let mut text = Some(String::new());
    let mut depth = 0_usize;
    loop {
        let more = match next(reader)? {
            Event::Start(start) => {
                check(&start)?;
                text = None;
                depth += 1;
                continue;
            }
            Event::Empty(start) => {
                check(&start)?;
                text = None;
                continue;
            }
            Event::End(_) if depth == 0 => return Ok(text),
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            Event::Text(more) => more.xml10_content().into_owned(),
            Event::CData(more) => more.xml10_content().into_owned(),
            Event::GeneralRef(entity) => {
                let entity = format!("&{};", entity.into_inner());
                let resolved = quick_xml::escape::unescape(&entity);
                resolved.map_err(|error| MarkupError::Malformed(error.to_string()))?.into_owned()
            }
            Event::Comment(_) | Event::PI(_) => continue,
            Event::Eof | Event::Decl(_) | Event::DocType(_) => {
                return Err(MarkupError::Malformed("it is cut off".to_owned()));
            }
        };
        if let Some(text) = &mut text {
            text.push_str(&more);
        }
    }
}

/// A prefix is declared somewhere around the settings, so it means nothing where they are written to.
fn check(start: &BytesStart<'_>) -> Result<(), MarkupError> {
    let element = start.name().into_inner().to_owned();
    if element.contains(':') {
        return Err(MarkupError::Prefixed(element));
    }
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| MarkupError::Malformed(error.to_string()))?;
        let name = attribute.key.into_inner();
        if name.contains(':') {
            return Err(MarkupError::Prefixed(name.to_owned()));
        }
    }
    Ok(())
}

fn next<'a>(reader: &mut Reader<&'a [u8]>) -> Result<Event<'a>, MarkupError> {
    reader.read_event().map_err(|error| MarkupError::Malformed(error.to_string()))
}

fn place(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn cut(document: &str, from: usize, to: usize) -> Result<String, MarkupError> {
    let part = document.get(from..to).map(str::to_owned);
    part.ok_or_else(|| MarkupError::Malformed("it is cut off".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ODD: &str = "<a:phone xmlns:a='urn:a'><name>x</name><vendorConfig>\n  <garp>1</garp> \
        <WebAccess>1</WebAccess><ssh a=\"1 &amp; 2\"><inner/>R&amp;D</ssh><!-- c --><note> two  words </note>\
        <cdata><![CDATA[<&>]]></cdata><empty/></vendorConfig></a:phone>";

    #[test]
    fn one_setting_changes_and_all_others_stay_byte_for_byte() {
        let found = VendorMarkup::find(ODD).unwrap();
        assert_eq!(found.get("webAccess"), Some("1"));
        assert_eq!(found.get("note"), Some(" two  words "));
        assert_eq!(found.get("cdata"), Some("<&>"));
        assert_eq!((found.get("ssh"), found.get("none")), (None, None));
        let changed = found.with("webAccess", "0");
        assert_eq!(
            changed.markup(),
            "<garp>1</garp><WebAccess>0</WebAccess><ssh a=\"1 &amp; 2\"><inner/>R&amp;D</ssh>\
             <note> two  words </note><cdata><![CDATA[<&>]]></cdata><empty/>"
        );
        assert_eq!(changed.others("webaccess"), found.others("webaccess"));
        assert_eq!(found.without("WEBACCESS").others("x").len(), 5);
        assert_eq!(VendorMarkup::find(&format!("\u{feff}{ODD}")).unwrap(), found);
    }

    #[test]
    fn a_new_setting_comes_at_the_end() {
        for document in ["<p><vendorConfig/></p>", "<p/>", "<p><vendorConfig></vendorConfig></p>"] {
            let found = VendorMarkup::find(document).unwrap();
            assert_eq!(found.with("webAccess", "0").markup(), "<webAccess>0</webAccess>");
        }
    }

    #[test]
    fn what_cannot_be_written_back_is_refused() {
        let refused = |inside: &str| {
            VendorMarkup::find(&format!("<p xmlns:x='u'><vendorConfig>{inside}</vendorConfig></p>"))
                .unwrap_err()
        };
        assert_eq!(refused("<a x:nil='true'/>"), MarkupError::Prefixed("x:nil".into()));
        assert_eq!(refused("<a><x:b/></a>"), MarkupError::Prefixed("x:b".into()));
        assert_eq!(refused("<a/>stray"), MarkupError::Stray);
        assert!(matches!(refused("<a></b>"), MarkupError::Malformed(_)));
        assert_eq!(refused("<a/><b>x\u{FFFD}</b>"), MarkupError::Unreadable("b".into()));
        assert_eq!(refused("<a x='\u{FFFD}'/>"), MarkupError::Unreadable("a".into()));
    }

    #[test]
    fn settings_are_put_where_the_mark_is() {
        let settings = VendorMarkup::default().with("webAccess", "0");
        assert_eq!(
            put_into("<phone><vendorConfig/><b/></phone>", &settings),
            "<phone><vendorConfig><webAccess>0</webAccess></vendorConfig><b/></phone>"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_whatever_stands_there(
            names in proptest::collection::vec("[a-v][a-zA-Z0-9]{0,8}", 0..12),
            values in proptest::collection::vec("[^\\x00-\\x1f\\x7f\u{fffd}\u{fffe}\u{ffff}]{0,20}", 12),
        ) {
            let mut settings = String::new();
            for (name, value) in names.iter().zip(&values) {
                settings += &["<", name, ">", &escape(value), "</", name, ">"].concat();
            }
            let document = format!("<p><vendorConfig>{settings}</vendorConfig></p>");
            let found = VendorMarkup::find(&document).unwrap();
            prop_assert_eq!(found.markup(), settings);
            let changed = found.with("webAccess", "0");
            let again = VendorMarkup::find(&put_into("<p><vendorConfig/></p>", &changed)).unwrap();
            prop_assert_eq!(&again, &changed);
            prop_assert_eq!(again.others("webAccess"), found.others("webAccess"));
            for (name, value) in names.iter().zip(&values).rev() {
                let first = names.iter().position(|other| other.eq_ignore_ascii_case(name));
                if first.and_then(|at| values.get(at)) == Some(value) {
                    prop_assert_eq!(again.get(name), Some(value.as_str()));
                }
            }
        }

        #[test]
        fn never_panics(inside in "[<>/&;:a-c \"=!\\[\\]?-]{0,60}") {
            drop(VendorMarkup::find(&format!("<p><vendorConfig>{inside}</vendorConfig></p>")));
        }
    }
}
