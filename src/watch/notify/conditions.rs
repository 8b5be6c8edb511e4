//! Decides which events of a watch are reported: each condition when it begins, and when it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::notification::Notification;
use crate::config::NotifySettings;
use crate::domain::notification::NotificationKind;
use crate::watch::event::WatchEvent;

/// What was reported of each cluster, and is not over.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    kinds: BTreeSet<NotificationKind>,
    unreachable_after: Duration,
    clusters: BTreeMap<String, ClusterConditions>,
}

#[derive(Clone, Debug, Default)]
struct ClusterConditions {
    open: BTreeSet<Condition>,
    /// How many phones could not be served when that was reported last.
    failing: usize,
    /// Since when passes fail, and why the last one did.
    passes_fail: Option<(Instant, String)>,
}

/// Something that lasts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Condition {
    PhonesFail,
    PicturesUnreadable,
    ApprovalPending,
    PushStopped,
    PushPaused,
    PassesFail,
    Ended,
}

impl Condition {
    fn kind(self) -> NotificationKind {
        match self {
            Self::PhonesFail | Self::PicturesUnreadable | Self::Ended => NotificationKind::Failed,
            Self::ApprovalPending => NotificationKind::ApprovalNeeded,
            Self::PushStopped | Self::PushPaused => NotificationKind::Stopped,
            Self::PassesFail => NotificationKind::Unreachable,
        }
    }

    /// Says that it is over.
    fn over(self) -> &'static str {
        match self {
            Self::PhonesFail => "no phone fails any more",
            Self::PicturesUnreadable => "the pictures can be read again",
            Self::ApprovalPending => "no phone waits for an approval any more",
            Self::PushStopped | Self::PushPaused => "phones are pushed to again",
            Self::PassesFail | Self::Ended => "the watch works again",
        }
    }
}

impl Conditions {
    pub fn configure(&mut self, settings: &NotifySettings) {
        self.kinds.clone_from(&settings.kinds);
        self.unreachable_after = settings.unreachable_after;
    }

    /// Takes in an event. Returns what is to be sent.
    pub fn take(
        &mut self,
        cluster: &str,
        event: &WatchEvent,
        now: Instant,
        at: Timestamp,
    ) -> Vec<Notification> {
        let state = self.clusters.entry(cluster.to_owned()).or_default();
        let mut sent = Changes { cluster, text: event.to_string(), at, notifications: Vec::new() };
        match event {
            WatchEvent::Surveyed(counts) => {
                if counts.failing == 0 {
                    sent.close(state, Condition::PhonesFail);
                }
                if counts.held == 0 {
                    sent.close(state, Condition::ApprovalPending);
                }
            }
            WatchEvent::Ran { run, shown, failed, failing, stopped } => {
                let fails_more = *failed > 0 && *failing > state.failing;
                if fails_more || *failed > 0 && !state.open.contains(&Condition::PhonesFail) {
                    state.open.insert(Condition::PhonesFail);
                    let next = run.map(|run| format!("axlpaper show {run}"));
                    sent.add(NotificationKind::Failed, *run, Some(*failed), next);
                } else if *shown > 0 {
                    sent.add(NotificationKind::RunFinished, *run, Some(*shown), None);
                }
                if *failing == 0 {
                    sent.close(state, Condition::PhonesFail);
                }
                if stopped.is_none() {
                    sent.close(state, Condition::PushPaused);
                }
                state.failing = *failing;
            }
            WatchEvent::Screens { run, drifted, .. } => {
                if !drifted.is_empty() {
                    let next = run.map(|run| format!("axlpaper show {run}"));
                    sent.add(NotificationKind::Failed, *run, Some(drifted.len()), next);
                }
            }
            WatchEvent::ApprovalNeeded { phones, .. } => {
                sent.open(state, Condition::ApprovalPending, Some(*phones), Some(APPROVE));
            }
            WatchEvent::Approved { .. } => {
                for condition in
                    [Condition::ApprovalPending, Condition::PushStopped, Condition::PushPaused]
                {
                    sent.close(state, condition);
                }
            }
            WatchEvent::PushStopped(_) => {
                sent.open(state, Condition::PushStopped, None, Some(APPROVE));
            }
            WatchEvent::PushPaused { .. } => sent.open(state, Condition::PushPaused, None, None),
            WatchEvent::Failed(_) => {
                let since = state.passes_fail.take().map_or(now, |(since, _)| since);
                state.passes_fail = Some((since, sent.text.clone()));
            }
            WatchEvent::Recovered => {
                state.passes_fail = None;
                sent.close(state, Condition::PassesFail);
                sent.close(state, Condition::Ended);
            }
            WatchEvent::Ended(_) => sent.open(state, Condition::Ended, None, None),
            WatchEvent::EndedBefore(_) => {
                state.open.insert(Condition::Ended);
            }
            WatchEvent::PictureKept(_) => {
                sent.open(state, Condition::PicturesUnreadable, None, None);
            }
            WatchEvent::PictureRead => sent.close(state, Condition::PicturesUnreadable),
            WatchEvent::Changed(_)
            | WatchEvent::Replaced(_)
            | WatchEvent::WithoutChanges { .. }
            | WatchEvent::WithChanges
            | WatchEvent::ChangesLost(_) => {}
        }
        let kinds = &self.kinds;
        sent.notifications.retain(|notification| kinds.contains(&notification.kind));
        sent.notifications
    }

