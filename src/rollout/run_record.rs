//! Keeps in the journal what only the run itself knows and its report needs.

use crate::connect::journal;
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
) -> Result<(), AppError> {
    let subject = Subject { file: file.to_owned(), object: action.object(), action: Some(action) };
    let kept = recorder.snapshot(Subject::KIND, &subject).await;
    kept.map_err(|error| journal::unusable(&error))
}

/// Keeps how a run ended, when it came to its end.
pub async fn keep_ending(run: &Run, report: &Result<RunReport, AppError>) {
    if let Ok(RunReport { ending: Some(ending), .. }) = report {
        run.keep_ending(ending).await;
    }
}
