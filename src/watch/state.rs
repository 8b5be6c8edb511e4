//! What a watch knows of each phone, and which phones it looks at next. Nothing here reads, waits or asks for the time:
//! every time is the time since the watch began.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Bound;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::device_name::DeviceName;
use crate::domain::finding::Verdict;
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
    /// What the audit found.
    pub verdict: Verdict,
    /// Whether it can show what is pushed, and is meant to.
    pub is_capable: bool,
    /// Whether it only has to register.
    pub is_offline: bool,
    /// Whether it is proven to show what it should.
    pub is_shown: bool,
    /// Whether it shows another picture than it was proven to show, and is left so.
    pub is_drifted: bool,
    /// When it was proven to show its picture, or its screen was looked at.
    pub looked_at: Option<Timestamp>,
    /// When the rules choose another picture for it.
    pub next_picture: Option<Timestamp>,
}

/// What a watch knows of a phone.
#[derive(Clone, Debug, Default)]
struct PhoneState {
    /// A digest of its registration.
    registration: u64,
    /// Nothing before the first look.
    verdict: Option<Verdict>,
    is_capable: bool,
    is_offline: bool,
    is_shown: bool,
    is_drifted: bool,
    is_registered: bool,
    /// Whether it registered anew since its screen was looked at: with other firmware, perhaps, or after a factory reset.
    is_back: bool,
    looked_at: Option<Timestamp>,
    next_picture: Option<Timestamp>,
    /// How often in a row it could not be served.
    failures: u32,
    /// Whether that was for something on the cluster, at last.
    needs_work: bool,
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
    /// Those that can show what is pushed, and are meant to.
    pub capable: usize,
    /// Those that are proven to show what they should.
    pub shown: usize,
    /// Those that only have to register.
    pub offline: usize,
    /// Those that could not be served, and are tried again later.
    pub failing: usize,
    /// Those that wait for an approval.
    pub held: usize,
    /// Those that show another picture than they were proven to show, and are left so.
    pub drifted: usize,
    /// Those that show their picture and registered anew since their screens were looked at.
    pub back: usize,
    /// Those of each verdict of the audit, in the order of [`Verdict::ALL`].
    pub verdicts: [usize; Verdict::ALL.len()],
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

    /// Has the next pass look at all phones, because the cluster may have changed unseen. Those that failed for something on
    /// the cluster are tried again.
    pub fn survey_now(&mut self) {
        self.survey_at = Duration::ZERO;
        self.retry(|state| state.needs_work);
    }

