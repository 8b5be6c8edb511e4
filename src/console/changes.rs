//! One poller looks at the journal, and tells the event streams when it has changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::console::jobs::Jobs;
use crate::console::journal_view::JournalView;
use crate::domain::error_chain::error_chain;

/// The state of the journal that the poller saw last.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) revision: watch::Sender<u64>,
    /// Revisions of two consoles cannot be compared.
    console: u32,
}

impl Default for Changes {
    fn default() -> Self {
        Self { revision: watch::Sender::new(0), console: std::process::id() }
    }
}

impl Changes {
    /// Looks at the journal and the jobs for as long as this is polled.
    pub(crate) async fn poll(&self, journal: &Arc<JournalView>, jobs: &Jobs) {
        let mut ticks = interval(BETWEEN_LOOKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for look in 0_u32.. {
            ticks.tick().await;
            match journal.revision(look.is_multiple_of(LOOKS_PER_CHECK)).await {
                Ok(revision) => {
                    // Both only grow, so their sum changes with each of them.
                    let revision = revision + jobs.revision();
                    self.revision
                        .send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
                }
                Err(error) => {
                    tracing::debug!(error = %error_chain(&error), "cannot read the journal");
                }
            }
        }
    }

    pub(crate) fn id(&self, revision: u64) -> String {
        format!("{}-{revision}", self.console)
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// After how many looks it is checked which processes still work.
const LOOKS_PER_CHECK: u32 = 5;
