//! Words on a phone's picture: templates with fields of the phone, and what they become for one.
//!
//! A value is only text: it is put in once and never searched for fields, and characters that steer, hide or reorder
//! become blanks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::colour::Colour;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;
use crate::domain::selector::near;
use crate::domain::text::{digest, names, quoted, sanitize_truncate};

/// The words of one phone, and how they are drawn: with the picture below them, all that is needed to draw it again.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct Words {
    /// The lines of the text; empty where only a QR code is drawn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The content of the QR code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr: Option<String>,
    /// How they are drawn.
    #[serde(default, flatten)]
    pub style: WordsStyle,
}

impl Words {
    /// Returns the digest of the picture that has these words on a picture with the digest `base`.
    pub fn digest_on(&self, base: &str) -> String {
        let WordsStyle { position, size, colour } = self.style;
        let style = format!("{position} {size} {colour}");
        let is_qr = if self.qr.is_some() { "qr" } else { "" };
        digest([DRAWING, base, &self.text, is_qr, self.qr.as_deref().unwrap_or_default(), &style])
    }
}

/// How words are drawn.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct WordsStyle {
    /// Where they are.
    #[serde(default, skip_serializing_if = "is_default", rename = "text_position")]
    pub position: TextPosition,
    /// The height of a line: `auto`, or in percent of the panel's height.
    #[serde(default, skip_serializing_if = "is_default", rename = "text_size")]
    pub size: TextSize,
    /// The colour of the letters: `auto`, or as CSS writes it.
    #[serde(default, skip_serializing_if = "is_default", rename = "text_colour")]
    pub colour: TextColour,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The height of a line.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum TextSize {
    /// The usual one.
    #[default]
    Auto,
    /// In hundredths of the panel's height.
    Percent(u8),
}

impl FromStr for TextSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let percent = text.trim().trim_end_matches('%').trim_end().parse::<u8>();
        let percent = percent.ok().filter(|percent| (2..=40).contains(percent));
        percent.map(Self::Percent).ok_or_else(|| {
            "write auto, or the height of a line in percent of the screen's, from 2 to 40"
                .to_owned()
        })
    }
}

impl fmt::Display for TextSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Percent(percent) => write!(f, "{percent}"),
        }
    }
}

/// The colour of letters.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum TextColour {
    /// Black or white, whichever suits the picture.
    #[default]
    Auto,
    Of(Colour),
}

impl FromStr for TextColour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Of) }
    }
}

impl fmt::Display for TextColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Of(colour) => colour.fmt(f),
        }
    }
}

/// Lets types be written as they are typed.
macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl TryFrom<String> for $type {
            type Error = <$type as FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )+};
}

as_text!(TextSize, TextColour, TextPosition, Template);

/// Where words are, in the part of the screen that the phone leaves free.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum TextPosition {
    /// At the bottom, in the middle.
    #[default]
    Auto,
    TopLeft,
    Top,
    TopRight,
    Left,
    Centre,
    Right,
    BottomLeft,
    Bottom,
    BottomRight,
}

impl TextPosition {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Auto, "auto"),
        (Self::TopLeft, "top-left"),
        (Self::Top, "top"),
        (Self::TopRight, "top-right"),
        (Self::Left, "left"),
        (Self::Centre, "centre"),
        (Self::Right, "right"),
        (Self::BottomLeft, "bottom-left"),
        (Self::Bottom, "bottom"),
        (Self::BottomRight, "bottom-right"),
    ];

    /// Returns the place in halves of the free room: from the left and from the top.
    pub fn halves(self) -> (u32, u32) {
        let across = match self {
            Self::TopLeft | Self::Left | Self::BottomLeft => 0,
            Self::Auto | Self::Top | Self::Centre | Self::Bottom => 1,
            Self::TopRight | Self::Right | Self::BottomRight => 2,
        };
        let down = match self {
            Self::TopLeft | Self::Top | Self::TopRight => 0,
            Self::Left | Self::Centre | Self::Right => 1,
            Self::Auto | Self::BottomLeft | Self::Bottom | Self::BottomRight => 2,
        };
        (across, down)
    }
}

impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(position, _)| position == self);
        f.write_str(name.map_or("auto", |(_, name)| name))
    }
}

impl FromStr for TextPosition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(_, name)| *name == text.trim());
        known.map(|(position, _)| *position).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|(_, name)| *name).collect();
            format!("write one of {}", all.join(", "))
        })
    }
}

