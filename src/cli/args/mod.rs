//! Options that several commands share, as they are typed.
pub(crate) mod address;
pub(crate) mod address_list;
pub(crate) mod device_list;
pub(crate) mod payload;
pub(crate) mod phone_tls;
pub(crate) mod picture;
pub(crate) mod schedule;
pub(crate) mod simulator;
pub(crate) mod value;
pub(crate) mod verify;

pub(crate) mod name_list;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::cli::args::payload::VerifyArg;
use crate::cli::args::phone_tls::PhoneTlsArgs;
use crate::cli::args::value::{at_least_one, duration, model_pattern, network, number, port};
use crate::config::{Layer, PasswordSource, option};
use crate::domain::association::UserKind;
use crate::domain::registration::Source;
use crate::domain::repair_policy::{Repairs, Scope};
use crate::domain::selector::Pattern;
use crate::error::{AppError, ErrorKind};
use crate::push::scheduler::SiteLimitConfig;
use crate::push::scheduler::waves::{Amount, Waves};
use crate::push::scheduler::window::{DailyWindow, TypedTime};
use crate::report::Format;
use crate::rollout::options::{PushOptions, SavedOptions, WaitLimits};

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
    /// Cluster of the config file; inventory, audit and rollout take several
    #[arg(long, value_name = "NAME")]
    pub cluster: Vec<String>,
    /// Every cluster of the config file, side by side; for inventory, audit and rollout
    #[arg(long, conflicts_with = "cluster")]
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
    /// HTTPS to phones.
    #[command(flatten)]
    pub phone_tls: PhoneTlsArgs,
}

