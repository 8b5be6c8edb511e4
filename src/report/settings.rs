//! The settings that count, and where each comes from.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::json::envelope;
use super::list::ListError;
use super::record::Record;

/// One setting.
#[derive(Clone, Debug, Serialize)]
pub struct SettingRecord {
    /// Its name: the key of the config file.
    pub setting: &'static str,
    /// Its value; for a secret, where it would be taken from. Nothing where the default counts.
    pub value: Option<String>,
    /// Whether it is a secret, of which nothing is shown, not even its length.
    pub secret: bool,
    /// The kind of source: `flag`, `environment`, `file` or `default`.
    pub source: &'static str,
    /// The option, the variable, or the file with line and table.
    pub origin: Option<String>,
    /// What counts without it, in words.
    pub default: &'static str,
}

impl Record for SettingRecord {
    const COLUMNS: &'static [&'static str] = &["setting", "value", "origin"];
    const FIXED: &'static [&'static str] = &["setting"];

    fn cells(&self) -> Vec<String> {
        let value = match &self.value {
            Some(value) if self.secret => format!("(hidden) {value}"),
            Some(value) => value.clone(),
            None => self.default.to_owned(),
        };
        let origin = self.origin.clone().unwrap_or_else(|| self.source.to_owned());
        vec![self.setting.to_owned(), value, origin]
    }
}

/// The `config` document.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn settings_json(
    settings: &[SettingRecord],
    config_file: Option<&Path>,
    cluster_name: Option<&str>,
    generated_at: Timestamp,
) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        config_file: Option<String>,
        cluster_name: Option<&'a str>,
        settings: &'a [SettingRecord],
    }
    let config_file = config_file.map(|path| path.display().to_string());
    envelope("config", generated_at, None, Body { config_file, cluster_name, settings })
}
