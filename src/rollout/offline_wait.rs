//! Phones that register only after the push has begun.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::chain;
use crate::domain::finding::Verdict;
use crate::domain::payload_kind::{ObjectKind, Takes};
use crate::domain::text::counted;
use crate::event::{Event, Outcome, Stage};
use crate::push::attempt_log::RunBook;
use crate::push::delivery::any::AnyLine;
use crate::push::scheduler;
use crate::push::scheduler::{Pushed, Settings, Stop};
use crate::rollout::context::{At, Changed, Seen};
use crate::rollout::payload::OfModel;
use crate::survey::look_again;

/// Returns what phones take which only have to come back, each with its model.
pub fn takes(object: ObjectKind, audit: &Audit) -> Vec<OfModel> {
    let coming = waited_for(audit);
    let of_model = |phone: &AuditedPhone| {
        let model = phone.model?;
        let picture = phone.image.as_ref().and_then(|image| image.picture.clone());
        Some(OfModel {
            model: model.name.to_owned(),
            takes: Takes::of(object, model)?,
            picture: picture.unwrap_or_default(),
        })
    };
    coming.filter_map(of_model).collect()
}

fn coming(audit: &Audit) -> HashSet<DeviceName> {
    waited_for(audit).map(|phone| phone.name().clone()).collect()
}

/// Phones that only have to come back, and that are not left alone then.
fn waited_for(audit: &Audit) -> impl Iterator<Item = &AuditedPhone> {
    let offline = audit.phones.iter().filter(|phone| phone.verdict == Verdict::Offline);
    offline.filter(|phone| phone.left_alone().is_none())
}

/// What is at hand for those who come late.
pub struct Push<'a> {
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
        at: &At<'_>,
        seen: &Seen,
        changed: &Changed,
        after: Audit,
        pushed: &mut Pushed,
    ) -> Audit {
        let Some(limit) = at.task.request.options.wait_for_offline else { return after };
        let (begun, mut now, mut after) = (Instant::now(), changed.now.clone(), after);
        loop {
            let away = coming(&after);
            let left = limit.saturating_sub(begun.elapsed());
            let left = self.stop.schedule.left().map_or(left, |end| left.min(end));
            if away.is_empty() || left.is_zero() || pushed.stopped.is_some() {
                return after;
            }
            if !self.pause(at, away.len(), left, limit).await {
                pushed.stopped = Some(scheduler::Stopped::Interrupted);
                return after;
            }
            let source = at.task.connection.registrations;
            let looked =
                look_again(&at.cluster.axl, &at.cluster.ris, &mut now, &away, source).await;
            if let Err(error) = looked {
                let why = format!("nobody was waited for any longer: {}", chain(&error));
                at.observer.observe(&Event::Remark(why));
                return after;
            }
            after = at.task.audit(&now);
            let (mut targets, _) = at.task.targets(seen, &after);
            targets.retain(|target| away.contains(&target.name));
            if targets.is_empty() {
                continue;
            }
            let proven = pushed.results.iter().any(|phone| phone.outcome == Outcome::Verified);
            let password_proven = self.settings.password_proven || proven;
            let settings = Settings { password_proven, ..self.settings };
            let observer = at.observer.as_ref();
            let late =
                scheduler::run(self.line, self.book, targets, settings, self.stop, observer).await;
            pushed.results.extend(late.results);
            pushed.stopped = late.stopped;
        }
    }

    /// Waits until the next look; false when the run was interrupted meanwhile.
    async fn pause(&self, at: &At<'_>, away: usize, left: Duration, limit: Duration) -> bool {
        let reason = format!("{} to register", counted(away, "phone"));
        at.observer.observe(&Event::Waiting { stage: Stage::Restart, reason, delay: left });
        let pause = BETWEEN_LOOKS.min(limit / 20).min(left);
        tokio::select! {
            () = self.stop.soon.cancelled() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}

/// RisPort70 is asked for a thousand phones at a time, and others want to ask it too.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
