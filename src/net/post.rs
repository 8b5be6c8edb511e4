//! Posts documents to a URL that is itself a secret: nothing here shows more of it than its server.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};

use super::client::retry_after;
use super::error::{HttpError, connect_reason};
use super::trust::Trust;

#[derive(Clone)]
pub struct Post {
    client: reqwest::Client,
    url: Url,
}

/// Why a document was not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PostError {
    /// What happened, as what the server does: "answered HTTP 404".
    pub what: String,
    /// Whether the same document can be taken later.
    pub is_passing: bool,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Post {
    /// Prepares posts to a URL; nothing where it is no HTTP URL.
    ///
    /// Proxies count as the environment names them: the server is mostly one of the Internet.
    ///
    /// # Errors
    /// When what to trust cannot be read, or when the client cannot be built.
    pub fn new(url: &str, trust: &Trust, limit: Duration) -> Result<Option<Self>, HttpError> {
        let url = Url::parse(url.trim()).ok();
        let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let Some(url) = url.filter(is_http) else { return Ok(None) };
        let config = trust.client_config()?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured((*config).clone())
            .redirect(Policy::none())
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(limit)
            .timeout(limit)
            .build()
            .map_err(HttpError::Build)?;
        Ok(Some(Self { client, url }))
    }

    /// Returns scheme, host and port; the rest is a secret.
    pub fn server(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Posts a JSON document.
    ///
    /// # Errors
    /// When it was not taken, in words that do not hold the URL.
    pub async fn json(&self, document: String) -> Result<(), PostError> {
        let passing = |what| PostError { what, is_passing: true, retry_after: None };
        let sent = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let answer = sent.body(document).send().await.map_err(|error| {
            let error = error.without_url();
            passing(match error.is_connect() {
                true => format!("cannot be reached ({})", connect_reason(&error)),
                false if error.is_timeout() => "does not answer in time".to_owned(),
                false => "closed the connection without an answer".to_owned(),
            })
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let what = match status.is_redirection() {
            true => format!("redirects (HTTP {}), which is not followed", status.as_u16()),
            false => format!("answered HTTP {}", status.as_u16()),
        };
        let is_passing = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        Err(PostError { what, is_passing, retry_after: retry_after(answer.headers()) })
    }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Post({})", self.server())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_of_a_url_is_shown() {
        let secret = "https://hooks.example.com/services/T0/B0/s3cret?sig=s3cret";
        let post = Post::new(secret, &Trust::default(), Duration::from_secs(1)).unwrap().unwrap();
        assert_eq!(post.server(), "https://hooks.example.com");
        assert_eq!(format!("{post:?}"), "Post(https://hooks.example.com)");
        for wrong in ["", "hooks.example.com/x", "mailto:a@b", "file:///x"] {
            let post = Post::new(wrong, &Trust::default(), Duration::from_secs(1)).unwrap();
            assert!(post.is_none(), "{wrong}");
        }
    }
}
