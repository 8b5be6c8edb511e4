//! Queues of phones: those that are pushed to for the first time, and retries.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use crate::push::policy::outcome::PhoneOutcome;
use crate::push::policy::propagation::PropagationWait;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::site_limits::SiteQueue;

/// Phones that wait for the same conditions.
pub(crate) struct PushQueue {
    pub(crate) waiting: PropagationWait,
    concurrency: usize,
    pub(crate) ready: SiteQueue,
    /// How many attempts are being written into the attempt log.
    pub(crate) noting: usize,
    /// Attempts that are in the log and may begin, so that the log never holds up a push.
    pub(crate) noted: VecDeque<PhoneTask>,
}

impl PushQueue {
    pub(crate) fn new(waiting: PropagationWait, concurrency: usize) -> Self {
        let (ready, noted) = (SiteQueue::default(), VecDeque::new());
        Self { waiting, concurrency, ready, noting: 0, noted }
    }

    pub(crate) fn has_begun_all(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many phones have not begun.
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.noting + self.noted.len()
    }

    /// Returns how many phones may be pushed to at once now, where the lockout guard allows `guarded`.
    pub(crate) fn allowed(&self, now: Instant, guarded: usize) -> usize {
        self.waiting.allowed(now, self.concurrency).map_or(guarded, |most| most.min(guarded))
    }

    /// Tells whether one more attempt may be written into the log now, while `pushing` pushes are in progress and the
    /// lockout guard allows `guarded`.
    pub(crate) fn may_note(&self, now: Instant, pushing: usize, guarded: usize) -> bool {
        // A probe is most likely followed by a pause, and no attempt should be open in the log for all that time.
        let under_way = if self.waiting.is_probing(now) { pushing } else { 0 };
        self.noting + self.noted.len() + under_way < self.allowed(now, guarded)
    }
}

/// A phone whose address is to be read again.
pub(crate) struct AddressCheck {
    pub(crate) task: PhoneTask,
    /// The outcome if the cluster knows no other address; nothing where the phone is tried in any case.
    pub(crate) outcome: Option<PhoneOutcome>,
}

/// Phones that answered a push while nothing was requested from our image server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VainPushes {
    pub(crate) accepted: usize,
    /// Those that refused the push, or did not answer.
    pub(crate) refused: usize,
}

/// Phones to retry, by the time of the retry.
#[derive(Default)]
pub(crate) struct RetryQueue {
    tasks: BTreeMap<(Instant, u64), PhoneTask>,
    sequence: u64,
}

impl RetryQueue {
    pub(crate) fn put(&mut self, when: Instant, task: PhoneTask) {
        self.sequence += 1;
        self.tasks.insert((when, self.sequence), task);
    }

    /// Returns the time of the first retry.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.tasks.first_key_value().map(|((when, _), _)| *when)
    }

    /// Takes the first one if its time has come.
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

    /// Returns how many of them were recently changed.
    pub(crate) fn recently_changed(&self) -> usize {
        self.tasks.values().filter(|task| task.target.recently_changed).count()
    }

    /// Takes all of them, in their order.
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
            later.put(now + Duration::from_secs(after), PhoneTask::new(target(n), now));
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
