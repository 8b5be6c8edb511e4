//! `axlpaper apply`

use std::path::PathBuf;

use jiff::Timestamp;

use crate::apply::Applied;
use crate::cli::args::{ConnectionArgs, OutputArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::open::Connection;
use crate::cli::state::{self, Place, Run, What};
use crate::cli::ui::{self, Progress};
use crate::cli::{interrupt, open, output, repair};
use crate::domain::chain::chain;
use crate::domain::plan::Plan;
use crate::event::ChangeResult;
use crate::plan::{Kind, check};
use crate::push::engine::Stop;
use crate::report::{PlanFileError, changes_json, changes_recap, plan_diff, read_plan};

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

/// Runs the command.
///
/// # Errors
/// When the file is no plan, the cluster is not the plan's or has moved, or it cannot be written to.
pub async fn run(args: Args) -> Result<Exit, CliError> {
    output::check_list::<ChangeResult>(&args.output)?;
    let shown = args.plan.display();
    let text = std::fs::read_to_string(&args.plan).map_err(|error| {
        CliError::new(Exit::Usage, format!("cannot read the plan file {shown}: {error}"))
            .hint("make one with `axlpaper plan -o FILE`")
    })?;
    let plan = read_plan(&text).map_err(|error| {
        let hint = match &error {
            PlanFileError::OtherVersion { .. } => {
                "nothing was changed; use the release of axlpaper that made it, or make a new plan with `axlpaper plan -o FILE`"
            }
            PlanFileError::Damaged(_) | PlanFileError::OtherDocument { .. } => {
                "nothing was changed; make a new plan with `axlpaper plan -o FILE`"
            }
        };
        CliError::new(Exit::Usage, format!("{shown}: {}", chain(&error))).hint(hint)
    })?;
    check(&plan, Kind::Repair).map_err(|error| {
        CliError::new(Exit::Refused, format!("{shown}: {error}"))
            .hint("nothing was changed; make a new plan with `axlpaper plan -o FILE`")
    })?;
    let connection = open::connection(&args.connection, None)?;
    if connection.endpoint.to_string() != plan.cluster.host {
        let other =
            format!("the plan is for {}, not for {}", plan.cluster.host, connection.endpoint);
        return Err(CliError::new(Exit::Refused, other)
            .hint("nothing was changed; name the plan's cluster"));
    }
    ui::say(&plan_diff(&plan));
    if plan.changes.is_empty() {
        if !args.output.is_recap() {
            tell("apply", &args.output, &plan, Vec::new())?;
        }
        return Ok(Exit::Done);
    }
    let state = state::path(args.connection.state.as_deref())?;
    let what =
        What { command: "apply", place: Place::of(&connection), continues: None, reverts: None };
    let run = Run::begin(&state, what).await?;
    let applied = carry_out(&args, &connection, &plan, &run).await;
    run.end(applied.as_ref(), exit_of).await;
    let applied = applied?;
    let exit = exit_of(&applied);
    tell("apply", &args.output, &plan, applied.results)?;
    Ok(exit)
}

async fn carry_out(
    args: &Args,
    connection: &Connection,
    plan: &Plan,
    run: &Run,
) -> Result<Applied, CliError> {
    let observer = run.noting(Progress::shared());
    let cluster = open::connect(connection, &observer).await?;
    if let Some(publisher) = repair::publisher(&cluster).await? {
        run.lock_cluster(&publisher)?;
    }
    ui::confirm(&repair::question(plan), plan.phones_touched(), args.yes)?;
    // An interrupt between a write and its reading back would leave the change unproven.
    let stop = Stop::default();
    let _until_read_back = interrupt::watch(&stop);
    repair::apply(&cluster, run.recorder(), plan, Kind::Repair, &stop, &observer).await
}

/// Returns the exit code that changes deserve.
pub(super) fn exit_of(applied: &Applied) -> Exit {
    if applied.interrupted {
        Exit::Interrupted
    } else if repair::all_applied(applied) {
        Exit::Done
    } else {
        Exit::SomeFailed
    }
}

/// Answers with what came of changes: `what` is the command.
pub(super) fn tell(
    what: &str,
    output: &OutputArgs,
    plan: &Plan,
    mut results: Vec<ChangeResult>,
) -> Result<(), CliError> {
    if output.is_recap() {
        return output::write(output, &changes_recap(&results));
    }
    output::sort(&output.list, &mut results)?;
    let json = || changes_json(what, plan, &results, Timestamp::now());
    output::write(output, &output::list(output, &results, json)?)
}
