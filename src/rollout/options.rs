//! How a rollout goes about its pushes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::push::scheduler::SiteLimitConfig;
use crate::push::scheduler::waves::{Amount, Waves};
use crate::push::scheduler::window::{DailyWindow, TypedTime};

/// How phones are pushed to.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// Attempts a phone when it cannot be reached or its reply cannot be read.
    pub attempts: u32,
    /// How long before a phone is tried again.
    pub retry_delay: Duration,
    /// How long a phone may take for one reply, from connecting to its last byte.
    pub phone_timeout: Duration,
    /// How long to wait for a phone's downloads after it has accepted, and for its screen.
    pub verify_timeout: Duration,
    /// Phones that refuse the push user one after the other and stop the push, where the cluster does not tell why.
    pub max_auth_failures: u32,
    /// Limits for a device pool and a subnet.
    pub site_limits: SiteLimitConfig,
    /// Pushes begun in a second at most.
    pub rate: Option<u32>,
    /// How the push is cut into waves.
    pub waves: Waves,
    /// How long to look for phones that are not registered.
    pub wait_for_offline: Option<Duration>,
    /// Whether a phone has to say who it is before it gets the password.
    pub identity_check: bool,
    /// Name of the picture in the list of phones that keep one.
    pub picture_name: Option<String>,
    /// Whether phones are pushed to that are proven to show this picture already.
    pub force: bool,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self {
            attempts: 2,
            retry_delay: Duration::from_secs(5),
            phone_timeout: Duration::from_secs(15),
            verify_timeout: Duration::from_secs(30),
            max_auth_failures: 3,
            site_limits: SiteLimitConfig::default(),
            rate: None,
            waves: Waves::default(),
            wait_for_offline: None,
            identity_check: true,
            picture_name: None,
            force: false,
        }
    }
}

/// How long phones and the cluster may need to apply changes.
#[derive(Clone, Copy, Debug)]
pub struct WaitLimits {
    /// How long to wait until phones whose settings were changed are registered again.
    pub restart: Duration,
    /// How long a phone may still refuse the push user after it was associated or changed.
    pub settle: Duration,
}

impl Default for WaitLimits {
    fn default() -> Self {
        Self { restart: Duration::from_secs(600), settle: Duration::from_secs(300) }
    }
}

macro_rules! saved_options {
    ($($(#[$doc:meta])+ $field:ident: $type:ty, $option:literal, |$value:ident| $text:expr;)+) => {
        /// The options of a run that the journal keeps, so that a resumed run has them too. Only what was given is here,
        /// and not what is the default or is in the config file.
        #[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
        #[serde(default)]
        pub struct SavedOptions {
            $($(#[$doc])+ #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
        }

        impl SavedOptions {
            /// The names of the fields.
            pub const NAMES: &[&str] = &[$(stringify!($field)),+];

            /// Returns these options, and those of the resumed run that are not among them.
            #[must_use]
            pub fn over(self, resumed: Self) -> Self {
                Self { $($field: self.$field.or(resumed.$field),)+ }
            }

            /// Returns the options as they are typed, by their names.
            fn typed(&self) -> BTreeMap<&'static str, String> {
                let mut typed = BTreeMap::new();
                $(if let Some($value) = &self.$field {
                    typed.insert($option, format!("{} {}", $option, $text).trim_end().to_owned());
                })+
                typed
            }
        }
    };
}

saved_options! {
    /// Whether phones are pushed to that an earlier run proved.
    force: bool, "--force", |_force| "";
    /// Phones that go first.
    canary: Amount, "--canary", |amount| amount;
    /// How far each wave reaches.
    waves: Vec<Amount>, "--waves", |waves| listed(waves);
    /// How many phones may fail.
    max_failures: Amount, "--max-failures", |amount| amount;
    /// How many phones must have a result before the push is stopped for failures.
    min_sample: usize, "--min-sample", |count| count;
    /// Whether waves wait for an approval.
    gate: bool, "--gate", |_gate| "";
    /// The soak period.
    soak: Duration, "--soak", |time| short(*time);
    /// When phones may be pushed to.
    window: DailyWindow, "--window", |window| window;
    /// When the run ends.
    until: TypedTime, "--until", |until| until;
    /// How long to look for phones that are offline.
    wait_for_offline: Duration, "--wait-for-offline", |time| short(*time);
    /// Phones that are pushed to at once.
    concurrency: usize, "--concurrency", |count| count;
    /// Logins that may fail when the password changes.
    max_logins_at_risk: usize, "--max-logins-at-risk", |count| count;
    /// Phones of a device pool that are pushed to at once.
    per_pool: usize, "--per-pool", |count| count;
    /// Phones of a subnet that are pushed to at once.
    per_subnet: usize, "--per-subnet", |count| count;
    /// Pushes that begin in a second.
    rate: u32, "--rate", |count| count;
}

impl SavedOptions {
    /// Describes what a resumed run keeps of an earlier one, and what is given anew; nothing where the earlier run had
    /// no such options.
    pub fn describe_resumed(&self, resumed: &Self) -> Option<String> {
        let (now, before) = (self.typed(), resumed.typed());
        let kept = before.iter().filter(|(option, _)| !now.contains_key(*option));
        let kept: Vec<&str> = kept.map(|(_, typed)| typed.as_str()).collect();
        let replaced = before.iter().filter_map(|(option, typed)| {
            let now = now.get(option).filter(|now| *now != typed)?;
            Some(format!("{now} instead of {typed}"))
        });
        let replaced: Vec<String> = replaced.collect();
        let parts = [("keeps", kept.join(" ")), ("takes", replaced.join(", "))];
        let parts = parts.into_iter().filter(|(_, what)| !what.is_empty());
        let parts: Vec<String> = parts.map(|(verb, what)| format!("{verb} {what}")).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

fn listed(waves: &[Amount]) -> String {
    waves.iter().map(Amount::to_string).collect::<Vec<_>>().join(",")
}

/// A duration as it is typed, such as `30m`.
fn short(time: Duration) -> String {
    SignedDuration::try_from(time).map(|time| format!("{time:#}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_wins_and_the_rest_is_kept() {
        let resumed = SavedOptions {
            canary: Some(Amount::Count(10)),
            waves: Some(vec![Amount::Percent(10), Amount::Percent(50)]),
            soak: Some(Duration::from_secs(1_800)),
            gate: Some(true),
            until: Some("05:00".parse().unwrap()),
            ..SavedOptions::default()
        };
        let kept: SavedOptions =
            serde_json::from_str(&serde_json::to_string(&resumed).unwrap()).unwrap();
        assert_eq!(kept, resumed);
        let none = SavedOptions::default();
        assert_eq!(none.describe_resumed(&none), None);
        assert_eq!(
            none.describe_resumed(&resumed).unwrap(),
            "keeps --canary 10 --gate --soak 30m --until 05:00 --waves 10%,50%"
        );
        let given = SavedOptions {
            canary: Some(Amount::Count(3)),
            rate: Some(5),
            ..SavedOptions { until: resumed.until, ..none }
        };
        assert_eq!(
            given.describe_resumed(&resumed).unwrap(),
            "keeps --gate --soak 30m --waves 10%,50%; takes --canary 3 instead of --canary 10"
        );
        let all = given.over(resumed);
        assert_eq!((all.canary, all.rate, all.gate), (Some(Amount::Count(3)), Some(5), Some(true)));
    }
}