/// Which words phones get.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct WordsTemplate {
    #[serde(default)]
    pub text: Option<Template>,
    #[serde(default)]
    pub qr: Option<Template>,
    #[serde(default)]
    pub style: WordsStyle,
    /// The values of `{csv:COLUMN}`.
    #[serde(default)]
    pub data: PhoneData,
}

impl WordsTemplate {
    /// Tells whether nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.text.is_none() && self.qr.is_none()
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.text.iter().chain(&self.qr)
    }

    /// Tells whether the numbers of the phones' lines have to be read.
    pub fn needs_extensions(&self) -> bool {
        self.templates().any(|template| template.fields().any(|field| *field == Field::Extension))
    }

    /// Returns the columns of the data that it uses.
    pub fn columns(&self) -> BTreeSet<&str> {
        let fields = self.templates().flat_map(Template::fields);
        fn column(field: &Field) -> Option<&str> {
            match field {
                Field::Csv(column) => Some(column.as_str()),
                Field::Name
                | Field::Mac
                | Field::Description
                | Field::Owner
                | Field::Extension
                | Field::DevicePool
                | Field::Location
                | Field::Profile
                | Field::Model
                | Field::Ip => None,
            }
        }
        fields.filter_map(column).collect()
    }

    /// Takes over those columns of the data that it uses.
    ///
    /// # Errors
    /// When the data lacks one.
    pub fn with_data(mut self, data: &PhoneData) -> Result<Self, TemplateError> {
        self.data = data.only(&self.columns())?;
        Ok(self)
    }

    /// Tells whether a phone has no value for a field that has no other text.
    pub fn lacks_value(&self, phone: &Phone) -> bool {
        let mut parts = self.templates().flat_map(|template| template.lines.iter().flatten());
        parts.any(|part| part.text(phone, &self.data).is_none())
    }

    /// Returns the words of a phone; nothing where no line and no QR code is left.
    pub fn of(&self, phone: &Phone) -> Option<Words> {
        let text = self.text.as_ref().map(|text| text.lines(phone, &self.data).join("\n"));
        let text = text.unwrap_or_default();
        let qr = self.qr.as_ref().and_then(|qr| qr.lines(phone, &self.data).pop());
        (!text.is_empty() || qr.is_some()).then_some(Words { text, qr, style: self.style })
    }
}

/// Text with fields of phones in braces.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Template {
    source: String,
    lines: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    /// A field, and what stands there where a phone has none.
    Field(Field, Option<String>),
}

impl Part {
    /// Returns the text for a phone; nothing for an empty field.
    fn text(&self, phone: &Phone, data: &PhoneData) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Field(field, otherwise) => {
                let value = sanitize_truncate(&field.of(phone, data), LONGEST_VALUE);
                Some(value).filter(|value| !value.is_empty()).or_else(|| otherwise.clone())
            }
        }
    }
}

/// A field of a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Field {
    Name,
    Mac,
    Description,
    Owner,
    Extension,
    DevicePool,
    Location,
    Profile,
    Model,
    Ip,
    /// A column of the data.
    Csv(String),
}

impl Field {
    const ALL: [(&'static str, Self); 10] = [
        ("name", Self::Name),
        ("mac", Self::Mac),
        ("description", Self::Description),
        ("owner", Self::Owner),
        ("extension", Self::Extension),
        ("device_pool", Self::DevicePool),
        ("location", Self::Location),
        ("profile", Self::Profile),
        ("model", Self::Model),
        ("ip", Self::Ip),
    ];

    fn named(name: &str) -> Result<Self, TemplateError> {
        if let Some(column) = name.strip_prefix("csv:") {
            return Ok(Self::Csv(column.trim().to_owned()));
        }
        let all = || Self::ALL.iter().map(|(name, _)| *name);
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, field)| field.clone()).ok_or_else(|| TemplateError::UnknownField {
            field: name.to_owned(),
            nearest: near(name, all()).into_iter().next(),
            known: all().collect::<Vec<_>>().join(", "),
        })
    }

    fn of(&self, phone: &Phone, data: &PhoneData) -> String {
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        match self {
            Self::Name => phone.name.as_str().to_owned(),
            Self::Mac => phone.name.as_str().strip_prefix("SEP").unwrap_or_default().to_owned(),
            Self::Description => phone.description.clone(),
            Self::Owner => optional(&phone.owner),
            Self::Extension => optional(&phone.extension),
            Self::DevicePool => phone.device_pool.clone(),
            Self::Location => optional(&phone.location),
            Self::Profile => optional(&phone.common_phone_profile),
            Self::Model => phone.model.clone(),
            Self::Ip => phone.registration.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            Self::Csv(column) => data.value(&phone.name, column).to_owned(),
        }
    }
}

