//! `axlpaper apply`

use crate::cli::settings;
use crate::connect::journal;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::apply::{Applied, Halt};
use crate::cli::args::{ConnectionArgs, OutputArgs};
use crate::cli::interrupt;
use crate::cli::next_command;
use crate::cli::present::list;
use crate::cli::ui::{self, Progress, Terminal};
use crate::connect::cluster;
use crate::connect::cluster::ClusterSettings;
use crate::domain::error_chain::error_chain;
use crate::domain::plan::Plan;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::ChangeResult;
use crate::plan::{Kind, PlanError, check};
use crate::report::{PlanFileError, changes_json, changes_recap, plan_diff, read_plan};
use crate::rollout::control::RolloutHandle;
use crate::rollout::run::{Run, RunInfo, RunScope};
use crate::rollout::{repair, undo_file};

/// Carry a plan file out exactly, or refuse if the cluster has moved
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Plan file, as written by `axlpaper plan -o`
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: OutputArgs,
}
pub async fn run(args: Args) -> Result<Exit, AppError> {
    list::check_list::<ChangeResult>(&args.output)?;
    let plan = read(&args.plan, Kind::Repair)?;
    let connection = settings::connection(&args.connection, None)?;
    check_cluster(&plan, &connection)?;
    ui::say(&plan_diff(&plan));
    if plan.changes.is_empty() {
        if !args.output.is_recap() {
            tell("apply", &args.output, &plan, Vec::new())?;
        }
        return Ok(Exit::Done);
    }
    let state = journal::path(args.connection.state.as_deref())?;
    let what = RunInfo {
        command: "apply",
        place: RunScope::of(&connection),
        continues: None,
        reverts: None,
        command_line: settings::command_line(),
    };
    let run = Run::begin(&state, what, &Terminal::shared(args.yes)).await?;
    let id = run.recorder().run();
    let applied = carry_out(&connection, &plan, &run).await;
    let applied = run.end(applied, exit_of).await?;
    let exit = exit_of(&applied);
    if exit == Exit::Done && applied.sent.is_empty() {
        ui::say("the plan was carried out before; nothing was written");
    }
    tell("apply", &args.output, &plan, applied.results)?;
    next_command::say(next_command::step_here(&state, id).as_deref());
    Ok(exit)
}

/// Reads a plan file, and makes sure that it may do no more than plans of this kind.
pub(super) fn read(path: &Path, kind: Kind) -> Result<Plan, AppError> {
    let shown = path.display();
    let make = match kind {
        Kind::Repair => "make a new plan with `axlpaper plan -o FILE`",
        Kind::Revert => "name the file that was written when the journal was lost",
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("cannot read the plan file {shown}"))
            .hint(make)
    })?;
    let plan = read_plan(&text).map_err(|error| {
        let hint = match &error {
            PlanFileError::OtherVersion { .. } => {
                format!("nothing was changed; use the release of axlpaper that made it, or {make}")
            }
            PlanFileError::Damaged(_) | PlanFileError::OtherDocument { .. } => {
                format!("nothing was changed; {make}")
            }
        };
        AppError::new(ErrorKind::Usage, format!("{shown}: {}", error_chain(&error))).hint(hint)
    })?;
    check(&plan, kind).map_err(|error| {
        let takes_back = matches!(error, PlanError::TakesBack { .. });
        let refused = AppError::from_error(ErrorKind::Refused, error).context(format_args!("{shown}"));
        if takes_back {
            refused.hint(format!(
                "nothing was changed; `axlpaper revert --from {shown}` takes back what the file names"
            ))
        } else {
            refused.hint(format!("nothing was changed; {make}"))
        }
    })?;
    Ok(plan)
}

/// Refuses a plan that is for another cluster.
pub(super) fn check_cluster(plan: &Plan, connection: &ClusterSettings) -> Result<(), AppError> {
    if connection.endpoint.to_string() == plan.cluster.host {
        return Ok(());
    }
    let other = format!("the plan is for {}, not for {}", plan.cluster.host, connection.endpoint);
    Err(AppError::new(ErrorKind::Refused, other)
        .hint("nothing was changed; name the plan's cluster"))
}

async fn carry_out(
    connection: &ClusterSettings,
    plan: &Plan,
    run: &Run,
) -> Result<Applied, AppError> {
    let (observer, interaction) =
        (run.journal_observer(Progress::shared()), run.interaction().as_ref());
    let cluster = cluster::connect(connection, interaction, &observer).await?;
    if let Some(publisher) = repair::publisher(&cluster).await? {
        run.lock_cluster(&publisher)?;
    }
    repair::confirm(plan, interaction).await?;
    // An interrupt between a write and its reading back would leave the change unproven.
    let handle = RolloutHandle::default();
    let _until_read_back = interrupt::watch(&handle);
    let recorder = run.recorder();
    let applied =
        repair::apply(&cluster, recorder, plan, Kind::Repair, &handle.stop(), &observer).await?;
    undo_file::leave(recorder, plan, &applied, interaction).await;
    Ok(applied)
}

/// Returns the exit code that changes deserve.
pub(super) fn exit_of(applied: &Applied) -> Exit {
    match &applied.halt {
        Some(Halt::Interrupted) => Exit::Interrupted,
        Some(Halt::Refused(_)) => Exit::Authentication,
        Some(Halt::Unrecorded(_) | Halt::Away(_)) => Exit::SomeFailed,
        None if repair::all_applied(applied) => Exit::Done,
        None => Exit::SomeFailed,
    }
}

/// Answers with what came of changes: `what` is the command.
pub(super) fn tell(
    what: &str,
    output: &OutputArgs,
    plan: &Plan,
    mut results: Vec<ChangeResult>,
) -> Result<(), AppError> {
    if output.is_recap() {
        return list::write(output, &changes_recap(&results));
    }
    list::sort(&output.list, &mut results)?;
    let json = || changes_json(what, plan, &results, Timestamp::now());
    list::write(output, &list::list(output, &results, json)?)
}
