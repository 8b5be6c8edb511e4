//! Whether a phone's web server is meant to run, as the pages of CUCM say it.

use serde::{Deserialize, Serialize};

/// The setting "Web Access" (`webAccess` in the product-specific configuration).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WebAccess {
    /// The web server runs.
    Enabled,
    /// It does not.
    Disabled,
    /// It runs, but takes nothing (some models; believed).
    ReadOnly,
}

impl WebAccess {
    /// Understands the stored value: 0 is enabled, 1 is disabled (seen in published device files), 2 is
    /// read-only (believed).
    pub fn parse(value: &str) -> Option<Self> {
        match value.trim() {
            "0" => Some(Self::Enabled),
            "1" => Some(Self::Disabled),
            "2" => Some(Self::ReadOnly),
            _ => None,
        }
    }

    /// Returns the word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::ReadOnly => "Read Only",
        }
    }
}

/// A page of CUCM that can hold the setting.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// Device > Phone.
    Phone,
    /// Device > Device Settings > Common Phone Profile.
    Profile,
    /// System > Enterprise Phone Configuration.
    Enterprise,
}

/// Returns the setting that a phone obeys, and the page that decides it; nothing when no page says anything.
///
/// The phone's own page comes first, then its profile's, then the one for all phones (believed: the boxes
/// "Override Enterprise/Common Phone Profile Settings" can turn that round).
pub fn deciding(
    phone: Option<WebAccess>,
    profile: Option<WebAccess>,
    enterprise: Option<WebAccess>,
) -> Option<(WebAccess, Page)> {
    phone
        .map(|setting| (setting, Page::Phone))
        .or_else(|| profile.map(|setting| (setting, Page::Profile)))
        .or_else(|| enterprise.map(|setting| (setting, Page::Enterprise)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_page_decides() {
        use WebAccess::{Disabled, Enabled};
        assert_eq!(deciding(None, None, None), None);
        assert_eq!(deciding(None, None, Some(Disabled)), Some((Disabled, Page::Enterprise)));
        assert_eq!(deciding(None, Some(Enabled), Some(Disabled)), Some((Enabled, Page::Profile)));
        assert_eq!(deciding(Some(Disabled), Some(Enabled), None), Some((Disabled, Page::Phone)));
    }

    #[test]
    fn other_values_say_nothing() {
        assert_eq!(WebAccess::parse(" 1 "), Some(WebAccess::Disabled));
        assert!(["", "3", "yes", "-1"].iter().all(|value| WebAccess::parse(value).is_none()));
    }
}