/// What only commands need that push to phones.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Push", group = clap::ArgGroup::new("waves_cut").multiple(true))]
pub struct PushArgs {
    /// File whose first line is the push user's password [env: PHONE_PASSWORD holds the password itself]
    #[arg(long, value_name = "FILE")]
    pub push_password_file: Option<PathBuf>,
    /// Accept a push user that is the AXL user or has roles beyond a push, although its password goes to every phone, mostly
    /// over plain HTTP
    #[arg(long)]
    pub allow_privileged_push_user: bool,
    /// Port of the phones' web servers [default: 80]
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub phone_port: Option<u16>,
    /// Where the image server listens [default: a free port on all addresses; on loopback when the
    /// cluster is on this machine]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// URL under which phones reach the image server [default: the address of this machine that faces
    /// the cluster, and the port of --listen]
    #[arg(long, value_name = "URL")]
    pub advertise: Option<String>,
    /// PEM file with the image server's certificate and chain: pictures are served over HTTPS, which phones
    /// refuse unless they trust it
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the key of --tls-cert
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Phones that are pushed to at once, 1 to 1000 [default: 32]
    #[arg(long, value_name = "N", value_parser = number::<usize>(1..=1000))]
    pub concurrency: Option<usize>,
    /// Failed logins of the push user that the run may cause at most when its password changes in mid-run, 1 to 1000: caps
    /// the pushes in flight, one fewer than the limit [default: as many as --concurrency]
    #[arg(long, value_name = "N", value_parser = number::<usize>(1..=1000))]
    pub max_logins_at_risk: Option<usize>,
    /// Phones of one device pool that are pushed to at once [default: no limit of its own]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    pub per_pool: Option<usize>,
    /// Phones of one subnet (/24, /64) that are pushed to at once [default: no limit of its own]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    pub per_subnet: Option<usize>,
    /// Pushes that are begun in a second at most [default: no limit]
    #[arg(long, value_name = "N", value_parser = number::<u32>(1..=1000))]
    pub rate: Option<u32>,
    /// Phones that go first, of every model and device pool some: a number or a percentage; 0 for none [default: 10 of at
    /// least 20]
    #[arg(long, value_name = "N|P%", group = "waves_cut")]
    pub canary: Option<Amount>,
    /// How far each wave after that reaches, of all phones, such as 10%,50%,100%
    #[arg(long, value_name = "LIST", value_delimiter = ',', group = "waves_cut")]
    pub waves: Vec<Amount>,
    /// Failed phones after which the push stops: a number or a percentage [default: no limit]
    #[arg(long, value_name = "N|P%")]
    pub max_failures: Option<Amount>,
    /// Phones that must have a result before --max-failures, or missing downloads, stop the push [default: no minimum]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    pub min_sample: Option<usize>,
    /// Begin each wave after the first only when it is approved: `axlpaper control RUN approve`
    #[arg(long, requires = "waves_cut")]
    pub gate: bool,
    /// Soak period after each wave but the last, such as 30m; phones of the wave that are no longer registered at its end
    /// count as failed for --max-failures
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "waves_cut")]
    pub soak: Option<Duration>,
    /// Push only between these times of day, such as 22:00-05:00, and wait for them; each phone in the time zone
    /// of its device pool (config file: `time_zone`, `default_time_zone`; otherwise this machine's)
    #[arg(long, value_name = "HH:MM-HH:MM")]
    pub window: Option<DailyWindow>,
    /// Check everything and ask at once, then wait until this time before anything is changed or pushed: 22:00 (of
    /// `default_time_zone`, or this machine's), or with a date, such as 2026-03-01T22:00 or 2026-03-01T22:00:00+01:00
    #[arg(long, value_name = "TIME")]
    pub start: Option<TypedTime>,
    /// Begin no push after this time and end the run: written as for --start
    #[arg(long, value_name = "TIME")]
    pub until: Option<TypedTime>,
    /// Keep looking so long for phones that are not registered, such as 2h or 30m, and push to them as they come
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait_for_offline: Option<Duration>,
    /// Attempts a phone when it cannot be reached or answers nonsense
    #[arg(long, value_name = "N", default_value_t = PushOptions::default().attempts, value_parser = number::<u32>(1..=10))]
    pub attempts: u32,
    /// Phones that refuse the push user one after the other and stop the push, where the cluster does not tell why
    #[arg(long, value_name = "N", default_value_t = PushOptions::default().max_auth_failures, value_parser = number::<u32>(1..=100))]
    pub max_auth_failures: u32,
    /// How a push is proven [default: fetch; none with --image-url and --remove]
    #[arg(long, value_name = "HOW")]
    pub verify: Option<VerifyArg>,
    /// Seconds that a phone may take for one answer, from connecting to its last byte
    #[arg(long, value_name = "SECONDS", default_value_t = PushOptions::default().phone_timeout.as_secs(), value_parser = number::<u64>(1..=300))]
    pub phone_timeout: u64,
    /// Seconds to wait for a phone's downloads after it has accepted, and for its screen
    #[arg(long, value_name = "SECONDS", default_value_t = PushOptions::default().verify_timeout.as_secs(), value_parser = number::<u64>(1..=600))]
    pub verify_timeout: u64,
    /// Seconds before a phone is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = PushOptions::default().retry_delay.as_secs(), value_parser = number::<u64>(0..=600))]
    pub retry_delay: u64,
    /// Push also to phones that do not say who they are; what answers there gets the password
    #[arg(long)]
    pub no_identity_check: bool,
    /// Name of the picture in the list of phones that keep one (8875, 98xx); not with [[image]] rules, whose pictures are
    /// called after their files [default: from the file name]
    #[arg(long, value_name = "NAME")]
    pub picture_name: Option<String>,
    /// Push also to phones that are proven to show this picture already
    #[arg(long)]
    pub force: bool,
    /// Where the report goes [default: axlpaper-report-TIME.html in the current folder]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
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
    /// Phones of this model, such as 8841
    #[arg(long, value_name = "MODEL", value_parser = model_pattern)]
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
    /// Phones whose first line has this directory number
    #[arg(long, value_name = "NUMBER")]
    pub dn: Vec<Pattern>,
    /// Phones with this description
    #[arg(long, value_name = "TEXT")]
    pub description: Vec<Pattern>,
    /// This phone
    #[arg(long, value_name = "NAME")]
    pub device: Vec<Pattern>,
    /// Phones whose address lies in this network
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub subnet: Vec<IpNet>,
    /// Phones named in a file: a name or MAC address a line, or a table with a name column; - is standard input
    #[arg(long, value_name = "FILE")]
    pub devices_from: Vec<PathBuf>,
    /// Leave out this phone
    #[arg(long, value_name = "NAME")]
    pub exclude_device: Vec<Pattern>,
    /// Leave out phones of this model
    #[arg(long, value_name = "MODEL", value_parser = model_pattern)]
    pub exclude_model: Vec<Pattern>,
    /// Leave out phones of this device pool
    #[arg(long, value_name = "NAME")]
    pub exclude_device_pool: Vec<Pattern>,
    /// At most this many phones, the first by name; plan, push and rollout count only those that show pictures
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    pub limit: Option<usize>,
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
    #[arg(long, value_name = "FILE")]
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
        let several = match self.cluster[..] {
            _ if self.all_clusters => "--all-clusters is",
            [] | [_] => return Ok(self.cluster.first().map(String::as_str)),
            _ => "more than one --cluster is",
        };
        let message = format!("{several} not possible here: this works on one cluster at a time");
        Err(AppError::new(ErrorKind::Usage, message)
            .hint("`axlpaper inventory`, `audit` and `rollout` take several"))
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
            ..self.phone_tls.on(Layer::default())
        }
        .from_source(|key| match key {
            "password" if self.password_stdin => "--password-stdin".to_owned(),
            _ => option(key),
        })
    }
}

