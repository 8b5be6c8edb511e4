//! The exit code of a rollout.

use crate::error::Exit;
use crate::event::Outcome;
use crate::report::Rollout;

/// Returns the exit code that a run deserves. One that was meant to push and reached nobody is no
/// success either, unless there was nobody left to reach.
pub fn exit_of(rollout: &Rollout) -> Exit {
    let pushed =
        rollout.already > 0 || rollout.phones.iter().any(|phone| phone.outcome != Outcome::Skipped);
    if rollout.interrupted {
        Exit::Interrupted
    } else if rollout.refused {
        Exit::Authentication
    } else if rollout.is_success() && pushed {
        Exit::Done
    } else {
        Exit::SomeFailed
    }
}
