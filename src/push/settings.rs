//! Settings of a push, what controls and stops it, and its result.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::text::pluralize;
use crate::event::{ControlEvent, ControlStep, Event, Observer, PhoneResult, Proof};
use crate::push::addresses::AddressSource;
use crate::push::control::{ControlState, RunControl};
use crate::push::policy::lockout::LockoutGuard;
use crate::push::policy::logins::LoginProbes;
use crate::push::scheduler::schedule::{Schedule, until};

#[derive(Clone, Copy, Debug)]
pub struct PushSettings {
    /// How many phones are pushed to at once.
    pub concurrency: usize,
    /// Attempts per phone, the first one included.
    pub max_attempts: u32,
    /// Time between two attempts at one phone.
    pub retry_delay: Duration,
    /// How long the delivery waits for the downloads of a phone; only shown here.
    pub verify_timeout: Duration,
    /// How many phones in a row may refuse the push user before the push stops, where the cluster cannot tell why.
    pub max_auth_failures: u32,
    /// How many logins may fail when the password changes during the run; by default as many as `concurrency`.
    pub max_logins_at_risk: Option<usize>,
    /// Whether the cluster itself has confirmed the push user's password.
    pub password_proven: bool,
    /// How long after the start of the push a recently changed phone may still refuse the push user.
    pub propagation_limit: Duration,
    /// How many phones of one device pool or subnet are pushed to at once.
    pub site_limits: SiteLimitConfig,
    /// Pushes per second; `None` is no limit.
    pub rate: Option<u32>,
    /// How pushes are proven. Without proof, a phone that accepts has not failed.
    pub proof: Proof,
    /// How many phones may fail before the push stops; `None` is no limit.
    pub max_failures: Option<usize>,
    /// How many phones must have a result before `max_failures` counts.
    pub min_sample: usize,
}

/// The most pushes in progress at one time; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SiteLimitConfig {
    pub per_pool: Option<usize>,
    /// A subnet is a /24 of IPv4 and a /64 of IPv6.
    pub per_subnet: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct StopSignals {
    /// Cancelled: the push finishes what is in progress and begins nothing new.
    pub soon: CancellationToken,
    pub now: CancellationToken,
    /// Pauses the push and approves waves; its abort cancels `soon`.
    pub control: RunControl,
    /// When phones may be pushed to, and when the run ends.
    pub schedule: Schedule,
    /// The push user's logins, which must not lock its account.
    pub logins: LoginProbes,
    /// Where to read the addresses of phones again; without a cluster they stay as they are.
    pub addresses: AddressSource,
}

impl Default for StopSignals {
    fn default() -> Self {
        Self::of(RunControl::default())
    }
}

impl StopSignals {
    /// Makes the signals of a run that is controlled by `control`.
    pub fn of(control: RunControl) -> Self {
        Self {
            soon: control.soon().clone(),
            now: control.now().clone(),
            control,
            schedule: Schedule::default(),
            logins: LoginProbes::default(),
            addresses: AddressSource::default(),
        }
    }

    /// Waits while the run is paused.
    ///
    /// # Errors
    /// Says why the run ended meanwhile.
    pub async fn while_paused(&self) -> Result<(), StopReason> {
        self.wait(|_| None, |state| !state.paused).await
    }

    /// Waits for the time at which the run starts, if it has one.
    ///
    /// # Errors
    /// Says why the run ended meanwhile.
    pub async fn start(&self, observer: &dyn Observer) -> Result<(), StopReason> {
        let Some(start) = self.schedule.start() else { return Ok(()) };
        let observe = |step, text| observer.observe(&Event::Control(ControlEvent { step, text }));
        let at = start.strftime("%Y-%m-%d %H:%M UTC");
        let text = format!("everything is ready; the run starts at {at} (--start)");
        observe(ControlStep::StartAwaited, text);
        // The start is a time of day: a machine that slept meanwhile must not miss it.
        let left = || until(self.schedule.now(), start);
        let wake = |now: Instant| Some(now + left().min(BETWEEN_CLOCK_CHECKS));
        self.wait(wake, |_| left().is_zero()).await?;
        observe(ControlStep::StartReached, format!("the run starts, as planned for {at}"));
        Ok(())
    }

    /// Waits until a wave is approved and the run is not paused; `wave` is what people read.
    ///
    /// # Errors
    /// Says why the run ended meanwhile.
    pub(crate) async fn approval(&self, wave: String) -> Result<(), StopReason> {
        self.control.close_gate(wave);
        let is_approved =
            |state: &ControlState| state.gate.as_ref().is_none_or(|gate| gate.approved);
        let waited = self.wait(|_| None, |state| is_approved(state) && !state.paused).await;
        self.control.open_gate();
        waited
    }

