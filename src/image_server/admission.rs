//! Which connections are served, so that idle ones never keep a phone from its picture.
//!
//! A connection is idle until its client has asked for a published file. Where there is no room for another one, the
//! oldest idle connection makes room for it. Addresses that belong to no phone of the run share a small quota of idle
//! connections, and may never have all of the others.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::image_server::HostLimits;

#[derive(Debug, Default)]
pub(crate) struct Admission {
    open: Mutex<Open>,
    /// Whether the log has the warning that connections are closed for want of room.
    told: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the next connection: they are in the order in which they came.
    next: u64,
    all: BTreeMap<u64, Connection>,
    by_address: HashMap<IpAddr, usize>,
    strangers: usize,
    idle_strangers: usize,
}

#[derive(Debug)]
struct Connection {
    address: IpAddr,
    is_stranger: bool,
    is_idle: bool,
    cut: CancellationToken,
}

#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    number: u64,
}

impl Admission {
    /// Lets a connection in, and cuts an idle one where there is no room for both; nothing where there is none to cut.
    /// `cut` is cancelled when the new connection has to make room in its turn.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        is_stranger: bool,
        limits: &HostLimits,
        cut: CancellationToken,
    ) -> Option<Admitted> {
        let mut open = self.lock();
        let of_address = open.by_address.get(&address).copied().unwrap_or_default();
        let is_crowded = of_address >= limits.per_peer;
        let idle_too_many = |open: &Open| is_stranger && open.idle_strangers >= limits.strangers;
        let too_many = |open: &Open| is_stranger && open.strangers >= limits.stranger_connections;
        if is_crowded || idle_too_many(&open) || too_many(&open) {
            self.tell(address);
        }
        if is_crowded && !open.evict(|one| one.address == address) {
            return None;
        }
        // The one that was just cut may have been a stranger's.
        if (idle_too_many(&open) || too_many(&open)) && !open.evict(|one| one.is_stranger) {
            return None;
        }
        if open.all.len() >= limits.connections {
            // Without an idle one the newcomer waits until a transfer has ended.
            open.evict(|_| true);
        }
        let number = open.next;
        open.next += 1;
        *open.by_address.entry(address).or_default() += 1;
        open.strangers += usize::from(is_stranger);
        open.idle_strangers += usize::from(is_stranger);
        open.all.insert(number, Connection { address, is_stranger, is_idle: true, cut });
        drop(open);
        Some(Admitted { admission: Arc::clone(self), number })
    }

    fn tell(&self, address: IpAddr) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(%address, "too many connections to the image server: idle ones are closed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Every change under the lock is one step, so a panic elsewhere leaves nothing half-done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Cuts the oldest idle connection of this kind; false where there is none.
    fn evict(&mut self, fits: impl Fn(&Connection) -> bool) -> bool {
        let oldest = self.all.iter().find(|(_, one)| one.is_idle && fits(one));
        let Some(number) = oldest.map(|(number, _)| *number) else { return false };
        if let Some(evicted) = self.leave(number) {
            evicted.cut.cancel();
        }
        true
    }

    fn leave(&mut self, number: u64) -> Option<Connection> {
        let gone = self.all.remove(&number)?;
        self.strangers -= usize::from(gone.is_stranger);
        self.idle_strangers -= usize::from(gone.is_stranger && gone.is_idle);
        if let Some(count) = self.by_address.get_mut(&gone.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&gone.address);
            }
        }
        Some(gone)
    }
}

