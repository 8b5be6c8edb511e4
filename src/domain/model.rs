//! The catalogue of phone models: what a model is called, and which picture it shows.
//!
//! Enumeration numbers and names are those of the CUCM table `typemodel`, which RisPort70 reports as
//! `Model` too. Picture sizes come from the models' administration guides and from pictures that
//! published tools send to them. What no source confirms is in the entry's note.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::quoted;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl Serialize for Size {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Width and height in pixels, such as `800x480`.",
            "type": "string",
            "pattern": "^[0-9]+x[0-9]+$"
        })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text
            .split_once('x')
            .and_then(|(w, h)| Some(Self::new(w.parse().ok()?, h.parse().ok()?)));
        parsed.ok_or_else(|| {
            serde::de::Error::custom(format_args!("expected WIDTHxHEIGHT, found {}", quoted(&text)))
        })
    }
}

/// Which `setBackground` object a model understands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PushSchema {
    /// `image` and `icon` elements: 79xx, 88xx, 89xx, 99xx.
    Classic,
    /// `image` and `thumbnail` elements, `name` and `theme` attributes: 8875 and 98xx (PhoneOS).
    PhoneOs,
}

/// What kind of device a model is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A phone on a desk, a wall or in a pocket.
    DeskPhone,
    /// A program on a computer or a mobile phone.
    SoftPhone,
    /// An analog port or adapter.
    Analog,
    /// A phone of another maker, which does not know the push.
    ThirdParty,
    /// A video or Android endpoint that is no classic phone.
    Video,
    /// A port or a number that a program or another network controls; it has no screen.
    Virtual,
}

impl DeviceKind {
    /// Returns what kind of device it is that has no screen of its own; nothing for phones.
    pub fn without_screen(self) -> Option<&'static str> {
        match self {
            Self::SoftPhone => Some("softphone"),
            Self::Analog => Some("analog"),
            Self::Virtual => Some("CTI"),
            Self::DeskPhone | Self::ThirdParty | Self::Video => None,
        }
    }
}

/// The pictures that a model shows, and how they reach it.
#[derive(Clone, Copy, Debug, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct ImageSpec {
    /// The background itself.
    pub background: Size,
    /// The preview in the phone's menu (`icon` or `thumbnail` in the push).
    pub thumbnail: Size,
    /// Bits of colour that the panel shows; the phone reduces deeper pictures itself.
    pub depth: u8,
    /// The folder under CUCM's TFTP root where pictures of this kind live.
    pub tftp_directory: &'static str,
    /// The push object that the model understands.
    pub schema: PushSchema,
}

/// The picture of a key expansion module of the 9800 series: the `kem` of a push (Cisco's wallpaper guide for the
/// 9800 series). No thumbnail belongs to it; the one here is only made because every picture has one.
pub const KEM: ImageSpec = spec((480, 800), (48, 80), 24, "Desktops/DP-9800-KEM", PhoneOs);

/// A key expansion module that shows its own picture when one of the same file name as the phone's lies in its folder;
/// otherwise a part of the phone's picture (usecallmanager.nz, "Background Images").
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExpansionModule {
    /// Its names on Unified CM.
    pub names: &'static [&'static str],
    /// Its picture. A module has no list, so its thumbnail is not used.
    pub image: ImageSpec,
}

/// Returns the modules of phones that show such pictures: those of the 8800 series, with firmware 12.7(1) or newer.
pub fn expansion_modules(phone: &ImageSpec) -> &'static [ExpansionModule] {
    if *phone == C8800 { &MODULES_8800 } else { &[] }
}

