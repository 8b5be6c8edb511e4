//! Carries out what was planned for requests of an operation.

use std::time::Duration;

use tokio::time::Instant;

use super::change_log::ChangedTag;
use super::edits::{PhoneEdit, UserEdit};
use super::fleet_content::{Address, Quirk, Registration};
use super::hold_point::{Does, Triggered};
use super::scheduled_change::{Change, Changed, FailingPage, Lasts, PageTrouble};
use super::state::{Cluster, Loaded, URL_AUTHENTICATION};
use super::values::{number_setting, ris_status, setting_name};
use crate::domain::personalization::Setting;

impl Cluster {
    /// Notes that a request is about to be carried out: does what was planned for before it, and returns the
    /// hold point that it triggers.
    pub(crate) fn arrived(&mut self, operation: &str) -> Option<Triggered> {
        self.change_first(operation);
        match self.hold_points.arrived(operation)? {
            Does::Change(change) => self.change_now(operation, change),
            Does::Act(action) => action(),
            Does::Hold(when, then) => return Some(Triggered { when, then }),
        }
        None
    }

    pub(crate) fn fail_page(&mut self, trouble: PageTrouble, lasts: Lasts) {
        self.failing_page = Some(match lasts {
            Lasts::Requests(count) => FailingPage::Requests(trouble, count),
            Lasts::For(time) => FailingPage::Until(trouble, Instant::now() + time),
        });
    }

    /// Returns how the authentication page fails now; `counted` is whether this is a request to it.
    pub(crate) fn page_trouble(&mut self, counted: bool) -> Option<PageTrouble> {
        match &mut self.failing_page {
            Some(FailingPage::Requests(trouble, left)) if *left > 0 => {
                *left -= u32::from(counted);
                Some(*trouble)
            }
            Some(FailingPage::Until(trouble, until)) if Instant::now() < *until => Some(*trouble),
            Some(FailingPage::Requests(..) | FailingPage::Until(..)) | None => {
                self.failing_page = None;
                None
            }
        }
    }

    pub(crate) fn answered(&mut self, operation: &str) {
        let (nth, due) = self.timeline.after.due(operation);
        self.change_all(operation, nth, due);
    }

    pub(crate) fn change_first(&mut self, operation: &str) {
        let (nth, due) = self.timeline.before.due(operation);
        self.change_all(operation, nth, due);
    }

    pub(crate) fn change_now(&mut self, operation: &str, change: Change) {
        let nth = self.timeline.before.counts.get(operation).copied().unwrap_or(0);
        self.change_all(operation, nth, vec![change]);
    }

    fn change_all(&mut self, operation: &str, nth: u64, changes: Vec<Change>) {
        for change in changes {
            if let Some((device, from, to)) = self.change(change) {
                let operation = operation.to_owned();
                self.timeline.done.push(Changed { operation, nth, device, from, to });
            }
        }
    }

    /// Returns the device with its position before and afterwards; nothing if it cannot be done.
    fn change(&mut self, change: Change) -> Option<(String, Option<usize>, Option<usize>)> {
        match change {
            Change::Associate { user, devices } => {
                let at = self.user(&user)?;
                let found = devices.iter().filter_map(|name| self.device(name)).collect();
                self.edit_user(at, vec![UserEdit::Devices(found)]);
                Some((user, None, None))
            }
            Change::Password { user, password } => {
                let at = self.user(&user)?;
                self.user_mut(at).password = password.into();
                Some((user, None, None))
            }
            Change::PageFails(trouble, lasts) => {
                self.fail_page(trouble, lasts);
                Some((String::new(), None, None))
            }
            Change::Personalize { phone, setting } => {
                let at = self.device(&phone)?;
                self.edit_phone(at, vec![PhoneEdit::Personalization(setting)]);
                Some((phone, None, None))
            }
            Change::Register { phone, registration } => {
                let at = self.device(&phone)?;
                self.device_mut(at).spec.registration = registration;
                let status = ris_status(registration).unwrap_or_default().to_owned();
                self.note_device(
                    "RegistrationDynamic",
                    at,
                    vec![ChangedTag::new("risStatus", status)],
                );
                Some((phone, None, None))
            }
            Change::Readdress { phone, address } => {
                let at = self.device(&phone)?;
                self.addresses.retain(|_, device| *device != at);
                self.addresses.insert(address, at);
                self.device_mut(at).spec.address = Address::V4(address);
                let tag = ChangedTag::new("lastKnownIpAddress", address.to_string());
                self.note_device("RegistrationDynamic", at, vec![tag]);
                Some((phone, None, None))
            }
            Change::Role { user, axl } => {
                let at = self.user(&user)?;
                self.user_mut(at).axl = axl;
                Some((user, None, None))
            }
            Change::PersonalizeProfile { profile, setting } => {
                let at = self.profiles.find(&profile)?;
                self.profiles.entries[at].value.spec.personalization = setting;
                let uuid = self.profiles.entries[at].uuid.clone();
                let tag = ChangedTag::new("phonePersonalization", setting_name(setting).to_owned());
                self.note_change("CommonPhoneConfig", uuid, 'u', vec![tag]);
                Some((profile, None, None))
            }
            Change::Insert { position, phone } => {
                if self.device(&phone.name).is_some() {
                    return None;
                }
                let name = phone.name.clone();
                let at = self.add_phone(*phone);
                self.order.pop();
                let position = position.min(self.order.len());
                self.order.insert(position, at);
                let uuid = self.devices[at].uuid.clone();
                self.note_change("Phone", uuid, 'a', Vec::new());
                Some((name, None, Some(position)))
            }
            Change::Remove(name) => {
                let at = self.device(&name)?;
                Some((name, self.delete_phone(at), None))
            }
            Change::Rename { name, to } => {
                let at = self.device(&name)?;
                self.edit_phone(at, vec![PhoneEdit::Name(to)]);
                Some((name, None, None))
            }
            Change::Move { name, position } => {
                let at = self.device(&name)?;
                let from = self.order.iter().position(|&found| found == at)?;
                self.order.remove(from);
                let position = position.min(self.order.len());
                self.order.insert(position, at);
                Some((name, Some(from), Some(position)))
            }
        }
    }
}

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
                self.config.apply_restarts || lost
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
        let time = self.config.restart_time;
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
        let enterprise = self.parameters.get(&self.config.fleet.personalization_parameter);
        let enterprise = enterprise.and_then(|text| number_setting(text));
        // The first level that does not defer decides; a missing parameter means the product's
        // default, which is Disabled.
        let personalization = [Some(device.spec.personalization), Some(profile.personalization)]
            .into_iter()
            .chain([enterprise])
            .flatten()
            .find(|&setting| setting != Setting::Default)
            .unwrap_or(Setting::Disabled);
        let web_access =
            [device.spec.web_access, profile.web_access, self.config.fleet.enterprise_web_access]
                .into_iter()
                .flatten()
                .next()
                .unwrap_or(self.config.fleet.web_access);
        let authentication_url = match &device.spec.authentication_url {
            Some(url) => url.clone(),
            None => self.parameters.get(URL_AUTHENTICATION).cloned().unwrap_or_default(),
        };
        let background_allowed = profile.background_image;
        self.device_mut(at).loaded =
            Loaded { personalization, background_allowed, web_access, authentication_url };
    }
}
