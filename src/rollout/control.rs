//! Steering a rollout from outside while it works.

use tokio_util::sync::CancellationToken;

use crate::push::scheduler::StopSignals;

/// Stops a rollout. Clones steer the same one.
#[derive(Clone, Debug, Default)]
pub struct RolloutHandle {
    soon: CancellationToken,
    now: CancellationToken,
}

impl RolloutHandle {
    /// Begins nothing new, and lets what is under way finish.
    pub fn interrupt(&self) {
        self.soon.cancel();
    }

    /// Returns the signals for one run.
    pub fn stop(&self) -> StopSignals {
        StopSignals { soon: self.soon.clone(), now: self.now.clone(), ..StopSignals::default() }
    }

    /// Leaves what is under way as it is.
    pub fn abort(&self) {
        self.now.cancel();
    }
}
