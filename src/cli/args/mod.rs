//! Options that several commands share, as they are typed.
pub(crate) mod address;
pub(crate) mod address_list;
pub(crate) mod device_list;
pub(crate) mod payload;
pub(crate) mod phones;
pub(crate) mod picture;
pub(crate) mod push;
pub(crate) mod schedule;
pub(crate) mod simulator;
pub(crate) mod value;
pub(crate) mod verify;
pub(crate) mod words;

pub(crate) mod name_list;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::value::{at_least_one, model_pattern, number};
use crate::config::{Layer, PasswordSource, option};
use crate::domain::address_range::AddressRange;
use crate::domain::association::UserKind;
use crate::domain::registration::Source;
use crate::domain::repair_policy::{Repairs, Scope};
use crate::domain::selector::Pattern;
use crate::error::{AppError, ErrorKind};
use crate::report::Format;
use crate::rollout::options::WaitLimits;

/// How to reach the cluster.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Config file [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// The journal [default: axlpaper/journal.sqlite3 in the user's folder for state]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_STATE", global = true)]
    pub state: Option<PathBuf>,
    /// Cluster of the config file
    ///
    /// inventory, audit and rollout take several
    #[arg(long, value_name = "NAME")]
    pub cluster: Vec<String>,
    /// Whether all clusters are meant: [`AllClustersArgs`], which not all commands have.
    #[arg(skip)]
    pub all_clusters: bool,
    /// Publisher [env: CUCM_HOST]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub host: Option<String>,
    /// AXL user [env: CUCM_USERNAME]
    #[arg(long, value_name = "USER")]
    pub username: Option<String>,
    /// File whose first line is the AXL user's password [env: CUCM_PASSWORD holds the password itself]
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,
    /// Read the AXL user's password from standard input
    #[arg(long)]
    pub password_stdin: bool,
    /// PEM file with the CA, or with the server's own certificate
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// SHA-256 fingerprint that the server's certificate must have
    #[arg(long, value_name = "HEX", conflicts_with = "insecure")]
    pub pin_sha256: Option<String>,
    /// Trust any certificate: a man in the middle can read the passwords
    #[arg(long)]
    pub insecure: bool,
    /// AXL schema version, found by itself otherwise [env: CUCM_VERSION]
    #[arg(long, value_name = "VERSION")]
    pub axl_version: Option<String>,
    /// Where RisPort70 answers, when it is not the publisher
    #[arg(long, value_name = "HOST[:PORT]")]
    pub ris_host: Option<String>,
    /// Where registrations are read from: RisPort70, or what the AXL database last knew (12.5 and later)
    /// [default: risport]
    #[arg(long, value_name = "SOURCE")]
    pub registration_source: Option<SourceArg>,
    /// RisPort70 requests a minute, 1 to 600 [default: 12, of the 15 that all programs together may make]
    #[arg(long, value_name = "N", value_parser = number::<u32>(1..=600))]
    pub ris_rate: Option<u32>,
    /// Seconds for one reading call to the cluster, 1 to 3600; changes get 300 at least, and more for long lists [default: 150]
    #[arg(long, value_name = "SECONDS", value_parser = number::<u64>(1..=3600))]
    pub timeout: Option<u64>,
    /// User whose name and password go to the phones [env: PHONE_USERNAME]
    #[arg(long, value_name = "USER")]
    pub push_user: Option<String>,
    /// Whether that is an end user or an application user, found by itself otherwise
    #[arg(long, value_name = "KIND")]
    pub push_user_kind: Option<KindArg>,
    /// How phones are reached: [`PhoneArgs`], which commands have that connect to phones.
    #[arg(skip)]
    pub phones: PhoneArgs,
}

/// Several clusters at once.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub struct AllClustersArgs {
    /// Every cluster of the config file, side by side
    #[arg(long, conflicts_with = "cluster")]
    pub all_clusters: bool,
}

/// What may be changed on the cluster besides associations.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Repair")]
pub struct RepairArgs {
    /// Repair this too, not only missing associations; may be given twice
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub repair: Vec<RepairArg>,
    /// Where personalization is enabled: phone (its own page; the default), profile (its Common Phone Profile,
    /// for all phones of it), or new-profile NAME (a copy of the profile, to which the phones are moved)
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    pub scope: Option<Scope>,
}

