//! How many phones of one device pool, and of one subnet, are pushed to at once.
//!
//! A branch behind a thin line must not be flooded with downloads, however many phones are pushed to in all.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::push::Target;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::settings::SiteLimitConfig;

/// What has a limit of its own.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum LimitKey {
    Pool(String),
    Subnet(IpNet),
}

/// Who is under way where.
#[derive(Debug, Default)]
pub(crate) struct SiteLimits {
    caps: SiteLimitConfig,
    taken: HashMap<LimitKey, usize>,
}

impl SiteLimits {
    pub(crate) fn new(caps: SiteLimitConfig) -> Self {
        Self { caps, taken: HashMap::new() }
    }

    /// Takes a place for a phone, or says what is full.
    pub(crate) fn take(&mut self, target: &Target) -> Result<(), LimitKey> {
        let places = self.of(target);
        if let Some(full) = places.iter().find(|place| self.is_full(place)) {
            return Err(full.clone());
        }
        for place in places {
            *self.taken.entry(place).or_default() += 1;
        }
        Ok(())
    }

    /// Gives a phone's place back, and returns what has room again.
    pub(crate) fn give_back(&mut self, target: &Target) -> Vec<LimitKey> {
        let places = self.of(target);
        for place in &places {
            if let Some(taken) = self.taken.get_mut(place) {
                *taken = taken.saturating_sub(1);
            }
        }
        places
    }

    /// Returns those of a phone's places that are not full.
    fn open(&self, target: &Target) -> Vec<LimitKey> {
        self.of(target).into_iter().filter(|place| !self.is_full(place)).collect()
    }

    fn is_full(&self, place: &LimitKey) -> bool {
        let cap = match place {
            LimitKey::Pool(_) => self.caps.per_pool,
            LimitKey::Subnet(_) => self.caps.per_subnet,
        };
        let taken = self.taken.get(place).copied().unwrap_or_default();
        cap.is_some_and(|cap| taken >= cap.max(1))
    }

    /// Returns what the limits say something about, for this phone.
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

/// Phones that come next, in their order; those whose place is full stand aside until it has room.
#[derive(Default)]
pub(crate) struct SiteQueue {
    next: VecDeque<PhoneTask>,
    aside: HashMap<LimitKey, VecDeque<PhoneTask>>,
    standing_aside: usize,
}

impl SiteQueue {
    /// Takes out the next phone that has a place, with its place taken.
    pub(crate) fn pop(&mut self, places: &mut SiteLimits) -> Option<PhoneTask> {
        while let Some(job) = self.next.pop_front() {
            match places.take(&job.target) {
                Ok(()) => return Some(job),
                Err(full) => {
                    // Where it could have gone otherwise, the next one can.
                    let open = places.open(&job.target);
                    self.standing_aside += 1;
                    self.aside.entry(full).or_default().push_back(job);
                    open.iter().for_each(|place| self.has_room(place));
                }
            }
        }
        None
    }

    /// Returns who comes next, where that is not kept from it by a place.
    pub(crate) fn front(&self) -> Option<&PhoneTask> {
        self.next.front()
    }

    /// Lets one of those come next that stood aside for this place.
    pub(crate) fn has_room(&mut self, place: &LimitKey) {
        let Some(waiting) = self.aside.get_mut(place) else { return };
        if let Some(job) = waiting.pop_front() {
            self.standing_aside -= 1;
            self.next.push_front(job);
        }
        if waiting.is_empty() {
            self.aside.remove(place);
        }
    }

    pub(crate) fn push_back(&mut self, job: PhoneTask) {
        self.next.push_back(job);
    }

    pub(crate) fn push_front(&mut self, job: PhoneTask) {
        self.next.push_front(job);
    }

    pub(crate) fn len(&self) -> usize {
        self.next.len() + self.standing_aside
    }

    /// Takes out everybody.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = PhoneTask> + use<> {
        let Self { next, aside, .. } = std::mem::take(self);
        next.into_iter().chain(aside.into_values().flatten())
    }
}

impl From<Vec<PhoneTask>> for SiteQueue {
    fn from(jobs: Vec<PhoneTask>) -> Self {
        Self { next: jobs.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::push::scheduler::tests::target;

    fn job(n: u8, pool: &str, ip: [u8; 4]) -> PhoneTask {
        let mut target = target(n);
        target.device_pool = pool.to_owned();
        target.ip = ip.into();
        PhoneTask::new(target)
    }

    #[test]
    fn a_full_pool_stands_aside_and_the_others_go_on() {
        let caps = SiteLimitConfig { per_pool: Some(1), per_subnet: None };
        let mut places = SiteLimits::new(caps);
        let jobs = vec![
            job(1, "A", [10, 0, 0, 1]),
            job(2, "A", [10, 0, 0, 2]),
            job(3, "B", [10, 0, 0, 3]),
        ];
        let mut queue = SiteQueue::from(jobs);
        let first = queue.pop(&mut places).unwrap();
        let second = queue.pop(&mut places).unwrap();
        assert_eq!(
            (first.target.device_pool.as_str(), second.target.device_pool.as_str()),
            ("A", "B")
        );
        assert!(queue.pop(&mut places).is_none());
        assert_eq!(queue.len(), 1);
        for place in places.give_back(&first.target) {
            queue.has_room(&place);
        }
        assert_eq!(queue.pop(&mut places).unwrap().target.name, target(2).name);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_subnet_is_a_24_or_a_64() {
        assert_eq!(subnet([10, 1, 2, 3].into()).to_string(), "10.1.2.0/24");
        assert_eq!(subnet("2001:db8:1:2:3::4".parse().unwrap()).to_string(), "2001:db8:1:2::/64");
    }

    proptest! {
        /// Whatever order phones come and go in, no limit is passed and nobody is forgotten.
        #[test]
        fn limits_hold_and_everybody_comes(
            phones in proptest::collection::vec((0_u8..4, 0_u8..4), 1..40),
            per_pool in proptest::option::of(1_usize..4),
            per_subnet in proptest::option::of(1_usize..4),
            ends in proptest::collection::vec(any::<prop::sample::Index>(), 200),
        ) {
            let jobs = phones.iter().enumerate().map(|(n, (pool, net))| {
                job(u8::try_from(n).unwrap(), &format!("P{pool}"), [10, 0, *net, 1])
            });
            let mut queue = SiteQueue::from(jobs.collect::<Vec<_>>());
            let mut places = SiteLimits::new(SiteLimitConfig { per_pool, per_subnet });
            let (mut under_way, mut done): (Vec<PhoneTask>, _) = (Vec::new(), 0);
            for end in ends {
                while let Some(job) = queue.pop(&mut places) {
                    under_way.push(job);
                }
                for job in &under_way {
                    let of_pool = under_way.iter().filter(|other| other.target.device_pool == job.target.device_pool);
                    prop_assert!(per_pool.is_none_or(|cap| of_pool.count() <= cap));
                    let near = under_way.iter().filter(|other| subnet(other.target.ip) == subnet(job.target.ip));
                    prop_assert!(per_subnet.is_none_or(|cap| near.count() <= cap));
                }
                if under_way.is_empty() {
                    break;
                }
                let job = under_way.swap_remove(end.index(under_way.len()));
                done += 1;
                for place in places.give_back(&job.target) {
                    queue.has_room(&place);
                }
            }
            prop_assert_eq!(done, phones.len());
            prop_assert_eq!(queue.len(), 0);
        }
    }
}
