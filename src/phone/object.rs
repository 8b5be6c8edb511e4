//! The objects that are posted to a phone.
//!
//! The classic `setBackground` has never been documented; its shape was seen in the traffic of Cisco's
//! Phone Designer and is what published tools send. The PhoneOS one is in Cisco's help for the
//! 9800 series.

use std::io;

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;

use crate::domain::model::PushSchema;
use crate::domain::text::is_xml_character;
use crate::phone::error::{LongPart, PhoneError};

/// Something that can be posted to a phone.
pub trait PushObject: Sync {
    fn to_xml(&self) -> Result<String, PhoneError>;
}

/// The longest object that every phone reads, in bytes before form encoding.
///
/// Older editions of Cisco's XML services notes say 512 bytes, the newest says 40 Kbytes; nothing tells which
/// phone reads which, so the smaller one holds for all.
pub const OBJECT_LIMIT: usize = 512;

/// Writes an object of these parts, the heaviest of which is named when it is too long.
pub(super) fn write_object(
    parts: &[(LongPart, &str)],
    write: impl FnOnce(&mut Writer<Vec<u8>>) -> io::Result<()>,
) -> Result<String, PhoneError> {
    for (part, text) in parts {
        if let Some(bad) = text.chars().find(|c| !is_xml_character(*c)) {
            return Err(PhoneError::NotXml { part: *part, code: u32::from(bad) });
        }
    }
    let mut writer = Writer::new(Vec::with_capacity(OBJECT_LIMIT));
    // A Vec takes every byte, so the writer has nothing to fail on.
    declare(&mut writer)
        .and_then(|()| write(&mut writer))
        .expect("writing into memory cannot fail");
    let xml = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    if xml.len() <= OBJECT_LIMIT {
        return Ok(xml);
    }
    let parts = parts.iter().map(|(part, text)| (*part, quick_xml::escape::escape(*text).len()));
    let (longest, longest_bytes) =
        parts.max_by_key(|(_, bytes)| *bytes).unwrap_or((LongPart::ImageUrl, 0));
    Err(PhoneError::ObjectTooLong { size: xml.len(), limit: OBJECT_LIMIT, longest, longest_bytes })
}

/// Without a declared encoding a phone assumes the character set of its user's locale.
fn declare(writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
}

/// Orders a phone to fetch a picture and make it its background.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetBackground {
    /// Which of the two objects the phone understands.
    pub schema: PushSchema,
    pub image_url: String,
    pub thumbnail_url: String,
    /// Where the picture for a key expansion module is; only PhoneOS asks for one, and needs none.
    pub kem_url: Option<String>,
    /// What the phone calls the picture; only PhoneOS shows it.
    pub name: String,
    /// Which text colours suit the picture; only PhoneOS asks.
    pub theme: Theme,
}

impl SetBackground {
    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        writer.create_element("setBackground").write_inner_content(|writer| {
            let background = writer.create_element("background");
            let (background, preview) = match self.schema {
                PushSchema::Classic => (background, "icon"),
                PushSchema::PhoneOs => (
                    background
                        .with_attribute(("name", self.name.as_str()))
                        .with_attribute(("theme", self.theme.as_str())),
                    "thumbnail",
                ),
            };
            background.write_inner_content(|writer| {
                writer
                    .create_element("image")
                    .write_text_content(BytesText::new(&self.image_url))?;
                writer
                    .create_element(preview)
                    .write_text_content(BytesText::new(&self.thumbnail_url))?;
                if let Some(kem_url) = self.kem() {
                    writer.create_element("kem").write_text_content(BytesText::new(kem_url))?;
                }
                Ok(())
            })?;
            Ok(())
        })?;
        Ok(())
    }

    /// The picture for a key expansion module, where the schema has one.
    fn kem(&self) -> Option<&str> {
        self.kem_url.as_deref().filter(|_| self.schema == PushSchema::PhoneOs)
    }

    /// The texts in the object of this schema.
    fn parts(&self) -> [(LongPart, &str); 4] {
        let name = match self.schema {
            PushSchema::Classic => "",
            PushSchema::PhoneOs => self.name.as_str(),
        };
        [
            (LongPart::Name, name),
            (LongPart::KemUrl, self.kem().unwrap_or_default()),
            (LongPart::ThumbnailUrl, self.thumbnail_url.as_str()),
            (LongPart::ImageUrl, self.image_url.as_str()),
        ]
    }
}

impl PushObject for SetBackground {
    fn to_xml(&self) -> Result<String, PhoneError> {
        write_object(&self.parts(), |writer| self.write(writer))
    }
}

