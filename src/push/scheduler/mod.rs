//! Pushes to many phones: a bounded number at once, one request per phone, a result for every phone.
mod address_checks;
mod download_path;
mod login_probes;
pub(crate) mod phone_task;
pub(crate) mod queues;
pub mod schedule;
mod settle;
pub(crate) mod site_limits;
mod stop;
pub mod waves;
pub mod window;
mod window_queue;
mod windows;

use std::collections::HashMap;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::event::{Event, Observer, Outcome, PhoneResult, Proof, WaitReason};
use crate::journal::JournalError;
use crate::push::addresses::{AddressSource, LookedUp};
use crate::push::attempt_log::AttemptLog;
use crate::push::policy::lockout::{Findings, Limits, Refused};
use crate::push::policy::logins::LoginProbes;
use crate::push::policy::outcome;
use crate::push::policy::outcome::{Next, PhoneOutcome};
use crate::push::policy::propagation::{Backoff, PropagationWait};
use crate::push::policy::verification::judged;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::queues::{AddressCheck, PushQueue, RetryQueue, VainPushes};
use crate::push::scheduler::schedule::Schedule;
use crate::push::scheduler::site_limits::SiteLimits;
use crate::push::{AttemptReply, Delivery, Evidence, ReplyKind, ScreenCheck, Target};

use crate::push::scheduler::window_queue::WindowQueue;

pub(in crate::push) use crate::push::scheduler::stop::leave;

use crate::push::settings::sleep_until;
pub use crate::push::settings::{
    PushOutcomes, PushSettings, SiteLimitConfig, StopReason, StopSignals,
};

/// Pushes to every target and waits for the proof.
///
/// Phones that were associated before and that check the password come first: their replies show soonest whether
/// the password is right. Recently changed phones come last, because they may still refuse it; until the change has
/// reached them, the push waits and tries again.
///
/// Every attempt is in the attempt log before it is made, and its result is there before an observer gets it. While the
/// run is paused no attempt, retry or login probe begins; what is in progress finishes.
pub async fn run<B: AttemptLog>(
    delivery: &dyn Delivery,
    log: &B,
    targets: Vec<Target>,
    settings: PushSettings,
    stop: &StopSignals,
    observer: &dyn Observer,
) -> PushOutcomes {
    let mut scheduler = Scheduler::new(delivery, log, settings, stop);
    scheduler.add(targets, observer);
    scheduler.settle_all(stop, observer).await;
    scheduler.end(None, stop, observer).await
}

/// An attempt whose end is in the attempt log.
enum AttemptEnd {
    Done(Box<PhoneResult>, Result<(), JournalError>),
    /// To be tried again at that time, or after the usual delay.
    Again(Box<PhoneTask>, Option<Instant>, Result<(), JournalError>),
    /// Not made: the window of the phone is closed and opens at that time, or the run is paused.
    Held(Box<PhoneTask>, Option<Timestamp>, Result<(), JournalError>),
    /// The phone refused the push user for a reason that is not known yet.
    Doubted(Box<PhoneTask>, Refused, Result<(), JournalError>),
    /// The phone may have moved; the outcome is that if it has not.
    Moved(Box<PhoneTask>, PhoneOutcome, Result<(), JournalError>),
}

