//! An event of a timeline, and the changes that it means for a cluster.

use std::time::Duration;

use crate::domain::model::{self, DeviceKind};
use crate::sim::database::Device;
use crate::sim::fleet::Random;
use crate::sim::fleet_content::Registration;
use crate::sim::scheduled_change::{Change, Subject};
use crate::sim::state::Cluster;

/// Something that happens to the cluster at a time.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, counted from the beginning of the timeline.
    pub at: Duration,
    pub change: Change,
    /// The phones that it happens to, instead of the one that the change names.
    pub drawn: Option<Drawn>,
}

/// Phones that are chosen when the event happens, among those to which it can happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Drawn {
    pub phones: usize,
    /// The same seed chooses the same phones of the same cluster.
    pub seed: u64,
}

impl From<Change> for Event {
    fn from(change: Change) -> Self {
        Self { at: Duration::ZERO, change, drawn: None }
    }
}

impl Event {
    /// Returns the same event where time goes by so many times faster.
    pub(super) fn faster(mut self, speed: f64) -> Self {
        self.at = self.at.div_f64(speed);
        if let Some(time) = self.change.time_mut() {
            *time = time.div_f64(speed);
        }
        self
    }

    /// Returns the changes of single objects, and how many phones were missing, in words.
    pub(crate) fn changes(&self, cluster: &Cluster) -> (Vec<Change>, Option<String>) {
        let Some(Drawn { phones, seed }) = self.drawn else {
            return (vec![self.change.clone()], None);
        };
        let fits = |&at: &usize| can_happen(&self.change, cluster, at);
        let mut fitting: Vec<usize> = cluster.order.iter().copied().filter(fits).collect();
        let missing = phones.saturating_sub(fitting.len());
        Random::new(seed).shuffle(&mut fitting);
        fitting.truncate(phones);
        let named = fitting.into_iter().map(|at| {
            let mut change = self.change.clone();
            if let Subject::Phone(name) = change.subject() {
                name.clone_from(&cluster.devices[at].spec.name);
            }
            change
        });
        (named.collect(), (missing > 0).then(|| format!("{missing} of {phones} phones")))
    }
}

/// Returns whether a phone is one of those that an event can choose.
fn can_happen(change: &Change, cluster: &Cluster, at: usize) -> bool {
    let device = &cluster.devices[at];
    let is_registered = device.spec.registration == Registration::Registered;
    is_phone(device)
        && match change {
            Change::Register { registration: Registration::Registered, .. } => !is_registered,
            Change::Dissociate { user, .. } => {
                cluster.user(user).is_some_and(|user| cluster.users[user].devices.contains(&at))
            }
            Change::PickPicture(_) => {
                is_registered
                    && model::by_number(device.spec.model).is_some_and(|m| m.image.is_some())
            }
            Change::AccountState { .. }
            | Change::Associate { .. }
            | Change::AxlRestart(_)
            | Change::Bulk(_)
            | Change::FactoryReset(_)
            | Change::Insert { .. }
            | Change::ListChange(_)
            | Change::ListChangeOverrun
            | Change::Load { .. }
            | Change::PageFails(..)
            | Change::Password { .. }
            | Change::Personalize { .. }
            | Change::PersonalizeProfile { .. }
            | Change::Readdress { .. }
            | Change::Reconfigure { .. }
            | Change::Register { .. }
            | Change::Remove(_)
            | Change::Rename { .. }
            | Change::Reorder { .. }
            | Change::Replace { .. }
            | Change::RisDown(_)
            | Change::Role { .. } => is_registered,
        }
}

fn is_phone(device: &Device) -> bool {
    let kind = model::by_number(device.spec.model).map(|model| model.kind);
    !device.spec.template && matches!(kind, Some(DeviceKind::DeskPhone | DeviceKind::Video))
}