const MODULES_8800: [ExpansionModule; 2] = [
    ExpansionModule {
        names: &["BEKEM"],
        image: spec((272, 480), (139, 109), 24, "Desktops/272x480x24", Classic),
    },
    ExpansionModule {
        names: &["CP-8800-Audio", "CP-8800-Video"],
        image: spec((320, 480), (139, 109), 24, "Desktops/320x480x24", Classic),
    },
];

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Model {
    /// The number in `typemodel.enum`, which RisPort70 reports as `Model`.
    pub number: u32,
    /// The name that AXL uses in `model`.
    pub name: &'static str,
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// Its pictures; nothing when no background can be pushed to it.
    pub image: Option<ImageSpec>,
    /// What a reader of the catalogue should know, or an empty text.
    pub note: &'static str,
}

pub fn catalogue() -> &'static [Model] {
    CATALOGUE
}

pub fn by_number(number: u32) -> Option<&'static Model> {
    CATALOGUE.iter().find(|model| model.number == number)
}

/// Returns the model that AXL calls by this name, in any case of letters.
pub fn by_name(name: &str) -> Option<&'static Model> {
    let name = name.trim();
    CATALOGUE.iter().find(|model| model.name.eq_ignore_ascii_case(name))
}

/// Returns the model that a person, a phone or a price list names, in any case of letters.
///
/// AXL says `Cisco 8841`, phones say `CP-8841` (and `CP-7965G` for AXL's `Cisco 7965`), order numbers are
/// `CP-8841-K9=` or `CP-8841-W-K9`, and Cisco's pages say `Cisco Unified IP Phone 7965G` or `Cisco Desk Phone 9851`.
/// A phone with [multiplatform firmware](is_multiplatform) has no model here: it takes no push.
pub fn by_product(text: &str) -> Option<&'static Model> {
    let text = text.replace(['\u{ae}', '\u{2122}'], " ").to_ascii_uppercase();
    let mut words: Vec<&str> = text.split_whitespace().collect();
    // `Cisco8841` is written without the blank too.
    if let Some(rest) = words.first().and_then(|word| word.strip_prefix("CISCO"))
        && !rest.is_empty()
    {
        words[0] = rest;
    }
    let exact = |bare: &str| by_name(bare).or_else(|| by_name(&format!("Cisco {bare}")));
    loop {
        let bare = words.join(" ");
        if let Some(model) = exact(&bare) {
            return Some(model);
        }
        match words.first() {
            Some(word) if words.len() > 1 && PRODUCT_WORDS.contains(word) => words.remove(0),
            _ => return by_order_number(&bare, exact),
        };
    }
}

fn by_order_number(
    bare: &str,
    exact: impl Fn(&str) -> Option<&'static Model>,
) -> Option<&'static Model> {
    let number = ["CP-", "DP-"].iter().find_map(|prefix| bare.strip_prefix(prefix)).unwrap_or(bare);
    let number = number.trim_end_matches(['=', '+']);
    let mut parts: Vec<&str> = number.split('-').collect();
    loop {
        let number = parts.join("-");
        let model = exact(&number).or_else(|| exact(number.strip_suffix('G')?));
        match parts.last() {
            _ if number.is_empty() => return None,
            Some(last) if model.is_none() && parts.len() > 1 && ORDER_SUFFIXES.contains(last) => {
                parts.pop();
            }
            _ => return model,
        }
    }
}

/// Words before the number of a product, as Cisco's pages and `XMLDefault.cnf.xml` write them.
const PRODUCT_WORDS: &[&str] =
    &["CISCO", "UNIFIED", "WIRELESS", "IP", "DESK", "VIDEO", "CONFERENCE", "PHONE"];

/// Suffixes of order numbers that say nothing about the model: encryption, colour, region.
const ORDER_SUFFIXES: &[&str] =
    &["K9", "A", "B", "C", "CH", "E", "EU", "G", "J", "L", "NA", "R", "S", "UK", "W", "WH"];

/// Returns whether a product name is that of multiplatform firmware (`CP-8841-3PCC-K9`). Such a phone is no phone of
/// Unified CM and takes no push.
pub fn is_multiplatform(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| matches!(part, "3PCC" | "3PC" | "MPP"))
}

