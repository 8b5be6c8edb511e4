//! How a rollout goes about its pushes.

use std::time::Duration;

use crate::push::scheduler::SiteLimitConfig;
use crate::push::scheduler::waves::Waves;

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
