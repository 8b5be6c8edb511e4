//! When phones may be pushed to: the maintenance windows, and the end of the run.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::domain::time_zone::{Zones, zone_name};
use crate::push::Target;
use crate::push::scheduler::window::{DailyWindow, WindowState};

/// When phones may be pushed to. By default always.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    hours: Option<Arc<DailyHours>>,
    start: Option<Timestamp>,
    until: Option<Timestamp>,
    clock: Clock,
}

/// A window, and the zones in which it opens and closes.
#[derive(Clone, Debug)]
pub struct DailyHours {
    pub window: DailyWindow,
    pub zones: Zones,
}

#[derive(Clone, Copy, Debug, Default)]
enum Clock {
    #[default]
    System,
    /// Starts at a time and follows the clock of the runtime.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests have their own time"))]
    From(Timestamp, Instant),
}

impl Schedule {
    /// Makes a schedule from the window and from the time after which no push begins.
    pub fn new(hours: Option<DailyHours>, until: Option<Timestamp>) -> Self {
        Self { hours: hours.map(Arc::new), start: None, until, clock: Clock::System }
    }

    /// Has the run wait until this time before it changes or pushes anything.
    #[must_use]
    pub fn starting(self, start: Option<Timestamp>) -> Self {
        Self { start, ..self }
    }

    /// Has the run end at this time, if not earlier.
    #[must_use]
    pub fn ending(self, until: Timestamp) -> Self {
        Self { until: Some(self.until.map_or(until, |before| before.min(until))), ..self }
    }

    /// Returns the time at which the run starts; nothing where it starts at once.
    pub fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// Starts the clock of the schedule at this time.
    #[cfg(test)]
    pub(crate) fn beginning(self, at: Timestamp) -> Self {
        Self { clock: Clock::From(at, Instant::now()), ..self }
    }

    pub fn now(&self) -> Timestamp {
        match self.clock {
            Clock::System => Timestamp::now(),
            Clock::From(at, since) => {
                let passed = SignedDuration::try_from(since.elapsed()).unwrap_or_default();
                at.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Tells whether phones of a device pool may be pushed to.
    pub fn gate(&self, device_pool: &str, now: Timestamp) -> WindowState {
        match &self.hours {
            Some(hours) => hours.window.gate(now, hours.zones.of(device_pool)),
            None => WindowState::Open { closes: None },
        }
    }

    pub fn has_hours(&self) -> bool {
        self.hours.is_some()
    }

    /// Returns when the window of the phone opens; nothing while it is open.
    pub(crate) fn opens(&self, target: &Target, now: Timestamp) -> Option<Timestamp> {
        match self.gate(&target.device_pool, now) {
            WindowState::Open { .. } => None,
            WindowState::Closed { opens } => Some(opens),
        }
    }

    /// Returns the time after which no push begins.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Returns the time that is left until then.
    pub fn left(&self) -> Option<Duration> {
        self.until.map(|end| until(self.now(), end))
    }

    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Describes the window that phones of a device pool wait for.
    pub(crate) fn told(&self, device_pool: &str, opens: Timestamp, now: Timestamp) -> String {
        let Some(hours) = &self.hours else { return String::new() };
        let zone = zone_name(hours.zones.of(device_pool));
        let left = in_words(until(now, opens));
        format!("the window {} of {zone}, opens in {left}", hours.window)
    }
}

/// Returns the time from `now` until `then`.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

/// Returns a time in hours and minutes.
fn in_words(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_hours_and_minutes() {
        let told = |seconds| in_words(Duration::from_secs(seconds));
        assert_eq!([told(1), told(60), told(3_600)], ["1 min", "1 min", "1 h"]);
        assert_eq!([told(3_541), told(10_860)], ["1 h", "3 h 1 min"]);
    }
}
