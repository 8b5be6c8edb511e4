//! What a watch knows of each phone, and which phones it looks at next. Nothing here reads, waits or asks for the time:
//! every time is the time since the watch began.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Bound;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::device_name::DeviceName;
use crate::domain::registration::Registration;
use crate::event::{Outcome, PhoneResult};
use crate::journal::SavedRetry;
use crate::watch::backoff::retry_after;

/// Which phones a pass looks at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LookScope {
    /// None.
    Nothing,
    /// These.
    Named(Vec<DeviceName>),
    /// All that are selected.
    Whole,
}

/// A phone, as a look found it.
#[derive(Clone, Debug)]
pub struct SeenPhone {
    /// Its device name.
    pub name: DeviceName,
    /// Its registration.
    pub registration: Registration,
    /// Whether it only has to register.
    pub is_offline: bool,
    /// Whether it is proven to show what it should.
    pub is_shown: bool,
    /// When the rules choose another picture for it.
    pub next_picture: Option<Timestamp>,
}

/// What a watch knows of a phone.
#[derive(Clone, Debug, Default)]
struct PhoneState {
    /// Stands for where and when it is registered.
    registration: u64,
    is_offline: bool,
    is_shown: bool,
    next_picture: Option<Timestamp>,
    /// How often in a row it could not be served.
    failures: u32,
    /// When it is tried again.
    retry_at: Option<Duration>,
}

impl PhoneState {
    fn is_waiting(&self) -> bool {
        self.is_offline || self.failures > 0
    }
}

/// How many phones there are of each kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WatchCounts {
    /// The selected phones.
    pub phones: usize,
    /// Those that are proven to show what they should.
    pub shown: usize,
    /// Those that only have to register.
    pub offline: usize,
    /// Those that could not be served, and are tried again later.
    pub failing: usize,
    /// Those that wait for an approval.
    pub held: usize,
}

/// What a watch knows.
#[derive(Debug, Default)]
pub struct WatchState {
    phones: BTreeMap<DeviceName, PhoneState>,
    /// Phones that something happened to since they were looked at.
    due: BTreeSet<DeviceName>,
    /// Phones that wait for an approval.
    held: BTreeSet<DeviceName>,
    /// When all phones are looked at; at once where it is zero.
    survey_at: Duration,
    /// The last phones whose registrations were asked for: of those that are waited for, and of the others.
    asked: [Option<DeviceName>; 2],
}

impl WatchState {
    /// Has a pass look at phones that may have changed. Phones that are not selected are left out by the look.
    pub fn changed(&mut self, names: impl IntoIterator<Item = DeviceName>) {
        self.due.extend(names);
    }

    /// Has the next pass look at all phones.
    pub fn survey_now(&mut self) {
        self.survey_at = Duration::ZERO;
    }

    /// Returns which phones are looked at now; `now` is the time of the clock, which rules go by.
    pub fn look(&self, uptime: Duration, now: Timestamp) -> LookScope {
        let rules_change = self.phones.values().filter_map(|phone| phone.next_picture).min();
        if uptime >= self.survey_at || rules_change.is_some_and(|at| at <= now) {
            return LookScope::Whole;
        }
        let is_due = |state: &PhoneState| state.retry_at.is_some_and(|at| at <= uptime);
        let again = self.phones.iter().filter(|(_, state)| is_due(state)).map(|(name, _)| name);
        let mut names: BTreeSet<&DeviceName> = self.due.iter().chain(again).collect();
        names.retain(|name| !self.held.contains(*name));
        match names.len() {
            0 => LookScope::Nothing,
            _ => LookScope::Named(names.into_iter().cloned().collect()),
        }
    }

    /// Takes in what a look found. After a look at all phones the next one is due after `survey_every`.
    pub fn looked(
        &mut self,
        scope: &LookScope,
        seen: Vec<SeenPhone>,
        uptime: Duration,
        survey_every: Duration,
    ) {
        let mut before = match scope {
            LookScope::Nothing => return,
            LookScope::Whole => {
                self.survey_at = uptime + survey_every;
                self.due.clear();
                self.held.clear();
                std::mem::take(&mut self.phones)
            }
            LookScope::Named(names) => {
                let known = names.iter().filter_map(|name| self.phones.remove_entry(name));
                let known = known.collect();
                for name in names {
                    self.due.remove(name);
                }
                known
            }
        };
        for phone in seen {
            let before = before.remove(&phone.name).unwrap_or_default();
            let registration = fingerprint(&phone.registration);
            let retries = !phone.is_shown && before.registration == registration;
            let state = PhoneState {
                registration,
                is_offline: phone.is_offline,
                is_shown: phone.is_shown,
                next_picture: phone.next_picture,
                failures: if retries { before.failures } else { 0 },
                // One that was due is tried now.
                retry_at: before.retry_at.filter(|at| retries && *at > uptime),
            };
            self.phones.insert(phone.name, state);
        }
    }

