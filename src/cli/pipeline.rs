//! The stages in a row, for the commands that run several of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::task::JoinSet;

use super::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs};
use super::error::{CliError, Exit};
use super::open::{self, Cluster, Connection};
use super::ui::{self, Progress};
use super::{errors, images, output, target, tell};
use crate::apply::{Applied, apply as apply_plan};
use crate::audit::{audit, push_user_missing};
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::{Inventory, PushUser};
use crate::domain::plan::{Action, Plan};
use crate::domain::selector::{LimitCounts, Selector};
use crate::domain::text::counted;
use crate::event::{ChangeState, Event, Observer, PhoneResult};
use crate::media::Picture;
use crate::plan::{after_apply, check, plan};
use crate::push::engine::{self, Pushed, Settings, Stop, Stopped};
use crate::push::{self, Target, skipped};
use crate::report::{Format, Rollout, audit_recap, plan_diff};
use crate::survey::{Request, survey as survey_cluster};

/// What `push` and `rollout` are asked to do, as typed.
#[derive(Debug)]
pub struct Job {
    /// The picture's file.
    pub picture: PathBuf,
    /// How to reach the cluster.
    pub connection: ConnectionArgs,
    /// Which phones.
    pub target: TargetArgs,
    /// How to push.
    pub push: PushArgs,
    /// How to answer.
    pub output: OutputArgs,
    /// Whether to go on without asking.
    pub yes: bool,
    /// Whether missing associations are added.
    pub repair: bool,
    /// Whether to stop after the plan.
    pub dry_run: bool,
}

/// What a run is made of, once everything typed has been understood.
#[derive(Debug)]
pub struct Work<'a> {
    /// The cluster.
    pub connection: &'a Connection,
    /// Which phones.
    pub selector: Selector,
    /// The picture.
    pub picture: Picture,
    /// The picture's file name, for the report.
    pub picture_file: String,
    /// How to push.
    pub push: &'a PushArgs,
    /// The push user's password; nothing for a dry run.
    pub push_password: Option<SecretString>,
    /// Whether to go on without asking.
    pub yes: bool,
    /// Whether missing associations are added.
    pub repair: bool,
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
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, CliError> {
    let selector = Selector { limit_counts, ..target::selector(target)? };
    let cluster = open::connect(connection, observer).await?;
    survey_with(&cluster, connection, &selector, observer).await
}

/// Carries a plan out.
///
/// # Errors
/// When the cluster has moved since the plan was made, cannot be read, or refuses the write.
pub async fn apply(
    cluster: &Cluster,
    plan: &Plan,
    observer: &Arc<dyn Observer>,
) -> Result<Applied, CliError> {
    check(plan).map_err(|error| CliError::from_error(Exit::Refused, &error))?;
    apply_plan(&cluster.axl, plan, observer.as_ref()).await.map_err(|error| errors::apply(&error))
}

/// The question before a plan is carried out.
pub fn apply_question(plan: &Plan) -> String {
    let parts = plan.changes.iter().map(|change| {
        let Action::AssociateDevices { target, adds, .. } = &change.action;
        format!("add {} to the controlled devices of the {target}", counted(adds.len(), "phone"))
    });
    format!("This will {} on {}", parts.collect::<Vec<_>>().join(" and "), plan.cluster.name)
}

/// Runs `push` or `rollout` from what was typed to its exit code.
///
/// # Errors
/// When nothing can be done at all; what fails on the way is in the answer.
pub async fn run(job: Job) -> Result<Exit, CliError> {
    target::check_stdin(&job.connection, &job.target)?;
    let picture = images::open(&job.picture)?;
    let connection = open::connection(&job.connection, Some(&job.push))?;
    open::need_push_user(&connection)?;
    let limit_counts = LimitCounts::PhonesWithPictures;
    let selector = Selector { limit_counts, ..target::selector(&job.target)? };
    if job.dry_run {
        output::check(&job.output)?;
        return dry_run(&connection, &selector, &job.output).await;
    }
    tell::check(&job.output, job.push.report.as_deref())?;
    let work = Work {
        push_password: Some(open::push_password(&connection)?),
        connection: &connection,
        selector,
        picture,
        picture_file: open::file_name(&job.picture),
        push: &job.push,
        yes: job.yes,
        repair: job.repair,
        command: open::command_line(),
    };
    let rollout = execute(&work, &Progress::shared()).await?;
    Ok(tell::tell(&rollout, &job.output, job.push.report.as_deref()))
}

/// Runs every stage and returns what came of it.
///
/// # Errors
/// When a stage before the push cannot be done. Nothing has been pushed then.
pub async fn execute(work: &Work<'_>, observer: &Arc<dyn Observer>) -> Result<Rollout, CliError> {
    let started_at = Timestamp::now();
    let cluster = open::connect(work.connection, observer).await?;
    let inventory = survey_with(&cluster, work.connection, &work.selector, observer).await?;
    push_user_found(&inventory)?;
    let before = audit(&inventory);
    let plan =
        if work.repair { plan(&inventory, &before) } else { no_changes(&inventory, &before) };
    let expected = targets(&inventory, &audit(&after_apply(inventory.clone(), &meant(&plan))));
    let pictures = images::prepare(work, &expected, observer.as_ref())?;
    let line = images::line(work, pictures).await?;
    line.check(&expected).map_err(|error| {
        CliError::from_error(Exit::Usage, &error)
            .hint("nothing was changed; use a shorter --advertise URL or --picture-name")
    })?;
    if !expected.is_empty() || !plan.changes.is_empty() {
        let through = format!("phones download from {}", line.base_url());
        observer.observe(&Event::Remark(through));
        ui::confirm(&question(work, &plan, expected.len()), work.yes)?;
    }
    // From here on the cluster and phones are changed, so an interrupt must not cut anything short.
    let stop = Stop::default();
    let on_interrupt = stop_on_interrupt(&stop);
    let applied = if plan.changes.is_empty() {
        Applied::default()
    } else {
        apply(&cluster, &plan, observer).await?
    };
    let after = audit(&after_apply(inventory.clone(), &applied.read_back));
    let pushed =
        engine::run(&line, targets(&inventory, &after), settings(work), &stop, observer.as_ref())
            .await;
    drop(on_interrupt);
    line.shutdown().await;
    Ok(Rollout {
        command: work.command.clone(),
        picture: work.picture_file.clone(),
        started_at,
        finished_at: Timestamp::now(),
        audit: before,
        changes: applied.results,
        stopped: pushed.stopped.map(Stopped::told),
        interrupted: pushed.stopped == Some(Stopped::Interrupted),
        phones: with_skipped(pushed, &after),
    })
}