impl Admitted {
    /// Says that the client gets a published file now: it is not cut any more to make room.
    pub(crate) fn transfers(&self) {
        let mut open = self.admission.lock();
        if let Some(connection) = open.all.get_mut(&self.number) {
            let was_idle = std::mem::replace(&mut connection.is_idle, false);
            let is_stranger = connection.is_stranger;
            open.idle_strangers -= usize::from(is_stranger && was_idle);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        // One that was cut has left already.
        let gone = self.admission.lock().leave(self.number);
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(connections: usize, per_peer: usize, strangers: usize) -> HostLimits {
        let stranger_connections = strangers + 1;
        HostLimits {
            connections,
            per_peer,
            strangers,
            stranger_connections,
            ..HostLimits::default()
        }
    }

    fn enter(
        admission: &Arc<Admission>,
        last: u8,
        is_stranger: bool,
        limits: &HostLimits,
    ) -> Option<(Admitted, CancellationToken)> {
        let cut = CancellationToken::new();
        let address = IpAddr::from([10, 0, u8::from(is_stranger), last]);
        admission.enter(address, is_stranger, limits, cut.clone()).map(|admitted| (admitted, cut))
    }

    #[test]
    fn the_oldest_idle_stranger_makes_room_and_a_transfer_does_not() {
        let (admission, limits) = (Arc::default(), limits(99, 99, 2));
        let (one, cut_one) = enter(&admission, 1, true, &limits).unwrap();
        let (two, cut_two) = enter(&admission, 2, true, &limits).unwrap();
        one.transfers();
        let (three, cut_three) = enter(&admission, 3, true, &limits).unwrap();
        assert!(!cut_one.is_cancelled() && !cut_two.is_cancelled(), "one is not idle any more");
        let (four, cut_four) = enter(&admission, 4, true, &limits).unwrap();
        assert!(cut_two.is_cancelled() && !cut_three.is_cancelled());
        three.transfers();
        four.transfers();
        assert!(enter(&admission, 5, true, &limits).is_none(), "all of them transfer");
        // A phone does not care.
        let (_phone, _) = enter(&admission, 6, false, &limits).unwrap();
        assert!(![&cut_one, &cut_three, &cut_four].iter().any(|cut| cut.is_cancelled()));
        drop(two);
        assert!(enter(&admission, 5, true, &limits).is_none(), "one that was cut counts once");
        drop(one);
        assert!(enter(&admission, 5, true, &limits).is_some());
    }

    #[test]
    fn an_address_has_its_own_limit_and_all_have_one_together() {
        let admission = Arc::default();
        let limits = limits(3, 2, 9);
        let first: Vec<_> = (0..3).map(|_| enter(&admission, 1, false, &limits).unwrap()).collect();
        assert!(first[0].1.is_cancelled() && !first[1].1.is_cancelled());
        let (_other, cut) = enter(&admission, 2, false, &limits).unwrap();
        let (_third, _) = enter(&admission, 3, false, &limits).unwrap();
        assert!(first[1].1.is_cancelled() && !first[2].1.is_cancelled() && !cut.is_cancelled());
    }

    /// Checks that the counts are right and within the limits of the property below.
    fn check(open: &Open) {
        let strangers = || open.all.values().filter(|one| one.is_stranger);
        assert!(open.idle_strangers <= 2 && open.strangers <= 3);
        assert_eq!(open.strangers, strangers().count());
        assert_eq!(open.idle_strangers, strangers().filter(|one| one.is_idle).count());
        assert_eq!(open.by_address.values().sum::<usize>(), open.all.len());
        assert!(open.by_address.values().all(|count| (1..=3).contains(count)));
    }

    proptest! {
        #[test]
        fn limits_hold_and_a_phone_always_comes_in(
            steps in proptest::collection::vec((0_u8..4, 0_u8..6, any::<bool>()), 1..120),
        ) {
            let (admission, limits) = (Arc::default(), limits(6, 3, 2));
            let mut held: Vec<Admitted> = Vec::new();
            for (what, n, is_stranger) in steps {
                match what {
                    0 => held.truncate(usize::from(n)),
                    1 => if let Some(one) = held.get(usize::from(n)) { one.transfers() },
                    _ => {
                        let transfers = |admission: &Arc<Admission>| {
                            let open = admission.lock();
                            open.all.values().filter(|one| !one.is_idle).count()
                        };
                        let busy = transfers(&admission);
                        let entered = enter(&admission, n, is_stranger, &limits);
                        prop_assert!(entered.is_some() || busy > 0);
                        prop_assert_eq!(transfers(&admission), busy, "a transfer was cut");
                        held.extend(entered.map(|(one, _)| one));
                    }
                }
                check(&admission.lock());
            }
        }
    }
}
