//! One image server for several clusters whose settings name the same port.
//!
//! Nobody can listen twice on one port. What is published has a path of its own for each phone, so one server can
//! serve all clusters; only where it would have to be two things at once is there nothing to share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use crate::connect::image_server::Serving;
use crate::error::{AppError, ErrorKind};
use crate::image_server::ImageHost;

/// The servers that clusters share, by the address that was asked for.
#[derive(Debug, Default)]
pub struct Ports(Mutex<HashMap<SocketAddr, ImageHost>>);

impl Ports {
    /// Returns the server of this address for one more user: `join` makes it one where it runs already, `start` starts
    /// it otherwise.
    ///
    /// # Errors
    /// As these two.
    pub fn serve(
        &self,
        listen: SocketAddr,
        join: impl Fn(&ImageHost) -> Result<ImageHost, AppError>,
        start: impl FnOnce() -> Result<ImageHost, AppError>,
    ) -> Result<ImageHost, AppError> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(&listen) {
            return join(server);
        }
        let server = start()?;
        let kept = join(&server)?;
        servers.insert(listen, kept);
        drop(servers);
        Ok(server)
    }

    /// Leaves the servers to their users, so that each ends with its last one.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Makes sure that the image servers of several clusters can run side by side.
///
/// # Errors
/// When one of them cannot be as it is configured, or when two cannot share the port that both name.
pub fn check(clusters: &[(&str, &Serving)]) -> Result<(), AppError> {
    let mut known: Vec<(&str, &Serving, SocketAddr)> = Vec::new();
    for &(name, serving) in clusters {
        let fixed = serving.check().map_err(|error| error.within(name))?;
        let Some(listen) = fixed else { continue };
        for (other, theirs, address) in &known {
            let why = if listen == *address && !serving.same_certificate(theirs) {
                "with different certificates"
            } else if listen != *address && overlap(listen, *address) {
                "and one of them on every address"
            } else {
                continue;
            };
            let told = format!(
                "the image servers of the clusters {other:?} ({address}) and {name:?} ({listen}) would listen on \
                 one port, {why}"
            );
            return Err(AppError::new(ErrorKind::Usage, told).hint(
                "nothing was changed; give both the same listen, tls_cert and tls_key, so that they share one \
                 server, or each a port of its own",
            ));
        }
        known.push((name, serving, listen));
    }
    Ok(())
}

/// Tells whether nobody can listen on both addresses.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    // An IPv6 server on every address mostly takes IPv4 along.
    let takes = |all: SocketAddr, one: SocketAddr| {
        all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4())
    };
    one.port() == other.port() && (takes(one, other) || takes(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serving(listen: &str, certificate: Option<&str>) -> Serving {
        Serving {
            listen: Some(listen.to_owned()),
            tls_cert: certificate.map(Into::into),
            tls_key: certificate.map(Into::into),
            ..Serving::default()
        }
    }

    fn told(one: &str, other: &str) -> Result<(), String> {
        let (one, other) = (serving(one, None), serving(other, None));
        check(&[("a", &one), ("b", &other)]).map_err(|error| error.to_string())
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
        assert!(told("here", "0.0.0.0:1").unwrap_err().contains("cluster \"a\""));
    }

    #[test]
    fn one_port_cannot_have_two_certificates() {
        let paths = serving("10.1.1.5:8080", Some("a.pem"));
        assert!(!paths.same_certificate(&serving("10.1.1.5:8080", None)));
        assert!(paths.same_certificate(&serving("10.1.1.5:8080", Some("a.pem"))));
    }
}
