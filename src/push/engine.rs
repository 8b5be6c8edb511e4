//! Keeps the phones moving: a bounded number at once, one request a phone, nobody forgotten.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::decide::{self, Ending, Next};
use super::guard::Guard;
use super::{Answer, Line, Target};
use crate::domain::device_name::DeviceName;
use crate::domain::text::counted;
use crate::event::{Event, Observer, Outcome, PhoneResult, Stage};

/// How to go about a push.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Phones that are asked at once.
    pub concurrency: usize,
    /// Attempts a phone, the first one included.
    pub max_attempts: u32,
    /// Time between two attempts at one phone.
    pub retry_delay: Duration,
    /// How long the line waits for a phone's downloads, for telling it.
    pub verify_timeout: Duration,
    /// Refusals of the push user in a row that stop the push.
    pub max_auth_failures: u32,
}

/// How a push is stopped.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Cancelled: what is under way is finished, and nothing new is begun.
    pub soon: CancellationToken,
    /// Cancelled: what is under way is left as it is.
    pub now: CancellationToken,
}

/// Why a push ended before every phone was done with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stopped {
    /// Too many phones in a row refused the push user.
    AuthRefusals {
        /// How many.
        in_a_row: u32,
    },
    /// Somebody asked to stop.
    Interrupted,
}

impl Stopped {
    /// Says for a person why the push ended.
    pub fn told(self) -> String {
        match self {
            Self::AuthRefusals { in_a_row } => format!(
                "{in_a_row} phones in a row refused the push user, and its account must not be locked; check its \
                 password, and give new associations some minutes"
            ),
            Self::Interrupted => "the run was interrupted".to_owned(),
        }
    }
}

/// What came of a push.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// Every target, sorted by name.
    pub results: Vec<PhoneResult>,
    /// Why some of them were not done with.
    pub stopped: Option<Stopped>,
}

/// Pushes to every target and waits for the proof.
///
/// Phones that were associated before and that check the password come first: they tell soonest whether
/// the password is right. Phones whose association is new come last, because they may still refuse it.
pub async fn run<L: Line>(
    line: &L,
    targets: Vec<Target>,
    settings: Settings,
    stop: &Stop,
    observer: &dyn Observer,
) -> Pushed {
    observer.observe(&Event::Started { stage: Stage::Push, total: Some(targets.len() as u64) });
    let mut fleet = Fleet::new(line, targets, settings);
    while fleet.step(stop, observer).await {}
    let stopped = fleet.stopped(stop);
    if let Some(stopped) = stopped {
        fleet.give_up(stopped, observer);
    }
    observer.observe(&Event::Finished { stage: Stage::Push });
    let mut results = fleet.results;
    results.sort_by(|a, b| a.name.cmp(&b.name));
    Pushed { results, stopped }
}

/// A phone on its way through the push.
#[derive(Clone)]
struct Job {
    target: Target,
    attempts: u32,
    first_attempt: Option<(Timestamp, Instant)>,
    /// How it ends if it is not tried again.
    last: Option<Ending>,
}

/// Phones that are refused or accepted for the same reasons, and so share a guard.
struct Lane {
    guard: Guard,
    ready: VecDeque<Job>,
}

struct Fleet<'a, L: Line> {
    line: &'a L,
    settings: Settings,
    /// Phones that the push user has controlled before: their refusal means the password.
    known: Lane,
    /// Phones that it controls only now: their refusal may only mean that the cluster needs a minute.
    fresh: Lane,
    later: VecDeque<(Instant, Job)>,
    /// What is under way, so that nobody is forgotten when that is cut off.
    begun: HashMap<DeviceName, Job>,
    pushing: FuturesUnordered<BoxFuture<'a, (Job, Answer)>>,
    verifying: FuturesUnordered<BoxFuture<'a, (Job, Ending)>>,
    results: Vec<PhoneResult>,
}

impl<'a, L: Line> Fleet<'a, L> {
    fn new(line: &'a L, mut targets: Vec<Target>, settings: Settings) -> Self {
        // The sort keeps the order of names among equals.
        targets.sort_by_key(|target| !target.checks_password);
        let job = |target| Job { target, attempts: 0, first_attempt: None, last: None };
        let (fresh, known): (Vec<_>, Vec<_>) =
            targets.into_iter().map(job).partition(|job| job.target.newly_associated);
        let lane = |jobs: Vec<Job>| Lane {
            guard: Guard::new(settings.concurrency, settings.max_auth_failures),
            ready: jobs.into(),
        };
        Self {
            line,
            settings,
            known: lane(known),
            fresh: lane(fresh),
            later: VecDeque::new(),
            begun: HashMap::new(),
            pushing: FuturesUnordered::new(),
            verifying: FuturesUnordered::new(),
            results: Vec::new(),
        }
    }

    /// Begins what may begin and takes in one thing that ended; false when there is nothing left.
    async fn step(&mut self, stop: &Stop, observer: &dyn Observer) -> bool {
        if stop.now.is_cancelled() {
            return false;
        }
        let open = !stop.soon.is_cancelled() && !self.known.guard.is_tripped();
        if open {
            self.begin();
        }
        if self.pushing.is_empty() && !self.verifying.is_empty() {
            self.tell_waiting(observer);
        }
        let wake = self.later.front().filter(|_| open).map(|(when, _)| *when);
        if self.pushing.is_empty() && self.verifying.is_empty() && wake.is_none() {
            return false;
        }
        tokio::select! {
            Some((job, answer)) = self.pushing.next() => self.answered(job, answer, observer),
            Some((job, ending)) = self.verifying.next() => self.finish(job, ending, observer),
            () = sleep_until(wake) => self.wake_up(),
            () = stop.soon.cancelled(), if open => {}
            () = stop.now.cancelled() => {}
        }
        true
    }

