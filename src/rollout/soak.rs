//! Checks after the soak period of a wave whether its phones are still registered.

use std::collections::HashSet;

use futures::future::{BoxFuture, FutureExt as _};

use crate::connect::cluster::ClusterClients;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::inventory::Inventory;
use crate::domain::registration::{Source, Status};
use crate::push::scheduler::waves::{SoakCheck, SoakFindings};
use crate::survey::look_again;

/// Asks the cluster for the registrations of phones.
pub(crate) struct RegistrationCheck<'a> {
    pub(crate) cluster: &'a ClusterClients,
    pub(crate) registrations: Source,
    /// The cluster before the push.
    pub(crate) inventory: &'a Inventory,
}

impl SoakCheck for RegistrationCheck<'_> {
    fn check<'a>(
        &'a self,
        phones: &'a [DeviceName],
    ) -> BoxFuture<'a, Result<SoakFindings, String>> {
        async move {
            let asked: HashSet<DeviceName> = phones.iter().cloned().collect();
            let mut now = self.inventory.clone();
            now.phones.retain(|phone| asked.contains(&phone.name));
            let (axl, ris) = (&self.cluster.axl, &self.cluster.ris);
            let looked = look_again(axl, ris, &mut now, &asked, self.registrations).await;
            looked.map_err(|error| error_chain(&error))?;
            let mut found = SoakFindings::default();
            for phone in now.phones {
                match phone.registration.status {
                    Status::Registered | Status::PartiallyRegistered => {}
                    Status::Unregistered | Status::Rejected | Status::NotFound => {
                        found.lost.push(phone.name);
                    }
                    Status::Unknown => found.unknown += 1,
                }
            }
            Ok(found)
        }
        .boxed()
    }
}
