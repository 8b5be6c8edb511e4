//! Sends objects to phones and hands back what came of it.
//!
//! One request, one connection, no retry: when to try again is the fleet's decision, not this one's.

mod screenshot;

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use crate::domain::chain::chain;
use crate::net::phone_tls_problem::PhoneTlsProblem;
use crate::net::trace::{self, Watched};
use crate::phone::text::{clean, decode};
use crate::phone::{DeviceInformation, IdentityError, PhoneError, PushObject, Reply};

pub use screenshot::Screenshot;

/// Speaks to phones over HTTP with the push user's credentials.
///
/// The [`reqwest::Client`] comes from the caller. It must not follow redirects (the credentials would
/// go along), must not pool connections (one per phone would be held open), and must use no proxy.
#[derive(Clone, Debug)]
pub struct PhoneClient {
    client: reqwest::Client,
    /// Nothing for a client that only asks phones who they are.
    authorization: Option<HeaderValue>,
    scheme: &'static str,
    port: u16,
    timeout: Duration,
}

impl PhoneClient {
    /// Makes a client that asks phones on `port` and gives each exchange `timeout` from connecting to
    /// the last byte of the answer.
    ///
    /// # Errors
    /// When HTTP Basic authentication cannot carry the user name.
    pub fn new(
        client: reqwest::Client,
        username: &str,
        password: &SecretString,
        port: u16,
        timeout: Duration,
    ) -> Result<Self, PhoneError> {
        if username.contains(':') {
            return Err(PhoneError::UserNameWithColon);
        }
        let pair = SecretString::from(format!("{username}:{}", password.expose_secret()));
        let value = SecretString::from(format!("Basic {}", STANDARD.encode(pair.expose_secret())));
        trace::hide(&value);
        let mut authorization =
            HeaderValue::from_str(value.expose_secret()).map_err(|_| PhoneError::BadCredentials)?;
        authorization.set_sensitive(true);
        Ok(Self { client, authorization: Some(authorization), scheme: "http", port, timeout })
    }

    /// Makes a client that has no credentials, for asking phones who they are.
    pub fn anonymous(client: reqwest::Client, port: u16, timeout: Duration) -> Self {
        Self { client, authorization: None, scheme: "http", port, timeout }
    }

    /// Makes a client with the same credentials that asks one phone over HTTPS; what is given decides which
    /// certificate is believed.
    #[must_use]
    pub(super) fn over_https(&self, client: reqwest::Client, port: u16) -> Self {
        Self { client, scheme: "https", port, ..self.clone() }
    }

    /// Tells whether phones are asked over HTTPS.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// Returns how long an exchange may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Posts an object to the phone at this address.
    ///
    /// The credentials go along unasked, because phones challenge with changing realms or not at all,
    /// as published tools found. There is never an `Expect` header: a phone was seen to answer it with
    /// `CiscoIPPhoneError` 6.
    ///
    /// # Errors
    /// When the object cannot be written; nothing has been sent then. Whatever happens on the way to
    /// the phone is no error here but part of the answer.
    pub async fn push(
        &self,
        ip: IpAddr,
        object: &impl PushObject,
    ) -> Result<PhoneAnswer, PhoneError> {
        let xml = object.to_xml()?;
        let started = Instant::now();
        let mut request = self
            .client
            .post(self.url(ip, "/CGI/Execute"))
            .header(CONNECTION, HeaderValue::from_static("close"))
            .timeout(self.timeout)
            .form(&[("XML", xml.as_str())]);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let mut watched = Watched::nobody();
        let answer = match self.send(request, "push", &mut watched).await {
            Ok(response) => self.answer(response, &mut watched).await,
            Err(error) => PhoneAnswer::unreachable(self.unreachable(&error, Phase::Request)),
        };
        Ok(PhoneAnswer { took: started.elapsed(), ..answer })
    }

    /// Asks the phone at this address who it is; sends no credentials.
    ///
    /// # Errors
    /// When it does not answer, or with something else.
    pub async fn device_information(&self, ip: IpAddr) -> Result<DeviceInformation, IdentityError> {
        let request = self
            .client
            .get(self.url(ip, "/DeviceInformationX"))
            .header(CONNECTION, HeaderValue::from_static("close"))
            .timeout(self.timeout);
        let mut watched = Watched::nobody();
        let sent = self.send(request, "DeviceInformationX", &mut watched).await;
        let response = sent.map_err(|error| {
            IdentityError::Unreachable(self.unreachable(&error, Phase::Request))
        })?;
        let status = response.status();
        if leads_to_https(&response) {
            return Err(IdentityError::MovedToHttps { status: status.as_u16() });
        }
        let body = read_body(response, &mut watched)
            .await
            .map_err(|error| IdentityError::Unreachable(self.unreachable(&error, Phase::Answer)))?;
        let found = DeviceInformation::read(&body).filter(|_| status.is_success());
        found.ok_or(IdentityError::NotThere { status: status.as_u16() })
    }

