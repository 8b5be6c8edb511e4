//! `axlpaper revert`

use crate::cli::settings;
use crate::connect::journal;
use std::path::{Path, PathBuf};

use clap::Args as _;

use super::apply::{TypedChanges, check_cluster, read};
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::push::{PicturePushArgs, PushArgs};
use crate::cli::args::{ConfirmArgs, ConnectionArgs, OutputArgs, ResetArgs, WaitArgs};
use crate::cli::commands::rollout_common::{self, Job, Source};
use crate::cli::next_command;
use crate::cli::present::list;
use crate::cli::ui;
use crate::connect::cluster::{ClusterClients, ClusterSettings};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::Change;
use crate::domain::text::{MOST_LINES, limit_lines, pluralize};
use crate::error::{AppError, Exit};
use crate::event::ChangeResult;
use crate::journal::{JournalReader, RunId, RunRef, RunRow};
use crate::plan::{Kind, Revert, taken_back};
use crate::report::{plan_diff, printable_lines};
use crate::rollout::resume::{RunSource, check_cluster as check_cluster_of};
use crate::rollout::revert::{changes_made, plan_revert};

/// Take back what a run changed on the cluster, or push back the pictures that its phones showed before
///
/// Only what is still as the run left it is taken back; what others have changed since is left alone and reported.
/// Pictures stay on the phones. --pictures pushes pictures instead and does not change the cluster: each phone that the run,
/// or a run that it continues, pushed to gets the picture that it was proven to show before, byte for byte, from the
/// journal. Phones without such a picture, and those that another run has pushed another picture to since, are excluded
/// and listed. The plan is shown first; a revert is a run of its own.
#[derive(clap::Args, Debug)]
#[command(mut_args(only_with_pictures))]
pub struct Args {
    /// The run: a number, or `last`
    #[arg(value_name = "RUN", required_unless_present = "from", conflicts_with = "from")]
    run: Option<RunRef>,
    /// Take back what this file names instead: a run writes one when its journal is lost
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Push back the pictures that the phones of the run showed before it
    #[arg(long, conflicts_with_all = ["from", "reset"])]
    pictures: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    reset: ResetArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    push: PushArgs,
    #[command(flatten)]
    picture: PicturePushArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// The options of a push need --pictures. One name for all pictures is refused, so its option is not listed.
fn only_with_pictures(arg: clap::Arg) -> clap::Arg {
    let push = PushArgs::augment_args(clap::Command::new("push"));
    let push = PhoneArgs::augment_args(PicturePushArgs::augment_args(push));
    let is_of_push = push.get_arguments().any(|of_push| of_push.get_id() == arg.get_id());
    let is_hidden = arg.get_id() == "picture_name";
    if is_of_push { arg.requires("pictures").hide(is_hidden) } else { arg }
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    if args.pictures {
        // The future is too large for the stack.
        return Box::pin(rollout_common::run(args.job_of_pictures()?)).await;
    }
    list::check_list::<ChangeResult>(&args.output)?;
    let path = journal::path(args.connection.state.as_deref())?;
    let run = match (&args.run, &args.from) {
        (_, Some(file)) => return run_from(&args, file, &path).await,
        (run, None) => run.unwrap_or(RunRef::Last),
    };
    let history = journal::history(&path)?;
    let row = journal::find(&history, run)?;
    let pushed = history.pushed(&row.cluster_id, &[row.id], ObjectKind::Background)?;
    if !pushed.is_empty() {
        let (phones, run) = (pluralize(pushed.len(), "phone"), row.id);
        let revert = next_command::revert_pictures(&row);
        ui::say(&printable_lines(&format!(
            "note: run {run} pushed pictures to {phones}, which keep them; `{revert}` pushes back what they showed before"
        )));
    }
    if row.is_about_addresses() {
        ui::say(&nothing_to_take_back(&history, &row)?);
        return Ok(Exit::Done);
    }
    let connection = args.connection_of(&row)?;
    let done = changes_made(&history, &row)?;
    if done.is_empty() {
        ui::say(&nothing_to_take_back(&history, &row)?);
        return Ok(Exit::Done);
    }
    take_back(&args, &connection, &done, Some(row.id), &path).await
}

impl Args {
    /// Returns how the cluster of a run is reached.
    pub(super) fn connection_of(&self, run: &RunRow) -> Result<ClusterSettings, AppError> {
        let connection = settings::connection(&self.connection, None);
        connection
            .and_then(|connection| check_cluster_of(run, &connection).map(|()| connection))
            .map_err(|error| {
                let command = format!("axlpaper revert {}", run.id);
                next_command::with_cluster_of(error, &command, run, &self.connection)
            })
    }

    /// Returns the job that pushes back what the phones of a run showed before it.
    pub(super) fn job_of_pictures(self) -> Result<Job, AppError> {
        self.connection.one_cluster()?;
        Ok(Job {
            command: "revert",
            source: Source::Earlier(RunSource::PicturesBefore(self.run.unwrap_or(RunRef::Last))),
            connection: self.connection.with_phones(self.phones),
            push: self.push,
            picture: self.picture,
            output: self.output,
            repair: None,
            wait: WaitArgs::default(),
            confirm: self.confirm,
        })
    }
}

/// Takes back what a file names: from there on as if a run of the journal had done it.
async fn run_from(args: &Args, file: &Path, state: &Path) -> Result<Exit, AppError> {
    let plan = read(file, Kind::Revert)?;
    let connection = settings::connection(&args.connection, None)?;
    check_cluster(&plan, &connection, &args.connection)?;
    take_back(args, &connection, &taken_back(&plan), None, state).await
}

async fn take_back(
    args: &Args,
    connection: &ClusterSettings,
    done: &[Change],
    reverts: Option<RunId>,
    state: &Path,
) -> Result<Exit, AppError> {
    let run =
        TypedChanges { command: "revert", kind: Kind::Revert, reverts, confirm: args.confirm };
    let plan = async |cluster: &ClusterClients| {
        let revert = plan_revert(cluster, connection, done, args.reset.reset, state).await?;
        show(&revert);
        Ok(revert.plan)
    };
    run.execute(connection, state, &args.output, plan).await
}

/// Says so, and names the run that was probably meant.
fn nothing_to_take_back(history: &JournalReader, run: &RunRow) -> Result<String, AppError> {
    let nothing = format!("run {} changed nothing on the cluster; nothing to revert", run.id);
    let runs = history.runs(MOST_RUNS)?;
    for other in runs.iter().filter(|other| other.cluster_id == run.cluster_id) {
        if !changes_made(history, other)?.is_empty() {
            let id = other.id;
            return Ok(format!(
                "{nothing}. The last run that did is {id}, an `axlpaper {}`: `axlpaper revert {id}`",
                other.command
            ));
        }
    }
    Ok(nothing)
}

fn show(revert: &Revert) {
    let mut text = if revert.plan.changes.is_empty() {
        "Nothing is left to revert.\n".to_owned()
    } else {
        plan_diff(&revert.plan, "--dry-run --json")
    };
    if !revert.left.is_empty() {
        text.push_str("\nLeft alone:\n");
        for line in limit_lines(revert.left.clone(), MOST_LINES, "--dry-run --json") {
            text.push_str("  ");
            text.push_str(&line);
            text.push('\n');
        }
    }
    ui::say(&printable_lines(&text));
}

/// So many runs are looked through for one that changed something.
const MOST_RUNS: usize = 100;
