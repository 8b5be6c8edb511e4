//! Lets events happen when they are due.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::event::Event;
use super::sequence::Timeline;
use crate::sim::events::SimEvent;
use crate::sim::shared::Shared;

/// Plays a timeline to its end, or until the simulator stops.
pub(in crate::sim) async fn play(shared: Arc<Shared>, timeline: Timeline) {
    let begun = Instant::now();
    for event in timeline {
        let Some(due) = begun.checked_add(event.at) else { return };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = sleep_until(due) => {}
        }
        shared.happen(&event);
    }
}

impl Shared {
    /// Lets an event happen now, and records it. Returns whether all of it could be done.
    pub(in crate::sim) fn happen(&self, event: &Event) -> bool {
        let (objects, not_done) = self.cluster().happen(event);
        let is_done = not_done.is_empty();
        let (change, detail) = (event.change.kind(), event.change.detail());
        self.events.add(SimEvent::Change { change, detail, objects, not_done });
        is_done
    }
}
