//! Requests at which something happens: they are never answered, so that a client can be stopped at an exact instant,
//! or something else is done first.

use std::collections::HashMap;

use axum::body::Body;
use axum::response::Response;
use tokio::sync::oneshot;

use super::scheduled_change::Change;

/// When a hold point springs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tripped {
    /// When the request has arrived; it never has any effect.
    Before,
    /// When the request has been carried out.
    After,
}

#[derive(Default)]
pub(crate) struct HoldPoints(HashMap<String, HoldPoint>);

struct HoldPoint {
    /// Requests to come, the one that springs it included.
    left: u64,
    does: Does,
}

/// What a hold point does to its request.
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
    Bell(oneshot::Sender<()>),
    /// Something is done that breaks the connection.
    Break(Action),
}

pub(super) type Action = Box<dyn FnOnce() + Send>;

pub(crate) struct Triggered {
    pub(crate) when: Tripped,
    pub(super) then: Then,
}

impl HoldPoints {
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

    pub(crate) fn change(&mut self, operation: &str, nth: u64, change: Change) {
        self.add(operation, nth, Does::Change(change));
    }

    pub(crate) fn act(&mut self, operation: &str, nth: u64, action: Action) {
        self.add(operation, nth, Does::Act(action));
    }

    fn add(&mut self, operation: &str, nth: u64, does: Does) {
        self.0.insert(operation.to_owned(), HoldPoint { left: nth.max(1), does });
    }

    pub(super) fn arrived(&mut self, operation: &str) -> Option<Does> {
        let wire = self.0.get_mut(operation)?;
        if let Does::Hold(_, Then::Bell(bell)) = &wire.does
            && bell.is_closed()
        {
            // Its receiver is gone.
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

impl Triggered {
    /// Notifies the receiver, or does what breaks the connection.
    pub(crate) fn ring(self) {
        match self.then {
            // The receiver may be gone.
            Then::Bell(bell) => bell.send(()).unwrap_or_default(),
            Then::Break(action) => action(),
        }
    }

    /// Notifies the receiver, and returns the mark of a response that is never sent.
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

pub(crate) fn is_held(response: &Response) -> bool {
    response.extensions().get::<Held>().is_some()
}