/// How phones apply a new configuration.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Repair")]
pub struct ResetArgs {
    /// Restart phones whose settings were changed, which ends their calls; without it they only apply the
    /// settings
    #[arg(long)]
    pub reset: bool,
}

/// How long phones and the cluster may need to apply changes.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Repair")]
pub struct WaitArgs {
    /// Seconds to wait at most until phones whose settings were changed are registered again
    #[arg(long, value_name = "SECONDS", default_value_t = WaitLimits::default().restart.as_secs(), value_parser = number::<u64>(1..=7200))]
    pub restart_timeout: u64,
    /// Seconds for which a phone may still refuse the push user after it was associated or changed
    #[arg(long, value_name = "SECONDS", default_value_t = WaitLimits::default().settle.as_secs(), value_parser = number::<u64>(0..=3600))]
    pub settle_timeout: u64,
}

impl Default for WaitArgs {
    fn default() -> Self {
        let WaitLimits { restart, settle } = WaitLimits::default();
        Self { restart_timeout: restart.as_secs(), settle_timeout: settle.as_secs() }
    }
}

impl WaitArgs {
    pub fn limits(self) -> WaitLimits {
        WaitLimits {
            restart: Duration::from_secs(self.restart_timeout),
            settle: Duration::from_secs(self.settle_timeout),
        }
    }
}

/// What may be repaired, as typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum RepairArg {
    /// Phone Personalization.
    Personalization,
    /// Web Access on the phone's own page.
    #[value(alias = "web_access")]
    WebAccess,
}

fn scope(text: &str) -> Result<Scope, String> {
    match text.split_once('=') {
        None if text == "phone" => Ok(Scope::Phone),
        None if text == "profile" => Ok(Scope::Profile),
        Some(("new-profile", name)) if !name.trim().is_empty() => {
            Ok(Scope::NewProfile(name.trim().to_owned()))
        }
        Some(_) | None => Err("it is phone, profile, or new-profile NAME".to_owned()),
    }
}

impl RepairArgs {
    pub fn repairs(&self, reset: ResetArgs) -> Result<Repairs, AppError> {
        let wanted = |what| self.repair.contains(&what);
        if self.scope.is_some() && !wanted(RepairArg::Personalization) {
            return Err(AppError::new(
                ErrorKind::Usage,
                "--scope says where personalization is enabled",
            )
            .hint("add --repair personalization"));
        }
        Ok(Repairs {
            personalization: wanted(RepairArg::Personalization)
                .then(|| self.scope.clone().unwrap_or_default()),
            web_access: wanted(RepairArg::WebAccess),
            https: false,
            reset: reset.reset,
        })
    }
}

/// End user or application user, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindArg {
    /// An end user.
    End,
    /// An application user.
    App,
}

impl From<KindArg> for UserKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::End => Self::End,
            KindArg::App => Self::App,
        }
    }
}

/// Where registrations come from, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SourceArg {
    /// RisPort70.
    Risport,
    /// The AXL database.
    Axl,
}

impl From<SourceArg> for Source {
    fn from(source: SourceArg) -> Self {
        match source {
            SourceArg::Risport => Self::Risport70,
            SourceArg::Axl => Self::RegistrationDynamic,
        }
    }
}