    /// Returns when passes will have failed for so long that it is reported, unless they work before.
    pub fn next_due(&self) -> Option<Instant> {
        self.failing().map(|(_, state)| state).filter_map(|state| self.due_at(state)).min()
    }

    /// Returns what is to be sent because passes failed for long.
    pub fn due(&mut self, now: Instant, at: Timestamp) -> Vec<Notification> {
        let late: Vec<String> = self
            .failing()
            .filter(|(_, state)| self.due_at(state).is_some_and(|due| due <= now))
            .map(|(cluster, _)| cluster.clone())
            .collect();
        let mut notifications = Vec::new();
        for cluster in late {
            let Some(state) = self.clusters.get_mut(&cluster) else { continue };
            let Some((since, why)) = state.passes_fail.clone() else { continue };
            let minutes = now.duration_since(since).as_secs() / 60;
            let text = format!("for {minutes} min the watch {why}");
            let mut sent = Changes { cluster: &cluster, text, at, notifications: Vec::new() };
            sent.open(state, Condition::PassesFail, None, None);
            notifications.append(&mut sent.notifications);
        }
        notifications.retain(|notification| self.kinds.contains(&notification.kind));
        notifications
    }

    /// Returns the clusters whose passes fail, where that was not reported yet.
    fn failing(&self) -> impl Iterator<Item = (&String, &ClusterConditions)> {
        self.clusters.iter().filter(|(_, state)| !state.open.contains(&Condition::PassesFail))
    }

    fn due_at(&self, state: &ClusterConditions) -> Option<Instant> {
        state.passes_fail.as_ref().map(|(since, _)| *since + self.unreachable_after)
    }
}

/// What an event leads to.
struct Changes<'a> {
    cluster: &'a str,
    text: String,
    at: Timestamp,
    notifications: Vec<Notification>,
}

impl Changes<'_> {
    fn open(
        &mut self,
        state: &mut ClusterConditions,
        condition: Condition,
        phones: Option<usize>,
        next: Option<&str>,
    ) {
        if state.open.insert(condition) {
            self.add(condition.kind(), None, phones, next.map(str::to_owned));
        }
    }

    fn close(&mut self, state: &mut ClusterConditions, condition: Condition) {
        if state.open.remove(&condition) {
            self.add(NotificationKind::Recovered, None, None, None);
            if let Some(added) = self.notifications.last_mut() {
                added.over = Some(condition.kind());
                condition.over().clone_into(&mut added.text);
            }
        }
    }

    fn add(
        &mut self,
        kind: NotificationKind,
        run: Option<i64>,
        phones: Option<usize>,
        next_command: Option<String>,
    ) {
        self.notifications.push(Notification {
            kind,
            over: None,
            at: self.at,
            cluster: self.cluster.to_owned(),
            text: self.text.clone(),
            run,
            phones,
            next_command,
        });
    }
}