    /// Has phones that failed tried again at once.
    fn retry(&mut self, which: impl Fn(&PhoneState) -> bool) {
        for state in self.phones.values_mut().filter(|state| state.failures > 0 && which(state)) {
            (state.failures, state.retry_at) = (0, None);
        }
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
            // What was in the way on the cluster is repaired, perhaps.
            let is_other = before.needs_work && before.verdict != Some(phone.verdict);
            let retries = !phone.is_shown && before.registration == registration && !is_other;
            let is_back = before.verdict.is_some() && before.registration != registration;
            let state = PhoneState {
                registration,
                verdict: Some(phone.verdict),
                is_capable: phone.is_capable,
                is_offline: phone.is_offline,
                is_shown: phone.is_shown,
                is_drifted: phone.is_drifted,
                is_registered: phone.registration.reachable_ip().is_some(),
                is_back: before.is_back || is_back,
                looked_at: phone.looked_at,
                next_picture: phone.next_picture,
                failures: if retries { before.failures } else { 0 },
                needs_work: before.needs_work,
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

    /// Lets phones go on that waited for an approval, after another look at all phones. Where pushes had stopped, phones that
    /// failed are tried again: what is repaired by now can have been their trouble.
    pub fn release(&mut self, had_stopped: bool) {
        self.survey_now();
        self.held.clear();
        self.retry(|_| had_stopped);
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
            if result.outcome == Outcome::Verified {
                (state.is_back, state.is_drifted) = (false, false);
            }
            state.is_offline = result.outcome == Outcome::Offline;
            state.needs_work = result.outcome == Outcome::NeedsWork;
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
            state.is_back |= state.registration != now;
            state.registration = now;
            state.is_registered = is_here;
            state.is_offline = !is_here && !state.is_shown;
        }
    }

    /// Returns the phones whose screens are looked at next, so many at most, of those that are registered and proven to show
    /// their picture: first those that registered anew, then those whose screens were not looked at for longest.
    pub fn screens(&self, most: usize) -> Vec<DeviceName> {
        let shown = self.phones.iter().filter(|(_, state)| state.is_shown && state.is_registered);
        let mut shown: Vec<_> =
            shown.map(|(name, state)| ((!state.is_back, state.looked_at), name)).collect();
        shown.sort_unstable();
        shown.into_iter().take(most).map(|(_, name)| name.clone()).collect()
    }

    /// Takes in what a look at the screen of a phone found: `shows` is nothing where its screen was not seen.
    pub fn screen_seen(&mut self, name: &DeviceName, shows: Option<bool>, at: Timestamp) {
        let Some(state) = self.phones.get_mut(name) else { return };
        (state.is_back, state.looked_at) = (false, Some(at));
        if shows == Some(false) {
            state.is_shown = false;
            self.due.insert(name.clone());
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
            capable: count(|state| state.is_capable),
            shown: count(|state| state.is_shown),
            offline: count(|state| state.is_offline),
            failing: count(|state| state.failures > 0),
            held: self.held.len(),
            drifted: count(|state| state.is_drifted),
            back: count(|state| state.is_shown && state.is_back && state.is_registered),
            verdicts: Verdict::ALL.map(|verdict| {
                self.phones.values().filter(|state| state.verdict == Some(verdict)).count()
            }),
        }
    }
}

fn fingerprint(registration: &Registration) -> u64 {
    let mut hasher = DefaultHasher::new();
    (registration.ip, registration.timestamp, &registration.active_load).hash(&mut hasher);
    registration.reachable_ip().is_some().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registration::{Source, Status};

    const DAY: Duration = Duration::from_secs(86_400);

    fn name(n: u32) -> DeviceName {
        format!("SEP{n:012}").parse().unwrap()
    }

    fn names(ns: &[u32]) -> Vec<DeviceName> {
        ns.iter().map(|n| name(*n)).collect()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn registration(second: i64) -> Registration {
        Registration {
            ip: Some([10, 0, 0, 1].into()),
            timestamp: Timestamp::from_second(second).ok(),
            ..Registration::unknown(Status::Registered, Source::Risport70)
        }
    }

    fn seen(n: u32, is_shown: bool) -> SeenPhone {
        let registration = registration(1);
        let (name, next_picture) = (name(n), None);
        let (verdict, is_capable, is_offline) = (Verdict::Ready, true, false);
        let (is_drifted, looked_at) = (false, None);
        SeenPhone {
            name,
            registration,
            verdict,
            is_capable,
            is_offline,
            is_shown,
            is_drifted,
            looked_at,
            next_picture,
        }
    }

    /// A watch that has looked at phones 1 to 3, which all show their picture, when it began.
    fn settled() -> WatchState {
        let mut state = WatchState::default();
        assert_eq!(look(&state, 0), LookScope::Whole);
        let phones = [1, 2, 3].map(|n| seen(n, true)).into();
        state.looked(&LookScope::Whole, phones, seconds(0), DAY);
        assert_eq!(look(&state, 1), LookScope::Nothing);
        state
    }

    fn look(state: &WatchState, at: u64) -> LookScope {
        state.look(seconds(at), Timestamp::UNIX_EPOCH)
    }

    fn named(ns: &[u32]) -> LookScope {
        LookScope::Named(names(ns))
    }

    fn result(n: u32, outcome: Outcome) -> PhoneResult {
        PhoneResult { outcome, ..crate::report::testing::pushed(name(n).as_str()) }
    }

    #[test]
    fn phones_that_changed_are_looked_at_until_a_look_has_found_them() {
        let mut state = settled();
        state.changed(names(&[2, 9]));
        assert_eq!(look(&state, 1), named(&[2, 9]));
        assert_eq!(look(&state, 2), named(&[2, 9]), "the look failed");
        // Phone 9 is new; phone 2 is gone.
        state.looked(&named(&[2, 9]), vec![seen(9, false)], seconds(2), DAY);
        assert_eq!(state.work(names(&[9])), names(&[9]));
        assert_eq!(look(&state, 3), named(&[9]), "no run has served it");
        state.served(&[result(9, Outcome::Verified)], seconds(3));
        assert_eq!(look(&state, 4), LookScope::Nothing);
        assert_eq!((state.counts().phones, state.counts().shown), (3, 3));
    }

    #[test]
    fn all_phones_are_looked_at_in_time_and_when_the_rules_change() {
        let mut state = settled();
        assert_eq!(state.look(DAY, Timestamp::UNIX_EPOCH), LookScope::Whole);
        let at = Timestamp::from_second(500).unwrap();
        let phone = SeenPhone { next_picture: Some(at), ..seen(1, true) };
        state.looked(&named(&[1]), vec![phone], seconds(1), DAY);
        assert_eq!(look(&state, 2), LookScope::Nothing);
        assert_eq!(state.look(seconds(2), at), LookScope::Whole);
        state.survey_now();
        assert_eq!(look(&state, 2), LookScope::Whole);
    }

    #[test]
    fn a_phone_that_failed_is_left_alone_for_a_while_and_tried_at_once_when_it_registers_anew() {
        let mut state = settled();
        state.changed(names(&[1]));
        state.looked(&named(&[1]), vec![seen(1, false)], seconds(1), DAY);
        assert_eq!(state.work(names(&[1])), names(&[1]));
        state.served(&[result(1, Outcome::Unreachable)], seconds(1));
        assert_eq!(look(&state, 300), LookScope::Nothing);
        assert!(state.work(names(&[1])).is_empty(), "a look at all phones finds it too");
        assert_eq!(look(&state, 301), named(&[1]));
        // It fails again: the next time it is left alone for longer.
        state.looked(&named(&[1]), vec![seen(1, false)], seconds(301), DAY);
        assert_eq!(state.work(names(&[1])), names(&[1]));
        state.served(&[result(1, Outcome::Unreachable)], seconds(301));
        assert_eq!(look(&state, 900), LookScope::Nothing);
        assert_eq!(state.counts().failing, 1);
        state.registered(&[(name(1), registration(1))].into());
        assert_eq!(look(&state, 302), LookScope::Nothing, "it did not register anew");
        state.registered(&[(name(1), registration(2))].into());
        assert_eq!(look(&state, 302), named(&[1]));
        assert_eq!(state.counts().failing, 0);
    }

    #[test]
    fn a_phone_that_was_offline_is_due_when_it_comes() {
        let mut state = settled();
        let away = Registration::unknown(Status::Unregistered, Source::Risport70);
        let phone = SeenPhone { registration: away.clone(), is_offline: true, ..seen(1, false) };
        state.changed(names(&[1]));
        state.looked(&named(&[1]), vec![phone], seconds(1), DAY);
        assert_eq!(state.counts().offline, 1);
        state.registered(&[(name(1), away)].into());
        assert_eq!(look(&state, 2), LookScope::Nothing);
        state.registered(&[(name(1), registration(5))].into());
        assert_eq!(look(&state, 3), named(&[1]));
        // One that shows its picture may come and go.
        state.registered(&[(name(2), registration(7))].into());
        assert_eq!(look(&state, 3), named(&[1]));
    }

    #[test]
    fn phones_that_wait_for_an_approval_are_not_served_bit_by_bit() {
        let mut state = settled();
        state.survey_now();
        let phones = || [1, 2, 3].map(|n| seen(n, false)).into();
        state.looked(&LookScope::Whole, phones(), seconds(1), DAY);
        let work = state.work(names(&[1, 2, 3]));
        state.hold(work);
        state.changed(names(&[2]));
        assert_eq!(look(&state, 2), LookScope::Nothing);
        assert!(state.work(names(&[2])).is_empty());
        assert_eq!(state.counts().held, 3);
        state.release(false);
        assert_eq!(look(&state, 3), LookScope::Whole);
        state.looked(&LookScope::Whole, phones(), seconds(3), DAY);
        assert_eq!(state.work(names(&[1, 2, 3])), names(&[1, 2, 3]));
    }

    #[test]
    fn registrations_of_those_that_are_waited_for_are_asked_first_and_all_others_take_turns() {
        let mut state = settled();
        let away = SeenPhone { is_offline: true, ..seen(2, false) };
        state.looked(&named(&[2]), vec![away], seconds(1), DAY);
        let asked: Vec<_> = (0..3).map(|_| state.to_ask(2)).collect();
        assert_eq!(asked, [names(&[2, 1]), names(&[2, 3]), names(&[2, 1])]);
        assert_eq!(state.to_ask(9), names(&[2, 3, 1]), "each once");
        assert_eq!(state.to_ask(0), names(&[]));
    }

    #[test]
    fn what_failed_on_the_cluster_is_tried_again_when_the_cluster_may_have_changed() {
        let mut state = settled();
        let (left, unreachable) = (result(1, Outcome::NeedsWork), result(2, Outcome::Unreachable));
        state.served(&[left, unreachable], seconds(1));
        assert_eq!(state.counts().failing, 2);
        state.survey_now();
        let phones = || vec![seen(1, false), seen(2, false), seen(3, true)];
        state.looked(&LookScope::Whole, phones(), seconds(2), DAY);
        assert_eq!(state.work(names(&[1, 2])), names(&[1]));
        state.release(true);
        state.looked(&LookScope::Whole, phones(), seconds(3), DAY);
        assert_eq!(state.work(names(&[1, 2])), names(&[1, 2]), "what stopped all pushes is over");
        state.served(&[result(1, Outcome::NeedsWork)], seconds(4));
        state.looked(&named(&[1]), vec![seen(1, false)], seconds(5), DAY);
        assert!(state.work(names(&[1])).is_empty());
        let blocked = SeenPhone { verdict: Verdict::Blocked, ..seen(1, false) };
        state.looked(&named(&[1]), vec![blocked], seconds(6), DAY);
        assert_eq!(state.work(names(&[1])), names(&[1]), "something else is in its way");
    }

    #[test]
    fn screens_of_those_that_registered_anew_come_first_and_then_the_longest_not_looked_at() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let seen = |n, second| SeenPhone { looked_at: Some(at(second)), ..seen(n, true) };
        let mut state = WatchState::default();
        let phones = vec![seen(1, 30), seen(2, 10), seen(3, 20), seen(4, 5), gone(5)];
        state.looked(&LookScope::Whole, phones, seconds(0), DAY);
        assert_eq!(state.screens(2), names(&[4, 2]));
        state.registered(&[(name(1), registration(1)), (name(3), registration(9))].into());
        assert_eq!(state.screens(9), names(&[3, 4, 2, 1]), "phone 5 is not registered");
        assert_eq!(state.counts().back, 1);
        state.screen_seen(&name(3), None, at(40));
        state.screen_seen(&name(4), Some(true), at(41));
        assert_eq!(state.screens(9), names(&[2, 1, 3, 4]));
        assert_eq!(look(&state, 1), LookScope::Nothing);
        state.screen_seen(&name(2), Some(false), at(42));
        assert_eq!(look(&state, 1), named(&[2]), "what becomes of it is decided by a look at it");
        assert_eq!(state.screens(9), names(&[1, 3, 4]));
        let left = SeenPhone { is_drifted: true, is_shown: false, ..seen(2, 42) };
        state.looked(&named(&[2]), vec![left], seconds(2), DAY);
        assert_eq!((state.counts().drifted, state.counts().shown), (1, 4));
    }

    fn gone(n: u32) -> SeenPhone {
        let registration = Registration::unknown(Status::Unregistered, Source::Risport70);
        SeenPhone { registration, ..seen(n, true) }
    }

    #[test]
    fn what_failed_is_known_to_the_next_watch() {
        let mut state = settled();
        state.served(&[result(1, Outcome::Rejected), result(2, Outcome::Verified)], seconds(100));
        let now = Timestamp::from_second(10_000).unwrap();
        let retries = state.retries(seconds(160), now);
        assert_eq!(retries.len(), 1);
        let mut next = WatchState::of(retries, now + seconds(600));
        assert_eq!(look(&next, 0), LookScope::Whole);
        let phones = [seen(1, false), seen(2, true)].into();
        next.looked(&LookScope::Whole, phones, seconds(1), DAY);
        assert!(next.work(names(&[1])).is_empty());
        assert_eq!(look(&next, 3_600 - 60 - 600 - 1), LookScope::Nothing);
        assert_eq!(look(&next, 3_600 - 60 - 600), named(&[1]));
    }
}
