//! What the server is told at its start.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::host::BaseUrl;

/// Where to serve, and as whom.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What phones are told instead of the address that is listened on, for NAT and proxies.
    pub advertise: Option<BaseUrl>,
    /// An address on the phones' side, best the cluster's: it tells which of this machine's addresses
    /// phones reach, where that is not given.
    pub toward: Option<IpAddr>,
    /// How much is given to one client.
    pub limits: HostLimits,
}

/// How much time and room the clients get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostLimits {
    /// From connecting to the end of the request's header.
    pub header: Duration,
    /// From connecting to the last byte of the answer being on its way.
    pub response: Duration,
    /// From there until the client has closed its side and everything has been acknowledged.
    pub farewell: Duration,
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            response: Duration::from_secs(60),
            farewell: Duration::from_secs(15),
            connections: 2_048,
        }
    }
}
