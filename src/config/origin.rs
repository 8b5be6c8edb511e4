//! Where a value comes from.

use crate::domain::text::quoted;
use std::fmt;
use std::path::PathBuf;

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// An option of the command line, such as `--host`.
    Option(String),
    Variable(String),
    File {
        key: &'static str,
        /// Its table, such as `cluster.lab` or `defaults`.
        table: Table,
        path: PathBuf,
        /// The line, counted from 1.
        line: Option<usize>,
    },
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Table {
    /// What counts for every cluster.
    Defaults,
    /// One cluster, by its name.
    Cluster(String),
}

impl Origin {
    /// Returns the origin of an option.
    pub fn option(key: &'static str) -> Self {
        Self::Option(option(key))
    }

    /// Returns the word for the kind of source, which JSON uses.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Option(_) => "flag",
            Self::Variable(_) => "environment",
            Self::File { .. } => "file",
        }
    }

    /// Returns the source in short: an option, a variable, or a place in a file.
    pub fn short(&self) -> String {
        match self {
            Self::Option(name) | Self::Variable(name) => name.clone(),
            Self::File { table, path, line, .. } => {
                let line = line.map(|line| format!(":{line}")).unwrap_or_default();
                format!("{}{line} [{table}]", path.display())
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) | Self::Variable(name) => f.write_str(name),
            Self::File { key, table, path, line } => {
                let whose = match table {
                    Table::Defaults => "of [defaults]".to_owned(),
                    Table::Cluster(name) => format!("of cluster {}", quoted(name)),
                };
                write!(f, "`{key}` {whose} in {}", path.display())?;
                line.map_or(Ok(()), |line| write!(f, ", line {line}"))
            }
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("defaults"),
            Self::Cluster(name) => write!(f, "cluster.{name}"),
        }
    }
}

impl From<String> for Origin {
    fn from(option: String) -> Self {
        Self::Option(option)
    }
}

/// Returns the option that a setting is on the command line.
pub fn option(key: &str) -> String {
    match key {
        "password" | "push_password" => format!("{}-file", dashed(key)),
        _ => dashed(key),
    }
}

fn dashed(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}
