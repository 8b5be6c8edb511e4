//! The stages in a row, for the commands that run several of them.
pub mod by_address;
pub mod context;
pub mod delivery;
pub mod dry_run;
pub mod external_image;
pub mod images;
pub mod maintenance_window;
pub mod multi_cluster;
pub mod next_command;
pub mod payload;
pub mod prepared;
pub mod push_common;
pub mod recently_changed;
pub mod repair;
pub mod resume;
pub mod run;
pub mod run_record;
pub mod undo_file;
pub mod verify_password;

pub mod offline_wait;

use crate::connect::journal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::audit::push_user_missing;
use crate::cli::args::name_list;
use crate::cli::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs, WaitArgs};
use crate::cli::interrupt;
use crate::cli::present::{list, run_result};
use crate::cli::ui;
use crate::cli::ui::Progress;
use crate::connect::cluster;
use crate::connect::cluster::{Cluster, Connection};
use crate::domain::audit::AuditedPhone;
use crate::domain::inventory::Inventory;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::{LimitCounts, Selector};
use crate::error::hints;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Observer, Proof};
use crate::journal::RunId;
use crate::phone::PhoneClient;
use crate::push::scheduler::Stop;
use crate::push::scheduler::schedule::Schedule;
use crate::report::RunReport;
use crate::rollout::payload::Goods;
use crate::rollout::prepared::Standing;
use crate::rollout::resume::Source;
use crate::survey::{Request, survey as survey_cluster};

/// What `rollout`, `push`, `ringtone`, `play` and `keys` are asked to do, as typed.
#[derive(Debug)]
pub struct Job {
    /// The command.
    pub command: &'static str,
    /// What is pushed to whom.
    pub source: Source,
    /// How to reach the cluster.
    pub connection: ConnectionArgs,
    /// How to push.
    pub push: PushArgs,
    /// How to answer.
    pub output: OutputArgs,
    /// Whether to go on without asking.
    pub yes: bool,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// How long changes may need.
    pub wait: WaitArgs,
    /// Whether to stop after the plan.
    pub dry_run: bool,
}

/// What a run is made of, once everything typed has been understood.
#[derive(Debug)]
pub struct Work<'a> {
    /// The command, as the journal names it.
    pub name: &'static str,
    /// The journal.
    pub state: &'a Path,
    /// The run that this one goes on with.
    pub continues: Option<RunId>,
    /// The cluster.
    pub connection: &'a Connection,
    /// Which phones.
    pub selector: Selector,
    /// What is pushed.
    pub goods: Arc<Goods>,
    /// What reports call it: the name of its file.
    pub picture_file: String,
    /// How it is proven.
    pub proof: Proof,
    /// How to push.
    pub push: &'a PushArgs,
    /// The push user's password; nothing for a dry run.
    pub push_password: Option<SecretString>,
    /// Whether to go on without asking.
    pub yes: bool,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// How long changes may need.
    pub wait: WaitArgs,
    /// When phones may be pushed to.
    pub schedule: Schedule,
    /// The command line, for the report.
    pub command: String,
}

