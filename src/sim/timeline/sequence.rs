//! The events of a timeline in their order.

use super::event::Event;
use super::file::{self, TimelineError};
use super::life::Life;

/// What happens to a cluster: an iterator over events in the order of their times.
pub struct Timeline {
    speed: f64,
    events: Box<dyn Iterator<Item = Event> + Send>,
}

impl Timeline {
    /// Reads the text of a timeline file; the seed chooses phones where an event names a number of them.
    ///
    /// # Errors
    /// When it is no timeline.
    pub fn read(text: &str, seed: u64) -> Result<Self, TimelineError> {
        let file = file::read(text, seed)?;
        Ok(Self { speed: file.speed, events: Box::new(file.events.into_iter()) })
    }

    /// Makes up the life of a cluster that has about so many phones, and these device pools. It never ends; the same
    /// seed makes the same events.
    pub fn life(seed: u64, phones: usize, device_pools: Vec<String>) -> Self {
        Self { speed: 1.0, events: Box::new(Life::new(seed, phones, device_pools)) }
    }

    /// Lets time go by so many times faster than in the file; `speed` is greater than 0.
    #[must_use]
    pub fn with_speed(self, speed: f64) -> Self {
        Self { speed, ..self }
    }
}

impl Iterator for Timeline {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        Some(self.events.next()?.faster(self.speed))
    }
}