/// Why a template cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateError {
    #[error("there is no field {{{}}}{}; the fields are {known}, and csv:COLUMN", printed(field), suggestion(.nearest.as_deref()))]
    UnknownField { field: String, nearest: Option<String>, known: String },
    #[error("the brace of {} is not closed; write {{{{ for a brace itself", quoted(rest))]
    NotClosed { rest: String },
    #[error("there is a closing brace without an opening one; write }}}} for a brace itself")]
    NotOpened,
    #[error("{{csv:{}}} needs data: --data FILE, or `data` in the rule", printed(column))]
    NoData { column: String },
    #[error("the data has no column {}{}; its columns are {known}", quoted(column), suggestion(.nearest.as_deref()))]
    UnknownColumn { column: String, nearest: Option<String>, known: String },
}

fn suggestion(name: Option<&str>) -> String {
    name.map(|name| format!(", did you mean {}?", quoted(name))).unwrap_or_default()
}

fn printed(text: &str) -> String {
    sanitize_truncate(text, 40)
}

impl FromStr for Template {
    type Err = TemplateError;

    /// Reads a template. A line ends with a line feed, or with `\n` as two characters.
    fn from_str(source: &str) -> Result<Self, TemplateError> {
        let source = source.replace("\\n", "\n");
        let lines = source.lines().map(parts).collect::<Result<_, _>>()?;
        Ok(Self { source, lines })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

fn parts(line: &str) -> Result<Vec<Part>, TemplateError> {
    let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), line);
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let from = &rest[at..];
        if let Some(after) = from.strip_prefix("{{") {
            text.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            text.push('}');
            rest = after;
        } else if let Some(field) = from.strip_prefix('{') {
            let Some((field, after)) = field.split_once('}') else {
                return Err(TemplateError::NotClosed { rest: from.to_owned() });
            };
            let (name, otherwise) = match field.split_once('|') {
                Some((name, otherwise)) => (name, Some(otherwise.to_owned())),
                None => (field, None),
            };
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(Part::Field(Field::named(name.trim())?, otherwise));
            rest = after;
        } else {
            return Err(TemplateError::NotOpened);
        }
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    Ok(parts)
}

impl Template {
    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.lines.iter().flatten().filter_map(|part| match part {
            Part::Field(field, _) => Some(field),
            Part::Text(_) => None,
        })
    }

    /// Returns the lines for a phone. A line with an empty field is left out.
    fn lines(&self, phone: &Phone, data: &PhoneData) -> Vec<String> {
        let line = |parts: &Vec<Part>| {
            let parts = parts.iter().map(|part| part.text(phone, data));
            let line = sanitize_truncate(&parts.collect::<Option<String>>()?, LONGEST_LINE);
            (!line.is_empty()).then_some(line)
        };
        self.lines.iter().filter_map(line).collect()
    }
}

/// Tells whether a text has letters of a script that is written from right to left.
pub fn is_right_to_left(text: &str) -> bool {
    text.chars().any(
        |c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'),
    )
}

/// A table about phones, by device name.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PhoneData {
    columns: Vec<String>,
    rows: BTreeMap<DeviceName, Vec<String>>,
}

impl PhoneData {
    pub fn new(columns: Vec<String>, rows: BTreeMap<DeviceName, Vec<String>>) -> Self {
        Self { columns, rows }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    fn value(&self, phone: &DeviceName, column: &str) -> &str {
        let row = self.rows.get(phone);
        let value = row.zip(self.column(column)).and_then(|(row, at)| row.get(at));
        value.map_or("", String::as_str)
    }

    /// Returns these columns alone.
    fn only(&self, wanted: &BTreeSet<&str>) -> Result<Self, TemplateError> {
        let at = |column: &&str| {
            if self.columns.is_empty() {
                return Err(TemplateError::NoData { column: (*column).to_owned() });
            }
            self.column(column).ok_or_else(|| TemplateError::UnknownColumn {
                column: (*column).to_owned(),
                nearest: near(column, self.columns.iter().map(String::as_str)).into_iter().next(),
                known: names(&self.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>()),
            })
        };
        let at: Vec<usize> = wanted.iter().map(at).collect::<Result<_, _>>()?;
        let row = |row: &Vec<String>| {
            at.iter().map(|at| row.get(*at).cloned().unwrap_or_default()).collect()
        };
        let rows = self.rows.iter().map(|(phone, cells)| (phone.clone(), row(cells)));
        let rows = if at.is_empty() { BTreeMap::new() } else { rows.collect() };
        Ok(Self { columns: wanted.iter().map(|&column| column.to_owned()).collect(), rows })
    }
}

/// Changes when the same words on the same picture are drawn differently: phones then get them again.
const DRAWING: &str = "words 1";

/// The longest value of a field, in characters.
const LONGEST_VALUE: usize = 500;

/// The longest line, in characters; no screen shows half of it.
const LONGEST_LINE: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::selector::tests::phone;

