//! The config file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::layer::{Layer, PasswordSource};
use super::settle::Section;
use crate::domain::association::UserKind;
use crate::domain::registration::Source;
use crate::domain::selector::{Pattern, near};
use crate::domain::time_zone::{ZoneRule, Zones};

/// What a config file says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The cluster that is meant when none is named.
    #[serde(default)]
    default_cluster: Option<String>,
    /// The time zone of device pools that no rule is about.
    #[serde(default)]
    default_time_zone: Option<ZoneName>,
    /// Time zones of device pools; the first that matches counts.
    #[serde(default)]
    time_zone: Vec<ZoneSection>,
    /// Clusters by name.
    #[serde(default)]
    cluster: BTreeMap<String, ClusterSection>,
    /// Where the file is.
    #[serde(skip)]
    path: PathBuf,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterSection {
    host: Option<String>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    pin_sha256: Option<String>,
    insecure: Option<bool>,
    axl_version: Option<String>,
    ris_host: Option<String>,
    registration_source: Option<RegistrationSource>,
    ris_rate: Option<u32>,
    push_user: Option<String>,
    push_user_kind: Option<UserKind>,
    push_password_file: Option<PathBuf>,
    phone_port: Option<u16>,
    listen: Option<String>,
    advertise: Option<String>,
    concurrency: Option<usize>,
    timeout: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ZoneSection {
    device_pool: Pattern,
    zone: ZoneName,
}

/// A time zone by its name in the IANA database, such as `Europe/Paris`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct ZoneName(TimeZone);

impl TryFrom<String> for ZoneName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        TimeZone::get(&name)
            .map(Self)
            .map_err(|_| format!("{name:?} is no time zone; they are named as Europe/Paris is"))
    }
}

/// Where registrations come from, as the file writes it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RegistrationSource {
    Risport,
    Axl,
}

/// The config file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the config file {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML, or says what this program does not know.
    #[error("the config file {} is not usable:\n{}", path.display(), source.to_string().trim_end())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Where and why, with the line; it stands in this error's text.
        source: Box<toml::de::Error>,
    },
    /// It has no such cluster.
    #[error("the config has no cluster {name:?}{}", hint(near))]
    NoSuchCluster {
        /// The name that was asked for.
        name: String,
        /// Names that look like it.
        near: Vec<String>,
    },
}

fn hint(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

impl FileConfig {
    /// Reads a config file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has a key that is not known.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let config: Self = toml::from_str(&text).map_err(|source| ConfigError::Invalid {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        Ok(Self { path: path.to_owned(), ..config })
    }

    /// Returns the name and the settings of the cluster that is meant.
    ///
    /// Without a name it is `default_cluster`, or the only cluster there is; a file with several clusters
    /// and no default gives nothing.
    ///
    /// # Errors
    /// When a cluster is named that the file does not have.
    pub fn section(&self, typed: Option<&str>) -> Result<Option<Section>, ConfigError> {
        let only =
            || self.cluster.keys().next().filter(|_| self.cluster.len() == 1).map(String::as_str);
        let Some(name) = typed.or(self.default_cluster.as_deref()).or_else(only) else {
            return Ok(None);
        };
        let section = self.cluster.get(name).ok_or_else(|| ConfigError::NoSuchCluster {
            name: name.to_owned(),
            near: near(name, self.cluster.keys().map(String::as_str)),
        })?;
        Ok(Some(Section {
            name: name.to_owned(),
            layer: self.layer(name, section),
            is_typed: typed.is_some(),
        }))
    }

    /// Returns the time zones of device pools; `local` is that of whoever the file says nothing about.
    pub fn zones(&self, local: TimeZone) -> Zones {
        let rule = |rule: &ZoneSection| ZoneRule {
            device_pool: rule.device_pool.clone(),
            zone: rule.zone.0.clone(),
        };
        let otherwise = self.default_time_zone.clone().map_or(local, |zone| zone.0);
        Zones::new(self.time_zone.iter().map(rule).collect(), otherwise)
    }

    /// Tells whether every device pool has a time zone in the file.
    pub fn has_default_zone(&self) -> bool {
        self.default_time_zone.is_some()
    }

    fn layer(&self, name: &str, section: &ClusterSection) -> Layer {
        let folder = self.path.parent().unwrap_or(&self.path);
        let place = format!("of cluster {name:?} in {}", self.path.display());
        section.clone().layer(folder).from_source(|key| format!("`{key}` {place}"))
    }
}

