//! Keeps to the request rate that a server allows.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// Counts calls in a sliding minute: the calls that a server allows go at once, each further one when the minute since
/// an earlier one is over.
///
/// So a few calls do not wait at all, and a server that counts strictly never counts too many in any minute. Time is a
/// value here: the duration since any fixed moment.
#[derive(Clone, Debug)]
pub struct MinuteWindow {
    per_minute: u32,
    granted: VecDeque<Duration>,
}

impl MinuteWindow {
    /// Makes an empty window. A rate of 0 counts as 1.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), granted: VecDeque::new() }
    }

    /// Grants a call, or returns how long to wait before trying again.
    ///
    /// # Errors
    /// The time to wait, when there were too many calls in the last minute.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        while self.granted.front().is_some_and(|first| now >= *first + WINDOW) {
            self.granted.pop_front();
        }
        let most = usize::try_from(self.per_minute).unwrap_or(usize::MAX);
        // After the rate was lowered, several have to leave the window.
        let in_the_way = self.granted.len().checked_sub(most).and_then(|at| self.granted.get(at));
        match in_the_way {
            Some(earlier) => Err((*earlier + WINDOW).saturating_sub(now)),
            None => {
                self.granted.push_back(now);
                Ok(())
            }
        }
    }

    /// Lowers the rate, when the server has said that it allows less. It never rises again.
    pub fn slow_to(&mut self, per_minute: u32) {
        self.per_minute = self.per_minute.min(per_minute.max(1));
    }

    /// Returns the rate that is kept now.
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }
}

/// A [`MinuteWindow`] on the real clock, shared by all who call the same server.
#[derive(Debug)]
pub struct Pace {
    window: Mutex<MinuteWindow>,
    origin: Instant,
}

impl Pace {
    pub fn new(per_minute: u32) -> Self {
        Self { window: Mutex::new(MinuteWindow::new(per_minute)), origin: Instant::now() }
    }

    /// Waits until a call is granted. `waiting` is called before each wait with its length.
    pub async fn acquire(&self, mut waiting: impl FnMut(Duration)) {
        loop {
            let taken = self.with(|window, now| window.take(now));
            match taken {
                Ok(()) => return,
                Err(wait) => {
                    waiting(wait);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Lowers the rate; see [`MinuteWindow::slow_to`].
    pub fn slow_to(&self, per_minute: u32) {
        self.with(|window, _| window.slow_to(per_minute));
    }

    fn with<T>(&self, act: impl FnOnce(&mut MinuteWindow, Duration) -> T) -> T {
        // A panic while the lock was held cannot leave the window in a state that does harm.
        let mut window = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = self.origin.elapsed();
        act(&mut window, now)
    }
}

/// A minute, and a little more for calls that overtake each other on the network.
const WINDOW: Duration = Duration::from_millis(60_250);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes calls as fast as allowed and returns when each was granted.
    fn greedy(window: &mut MinuteWindow, calls: usize) -> Vec<Duration> {
        let mut now = Duration::ZERO;
        let mut granted = Vec::new();
        while granted.len() < calls {
            match window.take(now) {
                Ok(()) => granted.push(now),
                Err(wait) => now += wait,
            }
        }
        granted
    }

    #[test]
    fn what_the_rate_allows_goes_at_once() {
        let granted = greedy(&mut MinuteWindow::new(12), 13);
        assert_eq!(granted[11], Duration::ZERO);
        assert_eq!(granted[12], WINDOW);
    }

    #[test]
    fn reaches_the_rate_in_the_long_run() {
        let granted = greedy(&mut MinuteWindow::new(15), 151);
        // Ten minutes, and the tolerance of each.
        assert!(granted[150] <= Duration::from_secs(605), "{:?}", granted[150]);
    }

    #[test]
    fn slows_down_and_never_speeds_up() {
        let mut window = MinuteWindow::new(15);
        assert_eq!(greedy(&mut window, 15)[14], Duration::ZERO);
        window.slow_to(5);
        window.slow_to(50);
        assert_eq!(window.per_minute(), 5);
        let granted = greedy(&mut window, 6);
        assert_eq!((granted[0], granted[4], granted[5]), (WINDOW, WINDOW, WINDOW * 2));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_on_the_clock() {
        let pace = Pace::new(2);
        let started = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..3 {
            pace.acquire(|wait| waits.push(wait)).await;
        }
        assert!(started.elapsed() >= WINDOW);
        assert_eq!(waits, [WINDOW]);
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_in_a_minute(
            per_minute in 1_u32..40,
            pauses in proptest::collection::vec(0_u64..20_000, 1..120),
        ) {
            let mut window = MinuteWindow::new(per_minute);
            let mut now = Duration::ZERO;
            let mut granted: Vec<Duration> = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                while let Err(wait) = window.take(now) {
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
