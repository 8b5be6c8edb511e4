//! Phones that register only after the push has begun.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::connect::cluster::ClusterClients;
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::inventory::Inventory;
use crate::domain::text::pluralize;
use crate::event::Observer;
use crate::event::{Event, Outcome, Stage};
use crate::push::attempt_log::JournalAttemptLog;
use crate::push::delivery::any::AnyLine;
use crate::push::scheduler;
use crate::push::scheduler::{PushOutcomes, PushSettings, StopSignals};
use crate::rollout::cluster_task::{Assessment, ClusterTask, waited_for};
use crate::survey::look_again;

fn coming(audit: &Audit) -> HashSet<DeviceName> {
    waited_for(audit).map(|phone| phone.name().clone()).collect()
}

/// What is at hand for those who come late.
pub struct Push<'a> {
    /// Which phones.
    pub task: &'a ClusterTask,
    /// Where to look for them.
    pub cluster: &'a ClusterClients,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// The way to phones.
    pub delivery: &'a AnyLine,
    /// Where attempts are written down.
    pub log: &'a JournalAttemptLog,
    /// How to push.
    pub settings: PushSettings,
    /// How it is stopped.
    pub stop: &'a StopSignals,
}

impl Push<'_> {
    /// Keeps looking for phones that are offline, as long as that was asked for, and pushes to each as it
    /// comes. Returns what the phones are like then.
    pub async fn wait(
        &self,
        assessment: &Assessment,
        mut now: Inventory,
        after: Audit,
        pushed: &mut PushOutcomes,
    ) -> Audit {
        let Some(limit) = self.task.request.options.wait_for_offline else { return after };
        let (begun, mut after) = (Instant::now(), after);
        loop {
            let away = coming(&after);
            let left = limit.saturating_sub(begun.elapsed());
            let left = self.stop.schedule.left().map_or(left, |end| left.min(end));
            if away.is_empty() || left.is_zero() || pushed.stopped.is_some() {
                return after;
            }
            if !self.pause(away.len(), left, limit).await {
                pushed.stopped = Some(scheduler::StopReason::Interrupted);
                return after;
            }
            let source = self.task.connection.registrations;
            let looked =
                look_again(&self.cluster.axl, &self.cluster.ris, &mut now, &away, source).await;
            if let Err(error) = looked {
                let why = format!("stopped waiting for offline phones: {}", error_chain(&error));
                self.observer.observe(&Event::Remark(why));
                return after;
            }
            after = self.task.audit(&now);
            let (mut targets, _) = self.task.targets(assessment, &after);
            targets.retain(|target| away.contains(&target.name));
            if targets.is_empty() {
                continue;
            }
            let proven = pushed.results.iter().any(|phone| phone.outcome == Outcome::Verified);
            let password_proven = self.settings.password_proven || proven;
            let settings = PushSettings { password_proven, ..self.settings };
            let observer = self.observer;
            let late =
                scheduler::run(self.delivery, self.log, targets, settings, self.stop, observer)
                    .await;
            pushed.results.extend(late.results);
            pushed.stopped = late.stopped;
        }
    }

    /// Waits until the next look; false when the run was interrupted meanwhile.
    async fn pause(&self, away: usize, left: Duration, limit: Duration) -> bool {
        let reason = format!("{} to register", pluralize(away, "phone"));
        self.observer.observe(&Event::Waiting { stage: Stage::Restart, reason, delay: left });
        let pause = BETWEEN_LOOKS.min(limit / 20).min(left);
        tokio::select! {
            () = self.stop.soon.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// RisPort70 is asked for a thousand phones at a time, and others want to ask it too.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
