//! Counts what a phone and a device pool have in hand at one time.

use crate::sim::history::Violation;
use crate::sim::shared::Shared;

/// Counts a request to a phone as in hand for as long as it lives. A phone has one at a time, whatever is asked.
pub(super) struct Asked<'a> {
    shared: &'a Shared,
    at: usize,
}

impl<'a> Asked<'a> {
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

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.shared.cluster().histories[self.at].asked -= 1;
    }
}