    /// Sends a request; `watched` takes note of what is sent and of how the answer begins.
    async fn send(
        &self,
        request: RequestBuilder,
        operation: &str,
        watched: &mut Watched,
    ) -> Result<Response, reqwest::Error> {
        let request = request.build()?;
        *watched = trace::watch(|| trace::Request::of("phone", operation, &request));
        let sent = self.client.execute(request).await;
        match &sent {
            Ok(response) => watched.answered(response.status().as_u16(), response.headers()),
            Err(error) => watched.ended(Err(chain(error))),
        }
        sent
    }

    async fn answer(&self, response: Response, watched: &mut Watched) -> PhoneAnswer {
        let status = response.status().as_u16();
        let moved_to_https = leads_to_https(&response);
        let content_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let read = read_body(response, watched).await;
        let (outcome, raw) = match read {
            Ok(body) => {
                let raw = clean(&decode(&body), PhoneAnswer::RAW_CHARS);
                (Outcome::Answered(Reply::read(status, content_type.as_deref(), &body)), raw)
            }
            // Without its end an answer proves nothing, whatever its beginning says.
            Err(error) => {
                (Outcome::Unreachable(self.unreachable(&error, Phase::Answer)), String::new())
            }
        };
        PhoneAnswer {
            http_status: Some(status),
            moved_to_https,
            outcome,
            raw,
            took: Duration::ZERO,
        }
    }

    fn url(&self, ip: IpAddr, path: &str) -> String {
        // A socket address puts the brackets around an IPv6 address.
        format!("{}://{}{path}", self.scheme, SocketAddr::new(ip, self.port))
    }

    fn unreachable(&self, error: &reqwest::Error, phase: Phase) -> Unreachable {
        let phase = if error.is_connect() { Phase::Connect } else { phase };
        Unreachable { phase, cause: Cause::of(error), port: self.port, timeout: self.timeout }
    }
}

/// What came of one push.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhoneAnswer {
    /// The status line's code, where the phone got as far as that.
    pub http_status: Option<u16>,
    /// Whether it sends the client to HTTPS instead of doing anything.
    pub moved_to_https: bool,
    /// Whether it answered, and what.
    pub outcome: Outcome,
    /// The beginning of the body on one line, without control characters, for reports.
    pub raw: String,
    /// From the attempt to connect to the end of the answer.
    pub took: Duration,
}

impl PhoneAnswer {
    /// The longest [`PhoneAnswer::raw`], in characters.
    pub const RAW_CHARS: usize = 1_000;

    fn unreachable(unreachable: Unreachable) -> Self {
        Self {
            http_status: None,
            moved_to_https: false,
            outcome: Outcome::Unreachable(unreachable),
            raw: String::new(),
            took: Duration::ZERO,
        }
    }
}

/// Whether a phone answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It did.
    Answered(Reply),
    /// It did not, or not to the end.
    Unreachable(Unreachable),
}

/// How the way to a phone was barred.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unreachable {
    /// How far the exchange came.
    pub phase: Phase,
    /// What stopped it.
    pub cause: Cause,
    /// The port that was asked.
    pub port: u16,
    /// The time that the exchange was given.
    pub timeout: Duration,
}

impl fmt::Display for Unreachable {
    /// Writes one sentence fragment, without the name of the phone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, cause, port, timeout } = self;
        let seconds = timeout.as_secs_f32();
        match (phase, cause) {
            (_, Cause::Refused) => {
                write!(f, "port {port} is closed: web access is off, or the phone is restarting")
            }
            (Phase::Answer, Cause::TimedOut) => {
                write!(f, "began to answer but did not finish within {seconds} s")
            }
            (_, Cause::TimedOut) => write!(f, "no answer on port {port} within {seconds} s"),
            (_, Cause::NoRoute) => f.write_str("no route to its network"),
            (Phase::Connect, Cause::Reset) => write!(f, "port {port} dropped the connection"),
            (Phase::Request, Cause::Reset) => {
                f.write_str("closed the connection without an answer")
            }
            (Phase::Answer, Cause::Reset) => {
                f.write_str("closed the connection in the middle of its answer")
            }
            (_, Cause::NotHttp) => write!(f, "what answers on port {port} does not speak HTTP"),
            (_, Cause::Tls(problem)) => write!(f, "{problem}"),
            (_, Cause::Other(text)) => f.write_str(text),
        }
    }
}

/// How far an exchange came before it stopped.
///
/// Before the request the phone knows of nothing; after it, the push may have been carried out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Phase {
    /// No connection, so the phone saw nothing.
    Connect,
    /// Connected, but no status line came back. A time-out that covers the connecting too counts here.
    Request,
    /// The answer began and broke off.
    Answer,
}

/// What stopped an exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// The port is closed.
    Refused,
    /// The time was over.
    TimedOut,
    /// The connection was cut.
    Reset,
    /// The network cannot be reached from here.
    NoRoute,
    /// Something that is no HTTP came back.
    NotHttp,
    /// No TLS connection that can be trusted came about; nothing was sent.
    Tls(PhoneTlsProblem),
    /// Anything else, in the words of the library that found it.
    Other(String),
}

