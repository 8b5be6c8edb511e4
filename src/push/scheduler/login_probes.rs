//! Phones that refused the push user: the reason is determined before the phone gets a result.

use std::time::Duration;

use futures::future::FutureExt as _;
use tokio::time::Instant;

use crate::domain::text::pluralize;
use crate::event::{Event, Observer};
use crate::push::attempt_log::AttemptLog;
use crate::push::policy::lockout::{Cause, Findings, Refused};
use crate::push::policy::outcome;
use crate::push::policy::outcome::PhoneOutcome;
use crate::push::policy::propagation::AuthRefusal;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::{AttemptEnd, Scheduler};
use crate::push::{AttemptReply, ReplyKind};

impl<B: AttemptLog> Scheduler<'_, B> {
    /// Reports the end of a login to the lockout guard. Returns the refusal, where its reason must be known before the
    /// phone gets a result.
    pub(crate) fn count_login(
        &mut self,
        task: &mut PhoneTask,
        answer: &AttemptReply,
    ) -> Option<Refused> {
        if matches!(answer.kind, ReplyKind::Accepted(_)) && task.proves() {
            self.queue_of(task).waiting.accepted();
        }
        let ticket = task.ticket.take()?;
        let mut guard = self.logins.guard();
        match &answer.kind {
            ReplyKind::AuthRefused(_) => {
                let refusal = guard.refused(ticket, task.expects_refusal());
                return answer.resend_safe.then_some(refusal);
            }
            ReplyKind::Accepted(_) => guard.accepted(ticket, task.proves()),
            ReplyKind::NoReply(_) | ReplyKind::Unreadable(_) => guard.lost(ticket),
            ReplyKind::Refused(_)
            | ReplyKind::NotFound(_)
            | ReplyKind::Unreachable(_)
            | ReplyKind::WrongDevice(_)
            | ReplyKind::NotSent(_)
            | ReplyKind::Blocked { .. } => guard.ended(ticket),
        }
        None
    }

    /// Keeps a phone that refused the push user until the reason is known.
    pub(crate) fn doubt(&mut self, mut task: PhoneTask, answer: AttemptReply, refusal: Refused) {
        let error =
            if let ReplyKind::AuthRefused(error) = answer.kind { Some(error) } else { None };
        let outcome = outcome::refused(&task.target, error, None, None);
        let (log, entry) = (self.log, task.entry.take());
        task.last = Some(outcome.clone());
        self.doubting += 1;
        self.closing.push(
            async move {
                let written = match entry {
                    Some(entry) => log.end_attempt(entry, &outcome).await,
                    None => Ok(()),
                };
                AttemptEnd::Doubted(Box::new(task), refusal, written)
            }
            .boxed(),
        );
    }

    /// Continues with the phones whose reason is known by now.
    pub(crate) fn settle(&mut self, now: Instant, observer: &dyn Observer) {
        if self.logins.guard().trusts_password() {
            self.recently_changed.waiting.password_is_right();
        }
        if self.told_outage.is_some() && self.logins.guard().outage().is_none() {
            self.tell_outage(now, observer);
        }
        let mut settled = Vec::new();
        {
            let guard = self.logins.guard();
            self.doubted.retain(|(refusal, task)| match guard.cause(*refusal) {
                Some(cause) => {
                    settled.push((cause, task.clone()));
                    false
                }
                None => true,
            });
        }
        for (cause, task) in settled {
            self.go_on(task, cause, now, observer);
        }
    }

    fn go_on(&mut self, mut task: PhoneTask, cause: Cause, now: Instant, observer: &dyn Observer) {
        if cause == Cause::Page {
            // The phone could not ask the cluster, so this attempt does not count.
            task.put_off += 1;
            return self.queue_of(&task).ready.push_back(task);
        }
        task.has_refused = true;
        let mut waited = None;
        if task.target.recently_changed {
            self.recently_changed.waiting.password_is_right();
            match self.recently_changed.waiting.refused(task.since, now, task.put_off) {
                AuthRefusal::NotYet { again, pause } => {
                    task.put_off += 1;
                    if let Some(delay) = pause {
                        self.report_pause(delay, observer);
                    }
                    return self.later.put(again, task);
                }
                AuthRefusal::TimedOut(time) => waited = Some(time),
                AuthRefusal::Final => {}
            }
        } else if cause == Cause::Phone && task.counted_attempts() < self.settings.max_attempts {
            let pause = outcome::pause(self.settings.retry_delay, task.counted_attempts());
            return self.later.put(now + pause, task);
        }
        self.refuse(task, Some(cause), waited);
    }

    /// Gives the phones a result whose reason cannot be determined any more.
    pub(crate) fn conclude(&mut self) -> bool {
        for (_, task) in std::mem::take(&mut self.doubted) {
            self.refuse(task, None, None);
        }
        true
    }

    fn refuse(&mut self, mut task: PhoneTask, cause: Option<Cause>, waited: Option<Duration>) {
        let error = task.last.take().and_then(|last: PhoneOutcome| last.phone_error);
        let outcome = outcome::refused(&task.target, error, cause, waited);
        self.finish(task, outcome);
    }

    /// Asks the cluster what the lockout guard needs to know, once the refusals are in the attempt log.
    pub(crate) fn inquire(&self, now: Instant) {
        if self.doubting > 0 {
            return;
        }
        let inquiry = self.logins.guard().inquiry(now);
        if let Some(inquiry) = inquiry {
            self.asking.push(self.logins.ask(inquiry).boxed());
        }
    }

    /// Passes the answer of the cluster to the lockout guard.
    pub(crate) fn found(&mut self, findings: Findings, observer: &dyn Observer) {
        let now = Instant::now();
        self.logins.guard().answered(findings, now);
        self.tell_outage(now, observer);
    }

    /// Reports when the push begins to wait for the authentication page, and when the page works again.
    pub(crate) fn tell_outage(&mut self, now: Instant, observer: &dyn Observer) {
        let (outage, until) = {
            let guard = self.logins.guard();
            (guard.outage().cloned(), guard.paused_until())
        };
        let page = self.logins.page_name();
        match (&outage, self.told_outage.take()) {
            (None, None) => return,
            (None, Some((why, since))) => {
                let seconds = now.saturating_duration_since(since).as_secs();
                let lasted = pluralize(usize::try_from(seconds).unwrap_or(usize::MAX), "second");
                let text = format!("{page} works again, {lasted} after this began: {why}");
                return observer.observe(&Event::Remark(text));
            }
            (Some(outage), None) => {
                let text = format!(
                    "{page} {}: phones can accept no push, so the push waits; phones that refused are tried again",
                    outage.why
                );
                observer.observe(&Event::Remark(text));
                self.told_outage = Some((outage.why.clone(), outage.since));
            }
            (Some(_), Some(told)) => self.told_outage = Some(told),
        }
        if let (Some(outage), Some(until)) = (outage, until) {
            let reason = format!("{page}, which {}", outage.why).into();
            let delay = until.saturating_duration_since(now);
            observer.observe(&Event::Waiting { stage: self.delivery.stage(), reason, delay });
        }
    }
}
