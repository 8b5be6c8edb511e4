//! The results of phones that have none when a push stops.

use futures::stream::StreamExt as _;
use tokio::time::Instant;

use crate::domain::error_chain::error_chain;
use crate::event::{Event, Observer, PhoneResult};
use crate::journal::JournalError;
use crate::push::Target;
use crate::push::attempt_log::AttemptLog;
use crate::push::policy::lockout::Lockout;
use crate::push::scheduler::Scheduler;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::settings::{StopReason, StopSignals};

/// Makes the results of targets that were not pushed to because the push was stopped before: they are pending.
pub(in crate::push) async fn leave<B: AttemptLog>(
    log: &B,
    targets: Vec<Target>,
    stopped: &StopReason,
    observer: &dyn Observer,
) -> Vec<PhoneResult> {
    let now = Instant::now();
    let results: Vec<PhoneResult> =
        targets.into_iter().map(|target| PhoneTask::new(target, now).stopped(stopped)).collect();
    let writes = results.iter().map(|result| log.finish_phone(None, result));
    let written = futures::future::join_all(writes).await;
    warn_of_gaps(written);
    for result in &results {
        observer.observe(&Event::Pushed(Box::new(result.clone())));
    }
    results
}

fn warn_of_gaps(written: Vec<Result<(), JournalError>>) {
    if let Some(error) = written.into_iter().find_map(Result::err) {
        tracing::warn!(error = %error_chain(&error), "the journal lacks the phones that were not tried");
    }
}

impl<B: AttemptLog> Scheduler<'_, B> {
    pub(crate) fn stopped(&self, stop: &StopSignals) -> Option<StopReason> {
        if let Some(why) = &self.unrecorded {
            return Some(StopReason::Unrecorded(why.clone()));
        }
        if let Some(unreached) = self.no_requests() {
            return Some(unreached);
        }
        if !self.has_left() && self.begun.is_empty() {
            return None;
        }
        if let Some(failures) = self.too_many_failures() {
            return Some(failures);
        }
        let lockout = self.logins.guard().lockout().cloned();
        match lockout {
            Some(Lockout::Password { refusals }) => {
                return Some(StopReason::PasswordRefused { phones: refusals });
            }
            Some(Lockout::Refusals { refusals }) => {
                let in_a_row = u32::try_from(refusals).unwrap_or(u32::MAX);
                return Some(StopReason::AuthRefusals { in_a_row });
            }
            Some(Lockout::Page { why, waited }) => {
                let why = format!("{} {why}", self.logins.page_name());
                return Some(StopReason::PageDown { why, waited });
            }
            None => {}
        }
        if stop.soon.is_cancelled() || stop.now.is_cancelled() {
            return Some(StopReason::Interrupted);
        }
        let until = self.schedule.until().filter(|_| self.over);
        until.map(|until| StopReason::TimeOver { until })
    }

    /// Writes a result for every phone that has none. What is known of a phone that was tried is kept.
    pub(crate) async fn give_up(&mut self, stopped: &StopReason, observer: &dyn Observer) {
        while let Some((task, noted)) = self.noting.next().await {
            self.attempt_recorded(task, noted);
        }
        let mut waiting: Vec<PhoneTask> = Vec::new();
        for queue in [&mut self.known, &mut self.recently_changed] {
            waiting.extend(queue.noted.drain(..).chain(queue.ready.drain()));
        }
        let doubted = std::mem::take(&mut self.doubted).into_iter().map(|(_, task)| task);
        let waiting = waiting.into_iter().chain(doubted);
        let checks = std::mem::take(&mut self.address_checks).into_iter().map(|check| check.task);
        let waiting = waiting.chain(checks).chain(self.later.take()).chain(self.held.take());
        let mut left: Vec<_> =
            waiting.map(|mut task| (task.entry.take(), task.stopped(stopped))).collect();
        left.iter_mut().for_each(|(_, result)| result.proof = self.settings.proof);
        // Their attempts stay without an end in the log: it is not known.
        left.extend(self.begun.drain().map(|(_, task)| (None, task.cut_off())));
        let log = self.log;
        let writes = left.iter().map(|(entry, result)| log.finish_phone(*entry, result));
        warn_of_gaps(futures::future::join_all(writes).await);
        for (_, result) in left {
            self.record(result, observer);
        }
    }
}