/// Why a text names no model of the catalogue.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnknownModel {
    #[error("{} is a phone with multiplatform firmware (3PCC), which takes no push", quoted(.0))]
    Multiplatform(String),
    #[error("no model of the catalogue is called {}{}", quoted(.text), did_you_mean(.near))]
    NotInCatalogue { text: String, near: Option<&'static str> },
}

impl UnknownModel {
    /// Tells why no model of the catalogue is meant by a text.
    pub fn of(text: &str) -> Self {
        if is_multiplatform(text) {
            return Self::Multiplatform(text.to_owned());
        }
        Self::NotInCatalogue { text: text.to_owned(), near: nearest(text).map(|model| model.name) }
    }
}

fn did_you_mean(near: &Option<&str>) -> String {
    near.map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// Returns the model whose name looks most like a text that names none.
fn nearest(text: &str) -> Option<&'static Model> {
    let wanted = text.trim().to_ascii_uppercase();
    let digits: String = wanted.chars().filter(char::is_ascii_digit).collect();
    let bare = if digits.len() >= 3 { digits } else { wanted };
    let score = |model: &Model| {
        let name = model.name.strip_prefix("Cisco ").unwrap_or(model.name).to_ascii_uppercase();
        strsim::jaro_winkler(&bare, &name)
    };
    let best = CATALOGUE.iter().rev().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.85).then_some(best)
}

const fn spec(
    background: (u32, u32),
    thumbnail: (u32, u32),
    depth: u8,
    tftp_directory: &'static str,
    schema: PushSchema,
) -> ImageSpec {
    ImageSpec {
        background: Size::new(background.0, background.1),
        thumbnail: Size::new(thumbnail.0, thumbnail.1),
        depth,
        tftp_directory,
        schema,
    }
}

use DeviceKind::{Analog, DeskPhone, SoftPhone, ThirdParty, Video, Virtual};
use PushSchema::{Classic, PhoneOs};

const MONO: ImageSpec = spec((95, 34), (23, 8), 1, "Desktops/95x34x1", Classic);
const GREY: ImageSpec = spec((320, 196), (80, 53), 4, "Desktops/320x196x4", Classic);
const C7945: ImageSpec = spec((320, 212), (80, 53), 16, "Desktops/320x212x16", Classic);
const C7970: ImageSpec = spec((320, 212), (80, 53), 12, "Desktops/320x212x12", Classic);
const C7975: ImageSpec = spec((320, 216), (80, 53), 16, "Desktops/320x216x16", Classic);
const C7985: ImageSpec = spec((800, 600), (80, 53), 16, "Desktops/800x600x16", Classic);
const C8800: ImageSpec = spec((800, 480), (139, 109), 24, "Desktops/800x480x24", Classic);
const C8821: ImageSpec = spec((240, 320), (117, 117), 24, "Desktops/240x320x24", Classic);
const C8900: ImageSpec = spec((640, 480), (123, 111), 24, "Desktops/640x480x24", Classic);
const P8875: ImageSpec = spec((1024, 600), (180, 100), 24, "Desktops/1024x600x24", PhoneOs);
const P9851: ImageSpec = spec((480, 240), (100, 56), 24, "Desktops/DP-9851", PhoneOs);
const P9861: ImageSpec = spec((800, 480), (150, 90), 24, "Desktops/DP-9861", PhoneOs);
const P9861NR: ImageSpec = spec((800, 480), (150, 90), 24, "Desktops/DP-9861NR", PhoneOs);
const P9871: ImageSpec = spec((1280, 720), (228, 128), 24, "Desktops/DP-9871", PhoneOs);
const P9871NR: ImageSpec = spec((1280, 720), (228, 128), 24, "Desktops/DP-9871NR", PhoneOs);

const GREY_NOTE: &str = "thumbnail 80x53 by most sources, 80x49 by some guides";
const PHONEOS_NOTE: &str =
    "needs PhoneOS 3.3(1); the push may only add the picture to the phone's list";

