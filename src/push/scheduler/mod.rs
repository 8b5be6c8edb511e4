//! Keeps the phones moving: a bounded number at once, one request a phone, nobody forgotten.
mod login_probes;
pub(crate) mod phone_task;
pub(crate) mod queues;
pub mod schedule;
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
use crate::domain::text::pluralize;
use crate::event::{Event, Observer, PhoneResult, Proof, Stage};
use crate::journal::JournalError;
use crate::push::attempt_log::AttemptLog;
use crate::push::policy::lockout::{Findings, Limits, Refused};
use crate::push::policy::logins::LoginProbes;
use crate::push::policy::outcome;
use crate::push::policy::outcome::{Next, PhoneOutcome};
use crate::push::policy::propagation::{Backoff, PropagationWait};
use crate::push::policy::verification::judged;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::queues::{PushQueue, RetryQueue};
use crate::push::scheduler::schedule::Schedule;
use crate::push::scheduler::site_limits::SiteLimits;
use crate::push::{AttemptReply, Delivery, Evidence, LoginCheck, ScreenCheck, Target};

use crate::push::scheduler::window_queue::WindowQueue;

pub(in crate::push) use crate::push::scheduler::stop::leave;

pub use crate::push::settings::{
    PushOutcomes, PushSettings, SiteLimitConfig, StopReason, StopSignals,
};

/// Pushes to every target and waits for the proof.
///
/// Phones that were associated before and that check the password come first: they tell soonest whether
/// the password is right. Fresh phones come last, because they may still refuse it; while that means "not
/// yet", they are waited for.
///
/// Every attempt is in the book before it is made, and what came of it is there before it is told.
pub async fn run<L: Delivery, B: AttemptLog>(
    line: &L,
    book: &B,
    targets: Vec<Target>,
    settings: PushSettings,
    stop: &StopSignals,
    observer: &dyn Observer,
) -> PushOutcomes {
    observer.observe(&Event::Started { stage: Stage::Push, total: Some(targets.len() as u64) });
    let mut fleet = Scheduler::new(line, book, targets, settings, stop, Instant::now());
    while fleet.step(stop, observer).await {}
    while let Some(closed) = fleet.closing.next().await {
        fleet.closed(closed, observer);
    }
    let stopped = fleet.stopped(stop);
    if let Some(stopped) = &stopped {
        fleet.give_up(stopped, observer).await;
    }
    observer.observe(&Event::Finished { stage: Stage::Push });
    let mut results = fleet.results;
    results.sort_by(|a, b| a.name.cmp(&b.name));
    PushOutcomes { results, stopped }
}

/// An attempt whose end is in the book.
enum AttemptEnd {
    Done(Box<PhoneResult>, Result<(), JournalError>),
    /// To be tried again at that time, or after the usual delay.
    Again(Box<PhoneTask>, Option<Instant>, Result<(), JournalError>),
    /// Not tried at all: its window has closed, and opens at that time.
    Held(Box<PhoneTask>, Timestamp, Result<(), JournalError>),
    /// It refused the push user, and why is to be found out.
    Doubted(Box<PhoneTask>, Refused, Result<(), JournalError>),
}

struct Scheduler<'a, L: Delivery, B: AttemptLog> {
    line: &'a L,
    book: &'a B,
    settings: PushSettings,
    /// Phones that the push user has controlled before.
    known: PushQueue,
    /// Phones that were changed only now: their refusal may only mean that the cluster needs a minute.
    fresh: PushQueue,
    later: RetryQueue,
    /// Phones whose window is closed.
    held: WindowQueue,
    /// Phones that refused the push user, with the refusal as the guard knows it.
    doubted: Vec<(Refused, PhoneTask)>,
    /// How many more of them are just being written down.
    doubting: usize,
    logins: &'a LoginProbes,
    /// What was told of the authentication page: what is wrong with it, and since when.
    told_outage: Option<(String, Instant)>,
    schedule: &'a Schedule,
    /// Whether the run's time is over.
    over: bool,
    places: SiteLimits,
    /// When the next push may begin, where there is a rate.
    next_start: Option<Instant>,
    failed: usize,
    /// What is under way, so that nobody is forgotten when that is cut off.
    begun: HashMap<DeviceName, PhoneTask>,
    noting: FuturesUnordered<BoxFuture<'a, (PhoneTask, Result<i64, JournalError>)>>,
    pushing: FuturesUnordered<BoxFuture<'a, (PhoneTask, AttemptReply)>>,
    verifying: FuturesUnordered<BoxFuture<'a, (PhoneTask, Next, bool)>>,
    asking: FuturesUnordered<BoxFuture<'a, Findings>>,
    closing: FuturesUnordered<BoxFuture<'a, AttemptEnd>>,
    results: Vec<PhoneResult>,
    /// Why the book takes no more.
    unrecorded: Option<String>,
}

