//! Requests as phones get them, and answers good and bad.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::Ipv6Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::domain::model::PushSchema;
use crate::phone::{SetBackground, Theme};

fn client(port: u16, timeout: Duration) -> PhoneClient {
    let password = SecretString::from("s3cret ü");
    PhoneClient::new("bgpush", &password, port, timeout).unwrap()
}

fn object() -> SetBackground {
    SetBackground {
        schema: PushSchema::Classic,
        image_url: "http://127.0.0.1/a+b%20/w.png?x=1&y".to_owned(),
        thumbnail_url: "http://127.0.0.1/t.png".to_owned(),
        kem_url: None,
        name: String::new(),
        theme: Theme::Light,
    }
}

/// Reads one whole request, with its body.
async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request broke off");
    }
}

const IDENTITY: &str = "<DeviceInformation><HostName>SEP1</HostName></DeviceInformation>";

/// Says who it is, and keeps the connection open.
async fn introduce(stream: &mut TcpStream) -> String {
    let request = request(stream).await;
    let length = IDENTITY.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{IDENTITY}");
    stream.write_all(answer.as_bytes()).await.unwrap();
    request
}

/// Answers one push with these bytes, then closes; returns the request and what came of it.
async fn exchange(address: &str, answer: &[u8]) -> (String, PhoneAnswer) {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let client = client(at.port(), Duration::from_secs(20));
    let phone = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        introduce(&mut stream).await;
        let request = request(&mut stream).await;
        stream.write_all(answer).await.unwrap();
        request
    };
    let push = async {
        let mut opened = client.open(at.ip(), Reuse::AtOnce).await;
        assert_eq!(opened.identity.unwrap().host_name.as_deref(), Some("SEP1"));
        opened.session.push(&object()).await
    };
    let (request, answer) = tokio::join!(phone, push);
    (request, answer.unwrap())
}

fn cause(answer: &PhoneAnswer) -> (Phase, Cause) {
    match &answer.outcome {
        Outcome::Unreachable(unreachable) => (unreachable.phase, unreachable.cause.clone()),
        Outcome::Answered(reply) => panic!("reply: {reply:?}"),
    }
}

#[tokio::test]
async fn the_request_is_as_phones_want_it() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n\
        <CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/></CiscoIPPhoneResponse>";
    let (request, answer) = exchange("127.0.0.1", answer).await;
    assert_eq!(answer.http_status, Some(200));
    assert_eq!(answer.outcome, Outcome::Answered(Reply::Success { text: "Success".to_owned() }));
    assert!(answer.raw.starts_with("<CiscoIPPhoneResponse>"));

    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /CGI/Execute HTTP/1.1"));
    let headers: Vec<_> = lines.map(str::to_lowercase).collect();
    assert!(headers.contains(&"content-type: application/x-www-form-urlencoded".to_owned()));
    assert!(headers.contains(&"connection: close".to_owned()));
    assert!(headers.contains(&format!("content-length: {}", body.len())));
    assert!(!head.to_lowercase().contains("expect"));
    assert!(!head.to_lowercase().contains("transfer-encoding"));
    let basic = format!("Basic {}", STANDARD.encode("bgpush:s3cret ü"));
    assert!(head.contains(&basic), "{head}");
    let encoded = body.strip_prefix("XML=").unwrap();
    assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"%+-._*".contains(&b)));
    assert!(encoded.contains("a%2Bb%2520%2Fw.png%3Fx%3D1%26amp%3By"), "{encoded}");
}

#[tokio::test]
async fn refusals_and_broken_answers_are_told_apart() {
    let error = b"HTTP/1.0 200 OK\r\n\r\n<CiscoIPPhoneError Number=\"4\" />";
    let (_, answer) = exchange("127.0.0.1", error).await;
    assert_eq!(
        answer.outcome,
        Outcome::Answered(Reply::AuthenticationRefused { text: String::new() })
    );

    let challenge =
        b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=\"u\"\r\nContent-Length: 0\r\n\r\n";
    let (_, answer) = exchange("127.0.0.1", challenge).await;
    assert!(matches!(answer.outcome, Outcome::Answered(Reply::AuthenticationRefused { .. })));

    let (_, answer) = exchange("127.0.0.1", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(answer.outcome, Outcome::Answered(Reply::Empty));

    let elsewhere = b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let (_, answer) = exchange("127.0.0.1", elsewhere).await;
    assert!(matches!(answer.outcome, Outcome::Answered(Reply::HttpStatus { status: 302, .. })));

    let whole = "<CiscoIPPhoneResponse><ResponseItem Status=\"0\"/></CiscoIPPhoneResponse>";
    let short = format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{whole}");
    let (_, answer) = exchange("127.0.0.1", short.as_bytes()).await;
    assert_eq!(cause(&answer), (Phase::Answer, Cause::Reset));

    let (_, answer) = exchange("127.0.0.1", b"").await;
    assert_eq!(cause(&answer), (Phase::Request, Cause::Reset));

    let (_, answer) = exchange("127.0.0.1", b"SSH-2.0-phone\r\n\r\n").await;
    assert_eq!(cause(&answer), (Phase::Request, Cause::NotHttp));
}

#[tokio::test]
async fn an_endless_body_is_cut_and_no_success() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n<CiscoIPPhoneResponse>".to_vec();
    answer.resize(Reply::BODY_LIMIT + 1_000, b' ');
    let (_, answer) = exchange("127.0.0.1", &answer).await;
    assert!(matches!(answer.outcome, Outcome::Answered(Reply::Unreadable { .. })));
}

