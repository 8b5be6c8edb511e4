//! The config file.

mod console;
mod images;
mod nat;
mod notify;
mod passwords;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use self::console::ConsoleSection;
pub use self::console::{ConsoleUser, ConsoleUsers};
use self::images::ImageSection;
use self::nat::NatSection;
use self::notify::NotifySection;
pub use self::notify::{MailSettings, NotifySettings, WebhookSettings};
use self::passwords::Sources;
use super::check::{Problem, ValuePlaces};
use super::origin::{Origin, Table};
use super::resolve::Section;
use super::settings::{CONSOLE_USER, ClusterSection, KEYS, Layer};
use crate::domain::nat::NatRules;
use crate::domain::picture_rules::PictureRules;
use crate::domain::selector::{Pattern, near};
use crate::domain::text::{MOST_LINES, limit_lines, quoted};
use crate::domain::text_encoding::{self, TextError};
use crate::domain::time_zone::{ZoneRule, Zones};

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
    #[serde(default)]
    defaults: ClusterSection,
    /// Clusters by name.
    #[serde(default)]
    cluster: BTreeMap<String, ClusterSection>,
    /// Which picture is for whom, the first match counts.
    #[serde(default)]
    image: Vec<ImageSection>,
    /// Translated addresses of phones, the first match counts.
    #[serde(default)]
    nat: Vec<NatSection>,
    /// Where a watch sends notifications to.
    #[serde(default)]
    notify: Option<NotifySection>,
    /// Who may use the console.
    #[serde(default)]
    console: Option<ConsoleSection>,
    #[serde(skip)]
    path: PathBuf,
    #[serde(skip)]
    places: ValuePlaces,
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
        TimeZone::get(&name).map(Self).map_err(|_| {
            format!("{} is no time zone; they are named as Europe/Paris is", quoted(&name))
        })
    }
}

/// The config file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the config file {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read the config file {}", path.display())]
    Encoding {
        path: PathBuf,
        #[source]
        source: TextError,
    },
    /// It is not TOML, or has unknown keys or values. Lines are not quoted: one could hold a
    /// password in the wrong place.
    #[error("the config file {} is not usable{}", path.display(), listed(problems))]
    Invalid { path: PathBuf, problems: Vec<Problem> },
    /// Everybody could change which commands it names.
    #[error(
        "the config file {} names a command, and every user can write to it: \
         any user's command would run",
        path.display()
    )]
    Writable { path: PathBuf },
    /// Everybody could make themselves a user of the console.
    #[error(
        "the config file {} has users of the console, and every user of this machine can write to it: \
         anybody could add themselves",
        path.display()
    )]
    WritableUsers { path: PathBuf },
    #[error("the config has no cluster {}{}", quoted(name), hint(near, known))]
    NoSuchCluster {
        name: String,
        /// Whether an option named it, and not the file itself.
        is_typed: bool,
        near: Vec<String>,
        known: Vec<String>,
    },
    /// It has several clusters, and nothing says which one is meant.
    #[error("no cluster is named; the config file {} has {}", path.display(), names(known))]
    NoneChosen { path: PathBuf, known: Vec<String> },
}

fn listed(problems: &[Problem]) -> String {
    match problems {
        [one] => format!(": {one}"),
        several => {
            let lines: Vec<String> = several.iter().map(ToString::to_string).collect();
            format!(":\n  {}", lines.join("\n  "))
        }
    }
}

fn names(known: &[String]) -> String {
    limit_lines(known.to_vec(), MOST_LINES, "axlpaper config check").join(", ")
}

fn hint(near: &[String], known: &[String]) -> String {
    match (near, known) {
        ([], []) => "; it has none".to_owned(),
        ([], known) => format!("; it has {}", names(known)),
        (near, _) => format!("; did you mean {}?", near.join(" or ")),
    }
}

