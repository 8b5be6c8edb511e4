//! Waits for a change to take effect, with as few pushes as possible.
//!
//! An association that was written a moment ago, or a setting of a phone, takes a while to reach what the
//! phones ask. Until then a refusal of the push user only means "not yet", as long as the password is known
//! to be right and the change is young. One phone is asked at a time, with growing pauses, because they all
//! wait for the same thing; the first acceptance says that it has arrived. A phone that refuses even then
//! waits for itself alone.
//!
//! Nothing here reads a clock or sleeps: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// How long the pauses between refusals are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Backoff {
    /// The pause after the first refusal; every further one doubles it.
    pub first: Duration,
    pub cap: Duration,
}

impl Backoff {
    /// Soon enough for a cluster that needs seconds, and seldom enough for one that needs minutes.
    pub const USUAL: Self = Self { first: Duration::from_secs(2), cap: Duration::from_secs(30) };

    /// Returns the pause after the `refusals`th refusal, counted from 1.
    pub fn delay(self, refusals: u32) -> Duration {
        let doubled = 1_u32.checked_shl(refusals.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.cap)
    }
}

/// What a refusal of the push user means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthRefusal {
    /// The change may not have reached the phone yet, so it is tried again.
    NotYet {
        /// When.
        again: Instant,
        /// The pause of all phones that wait for the change; set once per pause.
        pause: Option<Duration>,
    },
    Final,
    /// The refusal is final, although the change had this much time to take effect.
    TimedOut(Duration),
}

/// Decides for phones that wait for the same kind of change.
#[derive(Clone, Debug)]
pub struct PropagationWait {
    patience: Backoff,
    begun: Instant,
    limit: Duration,
    proven: bool,
    /// Whether the change is known to have reached one of the phones.
    arrived: bool,
    pauses: u32,
    paused_until: Option<Instant>,
}

impl PropagationWait {
    /// Waits from `begun` for at most `limit`; not at all before the password is known to be right.
    pub fn new(patience: Backoff, begun: Instant, limit: Duration, proven: bool) -> Self {
        Self { patience, begun, limit, proven, arrived: false, pauses: 0, paused_until: None }
    }

    /// Begins to wait anew, for the phones of another wave.
    pub fn renew(&mut self, now: Instant, proven: bool) {
        self.begun = now;
        self.proven |= proven;
    }

    /// Records that the password is known to be right.
    pub fn password_is_right(&mut self) {
        self.proven = true;
    }

    /// Records that a phone which asks the cluster has accepted the user.
    pub fn accepted(&mut self) {
        self.arrived = true;
        self.paused_until = None;
    }

    /// Returns what a refusal means, by a phone that waits `since` then and was put off `earlier` times.
    pub fn refused(&mut self, since: Instant, now: Instant, earlier: u32) -> AuthRefusal {
        let Some(left) = self.left(since, now) else { return self.no_longer(since, now) };
        if self.arrived {
            // Its own delays are as long as if no other phone had waited.
            let delay = self.patience.delay(earlier.saturating_add(1)).min(left);
            return AuthRefusal::NotYet { again: now + delay, pause: None };
        }
        if let Some(again) = self.pause_end(now) {
            // It was asked before the pause began, so its refusal is no news.
            return AuthRefusal::NotYet { again, pause: None };
        }
        self.pauses = self.pauses.saturating_add(1);
        // No pause goes beyond the limit: then every phone is tried once more, and its reply is final.
        let pause = self.patience.delay(self.pauses).min(left);
        self.paused_until = Some(now + pause);
        AuthRefusal::NotYet { again: now + pause, pause: Some(pause) }
    }

    /// Returns how many may be asked at once now, of at most `concurrency`; nothing when there is no more
    /// waiting, and so no say in it.
    pub fn allowed(&self, now: Instant, concurrency: usize) -> Option<usize> {
        self.left(self.begun, now)?;
        Some(match (self.pause_end(now), self.arrived) {
            (Some(_), _) => 0,
            (None, false) => 1,
            (None, true) => concurrency.max(1),
        })
    }

    /// Tells whether single phones are asked to find out whether the change has arrived.
    pub fn is_probing(&self, now: Instant) -> bool {
        self.left(self.begun, now).is_some() && !self.arrived
    }