const fn push(number: u32, name: &'static str, image: ImageSpec, note: &'static str) -> Model {
    Model { number, name, kind: DeskPhone, image: Some(image), note }
}

const fn none(number: u32, name: &'static str, kind: DeviceKind, note: &'static str) -> Model {
    Model { number, name, kind, image: None, note }
}

const CATALOGUE: &[Model] = &[
    none(30027, "Analog Phone", Analog, "a port of an analog gateway"),
    none(72, "CTI Port", Virtual, ""),
    none(635, "CTI Remote Device", Virtual, ""),
    none(642, "Carrier-integrated Mobile", Virtual, ""),
    none(592, "Cisco 3905", DeskPhone, ""),
    none(446, "Cisco 3911", DeskPhone, ""),
    none(412, "Cisco 3951", DeskPhone, ""),
    none(547, "Cisco 6901", DeskPhone, ""),
    none(548, "Cisco 6911", DeskPhone, ""),
    none(495, "Cisco 6921", DeskPhone, ""),
    none(496, "Cisco 6941", DeskPhone, ""),
    none(564, "Cisco 6945", DeskPhone, ""),
    none(497, "Cisco 6961", DeskPhone, ""),
    none(36213, "Cisco 7811", DeskPhone, "shows no pictures"),
    none(621, "Cisco 7821", DeskPhone, "shows no pictures"),
    none(36247, "Cisco 7832", DeskPhone, "conference phone, shows no pictures"),
    none(622, "Cisco 7841", DeskPhone, "shows no pictures"),
    none(623, "Cisco 7861", DeskPhone, "shows no pictures"),
    none(30008, "Cisco 7902", DeskPhone, ""),
    none(20000, "Cisco 7905", DeskPhone, ""),
    push(369, "Cisco 7906", MONO, "sources disagree whether it takes a push"),
    none(6, "Cisco 7910", DeskPhone, ""),
    push(307, "Cisco 7911", MONO, "sources disagree whether it takes a push"),
    none(30007, "Cisco 7912", DeskPhone, ""),
    none(30002, "Cisco 7920", DeskPhone, ""),
    none(365, "Cisco 7921", DeskPhone, ""),
    none(484, "Cisco 7925", DeskPhone, ""),
    none(577, "Cisco 7926", DeskPhone, ""),
    none(348, "Cisco 7931", DeskPhone, ""),
    none(9, "Cisco 7935", DeskPhone, "conference phone"),
    none(30019, "Cisco 7936", DeskPhone, "conference phone"),
    none(431, "Cisco 7937", DeskPhone, "conference phone"),
    none(8, "Cisco 7940", DeskPhone, ""),
    push(115, "Cisco 7941", GREY, GREY_NOTE),
    push(309, "Cisco 7941G-GE", GREY, GREY_NOTE),
    push(434, "Cisco 7942", GREY, GREY_NOTE),
    push(435, "Cisco 7945", C7945, ""),
    none(7, "Cisco 7960", DeskPhone, ""),
    push(30018, "Cisco 7961", GREY, GREY_NOTE),
    push(308, "Cisco 7961G-GE", GREY, GREY_NOTE),
    push(404, "Cisco 7962", GREY, GREY_NOTE),
    push(436, "Cisco 7965", C7945, ""),
    push(30006, "Cisco 7970", C7970, ""),
    push(119, "Cisco 7971", C7970, ""),
    push(437, "Cisco 7975", C7975, "its guide puts a 320x212 picture into the 320x216x16 folder"),
    push(
        302,
        "Cisco 7985",
        C7985,
        "thumbnail size is believed; sources disagree whether it takes a push",
    ),
    push(36217, "Cisco 8811", C8800, "greyscale panel"),
    push(36339, "Cisco 8811NS", C8800, "greyscale panel; taken to be as the 8811"),
    push(36216, "Cisco 8821", C8821, "wireless"),
    none(659, "Cisco 8831", DeskPhone, "conference phone, shows no pictures"),
    none(36258, "Cisco 8832", DeskPhone, "conference phone; no push is known on Unified CM"),
    none(36260, "Cisco 8832NR", DeskPhone, "conference phone; no push is known on Unified CM"),
    push(683, "Cisco 8841", C8800, ""),
    push(36340, "Cisco 8841NS", C8800, "taken to be as the 8841"),
    push(36224, "Cisco 8845", C8800, ""),
    push(684, "Cisco 8851", C8800, ""),
    push(36232, "Cisco 8851NR", C8800, ""),
    push(36338, "Cisco 8851NS", C8800, "taken to be as the 8851"),
    push(685, "Cisco 8861", C8800, ""),
    push(36225, "Cisco 8865", C8800, ""),
    push(36248, "Cisco 8865NR", C8800, ""),
    push(36336, "Cisco 8875", P8875, PHONEOS_NOTE),
    push(36337, "Cisco 8875NR", P8875, PHONEOS_NOTE),
    push(586, "Cisco 8941", C8900, ""),
    push(585, "Cisco 8945", C8900, ""),
    push(540, "Cisco 8961", C8900, ""),
    none(36345, "Cisco 9841", DeskPhone, "greyscale panel without a background"),
    push(36348, "Cisco 9851", P9851, PHONEOS_NOTE),
    push(36347, "Cisco 9861", P9861, PHONEOS_NOTE),
    push(36353, "Cisco 9861NR", P9861NR, PHONEOS_NOTE),
    push(36350, "Cisco 9871", P9871, PHONEOS_NOTE),
    push(36354, "Cisco 9871NR", P9871NR, PHONEOS_NOTE),
    push(537, "Cisco 9951", C8900, ""),
    push(493, "Cisco 9971", C8900, ""),
    none(12, "Cisco ATA 186", Analog, ""),
    none(550, "Cisco ATA 187", Analog, ""),
    none(681, "Cisco ATA 190", Analog, ""),
    none(36262, "Cisco ATA 191", Analog, ""),
    none(647, "Cisco DX650", Video, "a push was tried and did not work"),
    none(36043, "Cisco DX70", Video, ""),
    none(36042, "Cisco DX80", Video, ""),
    none(575, "Cisco Dual Mode for Android", SoftPhone, ""),
    none(562, "Cisco Dual Mode for iPhone", SoftPhone, ""),
    none(30016, "Cisco IP Communicator", SoftPhone, "no push over HTTP is known"),
    none(652, "Cisco Jabber for Tablet", SoftPhone, ""),
    none(604, "Cisco TelePresence EX60", Video, ""),
    none(584, "Cisco TelePresence EX90", Video, ""),
    none(617, "Cisco TelePresence MX200", Video, ""),
    none(689, "Cisco TelePresence MX200 G2", Video, ""),
    none(627, "Cisco TelePresence MX300", Video, ""),
    none(690, "Cisco TelePresence MX300 G2", Video, ""),
    none(36207, "Cisco TelePresence MX700", Video, ""),
    none(36208, "Cisco TelePresence MX800", Video, ""),
    none(682, "Cisco TelePresence SX10", Video, ""),
    none(626, "Cisco TelePresence SX20", Video, ""),
    none(688, "Cisco TelePresence SX80", Video, ""),
    none(503, "Cisco Unified Client Services Framework", SoftPhone, "Jabber for Windows and Mac"),
    none(468, "Cisco Unified Mobile Communicator", SoftPhone, ""),
    none(358, "Cisco Unified Personal Communicator", SoftPhone, ""),
    none(10, "Cisco VGC Phone", Analog, ""),
    none(11, "Cisco VGC Virtual Phone", Analog, ""),
    none(61, "H.323 Phone", ThirdParty, ""),
    none(30035, "IP-STE", DeskPhone, ""),
    none(30028, "ISDN BRI Phone", Analog, "a port of a gateway"),
    none(30032, "SCCP gateway virtual phone", Analog, ""),
    none(631, "Third-party AS-SIP Endpoint", ThirdParty, ""),
    none(374, "Third-party SIP Device (Advanced)", ThirdParty, ""),
    none(336, "Third-party SIP Device (Basic)", ThirdParty, ""),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_sorted() {
        let numbers: HashSet<_> = catalogue().iter().map(|m| m.number).collect();
        assert_eq!(numbers.len(), catalogue().len());
        assert!(catalogue().windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn folder_names_agree_with_sizes_where_they_carry_them() {
        for model in catalogue() {
            let Some(image) = model.image else { continue };
            let folder = image.tftp_directory.strip_prefix("Desktops/").unwrap();
            if folder.starts_with(|c: char| c.is_ascii_digit()) {
                assert_eq!(
                    folder,
                    format!("{}x{}", image.background, image.depth),
                    "{}",
                    model.name
                );
            }
        }
    }

    #[test]
    fn looks_up_by_number_and_by_name() {
        assert_eq!(by_number(683).map(|m| m.name), Some("Cisco 8841"));
        assert_eq!(by_name("cisco 7961g-ge").map(|m| m.number), Some(308));
        assert_eq!(by_number(1), None);
        assert_eq!(by_name("Cisco 8842"), None);
    }

    #[test]
    fn people_and_phones_name_models_in_many_ways() {
        let named = |text| by_product(text).map(|model| model.name);
        for text in [
            "8841",
            " cisco 8841",
            "Cisco8841",
            "CP-8841",
            "cp-8841-K9",
            "CP-8841-K9=",
            "CP-8841-W-K9=",
            "Cisco IP Phone 8841",
            "cisco\u{ae} ip phone CP-8841-K9",
        ] {
            assert_eq!(named(text), Some("Cisco 8841"), "{text}");
        }
        for (text, model) in [
            ("CP-7965G", "Cisco 7965"),
            ("Cisco Unified IP Phone 7965G", "Cisco 7965"),
            ("Cisco Unified Wireless IP Phone 7925G", "Cisco 7925"),
            ("Cisco IP Conference Phone 8832", "Cisco 8832"),
            ("Cisco Desk Phone 9851", "Cisco 9851"),
            ("DP-9851-K9=", "Cisco 9851"),
            ("Cisco Video Phone 8875", "Cisco 8875"),
            ("Cisco IP Communicator", "Cisco IP Communicator"),
        ] {
            assert_eq!(named(text), Some(model), "{text}");
        }
        assert_eq!(named("CP-7961G-GE"), Some("Cisco 7961G-GE"));
        assert_eq!(named("DP-9861NR"), Some("Cisco 9861NR"));
        assert_eq!(named("CTI Port"), Some("CTI Port"));
        for text in ["", "Cisco", "CP-", "G", "8842", "88", "CP-8841-3PCC-K9", "CP-CP-8841"] {
            assert_eq!(named(text), None, "{text}");
        }
        for model in catalogue() {
            assert_eq!(named(model.name), Some(model.name));
        }
        assert!(
            ["CP-8841-3PCC", "CP-8841-3PCC-K9=", "dp-9851-3pcc"]
                .iter()
                .all(|text| is_multiplatform(text))
        );
        assert!(!is_multiplatform("CP-8841"));
        let near = |text| nearest(text).map(|model| model.name);
        assert_eq!(near("8842"), Some("Cisco 8841"));
        assert_eq!(near("Cisco 79655"), Some("Cisco 7965"));
        assert_eq!((near("toaster"), near("")), (None, None));
    }

    #[test]
    fn a_size_reads_what_it_writes() {
        let text = serde_json::to_string(&Size::new(800, 480)).unwrap();
        assert_eq!(text, "\"800x480\"");
        assert_eq!(serde_json::from_str::<Size>(&text).unwrap(), Size::new(800, 480));
        assert!(serde_json::from_str::<Size>("\"800\"").is_err());
    }
}
