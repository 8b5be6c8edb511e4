//! Receives the events of watches and sends notifications about them. Nothing here holds up a pass: what is to be sent is
//! put into a bounded queue, and one task sends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::channels::Channels;
use super::conditions::Conditions;
use super::notification::Notification;
use crate::config::NotifySettings;
use crate::domain::text::pluralize;
use crate::watch::event::WatchEvent;

/// Sends notifications about the events that it observes.
#[derive(Debug)]
pub struct Notifier {
    conditions: SharedConditions,
    queue: mpsc::Sender<Notification>,
    /// Says that a pass failed, so that the time is to be looked at.
    failing: Arc<Notify>,
    task: JoinSet<()>,
}

/// What was reported already. A notifier that follows another one goes on with it.
pub type SharedConditions = Arc<Mutex<Conditions>>;

impl Notifier {
    /// Starts the task that sends.
    pub fn start(
        settings: &NotifySettings,
        channels: Arc<Channels>,
        conditions: SharedConditions,
    ) -> Self {
        locked(&conditions).configure(settings);
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let failing = Arc::new(Notify::new());
        let mut task = JoinSet::new();
        task.spawn(send_all(channels, Arc::clone(&conditions), waiting, Arc::clone(&failing)));
        Self { conditions, queue, failing, task }
    }

    /// Waits until everything is sent, or until the time is over.
    pub async fn finish(self, limit: Duration) {
        let Self { queue, mut task, .. } = self;
        drop(queue);
        if tokio::time::timeout(limit, task.join_next()).await.is_err() {
            tracing::warn!("notifications were not sent within {} s", limit.as_secs());
        }
    }
}

impl Notifier {
    /// Takes note of an event, and has sent what is to be sent. Does not block.
    pub fn observe(&self, cluster: &str, event: &WatchEvent) {
        let (now, at) = (Instant::now(), Timestamp::now());
        let notifications = locked(&self.conditions).take(cluster, event, now, at);
        for notification in notifications {
            let kind = notification.kind.as_str();
            if self.queue.try_send(notification).is_err() {
                tracing::warn!(
                    "the notification {kind} was not sent: {} wait already",
                    pluralize(MOST_WAITING, "notification")
                );
            }
        }
        self.failing.notify_one();
    }
}

/// Sends what comes, and what is due because passes failed for long, until nothing more can come.
async fn send_all(
    channels: Arc<Channels>,
    conditions: SharedConditions,
    mut waiting: mpsc::Receiver<Notification>,
    failing: Arc<Notify>,
) {
    loop {
        let due = locked(&conditions).next_due();
        let overdue = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            notification = waiting.recv() => match notification {
                Some(notification) => channels.deliver(&notification).await,
                None => return,
            },
            () = failing.notified() => {}
            () = overdue => {
                let late = locked(&conditions).due(Instant::now(), Timestamp::now());
                for notification in late {
                    channels.deliver(&notification).await;
                }
            }
        }
    }
}

fn locked(conditions: &SharedConditions) -> MutexGuard<'_, Conditions> {
    // No panic leaves them half-written.
    conditions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many notifications can wait.
const MOST_WAITING: usize = 100;