/// Which of a PhoneOS phone's two appearances a picture belongs to.
///
/// Cisco's example of a push has the attribute without explaining it; by its name, a light picture
/// goes with dark text.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// Returns the theme for a picture of this mean brightness, from 0 (black) to 255 (white).
    pub fn of_brightness(brightness: u8) -> Self {
        if brightness < 128 { Self::Dark } else { Self::Light }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Orders a PhoneOS phone to remove the pushed background.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemoveBackground {
    pub name: String,
    /// Which of the two appearances it was for. Every published example names one.
    pub theme: Theme,
}

impl PushObject for RemoveBackground {
    fn to_xml(&self) -> Result<String, PhoneError> {
        write_object(&[(LongPart::Name, &self.name)], |writer| {
            writer.create_element("setBackground").write_inner_content(|writer| {
                let background = writer
                    .create_element("background")
                    .with_attribute(("name", self.name.as_str()))
                    .with_attribute(("theme", self.theme.as_str()));
                background.write_inner_content(|writer| {
                    // Both tags are there in Cisco's example, so it is not shortened to one.
                    writer.create_element("image").write_text_content(BytesText::new(""))?;
                    Ok(())
                })?;
                Ok(())
            })?;
            Ok(())
        })
    }
}

/// Orders a phone to fetch a ring tone and to ring with it.
///
/// Undocumented, as the classic `setBackground`; published tools send it to the phones that take that.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetRingTone {
    pub url: String,
}

impl PushObject for SetRingTone {
    fn to_xml(&self) -> Result<String, PhoneError> {
        write_object(&[(LongPart::ToneUrl, &self.url)], |writer| {
            writer.create_element("setRingTone").write_inner_content(|writer| {
                let tone = writer.create_element("ringTone");
                tone.write_text_content(BytesText::new(&self.url))?;
                Ok(())
            })?;
            Ok(())
        })
    }
}

/// Has a phone carry out some URIs, as `CiscoIPPhoneExecute` does.
///
/// The phone may carry them out in any order ("IP Phone Services Application Development Notes").
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Execute<'a> {
    pub items: &'a [String],
}

