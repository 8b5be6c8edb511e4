//! Sends objects to phones and hands back what came of it.
//!
//! No retry: when to try again is the fleet's decision, not this one's. Every request has a connection of its own, but
//! for a push that follows the question who answers there.

mod answer;
mod screenshot;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{RequestBuilder, Response};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::domain::chain::chain;
use crate::net::credentials::{CredentialsError, basic_header};
use crate::net::trace::{self, Watched};
use crate::phone::text::{clean, decode};
use crate::phone::{DeviceInformation, IdentityError, PhoneError, PushObject, Reply};

pub use answer::{Cause, Outcome, Phase, PhoneAnswer, Unreachable};
pub use screenshot::Screenshot;

/// Speaks to phones over HTTP with the push user's credentials.
///
/// The [`reqwest::Client`] comes from the caller. It must not follow redirects (the credentials would
/// go along), must not keep connections for long (one per phone would be held open), and must use no proxy.
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
        let authorization = basic_header(username, password).map_err(|error| match error {
            CredentialsError::Colon(_) => PhoneError::UserNameWithColon,
            CredentialsError::Header(_) => PhoneError::BadCredentials,
        })?;
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
    pub async fn device_information(
        &self,
        ip: IpAddr,
        afterwards: Afterwards,
    ) -> Result<DeviceInformation, IdentityError> {
        let mut request =
            self.client.get(self.url(ip, "/DeviceInformationX")).timeout(self.timeout);
        if afterwards == Afterwards::Closed {
            request = request.header(CONNECTION, HeaderValue::from_static("close"));
        }
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

/// What becomes of the connection over which a phone has said who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Afterwards {
    /// It is closed.
    Closed,
    /// A push that follows at once goes over it, where the phone keeps it open too: so it surely goes to the phone that
    /// has just answered, and a second TLS handshake is saved, which takes old phones a second.
    Kept,
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
mod tests;
