//! Requests that are never answered, so that a client can be stopped at an exact instant.

use std::collections::HashMap;

use axum::body::Body;
use axum::response::Response;
use tokio::sync::oneshot;

use super::state::Cluster;

/// When a tripwire springs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tripped {
    /// When the request has arrived; it never has any effect.
    Before,
    /// When the request has been carried out.
    After,
}

/// The tripwires that wait, by operation.
#[derive(Default)]
pub(crate) struct Tripwires(HashMap<String, Tripwire>);

struct Tripwire {
    /// Requests to come, the one that springs it included.
    left: u64,
    when: Tripped,
    bell: oneshot::Sender<()>,
}

/// A tripwire that this request is to spring.
pub(crate) struct Sprung {
    /// When.
    pub(crate) when: Tripped,
    bell: oneshot::Sender<()>,
}

impl Tripwires {
    /// Sets a tripwire, in place of the one that the operation has.
    pub(crate) fn set(
        &mut self,
        operation: &str,
        nth: u64,
        when: Tripped,
    ) -> oneshot::Receiver<()> {
        let (bell, hears) = oneshot::channel();
        self.0.insert(operation.to_owned(), Tripwire { left: nth.max(1), when, bell });
        hears
    }

    fn arrived(&mut self, operation: &str) -> Option<Sprung> {
        let wire = self.0.get_mut(operation)?;
        if wire.bell.is_closed() {
            // Whoever set it has gone on to something else.
            self.0.remove(operation);
            return None;
        }
        wire.left -= 1;
        if wire.left > 0 {
            return None;
        }
        let Tripwire { when, bell, .. } = self.0.remove(operation)?;
        Some(Sprung { when, bell })
    }
}

impl Sprung {
    /// Tells whoever set the tripwire.
    pub(crate) fn ring(self) {
        // Nobody listens any more: then nobody is told.
        self.bell.send(()).unwrap_or_default();
    }

    /// Tells whoever set the tripwire, and returns what stands for no answer at all.
    pub(crate) fn hold(self) -> Response {
        self.ring();
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Held);
        response
    }
}

impl Cluster {
    /// Notes that a request is about to be carried out: does what was planned for before it, and returns the
    /// tripwire that it springs.
    pub(crate) fn arrived(&mut self, operation: &str) -> Option<Sprung> {
        self.change_first(operation);
        self.tripwires.arrived(operation)
    }
}

/// Marks a response that must never be sent.
#[derive(Clone, Copy)]
struct Held;

/// Tells whether a response must never be sent.
pub(crate) fn is_held(response: &Response) -> bool {
    response.extensions().get::<Held>().is_some()
}