impl<'a, L: Delivery, B: AttemptLog> Scheduler<'a, L, B> {
    fn new(
        line: &'a L,
        book: &'a B,
        mut targets: Vec<Target>,
        settings: PushSettings,
        stop: &'a StopSignals,
        now: Instant,
    ) -> Self {
        let PushSettings { concurrency, max_auth_failures, max_logins_at_risk, .. } = settings;
        let limits = Limits::new(concurrency, max_auth_failures, max_logins_at_risk);
        stop.logins.guard().set_limits(limits);
        // The sort keeps the order of names among equals.
        targets.sort_by_key(|target| target.login_check != LoginCheck::Cluster);
        let (fresh, known): (Vec<_>, Vec<_>) =
            targets.into_iter().map(PhoneTask::new).partition(|job| job.target.fresh);
        let lane = |jobs: Vec<PhoneTask>, patience: Duration| {
            let waiting =
                PropagationWait::new(Backoff::USUAL, now, patience, settings.password_proven);
            PushQueue::new(jobs, waiting, concurrency.max(1))
        };
        Self {
            line,
            book,
            settings,
            // Nothing of these is new, so there is nothing to wait for.
            known: lane(known, Duration::ZERO),
            fresh: lane(fresh, settings.propagation_limit),
            later: RetryQueue::default(),
            held: WindowQueue::default(),
            doubted: Vec::new(),
            doubting: 0,
            logins: &stop.logins,
            told_outage: None,
            schedule: &stop.schedule,
            over: false,
            places: SiteLimits::new(settings.site_limits),
            next_start: None,
            failed: 0,
            begun: HashMap::new(),
            noting: FuturesUnordered::new(),
            pushing: FuturesUnordered::new(),
            verifying: FuturesUnordered::new(),
            asking: FuturesUnordered::new(),
            closing: FuturesUnordered::new(),
            results: Vec::new(),
            unrecorded: None,
        }
    }

    /// Begins what may begin and takes in one thing that ended; false when there is nothing left.
    async fn step(&mut self, stop: &StopSignals, observer: &dyn Observer) -> bool {
        if stop.now.is_cancelled() {
            return false;
        }
        self.over |= self.schedule.is_over(self.schedule.now());
        let open = !self.over
            && !stop.soon.is_cancelled()
            && self.logins.guard().lockout().is_none()
            && self.too_many_failures().is_none()
            && self.unrecorded.is_none();
        // One time for all of it: between two, a start could become due that nobody waits for any more.
        let now = Instant::now();
        if open {
            self.release();
            self.settle(now, observer);
            self.record_attempts(now);
            self.begin(now);
            self.inquire(now);
        }
        let asking = open && !self.asking.is_empty();
        let writing = !self.noting.is_empty() || !self.closing.is_empty() || asking;
        if self.pushing.is_empty() && !writing && !self.verifying.is_empty() {
            self.report_waiting(observer);
        }
        let wake = self.wake(now).filter(|_| open);
        if self.pushing.is_empty() && self.verifying.is_empty() && !writing {
            match wake {
                None if open && !self.doubted.is_empty() => return self.conclude(),
                None => return false,
                Some(wake) if self.ends_before(wake, now) => {
                    self.over = true;
                    return false;
                }
                Some(wake) => self.report_retries(wake.saturating_duration_since(now), observer),
            }
        }
        let end = self.look_at_end(now).filter(|_| wake.is_some());
        let wake = wake.into_iter().chain(end).min();
        tokio::select! {
            Some((job, noted)) = self.noting.next() => self.attempt_recorded(job, noted),
            Some((job, answer)) = self.pushing.next() => self.on_reply(job, answer),
            Some((job, next, refused)) = self.verifying.next() => self.verified(job, next, refused),
            Some(findings) = self.asking.next() => self.found(findings, observer),
            Some(closed) = self.closing.next() => self.closed(closed, observer),
            () = sleep_until(wake) => self.wake_up(),
            () = stop.soon.cancelled(), if open => {}
            () = stop.now.cancelled() => {}
        }
        true
    }

    /// Returns when somebody comes next who waits for nothing but a time.
    fn wake(&self, now: Instant) -> Option<Instant> {
        let held = !self.known.noted.is_empty() || !self.fresh.noted.is_empty();
        let start = self.next_start.filter(|_| held);
        // A start that has come already is held up by something else.
        let start = start.filter(|start| *start > now);
        let windows = self.look_at_windows(now);
        let paused = self.logins.guard().paused_until();
        let paused = paused.filter(|_| self.are_waiting() || !self.doubted.is_empty());
        self.later.first().into_iter().chain(start).chain(windows).chain(paused).min()
    }

    /// Tells whether there are phones that have not begun.
    fn are_waiting(&self) -> bool {
        !self.known.has_begun_all() || !self.fresh.has_begun_all()
    }

