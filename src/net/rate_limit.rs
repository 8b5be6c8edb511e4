//! Keeps to the request rate that a server allows.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// A token bucket with a guard: never more than the rate in any minute, whatever the burst.
///
/// A plain bucket with a burst of 3 and a rate of 15 a minute lets 18 calls through in its first
/// minute, which a server that counts strictly would refuse. This one holds the later calls back
/// until the minute is over, and still reaches the full rate in the long run. Time is a value here:
/// the duration since any fixed moment.
#[derive(Clone, Debug)]
pub struct Bucket {
    per_minute: u32,
    burst: u32,
    tokens: f64,
    updated: Duration,
    granted: VecDeque<Duration>,
}

impl Bucket {
    /// Makes a full bucket. A rate or burst of 0 counts as 1.
    pub fn new(per_minute: u32, burst: u32, now: Duration) -> Self {
        let per_minute = per_minute.max(1);
        let burst = burst.clamp(1, per_minute);
        let tokens = f64::from(burst);
        Self { per_minute, burst, tokens, updated: now, granted: VecDeque::new() }
    }

    /// Takes a token, or returns how long to wait before trying again.
    ///
    /// # Errors
    /// The time to wait, when there is no token now.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let now = now.max(self.updated);
        let passed = (now - self.updated).as_secs_f64();
        let rate = f64::from(self.per_minute) / 60.0;
        self.tokens = (self.tokens + passed * rate).min(f64::from(self.burst));
        self.updated = now;
        while self.granted.front().is_some_and(|first| now >= *first + WINDOW) {
            self.granted.pop_front();
        }
        let mut wait = Duration::ZERO;
        // A grain of tolerance, so that rounding never asks for a wait of a billionth of a second.
        if self.tokens < 1.0 - 1e-9 {
            wait = Duration::from_secs_f64((1.0 - self.tokens) / rate);
        }
        let full = self.granted.len() >= usize::try_from(self.per_minute).unwrap_or(usize::MAX);
        if let Some(first) = self.granted.front()
            && full
        {
            wait = wait.max(*first + WINDOW - now);
        }
        if wait.is_zero() {
            self.tokens = (self.tokens - 1.0).max(0.0);
            self.granted.push_back(now);
            Ok(())
        } else {
            Err(wait.max(Duration::from_millis(1)))
        }
    }

    /// Lowers the rate, when the server has said that it allows less. It never rises again.
    pub fn slow_to(&mut self, per_minute: u32) {
        self.per_minute = self.per_minute.min(per_minute.max(1));
        self.burst = self.burst.min(self.per_minute);
        self.tokens = self.tokens.min(f64::from(self.burst));
    }

    /// Returns the rate that is kept now.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }
}

/// A [`Bucket`] on the real clock, shared by all who call the same server.
#[derive(Debug)]
pub struct Pace {
    bucket: Mutex<Bucket>,
    origin: Instant,
}

impl Pace {
    /// Makes a full bucket of `burst` calls that refills with `per_minute` calls a minute.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let bucket = Mutex::new(Bucket::new(per_minute, burst, Duration::ZERO));
        Self { bucket, origin: Instant::now() }
    }

    /// Waits for a token. `waiting` is called before each wait with its length.
    pub async fn acquire(&self, mut waiting: impl FnMut(Duration)) {
        loop {
            let taken = self.with(|bucket, now| bucket.take(now));
            match taken {
                Ok(()) => return,
                Err(wait) => {
                    waiting(wait);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Lowers the rate; see [`Bucket::slow_to`].
    pub fn slow_to(&self, per_minute: u32) {
        self.with(|bucket, _| bucket.slow_to(per_minute));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Bucket, Duration) -> T) -> T {
        // A panic while the lock was held cannot leave the bucket in a state that does harm.
        let mut bucket = self.bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = self.origin.elapsed();
        act(&mut bucket, now)
    }
}

/// A minute, and a little more for calls that overtake each other on the network.
const WINDOW: Duration = Duration::from_millis(60_250);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes tokens as fast as allowed and returns when each was granted.
    fn greedy(bucket: &mut Bucket, calls: usize) -> Vec<Duration> {
        let mut now = Duration::ZERO;
        let mut granted = Vec::new();
        while granted.len() < calls {
            match bucket.take(now) {
                Ok(()) => granted.push(now),
                Err(wait) => now += wait,
            }
        }
        granted
    }

    #[test]
    fn the_first_calls_do_not_wait() {
        let granted = greedy(&mut Bucket::new(15, 3, Duration::ZERO), 4);
        assert_eq!(granted[2], Duration::ZERO);
        assert!(granted[3] >= Duration::from_secs(4));
    }

    #[test]
    fn reaches_the_rate_in_the_long_run() {
        let granted = greedy(&mut Bucket::new(15, 3, Duration::ZERO), 151);
        // 150 further calls at 15 a minute take ten minutes, less the burst, plus the guard.
        assert!(granted[150] <= Duration::from_secs(605), "{:?}", granted[150]);
    }

    #[test]
    fn slows_down_and_never_speeds_up() {
        let mut bucket = Bucket::new(15, 3, Duration::ZERO);
        bucket.slow_to(5);
        bucket.slow_to(50);
        assert_eq!(bucket.per_minute(), 5);
        let granted = greedy(&mut bucket, 6);
        assert!(granted[5] >= Duration::from_secs(24), "{:?}", granted[5]);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_on_the_clock() {
        let pace = Pace::new(60, 1);
        let started = Instant::now();
        let mut waits = 0;
        for _ in 0..3 {
            pace.acquire(|_| waits += 1).await;
        }
        assert!(started.elapsed() >= Duration::from_secs(2));
        assert!(waits >= 2);
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_in_a_minute(
            per_minute in 1_u32..40,
            burst in 0_u32..60,
            pauses in proptest::collection::vec(0_u64..20_000, 1..120),
        ) {
            let mut bucket = Bucket::new(per_minute, burst, Duration::ZERO);
            let mut now = Duration::ZERO;
            let mut granted: Vec<Duration> = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                while let Err(wait) = bucket.take(now) {
                    now += wait;
                }
                granted.push(now);
            }
            for (index, start) in granted.iter().enumerate() {
                let end = *start + Duration::from_secs(60);
                let within = granted[index..].iter().take_while(|at| **at < end).count();
                prop_assert!(within <= per_minute as usize);
            }
        }
    }
}
