//! Counts who is being pushed to, so that tests can see how many there were at once.

use crate::sim::Shared;

/// Counts a push as in hand for as long as it lives, even if the client goes away.
pub(super) struct InHand<'a> {
    shared: &'a Shared,
    at: usize,
}

impl<'a> InHand<'a> {
    pub(super) fn new(shared: &'a Shared, at: usize) -> Self {
        let mut cluster = shared.cluster();
        cluster.pushes_in_flight += 1;
        cluster.most_pushes_in_flight = cluster.most_pushes_in_flight.max(cluster.pushes_in_flight);
        let device = &mut cluster.histories[at];
        device.in_flight += 1;
        device.most_in_flight = device.most_in_flight.max(device.in_flight);
        drop(cluster);
        enter_pool(shared, at);
        Self { shared, at }
    }
}

/// Counts a phone of its device pool as busy.
pub(super) fn enter_pool(shared: &Shared, at: usize) {
    let mut cluster = shared.cluster();
    let pool = cluster.devices[at].spec.device_pool.clone();
    let now = cluster.at_once.entry(pool.clone()).or_default();
    *now += 1;
    let now = *now;
    let most = cluster.most_at_once.entry(pool).or_default();
    *most = now.max(*most);
    drop(cluster);
}

pub(super) fn leave_pool(shared: &Shared, at: usize) {
    let mut cluster = shared.cluster();
    let pool = cluster.devices[at].spec.device_pool.clone();
    if let Some(now) = cluster.at_once.get_mut(&pool) {
        *now -= 1;
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        leave_pool(self.shared, self.at);
        let mut cluster = self.shared.cluster();
        cluster.pushes_in_flight -= 1;
        cluster.histories[self.at].in_flight -= 1;
    }
}
