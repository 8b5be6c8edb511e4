//! Pictures on another web server: their URLs, and whether phones could show them.
//!
//! Downloads from it cannot be observed. So every different file is downloaded once beforehand, and its size
//! compared with what the models take: a mistake in an address would otherwise be found by the phones.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderValue, LOCATION};

use crate::domain::error_chain::error_chain;
use crate::domain::model::{ImageSpec, Size};
use crate::domain::text::sanitize_truncate;
use crate::net::trace::{self, ExchangeGuard};

/// An address with places for what differs from model to model: `{size}`, `{dir}` and `{model}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template(String);

impl Template {
    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn fill(&self, model: &str, image: &ImageSpec, size: Size) -> String {
        let model = model.strip_prefix("Cisco ").unwrap_or(model);
        self.0
            .replace("{size}", &size.to_string())
            .replace("{dir}", image.tftp_directory)
            .replace("{model}", &encoded(model))
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let hex = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            path.push(char::from(byte));
        } else {
            path.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    path
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let known = ["{size}", "{dir}", "{model}"];
        let rest = known.iter().fold(text.to_owned(), |rest, place| rest.replace(place, "x"));
        if rest.contains(['{', '}']) {
            return Err("of places in braces it can have {size}, {dir} and {model}".to_owned());
        }
        let url = Url::parse(&rest)
            .map_err(|_| "write a URL such as http://cucm:6970/{dir}/spring.png".to_owned())?;
        if url.scheme() != "http" {
            return Err("phones are sent http:// addresses only".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user name or a password, and phones would get it".to_owned());
        }
        let host = text.split_once("//").map_or("", |(_, rest)| rest);
        if host.split('/').next().is_some_and(|host| host.contains('{')) {
            return Err("the host must be the same for all models".to_owned());
        }
        if url.fragment().is_some() || !rest.is_ascii() || rest.contains(char::is_whitespace) {
            return Err(
                "write it as phones are to get it: percent-encoded, without a fragment".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ElsewhereError {
    /// No answer, or none to its end.
    #[error("{url} cannot be downloaded from here: {why}")]
    Unreachable { url: String, why: String },
    /// The server sends it from another address, and phones are not known to go there.
    #[error("{url} leads on to {to}; name the address that the file has")]
    Redirect { url: String, to: String },
    #[error("{url} answers with HTTP status {status}")]
    Status { url: String, status: u16 },
    #[error("{url} is longer than {limit} bytes, which no phone is known to take")]
    TooLong { url: String, limit: usize },
}

/// The longest file that is taken, in bytes. The largest pictures that are known to work on phones have 150,000;
/// a photograph of 1280x720 can have 2 million.
pub const LONGEST: usize = 4 * 1024 * 1024;

/// Downloads a file as a phone would: plainly, and from this address only.
///
/// The client must not follow redirects, and limits the time of the whole exchange to `call`.
pub async fn download(
    client: &reqwest::Client,
    url: &str,
    call: Duration,
) -> Result<Bytes, ElsewhereError> {
    let mut watched = ExchangeGuard::off();
    let downloaded = exchange(client, url, call, &mut watched).await;
    watched.ended(downloaded.as_ref().map(|_| ()));
    downloaded
}

async fn exchange(
    client: &reqwest::Client,
    url: &str,
    call: Duration,
    watched: &mut ExchangeGuard,
) -> Result<Bytes, ElsewhereError> {
    let of = || url.to_owned();
    let unreachable = |error: &reqwest::Error| {
        let why = if error.is_timeout() {
            format!("it took longer than {} s", call.as_secs_f32())
        } else {
            error_chain(error)
        };
        ElsewhereError::Unreachable { url: of(), why }
    };
    let request = client.get(url).header(ACCEPT, HeaderValue::from_static("image/png,*/*"));
    let request = request.timeout(call).build().map_err(|error| unreachable(&error))?;
    *watched = trace::watch(|| trace::Request::of("web", "download", &request));
    let mut response = client.execute(request).await.map_err(|error| unreachable(&error))?;
    let status = response.status();
    watched.answered(status.as_u16(), response.headers());
    if status.is_redirection() {
        let to = response.headers().get(LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()));
        let to = sanitize_truncate(&to.unwrap_or_default(), 200);
        return Err(ElsewhereError::Redirect { url: of(), to });
    }
    if status.as_u16() != 200 {
        return Err(ElsewhereError::Status { url: of(), status: status.as_u16() });
    }
    let mut body = Vec::new();
    let read = loop {
        match response.chunk().await {
            Ok(None) => break Ok(()),
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST => {
                break Err(ElsewhereError::TooLong { url: of(), limit: LONGEST });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) => break Err(unreachable(&error)),
        }
    };
    // What came before an error is worth seeing too.
    watched.body(&body);
    read.map(|()| body.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::by_name;

    #[test]
    fn places_are_filled_for_each_model() {
        let template: Template = "http://h:6970/{dir}/{model}-{size}.png".parse().unwrap();
        let fill = |name: &str| {
            let image = by_name(name).unwrap().image.unwrap();
            template.fill(name, &image, image.background)
        };
        assert_eq!(fill("Cisco 8841"), "http://h:6970/Desktops/800x480x24/8841-800x480.png");
        assert_eq!(fill("Cisco 7961G-GE"), "http://h:6970/Desktops/320x196x4/7961G-GE-320x196.png");
        assert_eq!(encoded("a b/c%"), "a%20b%2Fc%25");
    }

    #[test]
    fn what_phones_could_not_use_is_refused() {
        for wrong in [
            "",
            "picture.png",
            "https://h/{size}.png",
            "tftp://h/x.png",
            "http://u:p@h/x.png",
            "http://u@h/x.png",
            "http://{model}/x.png",
            "http://{model}.example.com/x.png",
            "http://h/{name}.png",
            "http://h/{size.png",
            "http://h/a b.png",
            "http://h/ü.png",
            "http://h/x.png#y",
        ] {
            assert!(wrong.parse::<Template>().is_err(), "{wrong}");
        }
        for right in
            ["http://h/x.png", "http://10.1.1.5:6970/{dir}/x.png?m={model}", "http://[::1]/x"]
        {
            assert_eq!(right.parse::<Template>().unwrap().to_string(), right);
        }
    }
}
