//! Makes up the life of a cluster: on average an event every five minutes, 288 a day.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::{Drawn, Event};
use crate::domain::personalization::Setting;
use crate::sim::config::{ChangeNotification, PUSH_USER};
use crate::sim::fleet::Random;
use crate::sim::fleet_content::{AccountState, Address, PhoneSpec, Registration, STANDARD_PROFILE};
use crate::sim::scheduled_change::Change;

/// The events of a life, without end.
pub(super) struct Life {
    random: Random,
    phones: usize,
    device_pools: Vec<String>,
    /// When the last event of a new cause happened.
    now: Duration,
    /// Events that follow from earlier ones, in the order of their times.
    following: VecDeque<Event>,
    /// The next event of a new cause, where one that follows from an earlier one comes first.
    made: Option<Event>,
}

#[derive(Clone, Copy)]
enum Cause {
    Add,
    Address,
    Association,
    AxlRestart,
    Bulk,
    FactoryReset,
    ListChange,
    Load,
    Lock,
    Move,
    Outage,
    Overrun,
    Pick,
    Profile,
    Remove,
    Replace,
    RisDown,
}

/// How often each cause is there, in parts of their sum.
const CAUSES: [(Cause, usize); 17] = [
    (Cause::Outage, 20),
    (Cause::Pick, 14),
    (Cause::Address, 12),
    (Cause::Add, 10),
    (Cause::Remove, 9),
    (Cause::Replace, 6),
    (Cause::Move, 8),
    (Cause::Load, 6),
    (Cause::FactoryReset, 5),
    (Cause::Association, 4),
    (Cause::Bulk, 3),
    (Cause::RisDown, 2),
    (Cause::Profile, 1),
    (Cause::AxlRestart, 1),
    (Cause::Overrun, 1),
    (Cause::ListChange, 1),
    (Cause::Lock, 1),
];

impl Life {
    pub(super) fn new(seed: u64, phones: usize, device_pools: Vec<String>) -> Self {
        let (random, now, following) = (Random::new(seed), Duration::ZERO, VecDeque::new());
        Self { random, phones, device_pools, now, following, made: None }
    }

    /// Makes up the next event of a new cause, and those that follow from it.
    fn make(&mut self) -> Event {
        // From none to twice the mean.
        let wait = self.random.below(2 * MEAN_SECONDS + 1);
        self.now += Duration::from_secs(wait as u64);
        let cause = *self.random.weighted(&CAUSES);
        let several = 1 + self.random.below(1 + self.phones / 300);
        let minutes = |random: &mut Random, least: usize, more: usize| {
            Duration::from_secs(60 * (least + random.below(more)) as u64)
        };
        let phone = String::new;
        let (change, phones) = match cause {
            Cause::Add => (self.added(), 0),
            Cause::Address => (Change::Readdress { phone: phone(), address: None }, several),
            Cause::Association => {
                let user = PUSH_USER.to_owned();
                (Change::Dissociate { user, phone: phone() }, several)
            }
            Cause::AxlRestart => (Change::AxlRestart(minutes(&mut self.random, 1, 5)), 0),
            Cause::Bulk if self.random.percent(20) => (Change::Bulk(5_000), 0),
            Cause::Bulk => (Change::Bulk(50 + self.random.below(450)), 0),
            Cause::FactoryReset => (Change::FactoryReset(phone()), 1),
            Cause::ListChange => {
                let later = self.now + minutes(&mut self.random, 20, 120);
                self.follow(later, Change::ListChange(ChangeNotification::On), 0);
                (Change::ListChange(ChangeNotification::OffWithFault), 0)
            }
            Cause::Load => {
                let load = format!("sip88xx.14-3-1-{:04}-5", self.random.below(10_000));
                (Change::Load { phone: phone(), load }, several)
            }
            Cause::Lock => {
                let user = || PUSH_USER.to_owned();
                let later = self.now + minutes(&mut self.random, 5, 30);
                let unlocked = Change::AccountState { user: user(), state: AccountState::Active };
                self.follow(later, unlocked, 0);
                let state = AccountState::LockedByAdministrator;
                (Change::AccountState { user: user(), state }, 0)
            }
            Cause::Move => {
                let device_pool = (!self.device_pools.is_empty())
                    .then(|| self.random.pick(&self.device_pools).clone());
                (Change::Reconfigure { phone: phone(), device_pool, profile: None }, several)
            }
            Cause::Outage => {
                let later = self.now + minutes(&mut self.random, 2, 90);
                let register =
                    |registration| Change::Register { phone: String::new(), registration };
                self.follow(later, register(Registration::Registered), several);
                (register(Registration::UnRegistered), several)
            }
            Cause::Overrun => (Change::ListChangeOverrun, 0),
            Cause::Pick => (Change::PickPicture(phone()), 1),
            Cause::Profile => {
                let flip = |setting| {
                    let profile = STANDARD_PROFILE.to_owned();
                    Change::PersonalizeProfile { profile, setting }
                };
                let later = self.now + minutes(&mut self.random, 30, 240);
                self.follow(later, flip(Setting::Default), 0);
                (flip(Setting::Disabled), 0)
            }
            Cause::Remove => (Change::Remove(phone()), 1),
            Cause::Replace => (Change::Replace { phone: phone(), by: None }, 1),
            Cause::RisDown => (Change::RisDown(minutes(&mut self.random, 1, 15)), 0),
        };
        self.event(self.now, change, phones)
    }

