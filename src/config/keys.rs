//! What a key of the config file is, and what to do about one that is not known. [`super::KEYS`] has them all.

use crate::domain::selector::near;

#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub place: ValuePlace,
    /// What it is, in whole sentences, with its unit.
    pub meaning: &'static str,
    /// The default, as it would be written or in words.
    pub default: &'static str,
    pub example: &'static str,
    /// The setting that it gives. Where several keys give the same one, a table may hold only one of them.
    pub(super) setting: &'static str,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValuePlace {
    Top,
    /// In the table of one cluster only: it is about that server, its trust or its passwords.
    Cluster,
    /// In the table of a cluster, or in `[defaults]` for all of them.
    Shared,
    /// In each table of a list of tables, such as `[[image]]`.
    Each(&'static str),
    /// In a table of its own, such as `[notify]`.
    Table(&'static str),
}

impl ValuePlace {
    /// Returns the name of the table, where it is not one of clusters.
    pub(super) fn table(self) -> Option<&'static str> {
        match self {
            Self::Each(name) | Self::Table(name) => Some(name),
            Self::Top | Self::Cluster | Self::Shared => None,
        }
    }

    /// Returns the line that the table begins with, where it is not one of clusters.
    pub(super) fn header(self) -> String {
        match self {
            Self::Each(name) => format!("[[{name}]]"),
            Self::Table(name) => format!("[{name}]"),
            Self::Top | Self::Cluster | Self::Shared => String::new(),
        }
    }
}

impl Key {
    pub(super) const fn new(
        place: ValuePlace,
        name: &'static str,
        default: &'static str,
        example: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { name, place, meaning, default, example, setting: name }
    }

    /// Returns the setting that the key gives.
    pub fn setting(&self) -> &'static str {
        self.setting
    }

    /// Returns whether several keys give the setting, as those of a password do.
    pub fn is_one_of_several(&self) -> bool {
        self.setting != self.name
    }

    /// Returns whether the key may be in a cluster's table.
    pub(super) fn is_of_cluster(&self) -> bool {
        matches!(self.place, ValuePlace::Cluster | ValuePlace::Shared)
    }
}

/// Returns what to do about a key that is not known in its table; `fits` selects the keys that may be there.
pub(super) fn advice(name: &str, keys: &[Key], fits: impl Fn(&Key) -> bool) -> Option<String> {
    if let Some(key) = keys.iter().find(|key| key.name == name) {
        return Some(match key.place {
            ValuePlace::Top => "it must be above all tables".to_owned(),
            ValuePlace::Cluster => {
                "it belongs to one cluster: write it into [cluster.NAME]".to_owned()
            }
            ValuePlace::Shared => "write it into [cluster.NAME] or [defaults]".to_owned(),
            ValuePlace::Each(_) | ValuePlace::Table(_) => {
                format!("write it into {}", key.place.header())
            }
        });
    }
    match name {
        "password" | "push_password" | "mail_password" => {
            return Some(format!(
                "a password is not allowed in this file: use {name}_file, {name}_env, {name}_command or \
                 {name}_keyring"
            ));
        }
        _ => {}
    }
    let candidates = keys.iter().filter(|key| fits(key)).map(|key| key.name);
    let near = near(name, candidates);
    let nearest = near.first()?;
    Some(format!("did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::KEYS;

    #[test]
    fn names_are_unique_and_meanings_are_sentences() {
        let mut seen = BTreeSet::new();
        for key in KEYS {
            let place = match key.place {
                ValuePlace::Each(table) | ValuePlace::Table(table) => table,
                ValuePlace::Top | ValuePlace::Cluster | ValuePlace::Shared => "",
            };
            assert!(seen.insert((place, key.name)), "{} is declared twice", key.name);
            assert!(key.meaning.ends_with('.') && !key.default.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn no_password_and_no_trust_in_one_server_is_shared() {
        for key in KEYS.iter().filter(|key| key.place == ValuePlace::Shared) {
            let is_own = key.setting().contains("password")
                || ["host", "pin_sha256", "insecure", "ris_host"].contains(&key.name);
            assert!(!is_own, "{} would go to every cluster", key.name);
        }
    }
}
