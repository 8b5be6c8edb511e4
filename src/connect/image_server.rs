//! The image server, from what was typed to a server that listens.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::Layer;
use crate::connect::shared_servers::SharedServers;
use crate::domain::text::quoted;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer};
use crate::image_server::{BaseUrl, HostConfig, HostError, HostLimits, ImageHost, check_free};
use crate::net::server_certificate::ServerIdentity;

/// Where pictures are served, checked. The files of the certificate are read later.
#[derive(Clone, Debug, Default)]
pub struct ImageServerSettings {
    /// Where the image server listens.
    pub listen: Option<SocketAddr>,
    /// Under which URL phones reach it.
    pub advertise: Option<BaseUrl>,
    /// The certificate's file, where pictures are served over HTTPS.
    pub tls_cert: Option<PathBuf>,
    /// The file of its key.
    pub tls_key: Option<PathBuf>,
    /// The servers of others beside this one, where there are some: ports that are named are shared with them.
    pub shared_servers: Option<Arc<SharedServers>>,
    /// How much is given to one client.
    pub limits: HostLimits,
}

impl ImageServerSettings {
    /// Takes it out of merged settings.
    ///
    /// # Errors
    /// When the address or the URL is none; names the option or the key of the config file.
    pub fn of(settings: &Layer) -> Result<Self, AppError> {
        let listen = settings.listen.as_deref().map(listen_address).transpose();
        let advertise = settings.advertise.as_deref().map(base_url).transpose();
        Ok(Self {
            listen: listen.map_err(|error| error.context(settings.origin("listen")))?,
            advertise: advertise.map_err(|error| error.context(settings.origin("advertise")))?,
            tls_cert: settings.tls_cert.clone(),
            tls_key: settings.tls_key.clone(),
            shared_servers: None,
            limits: HostLimits::default(),
        })
    }

    /// Starts the image server; `phone_side_ip` is where phones are, as far as that is known. The observer gets every
    /// request.
    ///
    /// # Errors
    /// When it cannot listen, or when phones could not reach it.
    pub async fn start(
        &self,
        phone_side_ip: Option<IpAddr>,
        observer: &Arc<dyn Observer>,
    ) -> Result<ImageHost, AppError> {
        let advertise = self.advertised(phone_side_ip, observer.as_ref()).await?;
        let identity = self.identity()?;
        let listen = self.listen_or_default(phone_side_ip);
        let join = |host: &ImageHost| {
            host.shared(advertise.as_ref(), phone_side_ip, Arc::clone(observer)).map_err(unusable)
        };
        let start = || {
            let config = HostConfig {
                listen,
                advertise: advertise.clone(),
                phone_side_ip,
                limits: self.limits,
                tls: identity.as_ref().map(|identity| Arc::clone(&identity.config)),
            };
            ImageHost::start_watched(config, Arc::clone(observer)).map_err(unusable)
        };
        let host = match self.shared_servers.as_ref().filter(|_| listen.port() != 0) {
            Some(shared_servers) => shared_servers.serve(listen, join, start)?,
            None => start()?,
        };
        if let Some(identity) = identity {
            for doubt in identity.doubts(host.base().host(), Timestamp::now()) {
                let text = format!("phones may refuse the certificate of --tls-cert: {doubt}");
                observer.observe(&Event::Remark(text));
            }
        }
        Ok(host)
    }

    /// Makes sure that the server could start, before anything else is done: that its certificate can be read, and
    /// that the address is free where its port is named.
    ///
    /// # Errors
    /// When it could not.
    pub fn check(&self) -> Result<(), AppError> {
        self.check_certificate()?;
        match self.listen.filter(|listen| listen.port() != 0) {
            Some(listen) => check_free(listen).map_err(unusable),
            None => Ok(()),
        }
    }

