//! Options of `verify`: how phones are asked for their screens.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::push::{PushAccessArgs, PushArgs, PushPhoneArgs};
use crate::cli::args::value::{at_least_one, number};
use crate::push::scheduler::waves::Amount;
use crate::rollout::options::PushOptions;

/// What `verify` needs of the options of a push.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Phones")]
pub struct VerifyArgs {
    /// File whose first line is the push user's password [env: PHONE_PASSWORD holds the password itself]
    #[arg(long, value_name = "FILE")]
    push_password_file: Option<PathBuf>,
    /// Accept a push user that is the AXL user or has roles beyond a push, although its password goes to every phone, mostly
    /// over plain HTTP
    #[arg(long)]
    allow_privileged_push_user: bool,
    /// Phones that are asked at once, 1 to 1000 [default: 32]
    #[arg(long, value_name = "N", value_parser = number::<usize>(1..=1000))]
    concurrency: Option<usize>,
    /// Failed logins of the push user that the run may cause at most when its password changes in mid-run, 1 to 1000
    /// [default: as many as --concurrency]
    #[arg(long, value_name = "N", value_parser = number::<usize>(1..=1000))]
    max_logins_at_risk: Option<usize>,
    /// Phones of one device pool that are asked at once [default: no limit of its own]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    per_pool: Option<usize>,
    /// Phones of one subnet (/24, /64) that are asked at once [default: no limit of its own]
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>())]
    per_subnet: Option<usize>,
    /// Phones that are asked in a second at most [default: no limit]
    #[arg(long, value_name = "N", value_parser = number::<u32>(1..=1000))]
    rate: Option<u32>,
    /// Phones that refuse the push user one after the other and stop the run, where the cluster does not tell why
    #[arg(long, value_name = "N", default_value_t = PushOptions::default().max_auth_failures, value_parser = number::<u32>(1..=100))]
    max_auth_failures: u32,
    /// Attempts a phone when it cannot be reached
    #[arg(long, value_name = "N", default_value_t = PushOptions::default().attempts, value_parser = number::<u32>(1..=10))]
    attempts: u32,
    /// Seconds before a phone is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = PushOptions::default().retry_delay.as_secs(), value_parser = number::<u64>(0..=600))]
    retry_delay: u64,
    /// Seconds that a phone may take for one answer, from connecting to its last byte
    #[arg(long, value_name = "SECONDS", default_value_t = PushOptions::default().phone_timeout.as_secs(), value_parser = number::<u64>(1..=300))]
    phone_timeout: u64,
    /// Where the report goes, as -o with a name that ends in .html [default: reports/axlpaper-report-TIME.html beside the
    /// journal]
    #[arg(long, value_name = "FILE", conflicts_with = "no_report")]
    report: Option<PathBuf>,
    /// Write no report; `axlpaper report RUN` writes it later
    #[arg(long)]
    no_report: bool,
}

impl VerifyArgs {
    /// Returns them as the options of a push that looks at every phone, also at those that are proven to show a picture.
    pub fn push(self) -> PushArgs {
        PushArgs {
            access: PushAccessArgs {
                push_password_file: self.push_password_file,
                allow_privileged_push_user: self.allow_privileged_push_user,
                concurrency: self.concurrency,
                max_logins_at_risk: self.max_logins_at_risk,
                ..PushAccessArgs::default()
            },
            phone: PushPhoneArgs {
                per_pool: self.per_pool,
                per_subnet: self.per_subnet,
                rate: self.rate,
                max_auth_failures: self.max_auth_failures,
                attempts: self.attempts,
                retry_delay: self.retry_delay,
                phone_timeout: self.phone_timeout,
                ..PushPhoneArgs::default()
            },
            report: self.report,
            no_report: self.no_report,
            force: true,
            // Nothing is pushed, so there is nothing to try on a few phones first.
            canary: Some(Amount::Count(0)),
            ..PushArgs::default()
        }
    }
}
