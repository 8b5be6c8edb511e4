//! Finds the address under which phones reach the server.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::str::FromStr;

use reqwest::Url;

use crate::image_server::HostError;

/// The part of the pictures' addresses that is the same for all phones, without a slash at its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BaseUrl {
    text: String,
    path: String,
    host: String,
    https: bool,
    loopback: bool,
    /// Why hosts outside of this machine's own link cannot connect, if they cannot.
    unreachable: Option<&'static str>,
}

impl BaseUrl {
    fn of(address: SocketAddr, https: bool) -> Self {
        let (scheme, ip) = (if https { "https" } else { "http" }, address.ip());
        Self {
            text: format!("{scheme}://{address}"),
            path: String::new(),
            host: ip.to_string(),
            https,
            loopback: is_loopback(ip),
            unreachable: unreachable(ip),
        }
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the path in front of every picture's own; empty, or beginning with a slash.
    ///
    /// It is there where a proxy serves the pictures below a folder.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for BaseUrl {
    type Err = HostError;

    /// Reads a URL such as `http://10.1.1.1:8080` or `http://proxy.example/phones/`.
    fn from_str(text: &str) -> Result<Self, HostError> {
        let bad = |why| HostError::BadAdvertise { text: shown(text), why };
        let url = Url::parse(text.trim()).map_err(|_| bad("it is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("it does not begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it holds a user name"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it holds a query or a fragment"));
        }
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        if ip.is_some_and(|ip| ip.is_unspecified()) {
            return Err(bad("no client can connect to that address"));
        }
        let loopback = ip.is_some_and(is_loopback) || host.eq_ignore_ascii_case("localhost");
        Ok(Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            path: url.path().trim_end_matches('/').to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            https: url.scheme() == "https",
            loopback,
            unreachable: ip.and_then(unreachable),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Chooses the base of the phones' URLs: the advertised base where one is given, else the address that is
/// listened on, else the address of this machine from which `phone_side_ip` is reached.
///
/// `listen` is the bound address with its real port. Asking for the way to `phone_side_ip` sends nothing.
///
/// # Errors
/// When no address can be found, or when it is a loopback address that phones cannot reach. A
/// simulated cluster on loopback has its phones there too, so it may get one. With `tls` the server speaks
/// HTTPS only, so an HTTP base is refused; the other way round a proxy may be in front that speaks it.
pub fn advertised_base(
    listen: SocketAddr,
    advertise: Option<&BaseUrl>,
    phone_side_ip: Option<IpAddr>,
    tls: bool,
) -> Result<BaseUrl, HostError> {
    if let Some(base) = advertise.filter(|base| tls && !base.https) {
        return Err(HostError::PlainAdvertised { base: base.text.clone() });
    }
    let base = match advertise {
        Some(base) => base.clone(),
        None if !listen.ip().is_unspecified() => BaseUrl::of(listen, tls),
        None => {
            let remote = phone_side_ip.ok_or(HostError::NoHint { listen })?;
            let remote = remote.to_canonical();
            if listen.is_ipv4() && remote.is_ipv6() {
                return Err(HostError::OtherFamily { listen, remote });
            }
            let local = local_address_toward(remote)
                .map_err(|source| HostError::NoRoute { remote, source })?;
            BaseUrl::of(SocketAddr::new(local, listen.port()), tls)
        }
    };
    if base.loopback && !phone_side_ip.is_some_and(is_loopback) {
        return Err(HostError::LoopbackOnly { base: base.text });
    }
    match base.unreachable {
        Some(why) => Err(HostError::Unreachable { base: base.text, why }),
        None => Ok(base),
    }
}

/// Asks the operating system's routing table; a connected UDP socket sends nothing by itself.
fn local_address_toward(remote: IpAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect((remote, DISCARD_PORT))?;
    Ok(socket.local_addr()?.ip())
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Returns why phones cannot connect to an address of a kind that is not reachable from other networks.
fn unreachable(ip: IpAddr) -> Option<&'static str> {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_link_local() => Some("an address that a machine gives itself"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("valid on one link only"),
        IpAddr::V4(ip) if ip.is_broadcast() || ip.is_multicast() => Some("no single machine's"),
        IpAddr::V6(ip) if ip.is_multicast() => Some("no single machine's"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// Keeps a password out of the error.
fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    }
}

/// Some port has to be named; this one would throw away what it is sent.
const DISCARD_PORT: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    const LOOPBACK: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(127, 4, 0, 1)));

