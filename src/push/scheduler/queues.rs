//! Who comes next: phones that wait for the same reasons wait in one lane.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use crate::push::policy::propagation::PropagationWait;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::site_limits::SiteQueue;

/// Phones that wait for the same reasons.
pub(crate) struct PushQueue {
    pub(crate) waiting: PropagationWait,
    concurrency: usize,
    pub(crate) ready: SiteQueue,
    /// How many are just being written down.
    pub(crate) noting: usize,
    /// Written down, and free to begin: so that no place stays empty while the book is written.
    pub(crate) noted: VecDeque<PhoneTask>,
}

impl PushQueue {
    pub(crate) fn new(tasks: Vec<PhoneTask>, waiting: PropagationWait, concurrency: usize) -> Self {
        let (ready, noted) = (tasks.into(), VecDeque::new());
        Self { waiting, concurrency, ready, noting: 0, noted }
    }

    pub(crate) fn has_begun_all(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many have not begun.
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.noting + self.noted.len()
    }

    /// Returns how many phones may be asked at once now, where the guard allows `guarded`.
    pub(crate) fn allowed(&self, now: Instant, guarded: usize) -> usize {
        self.waiting.allowed(now, self.concurrency).map_or(guarded, |most| most.min(guarded))
    }

    /// Tells whether one more may be written down now, while `pushing` phones are being asked and the guard allows
    /// `guarded`.
    pub(crate) fn may_note(&self, now: Instant, pushing: usize, guarded: usize) -> bool {
        // A probe is most likely followed by a pause, and nobody should stand in the book all that time as
        // if it were being pushed to.
        let under_way = if self.waiting.is_probing(now) { pushing } else { 0 };
        self.noting + self.noted.len() + under_way < self.allowed(now, guarded)
    }
}

/// Phones that are tried again, by the time at which they are.
#[derive(Default)]
pub(crate) struct RetryQueue {
    tasks: BTreeMap<(Instant, u64), PhoneTask>,
    /// Keeps those apart, and in order, that come at the same instant.
    sequence: u64,
}

impl RetryQueue {
    pub(crate) fn put(&mut self, when: Instant, task: PhoneTask) {
        self.sequence += 1;
        self.tasks.insert((when, self.sequence), task);
    }

    /// Returns when the first one comes.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.tasks.first_key_value().map(|((when, _), _)| *when)
    }

    /// Takes out the first one if its time has come.
    pub(crate) fn due(&mut self, now: Instant) -> Option<PhoneTask> {
        self.first().filter(|when| *when <= now)?;
        self.tasks.pop_first().map(|(_, task)| task)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns how many of them are fresh.
    pub(crate) fn recently_changed(&self) -> usize {
        self.tasks.values().filter(|task| task.target.recently_changed).count()
    }

    /// Takes out all of them, in their order.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = PhoneTask> + use<> {
        std::mem::take(&mut self.tasks).into_values()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::push::scheduler::tests::target;

    #[test]
    fn the_soonest_comes_first_and_equals_keep_their_order() {
        let now = Instant::now();
        let mut later = RetryQueue::default();
        for (n, after) in [(1, 30), (2, 5), (3, 5), (4, 1)] {
            later.put(now + Duration::from_secs(after), PhoneTask::new(target(n)));
        }
        assert_eq!(later.first(), Some(now + Duration::from_secs(1)));
        assert!(later.due(now).is_none());
        let soon = now + Duration::from_secs(5);
        let due: Vec<_> = std::iter::from_fn(|| later.due(soon)).map(|task| task.target).collect();
        assert_eq!(due, [target(4), target(2), target(3)]);
        assert_eq!(later.take().count(), 1);
        assert!(later.is_empty());
    }
}
