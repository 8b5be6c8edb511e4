//! Counts the requests to one service, over all connections to it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Requests to a service, and the times that the client waited before it sent one.
#[derive(Debug, Default)]
pub struct RequestCounts {
    requests: AtomicU64,
    failures: AtomicU64,
    waits: AtomicU64,
    wait_ms: AtomicU64,
}

/// The values of [`RequestCounts`] at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RequestTotals {
    /// Requests that were sent and have ended.
    pub requests: u64,
    /// Those of them that got no complete answer.
    pub failures: u64,
    /// Waits, to keep to a rate or because the server asked for one or was away.
    pub waits: u64,
    /// The length of all waits.
    pub waited: Duration,
}

impl RequestCounts {
    /// Counts a request that has ended.
    pub(crate) fn ended(&self, is_answered: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.failures.fetch_add(u64::from(!is_answered), Ordering::Relaxed);
    }

    /// Counts a wait that begins.
    pub(crate) fn waits(&self, delay: Duration) {
        self.waits.fetch_add(1, Ordering::Relaxed);
        let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.wait_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn totals(&self) -> RequestTotals {
        RequestTotals {
            requests: self.requests.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            waits: self.waits.load(Ordering::Relaxed),
            waited: Duration::from_millis(self.wait_ms.load(Ordering::Relaxed)),
        }
    }
}
