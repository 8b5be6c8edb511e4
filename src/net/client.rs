//! The HTTP clients for the servers of a cluster and for web servers of others. Phones have a client of their own.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE,
};
use reqwest::redirect::Policy;
use secrecy::zeroize::Zeroizing;
use tokio::time::timeout;

use super::certificate_probe;
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::fingerprint::Fingerprint;
use super::provider::provider;
use super::request_counts::RequestCounts;
use super::trace::{self, ExchangeGuard};
use super::trust::Trust;
use crate::domain::text::sanitize_truncate;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClusterLimits {
    /// How long a connection and its TLS handshake may take together.
    pub connect: Duration,
    /// How long a call that only reads may take as a whole.
    pub read: Duration,
    /// How long a call that changes something may take as a whole, and a second more for every
    /// [`WRITE_BYTES_A_SECOND`] of its request: lists of thousands of devices are slow.
    pub write: Duration,
    /// How long the answer to a read may take to begin. AXL can need two minutes when its server cannot
    /// look up names.
    pub first_byte: Duration,
    /// How long an answer may pause once it has begun.
    pub pause: Duration,
    /// How many bytes an answer may have. AXL itself refuses to send more than 8 MB of data, and the
    /// markup around the data comes on top.
    pub body: usize,
}

impl ClusterLimits {
    /// Returns how long a write with a request of this many bytes may take.
    pub fn write_of(&self, bytes: usize) -> Duration {
        let more = u64::try_from(bytes / WRITE_BYTES_A_SECOND).unwrap_or(u64::MAX);
        self.write.saturating_add(Duration::from_secs(more))
    }
}

/// A publisher that is slow with long lists still gets this many bytes of them done in a second
/// (believed: updates of ten thousand devices are reported to take minutes).
pub const WRITE_BYTES_A_SECOND: usize = 1024;

impl Default for ClusterLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(150),
            write: Duration::from_secs(300),
            first_byte: Duration::from_secs(140),
            pause: Duration::from_secs(60),
            body: 64 * 1024 * 1024,
        }
    }
}

/// The HTTP client for the servers of a cluster: HTTPS only, no proxy, no redirects.
///
/// Connections are kept alive, as the AXL Developer Guide asks for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClusterHttp {
    client: reqwest::Client,
    limits: ClusterLimits,
    counts: Arc<RequestCounts>,
}

impl ClusterHttp {
    /// Builds the client.
    ///
    /// # Errors
    /// When what to trust cannot be read, or when the client cannot be built.
    pub fn new(trust: &Trust, limits: ClusterLimits) -> Result<Self, HttpError> {
        let config = trust.client_config()?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured((*config).clone())
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(limits.connect)
            // Tomcat closes an idle connection after 20 s or more; one that is closed while we write
            // to it would look like a failed call.
            .pool_idle_timeout(Duration::from_secs(15))
            .build()
            .map_err(HttpError::Build)?;
        Ok(Self { client, limits, counts: Arc::default() })
    }

    /// Has requests counted here.
    #[must_use]
    pub fn counted_by(self, counts: Arc<RequestCounts>) -> Self {
        Self { counts, ..self }
    }

    pub(crate) fn counts(&self) -> &RequestCounts {
        &self.counts
    }

    pub fn limits(&self) -> ClusterLimits {
        self.limits
    }

    /// Posts a text and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// When no complete answer came; see [`HttpError`].
    pub async fn post(
        &self,
        endpoint: &Endpoint,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        limit: Duration,
    ) -> Result<HttpAnswer, HttpError> {
        let mut watched = trace::watch(|| trace::Request {
            to: "cluster",
            method: "POST".to_owned(),
            url: endpoint.https(path),
            operation: trace::operation_of(&headers).unwrap_or_else(|| "getCCMVersion".to_owned()),
            headers: headers.clone(),
            body: body.clone(),
        });
        let answer = self.exchange(endpoint, path, headers, body, limit, &mut watched).await;
        watched.ended(answer.as_ref().map(|_| ()));
        self.counts.ended(answer.is_ok());
        answer
    }