/// Which phones.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Targeting (repeatable; * or % matches any characters)")]
pub struct TargetArgs {
    /// Phones of this device pool
    #[arg(long, value_name = "NAME")]
    pub device_pool: Vec<Pattern>,
    /// Phones of these models, such as 8841,7841
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',', value_parser = model_pattern)]
    pub model: Vec<Pattern>,
    /// Phones of this Common Phone Profile
    #[arg(long, value_name = "NAME")]
    pub profile: Vec<Pattern>,
    /// Phones of this location
    #[arg(long, value_name = "NAME")]
    pub location: Vec<Pattern>,
    /// Phones of this owner
    #[arg(long, value_name = "USER")]
    pub owner: Vec<Pattern>,
    /// Phones whose first line has one of these directory numbers
    #[arg(long, value_name = "NUMBER,…", value_delimiter = ',')]
    pub dn: Vec<Pattern>,
    /// Phones with this description
    #[arg(long, value_name = "TEXT")]
    pub description: Vec<Pattern>,
    /// These phones, by name or MAC address
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = Pattern::of_device)]
    pub device: Vec<Pattern>,
    /// Phones at these addresses: 10.1.0.5, 10.1.0.5-10.1.0.40, 10.1.0.0/16 or 10.1.0.0/255.255.0.0
    #[arg(long, value_name = "ADDRESS,…", value_delimiter = ',')]
    pub subnet: Vec<AddressRange>,
    /// Phones named in a file; - is standard input
    ///
    /// A name or MAC address a line, or a table with a name column
    #[arg(long, value_name = "FILE")]
    pub devices_from: Vec<PathBuf>,
    /// Leave out these phones, by name or MAC address
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = Pattern::of_device)]
    pub exclude_device: Vec<Pattern>,
    /// Leave out phones of these models
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',', value_parser = model_pattern)]
    pub exclude_model: Vec<Pattern>,
    /// Leave out phones of this device pool
    #[arg(long, value_name = "NAME")]
    pub exclude_device_pool: Vec<Pattern>,
    /// At most this many phones: those that can take a picture come first, by name
    ///
    /// Others are taken only where these are too few
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    pub limit: Option<usize>,
    /// At most this many, spread over models and device pools; those that do not show the picture yet come first
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>(), conflicts_with = "limit")]
    pub sample: Option<usize>,
}

/// Whether it is done at all, and whether it is confirmed before.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Run")]
pub struct ConfirmArgs {
    /// Show what would be done, and stop before the confirmation
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// How the answer is written.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Format of the answer
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Write the answer into a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub list: ListArgs,
}

/// What of a list is shown, and in which order.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct ListArgs {
    /// Show these fields only, such as name,ip,verdict; with --format json as a `list` document
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub fields: Vec<String>,
    /// Order of the rows, such as verdict,-name: a minus turns a field's order round
    #[arg(long, value_name = "[-]FIELD,…", value_delimiter = ',', allow_hyphen_values = true)]
    pub sort: Vec<String>,
    /// Begin CSV with a byte order mark, so that Excel reads it as UTF-8
    #[arg(long)]
    pub bom: bool,
}

impl OutputArgs {
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }

    /// Tells whether the answer is a text for people, not a list of which fields or an order were asked for.
    pub fn is_recap(&self) -> bool {
        self.format() == Format::Table && self.list.fields.is_empty() && self.list.sort.is_empty()
    }
}

impl ConnectionArgs {
    /// Returns the cluster that is named, for a command that works on one.
    pub fn one_cluster(&self) -> Result<Option<&str>, AppError> {
        match &self.cluster[..] {
            [] | [_] => Ok(self.cluster.first().map(String::as_str)),
            [_, _, ..] => Err(AppError::new(
                ErrorKind::Usage,
                "more than one --cluster is not possible here: this works on one cluster at a time",
            )
            .hint("`axlpaper inventory`, `audit` and `rollout` take several")),
        }
    }

    /// Adds how phones are reached.
    #[must_use]
    pub fn with_phones(self, phones: PhoneArgs) -> Self {
        Self { phones, ..self }
    }

    /// Adds whether all clusters are meant.
    #[must_use]
    pub fn or_all(self, all: AllClustersArgs) -> Self {
        Self { all_clusters: all.all_clusters, ..self }
    }

    /// Tells whether several clusters are asked for, or all there are.
    pub fn is_about_several(&self) -> bool {
        self.all_clusters || self.cluster.len() > 1
    }

    /// Returns what was typed as the uppermost layer of settings.
    pub fn layer(&self) -> Layer {
        let file = self.password_file.clone().map(PasswordSource::File);
        Layer {
            host: self.host.clone(),
            username: self.username.clone(),
            password: file.or_else(|| self.password_stdin.then_some(PasswordSource::Stdin)),
            ca_file: self.ca_file.clone(),
            pin_sha256: self.pin_sha256.clone(),
            insecure: self.insecure.then_some(true),
            axl_version: self.axl_version.clone(),
            ris_host: self.ris_host.clone(),
            registration_source: self.registration_source.map(Into::into),
            ris_rate: self.ris_rate,
            push_user: self.push_user.clone(),
            push_user_kind: self.push_user_kind.map(Into::into),
            timeout: self.timeout,
            ..self.phones.on(Layer::default())
        }
        .from_source(|key| match key {
            "password" if self.password_stdin => "--password-stdin".to_owned(),
            _ => option(key),
        })
    }
}
