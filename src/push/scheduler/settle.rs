//! How waves follow each other: which phones must have a result before the next one begins, and how a push ends.

use futures::stream::StreamExt as _;
use tokio::time::Instant;

use crate::event::{Event, Observer, Outcome};
use crate::push::attempt_log::AttemptLog;
use crate::push::scheduler::Scheduler;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::settings::{PushOutcomes, StopReason, StopSignals};
use crate::push::{LoginCheck, Target};

impl<B: AttemptLog> Scheduler<'_, B> {
    /// Adds the phones of a wave.
    pub(crate) fn add(&mut self, mut targets: Vec<Target>, observer: &dyn Observer) {
        self.addresses_due = !self.address_checks.is_empty();
        self.held.told.clear();
        self.before_wave = self.results.len();
        self.open += targets.len();
        self.fresh += targets.len();
        observer.observe(&Event::Started {
            stage: self.delivery.stage(),
            total: Some(self.open as u64),
        });
        // Once a phone has shown that the password is right, no recently changed phone can make it doubtful.
        let is_proven = self.results.iter().any(|result| result.outcome == Outcome::Verified);
        let now = Instant::now();
        self.recently_changed.waiting.renew(now, is_proven);
        // The sort keeps the order of names among equals.
        targets.sort_by_key(|target| target.login_check != LoginCheck::Cluster);
        self.spread_over_pools(&mut targets);
        for target in targets {
            let task = PhoneTask::new(target, now);
            match self.schedule.start() {
                // The addresses are as old as the wait was long.
                Some(_) => self.queue_after_wait(task),
                None => self.queue_of(&task).ready.push_back(task),
            }
        }
    }

    /// Works until every phone has a result, or the push is stopped.
    pub(crate) async fn settle_all(&mut self, stop: &StopSignals, observer: &dyn Observer) {
        self.work(stop, observer).await;
        observer.observe(&Event::Finished { stage: self.delivery.stage() });
    }

    async fn work(&mut self, stop: &StopSignals, observer: &dyn Observer) {
        while self.step(stop, observer).await {}
        while let Some(closed) = self.closing.next().await {
            self.closed(closed, observer);
        }
    }

    /// Works until the next wave may begin beside the phones that are still retried.
    pub(crate) async fn settle_first_attempts(
        &mut self,
        stop: &StopSignals,
        observer: &dyn Observer,
    ) {
        while !self.may_begin_wave() {
            if !self.step(stop, observer).await {
                return self.settle_all(stop, observer).await;
            }
        }
        observer.observe(&Event::Finished { stage: self.delivery.stage() });
    }

    /// Returns whether the next wave may begin although phones have no result yet: their first attempt has ended, and
    /// however they end, no stop rule would stop the push.
    fn may_begin_wave(&self) -> bool {
        let is_known = self.fresh == 0 && self.results.len() == self.judged;
        let has_success = self.judged > self.failed;
        let may_judge = self.judged + self.open >= self.settings.min_sample;
        let worst = self.failed + self.open;
        let may_stop = may_judge && self.settings.max_failures.is_some_and(|most| worst > most);
        let is_in_doubt = self.doubting > 0 || !self.doubted.is_empty();
        is_known && has_success && !may_stop && (!is_in_doubt || self.logins.guard().allowed() > 0)
    }

    /// Marks a phone whose first attempt has ended without a result.
    pub(crate) fn set_aside(&mut self, task: &mut PhoneTask) {
        if !std::mem::replace(&mut task.is_set_aside, true) {
            self.fresh -= 1;
        }
    }

    /// Ends the push. Phones that have no result get one: pending, or what is known of them.
    pub(crate) async fn end(
        mut self,
        stopped: Option<StopReason>,
        stop: &StopSignals,
        observer: &dyn Observer,
    ) -> PushOutcomes {
        if stopped.is_some() && self.open > 0 {
            // Retries that are in flight finish.
            self.halted = true;
            self.work(stop, observer).await;
        }
        let stopped = stopped.or_else(|| self.stopped(stop));
        if let Some(stopped) = &stopped {
            self.give_up(stopped, observer).await;
        }
        let mut results = self.results;
        results.sort_by(|a, b| a.name.cmp(&b.name));
        PushOutcomes { results, stopped }
    }
}