    /// Returns how many phones may be asked at once, if this one comes next.
    fn guarded(&self, next: Option<&PhoneTask>) -> usize {
        match next {
            Some(job) if !job.logs_in() => self.settings.concurrency.max(1),
            Some(_) | None => self.logins.guard().allowed(),
        }
    }

    fn too_many_failures(&self) -> Option<StopReason> {
        let most = self.settings.max_failures?;
        (self.failed > most).then_some(StopReason::Failures { failed: self.failed, most })
    }

    fn report_waiting(&self, observer: &dyn Observer) {
        let phones = pluralize(self.verifying.len(), "phone");
        let reason = match self.settings.proof {
            Proof::Fetch => format!("downloads of {phones}"),
            Proof::Screenshot => format!("the screens of {phones}"),
            // Nobody looks, so nothing is waited for.
            Proof::None => return,
        };
        observer.observe(&Event::Waiting {
            stage: Stage::Push,
            reason,
            delay: self.settings.verify_timeout,
        });
    }

    fn report_retries(&mut self, delay: Duration, observer: &dyn Observer) {
        self.tell_windows(observer);
        let reason = match (self.later.fresh(), self.later.len()) {
            // Those that the rate holds back come in no time.
            (_, 0) => return,
            (0, all) => format!("{} to be tried again", pluralize(all, "phone")),
            (fresh, _) => {
                let phones = pluralize(fresh, "phone");
                format!("{phones} that refused the push user right after a change")
            }
        };
        observer.observe(&Event::Waiting { stage: Stage::Push, reason, delay });
    }

    /// Writes down those that come next, as many as may be under way.
    fn record_attempts(&mut self, now: Instant) {
        loop {
            // The fresh ones wait until every known one is at least under way.
            let known = self.known.ready.len() > 0;
            let next = if known { &self.known } else { &self.fresh };
            if !next.may_note(now, self.pushing.len(), self.guarded(next.ready.front())) {
                return;
            }
            let lane = if known { &mut self.known } else { &mut self.fresh };
            let Some(job) = lane.ready.pop(&mut self.places) else { return };
            if let Some(opens) = self.opens(&job.target) {
                self.release_site(&job.target);
                self.hold(opens, job);
                continue;
            }
            self.queue_of(&job).noting += 1;
            let book = self.book;
            self.noting.push(
                async move {
                    let noted = book.begin_attempt(&job.target, job.attempts + 1).await;
                    (job, noted)
                }
                .boxed(),
            );
        }
    }

    fn attempt_recorded(&mut self, mut job: PhoneTask, noted: Result<i64, JournalError>) {
        self.queue_of(&job).noting -= 1;
        match noted {
            Ok(entry) => {
                job.entry = Some(entry);
                self.queue_of(&job).noted.push_back(job);
            }
            Err(error) => {
                self.unrecorded.get_or_insert_with(|| error_chain(&error));
                self.release_site(&job.target);
                self.queue_of(&job).ready.push_front(job);
            }
        }
    }

    /// Gives the places of a phone back, and lets those come next that waited for them.
    fn release_site(&mut self, target: &Target) {
        for place in self.places.give_back(target) {
            self.known.ready.has_room(&place);
            self.fresh.ready.has_room(&place);
        }
    }

    fn begin(&mut self, now: Instant) {
        loop {
            let known = !self.known.has_begun_all();
            let next = if known { &self.known } else { &self.fresh };
            let Some(first) = next.noted.front() else { return };
            // What was allowed when it was written down may not be any more.
            let full = first.logs_in() && !self.logins.guard().may_begin();
            if full || self.pushing.len() >= next.allowed(now, self.guarded(Some(first))) {
                return;
            }
            let lane = if known { &mut self.known } else { &mut self.fresh };
            if self.next_start.is_some_and(|start| now < start) {
                return;
            }
            let Some(mut job) = lane.noted.pop_front() else { return };
            // It was open when the phone was written down; that was a moment ago.
            if let Some(opens) = self.opens(&job.target) {
                self.hold_noted(opens, job);
                continue;
            }
            self.next_start = self.settings.rate.map(|rate| {
                let begun = self.next_start.unwrap_or(now).max(now);
                begun + Duration::from_secs(1) / rate.max(1)
            });
            job.ticket = job.logs_in().then(|| self.logins.guard().begin());
            job.attempts += 1;
            job.first_attempt.get_or_insert_with(|| (Timestamp::now(), Instant::now()));
            self.begun.insert(job.target.name.clone(), job.clone());
            let line = self.line;
            self.pushing.push(
                async move {
                    let answer = line.push(&job.target).await;
                    (job, answer)
                }
                .boxed(),
            );
        }
    }

    fn queue_of(&mut self, job: &PhoneTask) -> &mut PushQueue {
        if job.target.fresh { &mut self.fresh } else { &mut self.known }
    }

