//! How to go about a push, how it is stopped, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::domain::text::pluralize;
use crate::event::{PhoneResult, Proof};
use crate::push::policy::lockout::LockoutGuard;
use crate::push::policy::logins::LoginProbes;
use crate::push::scheduler::schedule::Schedule;

/// How to go about a push.
#[derive(Clone, Copy, Debug)]
pub struct PushSettings {
    /// Phones that are asked at once.
    pub concurrency: usize,
    /// Attempts a phone, the first one included.
    pub max_attempts: u32,
    /// Time between two attempts at one phone.
    pub retry_delay: Duration,
    /// How long the line waits for a phone's downloads, for telling it.
    pub verify_timeout: Duration,
    /// Phones that refuse the push user one after the other and stop the push, where the cluster cannot tell why.
    pub max_auth_failures: u32,
    /// Logins that fail at most when the password changes in mid-run; by default as many as phones are asked at once.
    pub max_logins_at_risk: Option<usize>,
    /// Whether the cluster itself has confirmed the push user's password.
    pub password_proven: bool,
    /// How long after the start of the push fresh phones may still refuse the push user.
    pub propagation_limit: Duration,
    /// How many of one device pool or subnet are pushed to at once.
    pub site_limits: SiteLimitConfig,
    /// How many pushes a second are begun at most; nothing is no limit.
    pub rate: Option<u32>,
    /// How pushes are proven. Where they are not, a phone that accepts has not failed.
    pub proof: Proof,
    /// How many phones may fail before the push stops; nothing is no limit.
    pub max_failures: Option<usize>,
}

/// The most that may be under way at one time; nothing is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SiteLimitConfig {
    /// In one device pool.
    pub per_pool: Option<usize>,
    /// In one subnet: a /24 of IPv4, a /64 of IPv6.
    pub per_subnet: Option<usize>,
}

/// How a push is held up and stopped.
#[derive(Clone, Debug, Default)]
pub struct StopSignals {
    /// Cancelled: what is under way is finished, and nothing new is begun.
    pub soon: CancellationToken,
    /// Cancelled: what is under way is left as it is.
    pub now: CancellationToken,
    /// When phones may be pushed to, and when none may any more.
    pub schedule: Schedule,
    /// The push user's logins, which must not lock its account.
    pub logins: LoginProbes,
}

/// Why a push ended before every phone was done with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StopReason {
    /// Too many phones in a row refused the push user.
    AuthRefusals {
        in_a_row: u32,
    },
    /// The cluster does not accept the push user's password, or not any more.
    PasswordRefused {
        /// How many phones had refused it when the cluster was asked.
        phones: usize,
    },
    /// The page that phones ask about the push user is down, and did not come back.
    PageDown {
        /// Which page, and what is wrong with it.
        why: String,
        /// How long was waited: less than the longest outage where no login was left to go on with.
        waited: Duration,
    },
    Failures {
        failed: usize,
        most: usize,
    },
    /// Phones accept, and not one of them downloads its picture.
    NoDownloads {
        accepted: usize,
        /// Whether other addresses downloaded what phones were sent.
        by_others: bool,
    },
    Interrupted,
    /// The time of the run is over.
    TimeOver {
        /// Since when.
        until: Timestamp,
    },
    /// What is attempted can no longer be written down; says why.
    Unrecorded(String),
}

impl StopReason {
    /// Counts failures of earlier waves too.
    #[must_use]
    pub(crate) fn after(self, before: usize) -> Self {
        match self {
            Self::Failures { failed, most } => {
                Self::Failures { failed: failed + before, most: most + before }
            }
            other @ (Self::AuthRefusals { .. }
            | Self::PasswordRefused { .. }
            | Self::PageDown { .. }
            | Self::NoDownloads { .. }
            | Self::Interrupted
            | Self::TimeOver { .. }
            | Self::Unrecorded(_)) => other,
        }
    }

    /// Says for a person why the push ended.
    pub fn describe(&self) -> String {
        match self {
            Self::AuthRefusals { in_a_row } => format!(
                "{in_a_row} phones in a row refused the push user, and its account must not be locked; check its \
                 password, and give new associations some minutes"
            ),
            Self::PasswordRefused { phones } => format!(
                "the cluster refuses the push user's password, and so did {}: it was changed, or the account is locked; \
                 nothing more was sent. Set the new password, then `axlpaper rollout --resume last` goes on",
                pluralize(*phones, "phone")
            ),
            Self::PageDown { why, waited } => {
                let end = if *waited < LockoutGuard::LONGEST_OUTAGE {
                    "the push does not wait for it, because as many logins as may fail are at risk already".to_owned()
                } else {
                    format!("it did not come back within {} minutes", waited.as_secs().div_ceil(60))
                };
                format!(
                    "{why}, and phones accept no push without it; {end}. Check the service Cisco Tomcat on that node, \
                     then `axlpaper rollout --resume last` goes on"
                )
            }
            Self::Failures { failed, most } => format!(
                "{} failed; --max-failures allows {most}; look at their reasons first",
                pluralize(*failed, "phone")
            ),
            Self::NoDownloads { accepted, by_others: true } => format!(
                "{} accepted, and only other addresses downloaded what phones were sent: name proxies and translated \
                 addresses in [[nat]] rules of the config file",
                pluralize(*accepted, "phone")
            ),
            Self::NoDownloads { accepted, by_others: false } => format!(
                "{} accepted, and none downloaded what it was sent: check that phones can reach the image server \
                 (firewall, --advertise)",
                pluralize(*accepted, "phone")
            ),
            Self::Interrupted => "the run was interrupted".to_owned(),
            Self::TimeOver { until } => format!(
                "nobody is pushed to after {} (--until)",
                until.strftime("%Y-%m-%d %H:%M UTC")
            ),
            Self::Unrecorded(why) => {
                format!("nothing is attempted that cannot be written down: {why}")
            }
        }
    }
}

#[derive(Clone, Debug)]
pub struct PushOutcomes {
    /// Every target, sorted by name.
    pub results: Vec<PhoneResult>,
    /// Why some of them were not done with.
    pub stopped: Option<StopReason>,
}
