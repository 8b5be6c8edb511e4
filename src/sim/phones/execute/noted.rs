//! What the record keeps of a push, and the phone's pages.

use hyper::Request;
use hyper::body::Incoming;

use super::{NOT_FOUND, Phone};
use crate::sim::events::SimEvent;
use crate::sim::history::{Push, Shown};
use crate::sim::phones::answers::{self, Answer, Broken};
use crate::sim::phones::pages::{self, Facts};
use crate::sim::phones::traced::authorization;

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
        pages::answer(path, &self.facts(&self.name()))
    }

    /// Answers a page that needs the credentials of a push.
    pub(super) async fn java_page(&self, request: &Request<Incoming>) -> Result<Answer, Broken> {
        if let Some((_, refusal, _)) = self.refuse(authorization(request).as_deref()).await {
            return refusal;
        }
        let answer = pages::java(request.uri().path(), &self.facts(&self.name()));
        Ok(answer.unwrap_or_else(|| answers::page(404, "text/html", NOT_FOUND)))
    }

    fn facts<'f>(&'f self, name: &'f str) -> Facts<'f> {
        Facts {
            name,
            model: &self.product,
            load: self.load(),
            extension: self.device.extension(self.at),
            address: self.address,
            node: &self.node,
        }
    }
}