#[tokio::test]
async fn an_answer_that_breaks_off_shows_how_it_began() {
    let begun = b"HTTP/1.1 302 x\r\nLocation: https://127.0.0.1/\r\nContent-Length: 9\r\n\r\n";
    let (_, answer) = exchange("127.0.0.1", begun).await;
    assert_eq!((answer.http_status, answer.moved_to_https), (Some(302), true));
    assert_eq!(cause(&answer), (Phase::Answer, Cause::Reset));
}

#[derive(Clone, Copy, PartialEq)]
enum Ends {
    SayingSo,
    AtTheNextRequest,
}

/// Serves one connection after the other, with one answer each; returns what came over each until a push.
async fn one_answer_each(listener: TcpListener, ends: Ends) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = request(&mut stream).await;
        let pushed = asked.starts_with("POST ");
        seen.push(asked);
        let close = if ends == Ends::SayingSo { "Connection: close\r\n" } else { "" };
        let length = IDENTITY.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\n{close}Content-Length: {length}\r\n\r\n{IDENTITY}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        if pushed {
            return seen;
        }
        if ends == Ends::AtTheNextRequest && seen.len() == 1 {
            request(&mut stream).await;
        }
    }
}

#[tokio::test]
async fn a_phone_that_ends_connections_is_asked_while_the_next_one_is_open() {
    for ends in [Ends::SayingSo, Ends::AtTheNextRequest] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let client = client(at.port(), Duration::from_secs(20));
        let push = async {
            let mut opened = client.open(at.ip(), Reuse::Probed).await;
            assert_eq!(opened.identity.unwrap().host_name.as_deref(), Some("SEP1"));
            assert!(opened.session.is_open().await);
            opened.session.push(&object()).await.unwrap();
            assert!(!opened.session.is_open().await);
            let answer = opened.session.push(&object()).await.unwrap();
            assert_eq!(cause(&answer), (Phase::Connect, Cause::Reset), "nobody was asked again");
        };
        let (seen, ()) = tokio::join!(one_answer_each(listener, ends), push);
        let starts: Vec<&str> = seen.iter().map(|asked| &asked[..4]).collect();
        assert_eq!(starts, ["GET ", "GET ", "POST"]);
        assert!(seen[..2].iter().all(|asked| !asked.to_lowercase().contains("authorization")));
    }
}

#[tokio::test]
async fn an_open_connection_whose_end_has_come_is_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let client = client(at.port(), Duration::from_secs(20));
    let phone = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        introduce(&mut stream).await;
        stream
    };
    let open = client.open(at.ip(), Reuse::AtOnce);
    let (stream, mut opened) = tokio::join!(phone, open);
    assert!(opened.session.is_open().await);
    drop(stream);
    while opened.session.is_open().await {
        tokio::task::yield_now().await;
    }
    let answer = opened.session.push(&object()).await.unwrap();
    assert_eq!(cause(&answer), (Phase::Connect, Cause::Reset));
}

#[tokio::test]
async fn a_closed_port_and_a_silent_phone_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let stopped = async |timeout| {
        let opened = client(at.port(), timeout).open(at.ip(), Reuse::AtOnce).await;
        let Err(IdentityError::Unreachable(why)) = opened.identity else { panic!("{opened:?}") };
        (why.phase, why.cause)
    };
    let silent = stopped(Duration::from_millis(50)).await;
    assert_eq!(silent, (Phase::Request, Cause::TimedOut));
    drop(listener);
    let closed = stopped(Duration::from_secs(20)).await;
    assert_eq!(closed, (Phase::Connect, Cause::Refused));
}

#[tokio::test]
async fn device_information_is_asked_without_credentials() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let client = client(at.port(), Duration::from_secs(20));
    let phone = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = request(&mut stream).await;
        let answer = b"HTTP/1.0 200 OK\r\n\r\n<DeviceInformation><HostName>SEP1</HostName></DeviceInformation>";
        stream.write_all(answer).await.unwrap();
        request
    };
    let (request, information) = tokio::join!(phone, client.device_information(at.ip()));
    assert!(request.starts_with("GET /DeviceInformationX HTTP/1.1\r\n"));
    assert!(!request.to_lowercase().contains("authorization"));
    assert_eq!(information.unwrap().host_name.as_deref(), Some("SEP1"));
}

#[test]
fn an_ipv6_address_stands_in_brackets() {
    let client = client(8_080, Duration::from_secs(1));
    assert_eq!(client.host(IpAddr::V6(Ipv6Addr::LOCALHOST)), "[::1]:8080");
}

#[test]
fn no_secret_is_shown() {
    let client = client(80, Duration::from_secs(1));
    let shown = format!("{client:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(!shown.contains(&STANDARD.encode("bgpush:s3cret ü")), "{shown}");
    let refused = PhoneClient::new("a:b", &SecretString::from("pw"), 80, Duration::from_secs(1));
    assert!(matches!(refused, Err(PhoneError::UserNameWithColon)));
}
