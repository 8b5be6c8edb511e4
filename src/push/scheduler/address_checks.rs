//! Phones whose address may be out of date: the cluster is asked for all of them together.
//!
//! A phone that could not be reached, or at whose address another device answers, is tried once more where the cluster
//! knows a newer address. After a long wait, for a window or in a pause, addresses are read again before the first
//! attempt.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::FutureExt as _;
use tokio::time::Instant;

use crate::domain::device_name::DeviceName;
use crate::domain::text::{names, pluralize};
use crate::event::{Event, Observer, Outcome};
use crate::push::Target;
use crate::push::addresses::LookedUp;
use crate::push::attempt_log::AttemptLog;
use crate::push::policy::outcome::PhoneOutcome;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::queues::AddressCheck;
use crate::push::scheduler::{AttemptEnd, Scheduler};

impl<B: AttemptLog> Scheduler<'_, B> {
    /// Returns whether the address of a phone with this outcome is read again before the phone is given up.
    pub(crate) fn may_have_moved(&self, task: &PhoneTask, outcome: &PhoneOutcome) -> bool {
        let by_address = matches!(outcome.outcome, Outcome::Unreachable | Outcome::WrongDevice);
        by_address && !task.address_checked && self.addresses.is_known()
    }

    /// Ends the attempt in the log; the phone then waits until its address is read again.
    pub(crate) fn check_address(&self, mut task: PhoneTask, outcome: PhoneOutcome) {
        let (log, entry) = (self.log, task.entry.take());
        task.last = Some(outcome.clone());
        self.closing.push(
            async move {
                let written = match entry {
                    Some(entry) => log.end_attempt(entry, &outcome).await,
                    None => Ok(()),
                };
                AttemptEnd::Moved(Box::new(task), outcome, written)
            }
            .boxed(),
        );
    }

    pub(crate) fn add_address_check(&mut self, task: PhoneTask, outcome: Option<PhoneOutcome>) {
        self.address_checks.push(AddressCheck { task, outcome });
    }

    /// Queues a phone that has waited long: its address is read again first, where that is possible.
    pub(crate) fn queue_after_wait(&mut self, task: PhoneTask) {
        if self.addresses.is_known() {
            self.add_address_check(task, None);
        } else {
            self.queue_of(&task).ready.push_back(task);
        }
    }

    /// Has the addresses of all phones read again that have not begun, where a pause was long.
    pub(crate) fn note_pause(&mut self, paused: bool, now: Instant) {
        if paused {
            self.paused_since.get_or_insert(now);
            return;
        }
        let Some(since) = self.paused_since.take() else { return };
        if now.duration_since(since) < LONG_PAUSE || !self.addresses.is_known() {
            return;
        }
        let known = self.known.ready.drain();
        let waiting: Vec<PhoneTask> = known.chain(self.recently_changed.ready.drain()).collect();
        for task in waiting {
            self.add_address_check(task, None);
        }
    }

    /// Returns whether the failures would be too many if no phone had moved: no attempt begins until that is known.
    pub(crate) fn awaits_addresses(&self) -> bool {
        let open = self.address_checks.iter().filter(|check| check.outcome.is_some()).count();
        let may_judge = self.judged + open >= self.settings.min_sample;
        may_judge
            && self.settings.max_failures.is_some_and(|most| open > 0 && self.failed + open > most)
    }

    /// Asks the cluster when nothing else is left to do, or the first attempts of a wave have ended, so that one request
    /// is about all phones that may have moved; for phones that are tried in any case, at once.
    pub(crate) fn look_up_addresses(&mut self) {
        if !self.looking_up.is_empty() || self.address_checks.is_empty() {
            return;
        }
        let is_idle = self.pushing.is_empty()
            && self.verifying.is_empty()
            && self.noting.is_empty()
            && self.closing.is_empty()
            && self.later.is_empty()
            && !self.are_waiting();
        let is_urgent =
            self.addresses_due || self.address_checks.iter().any(|check| check.outcome.is_none());
        if !is_idle && !is_urgent && !self.awaits_addresses() {
            return;
        }
        self.addresses_due = false;
        let targets: Vec<Target> =
            self.address_checks.iter().map(|check| check.task.target.clone()).collect();
        let (count, addresses) = (targets.len(), self.addresses);
        self.looking_up.push(async move { (count, addresses.look_up(targets).await) }.boxed());
    }

    /// Continues with the phones whose addresses were asked for: the first `count` that wait.
    pub(crate) fn looked_up(&mut self, count: usize, found: LookedUp, observer: &dyn Observer) {
        let (found, problem) = match found {
            Ok(found) => (found, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let mut found: HashMap<DeviceName, Target> =
            found.into_iter().map(|target| (target.name.clone(), target)).collect();
        let mut moved = Vec::new();
        let checks: Vec<AddressCheck> = self.address_checks.drain(..count).collect();
        for AddressCheck { mut task, outcome } in checks {
            let now = found.remove(&task.target.name);
            let is_registered = now.is_some();
            match (now.filter(|now| now.ip != task.target.ip), outcome) {
                (Some(now), outcome) => {
                    task.target.ip = now.ip;
                    task.target.sources = now.sources;
                    task.address_checked = outcome.is_some();
                    moved.push(task.target.name.clone());
                    self.queue_of(&task).ready.push_back(task);
                }
                (None, None) => self.queue_of(&task).ready.push_back(task),
                (None, Some(outcome)) => {
                    let known = match &problem {
                        Some(why) => format!("its address could not be read again: {why}"),
                        None if is_registered => "the cluster knows no other address".to_owned(),
                        None => "the cluster does not show it as registered now".to_owned(),
                    };
                    let reason = outcome.reason.map(|reason| format!("{reason}; {known}"));
                    let mut outcome = PhoneOutcome { reason, ..outcome };
                    if task.is_address_taken && problem.is_none() {
                        outcome.remedy = Some(TAKEN_ADDRESS.to_owned());
                    }
                    self.finish(task, outcome);
                }
            }
        }
        if !moved.is_empty() {
            let how_many = pluralize(moved.len(), "phone");
            let text = format!(
                "{how_many} moved to another address, which is used now: {}",
                names(&moved)
            );
            observer.observe(&Event::Remark(text));
        }
    }
}

/// What to do about a phone whose address another device has, where the cluster knows no newer one.
const TAKEN_ADDRESS: &str = "check which device has the phone's address (DHCP server, duplicate address), then push to the phone again";

/// Addresses seldom change within a shorter pause.
const LONG_PAUSE: Duration = Duration::from_secs(300);