    /// Makes sure that the certificate and its key can be read and belong together.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn check_certificate(&self) -> Result<(), AppError> {
        self.identity().map(drop)
    }

    /// Tells whether another one would show the same certificate.
    pub fn same_certificate(&self, other: &Self) -> bool {
        (&self.tls_cert, &self.tls_key) == (&other.tls_cert, &other.tls_key)
    }

    fn listen_or_default(&self, phone_side_ip: Option<IpAddr>) -> SocketAddr {
        match self.listen {
            Some(listen) => listen,
            // A cluster on this machine has its phones here too; no other machine needs to reach the server then.
            None if phone_side_ip.is_some_and(|ip| ip.is_loopback()) => {
                SocketAddr::from(([127, 0, 0, 1], 0))
            }
            None => SocketAddr::from(([0, 0, 0, 0], 0)),
        }
    }

    /// Returns the advertised URL. A name in it is looked up: many machines know their own name as a loopback address,
    /// and phones cannot download from there.
    async fn advertised(
        &self,
        phone_side_ip: Option<IpAddr>,
        observer: &dyn Observer,
    ) -> Result<Option<BaseUrl>, AppError> {
        let Some(base) = self.advertise.clone() else { return Ok(None) };
        let name = base.host().to_owned();
        if name.parse::<IpAddr>().is_ok() || phone_side_ip.is_some_and(|ip| ip.is_loopback()) {
            return Ok(Some(base));
        }
        let found = tokio::net::lookup_host((name.as_str(), 0)).await;
        let found: Vec<IpAddr> = found.into_iter().flatten().map(|address| address.ip()).collect();
        if found.is_empty() {
            let text = format!("this machine does not know the name {name}; phones have to");
            observer.observe(&Event::Remark(text));
        } else if found.iter().all(IpAddr::is_loopback) {
            let text = format!(
                "phones cannot download from {base}: here {name} is {}, this machine's own loopback",
                found[0]
            );
            return Err(AppError::new(ErrorKind::Failed, text).hint(
                "nothing was changed; advertise the address itself, such as http://10.1.1.5:8080",
            ));
        }
        Ok(Some(base))
    }

    fn identity(&self) -> Result<Option<ServerIdentity>, AppError> {
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => ServerIdentity::from_files(certificate, key)
                .map(Some)
                .map_err(|error| AppError::from_error(ErrorKind::Usage, error)),
            (certificate, _) => {
                let missing = match certificate {
                    Some(_) => {
                        "a certificate needs its key: --tls-key, or `tls_key` in the config file"
                    }
                    None => {
                        "a key needs its certificate: --tls-cert, or `tls_cert` in the config file"
                    }
                };
                Err(AppError::new(ErrorKind::Usage, missing)
                    .hint("give both, or none of them to serve over HTTP"))
            }
        }
    }
}

fn base_url(text: &str) -> Result<BaseUrl, AppError> {
    text.parse::<BaseUrl>()
        .map_err(|error: HostError| AppError::from_error(ErrorKind::Usage, error))
}

/// Reads an address with a port, or a port alone, which means all IPv4 addresses.
///
/// # Errors
/// When the text is neither.
pub fn listen_address(text: &str) -> Result<SocketAddr, AppError> {
    let text = text.trim();
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>().ok();
    let all_addresses = port.map(|port| SocketAddr::from(([0, 0, 0, 0], port)));
    all_addresses.or_else(|| text.parse().ok()).ok_or_else(|| {
        let wrong = format!("{} is not an address with a port", quoted(text));
        AppError::new(ErrorKind::Usage, wrong)
            .hint("write it as 10.1.1.5:8080 or [fd00::5]:8080, or as 8080 for all addresses of this machine")
    })
}

fn unusable(error: HostError) -> AppError {
    AppError::from_error(ErrorKind::Failed, error)
        .hint("nothing was changed; choose an address of this machine with --listen, and one that phones reach with --advertise")
}

/// Makes sure that the image servers of several clusters can run side by side.
///
/// # Errors
/// When two cannot share the port that both name.
pub fn check_side_by_side(clusters: &[(&str, &ImageServerSettings)]) -> Result<(), AppError> {
    let mut known: Vec<(&str, &ImageServerSettings, SocketAddr)> = Vec::new();
    for &(name, image_server) in clusters {
        let Some(listen) = image_server.listen.filter(|listen| listen.port() != 0) else {
            continue;
        };
        for (other, theirs, address) in &known {
            let why = if listen == *address && !image_server.same_certificate(theirs) {
                "with different certificates"
            } else if listen != *address && overlap(listen, *address) {
                "and one of them on every address"
            } else {
                continue;
            };
            let told = format!(
                "the image servers of the clusters {} ({address}) and {} ({listen}) would listen on \
                 one port, {why}",
                quoted(other),
                quoted(name)
            );
            return Err(AppError::new(ErrorKind::Usage, told).hint(
                "nothing was changed; give both the same listen, tls_cert and tls_key, so that they share one \
                 server, or each a port of its own",
            ));
        }
        known.push((name, image_server, listen));
    }
    Ok(())
}

