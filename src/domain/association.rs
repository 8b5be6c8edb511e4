//! The devices that a user controls, and how new ones are added without losing one.
//!
//! AXL replaces the whole list on every write. So a list keeps each entry exactly as it was read, in
//! its order, whatever kind of device it names, and merging only ever appends.

use std::collections::HashSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::is_readable;

/// Whether a user is an end user or an application user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// User Management > End User.
    End,
    /// User Management > Application User.
    App,
}

impl fmt::Display for UserKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "end user",
            Self::App => "application user",
        })
    }
}

/// A user by name and kind.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct UserRef {
    /// The user ID.
    pub user: String,
    /// End user or application user.
    #[serde(rename = "user_kind")]
    pub kind: UserKind,
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.user)
    }
}

/// A user's controlled devices, in the order and spelling that CUCM gave.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct DeviceList {
    entries: Vec<String>,
    index: HashSet<String>,
}

impl DeviceList {
    pub fn entries(&self) -> &[String] {
        &self.entries
    }

    pub fn contains(&self, name: &str) -> bool {
        self.index.contains(&key(name))
    }

    /// Returns whether every entry was read completely; a list of which that is not true is not written back.
    pub fn is_readable(&self) -> bool {
        self.entries.iter().all(|entry| is_readable(entry))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn is_superset(&self, other: &Self) -> bool {
        other.index.is_subset(&self.index)
    }

    pub fn same_devices(&self, other: &Self) -> bool {
        self.index == other.index
    }

    /// Returns this list with the missing ones of `additions` at its end.
    #[must_use]
    pub fn merged<'a>(&self, additions: impl IntoIterator<Item = &'a str>) -> Self {
        let mut merged = self.clone();
        for name in additions {
            merged.push(name.to_owned());
        }
        merged
    }

    /// Returns this list without the devices of the other one.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.missing_from(other).into()
    }

    pub fn missing_from(&self, other: &Self) -> Vec<String> {
        self.entries.iter().filter(|name| !other.contains(name)).cloned().collect()
    }

    fn push(&mut self, name: String) {
        if self.index.insert(key(&name)) {
            self.entries.push(name);
        }
    }
}

impl From<Vec<String>> for DeviceList {
    fn from(names: Vec<String>) -> Self {
        let mut list = Self::default();
        for name in names {
            list.push(name);
        }
        list
    }
}

impl From<DeviceList> for Vec<String> {
    fn from(list: DeviceList) -> Self {
        list.entries
    }
}

impl PartialEq for DeviceList {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for DeviceList {}

/// CUCM compares device names without regard to case.
fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(names: &[&str]) -> DeviceList {
        names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into()
    }

    #[test]
    fn merging_appends_what_is_missing_and_keeps_spelling() {
        let before = list(&["csfjli", "SEP00AA"]);
        let after = before.merged(["sep00aa", "SEP00BB", "SEP00BB"]);
        assert_eq!(after.entries(), ["csfjli", "SEP00AA", "SEP00BB"]);
        assert_eq!(after.missing_from(&before), ["SEP00BB"]);
        assert!(after.is_superset(&before) && !before.is_superset(&after));
    }

    proptest! {
        #[test]
        fn nothing_is_ever_taken_away(before in proptest::collection::vec("[A-Za-z0-9_.-]{1,12}", 0..40),
                                      adds in proptest::collection::vec("[A-Za-z0-9_.-]{1,12}", 0..40)) {
            let before = DeviceList::from(before);
            let after = before.merged(adds.iter().map(String::as_str));
            prop_assert!(after.is_superset(&before));
            prop_assert!(adds.iter().all(|name| after.contains(name)));
            prop_assert_eq!(&after.entries()[..before.len()], before.entries());
            prop_assert_eq!(after.merged(adds.iter().map(String::as_str)), after);
        }
    }
}