    fn on_reply(&mut self, mut job: PhoneTask, answer: AttemptReply) {
        if let (AttemptReply::Accepted(raw), Some(entry)) = (&answer, job.entry) {
            self.book.record_reply(entry, raw);
        }
        match self.count_login(&mut job, &answer) {
            Some(refusal) => self.doubt(job, answer, refusal),
            None => {
                let attempt = job.counted_attempts();
                match outcome::next(&job.target, answer, attempt, self.settings.max_attempts) {
                    Next::Done(ending) => self.finish(job, ending),
                    Next::Again(ending) => self.retry_later(job, ending, None),
                    Next::Verify => self.verify(job),
                }
            }
        }
    }

    fn verify(&self, mut job: PhoneTask) {
        let line = self.line;
        // Every screenshot is a login, too.
        let logs_in = self.settings.proof == Proof::Screenshot && job.logs_in();
        job.ticket = logs_in.then(|| self.logins.guard().begin());
        self.verifying.push(
            async move {
                let mut fetched = line.downloads(&job.target).await;
                // Who else downloaded its files counts for all its attempts.
                job.downloads.join(std::mem::take(&mut fetched.downloads));
                fetched.downloads = job.downloads.clone();
                let evidence = line.evidence(&job.target, &fetched).await;
                let next = judged(&job.target, &fetched, &evidence, job.repeated);
                let refused =
                    matches!(evidence, Evidence::Screen { look: ScreenCheck::Refused(_), .. });
                (job, next, refused)
            }
            .boxed(),
        );
    }

    /// Goes on with a phone whose downloads were waited for.
    fn verified(&mut self, mut job: PhoneTask, next: Next, refused: bool) {
        if let Some(ticket) = job.ticket.take() {
            let mut guard = self.logins.guard();
            if refused {
                guard.refused(ticket);
            } else {
                guard.ended(ticket);
            }
        }
        match next {
            Next::Done(ending) => self.finish(job, ending),
            Next::Again(ending) => {
                job.repeated = true;
                self.retry_later(job, ending, None);
            }
            Next::Verify => self.verify(job),
        }
    }

    fn report_pause(&self, delay: Duration, observer: &dyn Observer) {
        // The phone that has just refused is nowhere else.
        let phones = pluralize(self.fresh.len() + self.later.fresh() + 1, "phone");
        let reason = format!("new associations and settings of {phones} to take effect");
        observer.observe(&Event::Waiting { stage: Stage::Push, reason, delay });
    }

    fn wake_up(&mut self) {
        let now = Instant::now();
        while let Some(job) = self.later.due(now) {
            self.queue_of(&job).ready.push_back(job);
        }
    }

    fn retry_later(&self, mut job: PhoneTask, ending: PhoneOutcome, at: Option<Instant>) {
        let (book, entry) = (self.book, job.entry.take());
        job.last = Some(ending.clone());
        self.closing.push(
            async move {
                let written = match entry {
                    Some(entry) => book.end_attempt(entry, &ending).await,
                    None => Ok(()),
                };
                AttemptEnd::Again(Box::new(job), at, written)
            }
            .boxed(),
        );
    }

    fn finish(&mut self, mut job: PhoneTask, ending: PhoneOutcome) {
        let (book, entry) = (self.book, job.entry.take());
        let result = job.ended(ending, Some(Timestamp::now()));
        let result = PhoneResult { proof: self.settings.proof, ..result };
        self.failed += usize::from(result.is_failure());
        self.closing.push(
            async move {
                let written = book.finish_phone(entry, &result).await;
                AttemptEnd::Done(Box::new(result), written)
            }
            .boxed(),
        );
    }

    fn closed(&mut self, closed: AttemptEnd, observer: &dyn Observer) {
        let written = match closed {
            AttemptEnd::Again(job, at, written) => {
                self.begun.remove(&job.target.name);
                self.release_site(&job.target);
                let pause = outcome::pause(self.settings.retry_delay, job.counted_attempts());
                let at = at.unwrap_or_else(|| Instant::now() + pause);
                self.later.put(at, *job);
                written
            }
            AttemptEnd::Held(job, opens, written) => {
                self.release_site(&job.target);
                self.hold(opens, *job);
                written
            }
            AttemptEnd::Doubted(job, refusal, written) => {
                self.begun.remove(&job.target.name);
                self.release_site(&job.target);
                self.doubting -= 1;
                self.doubted.push((refusal, *job));
                written
            }
            AttemptEnd::Done(result, written) => {
                if let Some(job) = self.begun.remove(&result.name) {
                    self.release_site(&job.target);
                }
                self.record(*result, observer);
                let done = self.results.len() as u64;
                observer.observe(&Event::Progress { stage: Stage::Push, done });
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

async fn sleep_until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
pub(crate) mod tests;