struct Scheduler<'a, B: AttemptLog> {
    delivery: &'a dyn Delivery,
    log: &'a B,
    settings: PushSettings,
    /// Phones that the push user has controlled before.
    known: PushQueue,
    /// Phones that were changed a moment ago: a refusal may only mean that the cluster needs a minute.
    recently_changed: PushQueue,
    later: RetryQueue,
    held: WindowQueue,
    /// Phones that refused the push user, with the refusal as the lockout guard knows it.
    doubted: Vec<(Refused, PhoneTask)>,
    /// Refusals that are being written into the attempt log.
    doubting: usize,
    /// Phones whose address is to be read again, or is being read.
    address_checks: Vec<AddressCheck>,
    addresses: &'a AddressSource,
    /// Whether addresses are to be read again although pushes are in progress: at the end of each wave.
    addresses_due: bool,
    /// Since when the run is paused.
    paused_since: Option<Instant>,
    logins: &'a LoginProbes,
    /// What was reported about the authentication page: its problem, and since when.
    told_outage: Option<(String, Instant)>,
    schedule: &'a Schedule,
    /// Whether the end of the run has come.
    over: bool,
    site_limits: SiteLimits,
    /// When the next push may begin, where the rate is limited.
    next_start: Option<Instant>,
    /// Whether nothing may begin any more, because a stop rule ended the push after a wave.
    halted: bool,
    /// Phones that failed, and phones that were lost in a soak period.
    failed: usize,
    /// Phones that have a result, for the least number that a stop rule may judge.
    judged: usize,
    vain: VainPushes,
    /// Phones without a result.
    open: usize,
    /// Phones whose first attempt has not ended. The others without a result wait for a retry or for a new address.
    fresh: usize,
    /// Phones that had a result when the wave began.
    before_wave: usize,
    /// Attempts in progress, so that every phone has a result when they are cut off.
    begun: HashMap<DeviceName, PhoneTask>,
    noting: FuturesUnordered<BoxFuture<'a, (PhoneTask, Result<i64, JournalError>)>>,
    pushing: FuturesUnordered<BoxFuture<'a, (PhoneTask, AttemptReply)>>,
    verifying: FuturesUnordered<BoxFuture<'a, (PhoneTask, Next, bool)>>,
    asking: FuturesUnordered<BoxFuture<'a, Findings>>,
    /// The addresses of the first phones of `address_checks`, and how many those are.
    looking_up: FuturesUnordered<BoxFuture<'a, (usize, LookedUp)>>,
    closing: FuturesUnordered<BoxFuture<'a, AttemptEnd>>,
    results: Vec<PhoneResult>,
    /// Why the attempt log cannot be written.
    unrecorded: Option<String>,
}

impl<'a, B: AttemptLog> Scheduler<'a, B> {
    fn new(
        delivery: &'a dyn Delivery,
        log: &'a B,
        settings: PushSettings,
        stop: &'a StopSignals,
    ) -> Self {
        let PushSettings { concurrency, max_auth_failures, max_logins_at_risk, .. } = settings;
        let limits = Limits::new(concurrency, max_auth_failures, max_logins_at_risk);
        stop.logins.guard().set_limits(limits);
        let now = Instant::now();
        let queue = |patience: Duration| {
            let waiting =
                PropagationWait::new(Backoff::USUAL, now, patience, settings.password_proven);
            PushQueue::new(waiting, concurrency.max(1))
        };
        Self {
            delivery,
            log,
            settings,
            // Nothing about these has changed, so no change is awaited.
            known: queue(Duration::ZERO),
            recently_changed: queue(settings.propagation_limit),
            later: RetryQueue::default(),
            held: WindowQueue::default(),
            doubted: Vec::new(),
            doubting: 0,
            address_checks: Vec::new(),
            addresses: &stop.addresses,
            addresses_due: false,
            paused_since: None,
            logins: &stop.logins,
            told_outage: None,
            schedule: &stop.schedule,
            over: false,
            site_limits: SiteLimits::new(settings.site_limits),
            next_start: None,
            halted: false,
            failed: 0,
            judged: 0,
            vain: VainPushes::default(),
            open: 0,
            fresh: 0,
            before_wave: 0,
            begun: HashMap::new(),
            noting: FuturesUnordered::new(),
            pushing: FuturesUnordered::new(),
            verifying: FuturesUnordered::new(),
            asking: FuturesUnordered::new(),
            looking_up: FuturesUnordered::new(),
            closing: FuturesUnordered::new(),
            results: Vec::new(),
            unrecorded: None,
        }
    }

