//! What the record keeps of a push, and the phone's pages.

use super::Phone;
use crate::sim::events::SimEvent;
use crate::sim::history::{Push, Shown};
use crate::sim::phones::answers::Answer;
use crate::sim::phones::pages::{self, Facts};

impl Phone<'_> {
    /// Records a push and what the phone shows after it.
    pub(super) fn record(&self, push: Push, user: Option<String>, shows: Option<Shown>) {
        self.shared.events.add(&SimEvent::Push {
            phone: self.device.spec.name.clone(),
            address: self.address,
            user,
            secure: push.secure,
            xml: push.xml,
            result: SimEvent::result(push.outcome),
            downloads: push.fetches,
            shows,
        });
    }

    /// Answers a page of its web server; nothing where it has none at this path.
    pub(super) fn page(&self, path: &str) -> Option<Answer> {
        let facts = Facts {
            name: &self.name(),
            model: &self.product,
            load: self.load(),
            extension: self.device.extension(self.at),
            address: self.address,
            node: &self.node,
        };
        pages::answer(path, &facts)
    }
}