/// Returns whether the two addresses exclude each other.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    // An IPv6 server on every address mostly takes IPv4 along.
    let accepts = |all: SocketAddr, one: SocketAddr| {
        all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4())
    };
    one.port() == other.port() && (accepts(one, other) || accepts(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_server(listen: &str, certificate: Option<&str>) -> ImageServerSettings {
        ImageServerSettings {
            listen: Some(listen.parse().unwrap()),
            tls_cert: certificate.map(Into::into),
            tls_key: certificate.map(Into::into),
            ..ImageServerSettings::default()
        }
    }

    fn told(one: &str, other: &str) -> Result<(), String> {
        let (one, other) = (image_server(one, None), image_server(other, None));
        check_side_by_side(&[("a", &one), ("b", &other)]).map_err(|error| error.to_string())
    }

    #[test]
    fn one_address_is_shared_and_what_overlaps_is_refused() {
        told("10.1.1.5:8080", "10.1.1.5:8080").unwrap();
        told("10.1.1.5:8080", "10.1.1.6:8080").unwrap();
        told("10.1.1.5:8080", "0.0.0.0:8081").unwrap();
        // Port 0 is another free one each time.
        told("0.0.0.0:0", "10.1.1.5:0").unwrap();
        told("0.0.0.0:8080", "[fd00::1]:8080").unwrap();
        for (one, other) in [
            ("0.0.0.0:8080", "10.1.1.5:8080"),
            ("10.1.1.5:8080", "[::]:8080"),
            ("0.0.0.0:8080", "[::]:8080"),
        ] {
            let error = told(one, other).unwrap_err();
            assert!(error.contains("one port") && error.contains("every address"), "{error}");
        }
    }

    #[test]
    fn one_port_cannot_have_two_certificates() {
        let paths = image_server("10.1.1.5:8080", Some("a.pem"));
        assert!(!paths.same_certificate(&image_server("10.1.1.5:8080", None)));
        assert!(paths.same_certificate(&image_server("10.1.1.5:8080", Some("a.pem"))));
    }

    #[test]
    fn a_port_alone_is_for_all_addresses() {
        for text in ["8080", ":8080", " 0.0.0.0:8080 "] {
            assert_eq!(listen_address(text).unwrap(), SocketAddr::from(([0, 0, 0, 0], 8080)));
        }
        assert_eq!(listen_address("[::1]:80").unwrap().to_string(), "[::1]:80");
        for text in ["banana", "", ":", "10.1.1.5", "65536", "-1", "host:80"] {
            let error = listen_address(text).unwrap_err();
            assert_eq!(error.exit(), crate::error::Exit::Usage);
            assert!(error.to_string().contains("10.1.1.5:8080"), "{error}");
        }
    }

    #[test]
    fn a_broken_value_is_named_by_where_it_comes_from() {
        let of = |layer: Layer| ImageServerSettings::of(&layer).unwrap_err().to_string();
        let some = || Some("banana".to_owned());
        let error = of(Layer { listen: some(), ..Layer::default() });
        assert!(error.contains("--listen: \"banana\""), "{error}");
        let error = of(Layer { advertise: some(), ..Layer::default() });
        assert!(error.contains("--advertise: \"banana\""), "{error}");
    }

    #[test]
    fn an_error_keeps_what_the_image_server_refused() {
        let error = base_url("ftp://10.1.1.5").unwrap_err();
        let source = std::error::Error::source(&error).and_then(|s| s.downcast_ref::<HostError>());
        assert_eq!(source.map(ToString::to_string).as_deref(), Some(error.message()));
    }
}