    async fn exchange(
        &self,
        endpoint: &Endpoint,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        limit: Duration,
        watched: &mut ExchangeGuard,
    ) -> Result<HttpAnswer, HttpError> {
        let late = |after| HttpError::Timeout { endpoint: endpoint.clone(), after };
        let sent = self
            .client
            .post(endpoint.https(path))
            .headers(headers)
            .timeout(limit)
            .body(body)
            .send();
        // What takes longer than a read as a whole is a write, and may begin to answer as late as it ends.
        let begin = if limit > self.limits.read { limit } else { self.limits.first_byte };
        let mut response = match timeout(begin, sent).await.map_err(|_| late(begin))? {
            Ok(response) => response,
            Err(error) => {
                let error = HttpError::from_send(error, endpoint, limit);
                let HttpError::Tls { endpoint, problem } = error else { return Err(error) };
                let problem = certificate_probe::explain(&endpoint, problem, begin).await;
                return Err(HttpError::Tls { endpoint, problem });
            }
        };
        let status = response.status().as_u16();
        watched.answered(status, response.headers());
        let content_type = header_text(response.headers(), CONTENT_TYPE.as_str());
        if matches!(status, 301 | 302 | 303 | 307 | 308) {
            let location = header_text(response.headers(), LOCATION.as_str());
            return Err(HttpError::Redirect {
                endpoint: endpoint.clone(),
                status,
                to: server_of(&location.unwrap_or_default()),
            });
        }
        let encoding = header_text(response.headers(), CONTENT_ENCODING.as_str());
        if let Some(encoding) = encoding.filter(|text| !text.eq_ignore_ascii_case("identity")) {
            let encoding = sanitize_truncate(&encoding, 40);
            return Err(HttpError::Encoded { endpoint: endpoint.clone(), encoding });
        }
        let retry_after = retry_after(response.headers());
        let cookies = response
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok().map(|text| Zeroizing::new(text.to_owned())))
            .collect();
        let expected = response.content_length();
        let too_long =
            || HttpError::TooLong { endpoint: endpoint.clone(), limit: self.limits.body };
        if expected.is_some_and(|length| length > self.limits.body as u64) {
            return Err(too_long());
        }
        let mut received = BytesMut::new();
        let read = self.read(&mut response, endpoint, limit, &mut received).await;
        watched.body(&received);
        read?;
        // The HTTP library reports a missing rest by itself; this is a second check.
        if expected.is_some_and(|length| length != received.len() as u64) {
            let received = received.len();
            return Err(HttpError::Truncated { endpoint: endpoint.clone(), received });
        }
        Ok(HttpAnswer { status, content_type, cookies, retry_after, body: received.freeze() })
    }

    /// Reads a body to its end; what came before an error is in `received` too.
    async fn read(
        &self,
        response: &mut Response,
        endpoint: &Endpoint,
        limit: Duration,
        received: &mut BytesMut,
    ) -> Result<(), HttpError> {
        let pause = self.limits.pause;
        while let Some(chunk) = timeout(pause, response.chunk())
            .await
            .map_err(|_| HttpError::Stalled {
                endpoint: endpoint.clone(),
                received: received.len(),
                after: pause,
            })?
            .map_err(|error| HttpError::from_body(error, endpoint, limit, received.len()))?
        {
            if received.len() + chunk.len() > self.limits.body {
                return Err(HttpError::TooLong {
                    endpoint: endpoint.clone(),
                    limit: self.limits.body,
                });
            }
            received.extend_from_slice(&chunk);
        }
        Ok(())
    }
}

