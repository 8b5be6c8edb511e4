//! Who may use the console, as the config file writes it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use crate::domain::console_role::ConsoleRole;
use crate::domain::text::quoted;

/// Who may use the console from other machines.
#[derive(Clone, Debug, Default)]
pub struct ConsoleUsers {
    pub users: Vec<ConsoleUser>,
    /// Whether who began a run or a watch may not approve what waits in it.
    pub four_eyes: bool,
}

/// A user of the console.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ConsoleUser {
    pub name: String,
    pub role: ConsoleRole,
    /// An Argon2id hash in the PHC format.
    pub password_hash: String,
}

impl fmt::Debug for ConsoleUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, role, .. } = self;
        f.debug_struct("ConsoleUser")
            .field("name", name)
            .field("role", role)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsoleSection {
    #[serde(default)]
    four_eyes: bool,
    #[serde(default)]
    user: Vec<ConsoleUser>,
}

impl ConsoleSection {
    pub(super) fn users(&self) -> ConsoleUsers {
        ConsoleUsers { users: self.user.clone(), four_eyes: self.four_eyes }
    }

    /// Returns what is wrong with users, with the place of each in the list.
    pub(super) fn problems(&self) -> Vec<(usize, String)> {
        let mut names = BTreeSet::new();
        let mut problems = Vec::new();
        for (at, user) in self.user.iter().enumerate() {
            if user.name.trim().is_empty() {
                problems.push((at, "`name` is empty".to_owned()));
            } else if !names.insert(user.name.to_lowercase()) {
                problems.push((at, format!("`name` {} is there twice", quoted(&user.name))));
            }
            if !user.password_hash.starts_with("$argon2id$") {
                let what =
                    "`password_hash` is no Argon2id hash; `axlpaper console user add` writes one";
                problems.push((at, what.to_owned()));
            }
        }
        problems
    }
}