    /// Returns those of some phones with work to do that may be served now. Each of them is due until a run has served it.
    pub fn work(&mut self, names: impl IntoIterator<Item = DeviceName>) -> Vec<DeviceName> {
        let backs_off =
            |name: &DeviceName| self.phones.get(name).is_some_and(|state| state.retry_at.is_some());
        let work: BTreeSet<DeviceName> = names
            .into_iter()
            .filter(|name| !backs_off(name) && !self.held.contains(name))
            .collect();
        self.due.extend(work.iter().cloned());
        work.into_iter().collect()
    }

    /// Has phones wait until an approval.
    pub fn hold(&mut self, names: Vec<DeviceName>) {
        self.held.extend(names);
    }

    /// Lets phones go on that waited for an approval, after another look at all phones.
    pub fn release(&mut self) {
        self.survey_now();
        self.held.clear();
    }

    /// Has a phone wait until a time.
    pub fn postpone(&mut self, name: &DeviceName, until: Duration) {
        self.due.remove(name);
        if let Some(state) = self.phones.get_mut(name) {
            state.retry_at = Some(until);
        }
    }

    /// Takes in what became of the phones of a run.
    pub fn served(&mut self, results: &[PhoneResult], uptime: Duration) {
        for result in results {
            let Some(state) = self.phones.get_mut(&result.name) else { continue };
            self.due.remove(&result.name);
            state.is_shown = matches!(result.outcome, Outcome::Verified | Outcome::Already);
            state.is_offline = result.outcome == Outcome::Offline;
            match retry_after(result.outcome, state.failures) {
                Some(delay) => {
                    state.failures += 1;
                    state.retry_at = Some(uptime + delay);
                }
                None => (state.failures, state.retry_at) = (0, None),
            }
        }
    }

    /// Returns the phones whose registrations are asked for next, so many at most: those that are waited for come first,
    /// and all others take turns.
    pub fn to_ask(&mut self, most: usize) -> Vec<DeviceName> {
        let mut asked = self.take_turns(0, most, PhoneState::is_waiting);
        asked.extend(self.take_turns(1, most - asked.len(), |state| !state.is_waiting()));
        asked
    }

    fn take_turns(
        &mut self,
        group: usize,
        most: usize,
        is_meant: impl Fn(&PhoneState) -> bool,
    ) -> Vec<DeviceName> {
        let last = self.asked[group].take();
        // Those after the last one, and then those from the first one up to it.
        let after = last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.phones.range((after, Bound::Unbounded));
        let earlier = last.as_ref().map(|last| self.phones.range(..=last));
        let turns = later.chain(earlier.into_iter().flatten());
        let turns = turns.filter(|(_, state)| is_meant(state)).map(|(name, _)| name);
        let asked: Vec<DeviceName> = turns.take(most).cloned().collect();
        self.asked[group] = asked.last().cloned().or(last);
        asked
    }

    /// Takes in where phones are registered now. Those that registered anew and do not show what they should are due, and
    /// tried at once.
    pub fn registered(&mut self, seen: &HashMap<DeviceName, Registration>) {
        for (name, registration) in seen {
            let Some(state) = self.phones.get_mut(name) else { continue };
            let is_here = registration.reachable_ip().is_some();
            let now = fingerprint(registration);
            if is_here && (state.is_offline || state.registration != now) && !state.is_shown {
                (state.failures, state.retry_at) = (0, None);
                self.due.insert(name.clone());
            }
            state.registration = now;
            state.is_offline = !is_here && !state.is_shown;
        }
    }

    /// Returns the phones that could not be served, for a watch that is started later; `now` is the time of the clock.
    pub fn retries(&self, uptime: Duration, now: Timestamp) -> Vec<SavedRetry> {
        let retry = |(name, state): (&DeviceName, &PhoneState)| {
            let left = state.retry_at?.saturating_sub(uptime);
            Some(SavedRetry {
                phone: name.clone(),
                failures: state.failures,
                retry_at: now.checked_add(left).ok()?,
                registration: state.registration,
            })
        };
        self.phones.iter().filter(|(_, state)| state.failures > 0).filter_map(retry).collect()
    }

    /// Makes the state of a watch that begins. `retries` are those of the watch before it.
    pub fn of(retries: Vec<SavedRetry>, now: Timestamp) -> Self {
        let phones = retries.into_iter().map(|retry| {
            let left = Duration::try_from(retry.retry_at.duration_since(now)).unwrap_or_default();
            let state = PhoneState {
                registration: retry.registration,
                failures: retry.failures,
                retry_at: Some(left),
                ..PhoneState::default()
            };
            (retry.phone, state)
        });
        Self { phones: phones.collect(), ..Self::default() }
    }

    /// Counts the phones.
    pub fn counts(&self) -> WatchCounts {
        let count =
            |is: fn(&PhoneState) -> bool| self.phones.values().filter(|one| is(one)).count();
        WatchCounts {
            phones: self.phones.len(),
            shown: count(|state| state.is_shown),
            offline: count(|state| state.is_offline),
            failing: count(|state| state.failures > 0),
            held: self.held.len(),
        }
    }
}

fn fingerprint(registration: &Registration) -> u64 {
    let mut hasher = DefaultHasher::new();
    (registration.ip, registration.timestamp, &registration.active_load).hash(&mut hasher);
    registration.reachable_ip().is_some().hash(&mut hasher);
    hasher.finish()
}
