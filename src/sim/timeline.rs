//! Carries out what was planned for requests of an operation.

use std::sync::Arc;

use tokio::time::Instant;

use super::hold_point::{Does, Triggered};
use super::scheduled_change::{Change, Changed, FailingPage, Lasts, PageTrouble};
use super::state::Cluster;

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
