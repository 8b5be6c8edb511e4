//! What is sent when, tried on a real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use reqwest::header::HeaderMap;

use super::client::HttpAnswer;
use super::credentials::{CredentialStatus, Credentials};
use super::error::HttpError;
use super::session::{Intent, Session, SessionError};
use super::test_server::{Reply, Request, TestServer};

const COOKIE: (&str, &str) = ("Set-Cookie", "JSESSIONIDSSO=abc; Path=/; Secure; HttpOnly");

fn credentials() -> Credentials {
    Credentials::new("axl", "s3cret".to_owned().into())
}

fn session(server: &TestServer, credentials: &Credentials) -> Session {
    Session::new(server.http(), server.endpoint.clone(), "/axl/", credentials.clone())
}

async fn call(session: &Session, intent: Intent) -> Result<HttpAnswer, SessionError> {
    session.post(&HeaderMap::new(), Bytes::from_static(b"<x/>"), intent).await
}

/// Says `p` for a request with a password, `c` for one with a cookie only, `pc` for both.
fn shown(requests: &[Request]) -> Vec<String> {
    let one = |request: &Request| {
        let mut text = String::new();
        text.push_str(if request.has_password() { "p" } else { "" });
        text.push_str(if request.has_cookie() { "c" } else { "" });
        text
    };
    requests.iter().map(one).collect()
}

#[tokio::test]
async fn the_password_is_sent_once_and_then_the_cookie_alone() {
    let server = TestServer::usual(|request, _| {
        if request.has_cookie() { Reply::new(200, "ok") } else { Reply::with(200, &[COOKIE], "ok") }
    })
    .await;
    let session = session(&server, &credentials());
    for _ in 0..4 {
        call(&session, Intent::Read).await.unwrap();
    }
    assert_eq!(shown(&server.requests()), ["p", "c", "c", "c"]);
    assert_eq!(server.handshakes(), 1);
}

#[tokio::test]
async fn an_expired_session_is_renewed_once() {
    for status in [404, 401] {
        let server = TestServer::usual(move |request, number| match number {
            2 => Reply::new(status, "expired"),
            _ if request.has_password() => Reply::with(200, &[COOKIE], "ok"),
            _ => Reply::new(200, "ok"),
        })
        .await;
        let session = session(&server, &credentials());
        for _ in 0..4 {
            assert_eq!(call(&session, Intent::Write).await.unwrap().status, 200);
        }
        assert_eq!(shown(&server.requests()), ["p", "c", "c", "p", "c"], "{status}");
    }
}

#[tokio::test]
async fn a_refused_password_is_sent_exactly_once() {
    let server = TestServer::usual(|_, _| Reply::new(401, "<html>no</html>")).await;
    let credentials = credentials();
    let first = session(&server, &credentials);
    let second = session(&server, &credentials);
    for session in [&first, &first, &second] {
        let error = call(session, Intent::Read).await.unwrap_err();
        assert!(matches!(error, SessionError::PasswordRefused { .. }), "{error}");
        assert!(!format!("{error:?} {error} {session:?}").contains("s3cret"));
    }
    assert_eq!(shown(&server.requests()), ["p"]);
}

#[tokio::test]
async fn calls_that_start_together_send_one_password() {
    let server = TestServer::usual(|_, _| Reply::new(401, "")).await;
    let session = session(&server, &credentials());
    let (first, second) = tokio::join!(call(&session, Intent::Read), call(&session, Intent::Read));
    assert!(first.is_err() && second.is_err());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_write_after_reads_is_a_missing_role() {
    let server = TestServer::usual(|request, _| {
        if request.body.contains("write") {
            Reply::new(401, "")
        } else {
            Reply::with(200, &[COOKIE], "ok")
        }
    })
    .await;
    let credentials = credentials();
    let session = session(&server, &credentials);
    call(&session, Intent::Read).await.unwrap();
    let write = || session.post(&NONE, Bytes::from_static(b"write"), Intent::Write);
    for _ in 0..3 {
        let error = write().await.unwrap_err();
        assert!(
            matches!(error, SessionError::RoleMissing { intent: Intent::Write, .. }),
            "{error}"
        );
    }
    // The password itself is good: reading still works.
    assert_eq!(credentials.standing(), CredentialStatus::Accepted);
    call(&session, Intent::Read).await.unwrap();
    assert_eq!(shown(&server.requests()), ["p", "c", "p", "p"]);
}

#[tokio::test]
async fn a_service_that_refuses_an_accepted_password_wants_a_role() {
    let axl = TestServer::usual(|_, _| Reply::new(200, "ok")).await;
    let ris = TestServer::usual(|_, _| Reply::new(401, "")).await;
    let credentials = credentials();
    call(&session(&axl, &credentials), Intent::Read).await.unwrap();
    let session = session(&ris, &credentials);
    for _ in 0..2 {
        let error = call(&session, Intent::Read).await.unwrap_err();
        assert!(matches!(error, SessionError::RoleMissing { .. }), "{error}");
    }
    assert_eq!(ris.requests().len(), 1);
    assert_eq!(credentials.standing(), CredentialStatus::Accepted);
}

#[tokio::test]
async fn a_server_whose_cookies_do_not_work_gets_passwords() {
    let server = TestServer::usual(|request, _| {
        if request.has_password() { Reply::with(200, &[COOKIE], "ok") } else { Reply::new(401, "") }
    })
    .await;
    let session = session(&server, &credentials());
    for _ in 0..5 {
        call(&session, Intent::Read).await.unwrap();
    }
    let sent = shown(&server.requests());
    assert_eq!(sent, ["p", "c", "p", "c", "p", "pc", "pc"]);
}

#[tokio::test]
async fn a_server_without_sessions_gets_passwords() {
    let server = TestServer::usual(|_, _| Reply::new(200, "ok")).await;
    let session = session(&server, &credentials());
    for _ in 0..3 {
        call(&session, Intent::Read).await.unwrap();
    }
    assert_eq!(shown(&server.requests()), ["p", "p", "p"]);
}

#[tokio::test]
async fn a_missing_service_is_asked_once() {
    let server = TestServer::usual(|_, _| Reply::new(404, "")).await;
    let session = session(&server, &credentials());
    assert_eq!(call(&session, Intent::Read).await.unwrap().status, 404);
    assert_eq!(shown(&server.requests()), ["p"]);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_for_reads_only() {
    let broken = Arc::new(AtomicBool::new(false));
    let breaks = Arc::clone(&broken);
    let server = TestServer::usual(move |_, _| {
        if breaks.swap(false, Ordering::SeqCst) {
            Reply::nothing()
        } else {
            Reply::with(200, &[COOKIE], "ok")
        }
    })
    .await;
    let session = session(&server, &credentials());
    call(&session, Intent::Read).await.unwrap();
    broken.store(true, Ordering::SeqCst);
    call(&session, Intent::Read).await.unwrap();
    assert_eq!(server.requests().len(), 3);
    broken.store(true, Ordering::SeqCst);
    let error = call(&session, Intent::Write).await.unwrap_err();
    let SessionError::Http(error) = error else { panic!("{error}") };
    assert!(matches!(error, HttpError::ConnectionLost { .. }), "{error:?}");
    assert!(error.may_have_been_sent());
    assert_eq!(server.requests().len(), 4);
}

static NONE: std::sync::LazyLock<HeaderMap> = std::sync::LazyLock::new(HeaderMap::new);
