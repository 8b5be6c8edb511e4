//! Keeps in the journal what only the run itself knows and its report needs.

use crate::domain::push_action::PushAction;
use crate::error::AppError;
use crate::journal::{Recorder, Subject};
use crate::report::RunReport;
use crate::rollout::run::Run;

/// Keeps what a run is about.
///
/// # Errors
/// When it cannot be written.
pub async fn keep_subject(
    recorder: &Recorder,
    action: PushAction,
    file: &str,
    repairs: bool,
) -> Result<(), AppError> {
    let subject = Subject::new(action, file, repairs);
    let kept = recorder.snapshot(Subject::KIND, &subject).await;
    kept.map_err(Into::into)
}

/// Keeps how a run ended, when it came to its end.
pub async fn keep_ending(run: &Run, report: &Result<RunReport, AppError>) {
    if let Ok(RunReport { ending: Some(ending), .. }) = report {
        run.keep_ending(ending).await;
    }
}
