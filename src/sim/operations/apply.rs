//! `applyPhone`, `resetPhone` and the same for all phones of a Common Phone Profile.

use super::call::{Call, written};
use super::{phones, profiles};
use crate::sim::fault::SoapFault;
use crate::sim::restart::Order;
use crate::sim::state::Cluster;

/// Tells one phone.
pub(super) fn phone(
    cluster: &mut Cluster,
    call: &Call<'_>,
    order: Order,
) -> Result<String, SoapFault> {
    let found = phones::find(cluster, call.request);
    let at = found.ok_or_else(|| SoapFault::no_target("Phone"))?;
    let device = &cluster.devices[at];
    let (name, uuid) = (device.spec.name.clone(), device.uuid.clone());
    cluster.tell(at, order);
    written(cluster, call, name, 1);
    Ok(format!("<return>{uuid}</return>"))
}

/// Tells every phone of a profile.
pub(super) fn profile(
    cluster: &mut Cluster,
    call: &Call<'_>,
    order: Order,
) -> Result<String, SoapFault> {
    let found = profiles::find(cluster, call.request);
    let at = found.ok_or_else(|| SoapFault::no_target("CommonPhoneConfig"))?;
    let entry = &cluster.profiles.entries[at];
    let (name, uuid) = (entry.name.clone(), entry.uuid.clone());
    let of_profile = |&device: &usize| cluster.devices[device].profile == at;
    let phones: Vec<usize> = cluster.order.iter().copied().filter(of_profile).collect();
    for &phone in &phones {
        cluster.tell(phone, order);
    }
    // The profile itself is told to the nodes too.
    written(cluster, call, name, 1 + phones.len());
    Ok(format!("<return>{uuid}</return>"))
}
