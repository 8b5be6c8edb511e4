//! Values as CUCM writes them, read without pedantry.
//!
//! An empty element, a missing one and one with `xsi:nil` all mean "nothing"; a boolean may be `t`,
//! `f`, `true`, `false`, `0` or `1` (AXL schema). For `#[serde(deserialize_with = "…")]`, together
//! with `#[serde(default)]` for missing elements.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Reads a text; one that is empty or only blanks is `None`.
///
/// # Errors
/// When the element holds no text but other elements that cannot be skipped.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Loose(text) = Loose::deserialize(deserializer)?;
    Ok(if text.trim().is_empty() { None } else { Some(text) })
}

/// Reads a text; nothing becomes an empty one.
pub fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(text(deserializer)?.unwrap_or_default())
}

/// Reads a boolean in any of CUCM's spellings; what is none of them is `None`.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(text(deserializer)?.as_deref().and_then(parse_boolean))
}

/// Reads a whole number; what is none is `None`.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| text.trim().parse().ok()))
}

/// Reads a UUID as AXL writes it, `{UPPER CASE}`; an empty one is `None`.
pub fn uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(deserializer)?.filter(|text| text.trim() != "{}"))
}

/// Understands `t`, `f`, `true`, `false`, `1` and `0`, in any case.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "1" => Some(true),
        "f" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// The text of an element, whatever else the element holds: attributes and child elements are skipped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Loose(pub String);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Loose, E> {
        Ok(Loose(text))
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::default())
    }

    fn visit_none<E>(self) -> Result<Loose, E> {
        Ok(Loose::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Loose, D::Error> {
        Loose::deserialize(deserializer)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut text = String::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "$text" {
                text.push_str(&map.next_value::<String>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Loose(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
        let mut text = String::new();
        while let Some(part) = seq.next_element::<String>()? {
            text.push_str(&part);
        }
        Ok(Loose(text))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Row {
        #[serde(deserialize_with = "text")]
        name: Option<String>,
        #[serde(deserialize_with = "boolean")]
        flag: Option<bool>,
        #[serde(deserialize_with = "number")]
        count: Option<i64>,
        #[serde(rename = "@uuid", deserialize_with = "uuid")]
        uuid: Option<String>,
    }

    fn read(inner: &str) -> Row {
        quick_xml::de::from_str(inner).unwrap()
    }

    #[test]
    fn three_shapes_of_nothing_are_the_same() {
        let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
        for inner in [
            "<row/>".to_owned(),
            "<row uuid=\"\"><name/><flag /><count></count></row>".to_owned(),
            format!(
                "<row><name {xsi} xsi:nil=\"true\"/><flag {xsi} xsi:nil=\"1\"></flag>\
                 <count xsi:nil=\"true\" uuid=\"\" {xsi}/></row>"
            ),
            format!("<row {xsi}><name xsi:nil=\"true\"/><flag xsi:nil=\"1\"/></row>"),
            // The prefix is not declared at all, as in files of CUCM that are not well-formed.
            "<row><name xsi:nil=\"true\"/><count xsi:nil=\"1\"/></row>".to_owned(),
        ] {
            assert_eq!(read(&inner), Row::default(), "{inner}");
        }
    }

    #[test]
    fn reads_every_boolean() {
        for (written, meant) in [
            ("t", Some(true)),
            ("f", Some(false)),
            ("true", Some(true)),
            ("False", Some(false)),
            ("0", Some(false)),
            ("1", Some(true)),
            (" t ", Some(true)),
            ("maybe", None),
        ] {
            assert_eq!(read(&format!("<row><flag>{written}</flag></row>")).flag, meant);
        }
    }

    #[test]
    fn joins_text_entities_and_cdata() {
        let row = read("<row><name>O&amp;M &#8211; <![CDATA[<1>]]> 'x'</name></row>");
        assert_eq!(row.name.as_deref(), Some("O&M – <1> 'x'"));
    }

    #[test]
    fn skips_what_is_no_text() {
        let row = read("<row><name a=\"1\">x<b>y</b></name><count>12 </count></row>");
        assert_eq!((row.name.as_deref(), row.count), (Some("x"), Some(12)));
    }
}