    /// Begins what may begin and takes one result in; false when there is nothing left.
    async fn step(&mut self, stop: &StopSignals, observer: &dyn Observer) -> bool {
        if stop.now.is_cancelled() {
            return false;
        }
        self.over |= self.schedule.is_over(self.schedule.now());
        let goes_on = !self.over
            && !self.halted
            && !stop.soon.is_cancelled()
            && self.logins.guard().lockout().is_none()
            && self.too_many_failures().is_none()
            && self.no_requests().is_none()
            && self.unrecorded.is_none();
        let paused = goes_on && stop.control.is_paused();
        let open = goes_on && !paused;
        // One time for all of it: between two, a start could become due that nothing waits for any more.
        let now = Instant::now();
        self.note_pause(paused, now);
        if open {
            self.release();
            self.settle(now, observer);
            if !self.awaits_addresses() {
                self.record_attempts(now);
                self.begin(now);
            }
            self.inquire(now);
            self.look_up_addresses();
        }
        if paused {
            self.withdraw_attempts();
        }
        let asking = goes_on && !(self.asking.is_empty() && self.looking_up.is_empty());
        let writing = !self.noting.is_empty() || !self.closing.is_empty() || asking;
        if self.pushing.is_empty() && !writing && !self.verifying.is_empty() {
            self.report_waiting(observer);
        }
        let wake = self.wake(now).filter(|_| open);
        let waits_for_control = paused && self.has_left();
        if self.pushing.is_empty() && self.verifying.is_empty() && !writing && !waits_for_control {
            match wake {
                None if open && !self.doubted.is_empty() => return self.conclude(),
                None => return false,
                Some(wake) if self.ends_before(wake, now) => {
                    self.over = true;
                    return false;
                }
                Some(wake) => self.report_retries(wake, now, observer),
            }
        }
        let end = self.look_at_end(now).filter(|_| wake.is_some() || waits_for_control);
        let wake = wake.into_iter().chain(end).min();
        tokio::select! {
            Some((task, noted)) = self.noting.next() => self.attempt_recorded(task, noted),
            Some((task, answer)) = self.pushing.next() => self.on_reply(task, answer),
            Some((task, next, refused)) = self.verifying.next() => self.verified(task, next, refused),
            Some(findings) = self.asking.next() => self.found(findings, observer),
            Some((count, found)) = self.looking_up.next() => self.looked_up(count, found, observer),
            Some(closed) = self.closing.next() => self.closed(closed, observer),
            () = sleep_until(wake) => self.wake_up(),
            () = stop.control.pause_changes_from(paused), if goes_on => {}
            () = stop.soon.cancelled(), if goes_on => {}
            () = stop.now.cancelled() => {}
        }
        true
    }

    /// Returns when the next phone is due that waits only for a time.
    fn wake(&self, now: Instant) -> Option<Instant> {
        let held = !self.known.noted.is_empty() || !self.recently_changed.noted.is_empty();
        let start = self.next_start.filter(|_| held);
        // A start that is due already waits for something else.
        let start = start.filter(|start| *start > now);
        let windows = self.look_at_windows(now);
        let paused = self.logins.guard().paused_until();
        let paused = paused.filter(|_| self.are_waiting() || !self.doubted.is_empty());
        self.later.first().into_iter().chain(start).chain(windows).chain(paused).min()
    }

    /// Tells whether there are phones that an attempt is still to be made at.
    fn has_left(&self) -> bool {
        self.are_waiting()
            || !self.later.is_empty()
            || !self.held.is_empty()
            || !self.address_checks.is_empty()
            || !self.doubted.is_empty()
    }

    /// Tells whether there are phones that have not begun.
    fn are_waiting(&self) -> bool {
        !self.known.has_begun_all() || !self.recently_changed.has_begun_all()
    }

    /// Returns how many phones may be pushed to at once, if this one is the next.
    fn guarded(&self, next: Option<&PhoneTask>) -> usize {
        match next {
            Some(task) if !task.logs_in() => self.settings.concurrency.max(1),
            Some(_) | None => self.logins.guard().allowed(),
        }
    }

