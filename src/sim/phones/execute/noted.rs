//! What the record and the trace keep of a request to a phone, and the phone's pages.

use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use hyper::Request;
use hyper::body::Incoming;

use super::Phone;
use crate::net::trace;
use crate::sim::events::SimEvent;
use crate::sim::exchange::Sent;
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

/// Takes note of an answer, and of its body as it is sent.
pub(super) fn traced(mut guard: trace::ExchangeGuard, answer: Answer) -> Answer {
    if !guard.is_on() {
        return answer;
    }
    guard.answered(answer.status().as_u16(), answer.headers());
    let mut sent = Sent::new(guard);
    answer.map(|body| {
        let body = body.map_frame(move |frame| {
            if let Some(bytes) = frame.data_ref() {
                sent.add(bytes);
            }
            frame
        });
        BoxBody::new(body)
    })
}

/// Returns the credentials of a request as it has them.
pub(super) fn authorization(request: &Request<Incoming>) -> Option<String> {
    let value = request.headers().get("authorization")?;
    value.to_str().ok().map(str::to_owned)
}