    fn text(template: &str, phone: &Phone) -> Option<String> {
        let text = Some(template.parse().unwrap());
        WordsTemplate { text, ..WordsTemplate::default() }.of(phone).map(|words| words.text)
    }

    fn described(description: &str) -> Phone {
        Phone {
            description: description.to_owned(),
            ..phone("SEP001122334455", "HQ", "Cisco 8841")
        }
    }

    #[test]
    fn fields_become_the_phones_values_and_empty_ones_take_their_line_away() {
        let mut phone = described("Front desk");
        phone.location = None;
        phone.owner = None;
        for (template, expected) in [
            ("{name} {mac}\\n{description}", Some("SEP001122334455 001122334455\nFront desk")),
            ("{location}, floor 3\nHelp desk 5555", Some("Help desk 5555")),
            ("{location|Main building}, {owner|}floor 3", Some("Main building, floor 3")),
            ("{{name}} {mac}", Some("{name} 001122334455")),
            ("{location}", None),
            ("", None),
        ] {
            assert_eq!(text(template, &phone).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn unknown_fields_and_open_braces_are_errors() {
        let error = |template: &str| template.parse::<Template>().unwrap_err().to_string();
        let shown = error("{descripton}");
        assert!(shown.contains("{descripton}") && shown.contains("\"description\""), "{shown}");
        assert!(error("{zzz}").contains("device_pool"));
        assert!(error("a {name").contains("not closed"));
        assert!(error("a } b").contains("without an opening"));
    }

    #[test]
    fn values_are_only_text_whatever_is_in_them() {
        for (description, expected) in [
            ("{name} {{mac}} {owner|x}", "{name} {{mac}} {owner|x}"),
            ("\u{202e}evil\u{202c}\u{200b}\u{7}\r\n\tx", "evil x"),
            ("=1+1", "=1+1"),
        ] {
            assert_eq!(text("{description}", &described(description)).unwrap(), expected);
        }
        let long = text("{description}", &described(&"x".repeat(10_000))).unwrap();
        assert_eq!(long.chars().count(), LONGEST_VALUE + 1);
    }

    #[test]
    fn columns_come_from_the_data() {
        let phone = described("x");
        let rows = BTreeMap::from([(phone.name.clone(), vec!["a".to_owned(), "3".to_owned()])]);
        let data = PhoneData::new(vec!["tag".to_owned(), "floor".to_owned()], rows);
        let template = |text: &str| WordsTemplate {
            text: Some(text.parse().unwrap()),
            ..WordsTemplate::default()
        };
        let words = template("floor {csv:floor}").with_data(&data).unwrap();
        assert_eq!(words.data.columns, ["floor"]);
        assert_eq!(words.of(&phone).unwrap().text, "floor 3");
        let error = template("{csv:flor}").with_data(&data).unwrap_err().to_string();
        assert!(error.contains("\"floor\"?"), "{error}");
        let error = template("{csv:floor}").with_data(&PhoneData::default()).unwrap_err();
        assert!(error.to_string().contains("--data"), "{error}");
        let kept = serde_json::to_string(&words).unwrap();
        assert_eq!(serde_json::from_str::<WordsTemplate>(&kept).unwrap(), words);
    }

    #[test]
    fn every_difference_is_another_picture() {
        let words = |text: &str, qr: Option<&str>| Words {
            text: text.to_owned(),
            qr: qr.map(str::to_owned),
            style: WordsStyle::default(),
        };
        let top = Words {
            style: WordsStyle { position: TextPosition::Top, ..WordsStyle::default() },
            ..words("a", None)
        };
        let all =
            [words("a", None), words("a", Some("")), words("b", None), words("", Some("a")), top];
        let digests: BTreeSet<String> = all.iter().map(|words| words.digest_on("base")).collect();
        assert_eq!(digests.len(), all.len());
        assert_ne!(all[0].digest_on("base"), all[0].digest_on("other"));
        for words in all {
            let kept = serde_json::to_string(&words).unwrap();
            assert_eq!(serde_json::from_str::<Words>(&kept).unwrap(), words);
        }
    }
}
