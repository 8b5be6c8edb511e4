//! Changes to the fleet while somebody reads it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::fleet_content::{AxlRole, PhoneSpec};
use super::state::Cluster;
use crate::domain::personalization::Setting;

/// Something that an administrator does to the fleet between two requests.
#[derive(Clone, Debug)]
pub enum Change {
    /// A user gets another list of associated devices, as a second administrator would write it.
    Associate {
        /// The user's id.
        user: String,
        /// The whole list; unknown names are left out.
        devices: Vec<String>,
    },
    /// A device is added at this position of the order in which lists give them.
    Insert {
        /// How many devices stand before it.
        position: usize,
        /// The device.
        phone: Box<PhoneSpec>,
    },
    /// The device of this name is removed.
    Remove(String),
    /// The device of this name gets another one.
    Rename {
        /// Its name.
        name: String,
        /// Its name afterwards.
        to: String,
    },
    /// The device of this name stands at another position from now on.
    Move {
        /// Its name.
        name: String,
        /// How many devices stand before it afterwards.
        position: usize,
    },
    /// A phone gets another Phone Personalization of its own.
    Personalize {
        /// Its name.
        phone: String,
        /// The setting.
        setting: Setting,
    },
    /// A user gets another password.
    Password {
        /// The user's id.
        user: String,
        /// The password.
        password: String,
    },
    /// The authentication page fails for a while.
    PageFails(PageTrouble, Lasts),
    /// A user gets other rights to AXL.
    Role {
        /// The user's id.
        user: String,
        /// The rights.
        axl: AxlRole,
    },
    /// A Common Phone Profile gets another Phone Personalization.
    PersonalizeProfile {
        /// Its name.
        profile: String,
        /// The setting.
        setting: Setting,
    },
}

/// How the authentication page fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PageTrouble {
    /// It answers with this HTTP status.
    Status(u16),
    /// It takes requests and does not answer.
    Hangs,
    /// Connections are closed before any answer.
    Closed,
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lasts {
    /// For so many requests.
    Requests(u32),
    /// For so long.
    For(Duration),
}

/// The trouble of the authentication page, and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FailingPage {
    Requests(PageTrouble, u32),
    Until(PageTrouble, Instant),
}

/// A change that was carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// The operation after whose answer, or before which, it happened; empty when it was between requests.
    pub operation: String,
    /// Which answer or request it was, from 1.
    pub nth: u64,
    /// The device, user or profile.
    pub device: String,
    /// Its position before, or nothing when it is new or was not moved.
    pub from: Option<usize>,
    /// Its position afterwards, or nothing when it is gone or was not moved.
    pub to: Option<usize>,
}

/// Changes to come, and those that have happened.
#[derive(Default)]
pub(crate) struct Timeline {
    before: Planned,
    after: Planned,
    pub(crate) done: Vec<Changed>,
}

/// Changes to come on one side of requests, and how many of those there were by operation.
#[derive(Default)]
struct Planned {
    waiting: Vec<(String, u64, Change)>,
    counts: HashMap<String, u64>,
}

impl Planned {
    /// Counts another one of `operation`, and returns which one it was with what was planned for it.
    fn due(&mut self, operation: &str) -> (u64, Vec<Change>) {
        let nth = self.counts.entry(operation.to_owned()).or_insert(0);
        *nth += 1;
        let nth = *nth;
        let due = |(of, when, _): &mut (String, u64, Change)| of == operation && *when == nth;
        (nth, self.waiting.extract_if(.., due).map(|(_, _, change)| change).collect())
    }
}

impl Timeline {
    /// Plans a change for after the `nth` answer to an operation.
    pub(crate) fn plan(&mut self, operation: &str, nth: u64, change: Change) {
        self.after.waiting.push((operation.to_owned(), nth, change));
    }

    /// Plans a change for right before the `nth` request of an operation is carried out.
    pub(crate) fn plan_before(&mut self, operation: &str, nth: u64, change: Change) {
        self.before.waiting.push((operation.to_owned(), nth, change));
    }
}

impl Cluster {
    /// Lets the authentication page fail from now on.
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

    /// Carries out what was planned for now, after another answer to `operation`.
    pub(crate) fn answered(&mut self, operation: &str) {
        let (nth, due) = self.timeline.after.due(operation);
        self.change_all(operation, nth, due);
    }

    /// Carries out what was planned for right before another request of `operation`.
    pub(crate) fn change_first(&mut self, operation: &str) {
        let (nth, due) = self.timeline.before.due(operation);
        self.change_all(operation, nth, due);
    }

    /// Carries a change out now, between requests or before one of `operation`.
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
                self.user_mut(at).associate(found);
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
                self.device_mut(at).spec.personalization = setting;
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
                Some((name, None, Some(position)))
            }
            Change::Remove(name) => {
                let at = self.device(&name)?;
                let from = self.remove_phone(at);
                Some((name, from, None))
            }
            Change::Rename { name, to } => {
                let at = self.device(&name)?;
                let index = Arc::make_mut(&mut self.device_index);
                index.remove(&name.to_lowercase());
                index.insert(to.to_lowercase(), at);
                self.device_mut(at).spec.name = to;
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