/// Makes sure that the push user exists, before anything is planned for it.
///
/// # Errors
/// When the cluster has no such user.
pub fn push_user_found(inventory: &Inventory) -> Result<(), CliError> {
    match push_user_missing(&inventory.push_user) {
        None => Ok(()),
        Some(finding) => Err(CliError::new(Exit::Usage, finding.message).hint(finding.remedy)),
    }
}

async fn dry_run(
    connection: &Connection,
    selector: &Selector,
    args: &OutputArgs,
) -> Result<Exit, CliError> {
    let observer = &Progress::shared();
    let cluster = open::connect(connection, observer).await?;
    let inventory = survey_with(&cluster, connection, selector, observer).await?;
    push_user_found(&inventory)?;
    let audit_before = audit(&inventory);
    let plan = plan(&inventory, &audit_before);
    let ready = targets(&inventory, &audit(&after_apply(inventory.clone(), &meant(&plan)))).len();
    let recap = format!(
        "{}\n{}\nThen the picture would be pushed to {}. Dry run: nothing was changed or pushed.\n",
        audit_recap(&audit_before),
        plan_diff(&plan),
        counted(ready, "phone"),
    );
    if args.format() == Format::Table {
        output::write(args, &recap)?;
    } else {
        ui::say(&recap);
        let json = || crate::report::audit_json(&audit_before, Timestamp::now());
        output::write(args, &output::list(args, &audit_before.phones, json)?)?;
    }
    Ok(Exit::Done)
}

async fn survey_with(
    cluster: &Cluster,
    connection: &Connection,
    selector: &Selector,
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, CliError> {
    let request = Request {
        cluster_name: &connection.name,
        selector,
        push_user: connection.push_user.as_deref(),
        push_user_kind: connection.push_user_kind,
    };
    survey_cluster(&cluster.axl, &cluster.ris, &request, observer.as_ref())
        .await
        .map_err(|error| errors::survey(&error))
}

/// The plan of a command that may not change the cluster.
fn no_changes(inventory: &Inventory, audit: &Audit) -> Plan {
    let nobody = Audit { phones: Vec::new(), ..audit.clone() };
    plan(inventory, &nobody)
}

/// What the lists will be when the plan succeeds.
fn meant(
    plan: &Plan,
) -> Vec<(crate::domain::plan::Change, crate::domain::association::DeviceList)> {
    let lists = plan.changes.iter().map(|change| {
        let Action::AssociateDevices { after, .. } = &change.action;
        (change.clone(), after.clone())
    });
    lists.collect()
}

fn question(work: &Work<'_>, plan: &Plan, phones: usize) -> String {
    let push = format!("push {} to {}", work.picture_file, counted(phones, "phone"));
    let place = format!("{} ({})", work.connection.name, work.connection.endpoint);
    if plan.changes.is_empty() {
        format!("This will {push} on {place}")
    } else {
        format!("{}, and {push} on {place}", apply_question(plan))
    }
}

/// Chooses the phones that are pushed to; `before` is the inventory from before any change.
fn targets(before: &Inventory, audit: &Audit) -> Vec<Target> {
    let was_controlled = |name: &DeviceName| match &before.push_user {
        PushUser::Found { devices, .. } => devices.contains(name.as_str()),
        PushUser::Missing { .. } | PushUser::NotNamed => false,
    };
    push::targets(audit, was_controlled, before.enterprise.authentication_url.is_some())
}

fn settings(work: &Work<'_>) -> Settings {
    Settings {
        concurrency: work.connection.concurrency,
        max_attempts: work.push.attempts,
        retry_delay: Duration::from_secs(work.push.retry_delay),
        verify_timeout: Duration::from_secs(work.push.verify_timeout),
        max_auth_failures: work.push.max_auth_failures,
    }
}

/// Adds the phones that were left alone, so that every selected phone is told about.
fn with_skipped(pushed: Pushed, audit: &Audit) -> Vec<PhoneResult> {
    let mut phones = pushed.results;
    let done: std::collections::HashSet<_> =
        phones.iter().map(|phone| phone.name.clone()).collect();
    phones.extend(audit.phones.iter().filter(|phone| !done.contains(phone.name())).map(skipped));
    phones.sort_by(|a, b| a.name.cmp(&b.name));
    phones
}

/// Stops softly at the first interrupt and hard at the second, for as long as the returned set lives.
pub fn stop_on_interrupt(stop: &Stop) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let stop = stop.clone();
    tasks.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ui::say("interrupted: finishing what is under way, beginning nothing new; again to stop at once");
            stop.soon.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.now.cancel();
        }
    });
    tasks
}

/// Tells whether every planned change is on the cluster.
pub fn all_applied(applied: &Applied) -> bool {
    applied.results.iter().all(|result| result.state == ChangeState::Applied)
}
