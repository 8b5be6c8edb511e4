//! The config file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::layer::{Layer, PasswordSource};
use super::settle::Section;
use crate::domain::association::UserKind;
use crate::domain::picture::{PictureRule, PictureRules};
use crate::domain::registration::Source;
use crate::domain::selector::{Field, Pattern, near};

/// What a config file says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The cluster that is meant when none is named.
    #[serde(default)]
    default_cluster: Option<String>,
    /// Clusters by name.
    #[serde(default)]
    cluster: BTreeMap<String, ClusterSection>,
    /// Which picture is for whom, the first match counts.
    #[serde(default)]
    image: Vec<ImageSection>,
    /// Where the file is.
    #[serde(skip)]
    path: PathBuf,
}

/// A picture and the phones that it is for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageSection {
    file: PathBuf,
    #[serde(default)]
    device_pool: OneOrMore,
    #[serde(default)]
    model: OneOrMore,
    #[serde(default)]
    profile: OneOrMore,
    #[serde(default)]
    location: OneOrMore,
    #[serde(default)]
    owner: OneOrMore,
    #[serde(default)]
    device: OneOrMore,
}

/// A pattern, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a name, or a list of names; * stands for any characters")]
enum OneOrMore {
    One(Pattern),
    More(Vec<Pattern>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl ImageSection {
    fn rule(&self, folder: &Path) -> PictureRule {
        let fields = [
            (Field::DevicePool, &self.device_pool),
            (Field::Model, &self.model),
            (Field::Profile, &self.profile),
            (Field::Location, &self.location),
            (Field::Owner, &self.owner),
            (Field::Device, &self.device),
        ];
        let patterns = fields.into_iter().flat_map(|(field, patterns)| {
            let patterns = match patterns {
                OneOrMore::One(pattern) => std::slice::from_ref(pattern),
                OneOrMore::More(patterns) => patterns,
            };
            patterns.iter().map(move |pattern| (field, pattern.clone()))
        });
        PictureRule {
            name: self.file.display().to_string(),
            file: folder.join(&self.file),
            phones: patterns.collect(),
        }
    }
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
    phone_ca_file: Option<PathBuf>,
    phone_tls: Option<String>,
    phone_tls_port: Option<u16>,
    listen: Option<String>,
    advertise: Option<String>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    concurrency: Option<usize>,
    timeout: Option<u64>,
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

    /// Returns which picture is for whom; file names count from the folder of the config file.
    pub fn pictures(&self) -> PictureRules {
        PictureRules::new(self.image.iter().map(|image| image.rule(self.folder())))
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    fn layer(&self, name: &str, section: &ClusterSection) -> Layer {
        let folder = self.folder();
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
            phone_ca_file: section.phone_ca_file.map(beside),
            phone_tls: section.phone_tls,
            phone_tls_port: section.phone_tls_port,
            phone_repin: Vec::new(),
            listen: section.listen,
            advertise: section.advertise,
            tls_cert: section.tls_cert.map(beside),
            tls_key: section.tls_key.map(beside),
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
    fn pictures_are_for_the_phones_that_their_rules_name() {
        let text = "[[image]]\ndevice_pool = \"Paris*\"\nmodel = [\"8841\", \"8851\"]\nfile = \"paris.png\"\n\
                    [[image]]\nfile = \"/all.png\"\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let rules = FileConfig::load(&path).unwrap().pictures();
        let paris = folder.path().join("paris.png");
        let wanted = [("paris.png", paris.as_path()), ("/all.png", Path::new("/all.png"))];
        assert_eq!(rules.pictures(), wanted);
        for wrong in [
            "[[image]]\ndevice_pool = \"Paris\"\n",
            "[[image]]\nfile = \"a\"\ndevice_pol = \"x\"\n",
            "[[image]]\nfile = \"a\"\ndevice_pool = 3\n",
            "[[image]]\nfile = \"a\"\ndevice_pool = \"\"\n",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_in_the_file_is_refused() {
        assert!(parsed("[cluster.lab]\npassword = \"x\"\n").is_err());
    }
}