    /// Waits for a soak period, whose time counts also while the run is paused.
    ///
    /// # Errors
    /// Says why the run ended meanwhile.
    pub(crate) async fn soak(&self, time: Duration) -> Result<(), StopReason> {
        let end = Instant::now() + time;
        self.wait(|_| Some(end), |_| Instant::now() >= end).await
    }

    async fn wait(
        &self,
        wake: impl Fn(Instant) -> Option<Instant>,
        is_over: impl Fn(&ControlState) -> bool,
    ) -> Result<(), StopReason> {
        let mut states = self.control.states();
        loop {
            if is_over(&states.borrow_and_update()) {
                return Ok(());
            }
            if self.soon.is_cancelled() || self.now.is_cancelled() {
                return Err(StopReason::Interrupted);
            }
            let now = Instant::now();
            // The end of the run is a time of day: a machine that slept meanwhile must not miss it.
            let end = self.schedule.until().map(|until| {
                (until, now + self.schedule.left().unwrap_or_default().min(BETWEEN_CLOCK_CHECKS))
            });
            if let Some((until, _)) = end
                && self.schedule.is_over(self.schedule.now())
            {
                return Err(StopReason::TimeOver { until });
            }
            let wake = wake(now).into_iter().chain(end.map(|(_, look)| look)).min();
            tokio::select! {
                // The sender lives as long as these signals.
                _ = states.changed() => {}
                () = self.soon.cancelled() => {}
                () = self.now.cancelled() => {}
                () = sleep_until(wake) => {}
            }
        }
    }
}

/// Sleeps until then; for ever without a time.
pub(crate) async fn sleep_until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

/// How often the time of day is compared with a window or with the end of the run.
pub(crate) const BETWEEN_CLOCK_CHECKS: Duration = Duration::from_secs(60);

/// Why a push ended before every phone had a result.
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
    /// Phones answer, and not one of them downloads what it was sent.
    NoDownloads {
        accepted: usize,
        /// Those that refused the push, or did not answer.
        refused: usize,
        /// The base URL of our image server; empty where there is none.
        url: String,
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
    /// Returns the reason in a few words, for each phone of a run that tells the whole once.
    pub fn brief(&self) -> String {
        match self {
            Self::AuthRefusals { in_a_row } => {
                format!("{in_a_row} phones in a row refused the push user")
            }
            Self::PasswordRefused { .. } => {
                "the cluster refuses the push user's password".to_owned()
            }
            Self::PageDown { why, .. } => why.clone(),
            Self::Failures { failed, .. } => format!("{} failed", pluralize(*failed, "phone")),
            Self::NoDownloads { by_others: true, .. } => {
                "only other addresses downloaded what phones were sent".to_owned()
            }
            Self::NoDownloads { .. } => "no phone fetched anything".to_owned(),
            Self::Interrupted | Self::TimeOver { .. } | Self::Unrecorded(_) => self.describe(),
        }
    }

    /// Returns the reason as a sentence for people.
    pub fn describe(&self) -> String {
        match self {
            Self::AuthRefusals { in_a_row } => format!(
                "{in_a_row} phones in a row refused the push user, and its account must not be locked; check its \
                 password, and give new associations some minutes"
            ),
            Self::PasswordRefused { phones } => format!(
                "the cluster refuses the push user's password, and so did {}: it was changed, or the account \
                 is locked; nothing more was sent. Set the new password, then continue",
                pluralize(*phones, "phone")
            ),
            Self::PageDown { why, waited } => {
                let end = if *waited < LockoutGuard::LONGEST_OUTAGE {
                    "the push does not wait for it, because as many logins as may fail are at risk already".to_owned()
                } else {
                    format!("it did not come back within {} minutes", waited.as_secs().div_ceil(60))
                };
                format!(
                    "{why}, and phones accept no push without it; {end}. Check the service Cisco Tomcat on that \
                     node, then continue"
                )
            }
            Self::Failures { failed, most } => format!(
                "{} failed; --max-failures allows {most}; look at their reasons first",
                pluralize(*failed, "phone")
            ),
            Self::NoDownloads { accepted, by_others: true, .. } => format!(
                "{} accepted, and only other addresses downloaded what phones were sent: name proxies and translated \
                 addresses in [[nat]] rules of the config file",
                pluralize(*accepted, "phone")
            ),
            Self::NoDownloads { accepted, refused, url, by_others: false } => format!(
                "no phone fetched anything from {url} (firewall? --advertise?): {} accepted the push, {refused} refused it \
                 or did not answer",
                pluralize(*accepted, "phone")
            ),
            Self::Interrupted => "the run was interrupted".to_owned(),
            Self::TimeOver { until } => {
                format!("no push begins after {} (--until)", until.strftime("%Y-%m-%d %H:%M UTC"))
            }
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
    /// Why some of them have no final result.
    pub stopped: Option<StopReason>,
}