    fn too_many_failures(&self) -> Option<StopReason> {
        let most = self.settings.max_failures?;
        let may_judge = self.judged >= self.settings.min_sample;
        (may_judge && self.failed > most)
            .then_some(StopReason::Failures { failed: self.failed, most })
    }

    fn report_waiting(&self, observer: &dyn Observer) {
        let reason = match self.settings.proof {
            Proof::Fetch => "downloads of {}",
            Proof::Screenshot => "the screens of {}",
            // Without proof there is nothing to wait for.
            Proof::None => return,
        };
        observer.observe(&Event::Waiting {
            stage: self.delivery.stage(),
            reason: WaitReason::of_phones(reason, self.verifying.len()),
            delay: self.settings.verify_timeout,
        });
    }

    /// Reports what is waited for until `wake`.
    fn report_retries(&mut self, wake: Instant, now: Instant, observer: &dyn Observer) {
        self.tell_windows(observer);
        // Phones that only the rate holds back begin soon.
        if self.next_start == Some(wake) {
            return;
        }
        let Some(retry) = self.later.first() else { return self.report_windows(observer) };
        let delay = retry.saturating_duration_since(now);
        let reason = match (self.later.recently_changed(), self.later.len()) {
            (0, all) => WaitReason::of_phones("{} to be tried again", all),
            (recently_changed, _) => WaitReason::of_phones(
                "{} that refused the push user right after a change",
                recently_changed,
            ),
        };
        observer.observe(&Event::Waiting { stage: self.delivery.stage(), reason, delay });
    }

    /// Writes the next attempts into the attempt log, as many as may be in progress.
    fn record_attempts(&mut self, now: Instant) {
        loop {
            // Recently changed phones wait until an attempt at every other phone has begun.
            let known = self.known.ready.len() > 0;
            let next = if known { &self.known } else { &self.recently_changed };
            let begun =
                [&self.known, &self.recently_changed].map(|queue| queue.noting + queue.noted.len());
            let under_way = self.pushing.len() + self.verifying.len();
            if begun.into_iter().sum::<usize>() + under_way >= self.download_path_limit() {
                return;
            }
            if !next.may_note(now, self.pushing.len(), self.guarded(next.ready.front())) {
                return;
            }
            let queue = if known { &mut self.known } else { &mut self.recently_changed };
            let Some(task) = queue.ready.pop(&mut self.site_limits) else { return };
            if let Some(opens) = self.opens(&task.target) {
                self.release_site(&task.target);
                self.hold(opens, task);
                continue;
            }
            self.queue_of(&task).noting += 1;
            let log = self.log;
            self.noting.push(
                async move {
                    let noted = log.begin_attempt(&task.target, task.attempts + 1).await;
                    (task, noted)
                }
                .boxed(),
            );
        }
    }

    fn attempt_recorded(&mut self, mut task: PhoneTask, noted: Result<i64, JournalError>) {
        self.queue_of(&task).noting -= 1;
        match noted {
            Ok(entry) => {
                task.entry = Some(entry);
                self.queue_of(&task).noted.push_back(task);
            }
            Err(error) => {
                self.unrecorded.get_or_insert_with(|| error_chain(&error));
                self.release_site(&task.target);
                self.queue_of(&task).ready.push_front(task);
            }
        }
    }

    /// Ends attempts that are in the attempt log and have not begun: a pause can be long, and the process can be
    /// killed in it.
    fn withdraw_attempts(&mut self) {
        let next = |queue: &mut PushQueue| queue.noted.pop_front();
        while let Some(task) = next(&mut self.known).or_else(|| next(&mut self.recently_changed)) {
            self.withdraw(None, task);
        }
    }

    /// Ends the push to a phone at its sites, and queues phones that waited for room there.
    fn release_site(&mut self, target: &Target) {
        for key in self.site_limits.give_back(target) {
            self.known.ready.has_room(&key);
            self.recently_changed.ready.has_room(&key);
        }
    }

