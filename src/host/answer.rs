//! From a request to its answer: what exists, and which part of it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, IF_RANGE, RANGE,
};
use hyper::{Method, Request, Response, StatusCode, Version};

use crate::host::exchange::{Asked, Ledger};
use crate::host::range::{Wanted, wanted};
use crate::host::table::{Hit, Part, Table};

/// Answers one request, and writes both into the connection's ledger.
///
/// Only what is published exists; there are no folders, and a path is compared as it was sent, so that nothing in
/// it can lead anywhere else.
pub(super) fn answer<B>(
    table: &Table,
    ledger: &Ledger,
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let is_head = request.method() == Method::HEAD;
    let mut response = Response::new(Full::new(Bytes::new()));
    let hit = if is_head || request.method() == Method::GET { table.find(path) } else { None };
    let stays = match hit {
        Some(hit) => {
            let part = part(request, &hit);
            let stays = stays(request, ledger, &hit, &part);
            fill(&mut response, &hit, &part);
            let status = response.status().as_u16();
            let expected = if is_head { 0 } else { part.len() };
            ledger.answered(Asked::Published { hit, part }, status, expected);
            stays
        }
        None => {
            *response.status_mut() = if is_head || request.method() == Method::GET {
                StatusCode::NOT_FOUND
            } else {
                set(&mut response, ALLOW, "GET, HEAD");
                StatusCode::METHOD_NOT_ALLOWED
            };
            let shown = path.chars().filter(char::is_ascii_graphic).take(LONGEST_PATH_SHOWN);
            let asked = Asked::Stray { path: shown.collect() };
            ledger.answered(asked, response.status().as_u16(), 0);
            false
        }
    };
    set(&mut response, CONNECTION, if stays { "keep-alive" } else { "close" });
    response
}

/// Says which part of a file is asked for.
fn part<B>(request: &Request<B>, hit: &Hit) -> Part {
    let length = hit.content.len() as u64;
    if request.method() == Method::HEAD {
        return Part::Header { length };
    }
    // HTTP/1.0 knows no parts. `If-Range` asks for one only of the same file as before, and there is nothing here
    // by which a client could tell that.
    let knows = request.version() >= Version::HTTP_11 && !request.headers().contains_key(IF_RANGE);
    let range = request.headers().get(RANGE).filter(|_| knows);
    match wanted(range.and_then(|value| value.to_str().ok()), length) {
        Wanted::Whole => Part::Whole { length },
        Wanted::Part(range) => Part::Bytes { range, length },
        Wanted::Nothing => Part::Beyond { length },
    }
}

fn fill(response: &mut Response<Full<Bytes>>, hit: &Hit, part: &Part) {
    set(response, ACCEPT_RANGES, "bytes");
    match part {
        Part::Whole { length } | Part::Header { length } => {
            set(response, CONTENT_TYPE, hit.content_type);
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(*length));
            if part.len() > 0 {
                *response.body_mut() = Full::new(hit.content.clone());
            }
        }
        Part::Bytes { range, length } => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(response, CONTENT_TYPE, hit.content_type);
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(part.len()));
            let text = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            set_text(response, CONTENT_RANGE, &text);
            // A range lies inside of its file, and a file in memory is no longer than a usize says.
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(hit.content.len());
            let body = hit.content.slice(index(range.start)..index(range.end));
            *response.body_mut() = Full::new(body);
        }
        Part::Beyond { length } => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set_text(response, CONTENT_RANGE, &format!("bytes */{length}"));
        }
    }
}

/// Tells whether the connection stays open for another request.
///
/// Only the end of a connection proves what its client has got, so it is ended after each answer, which HTTP allows
/// always. It stays for a client that asks for that in words or has sent its next request already, until both files
/// of its addresses went over it.
fn stays<B>(request: &Request<B>, ledger: &Ledger, hit: &Hit, part: &Part) -> bool {
    let asks = has_token(request.headers(), "keep-alive") || ledger.has_more();
    let refuses = has_token(request.headers(), "close");
    let has_all = hit.files > 1 && part.is_whole_file() && ledger.has_other_file(hit);
    // A pipelined request behind the last file is still answered.
    let done = has_all && !ledger.has_more();
    asks && !refuses && !done && ledger.len() + 1 < MOST_REQUESTS
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn set(response: &mut Response<Full<Bytes>>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn set_text(response: &mut Response<Full<Bytes>>, name: HeaderName, value: &str) {
    // Digits and a few signs always make a header's value.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Longest part of an unknown path that is kept, in characters.
const LONGEST_PATH_SHOWN: usize = 120;

/// Requests that one connection may carry.
const MOST_REQUESTS: usize = 64;
