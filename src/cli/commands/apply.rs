//! `axlpaper apply`

use crate::cli::settings;
use crate::connect::journal;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::apply::{Applied, Halt, check_all};
use crate::cli::args::{ConfirmArgs, ConnectionArgs, OutputArgs};
use crate::cli::interrupt;
use crate::cli::next_command;
use crate::cli::present::list;
use crate::cli::ui::{self, Progress, Terminal};
use crate::connect::cluster;
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
use crate::rollout::control::RolloutHandle;
use crate::rollout::run::{Run, RunInfo, RunScope};
use crate::rollout::{accounts, repair, undo_file};

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
        ChangeRun { command: "apply", kind: Kind::Repair, reverts: None, confirm: args.confirm };
    run.execute(&connection, &state, &args.output, async |_| Ok(plan)).await
}

/// A run that only changes the cluster.
pub(super) struct ChangeRun {
    pub command: &'static str,
    pub kind: Kind,
    pub reverts: Option<RunId>,
    /// A dry run only checks whether it could be executed.
    pub confirm: ConfirmArgs,
}

impl ChangeRun {
    /// Executes a plan as a run of its own, and answers with the results. `plan` is called once the cluster is locked.
    pub async fn execute(
        self,
        connection: &ClusterSettings,
        state: &Path,
        output: &OutputArgs,
        plan: impl AsyncFnOnce(&ClusterClients) -> Result<Plan, AppError>,
    ) -> Result<Exit, AppError> {
        let what = RunInfo {
            command: self.command,
            place: RunScope::of(connection),
            continues: None,
            reverts: self.reverts,
            command_line: settings::command_line(),
            on_behalf_of: None,
            dry_run: self.confirm.dry_run,
        };
        let run = Run::begin(state, what, &Terminal::shared(self.confirm.yes)).await?;
        let id = run.recorder().run();
        let done = self.carry_out(connection, &run, plan).await;
        if self.confirm.dry_run {
            let refusal = run.refusal();
            let (plan, _) = done?;
            tell_dry_run(self.command, output, &plan)?;
            return refusal.map_or(Ok(Exit::Done), Err);
        }
        let (plan, applied) = run.end(done, |(_, applied)| exit_of(applied)).await?;
        let exit = exit_of(&applied);
        if exit == Exit::Done && applied.sent.is_empty() && !plan.changes.is_empty() {
            ui::say("the plan was carried out before; nothing was written");
        }
        if !(plan.changes.is_empty() && output.is_recap()) {
            tell(self.command, output, &plan, applied.results)?;
        }
        next_command::say(next_command::step_here(state, id).as_deref());
        Ok(exit)
    }

    async fn carry_out(
        &self,
        connection: &ClusterSettings,
        run: &Run,
        plan: impl AsyncFnOnce(&ClusterClients) -> Result<Plan, AppError>,
    ) -> Result<(Plan, Applied), AppError> {
        let (observer, interaction) =
            (run.journal_observer(Progress::shared()), run.interaction().as_ref());
        let cluster = cluster::connect(connection, interaction, &observer).await?;
        if let Some(publisher) = repair::publisher(&cluster).await? {
            run.lock_cluster(&publisher)?;
        }
        let plan = plan(&cluster).await?;
        if plan.changes.is_empty() {
            return Ok((plan, Applied::default()));
        }
        accounts::check_writable(&cluster.axl).await?;
        if self.confirm.dry_run {
            check(&plan, self.kind)
                .map_err(|error| AppError::from_error(ErrorKind::Refused, error))?;
            check_all(&*cluster.axl, &plan, observer.as_ref()).await?;
            return Ok((plan, Applied::default()));
        }
        repair::confirm(&plan, run).await?;
        // An interrupt between a write and its reading back would leave the change unproven.
        let handle = RolloutHandle::default();
        let _until_read_back = interrupt::watch(&handle);
        let recorder = run.recorder();
        let applied = repair::apply(
            &cluster,
            recorder,
            &plan,
            self.kind,
            &run.stop_signals(&handle),
            &observer,
        )
        .await?;
        undo_file::leave(recorder, &plan, &applied, interaction).await;
        Ok((plan, applied))
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

/// Returns the exit code that changes deserve.
fn exit_of(applied: &Applied) -> Exit {
    match &applied.halt {
        Some(Halt::Interrupted) => Exit::Interrupted,
        Some(Halt::Refused(_)) => Exit::Authentication,
        Some(Halt::Unrecorded(_) | Halt::Away(_) | Halt::TimeOver(_)) => Exit::SomeFailed,
        None if repair::all_applied(applied) => Exit::Done,
        None => Exit::SomeFailed,
    }
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
