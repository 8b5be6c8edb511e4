//! Phones that load their configuration, with a restart or without.

use std::time::Duration;

use tokio::time::Instant;

use super::fleet_content::{Quirk, Registration};
use super::state::{Cluster, Loaded, URL_AUTHENTICATION};
use super::values::number_setting;
use crate::domain::personalization::Setting;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    /// Load the configuration, with a restart where that is needed.
    Apply,
    Reset,
}

impl Cluster {
    /// Orders a phone to load its configuration. One that is not registered does not get the order: it loads the
    /// configuration on the day on which it registers, which the simulator never sees.
    pub(crate) fn order(&mut self, at: usize, order: Order) {
        let device = &self.devices[at];
        if !device.is_up() {
            return;
        }
        let lost = device.spec.quirk == Quirk::NeverComesBack;
        let history = &mut self.histories[at];
        let restarts = match order {
            Order::Apply => {
                history.applied += 1;
                self.apply_restarts || lost
            }
            Order::Reset => {
                history.resets += 1;
                true
            }
        };
        self.load(at);
        if restarts {
            self.restart(at, lost);
        }
    }

    fn restart(&mut self, at: usize, lost: bool) {
        let time = self.restart_time;
        let device = self.device_mut(at);
        device.restarts += 1;
        if lost {
            device.spec.registration = Registration::UnRegistered;
        } else if time > Duration::ZERO {
            device.away_until = Some(Instant::now() + time);
        }
    }

    pub(crate) fn restart_by_itself(&mut self, at: usize) {
        self.load(at);
        self.restart(at, false);
    }

    pub(crate) fn load(&mut self, at: usize) {
        let device = &self.devices[at];
        let profile = &self.profiles.entries[device.profile].value.spec;
        let enterprise = self.parameters.get(&self.personalization_parameter);
        let enterprise = enterprise.and_then(|text| number_setting(text));
        // The first level that does not defer decides; a missing parameter means the product's
        // default, which is Disabled.
        let personalization = [Some(device.spec.personalization), Some(profile.personalization)]
            .into_iter()
            .chain([enterprise])
            .flatten()
            .find(|&setting| setting != Setting::Default)
            .unwrap_or(Setting::Disabled);
        let web_access = [device.spec.web_access, profile.web_access, self.enterprise_web_access]
            .into_iter()
            .flatten()
            .next()
            .unwrap_or(self.web_access);
        let authentication_url = match &device.spec.authentication_url {
            Some(url) => url.clone(),
            None => self.parameters.get(URL_AUTHENTICATION).cloned().unwrap_or_default(),
        };
        let background_allowed = profile.background_image;
        self.device_mut(at).loaded =
            Loaded { personalization, background_allowed, web_access, authentication_url };
    }
}
