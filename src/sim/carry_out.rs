//! Carries changes out: those that were planned for requests of an operation, and those of events.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::change_log::ChangedTag;
use super::edits::{PhoneEdit, UserEdit};
use super::fleet_content::{Address, Quirk, Registration};
use super::hold_point::{Does, Triggered};
use super::phones::screen;
use super::scheduled_change::{Change, Changed, FailingPage, Lasts, PageTrouble, Subject};
use super::state::{Cluster, Loaded, URL_AUTHENTICATION};
use super::timeline::Event;
use super::values::{number_setting, ris_status, setting_name};
use crate::domain::model;
use crate::domain::personalization::Setting;

impl Cluster {
    /// Notes that a request is about to be carried out: does what was planned for before it, and returns the
    /// hold point that it triggers.
    pub(crate) fn arrived(&mut self, operation: &str) -> Option<Triggered> {
        self.change_first(operation);
        match self.hold_points.arrived(operation)? {
            Does::Change(change) => {
                let nth = self.scheduled.before.counts.get(operation).copied().unwrap_or(0);
                self.change_all(operation, nth, vec![change]);
            }
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
        let (nth, due) = self.scheduled.after.due(operation);
        self.change_all(operation, nth, due);
    }

    pub(crate) fn change_first(&mut self, operation: &str) {
        let (nth, due) = self.scheduled.before.due(operation);
        self.change_all(operation, nth, due);
    }

    /// Carries out what happens now, between requests. Returns the names of the objects that changed, and of those for
    /// which it could not be done.
    pub(crate) fn happen(&mut self, event: &Event) -> (Vec<String>, Vec<String>) {
        let before = self.scheduled.done.len();
        let (changes, missing) = event.changes(self);
        let mut not_done = self.change_all("", 0, changes);
        not_done.extend(missing);
        let done = self.scheduled.done[before..].iter().map(|changed| changed.device.clone());
        (done.filter(|name| !name.is_empty()).collect(), not_done)
    }

    /// Carries changes out, and returns the names of the objects for which it could not be done.
    fn change_all(&mut self, operation: &str, nth: u64, changes: Vec<Change>) -> Vec<String> {
        let mut not_done = Vec::new();
        for mut whole in changes {
            let parts = if let Change::Replace { phone, by } = &whole {
                self.replacement(phone, by.as_deref())
            } else {
                Some(vec![whole.clone()])
            };
            let done: Option<Vec<_>> =
                parts.and_then(|parts| parts.into_iter().map(|part| self.change(part)).collect());
            let Some(done) = done else {
                not_done.push(match whole.subject() {
                    Subject::Phone(name) | Subject::Other(name) => name.clone(),
                    Subject::Cluster => whole.kind().to_owned(),
                });
                continue;
            };
            let noted = done.into_iter().map(|(device, from, to)| {
                let operation = operation.to_owned();
                Changed { operation, nth, device, from, to }
            });
            self.scheduled.done.extend(noted);
        }
        not_done
    }

    /// Returns the device with its position before and afterwards; nothing if it cannot be done.
    fn change(&mut self, change: Change) -> Option<(String, Option<usize>, Option<usize>)> {
        match change {
            Change::AccountState { user, state } => {
                let at = self.user(&user)?;
                self.edit_user(at, vec![UserEdit::State(state)]);
                self.user_mut(at).failures_in_a_row = 0;
                Some((user, None, None))
            }
            Change::Associate { user, devices } => {
                let at = self.user(&user)?;
                let found = devices.iter().filter_map(|name| self.device(name)).collect();
                self.edit_user(at, vec![UserEdit::Devices(found)]);
                Some((user, None, None))
            }
            Change::AxlRestart(time) => {
                self.axl_from = Instant::now().checked_add(time);
                self.sessions.clear();
                Arc::make_mut(&mut self.changes).restart();
                Some((String::new(), None, None))
            }
            Change::Bulk(count) => {
                let phones: Vec<usize> = self.order.clone();
                for (k, &at) in phones.iter().cycle().take(count).enumerate() {
                    let text = &self.devices[at].spec.description;
                    let text = text.rsplit_once(MARK).map_or(text.as_str(), |(text, _)| text);
                    let text: String = text.chars().take(LONGEST_BEFORE_MARK).collect();
                    let text = format!("{text}{MARK}{}", k + 1);
                    self.edit_phone(at, vec![PhoneEdit::Description(text)]);
                }
                (!phones.is_empty()).then(|| (String::new(), None, None))
            }
            Change::Dissociate { user, phone } => {
                let (at, device) = (self.user(&user)?, self.device(&phone)?);
                let mut devices = self.users[at].devices.clone();
                let position = devices.iter().position(|&listed| listed == device)?;
                devices.remove(position);
                self.edit_user(at, vec![UserEdit::Devices(devices)]);
                Some((phone, None, None))
            }
            Change::FactoryReset(phone) => {
                let at = self.device(&phone)?;
                self.histories[at].shown = None;
                self.histories[at].ring_tone = None;
                self.restart_by_itself(at);
                Some((phone, None, None))
            }
            Change::ListChange(state) => {
                self.change_notification = state;
                Some((String::new(), None, None))
            }
            Change::ListChangeOverrun => {
                Arc::make_mut(&mut self.changes).overrun();
                Some((String::new(), None, None))
            }
            Change::Load { phone, load } => {
                let at = self.device(&phone)?;
                self.device_mut(at).spec.active_load = load;
                self.restart_by_itself(at);
                Some((phone, None, None))
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
            Change::PickPicture(phone) => {
                let at = self.device(&phone)?;
                let image = model::by_number(self.devices[at].spec.model)?.image?;
                let shown = self.histories[at].shown.as_ref().map_or("", |shown| &shown.sha256);
                let seed = Sha256::digest(format!("{phone} {shown}"));
                let png = screen::made_up_picture(image.background, seed.into())?;
                self.show(at, png).then_some((phone, None, None))
            }
            Change::Register { phone, registration } => {
                let at = self.device(&phone)?;
                let device = self.device_mut(at);
                device.spec.registration = registration;
                device.registrations += 1;
                device.away_until = None;
                if registration == Registration::Registered {
                    if self.devices[at].spec.address == Address::None {
                        let address = self.free_address();
                        self.set_address(at, address);
                    }
                    self.load(at);
                }
                let status = ris_status(registration).unwrap_or_default().to_owned();
                let tag = ChangedTag::new("risStatus", status);
                self.note_device("RegistrationDynamic", at, vec![tag]);
                Some((phone, None, None))
            }
            Change::Readdress { phone, address } => {
                let at = self.device(&phone)?;
                let address = address.map_or_else(|| self.free_address(), Address::V4);
                self.set_address(at, address);
                self.device_mut(at).registrations += 1;
                let shown = address.v4().map(|address| address.to_string());
                let tag = ChangedTag::new("lastKnownIpAddress", shown);
                self.note_device("RegistrationDynamic", at, vec![tag]);
                Some((phone, None, None))
            }
            Change::Reconfigure { phone, device_pool, profile } => {
                let at = self.device(&phone)?;
                let pool = device_pool.map(|name| self.pools.find(&name));
                let profile = profile.map(|name| self.profiles.find(&name));
                let mut edits = Vec::new();
                if let Some(pool) = pool {
                    edits.push(PhoneEdit::Pool(pool?));
                }
                if let Some(profile) = profile {
                    edits.push(PhoneEdit::Profile(profile?));
                }
                self.edit_phone(at, edits);
                if self.devices[at].is_up() {
                    self.restart_by_itself(at);
                }
                Some((phone, None, None))
            }
            Change::RisDown(time) => {
                self.ris_from = Instant::now().checked_add(time);
                Some((String::new(), None, None))
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
            Change::Insert { position, mut phone } => {
                if self.device(&phone.name).is_some() {
                    return None;
                }
                let is_registered = phone.registration == Registration::Registered;
                if is_registered && phone.address == Address::None {
                    phone.address = self.free_address();
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
            // `change_all` has made its parts of it.
            Change::Replace { .. } => None,
            Change::Remove(name) => {
                let at = self.device(&name)?;
                Some((name, self.delete_phone(at), None))
            }
            Change::Rename { name, to } => {
                let at = self.device(&name)?;
                self.edit_phone(at, vec![PhoneEdit::Name(to)]);
                Some((name, None, None))
            }
            Change::Reorder { name, position } => {
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

/// Ends descriptions that changed in bulk, before a number.
const MARK: &str = " #";

/// How many characters of a description are kept, so that it has 128 at most.
const LONGEST_BEFORE_MARK: usize = 120;
