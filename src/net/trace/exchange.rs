//! One exchange: what was asked, what came back, and how it ended.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    SET_COOKIE,
};

use super::address::without_secrets;
use super::redact::{HIDDEN, promises_secret, redact, redact_pairs};
use crate::domain::text::printable_lines;

#[derive(Clone, Debug)]
pub struct Request {
    /// `cluster`, `phone`, or `web` for another web server.
    pub to: &'static str,
    pub method: String,
    pub url: String,
    /// What is asked for, in one word.
    pub operation: String,
    /// The headers, as far as they are ours.
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    /// Takes what is about to be sent.
    pub fn of(to: &'static str, operation: &str, request: &reqwest::Request) -> Self {
        let body = request.body().and_then(reqwest::Body::as_bytes);
        Self {
            to,
            method: request.method().to_string(),
            url: request.url().to_string(),
            operation: operation.to_owned(),
            headers: request.headers().clone(),
            body: body.map(Bytes::copy_from_slice).unwrap_or_default(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) began_at: Timestamp,
    pub(super) began: Instant,
    pub(super) took: Duration,
    pub(super) answer: Option<(u16, HeaderMap)>,
    pub(super) body: Bytes,
    pub(super) body_bytes: usize,
    pub(super) ended: String,
}

impl Exchange {
    /// How many bytes it holds in memory, about.
    pub(super) fn size(&self) -> usize {
        self.request.body.len() + self.body.len() + 2048
    }

    /// The text of its file, without secrets.
    pub(super) fn text(&self, number: u64) -> String {
        let mut text = String::with_capacity(self.size());
        let Request { method, url, headers, body, .. } = &self.request;
        let (at, ms) = (self.began_at, self.took.as_millis());
        // Writing into a String cannot fail.
        let _ = writeln!(text, "# exchange {number}, begun {at}, took {ms} ms: {}", self.ended);
        let _ = writeln!(text, "> {method} {url}");
        push_headers(&mut text, '>', headers);
        push_body(&mut text, headers, body, body.len());
        match &self.answer {
            None => text.push_str("< no answer\n"),
            Some((status, headers)) => {
                let _ = writeln!(text, "< {status}");
                push_headers(&mut text, '<', headers);
                push_body(&mut text, headers, &self.body, self.body_bytes);
            }
        }
        // Text of a server or a phone must not control the terminal.
        printable_lines(&without_secrets(&text).replace('\t', "    "))
    }
}

fn push_headers(text: &mut String, mark: char, headers: &HeaderMap) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{mark} {name}: {}", without_secret(name, &value));
    }
}

/// The value of a header; of credentials only their kind, of cookies only their names.
fn without_secret(name: &HeaderName, value: &str) -> String {
    if *name == AUTHORIZATION || *name == PROXY_AUTHORIZATION {
        let kind = value.split_once(' ').map_or("", |(kind, _)| kind);
        return format!("{kind} {HIDDEN}").trim_start().to_owned();
    }
    let named = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{}={HIDDEN}", name.trim()),
        None => HIDDEN.to_owned(),
    };
    if *name == COOKIE {
        return value.split(';').map(named).collect::<Vec<_>>().join("; ");
    }
    if *name == SET_COOKIE {
        let (pair, attributes) = value.split_once(';').unwrap_or((value, ""));
        return format!("{};{attributes}", named(pair)).trim_end_matches(';').to_owned();
    }
    value.to_owned()
}

/// Adds a body, of which `whole` bytes were sent; what a form holds is shown as it reads.
fn push_body(text: &mut String, headers: &HeaderMap, body: &[u8], whole: usize) {
    if body.is_empty() {
        text.push('\n');
        return;
    }
    if is_picture(headers, body) {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "\n# a picture of {whole} bytes\n");
        return;
    }
    let is_form = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let shown = String::from_utf8_lossy(body);
    let shown = shown.replace("\r\n", "\n");
    text.push('\n');
    let is_markup = shown.trim_start().starts_with('<');
    text.push_str(&redact(&match (is_form, is_markup) {
        (true, _) => form_shown(&shown),
        (false, true) => shown,
        (false, false) => redact_pairs(&shown),
    }));
    text.push('\n');
    if whole > body.len() {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "# and {} more bytes", whole - body.len());
    }
    text.push('\n');
}