    fn tell_waiting(&self, observer: &dyn Observer) {
        let reason = format!("downloads of {}", counted(self.verifying.len(), "phone"));
        observer.observe(&Event::Waiting {
            stage: Stage::Push,
            reason,
            delay: self.settings.verify_timeout,
        });
    }

    fn begin(&mut self) {
        loop {
            // The fresh ones wait until every known one is at least under way.
            let lane = if self.known.ready.is_empty() { &mut self.fresh } else { &mut self.known };
            if self.pushing.len() >= lane.guard.allowed() {
                return;
            }
            let Some(mut job) = lane.ready.pop_front() else { return };
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

    fn lane(&mut self, job: &Job) -> &mut Lane {
        if job.target.newly_associated { &mut self.fresh } else { &mut self.known }
    }

    fn answered(&mut self, mut job: Job, answer: Answer, observer: &dyn Observer) {
        match &answer {
            Answer::AuthRefused(_) => self.lane(&job).guard.refused(),
            // Only a phone that asks the cluster proves by its acceptance that the password is right.
            Answer::Accepted if job.target.checks_password => self.lane(&job).guard.accepted(),
            Answer::Accepted
            | Answer::Refused(_)
            | Answer::Unreachable(_)
            | Answer::Unreadable(_)
            | Answer::WrongDevice(_)
            | Answer::NotSent(_) => {}
        }
        match decide::next(&job.target, answer, job.attempts, self.settings.max_attempts) {
            Next::Done(ending) => self.finish(job, ending, observer),
            Next::Again(ending) => {
                self.begun.remove(&job.target.name);
                job.last = Some(ending);
                self.later.push_back((Instant::now() + self.settings.retry_delay, job));
            }
            Next::Verify => {
                let line = self.line;
                self.verifying.push(
                    async move {
                        let fetched = line.downloads(&job.target).await;
                        let ending = decide::proven(&job.target, fetched);
                        (job, ending)
                    }
                    .boxed(),
                );
            }
        }
    }

    fn wake_up(&mut self) {
        let now = Instant::now();
        while let Some((when, _)) = self.later.front() {
            if *when > now {
                return;
            }
            if let Some((_, job)) = self.later.pop_front() {
                self.lane(&job).ready.push_back(job);
            }
        }
    }

    fn finish(&mut self, job: Job, ending: Ending, observer: &dyn Observer) {
        self.begun.remove(&job.target.name);
        self.record(result(job, ending, Some(Timestamp::now())), observer);
        observer.observe(&Event::Progress { stage: Stage::Push, done: self.results.len() as u64 });
    }

    fn record(&mut self, result: PhoneResult, observer: &dyn Observer) {
        observer.observe(&Event::Pushed(Box::new(result.clone())));
        self.results.push(result);
    }

    fn stopped(&self, stop: &Stop) -> Option<Stopped> {
        let waiting = self.known.ready.len() + self.fresh.ready.len() + self.later.len();
        if waiting == 0 && self.begun.is_empty() {
            return None;
        }
        if self.known.guard.is_tripped() || self.fresh.guard.is_tripped() {
            return Some(Stopped::AuthRefusals { in_a_row: self.settings.max_auth_failures });
        }
        (stop.soon.is_cancelled() || stop.now.is_cancelled()).then_some(Stopped::Interrupted)
    }

    /// Writes a result for everybody who has none: what is known of a phone that was tried is kept.
    fn give_up(&mut self, stopped: Stopped, observer: &dyn Observer) {
        let late = std::mem::take(&mut self.later).into_iter().map(|(_, job)| job);
        let known = std::mem::take(&mut self.known.ready);
        let fresh = std::mem::take(&mut self.fresh.ready);
        let waiting: Vec<Job> = known.into_iter().chain(fresh).chain(late).collect();
        for mut job in waiting {
            let ending =
                job.last.take().map_or_else(|| not_tried(stopped), |last| not_again(last, stopped));
            self.record(result(job, ending, None), observer);
        }
        let cut_off: Vec<Job> = std::mem::take(&mut self.begun).into_values().collect();
        for job in cut_off {
            let ending = pending(
                "it was being pushed to when the run was cut off, so its state is not known"
                    .to_owned(),
            );
            self.record(result(job, ending, None), observer);
        }
    }
}

fn not_tried(stopped: Stopped) -> Ending {
    pending(format!("not tried: {}", stopped.told()))
}

fn not_again(last: Ending, stopped: Stopped) -> Ending {
    let reason = last.reason.unwrap_or_default();
    Ending { reason: Some(format!("{reason}; not tried again: {}", stopped.told())), ..last }
}

fn pending(reason: String) -> Ending {
    Ending {
        outcome: Outcome::Pending,
        phone_error: None,
        reason: Some(reason),
        remedy: Some(
            "run `axlpaper rollout` again; phones that are done already are pushed to again"
                .to_owned(),
        ),
    }
}

fn result(job: Job, ending: Ending, finished_at: Option<Timestamp>) -> PhoneResult {
    let Job { target, attempts, first_attempt, last: _ } = job;
    PhoneResult {
        name: target.name,
        model: target.model,
        device_pool: target.device_pool,
        ip: Some(target.ip),
        image: Some(target.image.background),
        outcome: ending.outcome,
        phone_error: ending.phone_error,
        reason: ending.reason,
        remedy: ending.remedy,
        attempts,
        first_attempt_at: first_attempt.map(|(at, _)| at),
        finished_at,
        duration_ms: first_attempt
            .filter(|_| finished_at.is_some())
            .map(|(_, since)| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)),
    }
}

async fn sleep_until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
pub(super) mod tests;
