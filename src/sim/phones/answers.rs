//! How phones word their answers: every model in its own way, as seen in published answers.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame};

use crate::domain::model::PushSchema;

pub(super) type Answer = Response<BoxBody<Bytes, Broken>>;

/// The phone breaks the connection instead of answering, or in the middle of its answer.
#[derive(Debug, thiserror::Error)]
#[error("the simulated phone breaks the connection")]
pub(super) struct Broken;

pub(super) async fn cut(answer: Answer) -> Answer {
    let (mut parts, body) = answer.into_parts();
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    parts.headers.insert(hyper::header::CONTENT_LENGTH, whole.len().into());
    let half = whole.slice(..whole.len() / 2);
    // What was sent has to be on its way before the connection breaks.
    let broken = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Err(Broken)
    };
    let pieces = stream::iter([Ok(Frame::data(half))]).chain(stream::once(broken));
    Response::from_parts(parts, BoxBody::new(StreamBody::new(pieces)))
}

pub(super) async fn trickle(answer: Answer, pause: Duration) -> Answer {
    let (parts, body) = answer.into_parts();
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let bytes = stream::unfold(whole, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let byte = left.split_to(1);
        Some((Ok(Frame::data(byte)), left))
    });
    Response::from_parts(parts, BoxBody::new(StreamBody::new(bytes)))
}

/// Returns an answer of many megabytes that begins like a success.
pub(super) fn endless() -> Answer {
    let begin = Bytes::from_static(
        b"<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/>",
    );
    let more = Bytes::from(vec![b' '; 64 * 1024]);
    let pieces = std::iter::once(begin).chain(std::iter::repeat_n(more, 512));
    let pieces = stream::iter(pieces.map(|piece| Ok(Frame::data(piece))));
    let mut answer = Response::new(BoxBody::new(StreamBody::new(pieces)));
    let kind = hyper::header::HeaderValue::from_static("text/xml");
    answer.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    answer
}

/// Returns the success of a push, worded as phones of this model do.
pub(super) fn success(model: u32, schema: PushSchema) -> Answer {
    let body = match (schema, model) {
        (PushSchema::PhoneOs, _) => {
            "<CiscoIPPhoneResponse>\n<ResponseItem URL=\"\" Data=\"Success\" Status=\"0\"/>\n</CiscoIPPhoneResponse>\n"
        }
        // 8941, 8945, 8961, 9951, 9971: single quotes.
        (PushSchema::Classic, 585 | 586 | 540 | 537 | 493) => {
            "<?xml version='1.0' encoding='utf-8'?> <CiscoIPPhoneResponse> <ResponseItem URL='' Data='Success' Status='0' /></CiscoIPPhoneResponse>"
        }
        // 8821: no declaration.
        (PushSchema::Classic, 36216) => {
            "<CiscoIPPhoneResponse>\r\n<ResponseItem Data=\"Success\" Status=\"0\" URL=\"\"/>\r\n</CiscoIPPhoneResponse>\r\n"
        }
        // 8845, 8865: success with empty data.
        (PushSchema::Classic, 36224 | 36225) => {
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<CiscoIPPhoneResponse>\n  <ResponseItem Status=\"0\" Data=\"\" URL=\"\"/>\n</CiscoIPPhoneResponse>\n"
        }
        // The other 88xx.
        (PushSchema::Classic, 683..=685 | 36217..=36232) => {
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><CiscoIPPhoneResponse><ResponseItem URL=\"\" Data=\"Success\" Status=\"0\"/></CiscoIPPhoneResponse>"
        }
        // 79xx. One item: published tools read the only one.
        (PushSchema::Classic, _) => {
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\r\n<CiscoIPPhoneResponse>\r\n<ResponseItem Status=\"0\" Data=\"Success\" URL=\"\" />\r\n</CiscoIPPhoneResponse>"
        }
    };
    page(200, "text/xml", body)
}

pub(super) fn error(number: u32) -> Answer {
    page(200, "text/xml", format!("<CiscoIPPhoneError Number=\"{number}\" />"))
}

pub(super) fn page(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into()).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed());
    // Only constants come here, and all of them are valid.
    *answer.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let kind = hyper::header::HeaderValue::from_static(kind);
    answer.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    answer
}

/// Returns the 401 of the models that send one.
pub(super) fn unauthorized(realm: &str) -> Answer {
    let mut answer = page(401, "text/html", "<html><body>Unauthorized</body></html>");
    if let Ok(challenge) = format!("Basic realm=\"{realm}\"").parse() {
        answer.headers_mut().insert(hyper::header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

pub(super) fn moved(location: &str) -> Answer {
    let mut answer = page(302, "text/html", "<html><body>Moved</body></html>");
    if let Ok(location) = location.parse() {
        answer.headers_mut().insert(hyper::header::LOCATION, location);
    }
    answer
}
