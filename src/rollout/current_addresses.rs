//! Reads the addresses of phones again while a push runs: phones restart, move, and get new leases.

use futures::future::{BoxFuture, FutureExt as _};

use crate::connect::cluster::ClusterClients;
use crate::domain::error_chain::error_chain;
use crate::domain::nat::{DownloadSources, NatRules};
use crate::domain::registration::Source;
use crate::push::Target;
use crate::push::addresses::{AddressLookup, LookedUp};
use crate::survey::registrations_of;

/// Asks the cluster for registrations, within the rate that RisPort70 allows.
pub(crate) struct CurrentAddresses {
    pub(crate) cluster: ClusterClients,
    pub(crate) registrations: Source,
    /// The nodes of the cluster.
    pub(crate) nodes: Vec<String>,
    pub(crate) nat: NatRules,
}

impl AddressLookup for CurrentAddresses {
    fn look_up(&self, targets: Vec<Target>) -> BoxFuture<'_, LookedUp> {
        async move {
            let Self { cluster, registrations, nodes, nat } = self;
            let names = targets.iter().map(|target| target.name.clone()).collect();
            let now =
                registrations_of(&cluster.axl, &cluster.ris, names, nodes, *registrations).await;
            let mut now = now.map_err(|error| error_chain(&error))?;
            let moved = targets.into_iter().filter_map(|target| {
                let registration = now.remove(&target.name)?;
                let ip = registration.reachable_ip()?;
                let sources = DownloadSources::of(registration.own_addresses());
                Some(Target { ip, sources, ..target }.behind(nat))
            });
            Ok(moved.collect())
        }
        .boxed()
    }
}
