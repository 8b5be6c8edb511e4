//! Controls a rollout from the program that executes it.
//!
//! Another process controls one run through the journal: see [`crate::rollout::control_requests`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::control::{ControlAction, ControlResult};
use crate::push::control::RunControl;

/// Controls all runs of a rollout. Clones control the same ones.
///
/// Whatever is asked before [`execute`](crate::rollout::multi_cluster::PreparedRollout::execute) counts as soon as the
/// runs begin to change something; an approval counts only for a wave that waits.
#[derive(Clone, Debug, Default)]
pub struct RolloutHandle(Arc<Mutex<Controlled>>);

#[derive(Debug, Default)]
struct Controlled {
    runs: Vec<RunControl>,
    paused: bool,
    ended: Option<End>,
}

/// How the runs were asked to end.
#[derive(Clone, Copy, Debug)]
enum End {
    Interrupted,
    Aborted,
    CutOff,
}

impl RolloutHandle {
    /// Begins nothing new, no attempt, retry, login probe or change, until [`Self::resume`]. What is in progress
    /// finishes. The end of the run (`--until`) and the windows still count.
    pub fn pause(&self) {
        let mut controlled = self.lock();
        controlled.paused = true;
        controlled.apply(ControlAction::Pause);
    }

    /// Ends the pause.
    pub fn resume(&self) {
        let mut controlled = self.lock();
        controlled.paused = false;
        controlled.apply(ControlAction::Continue);
    }

    /// Tells whether a run that works is paused.
    pub fn is_paused(&self) -> bool {
        self.lock().runs.iter().any(|run| run.is_in_use() && run.is_paused())
    }

    /// Begins the wave that waits for an approval, in every run that has one. Returns whether there was one; an approval
    /// never counts for a later wave.
    pub fn approve_wave(&self) -> bool {
        self.lock().apply(ControlAction::Approve)
    }

    /// Ends the rollout: what is in progress finishes, nothing new begins, and the runs can be resumed. The journal has
    /// an event about it.
    pub fn abort(&self) {
        let mut controlled = self.lock();
        controlled.ended.get_or_insert(End::Aborted);
        controlled.apply(ControlAction::Abort);
    }

    /// Ends the rollout as [`Self::abort`] does, for a person who interrupts it at the terminal.
    pub fn interrupt(&self) {
        let mut controlled = self.lock();
        controlled.ended.get_or_insert(End::Interrupted);
        controlled.runs.iter().for_each(RunControl::interrupt);
    }

    /// Ends the rollout without waiting for what is in progress, whose result is not known then.
    pub fn cut_off(&self) {
        let mut controlled = self.lock();
        controlled.ended = Some(End::CutOff);
        controlled.runs.iter().for_each(RunControl::cut_off);
    }

    /// Controls this run too, also by what was asked before.
    pub(crate) fn attach(&self, run: &RunControl) {
        let mut controlled = self.lock();
        if controlled.paused {
            run.apply(ControlAction::Pause, THIS_PROGRAM);
        }
        match controlled.ended {
            Some(End::Interrupted) => run.interrupt(),
            Some(End::Aborted) => drop(run.apply(ControlAction::Abort, THIS_PROGRAM)),
            Some(End::CutOff) => run.cut_off(),
            None => {}
        }
        controlled.runs.retain(RunControl::is_in_use);
        controlled.runs.push(run.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Controlled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Controlled {
    /// Returns whether a run did it.
    fn apply(&self, action: ControlAction) -> bool {
        let results = self.runs.iter().map(|run| run.apply(action, THIS_PROGRAM));
        results.fold(false, |any, result| any | (result == ControlResult::Done))
    }
}

/// Who asks, where it is not another process.
const THIS_PROGRAM: &str = "the program that executes it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_begins_later_is_controlled_by_what_was_asked_before() {
        let handle = RolloutHandle::default();
        handle.pause();
        handle.abort();
        let run = RunControl::default();
        handle.attach(&run);
        assert!(run.is_paused());
        assert_eq!(run.apply(ControlAction::Abort, "ada"), ControlResult::Unchanged);
        handle.resume();
        assert!(!run.is_paused());
        assert!(!handle.approve_wave(), "no wave waits");
    }
}
