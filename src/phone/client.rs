//! Asks phones who they are, and makes the connections over which objects are sent to them.
//!
//! No retry: when to try again is the fleet's decision, not this one's.

mod answer;
mod screenshot;
mod session;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use rustls::ClientConfig;
use secrecy::SecretString;
use tokio::time::Instant;

use super::connection::{Connection, Interrupted, dial};
use crate::net::credentials::{CredentialsError, basic_header};
use crate::net::trace;
use crate::phone::{DeviceInformation, IdentityError, PhoneError, Reply};

pub use answer::{Cause, Outcome, Phase, PhoneAnswer, Unreachable};
pub use screenshot::Screenshot;
pub use session::{Opened, PhoneSession, Reuse};

/// Speaks to phones over HTTP with the push user's credentials.
///
/// It follows no redirects, with which the credentials would go along, and uses no proxy.
#[derive(Clone, Debug)]
pub struct PhoneClient {
    /// Nothing for a client that only asks phones who they are.
    authorization: Option<HeaderValue>,
    /// Decides which certificate is believed; nothing where phones are asked over HTTP.
    tls: Option<Arc<ClientConfig>>,
    port: u16,
    timeout: Duration,
}

impl PhoneClient {
    /// Makes a client that asks phones on `port` and gives each exchange `timeout` from connecting to
    /// the last byte of the answer.
    pub fn new(
        username: &str,
        password: &SecretString,
        port: u16,
        timeout: Duration,
    ) -> Result<Self, PhoneError> {
        let authorization = basic_header(username, password).map_err(|error| match error {
            CredentialsError::Colon(_) => PhoneError::UserNameWithColon,
            CredentialsError::Header(_) => PhoneError::BadCredentials,
        })?;
        Ok(Self { authorization: Some(authorization), ..Self::anonymous(port, timeout) })
    }

    /// Makes a client that has no credentials, for asking phones who they are.
    pub fn anonymous(port: u16, timeout: Duration) -> Self {
        Self { authorization: None, tls: None, port, timeout }
    }

    /// Makes a client with the same credentials that asks one phone over HTTPS; what is given decides which
    /// certificate is believed.
    #[must_use]
    pub(super) fn over_https(&self, tls: ClientConfig, port: u16) -> Self {
        Self { tls: Some(Arc::new(tls)), port, ..self.clone() }
    }

    /// Asks the phone at this address who it is, over a connection that is closed afterwards; sends no credentials.
    pub async fn device_information(&self, ip: IpAddr) -> Result<DeviceInformation, IdentityError> {
        self.question(ip, true).await.0
    }

    /// Asks the phone who it is over a connection of its own, which is returned where it is still of use.
    async fn question(
        &self,
        ip: IpAddr,
        closes: bool,
    ) -> (Result<DeviceInformation, IdentityError>, Option<Connection>) {
        let deadline = self.deadline();
        let opened = match dial(ip, self.port, deadline).await {
            Ok(stream) => Connection::over(stream, self.tls.as_ref(), deadline).await,
            Err(interrupted) => Err(interrupted),
        };
        match opened {
            Ok(mut connection) => {
                let identity = self.identify(&mut connection, ip, closes, deadline).await;
                (identity, Some(connection))
            }
            Err(interrupted) => (Err(self.unidentified(interrupted)), None),
        }
    }

    /// Asks the phone at the other end of a connection who it is.
    async fn identify(
        &self,
        connection: &mut Connection,
        ip: IpAddr,
        closes: bool,
        deadline: Instant,
    ) -> Result<DeviceInformation, IdentityError> {
        let request = self.get(ip, "/DeviceInformationX", closes);
        let limit = Reply::BODY_LIMIT;
        let exchanged =
            self.exchange(connection, "DeviceInformationX", ip, request, limit, deadline).await;
        let (head, body) = match exchanged {
            Ok((head, body)) => (head, body),
            Err(Interrupted { head: Some(head), .. }) if leads_to_https(&head) => {
                (*head, Vec::new())
            }
            Err(interrupted) => return Err(self.unidentified(interrupted)),
        };
        let status = head.status.as_u16();
        if leads_to_https(&head) {
            return Err(IdentityError::MovedToHttps { status });
        }
        let found = DeviceInformation::read(&body).filter(|_| head.status.is_success());
        found.ok_or(IdentityError::NotThere { status })
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    fn get(&self, ip: IpAddr, path: &'static str, closes: bool) -> Request<Bytes> {
        self.request(ip, Method::GET, path, Bytes::new(), closes)
    }

    fn request(
        &self,
        ip: IpAddr,
        method: Method,
        path: &'static str,
        body: Bytes,
        closes: bool,
    ) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = hyper::Uri::from_static(path);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if let Ok(host) = HeaderValue::from_str(&self.host(ip)) {
            headers.insert(HOST, host);
        }
        if closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        request
    }

    /// Sends a request over a connection and reads the answer; the trace gets a copy.
    async fn exchange(
        &self,
        connection: &mut Connection,
        operation: &str,
        ip: IpAddr,
        request: Request<Bytes>,
        limit: usize,
        deadline: Instant,
    ) -> Result<(Parts, Vec<u8>), Interrupted> {
        let mut watched = trace::watch(|| self.traced(operation, ip, &request));
        connection.exchange(request.map(Full::new), limit, deadline, &mut watched).await
    }

    fn traced(&self, operation: &str, ip: IpAddr, request: &Request<Bytes>) -> trace::Request {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        trace::Request {
            to: "phone",
            method: request.method().to_string(),
            url: format!("{scheme}://{}{}", self.host(ip), request.uri().path()),
            operation: operation.to_owned(),
            headers: request.headers().clone(),
            body: request.body().clone(),
        }
    }

    fn host(&self, ip: IpAddr) -> String {
        // A socket address puts the brackets around an IPv6 address.
        SocketAddr::new(ip, self.port).to_string()
    }

    fn unidentified(&self, interrupted: Interrupted) -> IdentityError {
        IdentityError::Unreachable(self.unreachable(interrupted))
    }

    fn unreachable(&self, Interrupted { phase, cause, .. }: Interrupted) -> Unreachable {
        Unreachable { phase, cause, port: self.port, timeout: self.timeout }
    }
}

/// Returns whether an answer sends the client to an address with HTTPS. Where else it would lead does not count: a
/// phone is only ever asked at its own address.
fn leads_to_https(head: &Parts) -> bool {
    let target = head.headers.get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
    matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308)
        && target.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"https://"))
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;
