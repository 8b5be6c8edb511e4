//! The objects that tell a phone to do something else than show a picture.

use std::io;

use quick_xml::events::BytesText;
use quick_xml::writer::Writer;

use crate::phone::PhoneError;
use crate::phone::error::LongPart;
use crate::phone::object::{PushObject, write_object};

/// Tells a phone to fetch a ring tone and to ring with it.
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
