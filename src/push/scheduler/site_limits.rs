//! How many phones of one device pool, and of one subnet, are pushed to at once.
//!
//! A site behind a low-bandwidth WAN link must not be flooded with downloads, however many phones are pushed to in all.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::push::Target;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::settings::SiteLimitConfig;

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum LimitKey {
    Pool(String),
    Subnet(IpNet),
}

#[derive(Debug, Default)]
pub(crate) struct SiteLimits {
    caps: SiteLimitConfig,
    taken: HashMap<LimitKey, usize>,
}

impl SiteLimits {
    pub(crate) fn new(caps: SiteLimitConfig) -> Self {
        Self { caps, taken: HashMap::new() }
    }

    /// Counts a push to a phone at its sites, or returns the site that is full.
    pub(crate) fn take(&mut self, target: &Target) -> Result<(), LimitKey> {
        let site_limits = self.of(target);
        if let Some(full) = site_limits.iter().find(|key| self.is_full(key)) {
            return Err(full.clone());
        }
        for key in site_limits {
            *self.taken.entry(key).or_default() += 1;
        }
        Ok(())
    }

    /// Ends the push to a phone at its sites. Returns those that have room again.
    pub(crate) fn give_back(&mut self, target: &Target) -> Vec<LimitKey> {
        let site_limits = self.of(target);
        for key in &site_limits {
            if let Some(taken) = self.taken.get_mut(key) {
                *taken = taken.saturating_sub(1);
            }
        }
        site_limits
    }

    /// Returns the sites of a phone that are not full.
    fn open(&self, target: &Target) -> Vec<LimitKey> {
        self.of(target).into_iter().filter(|key| !self.is_full(key)).collect()
    }

    fn is_full(&self, key: &LimitKey) -> bool {
        let cap = match key {
            LimitKey::Pool(_) => self.caps.per_pool,
            LimitKey::Subnet(_) => self.caps.per_subnet,
        };
        let taken = self.taken.get(key).copied().unwrap_or_default();
        cap.is_some_and(|cap| taken >= cap.max(1))
    }

    /// Returns the sites of a phone that have a limit.
    fn of(&self, target: &Target) -> Vec<LimitKey> {
        let pool = self.caps.per_pool.map(|_| LimitKey::Pool(target.device_pool.clone()));
        let subnet = self.caps.per_subnet.map(|_| LimitKey::Subnet(subnet(target.ip)));
        pool.into_iter().chain(subnet).collect()
    }
}

fn subnet(ip: IpAddr) -> IpNet {
    let length = if ip.is_ipv4() { 24 } else { 64 };
    IpNet::new(ip, length).map_or_else(|_| ip.into(), |net| net.trunc())
}

/// Phones in the order in which they are pushed to. Those whose site is full wait until it has room.
#[derive(Default)]
pub(crate) struct SiteQueue {
    next: VecDeque<PhoneTask>,
    aside: HashMap<LimitKey, VecDeque<PhoneTask>>,
    standing_aside: usize,
}

impl SiteQueue {
    /// Takes the next phone whose sites have room, and counts it there.
    pub(crate) fn pop(&mut self, site_limits: &mut SiteLimits) -> Option<PhoneTask> {
        while let Some(task) = self.next.pop_front() {
            match site_limits.take(&task.target) {
                Ok(()) => return Some(task),
                Err(full) => {
                    // The room that it did not take is free for the next phone.
                    let open = site_limits.open(&task.target);
                    self.standing_aside += 1;
                    self.aside.entry(full).or_default().push_back(task);
                    open.iter().for_each(|key| self.has_room(key));
                }
            }
        }
        None
    }

    /// Returns the next phone, unless its site is full.
    pub(crate) fn front(&self) -> Option<&PhoneTask> {
        self.next.front()
    }

    /// Puts one of the phones that wait for this site at the front.
    pub(crate) fn has_room(&mut self, key: &LimitKey) {
        let Some(waiting) = self.aside.get_mut(key) else { return };
        if let Some(task) = waiting.pop_front() {
            self.standing_aside -= 1;
            self.next.push_front(task);
        }
        if waiting.is_empty() {
            self.aside.remove(key);
        }
    }

