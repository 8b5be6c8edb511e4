//! The settings that count, and where each comes from.

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::json::Document;
use crate::report::row::Row;

/// One setting.
#[derive(Clone, Debug, JsonSchema, Serialize)]
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

impl Row for SettingRecord {
    const COLUMNS: &'static [&'static str] = &["setting", "value", "origin"];
    const FIXED: &'static [&'static str] = &["setting"];
    const PATHS: &'static [(&'static str, &'static str)] =
        &[("source", "source"), ("default", "default"), ("secret", "secret")];

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

/// What is in a `config` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct ConfigBody<'a> {
    /// The config file, where there is one.
    config_file: Option<String>,
    /// The cluster of the config file that is meant, where one is.
    cluster_name: Option<&'a str>,
    /// Every setting.
    settings: &'a [SettingRecord],
}

/// The `config` document.
pub fn settings_json<'a>(
    settings: &'a [SettingRecord],
    config_file: Option<&Path>,
    cluster_name: Option<&'a str>,
    generated_at: Timestamp,
) -> Document<'static, impl Serialize + use<'a>> {
    let config_file = config_file.map(|path| path.display().to_string());
    let body = ConfigBody { config_file, cluster_name, settings };
    Document::new("config", generated_at, None, body)
}