    fn base(
        listen: &str,
        advertise: Option<&str>,
        phone_side_ip: Option<IpAddr>,
    ) -> Result<String, String> {
        let advertise = advertise.map(|text| text.parse::<BaseUrl>().unwrap());
        advertised_base(listen.parse().unwrap(), advertise.as_ref(), phone_side_ip, false)
            .map(|base| base.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_given_base_wins() {
        let given = Some("http://phones.example/bg/");
        assert_eq!(base("0.0.0.0:80", given, None).unwrap(), "http://phones.example/bg");
        let given = Some("http://[2001:db8::1]:8080");
        assert_eq!(base("10.0.0.9:80", given, CLUSTER).unwrap(), "http://[2001:db8::1]:8080");
    }

    #[test]
    fn a_fixed_address_is_told_as_it_is() {
        assert_eq!(base("10.0.0.9:8080", None, CLUSTER).unwrap(), "http://10.0.0.9:8080");
        assert_eq!(base("[fd00::1]:80", None, CLUSTER).unwrap(), "http://[fd00::1]:80");
    }

    #[test]
    fn all_addresses_are_narrowed_to_the_one_that_leads_to_the_cluster() {
        assert_eq!(base("0.0.0.0:8080", None, LOOPBACK).unwrap(), "http://127.0.0.1:8080");
        assert!(base("0.0.0.0:8080", None, None).unwrap_err().contains("--advertise URL"));
        let v6 = Some(IpAddr::V6(Ipv6Addr::LOCALHOST));
        assert!(base("0.0.0.0:8080", None, v6).unwrap_err().contains("other IP version"));
    }

    #[test]
    fn loopback_serves_a_cluster_on_loopback_only() {
        assert_eq!(base("127.0.0.1:8080", None, LOOPBACK).unwrap(), "http://127.0.0.1:8080");
        for (listen, advertise) in [
            ("127.0.0.1:8080", None),
            ("[::1]:8080", None),
            ("10.0.0.9:8080", Some("http://localhost:1")),
            ("10.0.0.9:8080", Some("http://[::ffff:127.0.0.1]:1")),
        ] {
            for phone_side_ip in [CLUSTER, None] {
                let error = base(listen, advertise, phone_side_ip).unwrap_err();
                assert!(error.contains("--advertise URL"), "{error}");
            }
        }
    }

    #[test]
    fn what_phones_cannot_reach_is_refused() {
        for text in [
            "http://169.254.7.7:80",
            "http://[fe80::1]:80",
            "http://224.0.0.1",
            "http://255.255.255.255",
        ] {
            let error = base("10.0.0.9:80", Some(text), CLUSTER).unwrap_err();
            assert!(
                error.contains("phones cannot download") && error.contains("--advertise"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_server_that_speaks_tls_is_told_so() {
        let listen = "10.0.0.9:8443".parse().unwrap();
        let told = |advertise: Option<&str>| {
            let advertise = advertise.map(|text| text.parse::<BaseUrl>().unwrap());
            advertised_base(listen, advertise.as_ref(), CLUSTER, true).map(|base| base.to_string())
        };
        assert_eq!(told(None).unwrap(), "https://10.0.0.9:8443");
        assert_eq!(told(Some("https://bg.example")).unwrap(), "https://bg.example");
        let error = told(Some("http://bg.example")).unwrap_err().to_string();
        assert!(error.contains("--tls-cert") && error.contains("https://"), "{error}");
        // A proxy may speak TLS where the server does not.
        assert_eq!(base("10.0.0.9:80", Some("https://p"), CLUSTER).unwrap(), "https://p");
    }

    #[test]
    fn what_is_no_base_is_refused() {
        for text in [
            "",
            "10.1.1.1:8080",
            "ftp://10.1.1.1",
            "http://",
            "http://10.1.1.1/?a=b",
            "http://10.1.1.1/#a",
            "http://0.0.0.0:8080",
        ] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
        let error = "http://user:s3cret@10.1.1.1".parse::<BaseUrl>().unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}