impl Cause {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        if let Some(problem) = PhoneTlsProblem::find(error) {
            return Self::Tls(problem);
        }
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        let mut last = String::new();
        while let Some(error) = next {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                if let Some(cause) = Self::of_io(io.kind()) {
                    return cause;
                }
            } else if let Some(http) = error.downcast_ref::<hyper::Error>() {
                if http.is_parse() {
                    return Self::NotHttp;
                }
                if http.is_incomplete_message() {
                    return Self::Reset;
                }
            }
            last = error.to_string();
            next = error.source();
        }
        Self::Other(clean(&last, 200))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "io::ErrorKind is open and has dozens of kinds"
    )]
    fn of_io(kind: io::ErrorKind) -> Option<Self> {
        match kind {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Some(Self::Reset),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Some(Self::NoRoute)
            }
            _ => None,
        }
    }
}

/// Tells whether an answer sends the client to an address with HTTPS. Where else it would lead does not count: a
/// phone is only ever asked at its own address.
fn leads_to_https(response: &Response) -> bool {
    let target = response.headers().get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
        && target.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"https://"))
}

/// Reads a body up to one byte more than is ever looked at, so that the reader sees what is too long.
async fn read_body(response: Response, watched: &mut Watched) -> Result<Vec<u8>, reqwest::Error> {
    read_up_to(response, Reply::BODY_LIMIT, watched).await
}

/// Reads a body up to one byte more than the limit.
async fn read_up_to(
    mut response: Response,
    limit: usize,
    watched: &mut Watched,
) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    let read = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = (limit + 1).saturating_sub(body.len());
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if body.len() > limit {
                    break Ok(());
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    watched.body(&body);
    watched.ended(read.as_ref().copied().map_err(|error| chain(error)));
    read.map(|()| body)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::domain::model::PushSchema;
    use crate::phone::{SetBackground, Theme};

    fn client(port: u16, timeout: Duration) -> PhoneClient {
        // Another test may have been first; either way a provider is there afterwards.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let password = SecretString::from("s3cret ü");
        PhoneClient::new(client, "bgpush", &password, port, timeout).unwrap()
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
                    .find_map(|line| {
                        line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
                    })
                    .unwrap_or(0);
                if body.len() >= length {
                    return text;
                }
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request broke off");
        }
    }

    /// Answers one push with these bytes, then closes; returns the request and what came of it.
    async fn exchange(address: &str, answer: &[u8]) -> (String, PhoneAnswer) {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let client = client(at.port(), Duration::from_secs(20));
        let object = object();
        let phone = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = request(&mut stream).await;
            stream.write_all(answer).await.unwrap();
            request
        };
        let (request, answer) = tokio::join!(phone, client.push(at.ip(), &object));
        (request, answer.unwrap())
    }

    fn cause(answer: &PhoneAnswer) -> (Phase, Cause) {
        match &answer.outcome {
            Outcome::Unreachable(unreachable) => (unreachable.phase, unreachable.cause.clone()),
            Outcome::Answered(reply) => panic!("it answered: {reply:?}"),
        }
    }

    #[tokio::test]
    async fn the_request_is_as_phones_want_it() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n\
            <CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/></CiscoIPPhoneResponse>";
        let (request, answer) = exchange("127.0.0.1", answer).await;
        assert_eq!(answer.http_status, Some(200));
        assert_eq!(
            answer.outcome,
            Outcome::Answered(Reply::Success { text: "Success".to_owned() })
        );
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

        let (_, answer) =
            exchange("127.0.0.1", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(answer.outcome, Outcome::Answered(Reply::Empty));

        let elsewhere =
            b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
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
    async fn a_closed_port_and_a_silent_phone_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let short = Duration::from_millis(50);
        let answer = client(at.port(), short).push(at.ip(), &object()).await.unwrap();
        assert_eq!(cause(&answer), (Phase::Request, Cause::TimedOut));
        drop(listener);
        let patient = client(at.port(), Duration::from_secs(20));
        let answer = patient.push(at.ip(), &object()).await.unwrap();
        assert_eq!(cause(&answer), (Phase::Connect, Cause::Refused));
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
        let url = client.url(IpAddr::V6(Ipv6Addr::LOCALHOST), "/CGI/Execute");
        assert_eq!(url, "http://[::1]:8080/CGI/Execute");
    }

    #[test]
    fn no_secret_is_shown() {
        let client = client(80, Duration::from_secs(1));
        let shown = format!("{client:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(!shown.contains(&STANDARD.encode("bgpush:s3cret ü")), "{shown}");
        let inner = reqwest::Client::builder().no_proxy().build().unwrap();
        let refused =
            PhoneClient::new(inner, "a:b", &SecretString::from("pw"), 80, Duration::from_secs(1));
        assert!(matches!(refused, Err(PhoneError::UserNameWithColon)));
    }
}