impl PushArgs {
    pub fn options(&self) -> PushOptions {
        PushOptions {
            attempts: self.attempts,
            retry_delay: Duration::from_secs(self.retry_delay),
            phone_timeout: Duration::from_secs(self.phone_timeout),
            verify_timeout: Duration::from_secs(self.verify_timeout),
            max_auth_failures: self.max_auth_failures,
            site_limits: SiteLimitConfig { per_pool: self.per_pool, per_subnet: self.per_subnet },
            rate: self.rate,
            waves: Waves {
                canary: self.canary,
                reach: self.waves.clone(),
                max_failures: self.max_failures,
                min_sample: self.min_sample.unwrap_or(0),
                gate: self.gate,
                soak: self.soak,
            },
            wait_for_offline: self.wait_for_offline,
            identity_check: !self.no_identity_check,
            picture_name: self.picture_name.clone(),
            force: self.force,
        }
    }

    /// Returns the options that a run which resumes this one keeps.
    pub fn saved(&self) -> SavedOptions {
        SavedOptions {
            force: self.force.then_some(true),
            canary: self.canary,
            waves: Some(self.waves.clone()).filter(|waves| !waves.is_empty()),
            max_failures: self.max_failures,
            min_sample: self.min_sample,
            gate: self.gate.then_some(true),
            soak: self.soak,
            window: self.window,
            until: self.until,
            wait_for_offline: self.wait_for_offline,
            concurrency: self.concurrency,
            max_logins_at_risk: self.max_logins_at_risk,
            per_pool: self.per_pool,
            per_subnet: self.per_subnet,
            rate: self.rate,
        }
    }

    /// Returns the options with those of a resumed run.
    #[must_use]
    pub fn with(self, saved: SavedOptions) -> Self {
        Self {
            force: saved.force == Some(true),
            canary: saved.canary,
            waves: saved.waves.unwrap_or_default(),
            max_failures: saved.max_failures,
            min_sample: saved.min_sample,
            gate: saved.gate == Some(true),
            soak: saved.soak,
            window: saved.window,
            until: saved.until,
            wait_for_offline: saved.wait_for_offline,
            concurrency: saved.concurrency,
            max_logins_at_risk: saved.max_logins_at_risk,
            per_pool: saved.per_pool,
            per_subnet: saved.per_subnet,
            rate: saved.rate,
            ..self
        }
    }

    /// Returns what was typed as a layer of settings.
    pub fn layer(&self) -> Layer {
        Layer {
            push_password: self.push_password_file.clone().map(PasswordSource::File),
            allow_privileged_push_user: self.allow_privileged_push_user.then_some(true),
            phone_port: self.phone_port,
            listen: self.listen.clone(),
            advertise: self.advertise.clone(),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            concurrency: self.concurrency,
            max_logins_at_risk: self.max_logins_at_risk,
            ..Layer::default()
        }
        .from_source(option)
    }
}
