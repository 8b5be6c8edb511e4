//! Who may ask for what: host names, origins, sessions, and the headers of every answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::console::pages::problem::Problem;
use crate::console::request::{cookie, host_name, wants_json};
use crate::console::shared::Shared;

/// Lets a request through that comes from a page of this console and from somebody who logged in.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let answer = match refused(&shared, &request) {
        Some(refused) => refused,
        None => {
            let session = cookie(request.headers(), &shared.cookie).unwrap_or_default();
            let uses = path != EVENTS;
            match shared.sessions.user(session, uses, Instant::now()) {
                Some(user) => {
                    request.extensions_mut().insert(user);
                    next.run(request).await
                }
                None if OPEN.contains(&path.as_str()) => next.run(request).await,
                None => log_in_first(&request),
            }
        }
    };
    with_headers(answer)
}

/// Refuses a request that no page of this console makes.
fn refused(shared: &Shared, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let host = header_text(headers, &header::HOST);
    if !may_be_host(shared, host) {
        let hint = "use the address that `axlpaper console` printed; --allow-host NAME adds a name";
        let text = "This console is not reached under this name.";
        return Some(plain(StatusCode::MISDIRECTED_REQUEST, &format!("{text}\n{hint}\n")));
    }
    let site = header_text(headers, &HeaderName::from_static("sec-fetch-site"));
    match *request.method() {
        Method::GET | Method::HEAD => {
            // A page elsewhere may link to this console, and include nothing of it.
            let mode = header_text(headers, &HeaderName::from_static("sec-fetch-mode"));
            let includes = site == "cross-site" && mode != "navigate";
            includes.then(|| plain(StatusCode::FORBIDDEN, "Another site asked for this.\n"))
        }
        Method::POST => {
            let is_own = match (header_text(headers, &header::ORIGIN), site) {
                // A page that sends no referrer has no origin either; the browser vouches for it in the other header.
                ("" | "null", "same-origin") | ("", "") => true,
                (origin, "same-origin" | "") => is_origin(origin, host),
                _ => false,
            };
            (!is_own).then(|| plain(StatusCode::FORBIDDEN, "Another site sent this form.\n"))
        }
        _ => {
            let mut answer =
                plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and POST are answered.\n");
            let allowed = HeaderValue::from_static("GET, HEAD, POST");
            answer.headers_mut().insert(header::ALLOW, allowed);
            Some(answer)
        }
    }
}

/// Tells whether browsers may reach the console under this name. A page of another name, which somebody lets point to this
/// machine, must not.
fn may_be_host(shared: &Shared, host: &str) -> bool {
    let name = host_name(host);
    is_loopback(&name) || shared.hosts.contains(&name)
}

/// Tells whether a name can only mean this machine.
pub(crate) fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_origin(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn log_in_first(request: &Request) -> Response {
    let headers = request.headers();
    if request.method() == Method::GET && !wants_json(headers) && request.uri().path() != EVENTS {
        return Redirect::to("/login").into_response();
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "Log in first")
        .text("This browser is not logged in, or its session has ended.");
    problem.answer(None, headers)
}

fn with_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    answer
}

fn plain(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.to_owned()).into_response()
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What is answered without a session.
const OPEN: [&str; 5] = ["/login", "/console.css", "/console.js", "/rollout.js", "/favicon.ico"];

const EVENTS: &str = "/events";

const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];
