//! What record and trace keep of requests to a phone, and the phone's pages.

use hyper::Request;
use hyper::body::{Bytes, Incoming};

use super::{NOT_FOUND, Phone};
use crate::net::trace;
use crate::sim::accounts::basic;
use crate::sim::events::SimEvent;
use crate::sim::exchange::target;
use crate::sim::history::{Push, Shown};
use crate::sim::phones::answers::{self, Answer, Broken};
use crate::sim::phones::pages::{self, Facts};
use crate::sim::phones::traced::{authorization, traced};

/// A request to a phone that is no push and is not answered yet.
pub(super) struct Noted {
    method: String,
    path: String,
    user: Option<String>,
    guard: trace::ExchangeGuard,
}

impl Noted {
    /// Takes note of the answer, for the record and for the trace.
    pub(super) fn answered(self, phone: &Phone<'_>, answer: Answer) -> Answer {
        let Self { method, path, user, guard } = self;
        phone.shared.events.add(SimEvent::PhoneRequest {
            phone: phone.device.spec.name.clone(),
            address: phone.address,
            method,
            path,
            user,
            secure: phone.secure,
            status: answer.status().as_u16(),
        });
        traced(guard, answer)
    }
}

impl Phone<'_> {
    pub(super) fn noted(&self, request: &Request<Incoming>) -> Noted {
        let path = target(request.uri());
        let guard = trace::watch(|| trace::Request {
            to: "phone",
            method: request.method().to_string(),
            url: self.url(&path),
            operation: "page".to_owned(),
            headers: request.headers().clone(),
            body: Bytes::new(),
        });
        let user = authorization(request).as_deref().and_then(basic).map(|(user, _)| user);
        Noted { method: request.method().to_string(), path, user, guard }
    }

    /// Returns the address of something on the phone, without the port that all phones share.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.secure { "https" } else { "http" }, self.address)
    }

    /// Records a push and what the phone shows after it.
    pub(super) fn record(&self, push: Push, user: Option<String>, shows: Option<Shown>) {
        self.shared.events.add(SimEvent::Push {
            phone: self.device.spec.name.clone(),
            address: self.address,
            user,
            secure: push.secure,
            xml: push.xml.map(|xml| trace::without_secrets(&xml)),
            result: SimEvent::result(push.outcome),
            downloads: SimEvent::downloads(push.fetches),
            shows,
        });
    }

    /// Answers a page of its web server; nothing where it has none at this path.
    pub(super) fn page(&self, path: &str) -> Option<Answer> {
        pages::answer(path, &self.facts(&self.name()))
    }

    /// Answers a page that needs the credentials of a push.
    pub(super) async fn call_page(&self, request: &Request<Incoming>) -> Result<Answer, Broken> {
        let answer = pages::call_page(request.uri().path(), &self.facts(&self.name()));
        let Some(answer) = answer else { return Ok(answers::page(404, "text/html", NOT_FOUND)) };
        match self.refuse(authorization(request).as_deref()).await {
            Some((_, refusal, _)) => refusal,
            None => Ok(answer),
        }
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
