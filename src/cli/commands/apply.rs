//! `axlpaper apply`

use crate::cli::settings;
use crate::connect::journal;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::args::{ConfirmArgs, ConnectionArgs, OutputArgs};
use crate::cli::interrupt;
use crate::cli::next_command;
use crate::cli::present::list;
use crate::cli::ui::{self, Progress, Terminal};
use crate::connect::cluster::{ClusterClients, ClusterSettings};
use crate::domain::plan::{Change, Plan};
use crate::domain::text::quoted;
use crate::domain::text_encoding;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{ChangeResult, ChangeState};
use crate::journal::RunId;
use crate::plan::{Kind, PlanError, check};
use crate::report::{
    Format, PlanFileError, changes_json, changes_recap, plan_diff, plan_json, read_plan,
};
use crate::rollout::change_run::{ChangeRun, exit_of};
use crate::rollout::control::RolloutHandle;

/// Carry a plan file out exactly, or refuse if the cluster has moved
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Plan file, as written by `axlpaper plan -o`
    #[arg(value_name = "FILE")]
    plan: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    list::check_list::<ChangeResult>(&args.output)?;
    let plan = read(&args.plan, Kind::Repair)?;
    let connection = settings::connection(&args.connection, None)?;
    check_cluster(&plan, &connection, &args.connection)?;
    ui::say(&plan_diff(&plan, &args.plan.display().to_string()));
    if plan.changes.is_empty() {
        if !args.output.is_recap() {
            tell("apply", &args.output, &plan, Vec::new())?;
        }
        return Ok(Exit::Done);
    }
    let state = journal::path(args.connection.state.as_deref())?;
    let run =
        TypedChanges { command: "apply", kind: Kind::Repair, reverts: None, confirm: args.confirm };
    run.execute(&connection, &state, &args.output, async |_| Ok(plan)).await
}

/// A run that only changes the cluster, as it was typed.
pub(super) struct TypedChanges {
    pub command: &'static str,
    pub kind: Kind,
    pub reverts: Option<RunId>,
    /// A dry run only checks whether it could be executed.
    pub confirm: ConfirmArgs,
}

impl TypedChanges {
    /// Executes a plan as a run of its own, and answers with the results. `plan` is called once the cluster is locked.
    pub async fn execute(
        self,
        connection: &ClusterSettings,
        state: &Path,
        output: &OutputArgs,
        plan: impl AsyncFnOnce(&ClusterClients) -> Result<Plan, AppError>,
    ) -> Result<Exit, AppError> {
        let Self { command, kind, reverts, confirm: ConfirmArgs { dry_run, yes } } = self;
        let command_line = settings::command_line();
        let run = ChangeRun { command, kind, reverts, command_line, on_behalf_of: None, dry_run };
        let (interaction, observer) = (Terminal::shared(yes), Progress::shared());
        let begun = run.begin(connection, state, &interaction, observer).await?;
        let plan = plan(begun.cluster()).await;
        let prepared = begun.prepare(plan).await?;
        let plan = prepared.plan().clone();
        if dry_run {
            prepared.check().await?;
            tell_dry_run(command, output, &plan)?;
            return prepared.refusal().map_or(Ok(Exit::Done), Err);
        }
        let number = prepared.number();
        let prepared = prepared.confirm().await?;
        let handle = RolloutHandle::default();
        let on_interrupt = interrupt::watch(&handle);
        let applied = prepared.execute(&handle).await?;
        drop(on_interrupt);
        let exit = exit_of(&applied);
        if exit == Exit::Done && applied.sent.is_empty() && !plan.changes.is_empty() {
            ui::say("the plan was carried out before; nothing was written");
        }
        if !(plan.changes.is_empty() && output.is_recap()) {
            tell(command, output, &plan, applied.results)?;
        }
        next_command::say(number.and_then(|run| next_command::step_here(state, run)).as_deref());
        Ok(exit)
    }
}

/// Reads a plan file, and makes sure that it may do no more than plans of this kind.
pub(super) fn read(path: &Path, kind: Kind) -> Result<Plan, AppError> {
    let shown = path.display();
    let make = match kind {
        Kind::Repair => "make a new plan with `axlpaper plan -o FILE`",
        Kind::Revert => "name the file that was written when the journal was lost",
    };
    let unreadable = |error: AppError| {
        error.context(format_args!("cannot read the plan file {shown}")).hint(make)
    };
    let bytes = std::fs::read(path)
        .map_err(|error| unreadable(AppError::from_error(ErrorKind::Usage, error)))?;
    let text = text_encoding::decode_utf8(&bytes)
        .map_err(|error| unreadable(AppError::from_error(ErrorKind::Usage, error)))?;
    let plan = read_plan(&text).map_err(|error| {
        let hint = match &error {
            PlanFileError::OtherVersion { .. } => {
                format!("nothing was changed; use the release of axlpaper that made it, or {make}")
            }
            PlanFileError::Damaged(_) | PlanFileError::OtherDocument { .. } => {
                format!("nothing was changed; {make}")
            }
        };
        AppError::from_error(ErrorKind::Usage, error).context(&shown).hint(hint)
    })?;
    check(&plan, kind).map_err(|error| {
        let takes_back = matches!(error, PlanError::TakesBack { .. });
        let refused = AppError::from_error(ErrorKind::Refused, error).context(&shown);
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
pub(super) fn check_cluster(
    plan: &Plan,
    connection: &ClusterSettings,
    args: &ConnectionArgs,
) -> Result<(), AppError> {
    if connection.endpoint.to_string() == plan.cluster.host {
        return Ok(());
    }
    let other = format!("the plan is for {}, not for {}", plan.cluster.host, connection.endpoint);
    let [option, value] = settings::cluster_option(args, &plan.cluster.host);
    Err(AppError::new(ErrorKind::Refused, other)
        .hint(format!("nothing was changed; name the plan's cluster: {option} {}", quoted(&value))))
}

/// Writes what a dry run found: the plan as a document, or its changes as rows.
fn tell_dry_run(what: &str, output: &OutputArgs, plan: &Plan) -> Result<(), AppError> {
    if output.is_recap() {
        return list::write(output, "Dry run: nothing was changed.\n");
    }
    if output.format() == Format::Json && output.list.fields.is_empty() {
        return list::write(output, &plan_json(plan, Timestamp::now()));
    }
    let message = Some("not tried: this is a dry run".to_owned());
    let not_tried = |change: &Change| ChangeResult {
        change: change.clone(),
        state: ChangeState::NotApplied,
        message: message.clone(),
    };
    tell(what, output, plan, plan.changes.iter().map(not_tried).collect())
}

/// Writes the results of changes; `what` is the command.
fn tell(
    what: &str,
    output: &OutputArgs,
    plan: &Plan,
    mut results: Vec<ChangeResult>,
) -> Result<(), AppError> {
    if output.is_recap() {
        return list::write_text(output, |_| changes_recap(&results));
    }
    list::sort(&output.list, &mut results)?;
    let json = || changes_json(what, plan, &results, Timestamp::now());
    list::write(output, &list::list(output, &results, json)?)
}