    fn added(&mut self) -> Change {
        let digits = self.random.next() & 0xffff_ffff_ffff;
        let model = *self.random.weighted(&MODELS);
        let mut phone = PhoneSpec::new(format!("SEP{digits:012X}"), model);
        phone.description = format!("Desk {}", 100 + self.random.below(900));
        if !self.device_pools.is_empty() {
            phone.device_pool.clone_from(self.random.pick(&self.device_pools));
        }
        phone.address = Address::None;
        Change::Insert { position: usize::MAX, phone: Box::new(phone) }
    }

    fn follow(&mut self, at: Duration, change: Change, phones: usize) {
        let event = self.event(at, change, phones);
        let place = self.following.partition_point(|earlier| earlier.at <= at);
        self.following.insert(place, event);
    }

    /// Makes an event; where `phones` is not 0, it chooses so many phones.
    fn event(&mut self, at: Duration, change: Change, phones: usize) -> Event {
        let seed = self.random.next();
        Event { at, change, drawn: (phones > 0).then_some(Drawn { phones, seed }) }
    }
}

impl Iterator for Life {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let made = self.made.take().unwrap_or_else(|| self.make());
        if self.following.front().is_some_and(|event| event.at < made.at) {
            self.made = Some(made);
            return self.following.pop_front();
        }
        Some(made)
    }
}

/// The mean time between two causes.
const MEAN_SECONDS: usize = 300;

/// Models of phones that are added, with their shares: 8841, 8845, 8861 and 7841.
const MODELS: [(u32, usize); 4] = [(683, 4), (36_224, 3), (685, 2), (622, 1)];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_life_has_everything_at_its_rate_and_what_is_lost_comes_back() {
        let pools = || vec!["HQ".to_owned(), "Branch".to_owned()];
        let events: Vec<Event> = Life::new(1, 300, pools()).take(3_000).collect();
        assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let mut count: BTreeMap<String, i64> = BTreeMap::new();
        for event in &events {
            let goes_back = matches!(
                event.change,
                Change::ListChange(_)
                    | Change::AccountState { .. }
                    | Change::PersonalizeProfile { .. }
            );
            let detail = event.change.detail().filter(|_| goes_back).unwrap_or_default();
            *count.entry(event.change.kind().to_owned() + &detail).or_default() += 1;
        }
        let kinds = [
            "account_stateActive",
            "account_stateLockedByAdministrator",
            "add",
            "address",
            "associations",
            "axl_restart",
            "bulk",
            "factory_reset",
            "list_change",
            "list_changeOffWithFault",
            "list_changeOn",
            "load",
            "move",
            "profileDefault",
            "profileDisabled",
            "register",
            "remove",
            "replace",
            "ris_down",
            "unregister",
            "user_picks",
        ];
        assert_eq!(count.keys().map(String::as_str).collect::<Vec<_>>(), kinds);
        for (lost, back) in [
            ("unregister", "register"),
            ("list_changeOffWithFault", "list_changeOn"),
            ("account_stateLockedByAdministrator", "account_stateActive"),
            ("profileDisabled", "profileDefault"),
        ] {
            // Some are still to come back at the end.
            assert!((0..10).contains(&(count[lost] - count[back])), "{lost}: {count:?}");
        }
        let days = events[2_999].at.as_secs_f64() / 86_400.0;
        assert!((7.0..11.0).contains(&days), "{days}");
        let same = Life::new(1, 300, pools()).take(3_000);
        assert!(same.zip(&events).all(|(a, b)| format!("{a:?}") == format!("{b:?}")));
    }
}