impl FileConfig {
    /// Reads a config file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, has a key that is not known or does not belong in its table,
    /// gives one password in two ways, or names a command while everybody may write into it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).map_err(unreadable)?;
        let text = text_encoding::decode_utf8(&bytes)
            .map_err(|source| ConfigError::Encoding { path: path.to_owned(), source })?;
        let config = Self::parse(&text, path)?;
        let names_commands = config.sections().any(|(_, section)| section.names_commands())
            || config.notify.as_ref().is_some_and(NotifySection::names_commands);
        let has_users = config.console.is_some();
        if (names_commands || has_users)
            && may_everybody_write(&file.metadata().map_err(unreadable)?)
        {
            let path = path.to_owned();
            return Err(match names_commands {
                true => ConfigError::Writable { path },
                false => ConfigError::WritableUsers { path },
            });
        }
        Ok(config)
    }

    /// Reads the text of a config file; `path` is what errors call it.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let places = ValuePlaces::of(text, KEYS);
        let invalid = |mut problems: Vec<Problem>| {
            problems.sort();
            ConfigError::Invalid { path: path.to_owned(), problems }
        };
        let config: Self = toml::from_str(text).map_err(|error| {
            let known = [&places.unknown[..], &places.misplaced].concat();
            invalid(if known.is_empty() {
                vec![places.problem(text, error.span(), error.message())]
            } else {
                known
            })
        })?;
        let config = Self { path: path.to_owned(), places, ..config };
        let wrong: Vec<Problem> =
            config.places.misplaced.iter().cloned().chain(config.conflicts()).collect();
        if wrong.is_empty() { Ok(config) } else { Err(invalid(wrong)) }
    }

    /// Returns the passwords that have two sources, or one that is none, the picture rules that can never apply,
    /// notifications that cannot be sent, and users who cannot log in.
    fn conflicts(&self) -> impl Iterator<Item = Problem> {
        let rules = self.image.iter().enumerate().filter_map(|(at, image)| {
            let what = format!("in [[image]] rule {}, {}", at + 1, image.times().contradiction()?);
            Some(Problem { line: self.places.row_line("image", at), what })
        });
        let passwords = self.sections().flat_map(move |(table, section)| {
            let problems = section.password_problems();
            problems.into_iter().map(move |(key, what)| Problem {
                line: self.places.line(&format!("[{table}]"), key),
                what: format!("in [{table}], {what}"),
            })
        });
        let notify = self.notify.iter().flat_map(NotifySection::problems).map(|(key, what)| {
            let line = self.places.line("[notify]", key);
            Problem { line, what: format!("in [notify], {what}") }
        });
        let users = self.console.iter().flat_map(ConsoleSection::problems).map(|(at, what)| {
            let what = format!("in [[{CONSOLE_USER}]] number {}, {what}", at + 1);
            Problem { line: self.places.row_line(CONSOLE_USER, at), what }
        });
        rules.chain(passwords).chain(notify).chain(users)
    }

    fn sections(&self) -> impl Iterator<Item = (Table, &ClusterSection)> {
        let clusters = self.cluster.iter();
        let clusters = clusters.map(|(name, section)| (Table::Cluster(name.clone()), section));
        std::iter::once((Table::Defaults, &self.defaults)).chain(clusters)
    }

    /// Returns the names of all clusters, in alphabetical order.
    pub fn clusters(&self) -> impl Iterator<Item = &str> {
        self.cluster.keys().map(String::as_str)
    }

    /// Returns what `[defaults]` says about this machine, and what `[[nat]]` says about the network: both count for a
    /// host that has no table too.
    pub fn machine(&self) -> Layer {
        Layer {
            nat: self.nat_rules(),
            ..self.layer(Table::Defaults, &self.defaults).about_this_machine()
        }
    }

    fn nat_rules(&self) -> NatRules {
        NatRules::new(self.nat.iter().map(NatSection::rule).collect())
    }

    /// Returns the name and the settings of the cluster that is meant.
    ///
    /// Without a name it is `default_cluster`, or the only cluster there is; a file with several clusters
    /// and no default gives nothing.
    pub fn section(&self, typed: Option<&str>) -> Result<Option<Section>, ConfigError> {
        let only =
            || self.cluster.keys().next().filter(|_| self.cluster.len() == 1).map(String::as_str);
        let Some(name) = typed.or(self.default_cluster.as_deref()).or_else(only) else {
            return Ok(None);
        };
        let section = self.cluster.get(name).ok_or_else(|| ConfigError::NoSuchCluster {
            name: name.to_owned(),
            is_typed: typed.is_some(),
            near: near(name, self.clusters()),
            known: self.clusters().map(str::to_owned).collect(),
        })?;
        Ok(Some(Section {
            name: name.to_owned(),
            layer: self
                .layer(Table::Cluster(name.to_owned()), section)
                .over(self.layer(Table::Defaults, &self.defaults)),
            is_typed: typed.is_some(),
        }))
    }

    /// Makes sure that there are not several clusters, where none is named.
    ///
    /// # Errors
    /// When there are, with their names.
    pub fn only_cluster(&self) -> Result<(), ConfigError> {
        let known: Vec<String> = self.clusters().map(str::to_owned).collect();
        if known.len() > 1 {
            return Err(ConfigError::NoneChosen { path: self.path.clone(), known });
        }
        Ok(())
    }

    /// Returns the time zones of device pools; `local` is the default.
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

    /// Returns what a person should know of its `[[nat]]` and `[[time_zone]]` rules: those that never count.
    pub fn remarks(&self) -> Vec<String> {
        let nat = self.nat_rules().remarks();
        nat.into_iter().chain(self.zones(TimeZone::UTC).remarks()).collect()
    }

    /// Returns the name of the entry of the keyring for the user of `[notify]` that sends mails.
    pub fn mail_account(&self) -> Option<String> {
        self.notify.as_ref()?.mail_account()
    }

    /// Returns where a watch sends notifications to.
    pub fn notify(&self) -> Option<NotifySettings> {
        let folder = self.path.parent().unwrap_or(&self.path);
        self.notify.as_ref().map(|section| section.settings(folder))
    }

    /// Returns who may use the console from other machines.
    pub fn console(&self) -> ConsoleUsers {
        self.console.as_ref().map(ConsoleSection::users).unwrap_or_default()
    }

    /// Returns which picture is for whom; file names count from the folder of the config file. `local` is the default
    /// time zone, and `at` the time at which the rules are to count.
    pub fn pictures(&self, local: TimeZone, at: Timestamp) -> PictureRules {
        let folder = self.path.parent().unwrap_or(&self.path);
        let rules = self.image.iter().map(|image| image.rule(folder));
        PictureRules::new(rules, self.zones(local), at)
    }

    /// Tells whether a time zone decides when a picture rule applies.
    pub fn pictures_need_zone(&self) -> bool {
        self.image.iter().any(|image| image.times().needs_zone())
    }

    fn layer(&self, table: Table, section: &ClusterSection) -> Layer {
        let folder = self.path.parent().unwrap_or(&self.path);
        section.clone().layer(folder, &table).from_source(|setting| {
            let name = format!("[{table}]");
            let mut keys = KEYS.iter().filter(|key| key.setting() == setting);
            let found = keys.find_map(|key| Some((key.name, self.places.line(&name, key.name)?)));
            let (key, line) = found.map_or((setting, None), |(key, line)| (key, Some(line)));
            Origin::File { key, table: table.clone(), path: self.path.clone(), line }
        })
    }
}

