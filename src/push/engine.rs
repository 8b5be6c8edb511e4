//! Keeps the phones moving: a bounded number at once, one request a phone, nobody forgotten.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::decide::{self, Ending, Next};
use super::guard::Guard;
use super::{Answer, Line, Target};
use crate::domain::chain::chain;
use crate::domain::device_name::DeviceName;
use crate::domain::text::counted;
use crate::event::{Event, Observer, Outcome, PhoneResult, Stage};
use crate::journal::JournalError;

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
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stopped {
    /// Too many phones in a row refused the push user.
    AuthRefusals {
        /// How many.
        in_a_row: u32,
    },
    /// Somebody asked to stop.
    Interrupted,
    /// What is attempted can no longer be written down; says why.
    Unrecorded(String),
}

impl Stopped {
    /// Says for a person why the push ended.
    pub fn told(&self) -> String {
        match self {
            Self::AuthRefusals { in_a_row } => format!(
                "{in_a_row} phones in a row refused the push user, and its account must not be locked; check its \
                 password, and give new associations some minutes"
            ),
            Self::Interrupted => "the run was interrupted".to_owned(),
            Self::Unrecorded(why) => {
                format!("nothing is attempted that cannot be written down: {why}")
            }
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
///
/// Every attempt is in the book before it is made, and what came of it is there before it is told.
pub async fn run<L: Line, B: Book>(
    line: &L,
    book: &B,
    targets: Vec<Target>,
    settings: Settings,
    stop: &Stop,
    observer: &dyn Observer,
) -> Pushed {
    observer.observe(&Event::Started { stage: Stage::Push, total: Some(targets.len() as u64) });
    let mut fleet = Fleet::new(line, book, targets, settings);
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
    Pushed { results, stopped }
}

/// A phone on its way through the push.
#[derive(Clone)]
struct Job {
    target: Target,
    attempts: u32,
    first_attempt: Option<(Timestamp, Instant)>,
    /// Where the book has the attempt that is next or under way.
    entry: Option<i64>,
    /// How it ends if it is not tried again.
    last: Option<Ending>,
}

/// Phones that are refused or accepted for the same reasons, and so share a guard.
struct Lane {
    guard: Guard,
    ready: VecDeque<Job>,
    /// How many are just being written down.
    noting: usize,
    /// Written down, and free to begin: so that no place stays empty while the book is written.
    noted: VecDeque<Job>,
}

impl Lane {
    fn has_begun_all(&self) -> bool {
        self.ready.is_empty() && self.noting == 0 && self.noted.is_empty()
    }
}

/// An attempt whose end is in the book.
enum Closed {
    Done(Box<PhoneResult>, Result<(), JournalError>),
    Again(Box<Job>, Result<(), JournalError>),
}

struct Fleet<'a, L: Line, B: Book> {
    line: &'a L,
    book: &'a B,
    settings: Settings,
    /// Phones that the push user has controlled before: their refusal means the password.
    known: Lane,
    /// Phones that it controls only now: their refusal may only mean that the cluster needs a minute.
    fresh: Lane,
    later: VecDeque<(Instant, Job)>,
    /// What is under way, so that nobody is forgotten when that is cut off.
    begun: HashMap<DeviceName, Job>,
    noting: FuturesUnordered<BoxFuture<'a, (Job, Result<i64, JournalError>)>>,
    pushing: FuturesUnordered<BoxFuture<'a, (Job, Answer)>>,
    verifying: FuturesUnordered<BoxFuture<'a, (Job, Ending)>>,
    closing: FuturesUnordered<BoxFuture<'a, Closed>>,
    results: Vec<PhoneResult>,
    /// Why the book takes no more.
    unrecorded: Option<String>,
}

impl<'a, L: Line, B: Book> Fleet<'a, L, B> {
    fn new(line: &'a L, book: &'a B, mut targets: Vec<Target>, settings: Settings) -> Self {
        // The sort keeps the order of names among equals.
        targets.sort_by_key(|target| !target.checks_password);
        let job =
            |target| Job { target, attempts: 0, first_attempt: None, entry: None, last: None };
        let (fresh, known): (Vec<_>, Vec<_>) =
            targets.into_iter().map(job).partition(|job| job.target.newly_associated);
        let lane = |jobs: Vec<Job>| Lane {
            guard: Guard::new(settings.concurrency, settings.max_auth_failures),
            ready: jobs.into(),
            noting: 0,
            noted: VecDeque::new(),
        };
        Self {
            line,
            book,
            settings,
            known: lane(known),
            fresh: lane(fresh),
            later: VecDeque::new(),
            begun: HashMap::new(),
            noting: FuturesUnordered::new(),
            pushing: FuturesUnordered::new(),
            verifying: FuturesUnordered::new(),
            closing: FuturesUnordered::new(),
            results: Vec::new(),
            unrecorded: None,
        }
    }

    /// Begins what may begin and takes in one thing that ended; false when there is nothing left.
    async fn step(&mut self, stop: &Stop, observer: &dyn Observer) -> bool {
        if stop.now.is_cancelled() {
            return false;
        }
        let open = !stop.soon.is_cancelled()
            && !self.known.guard.is_tripped()
            && self.unrecorded.is_none();
        if open {
            self.note();
            self.begin();
        }
        let writing = !self.noting.is_empty() || !self.closing.is_empty();
        if self.pushing.is_empty() && !writing && !self.verifying.is_empty() {
            self.tell_waiting(observer);
        }
        let wake = self.later.front().filter(|_| open).map(|(when, _)| *when);
        if self.pushing.is_empty() && self.verifying.is_empty() && !writing && wake.is_none() {
            return false;
        }
        tokio::select! {
            Some((job, noted)) = self.noting.next() => self.noted(job, noted),
            Some((job, answer)) = self.pushing.next() => self.answered(job, answer),
            Some((job, ending)) = self.verifying.next() => self.finish(job, ending),
            Some(closed) = self.closing.next() => self.closed(closed, observer),
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

    /// Writes down those that come next, as many as may be under way.
    fn note(&mut self) {
        loop {
            // The fresh ones wait until every known one is at least under way.
            let lane = if self.known.ready.is_empty() { &mut self.fresh } else { &mut self.known };
            if lane.noting + lane.noted.len() >= lane.guard.allowed() {
                return;
            }
            let Some(job) = lane.ready.pop_front() else { return };
            lane.noting += 1;
            let book = self.book;
            self.noting.push(
                async move {
                    let noted = book.trying(&job.target, job.attempts + 1).await;
                    (job, noted)
                }
                .boxed(),
            );
        }
    }

    fn noted(&mut self, mut job: Job, noted: Result<i64, JournalError>) {
        self.lane(&job).noting -= 1;
        match noted {
            Ok(entry) => {
                job.entry = Some(entry);
                self.lane(&job).noted.push_back(job);
            }
            Err(error) => {
                self.unrecorded.get_or_insert_with(|| chain(&error));
                self.lane(&job).ready.push_front(job);
            }
        }
    }

    fn begin(&mut self) {
        loop {
            let lane = if self.known.has_begun_all() { &mut self.fresh } else { &mut self.known };
            if self.pushing.len() >= lane.guard.allowed() {
                return;
            }
            let Some(mut job) = lane.noted.pop_front() else { return };
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

    fn answered(&mut self, job: Job, answer: Answer) {
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
            Next::Done(ending) => self.finish(job, ending),
            Next::Again(ending) => self.put_off(job, ending),
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

    fn put_off(&self, mut job: Job, ending: Ending) {
        let (book, entry) = (self.book, job.entry.take());
        job.last = Some(ending.clone());
        self.closing.push(
            async move {
                let written = match entry {
                    Some(entry) => book.tried(entry, &ending).await,
                    None => Ok(()),
                };
                Closed::Again(Box::new(job), written)
            }
            .boxed(),
        );
    }

    fn finish(&self, mut job: Job, ending: Ending) {
        let (book, entry) = (self.book, job.entry.take());
        let result = result(job, ending, Some(Timestamp::now()));
        self.closing.push(
            async move {
                let written = book.ended(entry, &result).await;
                Closed::Done(Box::new(result), written)
            }
            .boxed(),
        );
    }

    fn closed(&mut self, closed: Closed, observer: &dyn Observer) {
        let written = match closed {
            Closed::Again(job, written) => {
                self.begun.remove(&job.target.name);
                self.later.push_back((Instant::now() + self.settings.retry_delay, *job));
                written
            }
            Closed::Done(result, written) => {
                self.begun.remove(&result.name);
                self.record(*result, observer);
                let done = self.results.len() as u64;
                observer.observe(&Event::Progress { stage: Stage::Push, done });
                written
            }
        };
        if let Err(error) = written {
            self.unrecorded.get_or_insert_with(|| chain(&error));
        }
    }

    fn record(&mut self, result: PhoneResult, observer: &dyn Observer) {
        observer.observe(&Event::Pushed(Box::new(result.clone())));
        self.results.push(result);
    }

    fn stopped(&self, stop: &Stop) -> Option<Stopped> {
        let waiting = |lane: &Lane| lane.ready.len() + lane.noted.len();
        let waiting = waiting(&self.known) + waiting(&self.fresh) + self.noting.len();
        if let Some(why) = &self.unrecorded {
            return Some(Stopped::Unrecorded(why.clone()));
        }
        if waiting == 0 && self.later.is_empty() && self.begun.is_empty() {
            return None;
        }
        if self.known.guard.is_tripped() || self.fresh.guard.is_tripped() {
            return Some(Stopped::AuthRefusals { in_a_row: self.settings.max_auth_failures });
        }
        (stop.soon.is_cancelled() || stop.now.is_cancelled()).then_some(Stopped::Interrupted)
    }

    /// Writes a result for everybody who has none: what is known of a phone that was tried is kept.
    async fn give_up(&mut self, stopped: &Stopped, observer: &dyn Observer) {
        while let Some((job, noted)) = self.noting.next().await {
            self.noted(job, noted);
        }
        let late = std::mem::take(&mut self.later).into_iter().map(|(_, job)| job);
        let mut waiting: Vec<Job> = Vec::new();
        for lane in [&mut self.known, &mut self.fresh] {
            waiting.extend(lane.noted.drain(..).chain(lane.ready.drain(..)));
        }
        let mut left = Vec::new();
        for mut job in waiting.into_iter().chain(late) {
            let ending =
                job.last.take().map_or_else(|| not_tried(stopped), |last| not_again(last, stopped));
            left.push((job.entry.take(), result(job, ending, None)));
        }
        for (_, job) in self.begun.drain() {
            let ending = pending(
                "it was being pushed to when the run was cut off, so its state is not known"
                    .to_owned(),
            );
            // The book keeps its attempt open: nobody knows how it ended.
            left.push((None, result(job, ending, None)));
        }
        let book = self.book;
        let writes = left.iter().map(|(entry, result)| book.ended(*entry, result));
        let written = futures::future::join_all(writes).await;
        if let Some(error) = written.into_iter().find_map(Result::err) {
            tracing::warn!(error = %chain(&error), "the journal lacks the phones that were not tried");
        }
        for (_, result) in left {
            self.record(result, observer);
        }
    }
}

fn not_tried(stopped: &Stopped) -> Ending {
    pending(format!("not tried: {}", stopped.told()))
}

fn not_again(last: Ending, stopped: &Stopped) -> Ending {
    let reason = last.reason.unwrap_or_default();
    Ending { reason: Some(format!("{reason}; not tried again: {}", stopped.told())), ..last }
}

fn pending(reason: String) -> Ending {
    Ending {
        outcome: Outcome::Pending,
        phone_error: None,
        reason: Some(reason),
        remedy: Some(
            "run `axlpaper rollout --resume last`; phones that are done already are left alone"
                .to_owned(),
        ),
    }
}

fn result(job: Job, ending: Ending, finished_at: Option<Timestamp>) -> PhoneResult {
    let Job { target, attempts, first_attempt, entry: _, last: _ } = job;
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
