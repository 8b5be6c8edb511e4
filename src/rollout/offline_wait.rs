//! Phones that register only after the push has begun.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::connect::cluster::Cluster;
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::chain;
use crate::domain::inventory::Inventory;
use crate::domain::text::counted;
use crate::event::Observer;
use crate::event::{Event, Outcome, Stage};
use crate::push::attempt_log::RunBook;
use crate::push::delivery::any::AnyLine;
use crate::push::scheduler;
use crate::push::scheduler::{Pushed, Settings, Stop};
use crate::rollout::cluster_task::{ClusterTask, Seen, waited_for};
use crate::survey::look_again;

fn coming(audit: &Audit) -> HashSet<DeviceName> {
    waited_for(audit).map(|phone| phone.name().clone()).collect()
}

/// What is at hand for those who come late.
pub struct Push<'a> {
    /// Which phones.
    pub task: &'a ClusterTask,
    /// Where to look for them.
    pub cluster: &'a Cluster,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// The way to phones.
    pub line: &'a AnyLine,
    /// Where attempts are written down.
    pub book: &'a RunBook,
    /// How to push.
    pub settings: Settings,
    /// How it is stopped.
    pub stop: &'a Stop,
}

impl Push<'_> {
    /// Keeps looking for phones that are offline, as long as that was asked for, and pushes to each as it
    /// comes. Returns what the phones are like then.
    pub async fn wait(
        &self,
        seen: &Seen,
        mut now: Inventory,
        after: Audit,
        pushed: &mut Pushed,
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
                pushed.stopped = Some(scheduler::Stopped::Interrupted);
                return after;
            }
            let source = self.task.connection.registrations;
            let looked =
                look_again(&self.cluster.axl, &self.cluster.ris, &mut now, &away, source).await;
            if let Err(error) = looked {
                let why = format!("nobody was waited for any longer: {}", chain(&error));
                self.observer.observe(&Event::Remark(why));
                return after;
            }
            after = self.task.audit(&now);
            let (mut targets, _) = self.task.targets(seen, &after);
            targets.retain(|target| away.contains(&target.name));
            if targets.is_empty() {
                continue;
            }
            let proven = pushed.results.iter().any(|phone| phone.outcome == Outcome::Verified);
            let password_proven = self.settings.password_proven || proven;
            let settings = Settings { password_proven, ..self.settings };
            let observer = self.observer;
            let late =
                scheduler::run(self.line, self.book, targets, settings, self.stop, observer).await;
            pushed.results.extend(late.results);
            pushed.stopped = late.stopped;
        }
    }

    /// Waits until the next look; false when the run was interrupted meanwhile.
    async fn pause(&self, away: usize, left: Duration, limit: Duration) -> bool {
        let reason = format!("{} to register", counted(away, "phone"));
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
