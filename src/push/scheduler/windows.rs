//! Phones whose window is closed, and the end of the run.
//!
//! Windows are times of day, so these phones wait for a time of day and not for a duration: a machine that slept
//! meanwhile, or whose clock was set, must not push too late or too early.

use std::collections::BTreeMap;

use futures::future::FutureExt as _;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::domain::text::pluralize;
use crate::event::{Event, Observer, Outcome};
use crate::push::Target;
use crate::push::attempt_log::AttemptLog;
use crate::push::policy::outcome::PhoneOutcome;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::schedule::until;
use crate::push::scheduler::{AttemptEnd, Scheduler};
use crate::push::settings::BETWEEN_CLOCK_CHECKS;

impl<B: AttemptLog> Scheduler<'_, B> {
    /// Returns when the window of the phone opens; nothing while it is open.
    pub(crate) fn opens(&self, target: &Target) -> Option<Timestamp> {
        self.schedule.opens(target, self.schedule.now())
    }

    /// Has a phone wait for its window.
    pub(crate) fn hold(&mut self, opens: Timestamp, task: PhoneTask) {
        self.held.put(opens, task);
    }

    /// Ends an attempt that is in the attempt log and was not made: the window of the phone is closed until `opens`, or
    /// the run is paused.
    pub(crate) fn withdraw(&self, opens: Option<Timestamp>, mut task: PhoneTask) {
        let reason = match opens {
            Some(_) => "its window closed before anything was sent",
            None => "the run was paused before anything was sent",
        };
        let not_sent = PhoneOutcome {
            outcome: Outcome::Excluded,
            phone_error: None,
            reason: Some(reason.to_owned()),
            remedy: None,
        };
        let (log, entry) = (self.log, task.entry.take());
        self.closing.push(
            async move {
                let written = match entry {
                    Some(entry) => log.end_attempt(entry, &not_sent).await,
                    None => Ok(()),
                };
                AttemptEnd::Held(Box::new(task), opens, written)
            }
            .boxed(),
        );
    }

    /// Queues the phones whose window has opened.
    pub(crate) fn release(&mut self) {
        let now = self.schedule.now();
        while let Some(task) = self.held.due(now) {
            self.queue_after_wait(task);
        }
    }

    /// Returns when to compare the windows with the time of day again.
    pub(crate) fn look_at_windows(&self, now: Instant) -> Option<Instant> {
        let opens = self.held.first()?;
        Some(now + until(self.schedule.now(), opens).min(BETWEEN_CLOCK_CHECKS))
    }

    /// Returns when to compare the end of the run with the time of day again.
    pub(crate) fn look_at_end(&self, now: Instant) -> Option<Instant> {
        let end = self.schedule.until()?;
        Some(now + until(self.schedule.now(), end).min(BETWEEN_CLOCK_CHECKS))
    }

    /// Tells whether the run ends before the next phone can be pushed to. Nothing is in progress then.
    pub(crate) fn ends_before(&self, next: Instant, now: Instant) -> bool {
        let Some(end) = self.schedule.until() else { return false };
        let clock = self.schedule.now();
        let waits = next.saturating_duration_since(now);
        let noted = !self.known.noted.is_empty() || !self.recently_changed.noted.is_empty();
        let others = noted || !self.later.is_empty();
        let windows_only = !others && self.held.first().is_some_and(|opens| opens >= end);
        windows_only || (self.held.is_empty() && waits >= until(clock, end))
    }

    /// Reports which windows phones wait for, each window once.
    pub(crate) fn tell_windows(&mut self, observer: &dyn Observer) {
        for (window, phones) in self.next_windows() {
            // The remaining time does not identify a window.
            let key = window.split(',').next().unwrap_or_default().to_owned();
            let opens = self.held.first();
            if opens.is_some_and(|opens| self.held.told.insert((opens, key))) {
                let phones = pluralize(phones, "phone");
                let text = format!("{phones} waiting for {window}");
                observer.observe(&Event::Remark(text));
            }
        }
    }

    /// Reports that nothing but a window is waited for.
    pub(crate) fn report_windows(&self, observer: &dyn Observer) {
        let Some(opens) = self.held.first() else { return };
        for (window, _) in self.next_windows() {
            // A display counts the time down by itself.
            let reason = window.split(',').next().unwrap_or_default().to_owned().into();
            let delay = until(self.schedule.now(), opens);
            observer.observe(&Event::Waiting { stage: self.delivery.stage(), reason, delay });
        }
    }

    /// Describes the windows that open next, with how many phones wait for each.
    fn next_windows(&self) -> BTreeMap<String, usize> {
        let mut windows: BTreeMap<String, usize> = BTreeMap::new();
        let Some(opens) = self.held.first() else { return windows };
        let mut pools: BTreeMap<&str, usize> = BTreeMap::new();
        let next = self.held.tasks.range((opens, 0)..=(opens, u64::MAX));
        for (_, task) in next {
            *pools.entry(&task.target.device_pool).or_default() += 1;
        }
        for (pool, phones) in pools {
            let window = self.schedule.told(pool, opens, self.schedule.now());
            *windows.entry(window).or_default() += phones;
        }
        windows
    }
}
