//! Phones that register only after the push has begun.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::connect::cluster::ClusterClients;
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::domain::inventory::Inventory;
use crate::event::Observer;
use crate::event::{Event, Outcome, Stage, WaitReason};
use crate::push::Delivery;
use crate::push::attempt_log::JournalAttemptLog;
use crate::push::scheduler;
use crate::push::scheduler::{PushOutcomes, PushSettings, StopSignals};
use crate::rollout::cluster_task::{Assessment, ClusterTask, waited_for};
use crate::survey::look_again;

fn coming(audit: &Audit) -> HashSet<DeviceName> {
    waited_for(audit).map(|phone| phone.name().clone()).collect()
}

/// What a push to phones that register late needs.
pub struct Push<'a> {
    /// The cluster and what is pushed.
    pub task: &'a ClusterTask,
    /// The clients of the cluster.
    pub cluster: &'a ClusterClients,
    /// Receives the events.
    pub observer: &'a dyn Observer,
    /// Pushes to phones.
    pub delivery: &'a dyn Delivery,
    /// Records the attempts.
    pub log: &'a JournalAttemptLog,
    /// Settings of the push.
    pub settings: PushSettings,
    /// Controls and stops the push.
    pub stop: &'a StopSignals,
}

impl Push<'_> {
    /// Checks for phones that are offline until the time limit, and pushes to each when it registers. Returns the audit
    /// of all phones at the end.
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
            if let Err(stopped) = self.stop.while_paused().await {
                pushed.stopped = Some(stopped);
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

    /// Waits until the next check; false when the run was interrupted meanwhile.
    async fn pause(&self, away: usize, left: Duration, limit: Duration) -> bool {
        let reason = WaitReason::of_phones("{} to register", away);
        self.observer.observe(&Event::Waiting { stage: Stage::Restart, reason, delay: left });
        let pause = BETWEEN_LOOKS.min(limit / 20).min(left);
        tokio::select! {
            () = self.stop.soon.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// RisPort70 answers for 1,000 phones per request, and other programs use it too.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
