//! The exit code of a rollout.

use crate::error::Exit;
use crate::event::Outcome;
use crate::report::RunReport;

/// Returns the exit code that a run deserves. One that was meant to push and reached no phone is no
/// success either, unless no phone was left to reach.
pub fn exit_of(run: &RunReport) -> Exit {
    let pushed = run
        .phones
        .iter()
        .any(|phone| phone.outcome == Outcome::Already || !phone.outcome.is_skipped());
    match &run.ending {
        Some(ending) if ending.interrupted => Exit::Interrupted,
        Some(ending) if ending.refused => Exit::Authentication,
        _ if run.is_success() && pushed => Exit::Done,
        _ => Exit::SomeFailed,
    }
}
