//! Counts the pushes and requests that are in flight, so that tests see how many there were at once.

use std::sync::Arc;

use crate::sim::history::Violation;
use crate::sim::shared::Shared;
use crate::sim::state::Cluster;

/// Counts a push as in flight for as long as it lives, even if the client goes away.
pub(super) struct PushInFlight<'a> {
    shared: &'a Shared,
    at: usize,
}

impl<'a> PushInFlight<'a> {
    pub(super) fn new(shared: &'a Shared, at: usize) -> Self {
        let mut cluster = shared.cluster();
        cluster.pushes_in_flight += 1;
        cluster.most_pushes_in_flight = cluster.most_pushes_in_flight.max(cluster.pushes_in_flight);
        let device = &mut cluster.histories[at];
        device.in_flight += 1;
        device.most_in_flight = device.most_in_flight.max(device.in_flight);
        enter(&mut cluster, at);
        drop(cluster);
        Self { shared, at }
    }
}

/// Counts a phone of its device pool as busy.
pub(super) fn enter_pool(shared: &Shared, at: usize) {
    enter(&mut shared.cluster(), at);
}

pub(super) fn leave_pool(shared: &Shared, at: usize) {
    leave(&mut shared.cluster(), at);
}

fn enter(cluster: &mut Cluster, at: usize) {
    let device = Arc::clone(&cluster.devices[at]);
    let pool = device.spec.device_pool.as_str();
    let Some(now) = cluster.at_once.get_mut(pool) else {
        cluster.at_once.insert(pool.to_owned(), 1);
        // That there was one at once is known from here on.
        cluster.most_at_once.entry(pool.to_owned()).or_insert(1);
        return;
    };
    *now += 1;
    let now = *now;
    if let Some(most) = cluster.most_at_once.get_mut(pool) {
        *most = now.max(*most);
    }
}

fn leave(cluster: &mut Cluster, at: usize) {
    let device = Arc::clone(&cluster.devices[at]);
    if let Some(now) = cluster.at_once.get_mut(&device.spec.device_pool) {
        *now -= 1;
    }
}

impl Drop for PushInFlight<'_> {
    fn drop(&mut self) {
        let mut cluster = self.shared.cluster();
        leave(&mut cluster, self.at);
        cluster.pushes_in_flight -= 1;
        cluster.histories[self.at].in_flight -= 1;
    }
}

/// Counts a request to a phone as in flight for as long as it lives. A phone may have one at a time.
pub(super) struct RequestInFlight<'a> {
    shared: &'a Shared,
    at: usize,
}

impl<'a> RequestInFlight<'a> {
    pub(super) fn new(shared: &'a Shared, at: usize) -> Self {
        let mut cluster = shared.cluster();
        let history = &mut cluster.histories[at];
        history.asked += 1;
        let at_once = history.asked;
        if at_once > 1 {
            let phone = cluster.devices[at].spec.name.clone();
            cluster.violations.push(Violation::RequestsAtOnce { phone, at_once });
        }
        drop(cluster);
        Self { shared, at }
    }
}

impl Drop for RequestInFlight<'_> {
    fn drop(&mut self) {
        self.shared.cluster().histories[self.at].asked -= 1;
    }
}
