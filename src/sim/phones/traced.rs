//! What the trace keeps of a request to a phone.

use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use hyper::Request;
use hyper::body::Incoming;

use super::answers::Answer;
use crate::net::trace;
use crate::sim::exchange::Sent;

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
