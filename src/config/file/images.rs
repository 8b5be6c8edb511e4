//! Which picture is for whom, as the config file writes it.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::domain::picture_rules::{Keep, PictureRule};
use crate::domain::rule_times::{RuleTime, RuleTimes, YearDays};
use crate::domain::selector::{Field, Pattern};
use crate::domain::words::{
    PhoneData, Template, TextColour, TextPosition, TextSize, WordsStyle, WordsTemplate,
};

/// A picture and the phones that it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageSection {
    file: PathBuf,
    #[serde(default)]
    device_pool: OneOrMore,
    #[serde(default, deserialize_with = "models")]
    model: OneOrMore,
    #[serde(default)]
    profile: OneOrMore,
    #[serde(default)]
    location: OneOrMore,
    #[serde(default)]
    owner: OneOrMore,
    #[serde(default)]
    dn: OneOrMore,
    #[serde(default)]
    description: OneOrMore,
    #[serde(default, deserialize_with = "devices")]
    device: OneOrMore,
    #[serde(default)]
    from: Option<WrittenTime>,
    #[serde(default)]
    until: Option<WrittenTime>,
    #[serde(default)]
    every: Option<YearDays>,
    #[serde(default, deserialize_with = "keep")]
    keep: Keep,
    #[serde(default)]
    text: Option<Template>,
    #[serde(default)]
    qr: Option<Template>,
    #[serde(default)]
    data: Option<PathBuf>,
    #[serde(default)]
    text_position: TextPosition,
    #[serde(default)]
    text_size: WrittenSize,
    #[serde(default)]
    text_colour: TextColour,
}

/// A size of letters as TOML has it: a number, or a text.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "TextOrNumber")]
struct WrittenSize(TextSize);

#[derive(Deserialize)]
#[serde(untagged, expecting = "\"auto\", or a number of percent such as 8")]
enum TextOrNumber {
    Text(String),
    Number(i64),
}

impl TryFrom<TextOrNumber> for WrittenSize {
    type Error = String;

    fn try_from(written: TextOrNumber) -> Result<Self, String> {
        let text = match written {
            TextOrNumber::Text(text) => text,
            TextOrNumber::Number(percent) => percent.to_string(),
        };
        text.parse().map(Self)
    }
}

/// A time as TOML has it, with or without quotation marks.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "TextOrTime")]
struct WrittenTime(RuleTime);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a date such as 2026-12-01, or a time such as 2026-12-01T08:00:00+01:00"
)]
enum TextOrTime {
    Text(String),
    Time(toml::value::Datetime),
}

impl TryFrom<TextOrTime> for WrittenTime {
    type Error = String;

    fn try_from(written: TextOrTime) -> Result<Self, String> {
        let text = match written {
            TextOrTime::Text(text) => text,
            TextOrTime::Time(time) => time.to_string(),
        };
        text.parse().map(Self)
    }
}

/// A pattern, or a list of them; nothing where the key is left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a name, or a list of names; * matches any characters")]
pub(super) enum OneOrMore {
    One(Pattern),
    #[serde(deserialize_with = "at_least_one")]
    More(Vec<Pattern>),
}

/// Reads a list. An empty one would mean all phones where none is meant.
fn at_least_one<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<Pattern>, D::Error> {
    let patterns = Vec::deserialize(list)?;
    if patterns.is_empty() {
        return Err(D::Error::custom("the list is empty"));
    }
    Ok(patterns)
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl OneOrMore {
    pub(super) fn patterns(&self) -> &[Pattern] {
        match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::More(patterns) => patterns,
        }
    }
}

impl ImageSection {
    /// Returns the rule; file names count from this folder.
    pub(super) fn rule(&self, folder: &Path) -> PictureRule {
        let fields = [
            (Field::DevicePool, &self.device_pool),
            (Field::Model, &self.model),
            (Field::Profile, &self.profile),
            (Field::Location, &self.location),
            (Field::Owner, &self.owner),
            (Field::Extension, &self.dn),
            (Field::Description, &self.description),
            (Field::Device, &self.device),
        ];
        let patterns = fields
            .into_iter()
            .flat_map(|(field, some)| some.patterns().iter().map(move |one| (field, one.clone())));
        PictureRule {
            name: self.file.display().to_string(),
            file: folder.join(&self.file),
            phones: patterns.collect(),
            times: self.times(),
            keep: self.keep,
            words: WordsTemplate {
                text: self.text.clone(),
                qr: self.qr.clone(),
                style: WordsStyle {
                    position: self.text_position,
                    size: self.text_size.0,
                    colour: self.text_colour,
                },
                data: PhoneData::default(),
            },
            data: self.data.as_ref().map(|file| folder.join(file)),
        }
    }

    /// Returns when the rule applies.
    pub(super) fn times(&self) -> RuleTimes {
        let time = |written: Option<WrittenTime>| written.map(|written| written.0);
        RuleTimes { from: time(self.from), until: time(self.until), every: self.every }
    }
}

fn keep<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Keep, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Reads models of the catalogue, as people and phones call them.
fn models<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMore, D::Error> {
    let typed = OneOrMore::deserialize(deserializer)?;
    let known = typed.patterns().iter().cloned().map(Pattern::of_known_model);
    known.collect::<Result<_, _>>().map(OneOrMore::More).map_err(D::Error::custom)
}

/// Reads names of devices and MAC addresses of phones, as `--device` does.
fn devices<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMore, D::Error> {
    let typed = OneOrMore::deserialize(deserializer)?;
    let named = typed.patterns().iter().map(|pattern| Pattern::of_device(pattern.as_str()));
    named.collect::<Result<_, _>>().map(OneOrMore::More).map_err(D::Error::custom)
}
