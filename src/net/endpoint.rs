//! A host and a port, as a person types them.

use crate::domain::text::{host_of_url, quoted};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where a server listens: a host name or an address, and a port.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Endpoint {
    host: Box<str>,
    port: u16,
}

impl Endpoint {
    /// The port of AXL and RisPort70 on every CUCM server (AXL Developer Guide).
    pub const CUCM_PORT: u16 = 8443;

    /// Parses `HOST` or `HOST:PORT`, or an address that begins with `https://`, whose path is ignored; an IPv6 address is
    /// in brackets when a port follows.
    ///
    /// # Errors
    /// When the host is empty or holds anything but a name or an address (another scheme, a user), and when the port is no number from 1 to 65535.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.contains('@') {
            return Err(EndpointError::HoldsUser);
        }
        if text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://")) {
            return Err(EndpointError::ClearText);
        }
        let text = host_of_url(text);
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self { host: text.into(), port: default_port });
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let bad = || EndpointError::BadHost(text.to_owned());
                let (host, after) = rest.split_once(']').ok_or_else(bad)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
                match after.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if after.is_empty() => (host, None),
                    None => return Err(bad()),
                }
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(EndpointError::NoHost);
        }
        if text.contains('/') {
            return Err(EndpointError::BadHost(text.to_owned()));
        }
        let is_address = host.parse::<IpAddr>().is_ok();
        let is_name =
            host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if !is_address && !is_name {
            return Err(EndpointError::BadHost(text.to_owned()));
        }
        let port = match port {
            None => default_port,
            Some(digits) => match digits.parse() {
                Ok(port) if port != 0 => port,
                Ok(_) | Err(_) => return Err(EndpointError::BadPort(digits.to_owned())),
            },
        };
        Ok(Self { host: host.into(), port })
    }

    /// Returns the host, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of a path that begins with a slash, over HTTPS.
    pub fn https(&self, path: &str) -> String {
        format!("https://{self}{path}")
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Parses with [`Endpoint::CUCM_PORT`] as the default port.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, Self::CUCM_PORT)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is no host and port.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EndpointError {
    /// A user name, and perhaps a password, before the host; neither is repeated.
    #[error("the host holds a user name or a password before its @: give the host alone")]
    HoldsUser,
    /// A URL of HTTP without encryption.
    #[error(
        "http:// is clear text, and axlpaper connects to the cluster over HTTPS only: give HOST or HOST:PORT without scheme and path"
    )]
    ClearText,
    /// Something that is neither a host name nor an address.
    #[error("{} is not HOST or HOST:PORT: give a name or an address without scheme and path", quoted(.0))]
    BadHost(String),
    /// A port that is no number from 1 to 65535.
    #[error("{} is not a port from 1 to 65535", quoted(.0))]
    BadPort(String),
    /// Nothing at all.
    #[error("the host is empty")]
    NoHost,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Endpoint>().unwrap().to_string()
    }

    #[test]
    fn takes_names_and_addresses() {
        assert_eq!(shown("cucm-pub.example.org"), "cucm-pub.example.org:8443");
        assert_eq!(shown(" 10.1.2.3:9443 "), "10.1.2.3:9443");
        assert_eq!(shown("2001:db8::1"), "[2001:db8::1]:8443");
        assert_eq!(shown("[2001:db8::1]:443"), "[2001:db8::1]:443");
        for (typed, meant) in [
            ("https://cucm/", "cucm:8443"),
            ("HTTPS://cucm:9443/ccmadmin/showHome.do?a=b", "cucm:9443"),
            ("https://[2001:db8::1]/", "[2001:db8::1]:8443"),
            ("https://10.1.2.3", "10.1.2.3:8443"),
        ] {
            assert_eq!(shown(typed), meant);
        }
        assert_eq!("cucm".parse::<Endpoint>().unwrap().https("/axl/"), "https://cucm:8443/axl/");
    }

    #[test]
    fn refuses_urls_and_nonsense() {
        for text in [
            "http://cucm",
            "https://",
            "cucm/axl",
            "https://me:x@cucm",
            "user@cucm",
            "a b",
            "[::1",
            "[cucm]:1",
            "[::1]x",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        for (text, words) in
            [("ftp://cucm/axl", "is not HOST or HOST:PORT"), ("HTTP://cucm/axl", "clear text")]
        {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("without scheme and path"), "{error}");
        }
        assert_eq!("".parse::<Endpoint>(), Err(EndpointError::NoHost));
        assert_eq!("cucm:0".parse::<Endpoint>(), Err(EndpointError::BadPort("0".into())));
        assert_eq!("cucm:70000".parse::<Endpoint>(), Err(EndpointError::BadPort("70000".into())));
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            drop(text.parse::<Endpoint>());
        }
    }
}
