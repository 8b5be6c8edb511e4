//! Phones that wait for their window, in the order in which the windows open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::push::scheduler::phone_task::PhoneTask;

/// Phones that wait for their window, by the moment at which it opens.
#[derive(Default)]
pub(crate) struct WindowQueue {
    pub(super) tasks: BTreeMap<(Timestamp, u64), PhoneTask>,
    /// Orders phones whose windows open at the same moment.
    sequence: u64,
    pub(super) told: BTreeSet<(Timestamp, String)>,
}

impl WindowQueue {
    pub(super) fn put(&mut self, opens: Timestamp, task: PhoneTask) {
        self.sequence += 1;
        self.tasks.insert((opens, self.sequence), task);
    }

    pub(super) fn first(&self) -> Option<Timestamp> {
        self.tasks.first_key_value().map(|((opens, _), _)| *opens)
    }

    pub(super) fn due(&mut self, now: Timestamp) -> Option<PhoneTask> {
        self.first().filter(|opens| *opens <= now)?;
        self.tasks.pop_first().map(|(_, task)| task)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Takes all of them, in their order.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = PhoneTask> + use<> {
        std::mem::take(&mut self.tasks).into_values()
    }
}
