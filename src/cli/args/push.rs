//! Options of commands that push to phones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::cli::args::OutputArgs;
use crate::cli::args::payload::VerifyArg;
use crate::cli::args::value::{at_least_one, duration, number};
use crate::config::{Layer, PasswordSource, option};
use crate::push::scheduler::SiteLimitConfig;
use crate::push::scheduler::waves::{Amount, Waves};
use crate::push::scheduler::window::{DailyWindow, TypedTime};
use crate::rollout::options::{PushOptions, SavedOptions};

/// The settings of a push that a config file can have too.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Push")]
pub struct PushAccessArgs {
    /// File whose first line is the push user's password [env: PHONE_PASSWORD holds the password itself]
    #[arg(long, value_name = "FILE")]
    pub push_password_file: Option<PathBuf>,
    /// Accept a push user that is the AXL user or has roles beyond a push, although its password goes to every phone, mostly
    /// over plain HTTP
    #[arg(long)]
    pub allow_privileged_push_user: bool,
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
}

/// How each phone is pushed to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Push")]
pub struct PushPhoneArgs {
    /// Phones of one device pool that are pushed to at once [default: no limit of its own]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    pub per_pool: Option<usize>,
    /// Phones of one subnet (/24, /64) that are pushed to at once [default: no limit of its own]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    pub per_subnet: Option<usize>,
    /// Pushes that are begun in a second at most [default: no limit]
    #[arg(long, value_name = "N", value_parser = number::<u32>(1..=1000))]
    pub rate: Option<u32>,
    /// Push only between these times of day, such as 22:00-05:00, and wait for them
    ///
    /// Each phone in the time zone of its device pool (config file: `time_zone`, `default_time_zone`; otherwise this
    /// machine's)
    #[arg(long, value_name = "HH:MM-HH:MM")]
    pub window: Option<DailyWindow>,
    /// Attempts a phone when it cannot be reached or answers nonsense
    #[arg(long, value_name = "N", default_value_t = PushOptions::default().attempts, value_parser = number::<u32>(1..=10))]
    pub attempts: u32,
    /// Phones that refuse the push user one after the other and stop the push, where the cluster does not tell why
    #[arg(long, value_name = "N", default_value_t = PushOptions::default().max_auth_failures, value_parser = number::<u32>(1..=100))]
    pub max_auth_failures: u32,
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
}

impl Default for PushPhoneArgs {
    fn default() -> Self {
        let usual = PushOptions::default();
        Self {
            per_pool: None,
            per_subnet: None,
            rate: None,
            window: None,
            attempts: usual.attempts,
            max_auth_failures: usual.max_auth_failures,
            phone_timeout: usual.phone_timeout.as_secs(),
            verify_timeout: usual.verify_timeout.as_secs(),
            retry_delay: usual.retry_delay.as_secs(),
            no_identity_check: false,
        }
    }
}

impl PushPhoneArgs {
    /// Returns the options of a push; what is not about a single phone is as usual.
    pub fn options(&self) -> PushOptions {
        PushOptions {
            attempts: self.attempts,
            retry_delay: Duration::from_secs(self.retry_delay),
            phone_timeout: Duration::from_secs(self.phone_timeout),
            verify_timeout: Duration::from_secs(self.verify_timeout),
            max_auth_failures: self.max_auth_failures,
            site_limits: SiteLimitConfig { per_pool: self.per_pool, per_subnet: self.per_subnet },
            rate: self.rate,
            identity_check: !self.no_identity_check,
            ..PushOptions::default()
        }
    }

    /// Returns what of it a run keeps that resumes this one.
    pub fn saved(&self) -> SavedOptions {
        SavedOptions {
            window: self.window,
            per_pool: self.per_pool,
            per_subnet: self.per_subnet,
            rate: self.rate,
            ..SavedOptions::default()
        }
    }
}

/// What only commands need that push to phones.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Push", group = clap::ArgGroup::new("waves_cut").multiple(true))]
pub struct PushArgs {
    #[command(flatten)]
    pub access: PushAccessArgs,
    #[command(flatten)]
    pub phone: PushPhoneArgs,
    /// Phones that go first, spread over models and device pools; 0 for none [default: 10 of at least 20]
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
    /// Push also to phones that are proven to have this already
    #[arg(long)]
    pub force: bool,
    /// Where the report goes, as -o with a name that ends in .html [default: reports/axlpaper-report-TIME.html beside the
    /// journal]
    #[arg(long, value_name = "FILE", conflicts_with = "no_report")]
    pub report: Option<PathBuf>,
    /// Write no report; `axlpaper report RUN` writes it later
    #[arg(long)]
    pub no_report: bool,
}

/// What a push of a picture can be given besides.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Push")]
pub struct PicturePushArgs {
    /// How a push is proven [default: fetch; none with --image-url and --remove]
    #[arg(long, value_name = "HOW")]
    pub verify: Option<VerifyArg>,
    /// Name of the picture in the list of phones that keep one (8875, 98xx); not with [[image]] rules, whose pictures are
    /// called after their files [default: from the file name]
    #[arg(long, value_name = "NAME")]
    pub picture_name: Option<String>,
}

/// Where the report of a run goes.
#[derive(Clone, Copy, Debug)]
pub enum ReportPlace<'a> {
    File(&'a Path),
    /// Into a folder beside the journal.
    BesideJournal,
    Nowhere,
}

impl PushArgs {
    /// Returns the options; the name of a picture is not among these.
    pub fn options(&self) -> PushOptions {
        PushOptions {
            waves: Waves {
                canary: self.canary,
                reach: self.waves.clone(),
                max_failures: self.max_failures,
                min_sample: self.min_sample.unwrap_or(0),
                gate: self.gate,
                soak: self.soak,
            },
            wait_for_offline: self.wait_for_offline,
            force: self.force,
            ..self.phone.options()
        }
    }

    pub fn report_place(&self) -> ReportPlace<'_> {
        match &self.report {
            _ if self.no_report => ReportPlace::Nowhere,
            Some(path) => ReportPlace::File(path),
            None => ReportPlace::BesideJournal,
        }
    }

    /// Takes over an --output that ends in .html: no answer is HTML, so the report is meant.
    pub fn take_report(&mut self, output: &mut OutputArgs) {
        let is_page = |path: &PathBuf| path.extension().is_some_and(|end| end == "html");
        if self.report.is_none() && !self.no_report && output.is_recap() {
            self.report = output.output.take_if(|path| is_page(path));
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
            until: self.until,
            wait_for_offline: self.wait_for_offline,
            concurrency: self.access.concurrency,
            max_logins_at_risk: self.access.max_logins_at_risk,
            ..self.phone.saved()
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
            until: saved.until,
            wait_for_offline: saved.wait_for_offline,
            access: PushAccessArgs {
                concurrency: saved.concurrency,
                max_logins_at_risk: saved.max_logins_at_risk,
                ..self.access
            },
            phone: PushPhoneArgs {
                window: saved.window,
                per_pool: saved.per_pool,
                per_subnet: saved.per_subnet,
                rate: saved.rate,
                ..self.phone
            },
            ..self
        }
    }
}

impl PushAccessArgs {
    /// Returns what was typed as a layer of settings.
    pub fn layer(&self) -> Layer {
        Layer {
            push_password: self.push_password_file.clone().map(PasswordSource::File),
            allow_privileged_push_user: self.allow_privileged_push_user.then_some(true),
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
