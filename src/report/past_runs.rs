//! Earlier runs that pushed the same to the same phones, so that a report can show whether it gets better.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::push_action::PushAction;
use crate::journal::{
    Coverage, JournalError, JournalReader, RESUME_RECORD, RunEnd, RunId, RunRow, SentPictures,
    SentTones,
};

/// An earlier run that pushed the same to the same phones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PastRun {
    pub id: RunId,
    pub began_at: Timestamp,
    /// The name of what it pushed.
    pub file: String,
    /// How many phones showed it when the run ended.
    pub coverage: Coverage,
}

/// Two runs are comparable if they push the same to the same cluster by the same options that select phones. A run that
/// continues another one is about the phones of that.
struct Scope {
    action: PushAction,
    file: String,
    selector: Value,
    /// The digests of what was prepared, one for each kind of phone; none where it is served from elsewhere.
    digests: BTreeSet<String>,
}

impl Scope {
    fn is_same(&self, other: &Self) -> bool {
        let is_same_payload = match (self.digests.is_empty(), other.digests.is_empty()) {
            (true, true) => self.file == other.file,
            // One of the runs may have met models that the other did not.
            _ => !self.digests.is_disjoint(&other.digests),
        };
        self.action == other.action && self.selector == other.selector && is_same_payload
    }
}

/// Returns the runs that pushed the same to the same phones before this one, the oldest first. Runs that did not come to
/// their end have no number to show.
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
        if coverage.capable > 0 && scope(history, &run)?.is_some_and(|scope| scope.is_same(&wanted))
        {
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

/// Returns what a run pushed to which phones; nothing where the journal does not have it.
fn scope(history: &JournalReader, run: &RunRow) -> Result<Option<Scope>, JournalError> {
    /// The part that matters of what a run keeps to be resumed.
    #[derive(Deserialize)]
    struct Job {
        selector: Value,
    }
    #[derive(Deserialize)]
    struct Sent {
        #[serde(alias = "tones")]
        pictures: Vec<SentOne>,
    }
    #[derive(Deserialize)]
    struct SentOne {
        digest: String,
    }
    let Some(subject) = &run.subject else { return Ok(None) };
    let mut first = run.id;
    let mut continues = run.continues;
    for _ in 0..MOST_READ {
        let Some(earlier) = continues else { break };
        let Some(row) = history.run(crate::journal::RunRef::Number(earlier))? else { break };
        (first, continues) = (row.id, row.continues);
    }
    let Some(job) = history.snapshot::<Job>(first, RESUME_RECORD)? else { return Ok(None) };
    let is_tone = subject.action() == PushAction::RingTone;
    let kind = if is_tone { SentTones::KIND } else { SentPictures::KIND };
    let sent = history.snapshot::<Sent>(run.id, kind)?.map(|sent| sent.pictures);
    Ok(Some(Scope {
        action: subject.action(),
        file: subject.file.clone(),
        selector: job.selector,
        digests: sent.unwrap_or_default().into_iter().map(|sent| sent.digest).collect(),
    }))
}

/// How many earlier runs are looked at.
const MOST_READ: usize = 60;

/// How many of them are shown.
const MOST_SHOWN: usize = 11;