impl Execute<'_> {
    /// So many URIs a phone takes in one object.
    pub const MOST_ITEMS: usize = 3;

    fn write(self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        writer.create_element("CiscoIPPhoneExecute").write_inner_content(|writer| {
            for item in self.items {
                let element = writer.create_element("ExecuteItem");
                // At once: a priority counts for HTTP addresses only.
                element
                    .with_attribute(("Priority", "0"))
                    .with_attribute(("URL", item.as_str()))
                    .write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl PushObject for Execute<'_> {
    fn to_xml(&self) -> Result<String, PhoneError> {
        let parts: Vec<_> = self.items.iter().map(|item| (LongPart::Item, item.as_str())).collect();
        write_object(&parts, |writer| self.write(writer))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::XmlVersion;
    use quick_xml::reader::Reader;

    use super::*;

    fn object(schema: PushSchema, image: &str, thumbnail: &str, name: &str) -> SetBackground {
        SetBackground {
            schema,
            image_url: image.to_owned(),
            thumbnail_url: thumbnail.to_owned(),
            kem_url: None,
            name: name.to_owned(),
            theme: Theme::Dark,
        }
    }

    #[test]
    fn the_classic_object_is_as_phones_know_it() {
        let object =
            object(PushSchema::Classic, "http://h/w.png", "http://h/t.png", "ignored\u{1}");
        assert_eq!(
            object.to_xml().unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setBackground><background>\
             <image>http://h/w.png</image><icon>http://h/t.png</icon></background></setBackground>"
        );
    }

    #[test]
    fn the_phoneos_object_names_its_picture_in_attributes() {
        let object = object(PushSchema::PhoneOs, "http://h/w", "http://h/t", "A \"b\" & <c>");
        assert_eq!(
            object.to_xml().unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setBackground>\
             <background name=\"A &quot;b&quot; &amp; &lt;c&gt;\" theme=\"dark\">\
             <image>http://h/w</image><thumbnail>http://h/t</thumbnail></background></setBackground>"
        );
    }

    #[test]
    fn only_phoneos_is_told_of_an_expansion_module() {
        let with = |schema| {
            let kem_url = Some("http://h/k".to_owned());
            SetBackground { kem_url, ..object(schema, "i", "t", "n") }.to_xml().unwrap()
        };
        assert!(
            with(PushSchema::PhoneOs).contains("</thumbnail><kem>http://h/k</kem></background>")
        );
        assert!(!with(PushSchema::Classic).contains("kem"));
    }

    #[test]
    fn an_object_of_513_bytes_is_refused_and_the_long_part_named() {
        let empty = object(PushSchema::Classic, "", "", "").to_xml().unwrap().len();
        let fits = "x".repeat(OBJECT_LIMIT - empty);
        assert_eq!(object(PushSchema::Classic, &fits, "", "").to_xml().unwrap().len(), 512);
        let error = object(PushSchema::Classic, &fits, "y", "").to_xml().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("513 bytes"), "{text}");
        assert!(text.contains("at most 512"), "{text}");
        assert!(text.contains("the picture's URL"), "{text}");
        let error = object(PushSchema::Classic, "y", &fits, "").to_xml().unwrap_err();
        assert!(error.to_string().contains("the thumbnail's URL"));
        // Every `&` becomes five bytes, and it is those that count.
        let error = object(PushSchema::PhoneOs, "", "", &"&".repeat(90)).to_xml().unwrap_err();
        assert!(error.to_string().contains("the picture's name"));
    }

    #[test]
    fn the_theme_follows_the_brightness() {
        assert_eq!([0, 127, 128, 255].map(Theme::of_brightness).map(Theme::as_str), {
            ["dark", "dark", "light", "light"]
        });
    }

    #[test]
    fn what_xml_cannot_carry_is_refused() {
        let error = object(PushSchema::PhoneOs, "u", "t", "a\u{1b}b").to_xml().unwrap_err();
        assert!(matches!(error, PhoneError::NotXml { part: LongPart::Name, code: 0x1b }));
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(image in "\\PC{0,60}", name in "\\PC{0,20}") {
            let object = object(PushSchema::PhoneOs, &image, "t", &name);
            if let Ok(xml) = object.to_xml() {
                prop_assert!(xml.len() <= OBJECT_LIMIT);
                let mut reader = Reader::from_str(&xml);
                let mut open = String::new();
                let mut found = (String::new(), String::new());
                loop {
                    match reader.read_event().unwrap() {
                        Event::Start(start) => {
                            open = start.local_name().as_ref().to_owned();
                            if let Some(value) = start.try_get_attribute("name").unwrap() {
                                found.1 = value.normalized_value(XmlVersion::Implicit1_0).unwrap().into_owned();
                            }
                        }
                        Event::Text(text) if open == "image" => found.0.push_str(&text),
                        Event::GeneralRef(name) if open == "image" => {
                            let entity = format!("&{};", &*name);
                            found.0.push_str(&quick_xml::escape::unescape(&entity).unwrap());
                        }
                        Event::End(_) => open.clear(),
                        Event::Eof => break,
                        Event::Decl(_) | Event::Text(_) | Event::GeneralRef(_) => {}
                        Event::Empty(_)
                        | Event::CData(_)
                        | Event::Comment(_)
                        | Event::PI(_)
                        | Event::DocType(_) => panic!("this was not written"),
                    }
                }
                prop_assert_eq!(found, (image, name));
            }
        }
    }
}

#[cfg(test)]
mod removal_tests {
    use super::*;

    #[test]
    fn an_empty_image_takes_the_picture_off() {
        let object = RemoveBackground { name: "Spring & more".to_owned(), theme: Theme::Light };
        assert_eq!(
            object.to_xml().unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setBackground>\
             <background name=\"Spring &amp; more\" theme=\"light\"><image></image></background></setBackground>"
        );
    }
}

#[cfg(test)]
mod execute_tests {
    use super::*;

    #[test]
    fn the_objects_are_as_phones_want_them() {
        let tone = SetRingTone { url: "http://h/a&b.raw".to_owned() };
        assert_eq!(
            tone.to_xml().unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setRingTone>\
             <ringTone>http://h/a&amp;b.raw</ringTone></setRingTone>"
        );
        let items = ["Key:Settings".to_owned(), "http://h/?a=1&b=\"2\"".to_owned()];
        assert_eq!(
            Execute { items: &items }.to_xml().unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><CiscoIPPhoneExecute>\
             <ExecuteItem Priority=\"0\" URL=\"Key:Settings\"/>\
             <ExecuteItem Priority=\"0\" URL=\"http://h/?a=1&amp;b=&quot;2&quot;\"/>\
             </CiscoIPPhoneExecute>"
        );
    }

    #[test]
    fn what_is_too_long_is_named() {
        let long = ["Key:Settings".to_owned(), format!("http://h/{}", "x".repeat(500))];
        let error = Execute { items: &long }.to_xml().unwrap_err().to_string();
        assert!(error.contains("at most 512") && error.contains("the longest URI"), "{error}");
        assert!(!error.contains("pictures"), "{error}");
        let error = SetRingTone { url: "x".repeat(600) }.to_xml().unwrap_err().to_string();
        assert!(error.contains("ring tone's URL"), "{error}");
    }
}
