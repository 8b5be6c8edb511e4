//! One image server for several clusters whose settings name the same port.
//!
//! Two servers cannot listen on one port. What is published has a path of its own for each phone, so one server can
//! serve all clusters; only where it would have to be two things at once is there nothing to share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use crate::error::AppError;
use crate::image_server::ImageHost;

/// The servers that clusters share, by the address that was asked for.
#[derive(Debug, Default)]
pub struct SharedServers(Mutex<HashMap<SocketAddr, ImageHost>>);

impl SharedServers {
    /// Returns the server of this address for one more user: `join` makes it one where it runs already, `start` starts
    /// it otherwise.
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
