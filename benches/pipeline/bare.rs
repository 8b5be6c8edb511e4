//! A client that only downloads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE, HeaderValue, SET_COOKIE};

use crate::Failure;
use crate::record::Call;
use crate::server::{Server, credentials};

/// A plain HTTP client with the TLS settings of the program's own.
pub struct Bare {
    client: reqwest::Client,
    base: String,
}

/// What a replay took.
pub struct Replayed {
    /// From the connection to the last byte.
    pub took: Duration,
    /// The bodies' bytes.
    pub bytes: usize,
}

impl Bare {
    /// Makes a client for a server; nothing is sent yet.
    pub fn new(server: &Server) -> Result<Self, Failure> {
        let config = server.trust.client_config()?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured((*config).clone())
            .https_only(true)
            .no_proxy()
            .build()?;
        Ok(Self { client, base: format!("https://{}", server.axl) })
    }

    /// Sends one request.
    pub async fn send(
        &self,
        call: &Call,
        session: HeaderMap,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}{}", self.base, call.path);
        let request = self.client.post(url).headers(call.headers.clone()).headers(session);
        request.body(call.body.clone()).send().await
    }

    /// Sends the requests one after the other, and drops the answers as they come in.
    ///
    /// The password goes along with the first request to a service only, then its cookies do.
    pub async fn replay(&self, calls: &[Call]) -> Result<Replayed, Failure> {
        let begun = Instant::now();
        let mut sessions: BTreeMap<&str, HeaderMap> = BTreeMap::new();
        let mut bytes = 0;
        for call in calls {
            let session = sessions.get(call.path.as_str()).cloned().unwrap_or_else(password);
            let mut answer = self.send(call, session).await?;
            // A fault is an answer too: the survey asks for a user of both kinds, and one is not there.
            if answer.status().as_u16() != 500 {
                answer = answer.error_for_status()?;
            }
            if let Some(cookies) = cookies(answer.headers()) {
                sessions.insert(&call.path, cookies);
            }
            while let Some(chunk) = answer.chunk().await? {
                bytes += chunk.len();
            }
        }
        Ok(Replayed { took: begun.elapsed(), bytes })
    }
}

fn password() -> HeaderMap {
    HeaderMap::from_iter([(
        AUTHORIZATION,
        credentials().basic_header().expect("the bench user has no colon in its name"),
    )])
}

/// Makes the header that gives cookies back; nothing when none were set.
fn cookies(answer: &HeaderMap) -> Option<HeaderMap> {
    let set = answer.get_all(SET_COOKIE).iter();
    let pairs = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    let pairs = pairs.collect::<Vec<_>>().join("; ");
    let value = HeaderValue::from_str(&pairs).ok().filter(|value| !value.is_empty())?;
    Some(HeaderMap::from_iter([(COOKIE, value)]))
}
