//! Requests at which something happens: they are never answered, so that a client can be stopped at an exact instant,
//! or something else is done first.

use std::collections::HashMap;

use axum::body::Body;
use axum::response::Response;
use tokio::sync::oneshot;

use super::scheduled_change::Change;

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
    does: Does,
}

/// What a tripwire does to its request.
pub(super) enum Does {
    /// The fleet changes first, and the request is carried out as usual.
    Change(Change),
    /// Something outside of the cluster happens first, and the request is carried out as usual.
    Act(Action),
    /// The request is never answered.
    Hold(Tripped, Then),
}

/// What happens to a request that is never answered.
pub(super) enum Then {
    /// Whoever waits is told, and the request is never answered.
    Bell(oneshot::Sender<()>),
    /// Something is done that breaks the connection, so the request is never answered.
    Break(Action),
}

pub(super) type Action = Box<dyn FnOnce() + Send>;

/// A tripwire that this request is to spring.
pub(crate) struct Sprung {
    /// When.
    pub(crate) when: Tripped,
    pub(super) then: Then,
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
        self.add(operation, nth, Does::Hold(when, Then::Bell(bell)));
        hears
    }

    /// Has something done that breaks the connection of a request, which has no answer then.
    pub(crate) fn break_at(&mut self, operation: &str, nth: u64, when: Tripped, action: Action) {
        self.add(operation, nth, Does::Hold(when, Then::Break(action)));
    }

    /// Has the fleet changed right before a request is carried out.
    pub(crate) fn change(&mut self, operation: &str, nth: u64, change: Change) {
        self.add(operation, nth, Does::Change(change));
    }

    /// Has something done right before a request is carried out.
    pub(crate) fn act(&mut self, operation: &str, nth: u64, action: Action) {
        self.add(operation, nth, Does::Act(action));
    }

    fn add(&mut self, operation: &str, nth: u64, does: Does) {
        self.0.insert(operation.to_owned(), Tripwire { left: nth.max(1), does });
    }

    pub(super) fn arrived(&mut self, operation: &str) -> Option<Does> {
        let wire = self.0.get_mut(operation)?;
        if let Does::Hold(_, Then::Bell(bell)) = &wire.does
            && bell.is_closed()
        {
            // Whoever set it has gone on to something else.
            self.0.remove(operation);
            return None;
        }
        wire.left -= 1;
        if wire.left > 0 {
            return None;
        }
        self.0.remove(operation).map(|wire| wire.does)
    }
}

impl Sprung {
    /// Tells whoever set the tripwire.
    pub(crate) fn ring(self) {
        match self.then {
            // Nobody listens any more: then nobody is told.
            Then::Bell(bell) => bell.send(()).unwrap_or_default(),
            Then::Break(action) => action(),
        }
    }

    /// Tells whoever set the tripwire, and returns what stands for no answer at all.
    pub(crate) fn hold(self) -> Response {
        self.ring();
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Held);
        response
    }
}

/// Marks a response that must never be sent.
#[derive(Clone, Copy)]
struct Held;

/// Tells whether a response must never be sent.
pub(crate) fn is_held(response: &Response) -> bool {
    response.extensions().get::<Held>().is_some()
}
