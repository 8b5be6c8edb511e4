//! One request to the cluster and its answer, for the record and for `--trace-dir`.

use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, Uri};
use axum::response::Response;
use futures::StreamExt as _;

use super::accounts::basic;
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
    service: &'static str,
    operation: String,
    /// The user name of its credentials, which may be wrong.
    claimed: Option<String>,
    guard: trace::ExchangeGuard,
}

impl Exchange {
    pub(crate) fn begin(service: &'static str, parts: &Parts, body: &Bytes) -> Self {
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let named = operation(body);
        let guard = trace::watch(|| trace::Request {
            to: service,
            method: parts.method.to_string(),
            url: format!("https://{}{}", text(HOST).unwrap_or("localhost"), target(&parts.uri)),
            operation: named.clone().unwrap_or_else(|| "page".to_owned()),
            headers: parts.headers.clone(),
            body: body.clone(),
        });
        let operation = named.unwrap_or_else(|| format!("{} {}", parts.method, target(&parts.uri)));
        let claimed = text(AUTHORIZATION).and_then(basic).map(|(user, _)| user);
        Self { service, operation, claimed, guard }
    }

    /// Takes note of the answer, and of its body as it is sent.
    pub(crate) fn end(self, shared: &Shared, response: Response) -> Response {
        let Self { service, operation, claimed, mut guard } = self;
        let status = response.status().as_u16();
        let logged_in = response.extensions().get::<LoggedIn>();
        let user = logged_in.map(|LoggedIn(user)| user.clone()).or(claimed);
        shared.events.add(SimEvent::Request { service, operation, user, status });
        if !guard.is_on() {
            return response;
        }
        guard.answered(status, response.headers());
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

/// Returns path and query of a request, with the secrets of the query blanked.
pub(crate) fn target(uri: &Uri) -> String {
    // The rule is one for whole addresses.
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let clean = trace::without_secrets(&format!("{ORIGIN}{target}"));
    clean.strip_prefix(ORIGIN).unwrap_or_default().to_owned()
}

const ORIGIN: &str = "https://cluster";

/// Returns the operation that the body of a request names.
fn operation(body: &Bytes) -> Option<String> {
    let root = Node::read(body).ok()?;
    soap_request(&root).ok().map(|request| request.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_shows_no_password() {
        for (uri, clean) in [
            ("/axl/?user=a&password=geheim", "/axl/?user=a&password=[hidden]"),
            ("/x?p%69n=4711&next=%2F", "/x?p%69n=[hidden]&next=%2F"),
            ("/x?PWD=a?b&token=c", "/x?PWD=[hidden]&token=[hidden]"),
            ("/axl/", "/axl/"),
            ("/?", "/?"),
        ] {
            let clean = clean.replace("[hidden]", trace::HIDDEN);
            assert_eq!(target(&uri.parse().unwrap()), clean, "{uri}");
        }
    }
}
