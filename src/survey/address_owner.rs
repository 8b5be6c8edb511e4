//! Who lives at an address that is reported for more than one phone.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use futures::stream::{self, StreamExt as _};

use crate::domain::inventory::{AddressOwner, Phone};
use crate::phone::{Https, PhoneClient, who_is_there};

/// Asks every such address once for the device that answers there. No credentials are sent.
pub(crate) async fn ask(
    client: &PhoneClient,
    https: Option<&Https>,
    phones: &[Phone],
) -> BTreeMap<IpAddr, AddressOwner> {
    let asked = shared(phones).into_iter().map(|ip| async move {
        let address_owner = match who_is_there(client, https, ip).await {
            Ok(found) => {
                found.host_name.or(found.mac).map_or(AddressOwner::Nameless, AddressOwner::Device)
            }
            Err(_) => AddressOwner::Silent,
        };
        (ip, address_owner)
    });
    stream::iter(asked).buffer_unordered(AT_ONCE).collect().await
}

/// Returns the addresses that more than one reachable phone has.
fn shared(phones: &[Phone]) -> Vec<IpAddr> {
    let mut count: HashMap<IpAddr, usize> = HashMap::new();
    for ip in phones.iter().filter_map(|phone| phone.registration.reachable_ip()) {
        *count.entry(ip).or_default() += 1;
    }
    let mut shared: Vec<IpAddr> =
        count.into_iter().filter(|(_, count)| *count > 1).map(|(ip, _)| ip).collect();
    shared.sort_unstable();
    shared
}

const AT_ONCE: usize = 16;