    fn begin(&mut self, now: Instant) {
        loop {
            let known = !self.known.has_begun_all();
            let next = if known { &self.known } else { &self.recently_changed };
            let Some(first) = next.noted.front() else { return };
            // The lockout guard may have allowed it when it was written into the log, and not any more.
            let full = first.logs_in() && !self.logins.guard().may_begin();
            if full || self.pushing.len() >= next.allowed(now, self.guarded(Some(first))) {
                return;
            }
            let queue = if known { &mut self.known } else { &mut self.recently_changed };
            if self.next_start.is_some_and(|start| now < start) {
                return;
            }
            let Some(mut task) = queue.noted.pop_front() else { return };
            // The window can have closed since the attempt was written into the log.
            if let Some(opens) = self.opens(&task.target) {
                self.withdraw(Some(opens), task);
                continue;
            }
            self.next_start = self.settings.rate.map(|rate| {
                let begun = self.next_start.unwrap_or(now).max(now);
                begun + Duration::from_secs(1) / rate.max(1)
            });
            task.ticket = task.logs_in().then(|| self.logins.guard().begin());
            task.attempts += 1;
            task.first_attempt.get_or_insert_with(|| (Timestamp::now(), Instant::now()));
            self.begun.insert(task.target.name.clone(), task.clone());
            let delivery = self.delivery;
            self.pushing.push(
                async move {
                    let answer = delivery.push(&task.target).await;
                    (task, answer)
                }
                .boxed(),
            );
        }
    }

    fn queue_of(&mut self, task: &PhoneTask) -> &mut PushQueue {
        if task.target.recently_changed { &mut self.recently_changed } else { &mut self.known }
    }

    fn on_reply(&mut self, mut task: PhoneTask, answer: AttemptReply) {
        self.note_reply(&task, &answer.kind);
        if let (ReplyKind::Accepted(raw), Some(entry)) = (&answer.kind, task.entry) {
            self.log.record_reply(entry, raw);
        }
        match self.count_login(&mut task, &answer) {
            Some(refusal) => self.doubt(task, answer, refusal),
            None => {
                let attempt = task.counted_attempts();
                // A phone that answers and only lacks trust has not moved.
                let lacks_trust =
                    matches!(answer.kind, ReplyKind::Blocked { outcome: Outcome::Unreachable, .. });
                let may_resend = answer.resend_safe && !lacks_trust;
                task.is_address_taken = matches!(answer.kind, ReplyKind::WrongDevice(_));
                match outcome::next(&task.target, answer, attempt, self.settings.max_attempts) {
                    Next::Done(outcome) if may_resend && self.may_have_moved(&task, &outcome) => {
                        self.check_address(task, outcome);
                    }
                    Next::Done(outcome) => self.finish(task, outcome),
                    Next::Again(outcome) => self.retry_later(task, outcome, None),
                    Next::Verify => self.verify(task),
                }
            }
        }
    }

    fn verify(&self, mut task: PhoneTask) {
        let delivery = self.delivery;
        // Every screenshot is a login, too.
        let logs_in = self.settings.proof == Proof::Screenshot && task.logs_in();
        task.ticket = logs_in.then(|| self.logins.guard().begin());
        self.verifying.push(
            async move {
                let mut fetched = delivery.downloads(&task.target).await;
                // Downloads by other addresses count for all attempts.
                task.downloads.join(std::mem::take(&mut fetched.downloads));
                fetched.downloads = task.downloads.clone();
                let evidence = delivery.evidence(&task.target, fetched.is_complete()).await;
                let next = judged(&task.target, &fetched, &evidence, task.repeated);
                let refused =
                    matches!(evidence, Evidence::Screen { look: ScreenCheck::Refused(_), .. });
                (task, next, refused)
            }
            .boxed(),
        );
    }

