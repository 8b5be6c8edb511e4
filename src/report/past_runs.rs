//! Earlier runs over the same phones, so that a report can show whether it gets better.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::payload_kind::ObjectKind;
use crate::journal::{Coverage, JournalError, JournalReader, RESUME_RECORD, RunEnd, RunId, RunRow};

/// An earlier run over the same phones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PastRun {
    pub id: RunId,
    pub began_at: Timestamp,
    /// The name of what it pushed.
    pub file: String,
    /// How many phones showed it when the run ended.
    pub coverage: Coverage,
}

/// Two runs are about the same phones if they push the same kind of object to the same cluster by the same options that
/// select phones. A run that goes on with another one is about the phones of that.
#[derive(Debug, PartialEq)]
struct Scope {
    object: ObjectKind,
    selector: Value,
}

/// Returns the runs over the same phones before this one, the oldest first. Runs that did not come to their end have no
/// number to show.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) fn past_runs(
    history: &JournalReader,
    run: &RunRow,
) -> Result<Vec<PastRun>, JournalError> {
    let Some(wanted) = scope(history, run)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for run in history.runs_before(run, MOST_READ)? {
        let Some(subject) = &run.subject else { continue };
        let ending = history.snapshot::<RunEnd>(run.id, RunEnd::KIND)?;
        let Some(coverage) = ending.and_then(|ending| ending.coverage) else { continue };
        if coverage.capable > 0 && scope(history, &run)?.as_ref() == Some(&wanted) {
            let (id, began_at, file) = (run.id, run.began_at, subject.file.clone());
            found.push(PastRun { id, began_at, file, coverage });
        }
        if found.len() == MOST_SHOWN {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// Returns which phones a run is about; nothing where the journal does not have it.
fn scope(history: &JournalReader, run: &RunRow) -> Result<Option<Scope>, JournalError> {
    /// The part that matters of what a run keeps to be gone on with.
    #[derive(Deserialize)]
    struct Job {
        selector: Value,
    }
    let Some(object) = run.subject.as_ref().map(|subject| subject.action().object()) else {
        return Ok(None);
    };
    let mut first = run.id;
    let mut continues = run.continues;
    for _ in 0..MOST_READ {
        let Some(earlier) = continues else { break };
        let Some(row) = history.run(crate::journal::RunRef::Number(earlier))? else { break };
        (first, continues) = (row.id, row.continues);
    }
    let job = history.snapshot::<Job>(first, RESUME_RECORD)?;
    Ok(job.map(|job| Scope { object, selector: job.selector }))
}

/// How many earlier runs are looked at.
const MOST_READ: usize = 60;

/// How many of them are shown.
const MOST_SHOWN: usize = 11;
