//! How the value of a setting is read from the config file and from the environment, and how it is shown.

use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use super::origin::Table;
use super::password::{KeyringEntry, PasswordCommand, PasswordSource};
use crate::domain::association::UserKind;
use crate::domain::registration::Source;

pub(super) trait Value: Sized {
    /// What the keys of the config file hold that give the value.
    type Keys;

    /// Reads the keys of a table; file names are relative to `folder`, the one of the config file.
    fn from_keys(keys: Self::Keys, folder: &Path, table: &Table) -> Option<Self>;

    /// Returns the value as the config file writes it; of a password only its source.
    fn text(&self) -> String;
}

/// A value that an environment variable can give.
pub(super) trait FromVariable {
    fn from_variable(value: String) -> Self;
}

/// A byte order mark and a line end are no part of it, as of a password.
impl FromVariable for String {
    fn from_variable(value: String) -> Self {
        let value = value.strip_prefix('\u{feff}').unwrap_or(&value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        value.strip_suffix('\r').unwrap_or(value).to_owned()
    }
}

impl FromVariable for PasswordSource {
    fn from_variable(value: String) -> Self {
        Self::Given(Zeroizing::new(value).as_str().into())
    }
}

/// The types that the config file writes as they are.
macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Value for $type {
            type Keys = (Option<Self>,);

            fn from_keys(keys: Self::Keys, _: &Path, _: &Table) -> Option<Self> {
                keys.0
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

plain!(String, bool, u16, u32, u64, usize);

impl Value for PathBuf {
    type Keys = (Option<Self>,);

    fn from_keys(keys: Self::Keys, folder: &Path, _: &Table) -> Option<Self> {
        keys.0.map(|path| folder.join(path))
    }

    fn text(&self) -> String {
        self.display().to_string()
    }
}

impl Value for UserKind {
    type Keys = (Option<Self>,);

    fn from_keys(keys: Self::Keys, _: &Path, _: &Table) -> Option<Self> {
        keys.0
    }

    fn text(&self) -> String {
        match self {
            Self::End => "end",
            Self::App => "app",
        }
        .to_owned()
    }
}

/// Where registrations are read from, as the config file writes it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RegistrationSource {
    Risport,
    Axl,
}

impl Value for Source {
    type Keys = (Option<RegistrationSource>,);

    fn from_keys(keys: Self::Keys, _: &Path, _: &Table) -> Option<Self> {
        keys.0.map(|source| match source {
            RegistrationSource::Risport => Self::Risport70,
            RegistrationSource::Axl => Self::RegistrationDynamic,
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Risport70 => "risport",
            Self::RegistrationDynamic => "axl",
            Self::None => "none",
        }
        .to_owned()
    }
}

impl Value for PasswordSource {
    type Keys = (Option<PathBuf>, Option<String>, Option<Vec<String>>, Option<bool>);

    /// Which of several sources wins does not matter, because the config file is refused then.
    fn from_keys(
        (file, variable, command, keyring): Self::Keys,
        folder: &Path,
        table: &Table,
    ) -> Option<Self> {
        let command = || PasswordCommand::new(command?, folder).map(Self::Command);
        let entry = || match table {
            Table::Cluster(name) if keyring == Some(true) => {
                Some(Self::Keyring(KeyringEntry::new(name.as_str(), false)))
            }
            Table::Cluster(_) | Table::Defaults => None,
        };
        file.map(|path| Self::File(folder.join(path)))
            .or_else(|| variable.map(Self::Variable))
            .or_else(command)
            .or_else(entry)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}
