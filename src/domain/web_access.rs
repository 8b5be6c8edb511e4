//! Whether a phone's web server is meant to run, as the pages of CUCM say it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The setting "Web Access" (`webAccess` in the product-specific configuration).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
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
    Phone,
    /// Device > Device Settings > Common Phone Profile.
    Profile,
    Enterprise,
}

/// What is known of the setting on one page.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum PageValue {
    /// The page does not set it, so the next one counts.
    #[default]
    Nothing,
    Unread,
    Says(WebAccess),
}

impl From<Option<WebAccess>> for PageValue {
    fn from(read: Option<WebAccess>) -> Self {
        read.map_or(Self::Nothing, Self::Says)
    }
}

impl Serialize for PageValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Unread => serializer.serialize_str("unread"),
            Self::Says(setting) => setting.serialize(serializer),
        }
    }
}

impl JsonSchema for PageValue {
    fn schema_name() -> Cow<'static, str> {
        "SaidOfWebAccess".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a page says: null where it says nothing, `unread` where nobody could read it.",
            "enum": [null, "unread", "enabled", "disabled", "read_only"]
        })
    }
}

/// Who decides about a phone's web server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decided {
    ByNobody,
    /// Perhaps this page, which could not be read.
    PerhapsBy(Page),
    By(Page, WebAccess),
}

/// Finds the page that a phone obeys. A page that could not be read ends the search, because the phone
/// might obey exactly that one.
///
/// The phone's own page comes first, then its profile's, then the one for all phones (believed: the boxes
/// "Override Enterprise/Common Phone Profile Settings" can turn that round).
pub fn deciding(phone: PageValue, profile: PageValue, enterprise: PageValue) -> Decided {
    let pages = [(Page::Phone, phone), (Page::Profile, profile), (Page::Enterprise, enterprise)];
    for (page, said) in pages {
        match said {
            PageValue::Nothing => {}
            PageValue::Unread => return Decided::PerhapsBy(page),
            PageValue::Says(setting) => return Decided::By(page, setting),
        }
    }
    Decided::ByNobody
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_page_decides() {
        use PageValue::{Nothing, Says, Unread};
        use WebAccess::{Disabled, Enabled};
        assert_eq!(deciding(Nothing, Nothing, Nothing), Decided::ByNobody);
        assert_eq!(
            deciding(Nothing, Nothing, Says(Disabled)),
            Decided::By(Page::Enterprise, Disabled)
        );
        assert_eq!(
            deciding(Nothing, Says(Enabled), Says(Disabled)),
            Decided::By(Page::Profile, Enabled)
        );
        assert_eq!(deciding(Says(Disabled), Unread, Nothing), Decided::By(Page::Phone, Disabled));
        assert_eq!(deciding(Unread, Says(Disabled), Nothing), Decided::PerhapsBy(Page::Phone));
        assert_eq!(deciding(Nothing, Unread, Says(Disabled)), Decided::PerhapsBy(Page::Profile));
    }

    #[test]
    fn other_values_say_nothing() {
        assert_eq!(WebAccess::parse(" 1 "), Some(WebAccess::Disabled));
        assert!(["", "3", "yes", "-1"].iter().all(|value| WebAccess::parse(value).is_none()));
    }
}
