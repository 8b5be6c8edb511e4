//! Configuration and limits of the image server.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use crate::image_server::BaseUrl;

#[derive(Clone, Debug)]
pub struct HostConfig {
    pub listen: SocketAddr,
    /// The base of the phones' URLs instead of the address that is listened on, for NAT and proxies.
    pub advertise: Option<BaseUrl>,
    /// An address on the phones' side, best the cluster's: it tells which of this machine's addresses
    /// phones reach, where that is not given.
    pub phone_side_ip: Option<IpAddr>,
    pub limits: HostLimits,
    pub tls: Option<Arc<ServerConfig>>,
}

/// How much time and room the clients get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostLimits {
    /// From connecting to the end of the TLS handshake, where there is one, and again to the end of a request's
    /// header.
    pub header: Duration,
    /// How long a client may take nothing of its answer.
    pub stall: Duration,
    /// From a request to the last byte of its answer being on its way.
    pub response: Duration,
    /// From the last byte of the answer until the client has closed its side and everything has been acknowledged.
    pub confirmation: Duration,
    /// Connections at the same time. Where all of them transfer a file, further ones wait.
    pub connections: usize,
    /// Connections of one address at the same time. Behind NAT a whole branch can have one address.
    pub per_peer: usize,
    /// Idle connections of all addresses together that belong to no phone of the run.
    pub strangers: usize,
    /// All connections of these addresses, those that transfer a file too: phones behind a proxy that no rule names get
    /// their pictures, and never all of the room.
    pub stranger_connections: usize,
}

impl HostLimits {
    /// The limits of a server whose files are for all clients, so that there are no strangers.
    pub fn for_everybody() -> Self {
        let limits = Self::default();
        let all = limits.connections;
        Self { strangers: all, stranger_connections: all, ..limits }
    }
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            stall: Duration::from_secs(20),
            response: Duration::from_secs(180),
            confirmation: Duration::from_secs(15),
            connections: 2_048,
            per_peer: 512,
            strangers: 64,
            stranger_connections: 1_024,
        }
    }
}
