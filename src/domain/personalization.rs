//! Phone Personalization: the setting that lets a phone take a pushed picture, and who decides it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One level's "Phone Personalization" setting.
///
/// The four values of AXL's `XPhonePersonalization`, the same in every schema from 8.0 to 15.0.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The phone refuses pushed pictures.
    Disabled,
    /// The phone takes pushed pictures.
    Enabled,
    /// The phone takes pushed pictures over HTTPS only.
    HttpsOnly,
    /// The next level decides.
    Default,
}

impl Setting {
    /// Reads CUCM's display string (`HTTPS Only`), or the number that the database and the phones'
    /// configuration files use (`0` Disabled, `1` Enabled, `2` HTTPS Only, `3` Default).
    ///
    /// Returns nothing for any other text, so that an unknown value never counts as a known one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        [(Self::Disabled, "0"), (Self::Enabled, "1"), (Self::HttpsOnly, "2"), (Self::Default, "3")]
            .into_iter()
            .find(|(setting, number)| {
                text == *number || text.eq_ignore_ascii_case(setting.as_axl())
            })
            .map(|(setting, _)| setting)
    }

    pub fn as_axl(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Enabled => "Enabled",
            Self::HttpsOnly => "HTTPS Only",
            Self::Default => "Default",
        }
    }
}

/// What a phone obeys once every level has been asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// Pushed pictures are refused.
    Disabled,
    /// Pushed pictures are taken.
    Enabled,
    /// Pushed pictures are taken over HTTPS only.
    HttpsOnly,
    /// No level that could be read decides.
    Unknown,
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "Disabled",
            Self::Enabled => "Enabled",
            Self::HttpsOnly => "HTTPS Only",
            Self::Unknown => "unknown",
        })
    }
}

/// The level whose setting a phone obeys.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The phone's own page.
    Phone,
    /// Its Common Phone Profile.
    Profile,
    /// The enterprise parameter.
    Enterprise,
    /// None that could be read.
    None,
}

/// The setting at every level, as far as it could be read, and what follows from it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Personalization {
    /// The phone's own setting (`phoneSuite` in AXL).
    pub phone: Option<Setting>,
    /// Its Common Phone Profile's setting.
    pub profile: Option<Setting>,
    /// The enterprise parameter.
    pub enterprise: Option<Setting>,
    /// What the phone obeys.
    pub effective: Effective,
    /// Which level decided.
    pub decided_by: Level,
}

impl Personalization {
    /// Asks the phone, then its Common Phone Profile, then the enterprise parameter.
    ///
    /// The first level that is not `Default` decides. A level that could not be read ends the search:
    /// whatever the next level has, the phone might obey the one that was not read.
    pub fn resolve(
        phone: Option<Setting>,
        profile: Option<Setting>,
        enterprise: Option<Setting>,
    ) -> Self {
        let levels =
            [(phone, Level::Phone), (profile, Level::Profile), (enterprise, Level::Enterprise)];
        let (effective, decided_by) = levels
            .into_iter()
            .find_map(|(setting, level)| match setting {
                Some(Setting::Default) => None,
                Some(Setting::Disabled) => Some((Effective::Disabled, level)),
                Some(Setting::Enabled) => Some((Effective::Enabled, level)),
                Some(Setting::HttpsOnly) => Some((Effective::HttpsOnly, level)),
                None => Some((Effective::Unknown, Level::None)),
            })
            .unwrap_or((Effective::Unknown, Level::None));
        Self { phone, profile, enterprise, effective, decided_by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Setting; 4] =
        [Setting::Disabled, Setting::Enabled, Setting::HttpsOnly, Setting::Default];

    #[test]
    fn reads_every_spelling_and_nothing_else() {
        for setting in ALL {
            assert_eq!(Setting::parse(setting.as_axl()), Some(setting));
        }
        assert_eq!(Setting::parse(" https only "), Some(Setting::HttpsOnly));
        assert_eq!(Setting::parse("3"), Some(Setting::Default));
        assert_eq!(Setting::parse("4"), None);
        assert_eq!(Setting::parse(""), None);
    }

    #[test]
    fn the_narrowest_level_that_says_something_decides() {
        use Setting::{Default, Disabled, Enabled, HttpsOnly};
        let resolve = |phone, profile, enterprise| {
            let found = Personalization::resolve(phone, profile, enterprise);
            (found.effective, found.decided_by)
        };
        assert_eq!(
            resolve(Some(Disabled), Some(Enabled), Some(Enabled)),
            (Effective::Disabled, Level::Phone)
        );
        assert_eq!(
            resolve(Some(Default), Some(HttpsOnly), Some(Enabled)),
            (Effective::HttpsOnly, Level::Profile)
        );
        assert_eq!(
            resolve(Some(Default), Some(Default), Some(Enabled)),
            (Effective::Enabled, Level::Enterprise)
        );
        assert_eq!(
            resolve(Some(Default), Some(Default), Some(Default)),
            (Effective::Unknown, Level::None)
        );
    }

    #[test]
    fn a_level_that_was_not_read_is_never_skipped() {
        for profile in ALL.map(Some).into_iter().chain([None]) {
            let found = Personalization::resolve(None, profile, Some(Setting::Enabled));
            assert_eq!(found.effective, Effective::Unknown);
        }
        let found = Personalization::resolve(Some(Setting::Default), None, Some(Setting::Enabled));
        assert_eq!((found.effective, found.decided_by), (Effective::Unknown, Level::None));
    }
}
