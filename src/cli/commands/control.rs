//! `axlpaper control`

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use jiff::Timestamp;

use crate::cli::ui;
use crate::connect::journal;
use crate::domain::control::{ControlAction, ControlResult};
use crate::error::{AppError, ErrorKind, Exit};
use crate::journal::{ControlRequest, JournalReader, LockOwner, RunGroup, RunId, RunRef};
use crate::report::{control_json, watch_approved_json};
use crate::rollout::control_requests::request;
use crate::watch::control::approve;

/// Control a run that another process works on: pause it, continue it, begin its next wave, or end it; approve what a
/// watch would do
///
/// The request goes through the journal, which the run reads every second; the command waits some seconds until the run
/// has done it. A run does it at its next step at the latest: what is in progress, such as a push to a phone or a change
/// of the cluster, always finishes. Nothing is asked, because nothing is lost: a run that was aborted can be resumed.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A number, or `last`; of several clusters each has a run of its own. `watch`, or `watch:CLUSTER` where several
    /// watches work
    #[arg(value_name = "RUN")]
    controlled: Controlled,
    /// What the run is to do; a watch knows `approve` only
    #[arg(value_name = "ACTION")]
    action: ActionArg,
    /// The journal [default: axlpaper/journal.sqlite3 in the user's folder for state]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_STATE")]
    state: Option<PathBuf>,
    /// Answer with a JSON document
    #[arg(long)]
    json: bool,
}

/// What is controlled, as typed.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Controlled {
    Run(RunRef),
    /// The watch of this cluster, or the only one.
    Watch(Option<String>),
}

impl FromStr for Controlled {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((word, cluster)) if word.eq_ignore_ascii_case("watch") => {
                Ok(Self::Watch(Some(cluster.to_owned())))
            }
            None if text.eq_ignore_ascii_case("watch") => Ok(Self::Watch(None)),
            Some(_) | None => {
                let run = text.parse().map(Self::Run);
                run.map_err(|why: String| format!("{why}; `watch` is the watch"))
            }
        }
    }
}

/// What is asked of the run, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ActionArg {
    /// Begin nothing new: no push, no retry, no change of the cluster. --until and --window still count
    Pause,
    /// End the pause
    Continue,
    /// Begin the wave that waits (--gate), or have a watch do what exceeds its --max-change; an approval never counts for
    /// later ones
    Approve,
    /// Finish what is in progress, write the report and end with exit code 130, as after Ctrl-C
    Abort,
}

impl From<ActionArg> for ControlAction {
    fn from(action: ActionArg) -> Self {
        match action {
            ActionArg::Pause => Self::Pause,
            ActionArg::Continue => Self::Continue,
            ActionArg::Approve => Self::Approve,
            ActionArg::Abort => Self::Abort,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the run cannot be controlled, or did not do it in time.
pub async fn run(args: &Args) -> Result<Exit, AppError> {
    let path = journal::path(args.state.as_deref())?;
    let run = match &args.controlled {
        Controlled::Run(run) => *run,
        Controlled::Watch(cluster) => return control_watch(args, cluster.as_deref(), &path).await,
    };
    let request =
        request(&path, run, args.action.into(), LockOwner::this_process("control")).await?;
    if args.json {
        let document = control_json(&request, Timestamp::now());
        let written = |error| AppError::from_error(ErrorKind::Failed, error);
        ui::put(&document.text().map_err(written)?)?;
    } else {
        ui::put(&format!("{}\n", describe(&request)))?;
    }
    let others = running_beside(&journal::history(&path)?, request.run)?;
    if !others.is_empty() {
        let others = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        ui::say(&format!("note: runs of the same rollout are controlled separately: {others}"));
    }
    Ok(Exit::Done)
}

async fn control_watch(
    args: &Args,
    cluster: Option<&str>,
    journal: &Path,
) -> Result<Exit, AppError> {
    if ControlAction::from(args.action) != ControlAction::Approve {
        let error = "a watch knows `approve` only";
        return Err(AppError::new(ErrorKind::Usage, error).hint(
            "nothing was changed; Ctrl-C or SIGTERM ends it, and its runs are controlled by their numbers: `axlpaper runs`",
        ));
    }
    let watch = approve(journal, cluster, &LockOwner::this_process("control")).await?;
    if args.json {
        let document = watch_approved_json(&watch.cluster, Timestamp::now());
        let written = |error| AppError::from_error(ErrorKind::Failed, error);
        ui::put(&document.text().map_err(written)?)?;
    } else {
        ui::put(&format!("What waited in the watch of {} is approved.\n", watch.cluster))?;
    }
    Ok(Exit::Done)
}

fn describe(request: &ControlRequest) -> String {
    let run = request.run;
    let is_new = request.result != Some(ControlResult::Unchanged);
    match (request.action, is_new) {
        (ControlAction::Pause, true) => {
            format!("Run {run} is paused: what is in progress finishes, and nothing new begins.")
        }
        (ControlAction::Pause, false) => format!("Run {run} was paused already."),
        (ControlAction::Continue, true) => format!("Run {run} goes on."),
        (ControlAction::Continue, false) => format!("Run {run} was not paused."),
        (ControlAction::Approve, _) => format!("The wave that waited in run {run} is approved."),
        (ControlAction::Abort, true) => {
            format!("Run {run} ends: what is in progress finishes, and nothing new begins.")
        }
        (ControlAction::Abort, false) => format!("Run {run} was ending already."),
    }
}

/// Returns the runs that were begun together with this one and have not ended.
fn running_beside(history: &JournalReader, run: RunId) -> Result<Vec<RunId>, AppError> {
    let group = history.snapshot::<RunGroup>(run, RunGroup::KIND)?;
    let mut running = Vec::new();
    for other in group.map(|group| group.runs).unwrap_or_default() {
        let row = history.run(RunRef::Number(other))?;
        if other != run && row.is_some_and(|row| row.ended_at.is_none()) {
            running.push(other);
        }
    }
    Ok(running)
}
