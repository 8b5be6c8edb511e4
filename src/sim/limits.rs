//! What a cluster can bear at one time, and how fast it recovers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The limits of a cluster; nothing switches a limit off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// RisPort70 requests that are answered in any minute. Published guides give 15 as CUCM's default.
    pub ris_per_minute: Option<u32>,
    /// The largest list or query answer in bytes (AXL Developer Guide: 8 MB).
    pub answer_bytes: Option<usize>,
    /// The bytes that all answers under way share (AXL Developer Guide: 16 MB).
    pub memory_bytes: Option<usize>,
    /// The largest answer that is given while another one, larger than this, is under way
    /// (AXL Developer Guide: 2 MB).
    pub small_bytes: usize,
    /// Change notifications that may wait for a node before writes are refused with HTTP 503
    /// (published by the AXL team: 1,500).
    pub notifications: Option<u32>,
    /// How many of them a node takes in a second (believed).
    pub notifications_per_second: u32,
    pub overload: Overload,
    /// How many times faster than real time a minute of these limits goes by; 1 is real time.
    pub time_scale: u32,
    /// Sends `Retry-After` with a refused request.
    pub retry_after: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Overload {
    /// With the fault that the AXL Developer Guide describes.
    Fault,
    /// The answer breaks off in the middle, as seen with 12.5.
    Truncated,
    /// The connection breaks before any answer, as seen with 12.5.
    Dropped,
}

impl Limits {
    /// The limits of a real cluster with CUCM's own settings.
    pub const fn real() -> Self {
        Self {
            ris_per_minute: Some(15),
            answer_bytes: Some(8 * MEGABYTE),
            memory_bytes: Some(16 * MEGABYTE),
            small_bytes: 2 * MEGABYTE,
            notifications: Some(1500),
            notifications_per_second: 50,
            overload: Overload::Fault,
            time_scale: 1,
            retry_after: false,
        }
    }

    pub const fn off() -> Self {
        Self {
            ris_per_minute: None,
            answer_bytes: None,
            memory_bytes: None,
            notifications: None,
            ..Self::real()
        }
    }

    /// Returns how long `real` lasts on this cluster's clock.
    pub(crate) fn scaled(&self, real: Duration) -> Duration {
        real / self.time_scale.max(1)
    }
}

/// Change notifications that wait for a node; all nodes take them equally fast.
#[derive(Debug)]
pub(crate) struct Notifications {
    waiting: f64,
    since: Instant,
}

impl Notifications {
    pub(crate) fn new() -> Self {
        Self { waiting: 0.0, since: Instant::now() }
    }

    /// Returns how long writes are refused still, or nothing when they are not.
    pub(crate) fn wait(&mut self, limits: &Limits) -> Option<Duration> {
        let most = f64::from(limits.notifications?);
        self.drain(limits);
        let over = self.waiting - most;
        (over > 0.0).then(|| limits.scaled(Duration::from_secs_f64(over / rate(limits))))
    }

    /// Adds those of a write that touches so many devices.
    pub(crate) fn add(&mut self, limits: &Limits, devices: usize) {
        self.drain(limits);
        self.waiting += u32::try_from(devices).map_or(f64::MAX, f64::from);
    }

    fn drain(&mut self, limits: &Limits) {
        let now = Instant::now();
        let passed = now.duration_since(self.since).as_secs_f64() * f64::from(limits.time_scale);
        self.waiting = (self.waiting - passed * rate(limits)).max(0.0);
        self.since = now;
    }
}

fn rate(limits: &Limits) -> f64 {
    f64::from(limits.notifications_per_second.max(1))
}

const MEGABYTE: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    large: usize,
}

/// A part of it, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    memory: Arc<Memory>,
    bytes: usize,
    large: bool,
}

impl Memory {
    /// Takes `bytes`, or nothing when the limits do not allow it now.
    pub(crate) fn reserve(self: &Arc<Self>, limits: &Limits, bytes: usize) -> Option<Reservation> {
        let large = limits.memory_bytes.is_some() && bytes > limits.small_bytes;
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = limits.memory_bytes.is_some_and(|all| taken.bytes + bytes > all);
        if full || large && taken.large > 0 {
            return None;
        }
        taken.bytes += bytes;
        taken.large += usize::from(large);
        drop(taken);
        Some(Reservation { memory: Arc::clone(self), bytes, large })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.bytes -= self.bytes;
        taken.large -= usize::from(self.large);
    }
}
