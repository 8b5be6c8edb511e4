//! The one command that finishes what a run left undone.

use crate::domain::push_action::PushAction;
use crate::journal::{JournalError, JournalReader, RESUME_RECORD, RunRow, RunState};
use crate::report::run_report::RunReport;

/// Returns the command; nothing where nothing is left to do, where another run has continued this one, or where no
/// command of ours would help.
///
/// # Errors
/// When the journal cannot be read.
pub fn next_step(history: &JournalReader, run: &RunRow) -> Result<Option<String>, JournalError> {
    // Nothing was begun, and a person decided so.
    if run.state == RunState::Declined {
        return Ok(None);
    }
    if history.continued_by(run)?.is_some()
        || (run.exit_code == Some(USAGE) && run.ended_at.is_some())
    {
        return Ok(None);
    }
    let is_done = run.state == RunState::Finished && run.exit_code == Some(0);
    let again = || Some(run.command_line.clone());
    let typed = |option: &str| run.command_line.split(' ').any(|word| word == option);
    Ok(match run.command.as_str() {
        "apply" | "revert" if is_done => None,
        // A plan that was begun and refused is stale: the same file would be refused again.
        "apply" if run.exit_code == Some(REFUSED) && history.plan(run.id)?.is_some() => None,
        "apply" => again(),
        "revert" if typed("--pictures") => of_push(history, run)?,
        "revert" => match run.reverts {
            Some(reverted) => {
                let reset = if typed("--reset") { " --reset" } else { "" };
                Some(format!("axlpaper revert {reverted}{reset}"))
            }
            None => again(),
        },
        "demo" => None,
        _ => of_push(history, run)?,
    })
}

fn of_push(history: &JournalReader, run: &RunRow) -> Result<Option<String>, JournalError> {
    let report = RunReport::read(history, run.clone())?;
    if run.state == RunState::Finished && report.unserved().is_empty() {
        return Ok(None);
    }
    Ok(match report.action {
        // Who presses keys again has to know what was pressed.
        PushAction::Sound | PushAction::Keys => None,
        // One that came to its end has looked at every phone that it could.
        PushAction::Verification if run.state == RunState::Finished => None,
        PushAction::RingTone | PushAction::Verification => Some(run.command_line.clone()),
        PushAction::Picture | PushAction::PictureElsewhere | PushAction::Removal => {
            let is_kept =
                !run.is_about_addresses() && history.kept(run.id, RESUME_RECORD)?.is_some();
            // One that was killed before it kept what it was to do has done nothing.
            Some(if is_kept {
                format!("axlpaper rollout --resume {}", run.id)
            } else {
                run.command_line.clone()
            })
        }
    })
}

/// The exit codes after which the same again would end the same.
const USAGE: i64 = 2;
const REFUSED: i64 = 5;
