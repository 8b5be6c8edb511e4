//! The object that takes a pushed background off again.
//!
//! Only PhoneOS knows one: Cisco's help for the 9800 series says that an empty `image` removes the wallpaper
//! that was pushed and brings the default one back. No source knows a way for older phones.

use quick_xml::events::BytesText;

use super::error::LongPart;
use super::object::{PushObject, Theme, write_object};
use crate::phone::PhoneError;

/// Tells a PhoneOS phone to take the pushed background off.
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

#[cfg(test)]
mod tests {
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