    /// Continues with a phone whose proof is complete, or was not seen in time.
    fn verified(&mut self, mut task: PhoneTask, next: Next, refused: bool) {
        self.note_verified(&task);
        if let Some(ticket) = task.ticket.take() {
            let mut guard = self.logins.guard();
            if refused {
                guard.refused(ticket, task.expects_refusal());
            } else {
                guard.ended(ticket);
            }
        }
        match next {
            Next::Done(outcome) => self.finish(task, outcome),
            Next::Again(outcome) => {
                task.repeated = true;
                self.retry_later(task, outcome, None);
            }
            Next::Verify => self.verify(task),
        }
    }

    fn report_pause(&self, delay: Duration, observer: &dyn Observer) {
        // The phone that has just refused is in no queue.
        let phones = self.recently_changed.len() + self.later.recently_changed() + 1;
        let reason =
            WaitReason::of_phones("new associations and settings of {} to take effect", phones);
        observer.observe(&Event::Waiting { stage: self.delivery.stage(), reason, delay });
    }

    fn wake_up(&mut self) {
        let now = Instant::now();
        while let Some(task) = self.later.due(now) {
            self.queue_of(&task).ready.push_back(task);
        }
    }

    fn retry_later(&self, mut task: PhoneTask, outcome: PhoneOutcome, at: Option<Instant>) {
        let (log, entry) = (self.log, task.entry.take());
        task.last = Some(outcome.clone());
        self.closing.push(
            async move {
                let written = match entry {
                    Some(entry) => log.end_attempt(entry, &outcome).await,
                    None => Ok(()),
                };
                AttemptEnd::Again(Box::new(task), at, written)
            }
            .boxed(),
        );
    }

    fn finish(&mut self, mut task: PhoneTask, outcome: PhoneOutcome) {
        self.set_aside(&mut task);
        let (log, entry) = (self.log, task.entry.take());
        let result = task.ended(outcome, Some(Timestamp::now()));
        let result = PhoneResult { proof: self.settings.proof, ..result };
        self.failed += usize::from(result.is_failure());
        self.judged += 1;
        self.open -= 1;
        self.closing.push(
            async move {
                let written = log.finish_phone(entry, &result).await;
                AttemptEnd::Done(Box::new(result), written)
            }
            .boxed(),
        );
    }

    fn closed(&mut self, closed: AttemptEnd, observer: &dyn Observer) {
        let written = match closed {
            AttemptEnd::Again(mut task, at, written) => {
                self.set_aside(&mut task);
                self.begun.remove(&task.target.name);
                self.release_site(&task.target);
                let pause = outcome::pause(self.settings.retry_delay, task.counted_attempts());
                let at = at.unwrap_or_else(|| Instant::now() + pause);
                self.later.put(at, *task);
                written
            }
            AttemptEnd::Held(task, opens, written) => {
                self.release_site(&task.target);
                match opens {
                    Some(opens) => self.hold(opens, *task),
                    None => self.queue_of(&task).ready.push_front(*task),
                }
                written
            }
            AttemptEnd::Doubted(mut task, refusal, written) => {
                self.set_aside(&mut task);
                self.begun.remove(&task.target.name);
                self.release_site(&task.target);
                self.doubting -= 1;
                self.doubted.push((refusal, *task));
                written
            }
            AttemptEnd::Moved(mut task, outcome, written) => {
                self.set_aside(&mut task);
                self.begun.remove(&task.target.name);
                self.release_site(&task.target);
                self.add_address_check(*task, Some(outcome));
                written
            }
            AttemptEnd::Done(result, written) => {
                if let Some(task) = self.begun.remove(&result.name) {
                    self.release_site(&task.target);
                }
                self.record(*result, observer);
                let done = (self.results.len() - self.before_wave) as u64;
                observer.observe(&Event::Progress { stage: self.delivery.stage(), done });
                written
            }
        };
        if let Err(error) = written {
            self.unrecorded.get_or_insert_with(|| error_chain(&error));
        }
    }

    fn record(&mut self, result: PhoneResult, observer: &dyn Observer) {
        observer.observe(&Event::Pushed(Box::new(result.clone())));
        self.results.push(result);
    }
}

#[cfg(test)]
pub(crate) mod tests;