    pub(crate) fn push_back(&mut self, task: PhoneTask) {
        self.next.push_back(task);
    }

    pub(crate) fn push_front(&mut self, task: PhoneTask) {
        self.next.push_front(task);
    }

    pub(crate) fn len(&self) -> usize {
        self.next.len() + self.standing_aside
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = PhoneTask> + use<> {
        let Self { next, aside, .. } = std::mem::take(self);
        next.into_iter().chain(aside.into_values().flatten())
    }
}

impl From<Vec<PhoneTask>> for SiteQueue {
    fn from(tasks: Vec<PhoneTask>) -> Self {
        Self { next: tasks.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use tokio::time::Instant;

    use super::*;
    use crate::push::scheduler::tests::target;

    fn task(n: u8, pool: &str, ip: [u8; 4]) -> PhoneTask {
        let mut target = target(n);
        target.device_pool = pool.to_owned();
        target.ip = ip.into();
        PhoneTask::new(target, Instant::now())
    }

    #[test]
    fn a_full_pool_stands_aside_and_the_others_go_on() {
        let caps = SiteLimitConfig { per_pool: Some(1), per_subnet: None };
        let mut site_limits = SiteLimits::new(caps);
        let tasks = vec![
            task(1, "A", [10, 0, 0, 1]),
            task(2, "A", [10, 0, 0, 2]),
            task(3, "B", [10, 0, 0, 3]),
        ];
        let mut queue = SiteQueue::from(tasks);
        let first = queue.pop(&mut site_limits).unwrap();
        let second = queue.pop(&mut site_limits).unwrap();
        assert_eq!(
            (first.target.device_pool.as_str(), second.target.device_pool.as_str()),
            ("A", "B")
        );
        assert!(queue.pop(&mut site_limits).is_none());
        assert_eq!(queue.len(), 1);
        for key in site_limits.give_back(&first.target) {
            queue.has_room(&key);
        }
        assert_eq!(queue.pop(&mut site_limits).unwrap().target.name, target(2).name);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_subnet_is_a_24_or_a_64() {
        assert_eq!(subnet([10, 1, 2, 3].into()).to_string(), "10.1.2.0/24");
        assert_eq!(subnet("2001:db8:1:2:3::4".parse().unwrap()).to_string(), "2001:db8:1:2::/64");
    }

    proptest! {
        /// In whatever order pushes begin and end, no limit is exceeded and no phone is lost.
        #[test]
        fn limits_hold_and_everybody_comes(
            phones in proptest::collection::vec((0_u8..4, 0_u8..4), 1..40),
            per_pool in proptest::option::of(1_usize..4),
            per_subnet in proptest::option::of(1_usize..4),
            ends in proptest::collection::vec(any::<prop::sample::Index>(), 200),
        ) {
            let tasks = phones.iter().enumerate().map(|(n, (pool, net))| {
                task(u8::try_from(n).unwrap(), &format!("P{pool}"), [10, 0, *net, 1])
            });
            let mut queue = SiteQueue::from(tasks.collect::<Vec<_>>());
            let mut site_limits = SiteLimits::new(SiteLimitConfig { per_pool, per_subnet });
            let (mut under_way, mut done): (Vec<PhoneTask>, _) = (Vec::new(), 0);
            for end in ends {
                while let Some(task) = queue.pop(&mut site_limits) {
                    under_way.push(task);
                }
                for task in &under_way {
                    let of_pool = under_way.iter().filter(|other| other.target.device_pool == task.target.device_pool);
                    prop_assert!(per_pool.is_none_or(|cap| of_pool.count() <= cap));
                    let near = under_way.iter().filter(|other| subnet(other.target.ip) == subnet(task.target.ip));
                    prop_assert!(per_subnet.is_none_or(|cap| near.count() <= cap));
                }
                if under_way.is_empty() {
                    break;
                }
                let task = under_way.swap_remove(end.index(under_way.len()));
                done += 1;
                for key in site_limits.give_back(&task.target) {
                    queue.has_room(&key);
                }
            }
            prop_assert_eq!(done, phones.len());
            prop_assert_eq!(queue.len(), 0);
        }
    }
}