    /// Returns when the pause ends that goes on now.
    pub fn pause_end(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| now < *until)
    }

    /// Returns how long a refusal may still mean "not yet".
    fn left(&self, since: Instant, now: Instant) -> Option<Duration> {
        let left = self.limit.checked_sub(now.saturating_duration_since(since))?;
        (self.proven && !left.is_zero()).then_some(left)
    }

    fn no_longer(&self, since: Instant, now: Instant) -> AuthRefusal {
        if self.proven && !self.limit.is_zero() {
            AuthRefusal::TimedOut(now.saturating_duration_since(since))
        } else {
            AuthRefusal::Final
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);
    const QUICK: Backoff =
        Backoff { first: Duration::from_millis(2), cap: Duration::from_millis(30) };

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn pause(refusal: AuthRefusal) -> Option<Duration> {
        match refusal {
            AuthRefusal::NotYet { pause, .. } => pause,
            AuthRefusal::Final | AuthRefusal::TimedOut(_) => None,
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_end_with_the_limit() {
        let begun = Instant::now();
        let mut waiting = PropagationWait::new(QUICK, begun, LIMIT, true);
        let mut now = begun;
        let mut pauses = Vec::new();
        while let Some(pause) = pause(waiting.refused(begun, now, 0)) {
            assert_eq!(waiting.allowed(now, 8), Some(0));
            pauses.push(pause);
            now += pause;
            assert_eq!(waiting.pause_end(now), None);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 10].map(ms));
        assert_eq!(now, begun + LIMIT);
        assert_eq!(waiting.refused(begun, now, 0), AuthRefusal::TimedOut(LIMIT));
        assert_eq!(waiting.allowed(now, 8), None);
    }

    #[test]
    fn refusals_within_a_pause_do_not_lengthen_it() {
        let begun = Instant::now();
        let mut waiting = PropagationWait::new(QUICK, begun, LIMIT, true);
        waiting.refused(begun, begun, 0);
        let again = begun + ms(2);
        assert_eq!(
            waiting.refused(begun, begun + ms(1), 5),
            AuthRefusal::NotYet { again, pause: None }
        );
        assert_eq!(pause(waiting.refused(begun, again, 0)), Some(ms(4)));
    }

    #[test]
    fn an_acceptance_lets_everybody_in_and_refusals_then_stand_alone() {
        let begun = Instant::now();
        let mut waiting = PropagationWait::new(QUICK, begun, LIMIT, true);
        assert_eq!(waiting.allowed(begun, 8), Some(1));
        waiting.refused(begun, begun, 0);
        waiting.accepted();
        assert_eq!(waiting.allowed(begun, 8), Some(8));
        let again = begun + ms(16);
        assert_eq!(waiting.refused(begun, begun, 3), AuthRefusal::NotYet { again, pause: None });
        assert_eq!(waiting.allowed(begun, 8), Some(8));
        let late = begun + ms(95);
        let again = begun + LIMIT;
        assert_eq!(waiting.refused(begun, late, 3), AuthRefusal::NotYet { again, pause: None });
    }

    #[test]
    fn an_unproven_password_is_not_waited_for() {
        let begun = Instant::now();
        let mut waiting = PropagationWait::new(QUICK, begun, LIMIT, false);
        assert_eq!(waiting.refused(begun, begun, 0), AuthRefusal::Final);
        assert_eq!((waiting.allowed(begun, 8), waiting.is_probing(begun)), (None, false));
        waiting.password_is_right();
        assert_eq!(pause(waiting.refused(begun, begun, 0)), Some(ms(2)));
        let mut never = PropagationWait::new(QUICK, begun, Duration::ZERO, true);
        assert_eq!(never.refused(begun, begun, 0), AuthRefusal::Final);
    }

    proptest! {
        #[test]
        fn delays_never_shrink_and_never_exceed_the_cap(
            first in 1_u64..5_000,
            cap in 1_u64..100_000,
            refusals in 0_u32..200,
        ) {
            let patience = Backoff { first: ms(first), cap: ms(cap) };
            let (one, next) = (patience.delay(refusals), patience.delay(refusals + 1));
            prop_assert!(one <= next && next <= patience.cap);
            prop_assert!(one > Duration::ZERO);
        }

        /// Whatever the answers and however long they take, no phone is asked within a pause, no pause is
        /// shorter than the one before it unless the limit ends it, and none goes beyond that.
        #[test]
        fn pauses_never_shrink_before_the_limit(
            limit in 0_u64..2_000,
            answers in proptest::collection::vec((0_u64..50, 0_u32..9, prop::bool::weighted(0.05)), 1..200),
        ) {
            let begun = Instant::now();
            let end = begun + ms(limit);
            let mut waiting = PropagationWait::new(QUICK, begun, ms(limit), true);
            let (mut now, mut longest) = (begun, Duration::ZERO);
            for (took, earlier, accepted) in answers {
                now += ms(took);
                if accepted {
                    waiting.accepted();
                    prop_assert_eq!(waiting.pause_end(now), None);
                    continue;
                }
                let AuthRefusal::NotYet { again, pause } = waiting.refused(begun, now, earlier) else {
                    prop_assert!(now >= end);
                    continue;
                };
                prop_assert!(now < again && again <= end && again <= now + QUICK.cap);
                if let Some(pause) = pause {
                    prop_assert!(pause >= longest || again == end);
                    prop_assert_eq!(waiting.allowed(now, 8), Some(0));
                    longest = pause;
                }
            }
        }
    }
}