impl ClusterSection {
    /// Returns the settings; file names count from the folder of the config file.
    fn layer(self, folder: &Path) -> Layer {
        let section = self;
        let beside = |path: PathBuf| folder.join(path);
        Layer {
            host: section.host,
            username: section.username,
            password: section.password_file.map(beside).map(PasswordSource::File),
            ca_file: section.ca_file.map(beside),
            pin_sha256: section.pin_sha256,
            insecure: section.insecure,
            axl_version: section.axl_version,
            ris_host: section.ris_host,
            registrations: section.registration_source.map(|source| match source {
                RegistrationSource::Risport => Source::Risport70,
                RegistrationSource::Axl => Source::RegistrationDynamic,
            }),
            ris_rate: section.ris_rate,
            push_user: section.push_user,
            push_user_kind: section.push_user_kind,
            push_password: section.push_password_file.map(beside).map(PasswordSource::File),
            phone_port: section.phone_port,
            listen: section.listen,
            advertise: section.advertise,
            concurrency: section.concurrency,
            timeout: section.timeout,
            origins: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<FileConfig, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        FileConfig::load(&path)
    }

    #[test]
    fn a_single_cluster_needs_no_name() {
        let config = parsed("[cluster.lab]\nhost = \"pub\"\npush_user_kind = \"app\"\n").unwrap();
        let Section { name, layer, is_typed } = config.section(None).unwrap().unwrap();
        assert_eq!((name.as_str(), is_typed), ("lab", false));
        assert_eq!(layer.host.as_deref(), Some("pub"));
        assert_eq!(layer.push_user_kind, Some(UserKind::App));
    }

    #[test]
    fn several_clusters_need_a_name_or_a_default() {
        let text = "[cluster.lab]\nhost = \"a\"\n[cluster.prod]\nhost = \"b\"\n";
        assert!(parsed(text).unwrap().section(None).unwrap().is_none());
        let config = parsed(&format!("default_cluster = \"prod\"\n{text}")).unwrap();
        assert_eq!(config.section(None).unwrap().unwrap().layer.host.as_deref(), Some("b"));
        let error = config.section(Some("prd")).unwrap_err().to_string();
        assert!(error.contains("did you mean prod?"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_line_and_the_known_ones() {
        let error = parsed("[cluster.lab]\nhots = \"pub\"\n").unwrap_err().to_string();
        assert!(
            error.contains("hots") && error.contains("line 2") && error.contains("`host`"),
            "{error}"
        );
    }

    #[test]
    fn files_are_beside_the_config_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let text =
            "[cluster.lab]\npassword_file = \"pw\"\nca_file = \"/etc/ca.pem\"\ntimeout = 0\n";
        std::fs::write(&path, text).unwrap();
        let layer = FileConfig::load(&path).unwrap().section(None).unwrap().unwrap().layer;
        assert!(
            matches!(&layer.password, Some(PasswordSource::File(file)) if *file == folder.path().join("pw"))
        );
        assert_eq!(layer.ca_file, Some("/etc/ca.pem".into()));
        let origin = layer.origin("timeout");
        assert!(origin.starts_with("`timeout` of cluster \"lab\" in /"), "{origin}");
    }

    #[test]
    fn device_pools_have_time_zones() {
        let text = "default_time_zone = \"Asia/Tokyo\"\n[[time_zone]]\ndevice_pool = \"Paris*\"\n\
            zone = \"Europe/Paris\"\n[[time_zone]]\ndevice_pool = \"Par*\"\nzone = \"UTC\"\n";
        let zones = parsed(text).unwrap().zones(TimeZone::UTC);
        let name = |pool| zones.of(pool).iana_name().unwrap().to_owned();
        assert_eq!(["Paris 1", "Parma", "HQ"].map(name), ["Europe/Paris", "UTC", "Asia/Tokyo"]);
        let local = TimeZone::fixed(jiff::tz::offset(3));
        assert_eq!(*parsed("").unwrap().zones(local.clone()).of("HQ"), local);
        for wrong in ["default_time_zone = \"Europe/Pariss\"\n", "[[time_zone]]\nzone = \"UTC\"\n"]
        {
            assert!(parsed(wrong).unwrap_err().to_string().contains("line"), "{wrong}");
        }
    }

    #[test]
    fn a_password_in_the_file_is_refused() {
        assert!(parsed("[cluster.lab]\npassword = \"x\"\n").is_err());
    }
}