const APPROVE: &str = "axlpaper control watch approve";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::state::WatchCounts;

    fn conditions() -> Conditions {
        Conditions {
            kinds: NotificationKind::ALL.into(),
            unreachable_after: Duration::from_secs(600),
            clusters: BTreeMap::new(),
        }
    }

    fn take(conditions: &mut Conditions, event: WatchEvent) -> Vec<(NotificationKind, String)> {
        let sent = conditions.take("lab", &event, Instant::now(), Timestamp::UNIX_EPOCH);
        sent.into_iter().map(|sent| (sent.kind, sent.text)).collect()
    }

    fn ran(shown: usize, failed: usize, failing: usize) -> WatchEvent {
        WatchEvent::Ran { run: Some(7), shown, failed, failing, stopped: None }
    }

    fn kinds(sent: Vec<(NotificationKind, String)>) -> Vec<NotificationKind> {
        sent.into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn phones_that_go_on_failing_are_reported_once_and_when_none_fails() {
        use NotificationKind::{Failed, Recovered, RunFinished};
        let mut conditions = conditions();
        let mut kinds = |event| kinds(take(&mut conditions, event));
        assert_eq!(kinds(ran(3, 0, 0)), [RunFinished]);
        assert_eq!(kinds(ran(1, 1, 1)), [Failed]);
        assert_eq!(kinds(ran(0, 1, 1)), []);
        assert_eq!(kinds(ran(2, 0, 1)), [RunFinished], "another phone, and the first still fails");
        assert_eq!(kinds(ran(0, 1, 2)), [Failed], "one more");
        assert_eq!(kinds(ran(2, 0, 0)), [RunFinished, Recovered]);
        assert_eq!(kinds(ran(0, 1, 1)), [Failed]);
        assert_eq!(kinds(WatchEvent::Surveyed(WatchCounts::default())), [Recovered]);
    }

    #[test]
    fn what_waits_and_what_stopped_is_over_with_the_approval() {
        use NotificationKind::{ApprovalNeeded, Recovered, Stopped};
        let mut conditions = conditions();
        let mut kinds = |event| kinds(take(&mut conditions, event));
        let needed = |phones| WatchEvent::ApprovalNeeded { phones, limit: 2 };
        assert_eq!(kinds(needed(3)), [ApprovalNeeded]);
        assert_eq!(kinds(needed(4)), []);
        assert_eq!(kinds(WatchEvent::PushStopped("x".into())), [Stopped]);
        assert_eq!(kinds(WatchEvent::PushStopped("y".into())), []);
        assert_eq!(kinds(WatchEvent::Approved { by: "me".into() }), [Recovered, Recovered]);
        assert_eq!(kinds(WatchEvent::Approved { by: "me".into() }), []);
    }

    #[test]
    fn passes_that_fail_are_reported_after_ten_minutes() {
        let mut conditions = conditions();
        let (began, at) = (Instant::now(), Timestamp::UNIX_EPOCH);
        let minutes = |count: u64| began + Duration::from_secs(60 * count);
        let fails = WatchEvent::Failed("cannot connect".into());
        assert_eq!(conditions.take("lab", &fails, began, at), []);
        assert_eq!(conditions.next_due(), Some(minutes(10)));
        assert_eq!(conditions.due(minutes(9), at), []);
        // Another reason does not begin anew.
        assert_eq!(conditions.take("lab", &fails, minutes(9), at), []);
        let sent = conditions.due(minutes(10), at);
        assert_eq!(sent[0].kind, NotificationKind::Unreachable);
        assert!(sent[0].text.contains("for 10 min") && sent[0].text.contains("cannot connect"));
        assert_eq!((conditions.due(minutes(30), at), conditions.next_due()), (vec![], None));
        let over = conditions.take("lab", &WatchEvent::Recovered, minutes(31), at);
        assert_eq!(over[0].over, Some(NotificationKind::Unreachable));
        // One that works again in time is not reported at all.
        conditions.take("lab", &fails, minutes(40), at);
        assert_eq!(conditions.take("lab", &WatchEvent::Recovered, minutes(41), at), []);
        assert_eq!(conditions.next_due(), None);
    }

    #[test]
    fn an_end_with_an_error_is_over_in_the_next_process() {
        use NotificationKind::{Failed, Recovered};
        let ended = || WatchEvent::Ended("x".into());
        assert_eq!(kinds(take(&mut conditions(), ended())), [Failed]);
        let mut next = conditions();
        assert_eq!(kinds(take(&mut next, WatchEvent::EndedBefore("x".into()))), []);
        assert_eq!(kinds(take(&mut next, ended())), []);
        assert_eq!(kinds(take(&mut next, WatchEvent::Recovered)), [Recovered]);
    }

    #[test]
    fn only_what_was_asked_for_is_sent() {
        let mut conditions =
            Conditions { kinds: [NotificationKind::Recovered].into(), ..conditions() };
        assert_eq!(take(&mut conditions, ran(0, 1, 1)), []);
        let over = take(&mut conditions, ran(1, 0, 0));
        assert_eq!(over, [(NotificationKind::Recovered, "no phone fails any more".to_owned())]);
    }
}
