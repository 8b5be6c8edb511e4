//! Waiting longer and longer, at random, and not for ever.

use std::time::Duration;

/// How long to wait between attempts, and for how long altogether.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetryPolicy {
    /// Every wait is at least this long.
    pub floor: Duration,
    /// The first wait is between the floor and the floor plus this; each further one may be twice as
    /// long.
    pub base: Duration,
    pub ceiling: Duration,
    /// All waits together are no longer than this; then the last error is returned.
    pub budget: Duration,
}

impl RetryPolicy {
    /// For AXL's 503, which means that the cluster is still telling its nodes about earlier changes:
    /// half a minute and more (AXL Developer Guide and Cisco's community).
    pub const THROTTLED: Self = Self {
        floor: Duration::from_secs(15),
        base: Duration::from_secs(30),
        ceiling: Duration::from_secs(120),
        budget: Duration::from_secs(600),
    };

    /// For AXL's memory fault, which is over as soon as other requests have ended.
    pub const MEMORY: Self = Self {
        floor: Duration::from_secs(1),
        base: Duration::from_secs(4),
        ceiling: Duration::from_secs(30),
        budget: Duration::from_secs(180),
    };

    /// For a server that has answered before and is away now, as for the minute in which Tomcat restarts. The
    /// budget is that of [`Self::THROTTLED`]; a closed port costs the server nothing, so it is tried more often.
    pub const AWAY: Self = Self {
        floor: Duration::from_secs(1),
        base: Duration::from_secs(1),
        ceiling: Duration::from_secs(15),
        budget: Self::THROTTLED.budget,
    };

    /// For a connection that broke under a read: soon again, a few times.
    pub const BROKEN: Self = Self {
        floor: Duration::from_millis(500),
        base: Duration::from_secs(1),
        ceiling: Duration::from_secs(5),
        budget: Duration::from_secs(12),
    };

    /// For RisPort's rate fault: its counter runs for a minute, so longer waits gain nothing.
    pub const RATE_LIMITED: Self = Self {
        floor: Duration::from_secs(30),
        base: Duration::from_secs(30),
        ceiling: Duration::from_secs(60),
        budget: Duration::from_secs(600),
    };

    /// Returns the waits as an iterator that ends with the budget. The same seed gives the same waits.
    pub fn delays(self, seed: u64) -> Delays {
        Delays { policy: self, spent: Duration::ZERO, span: self.base, state: seed }
    }

    /// Returns the waits with a seed of the system's randomness.
    pub fn random_delays(self) -> Delays {
        let mut seed = [0; 8];
        // Without randomness the waits are still right, only the same for everybody.
        if let Err(error) = getrandom::fill(&mut seed) {
            tracing::debug!(%error, "no randomness for the waits between attempts");
        }
        self.delays(u64::from_le_bytes(seed))
    }
}

/// The waits of one [`RetryPolicy`], with full jitter: each is drawn evenly from its whole range, so
/// that clients which failed together do not come back together.
#[derive(Clone, Debug)]
pub struct Delays {
    policy: RetryPolicy,
    spent: Duration,
    span: Duration,
    state: u64,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.next_at_least(None)
    }
}

impl Delays {
    /// Returns the next wait, made longer where the server asks for more. All waits together still
    /// keep to the budget: a server that asks for more than that is not waited for.
    pub fn next_at_least(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let jitter = self.span.mul_f64(self.fraction());
        let delay = self.policy.floor.saturating_add(jitter).min(self.policy.ceiling);
        let delay = delay.max(asked.unwrap_or_default());
        // A wait of nothing costs a little too, so that every budget comes to an end.
        let spent = self.spent.saturating_add(delay.max(Duration::from_millis(1)));
        if spent > self.policy.budget {
            return None;
        }
        self.spent = spent;
        self.span = self.span.saturating_mul(2).min(self.policy.ceiling);
        Some(delay)
    }

    /// Returns the next pseudo-random number from 0 up to, but not including, 1 (SplitMix64).
    fn fraction(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let high = u32::try_from(mixed >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let waits: Vec<_> = RetryPolicy::THROTTLED.delays(7).collect();
        assert_eq!(waits, RetryPolicy::THROTTLED.delays(7).collect::<Vec<_>>());
        assert_ne!(waits, RetryPolicy::THROTTLED.delays(8).collect::<Vec<_>>());
        assert!(waits.len() > 3);
    }

    #[test]
    fn a_server_that_asks_for_more_gets_it_within_the_budget() {
        let minute = Duration::from_secs(60);
        let policy = RetryPolicy {
            floor: Duration::from_secs(1),
            base: Duration::from_secs(1),
            ceiling: Duration::from_secs(5),
            budget: Duration::from_secs(130),
        };
        let mut delays = policy.delays(3);
        assert_eq!(delays.next_at_least(Some(minute)), Some(minute));
        assert!(delays.next_at_least(Some(Duration::ZERO)) >= Some(Duration::from_secs(1)));
        assert_eq!(delays.next_at_least(Some(minute)), Some(minute));
        assert_eq!(delays.next_at_least(Some(minute)), None);
    }

    #[test]
    fn no_budget_means_no_wait() {
        let none = RetryPolicy { budget: Duration::ZERO, ..RetryPolicy::THROTTLED };
        assert_eq!(none.delays(1).next(), None);
    }

    proptest! {
        #[test]
        fn keeps_floor_ceiling_and_budget(seed in any::<u64>(), ceiling in 15_u64..200, budget in 0_u64..900) {
            let policy = RetryPolicy {
                ceiling: Duration::from_secs(ceiling),
                budget: Duration::from_secs(budget),
                ..RetryPolicy::THROTTLED
            };
            let waits: Vec<_> = policy.delays(seed).collect();
            prop_assert!(waits.iter().sum::<Duration>() <= policy.budget);
            prop_assert!(waits.iter().all(|wait| *wait >= policy.floor && *wait <= policy.ceiling));
        }
    }
}