/// Tells whether a body is a picture, such as a phone's screen. It is not written as text.
fn is_picture(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_image = kind.get(..6).is_some_and(|kind| kind.eq_ignore_ascii_case(b"image/"));
    // What calls itself a picture and is text is shown all the same.
    body.starts_with(b"\x89PNG") || is_image && std::str::from_utf8(body).is_err()
}

/// Returns a form as it reads, without its secret values.
fn form_shown(form: &str) -> String {
    let shown = form.split('&').map(|pair| {
        let name = form_decoded(pair.split('=').next().unwrap_or_default());
        if promises_secret(&name) { format!("{name}={HIDDEN}") } else { form_decoded(pair) }
    });
    shown.collect::<Vec<_>>().join("&")
}

/// Reads `a+b%20c` as `a b c`.
fn form_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(match (byte, escaped) {
            (_, Some(byte)) => byte,
            (b'+', None) => b' ',
            (byte, None) => *byte,
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The beginning of a body, in memory of its own where the rest is long.
pub(super) fn beginning(body: &Bytes) -> Bytes {
    if body.len() > MOST_BYTES { Bytes::copy_from_slice(&body[..MOST_BYTES]) } else { body.clone() }
}

/// How much of a body is kept. Pages of thousands of phones are longer, and their beginning shows their kind.
pub(super) const MOST_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_only_counted() {
        let shown = |kind: &'static str, body: &[u8]| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            let mut text = String::new();
            push_body(&mut text, &headers, body, body.len());
            text
        };
        assert_eq!(shown("image/bmp", b"BM\xff\xfe"), "\n# a picture of 4 bytes\n\n");
        assert_eq!(shown("text/plain", b"\x89PNG.."), "\n# a picture of 6 bytes\n\n");
        assert_eq!(shown("image/png", b"<a/>"), "\n<a/>\n\n");
    }

    #[test]
    fn a_body_without_markup_keeps_no_secret() {
        let shown = |kind: &'static str, body: &[u8]| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            let mut text = String::new();
            push_body(&mut text, &headers, body, body.len());
            text
        };
        let body = b"user=a&password=X&b=c";
        assert_eq!(shown("text/plain", body), "\nuser=a&password=(hidden)&b=c\n\n");
        let form = "application/x-www-form-urlencoded";
        let body = b"user=a%26b&p%61ssword=X%26Y+Z&XML=%3Cpin%3EX%3C/pin%3E";
        let expected = "\nuser=a&b&password=(hidden)&XML=<pin>(hidden)</pin>\n\n";
        assert_eq!(shown(form, body), expected);
    }

    #[test]
    fn headers_keep_no_secret() {
        let shown = |name: HeaderName, value| without_secret(&name, value);
        assert_eq!(shown(AUTHORIZATION, "Basic YTpi"), "Basic (hidden)");
        assert_eq!(shown(AUTHORIZATION, "YTpi"), "(hidden)");
        assert_eq!(shown(COOKIE, "a=1; JSESSIONIDSSO=2"), "a=(hidden); JSESSIONIDSSO=(hidden)");
        assert_eq!(shown(SET_COOKIE, "a=1; Path=/; Secure"), "a=(hidden); Path=/; Secure");
        assert_eq!(shown(SET_COOKIE, "secret"), "(hidden)");
        assert_eq!(shown(CONTENT_TYPE, "text/xml"), "text/xml");
    }

    #[test]
    fn a_form_is_shown_as_it_reads() {
        assert_eq!(form_decoded("XML=%3Ca+b%3D%22%C3%BC%22%3E"), "XML=<a b=\"ü\">");
        assert_eq!(form_decoded("100%"), "100%");
        assert_eq!(form_decoded("%zz%4"), "%zz%4");
    }
}
