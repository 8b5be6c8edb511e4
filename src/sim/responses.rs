//! HTTP answers: documents, faults, pages, and connections that break.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures::StreamExt as _;

use super::fault::SoapFault;
use super::limits::Reservation;
use super::schema;

pub(crate) fn xml(status: StatusCode, document: String) -> Response {
    respond(status, "text/xml;charset=UTF-8", Body::from(document))
}

/// Answers with a SOAP fault: HTTP 500, in chunks, as Tomcat does.
pub(crate) fn fault(fault: &SoapFault, operation: &str) -> Response {
    let document = Ok::<_, std::io::Error>(Bytes::from(fault.document(operation)));
    let body = Body::from_stream(futures::stream::iter([document]));
    respond(StatusCode::INTERNAL_SERVER_ERROR, "text/xml;charset=UTF-8", body)
}

/// Answers with the first half of a document, then breaks the connection.
pub(crate) fn truncated(document: String) -> Response {
    let mut half = document.len() / 2;
    while !document.is_char_boundary(half) {
        half -= 1;
    }
    let first = Ok(Bytes::from(document[..half].to_owned()));
    let then = async {
        // The server sends what it has whenever it must wait: without this the client would see
        // nothing at all.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    };
    let chunks = futures::stream::iter([first]).chain(futures::stream::once(then));
    let body = Body::from_stream(chunks);
    respond(StatusCode::OK, "text/xml;charset=UTF-8", body)
}

pub(crate) fn html(status: StatusCode, message: &str) -> Response {
    let page = format!(
        "<!-- custom Cisco error page --><html>\n<body>\n<div id=content-header>\nHTTP Status {} - {message}\n</div>\n<p><b>Message:</b> {message}<br>\n</body>\n</html>\n",
        status.as_u16()
    );
    respond(status, "text/html;charset=utf-8", Body::from(page))
}

/// Answers with Tomcat's own page for an error inside of a service.
pub(crate) fn error_page() -> Response {
    html(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

pub(crate) fn broken() -> Response {
    let nothing = Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted));
    let body = Body::from_stream(futures::stream::iter([nothing]));
    respond(StatusCode::OK, "text/xml;charset=UTF-8", body)
}

/// Sets `Retry-After`, in whole seconds.
pub(crate) fn retry_after(response: &mut Response, wait: Duration) {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
}

pub(crate) fn unauthorized() -> Response {
    let mut response = html(StatusCode::UNAUTHORIZED, "This request requires HTTP authentication.");
    let realm = HeaderValue::from_static("Basic realm=\"Cisco VTG Realm\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, realm);
    response
}

/// Refuses a schema version: HTTP 599 in one of the two wordings that were published.
pub(crate) fn version_refused(versions: &[&str]) -> Response {
    let mut listed: Vec<&str> = versions.iter().rev().copied().collect();
    let modern = versions.first().is_some_and(|version| schema::version_number(version) >= 1400);
    let message = if modern {
        // 12.0 and 12.5 are listed as one.
        let twelve = |version: &&str| version.starts_with("12.");
        if listed.iter().filter(|version| twelve(version)).count() > 1 {
            let at = listed.iter().position(twelve).unwrap_or(0);
            listed.retain(|version| !twelve(version));
            listed.insert(at, "12.x");
        }
        format!("Incorrect axl version. Supported axl versions are {}", enumerate(&listed))
    } else {
        listed.insert(0, "1.0");
        format!(
            "The specified version is not available.  Available versions are {}",
            enumerate(&listed)
        )
    };
    // The status is a constant in the range that HTTP allows.
    html(StatusCode::from_u16(599).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &message)
}

fn enumerate(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Answers in chunks, and gives the memory back when the last one is gone.
pub(crate) fn large(document: Vec<u8>, memory: Reservation) -> Response {
    let mut rest = Bytes::from(document);
    if rest.len() <= CHUNK {
        return respond(StatusCode::OK, "text/xml;charset=UTF-8", Body::from(rest));
    }
    let chunks = std::iter::from_fn(move || {
        // Kept until the iterator goes.
        let _held = &memory;
        let length = rest.len().min(CHUNK);
        (length > 0).then(|| Ok::<_, std::io::Error>(rest.split_to(length)))
    });
    let body = Body::from_stream(futures::stream::iter(chunks));
    respond(StatusCode::OK, "text/xml;charset=UTF-8", body)
}

pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

const CHUNK: usize = 64 * 1024;
