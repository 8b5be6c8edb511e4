//! Control of a run by another process, through the journal that both have open.

use std::path::Path;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::connect::journal::{find, history};
use crate::domain::control::{ControlAction, ControlResult};
use crate::domain::error_chain::error_chain;
use crate::domain::text::sanitize_truncate;
use crate::error::{AppError, ErrorKind, UnfinishedRun};
use crate::journal::{
    ControlRequest, Journal, JournalError, JournalReader, LockOwner, NewControlRequest, Recorder,
    RunId, RunRef, RunRow, RunState,
};
use crate::push::control::RunControl;

/// Takes up the requests to control a run, for as long as this is polled.
pub(crate) async fn listen(control: RunControl, recorder: Recorder) {
    let mut reader = None;
    loop {
        sleep(BETWEEN_LOOKS).await;
        let (path, run) = (recorder.path().to_owned(), recorder.run());
        // Reading is quick, and yet a slow disk must not hold up the phones of the run.
        let looked = spawn_blocking(move || open_requests(reader, &path, run)).await;
        let requests = match looked {
            Ok(Ok((open, requests))) => {
                reader = open;
                requests
            }
            Ok(Err(error)) => {
                tracing::debug!(error = %error_chain(&error), "cannot read control requests");
                reader = None;
                continue;
            }
            // The runtime is shutting down.
            Err(_) => return,
        };
        for request in requests {
            let result = control.apply(request.action, &request.by());
            if let Err(error) = recorder.control_taken(request.id, result).await {
                tracing::warn!(
                    error = %error_chain(&error),
                    action = request.action.as_str(),
                    "the journal does not have that a control request was taken up"
                );
            }
        }
    }
}

type Looked = (Option<JournalReader>, Vec<ControlRequest>);

fn open_requests(
    reader: Option<JournalReader>,
    path: &Path,
    run: RunId,
) -> Result<Looked, JournalError> {
    let reader = match reader {
        Some(reader) => Some(reader),
        None => JournalReader::open(path)?,
    };
    let requests = match &reader {
        Some(reader) => reader.open_control_requests(run)?,
        None => Vec::new(),
    };
    Ok((reader, requests))
}

/// Asks a run for something in the name of `by`, and waits until it has taken the request up.
///
/// # Errors
/// When the run has ended or its process is gone, when nothing waits for an approval, when the journal cannot be used,
/// or when the run has not taken the request up in time.
pub async fn request(
    journal: &Path,
    which: RunRef,
    action: ControlAction,
    by: LockOwner,
) -> Result<ControlRequest, AppError> {
    let reader = history(journal)?;
    let run = find(&reader, which)?;
    check_is_running(journal, &run)?;
    let LockOwner { os_user, machine, process, .. } = by;
    let request = NewControlRequest { run: run.id, action, os_user, machine, process };
    let writer = Journal::open(journal)?;
    let id = writer.request_control(request).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = reader.control_request(id)?;
        match request.and_then(|request| request.result.map(|result| (request, result))) {
            Some((_, ControlResult::NotWaiting)) => return Err(not_waiting(run.id)),
            Some((request, ControlResult::Done | ControlResult::Unchanged)) => return Ok(request),
            None => {}
        }
        check_is_running(journal, &find(&reader, RunRef::Number(run.id))?)?;
        if Instant::now() >= deadline {
            return Err(not_yet(run.id, action));
        }
        sleep(BETWEEN_ANSWERS).await;
    }
}

/// Makes sure that a process works on the run.
fn check_is_running(journal: &Path, run: &RunRow) -> Result<(), AppError> {
    let unfinished = UnfinishedRun { journal: journal.to_owned(), run: run.id };
    if let Some(at) = run.ended_at {
        let at = at.strftime("%Y-%m-%d %H:%M:%S UTC");
        let message = format!(
            "run {} has ended ({} at {at}), so it cannot be controlled",
            run.id,
            run.state.as_str()
        );
        return Err(AppError::new(ErrorKind::Refused, message)
            .hint("nothing was changed; `axlpaper runs` lists the runs that are `running`")
            .unfinished(unfinished));
    }
    if run.state == RunState::Running {
        return Ok(());
    }
    let message = format!(
        "run {} did not finish, and no process works on it any more: it crashed or was killed",
        run.id
    );
    let error = AppError::new(ErrorKind::Refused, message).unfinished(unfinished);
    let here = LockOwner::this_process("control").machine;
    Err(if run.machine == here {
        error.hint("nothing was changed; no later run takes a request for it up")
    } else {
        error.hint(format!(
            "nothing was changed; it was started on {}, where it can be controlled if it still works there",
            sanitize_truncate(&run.machine, 80)
        ))
    })
}

fn not_waiting(run: RunId) -> AppError {
    let message = format!("run {run} has no wave that waits for an approval; none was approved");
    AppError::new(ErrorKind::Refused, message).hint(format!(
        "an approval never counts for a later wave: `axlpaper show {run}` says when a wave waits"
    ))
}

fn not_yet(run: RunId, action: ControlAction) -> AppError {
    let message = format!(
        "run {run} has not taken the request up within {} s; it is in the journal, and the run does it as soon as it \
         looks",
        PATIENCE.as_secs()
    );
    AppError::new(ErrorKind::Failed, message).hint(format!(
        "`axlpaper show {run}` says whether it did ({action}); a process that is suspended looks when it goes on"
    ))
}

/// How often a run looks for requests.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// How often the process that asks looks for the answer.
const BETWEEN_ANSWERS: Duration = Duration::from_millis(100);

/// How long it waits for the answer.
const PATIENCE: Duration = Duration::from_secs(5);
