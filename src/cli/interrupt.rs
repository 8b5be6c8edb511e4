//! Ctrl-C while something is changed.

use tokio::task::JoinSet;

use super::ui;
use crate::rollout::control::RolloutHandle;

/// Stops softly at the first interrupt and hard at the second, for as long as the returned set lives.
pub fn watch(handle: &RolloutHandle) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let handle = handle.clone();
    tasks.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ui::say("interrupted: finishing pushes in flight, starting no others; press Ctrl-C again to stop at once");
            handle.interrupt();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            handle.cut_off();
        }
    });
    tasks
}