#[derive(Clone)]
pub struct HttpAnswer {
    pub status: u16,
    /// The `Content-Type` header, when there is a readable one.
    pub content_type: Option<String>,
    /// The values of all `Set-Cookie` headers. They are secrets.
    pub cookies: Vec<Zeroizing<String>>,
    /// How long the server wants to be left alone (`Retry-After`).
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

impl std::fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpAnswer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("cookies", &self.cookies.len())
            .field("bytes", &self.body.len())
            .finish()
    }
}

/// Builds the HTTP client for web servers that are neither the cluster's nor phones, with a limit for each exchange.
///
/// It asks as phones do: over HTTP, without a proxy, at the address that it is given and no other.
pub fn web_http(limit: Duration) -> Result<reqwest::Client, HttpError> {
    // The provider must be installed even when only plain HTTP is spoken.
    provider();
    // An unsigned certificate: this client trusts none.
    let config = Trust::pinned(Fingerprint::of(b"")).client_config()?;
    reqwest::Client::builder()
        .tls_backend_preconfigured((*config).clone())
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(Duration::from_secs(5))
        .timeout(limit)
        .http1_only()
        .build()
        .map_err(HttpError::Build)
}

/// Returns the part of a redirect's target that a person needs: scheme and server, short and printable.
fn server_of(location: &str) -> String {
    let end = location.find("://").map_or(0, |at| at + 3);
    let end = location[end..].find(['/', '?', '#']).map_or(location.len(), |at| end + at);
    let server: String =
        location[..end].chars().filter(|c| c.is_ascii_graphic() && *c != '@').take(120).collect();
    if server.is_empty() { "another page of the same server".to_owned() } else { server }
}

/// Reads `Retry-After`: seconds, or a date that is compared with the server's own clock (RFC 9110).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header_text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(&text)?;
    let now = header_text(headers, DATE.as_str()).and_then(|date| http_date(&date))?;
    // A date that is over means now.
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn http_date(text: &str) -> Option<jiff::Timestamp> {
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(date.timestamp())
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clients_build() {
        let trust = Trust::pinned(Fingerprint::of(b"x"));
        ClusterHttp::new(&trust, ClusterLimits::default()).unwrap();
        web_http(Duration::from_secs(1)).unwrap();
    }

    #[test]
    fn a_redirect_is_told_by_its_server() {
        assert_eq!(server_of("https://sso.example.org/login?token=x"), "https://sso.example.org");
        assert_eq!(server_of("/login"), "another page of the same server");
        assert_eq!(server_of("http://a\u{1b}[31m"), "http://a[31m");
        assert!(server_of(&format!("https://{}", "a".repeat(9000))).len() <= 120);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |pairs: &[(&'static str, &'static str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            retry_after(&pairs.collect::<HeaderMap>())
        };
        assert_eq!(read(&[("retry-after", " 7 ")]), Some(Duration::from_secs(7)));
        let (now, later) = ("Tue, 24 Nov 2026 08:00:00 GMT", "Tue, 24 Nov 2026 08:01:30 GMT");
        assert_eq!(read(&[("retry-after", later), ("date", now)]), Some(Duration::from_secs(90)));
        assert_eq!(read(&[("retry-after", now), ("date", later)]), Some(Duration::ZERO));
        // Without the server's own clock a date cannot be used.
        assert_eq!(read(&[("retry-after", later)]), None);
        assert_eq!(read(&[("retry-after", "soon")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_long_list_may_take_longer_to_be_written() {
        let limits = ClusterLimits::default();
        assert_eq!(limits.write_of(10), limits.write);
        assert_eq!(limits.write_of(350 * 1024), limits.write + Duration::from_secs(350));
    }

    #[test]
    fn an_answer_hides_its_cookies() {
        let answer = HttpAnswer {
            status: 200,
            content_type: None,
            cookies: vec![Zeroizing::new("JSESSIONIDSSO=topsecret".to_owned())],
            retry_after: None,
            body: Bytes::from_static(b"private"),
        };
        let shown = format!("{answer:?}");
        assert!(!shown.contains("topsecret") && !shown.contains("private"), "{shown}");
    }
}
