//! How often passwords may be tried.
//!
//! Failures of one name from one network, and of one network altogether, make the next attempt wait, a minute at most. No
//! name is refused for longer, so an attacker cannot lock a user out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The failed attempts that still count.
#[derive(Debug, Default)]
pub(crate) struct LoginLimit {
    failures: Mutex<HashMap<Key, Failures>>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Key {
    Name(String, Network),
    Network(Network),
}

/// An IPv4 address, or the network of an IPv6 address: one host can take any address of it.
type Network = [u8; 8];

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl LoginLimit {
    /// Returns how long the next attempt has to wait; nothing where it may be made now.
    pub(crate) fn wait(&self, name: &str, peer: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = keys(name, peer).into_iter().filter_map(|(key, free)| {
            let failed = failures.get(&key)?;
            let pause = pause(failed.count.checked_sub(free)?);
            pause.checked_sub(now.duration_since(failed.last)).filter(|left| !left.is_zero())
        });
        waits.max()
    }

    /// Notes an attempt before its password is checked, so that attempts at the same time count too.
    pub(crate) fn begin(&self, name: &str, peer: IpAddr, now: Instant) {
        let keys = keys(name, peer);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST_KEYS {
            failures.retain(|_, failed| now.duration_since(failed.last) < FORGOTTEN);
        }
        if failures.len() >= MOST_KEYS {
            failures.clear();
        }
        for (key, _) in keys {
            let failed = failures.entry(key).or_insert(Failures { count: 0, last: now });
            if now.duration_since(failed.last) >= FORGOTTEN {
                failed.count = 0;
            }
            *failed = Failures { count: failed.count.saturating_add(1), last: now };
        }
        drop(failures);
    }

    /// Forgets the failures of a name from a network where it logged in.
    pub(crate) fn succeeded(&self, name: &str, peer: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(name, peer) {
            match key {
                Key::Name(..) => drop(failures.remove(&key)),
                Key::Network(_) => {
                    if let Some(failed) = failures.get_mut(&key) {
                        failed.count = failed.count.saturating_sub(1);
                    }
                }
            }
        }
    }
}

/// Returns what an attempt counts for, each with how many failures cost nothing.
fn keys(name: &str, peer: IpAddr) -> [(Key, u32); 2] {
    let network = match peer.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [0, 0, 0, 0, a, b, c, d]
        }
        IpAddr::V6(address) => address.octets().first_chunk().copied().unwrap_or_default(),
    };
    let name = name.chars().take(LONGEST_NAME).collect::<String>().to_lowercase();
    [(Key::Name(name, network), FREE_OF_NAME), (Key::Network(network), FREE_OF_NETWORK)]
}

fn pause(more: u32) -> Duration {
    (FIRST_PAUSE * 2_u32.pow(more.min(6))).min(LONGEST_PAUSE)
}

const FREE_OF_NAME: u32 = 5;
const FREE_OF_NETWORK: u32 = 30;
const FIRST_PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
const MOST_KEYS: usize = 10_000;
const LONGEST_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_make_the_next_attempt_wait_and_lock_nobody_out() {
        let limit = LoginLimit::default();
        let (start, evil) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
        for _ in 0..FREE_OF_NAME {
            assert_eq!(limit.wait("bob", evil, start), None);
            limit.begin("BOB", evil, start);
        }
        assert_eq!(limit.wait("bob", evil, start), Some(FIRST_PAUSE));
        for _ in 0..100 {
            limit.begin("bob", evil, start);
        }
        assert_eq!(limit.wait("bob", evil, start), Some(LONGEST_PAUSE));
        // Another name waits too, because one host tries many.
        assert!(limit.wait("eve", evil, start).is_some());
        // The user comes from another address, or a minute later.
        assert_eq!(limit.wait("bob", IpAddr::from([10, 0, 0, 2]), start), None);
        assert_eq!(limit.wait("bob", evil, start + LONGEST_PAUSE), None);
        limit.begin("bob", evil, start + LONGEST_PAUSE);
        limit.succeeded("bob", evil);
        let one_network = ["2001:db8::1", "2001:db8::ffff:2"].map(|ip| ip.parse().unwrap());
        assert_eq!(keys("a", one_network[0]), keys("a", one_network[1]));
    }

    #[test]
    fn who_logs_in_starts_anew() {
        let limit = LoginLimit::default();
        let (start, peer) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
        for _ in 0..=FREE_OF_NAME {
            limit.begin("bob", peer, start);
        }
        assert!(limit.wait("bob", peer, start).is_some());
        limit.succeeded("bob", peer);
        assert_eq!(limit.wait("bob", peer, start), None);
        for n in 0..20_000 {
            limit.begin(&format!("user {n}"), peer, start);
        }
        assert!(limit.failures.lock().unwrap().len() <= MOST_KEYS + 1);
    }
}
