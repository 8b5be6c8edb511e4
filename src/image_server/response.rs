//! From a request to its answer: what exists, and nothing else.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::image_server::exchange_log::{Asked, Exchange};
use crate::image_server::published::Table;

/// Answers a request, and returns both for the log.
///
/// Only what is published exists; there are no folders, and a path is compared as it was sent, so that nothing in
/// it can lead anywhere else. A file is always sent whole, also to a client that asks for a range (RFC 9110, 14.2
/// lets a server ignore that), and every answer ends its connection: only the end proves what a client has got.
pub(crate) fn answer<B>(table: &Table, request: &Request<B>) -> (Response<Full<Bytes>>, Exchange) {
    let path = request.uri().path();
    let head_only = request.method() == Method::HEAD;
    let reads = head_only || request.method() == Method::GET;
    let mut response = Response::new(Full::new(Bytes::new()));
    set(&mut response, CONNECTION, "close");
    let (asked, expected) = match table.find(path).filter(|_| reads) {
        Some(hit) => {
            let length = hit.content.len() as u64;
            set(&mut response, CONTENT_TYPE, hit.content_type);
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            let expected = if head_only { 0 } else { length };
            if expected > 0 {
                *response.body_mut() = Full::new(hit.content.clone());
            }
            (Asked::Published { hit, head_only }, expected)
        }
        None => {
            *response.status_mut() = if reads {
                StatusCode::NOT_FOUND
            } else {
                set(&mut response, ALLOW, "GET, HEAD");
                StatusCode::METHOD_NOT_ALLOWED
            };
            let shown = path.chars().filter(char::is_ascii_graphic).take(LONGEST_PATH_SHOWN);
            (Asked::Stray { path: shown.collect() }, 0)
        }
    };
    let exchange = Exchange::new(asked, response.status().as_u16(), expected);
    (response, exchange)
}

fn set(response: &mut Response<Full<Bytes>>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Longest part of an unknown path that is kept, in characters.
const LONGEST_PATH_SHOWN: usize = 120;
