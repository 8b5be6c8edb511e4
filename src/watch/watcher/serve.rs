//! The part of a pass that changes something: a rollout serves what a look found.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::domain::device_name::DeviceName;
use crate::domain::inventory::{Inventory, Phone};
use crate::domain::selector::Selector;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::Observer;
use crate::interaction::{Interaction, Notice, Question};
use crate::push::scheduler::schedule::Schedule;
use crate::push::scheduler::waves::Amount;
use crate::push::scheduler::window::WindowState;
use crate::report::RunReport;
use crate::rollout::cluster_task::{Assessment, Surveyed};
use crate::rollout::multi_cluster;
use crate::rollout::request::RolloutRequest;
use crate::rollout::result::exit_of;
use crate::watch::backoff::retry_after_stop;
use crate::watch::event::WatchEvent;
use crate::watch::state::LookScope;
use crate::watch::watcher::Watcher;
use crate::watch::watcher::look::Found;

impl Watcher<'_> {
    /// Has a rollout change and push what a look found to be done.
    pub(super) async fn serve(&mut self, found: Found) -> Result<(), AppError> {
        let Found { scope, clients, assessment, targets, drifted } = found;
        let Assessment { inventory, plan, .. } = assessment;
        let touched: BTreeSet<&DeviceName> =
            plan.touched_of(&inventory.phones).into_iter().map(|phone| &phone.name).collect();
        // A phone that is left as it is lacks nothing before another picture is due.
        let has_work = |phone: &&Phone| {
            targets.contains(&phone.name)
                || touched.contains(&phone.name) && !drifted.contains(&phone.name)
        };
        let phones: Vec<&Phone> = inventory.phones.iter().filter(has_work).collect();
        let all = phones.len().max(plan.phones_touched());
        let (is_first, progress) = (self.is_first, self.progress());
        self.is_first = false;
        let closed = self.postpone_closed(&phones);
        let names = phones.iter().map(|phone| phone.name.clone());
        let work = self.state.work(names);
        if is_first && self.request.asks_first && closed > 0 {
            self.ask_about(all, closed).await?;
        } else if is_first && !self.is_limited {
            self.agreed = all;
        }
        if work.is_empty() || self.row.status.stopped.is_some() || self.uptime() < self.paused_until
        {
            return Ok(());
        }
        // A profile that is changed touches phones that have no other work.
        let others = plan.phones_touched().saturating_sub(touched.len());
        let wanted = work.len() + others;
        let limit = self.limit().saturating_sub(self.touched);
        if wanted > limit {
            if self.wanted != wanted {
                self.tell(&WatchEvent::ApprovalNeeded { phones: wanted, limit });
            }
            self.wanted = wanted;
            self.state.hold(work);
            self.exit = Exit::Refused;
            return Ok(());
        }
        if self.state.counts().held == 0 {
            // Nothing waits any more, so the same number is told when it comes again.
            self.wanted = 0;
        }
        if matches!(scope, LookScope::Named(_)) && self.announced != work {
            self.tell(&WatchEvent::Changed(work.clone()));
            self.announced.clone_from(&work);
        }
        let asks = is_first && self.request.asks_first && closed == 0;
        let surveyed = Surveyed { clients, inventory };
        let ran = self.run_on(surveyed, work, (!asks).then_some(limit), progress).await;
        for report in self.unless_refused(ran)? {
            self.take_report(&report);
        }
        self.announced.clear();
        self.touched += wanted.saturating_sub(self.agreed);
        self.agreed = self.agreed.saturating_sub(wanted);
        Ok(())
    }

    /// Asks about all that is to be done at the start of a watch, where some of it waits for its window.
    async fn ask_about(&mut self, phones: usize, closed: usize) -> Result<(), AppError> {
        let Some((payload, name)) = &self.payload else { return Ok(()) };
        let what = format!(
            "This will {} on {} ({}), to {} of them when their window opens",
            payload.describe(name, phones),
            self.connection.name,
            self.connection.endpoint,
            closed
        );
        let question = Question { what, phones, outline: Vec::new() };
        self.callers.interaction.confirm(&question).await?;
        self.agreed = phones;
        Ok(())
    }

    /// Has phones wait whose window is closed, until it opens. Returns how many they are.
    fn postpone_closed(&mut self, phones: &[&Phone]) -> usize {
        let (schedule, uptime) = (&self.request.schedule, self.began.elapsed());
        let (now, mut closed) = (schedule.now(), 0);
        for phone in phones {
            if let WindowState::Closed { opens } = schedule.gate(&phone.device_pool, now) {
                let left = Duration::try_from(opens.duration_since(now)).unwrap_or_default();
                self.state.postpone(&phone.name, uptime + left);
                closed += 1;
            }
        }
        closed
    }

    /// Returns how many phones may be touched now.
    fn limit(&self) -> usize {
        let phones = self.state.counts().phones;
        let usual = DEFAULT_COUNT.max(Amount::Percent(DEFAULT_PERCENT).of(phones));
        let typed = self.request.max_change.map(|most| match most {
            Amount::Count(count) => count,
            Amount::Percent(_) => most.of(phones),
        });
        typed.unwrap_or(usual).max(self.agreed)
    }

    async fn run_on(
        &mut self,
        surveyed: Surveyed,
        work: Vec<DeviceName>,
        limit: Option<usize>,
        progress: Arc<dyn Observer>,
    ) -> Result<Vec<RunReport>, AppError> {
        let names: Vec<String> = work.iter().map(|name| name.as_str().to_owned()).collect();
        let request = RolloutRequest::clone(&self.task(self.payload()?)?.request);
        let reports = self.roll_out(request, surveyed, work, limit, progress).await?;
        // Wherever that fails, the next answer of the cluster differs from it, and the phone is looked at.
        self.associated.extend(names);
        Ok(reports)
    }

    /// Has a rollout made to these phones of a cluster that was read a moment ago.
    pub(super) async fn roll_out(
        &mut self,
        request: RolloutRequest,
        mut surveyed: Surveyed,
        phones: Vec<DeviceName>,
        limit: Option<usize>,
        progress: Arc<dyn Observer>,
    ) -> Result<Vec<RunReport>, AppError> {
        let wanted: BTreeSet<&DeviceName> = phones.iter().collect();
        surveyed.inventory.phones.retain(|phone| wanted.contains(&phone.name));
        let connection = self.connection.clone();
        let selector = Selector { listed: Some(phones), ..Selector::default() };
        let schedule = self.closing(&surveyed.inventory);
        let request = RolloutRequest { selector, schedule, ..request };
        let interaction: Arc<dyn Interaction> =
            Arc::new(Agreed { limit, interaction: Arc::clone(self.callers.interaction) });
        let observers = move |_: &str| Arc::clone(&progress);
        let prepared = multi_cluster::prepare_surveyed(
            request,
            connection,
            surveyed,
            &interaction,
            &observers,
        );
        let prepared = Box::pin(prepared).await?.confirm().await?;
        let mut reports = Vec::new();
        for ended in Box::pin(prepared.execute(&self.handle.rollout)).await {
            self.row.status.last_run = ended.run;
            reports.push(ended.result?);
        }
        Ok(reports)
    }

    /// Stops pushing where a run could not begin because the cluster refuses the push user: it was asked whether the password
    /// is right.
    pub(super) fn unless_refused(
        &mut self,
        ran: Result<Vec<RunReport>, AppError>,
    ) -> Result<Vec<RunReport>, AppError> {
        match ran {
            Err(error) if error.kind() == ErrorKind::Authentication && !self.request.once => {
                self.stop_pushing(error.message().to_owned());
                Ok(Vec::new())
            }
            ran => ran,
        }
    }

    /// Ends a run when the first window of its phones closes: the others must not wait for the next one.
    fn closing(&self, inventory: &Inventory) -> Schedule {
        let schedule = &self.request.schedule;
        let now = schedule.now();
        let closes = inventory.phones.iter().filter_map(|phone| {
            match schedule.gate(&phone.device_pool, now) {
                WindowState::Open { closes } => closes,
                WindowState::Closed { .. } => None,
            }
        });
        match closes.min() {
            Some(closes) => schedule.clone().ending(closes),
            None => schedule.clone(),
        }
    }

    fn stop_pushing(&mut self, why: String) {
        self.tell(&WatchEvent::PushStopped(why.clone()));
        self.row.status.stopped = Some(why);
    }

    fn take_report(&mut self, report: &RunReport) {
        let uptime = self.uptime();
        self.state.served(&report.phones, uptime);
        let stopped = stopped(report);
        let shown = report.phones.iter().filter(|phone| phone.outcome.is_proven()).count();
        let failed = report.failures().count();
        let run = self.row.status.last_run;
        let failing = self.state.counts().failing;
        self.tell(&WatchEvent::Ran { run, shown, failed, failing, stopped });
        self.exit = exit_of(report);
        self.take_ending(report);
    }

    /// Takes in that a run stopped by itself.
    pub(super) fn take_ending(&mut self, report: &RunReport) {
        let uptime = self.uptime();
        self.callers.observer.ran(&self.connection.name, report);
        match stopped(report) {
            Some(why) if report.ending.as_ref().is_some_and(|ending| ending.refused) => {
                self.stop_pushing(why);
            }
            Some(why) => {
                let delay = retry_after_stop(self.stops);
                (self.stops, self.paused_until) = (self.stops + 1, uptime + delay);
                self.tell(&WatchEvent::PushPaused { why, delay });
            }
            None => self.stops = 0,
        }
    }
}

