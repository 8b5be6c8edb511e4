//! Requests one page and returns how it answers. No credentials are sent, and redirects are not followed.

use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;

use super::error::{HttpError, connect_reason};
use super::trust::Trust;

#[derive(Clone, Debug)]
pub struct PageCheck {
    client: reqwest::Client,
    url: Url,
}

impl PageCheck {
    /// Prepares requests to a page, over HTTPS with the same trust as the cluster; nothing where the address is no
    /// HTTP address.
    ///
    /// # Errors
    /// When what to trust cannot be read, or when the client cannot be built.
    pub fn new(url: &str, trust: &Trust) -> Result<Option<Self>, HttpError> {
        let Some(url) = http_url(url) else { return Ok(None) };
        let config = trust.client_config()?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured((*config).clone())
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            // A connection that was kept would not notice a port that was closed since.
            .pool_max_idle_per_host(0)
            .timeout(LIMIT)
            .build()
            .map_err(HttpError::Build)?;
        Ok(Some(Self { client, url }))
    }

    /// Returns the address, without what a user name or a query in it may give away.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Requests the page to its last byte; returns the HTTP status.
    ///
    /// # Errors
    /// Says in words why no whole answer came, as what the page does: "does not answer".
    pub async fn status(&self) -> Result<u16, String> {
        Ok(self.answer().await?.0)
    }

    /// Requests the page; returns the HTTP status and the text.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub async fn answer(&self) -> Result<(u16, String), String> {
        let words = |error: reqwest::Error| {
            if error.is_timeout() {
                format!("does not answer within {} s", LIMIT.as_secs())
            } else if error.is_connect() {
                format!("cannot be reached ({})", connect_reason(&error))
            } else {
                "breaks the connection off".to_owned()
            }
        };
        let answer = self.client.get(self.url.clone()).send().await.map_err(words)?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(words)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

fn http_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    let plain = is_http && url.set_username("").is_ok() && url.set_password(None).is_ok();
    url.set_query(None);
    url.set_fragment(None);
    plain.then_some(url)
}

/// How long one request may take. Phones give up sooner.
const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_without_what_is_secret_in_it() {
        let url = |text| http_url(text).map(String::from);
        let plain = "http://cucm:8080/ccmcip/authenticate.jsp";
        assert_eq!(url(" http://cucm:8080/ccmcip/authenticate.jsp ").as_deref(), Some(plain));
        let secret = "http://user:secret@cucm:8080/ccmcip/authenticate.jsp?Password=secret#x";
        assert_eq!(url(secret).as_deref(), Some(plain));
        assert_eq!(
            [url(""), url("cucm/authenticate.jsp"), url("ftp://cucm/x")],
            [None, None, None]
        );
    }
}
