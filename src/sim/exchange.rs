//! One request to the cluster and its answer, for the record and for `--trace-dir`.

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::response::Response;
use futures::StreamExt as _;

use super::events::SimEvent;
use super::fault::soap_request;
use super::shared::Shared;
use super::xml::Node;
use crate::net::trace;

/// The user whose request an answer is for.
#[derive(Clone)]
pub(crate) struct LoggedIn(pub(crate) String);

/// A request that is not answered yet.
pub(crate) struct Exchange {
    /// Service and operation; nothing where no one wants to know.
    event: Option<(&'static str, String)>,
    guard: trace::ExchangeGuard,
}

impl Exchange {
    pub(crate) fn begin(
        shared: &Shared,
        service: &'static str,
        parts: &Parts,
        body: &Bytes,
    ) -> Self {
        let guard = trace::watch(|| trace::Request {
            to: service,
            method: parts.method.to_string(),
            url: parts.uri.to_string(),
            operation: operation(body),
            headers: parts.headers.clone(),
            body: body.clone(),
        });
        let event = shared.events.are_wanted().then(|| (service, operation(body)));
        Self { event, guard }
    }

    /// Takes note of the answer, and of its body as it is sent.
    pub(crate) fn end(self, shared: &Shared, response: Response) -> Response {
        let Self { event, mut guard } = self;
        if let Some((service, operation)) = event {
            let status = response.status().as_u16();
            let user = response.extensions().get::<LoggedIn>().map(|LoggedIn(user)| user.clone());
            shared.events.add(&SimEvent::Request { service, operation, user, status });
        }
        if !guard.is_on() {
            return response;
        }
        guard.answered(response.status().as_u16(), response.headers());
        let (parts, body) = response.into_parts();
        let mut sent = Sent::new(guard);
        let body = body.into_data_stream().map(move |chunk| {
            match &chunk {
                Ok(bytes) => sent.add(bytes),
                Err(error) => sent.guard.ended(Err(error)),
            }
            chunk
        });
        Response::from_parts(parts, Body::from_stream(body))
    }
}

/// What was sent of an answer so far. The exchange ends with it, when the body is gone, sent or broken off.
pub(crate) struct Sent {
    guard: trace::ExchangeGuard,
    bytes: Vec<u8>,
}

impl Sent {
    pub(crate) fn new(guard: trace::ExchangeGuard) -> Self {
        Self { guard, bytes: Vec::new() }
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.guard.body(&self.bytes);
        self.guard.ended(Ok::<(), String>(()));
    }
}

/// Returns the operation that a request names; an empty text where it names none.
fn operation(body: &Bytes) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let root = Node::parse(text).ok();
    let request = root.as_ref().and_then(|root| soap_request(root).ok());
    request.map(|request| request.name.clone()).unwrap_or_default()
}
