//! Why pictures cannot be served.

use crate::domain::text::quoted;
use std::io;
use std::net::{IpAddr, SocketAddr};

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("cannot serve pictures on {listen}; choose another with `--listen ADDR:PORT`")]
    Bind {
        listen: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(
        "{} is no base for the pictures' addresses: {why}; give one like http://10.1.1.1:8080",
        quoted(text)
    )]
    BadAdvertise { text: String, why: &'static str },
    /// Phones would look for the pictures on themselves.
    #[error(
        "phones cannot download from {base}, which is this machine's own loopback; listen on an \
         address that they reach, or name one with `--advertise URL`"
    )]
    LoopbackOnly { base: String },
    /// Such an address is not reachable from other networks.
    #[error(
        "phones cannot download from {base}, which is {why}; name an address that they reach with \
         `--advertise URL`"
    )]
    Unreachable { base: String, why: &'static str },
    /// The server speaks HTTPS, and phones would get an HTTP URL.
    #[error(
        "phones would get {base}, but with --tls-cert pictures are served over HTTPS only; advertise \
         an https:// address, or leave --tls-cert and --tls-key out"
    )]
    PlainAdvertised { base: String },
    /// Listening on all addresses, and which one of them phones reach is not known.
    #[error(
        "cannot tell which address of this machine phones reach while listening on {listen}; name \
         it with `--advertise URL`"
    )]
    NoHint { listen: SocketAddr },
    /// The cluster is reached by another IP version than pictures are served on.
    #[error(
        "pictures are served on {listen}, but the cluster at {remote} is reached by the other IP \
         version; name an address that phones reach with `--advertise URL`"
    )]
    OtherFamily { listen: SocketAddr, remote: IpAddr },
    /// No local address leads to the cluster.
    #[error(
        "cannot find the address of this machine that leads to {remote}; name it with \
         `--advertise URL`"
    )]
    NoRoute {
        remote: IpAddr,
        #[source]
        source: io::Error,
    },
    /// The operating system gave no random bytes, so no address would be safe from guessing.
    #[error("the operating system gives no random bytes for the pictures' addresses: {why}")]
    NoRandomness { why: String },
}
