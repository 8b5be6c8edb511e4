//! The state that the connections of the image server share.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::image_server::HostLimits;
use crate::image_server::published::{Table, Watcher};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: HostLimits,
    pub(crate) table: Table,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Who is told of requests for what is not published: nobody knows whose phones ask for that, so it is whoever
    /// started the server.
    pub(crate) strays: Watcher,
}