/// Returns why a run stopped before its time, unless it was interrupted.
fn stopped(report: &RunReport) -> Option<String> {
    let ending = report.ending.as_ref()?;
    ending.stopped.clone().filter(|_| !ending.interrupted)
}

/// Answers the question of a run: as many phones as were agreed may be touched.
struct Agreed {
    /// How many; nothing where a person is asked.
    limit: Option<usize>,
    interaction: Arc<dyn Interaction>,
}

impl Interaction for Agreed {
    fn confirm<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), AppError>> {
        let Some(limit) = self.limit else { return self.interaction.confirm(question) };
        let answer = if question.phones <= limit {
            Ok(())
        } else {
            let message =
                format!("{}: more than the {limit} phones that were agreed", question.what);
            Err(AppError::new(ErrorKind::Refused, message)
                .hint("nothing was changed; --max-change allows more"))
        };
        Box::pin(std::future::ready(answer))
    }

    fn waits_for_answers(&self) -> bool {
        self.limit.is_none() && self.interaction.waits_for_answers()
    }

    fn password<'a>(
        &'a self,
        whose: &'a str,
        other_ways: &'a str,
    ) -> BoxFuture<'a, Result<SecretString, AppError>> {
        self.interaction.password(whose, other_ways)
    }

    fn notice(&self, notice: &Notice<'_>) {
        self.interaction.notice(notice);
    }
}

/// Phones that a pass may touch without an approval, where nothing else was typed.
const DEFAULT_COUNT: usize = 20;

/// The same, as a percentage of the selected phones; the larger one counts.
const DEFAULT_PERCENT: u8 = 2;
