//! What can be pushed to a phone, and what each model takes of it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::model::{ImageSpec, Model};

#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Deserialize,
    Eq,
    Hash,
    JsonSchema,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A background picture (`setBackground`).
    #[default]
    Background,
    /// A ring tone (`setRingTone`).
    RingTone,
    /// A sound that the phone plays once (`Play:`).
    Play,
    /// Keys that are pressed from afar (`CiscoIPPhoneExecute`).
    Keys,
}

impl ObjectKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::RingTone => "ring_tone",
            Self::Play => "play",
            Self::Keys => "keys",
        }
    }

    /// Returns whether the phone downloads it from us. Only a download can be seen: of everything else a phone's
    /// acceptance is all that is ever known.
    pub fn is_downloaded(self) -> bool {
        match self {
            Self::Background | Self::RingTone => true,
            Self::Play | Self::Keys => false,
        }
    }

    /// Returns whether Phone Personalization must be enabled for it.
    ///
    /// It is the setting for backgrounds and ring tones; internal URIs such as `Key:` are not about it.
    pub fn is_personal(self) -> bool {
        self.is_downloaded()
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a ring tone is written. Neither kind of file has a header.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ToneFormat {
    /// `.raw`: 8,000 samples a second, mono, 8-bit µ-law.
    Classic,
    /// `.rwb`: 16,000 samples a second, mono, signed 16-bit samples.
    Wideband,
}

impl ToneFormat {
    pub const ALL: [Self; 2] = [Self::Classic, Self::Wideband];

    /// So many samples make a unit, and a tone has whole units only.
    pub const UNIT: usize = 240;

    /// Returns how many samples a second has.
    pub fn rate(self) -> u32 {
        match self {
            Self::Classic => 8_000,
            Self::Wideband => 16_000,
        }
    }

    /// Returns how many samples the longest tone has: about 2 seconds, or 10.
    pub fn longest(self) -> usize {
        match self {
            Self::Classic => 16_080,
            Self::Wideband => 160_800,
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Classic => "raw",
            Self::Wideband => "rwb",
        }
    }

    /// Returns the list that names files of this kind, beside them on a TFTP server.
    pub fn list_file(self) -> &'static str {
        match self {
            Self::Classic => "Ringlist.xml",
            Self::Wideband => "Ringlist-wb.xml",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Wideband => "wideband",
        }
    }
}

/// What one phone takes of what is pushed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AcceptedFormat {
    Picture(ImageSpec),
    /// A ring tone in this format.
    Tone(ToneFormat),
    Sound,
    Keys,
}

impl AcceptedFormat {
    /// Returns what a model takes of a kind; nothing when it takes none, or no source says that it does.
    pub fn of(kind: ObjectKind, model: &Model) -> Option<Self> {
        match kind {
            ObjectKind::Background => model.image.map(Self::Picture),
            ObjectKind::RingTone => model.ring_tone().map(Self::Tone),
            ObjectKind::Play => model.executes().then_some(Self::Sound),
            ObjectKind::Keys => model.executes().then_some(Self::Keys),
        }
    }

    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Picture(_) => ObjectKind::Background,
            Self::Tone(_) => ObjectKind::RingTone,
            Self::Sound => ObjectKind::Play,
            Self::Keys => ObjectKind::Keys,
        }
    }

    pub fn image(&self) -> Option<&ImageSpec> {
        match self {
            Self::Picture(image) => Some(image),
            Self::Tone(_) | Self::Sound | Self::Keys => None,
        }
    }

    pub fn tone(&self) -> Option<ToneFormat> {
        match self {
            Self::Tone(format) => Some(*format),
            Self::Picture(_) | Self::Sound | Self::Keys => None,
        }
    }
}

impl Model {
    /// Returns the format of its ring tones; nothing where no source says that one can be pushed to it.
    ///
    /// Published tools push to the phones that take a pushed background too. The formats are those of the
    /// 8941/8945 guide (classic) and of the usecallmanager.nz pages for the 7800 and 8800 series (wideband).
    /// One published tool sends classic files to those series all the same, so the format can be overridden.
    pub fn ring_tone(&self) -> Option<ToneFormat> {
        match self.number {
            // 7941, 7941G-GE, 7942, 7945, 7961, 7961G-GE, 7962, 7965, 7970, 7971, 7975.
            115 | 309 | 434 | 435 | 30018 | 308 | 404 | 436 | 30006 | 119 | 437
            // 8941, 8945, 9951, 9971.
            | 586 | 585 | 537 | 493 => Some(ToneFormat::Classic),
            // 7811, 7821, 7841, 7861.
            36213 | 621 | 622 | 623
            // 8811, 8821, 8841, 8845, 8851, 8861, 8865 and those that are taken to be as they are.
            | 36217 | 36339 | 36216 | 683 | 36340 | 36224 | 684 | 36232 | 36338 | 685 | 36225
            | 36248 => Some(ToneFormat::Wideband),
            _ => None,
        }
    }

    /// Returns whether it takes key presses and other internal URIs in a `CiscoIPPhoneExecute`.
    ///
    /// The 7800, 8800 and 9800 series are in Cisco's tables of internal URIs ("IP Phone Services Application
    /// Development Notes"); published tools press keys on the 7900, 8900 and 9900 series.
    pub fn executes(&self) -> bool {
        match self.number {
            // 7906, 7911, 7941 to 7975.
            369 | 307 | 115 | 309 | 434 | 435 | 30018 | 308 | 404 | 436 | 30006 | 119 | 437
            // 8941, 8945, 8961, 9951, 9971.
            | 586 | 585 | 540 | 537 | 493
            // 7811, 7821, 7832, 7841, 7861.
            | 36213 | 621 | 36247 | 622 | 623
            // 8811, 8821, 8831, 8832, 8841, 8845, 8851, 8861, 8865, 8875.
            | 36217 | 36339 | 36216 | 659 | 36258 | 36260 | 683 | 36340 | 36224 | 684 | 36232
            | 36338 | 685 | 36225 | 36248 | 36336 | 36337
            // 9841, 9851, 9861, 9871.
            | 36345 | 36348 | 36347 | 36353 | 36350 | 36354 => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{by_name, catalogue};

    #[test]
    fn a_model_takes_what_its_sources_say() {
        let accepts =
            |kind, name: &str| AcceptedFormat::of(kind, by_name(&format!("Cisco {name}")).unwrap());
        assert_eq!(
            accepts(ObjectKind::RingTone, "7965"),
            Some(AcceptedFormat::Tone(ToneFormat::Classic))
        );
        assert_eq!(
            accepts(ObjectKind::RingTone, "7841"),
            Some(AcceptedFormat::Tone(ToneFormat::Wideband))
        );
        assert_eq!(accepts(ObjectKind::RingTone, "9871"), None);
        assert_eq!(accepts(ObjectKind::Background, "7841"), None);
        assert_eq!(accepts(ObjectKind::Keys, "9841"), Some(AcceptedFormat::Keys));
        assert_eq!(accepts(ObjectKind::Play, "7832"), Some(AcceptedFormat::Sound));
        assert_eq!(accepts(ObjectKind::Keys, "6941"), None);
        assert_eq!(accepts(ObjectKind::Keys, "Unified Client Services Framework"), None);
    }

    #[test]
    fn whoever_takes_a_ring_tone_takes_keys_too() {
        for model in catalogue() {
            assert!(model.ring_tone().is_none() || model.executes(), "{}", model.name);
        }
        assert_eq!(catalogue().iter().filter(|model| model.ring_tone().is_some()).count(), 31);
        assert_eq!(catalogue().iter().filter(|model| model.executes()).count(), 46);
    }
}
