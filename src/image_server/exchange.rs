//! One request and its answer, without input or output: what a header asks for, what exists, and the bytes to send.
//!
//! Only what is published exists; there are no folders, and a path is compared as it was sent, so that nothing in it
//! can lead anywhere else. A file is always sent whole, also to a client that asks for a range (RFC 9110, 14.2 lets a
//! server ignore that), and every answer ends its connection: only the end proves what a client has got.

use std::fmt::Write as _;

use bytes::Bytes;
use hyper::{Method, StatusCode, Uri};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::image_server::published::{Hit, Table};

#[derive(Debug)]
pub(crate) struct Request {
    method: Method,
    uri: Uri,
    /// The minor version of HTTP/1.
    version: u8,
}

impl Request {
    /// Reads the header of a request; nothing while it is incomplete.
    ///
    /// # Errors
    /// The status that refuses it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, StatusCode> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        match head.parse(bytes) {
            Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEADER => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            }
            Ok(httparse::Status::Complete(_)) => {}
            Err(_) => return Err(StatusCode::BAD_REQUEST),
        }
        let method = head.method.and_then(|method| method.parse().ok());
        let uri = head.path.and_then(|target| target.parse().ok());
        match (method, uri, head.version) {
            (Some(method), Some(uri), Some(version)) => Ok(Some(Self { method, uri, version })),
            (_, _, _) => Err(StatusCode::BAD_REQUEST),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Asked {
    Published {
        hit: Hit,
        /// Whether only the header was asked for (`HEAD`), which is no download.
        head_only: bool,
    },
    /// Something that is not published: the beginning of its path.
    Unknown { path: String },
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) asked: Asked,
    pub(crate) status: StatusCode,
    pub(crate) head: String,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn of(table: &Table, request: &Request, now: Timestamp) -> Self {
        let path = request.uri.path();
        let head_only = request.method == Method::HEAD;
        let reads = head_only || request.method == Method::GET;
        if let Some(hit) = table.find(path).filter(|_| reads) {
            let kind = format!("Content-Type: {}\r\n", hit.content_type);
            let head = head(request.version, StatusCode::OK, hit.content.len(), &kind, now);
            let body = if head_only { Bytes::new() } else { hit.content.clone() };
            let asked = Asked::Published { hit, head_only };
            return Self { asked, status: StatusCode::OK, head, body };
        }
        let (status, more) = match reads {
            true => (StatusCode::NOT_FOUND, ""),
            false => (StatusCode::METHOD_NOT_ALLOWED, "Allow: GET, HEAD\r\n"),
        };
        let shown = path.chars().filter(char::is_ascii_graphic).take(LONGEST_PATH_SHOWN);
        let asked = Asked::Unknown { path: shown.collect() };
        let head = head(request.version, status, 0, more, now);
        Self { asked, status, head, body: Bytes::new() }
    }
}

/// Writes the header of an answer; `more` are whole lines. The spelling is the usual one, because an old embedded client
/// may know no other.
pub(crate) fn head(
    version: u8,
    status: StatusCode,
    length: usize,
    more: &str,
    now: Timestamp,
) -> String {
    let mut head = format!(
        "HTTP/1.{version} {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n"
    );
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
        // Writing into a String cannot fail.
        let _ = write!(head, "Date: {date}\r\n");
    }
    head + "\r\n"
}

/// Longest request header, in bytes; phones send a few hundred.
pub(crate) const LONGEST_HEADER: usize = 16 * 1024;

const MOST_HEADERS: usize = 100;

/// Longest part of an unknown path that is kept, in characters.
const LONGEST_PATH_SHOWN: usize = 120;