impl ClusterSection {
    fn names_commands(&self) -> bool {
        self.password_command.is_some() || self.push_password_command.is_some()
    }

    /// Returns what is wrong with the sources of passwords, with the key that it is about.
    fn password_problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.password_sources().problems();
        problems.extend(self.push_password_sources().problems());
        problems
    }

    fn password_sources(&self) -> Sources<'_> {
        Sources {
            keys: ["password_file", "password_env", "password_command", "password_keyring"],
            file: self.password_file.as_deref(),
            variable: self.password_env.as_deref(),
            command: self.password_command.as_deref(),
            other: self.password_keyring == Some(true),
        }
    }

    fn push_password_sources(&self) -> Sources<'_> {
        Sources {
            keys: [
                "push_password_file",
                "push_password_env",
                "push_password_command",
                "push_password_keyring",
            ],
            file: self.push_password_file.as_deref(),
            variable: self.push_password_env.as_deref(),
            command: self.push_password_command.as_deref(),
            other: self.push_password_keyring == Some(true),
        }
    }
}

/// Tells whether people who are neither the owner nor in the file's group may write into it.
#[cfg(unix)]
fn may_everybody_write(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.is_file() && metadata.mode() & 0o002 != 0
}

/// The permissions of other systems are not checked.
#[cfg(not(unix))]
fn may_everybody_write(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests;
