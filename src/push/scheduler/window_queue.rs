//! Phones that wait for their window, in the order in which the windows open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::push::scheduler::phone_task::PhoneTask;

/// Phones that wait for their window, by the moment at which it opens.
#[derive(Default)]
pub(crate) struct WindowQueue {
    pub(super) jobs: BTreeMap<(Timestamp, u64), PhoneTask>,
    /// Keeps those apart, and in order, whose windows open at the same moment.
    sequence: u64,
    /// Whose waiting was told already.
    pub(super) told: BTreeSet<(Timestamp, String)>,
}

impl WindowQueue {
    pub(super) fn put(&mut self, opens: Timestamp, job: PhoneTask) {
        self.sequence += 1;
        self.jobs.insert((opens, self.sequence), job);
    }

    pub(super) fn first(&self) -> Option<Timestamp> {
        self.jobs.first_key_value().map(|((opens, _), _)| *opens)
    }

    pub(super) fn due(&mut self, now: Timestamp) -> Option<PhoneTask> {
        self.first().filter(|opens| *opens <= now)?;
        self.jobs.pop_first().map(|(_, job)| job)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Takes out all of them, in their order.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = PhoneTask> + use<> {
        std::mem::take(&mut self.jobs).into_values()
    }
}
