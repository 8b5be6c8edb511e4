//! What the servers of the simulated cluster share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Restart, SimConfig};
use super::events::Events;
use super::limits::Memory;
use super::phones::certificate::Maker;
use super::phones::connection::SharedLink;
use super::phones::listeners::Listeners;
use super::state::Cluster;
use crate::domain::model::Size;

pub(crate) struct Shared {
    /// As in [`Database`](super::state::Database).
    pub(crate) config: Arc<SimConfig>,
    pub(crate) page_url: String,
    pub(crate) events: Events,
    pub(super) cluster: Mutex<Cluster>,
    pub(super) pictures: Mutex<HashMap<String, Option<Size>>>,
    pub(crate) decoy_host: SocketAddr,
    pub(super) tomcat: mpsc::UnboundedSender<Restart>,
    pub(crate) pool_bandwidth: HashMap<String, Arc<SharedLink>>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) phone_tls_port: u16,
    pub(crate) maker: Maker,
    pub(crate) listeners: Listeners,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    /// Locks the cluster's state. A panic elsewhere does not make it unreadable.
    pub(crate) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pictures(&self) -> MutexGuard<'_, HashMap<String, Option<Size>>> {
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