/// Reads the selected phones of a cluster; says which of them `--limit` counts.
///
/// # Errors
/// When the cluster cannot be read, or the selection matches nothing.
pub async fn survey(
    connection: &Connection,
    target: &TargetArgs,
    limit_counts: LimitCounts,
    repairs: &Repairs,
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, AppError> {
    let selector = Selector { limit_counts, ..name_list::selector(target)? };
    survey_of(connection, &selector, repairs, observer).await
}

/// Connects to a cluster and reads its selected phones.
///
/// # Errors
/// When the cluster cannot be read, or the selection matches nothing.
pub async fn survey_of(
    connection: &Connection,
    selector: &Selector,
    repairs: &Repairs,
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, AppError> {
    let cluster = cluster::connect(connection, observer).await?;
    survey_with(&cluster, connection, selector, repairs, observer).await
}

/// Runs `push` or `rollout` from what was typed to its exit code.
///
/// # Errors
/// When nothing can be done at all; what fails on the way is in the answer.
pub async fn run(job: Job) -> Result<Exit, AppError> {
    let path = journal::path(job.connection.state.as_deref())?;
    resume::refuse_addresses(&job.source, &path)?;
    let mut connection = cluster::connection(&job.connection, Some(&job.push))?;
    connection.way.need_push_user()?;
    let schedule = maintenance_window::schedule(&job.connection, &job.push)?;
    let Some(mut subject) = resume::of(&job, &path, &connection)? else {
        ui::say("nothing is left to do in that run: no phone failed, and none is pending");
        return Ok(Exit::Done);
    };
    if let (Some(run), Some(kept)) = (subject.continues, subject.phone_tls.take()) {
        connection.way.phone_tls.go_on(kept, run)?;
    }
    // Rules that the config file has now count before those of the run that is gone on with.
    if connection.way.nat.is_empty() {
        connection.way.nat = std::mem::take(&mut subject.nat);
    }
    subject.goods.check_name(job.push.picture_name.as_deref())?;
    if job.dry_run {
        list::check_list::<AuditedPhone>(&job.output)?;
        return dry_run::run(&connection, &subject, &path, &job.output).await;
    }
    let proof = subject.goods.proof(job.push.verify.map(Proof::from).or(subject.proof))?;
    run_result::check(&job.output, job.push.report.as_deref())?;
    let work = Work {
        name: job.command,
        state: &path,
        continues: subject.continues,
        push_password: Some(connection.way.push_password()?),
        connection: &connection,
        selector: subject.selector,
        goods: subject.goods,
        picture_file: subject.file,
        proof,
        push: &job.push,
        yes: job.yes,
        repair: subject.repair,
        wait: job.wait,
        schedule,
        command: cluster::command_line(),
    };
    let rollout = execute(&work, &Progress::shared()).await?;
    Ok(run_result::tell(&rollout, &path, &job.output, job.push.report.as_deref()))
}

/// Runs every stage and returns what came of it, all of it in the journal.
///
/// # Errors
/// When a stage before the push cannot be done. Nothing has been pushed then.
pub async fn execute(work: &Work<'_>, observer: &Arc<dyn Observer>) -> Result<RunReport, AppError> {
    let run = prepared::begin(work).await?;
    let standing = Standing::reach(work, run, observer).await?;
    if let Err(error) = standing.ask() {
        let next = standing.give_up(&error).await;
        return Err(error.go_on(next));
    }
    let stop = Stop { schedule: work.schedule.clone(), ..Stop::default() };
    // From here on the cluster and phones are changed, so an interrupt must not cut anything short.
    let _on_interrupt = interrupt::watch(&stop);
    standing.carry_out(&stop).await
}

/// Makes sure that the push user exists, before anything is planned for it.
///
/// # Errors
/// When the cluster has no such user.
pub fn push_user_found(inventory: &Inventory) -> Result<(), AppError> {
    match push_user_missing(&inventory.push_user) {
        None => Ok(()),
        Some(finding) => Err(AppError::new(ErrorKind::Usage, finding.message).hint(finding.remedy)),
    }
}

/// Reads the selected phones of a cluster that is connected.
///
/// # Errors
/// When the cluster cannot be read, or the selection matches nothing.
pub async fn survey_with(
    cluster: &Cluster,
    connection: &Connection,
    selector: &Selector,
    repairs: &Repairs,
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, AppError> {
    let phones = PhoneClient::anonymous(connection.way.phone_port, WHO_ARE_YOU);
    let request = Request {
        registrations: connection.registrations,
        repairs,
        phones: &phones,
        https: connection.way.phone_tls.https.as_ref(),
        cluster_name: &connection.name,
        selector,
        push_user: connection.way.push_user.as_deref(),
        push_user_kind: connection.push_user_kind,
    };
    survey_cluster(&cluster.axl, &cluster.ris, &request, observer.as_ref())
        .await
        .map_err(|error| hints::survey(&error))
}

/// How long a phone may take to say who it is, where two are reported at one address.
const WHO_ARE_YOU: Duration = Duration::from_secs(5);
