//! The stages in a row, for the commands that run several of them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::task::JoinSet;

use super::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs};
use super::error::{CliError, Exit};
use super::open::{self, Cluster, Connection};
use super::state::{self, Run, What};
use super::subject::{self, Source};
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
use crate::journal::{JournalError, Recorder, RunId};
use crate::media::{Picture, PreparedSet, Shape};
use crate::net::client::{PhoneHttpOptions, phone_http};
use crate::phone::PhoneClient;
use crate::plan::{after_apply, check, plan};
use crate::push::book::RunBook;
use crate::push::engine::{self, Pushed, Settings, Stop, Stopped};
use crate::push::{self, Target, proven_already, skipped};
use crate::report::{Format, Rollout, audit_recap, plan_diff};
use crate::survey::{Request, survey as survey_cluster};

/// What `push` and `rollout` are asked to do, as typed.
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
    /// Whether missing associations are added.
    pub repair: bool,
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
    /// The picture.
    pub picture: Picture,
    /// The picture's file, as it is.
    pub picture_bytes: Vec<u8>,
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
    recorder: &Recorder,
    plan: &Plan,
    observer: &Arc<dyn Observer>,
) -> Result<Applied, CliError> {
    check(plan).map_err(|error| CliError::from_error(Exit::Refused, &error))?;
    recorder.plan(plan).await.map_err(|error| state::unusable(&error))?;
    apply_plan(&cluster.axl, recorder, plan, observer.as_ref())
        .await
        .map_err(|error| errors::apply(&error))
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
    let connection = open::connection(&job.connection, Some(&job.push))?;
    open::need_push_user(&connection)?;
    let path = state::path(job.connection.state.as_deref())?;
    let Some(subject) = subject::of(&job, &path, &connection)? else {
        ui::say("nothing failed in that run; nothing to do");
        return Ok(Exit::Done);
    };
    if job.dry_run {
        output::check(&job.output)?;
        return dry_run(&connection, &subject.selector, &job.output).await;
    }
    tell::check(&job.output, job.push.report.as_deref())?;
    let work = Work {
        name: job.command,
        state: &path,
        continues: subject.continues,
        push_password: Some(open::push_password(&connection)?),
        connection: &connection,
        selector: subject.selector,
        picture: subject.picture,
        picture_bytes: subject.bytes,
        picture_file: subject.file,
        push: &job.push,
        yes: job.yes,
        repair: job.repair,
        command: open::command_line(),
    };
    let rollout = execute(&work, &Progress::shared()).await?;
    Ok(tell::tell(&rollout, &job.output, job.push.report.as_deref()))
}

/// Runs every stage and returns what came of it, all of it in the journal.
///
/// # Errors
/// When a stage before the push cannot be done. Nothing has been pushed then.
pub async fn execute(work: &Work<'_>, observer: &Arc<dyn Observer>) -> Result<Rollout, CliError> {
    let what = What { command: work.name, connection: work.connection, continues: work.continues };
    let run = Run::begin(work.state, &what).await?;
    let rollout = carry_out(work, run.recorder(), observer).await;
    run.end(&rollout, tell::exit_of).await;
    rollout
}

async fn carry_out(
    work: &Work<'_>,
    recorder: &Recorder,
    observer: &Arc<dyn Observer>,
) -> Result<Rollout, CliError> {
    let started_at = Timestamp::now();
    keep(work, recorder).await.map_err(|error| state::unusable(&error))?;
    let cluster = open::connect(work.connection, observer).await?;
    let inventory = survey_with(&cluster, work.connection, &work.selector, observer).await?;
    push_user_found(&inventory)?;
    let before = audit(&inventory);
    recorder.snapshot("audit", &before).await.map_err(|error| state::unusable(&error))?;
    let plan =
        if work.repair { plan(&inventory, &before) } else { no_changes(&inventory, &before) };
    let expected = targets(&inventory, &audit(&after_apply(inventory.clone(), &meant(&plan))));
    let pictures = images::prepare(work, &expected, observer.as_ref())?;
    let mut already = already_shown(work, &expected, &pictures)?;
    let book = RunBook::new(recorder.clone(), &pictures);
    let line = images::line(work, pictures).await?;
    line.check(&expected).map_err(|error| {
        CliError::from_error(Exit::Usage, &error)
            .hint("nothing was changed; use a shorter --advertise URL or --picture-name")
    })?;
    let phones = expected.len() - already.len();
    if phones > 0 || !plan.changes.is_empty() {
        let through = format!("phones download from {}", line.base_url());
        observer.observe(&Event::Remark(through));
        ui::confirm(&question(work, &plan, phones), work.yes)?;
    }
    // From here on the cluster and phones are changed, so an interrupt must not cut anything short.
    let stop = Stop::default();
    let on_interrupt = stop_on_interrupt(&stop);
    let applied = if plan.changes.is_empty() {
        Applied::default()
    } else {
        apply(&cluster, recorder, &plan, observer).await?
    };
    let after = audit(&after_apply(inventory.clone(), &applied.read_back));
    let mut targets = targets(&inventory, &after);
    // A change that failed can have taken a phone out of reach; only who would be pushed to is left out.
    already.retain(|name, _| targets.iter().any(|target| target.name == *name));
    targets.retain(|target| !already.contains_key(&target.name));
    let pushed = engine::run(&line, &book, targets, settings(work), &stop, observer.as_ref()).await;
    drop(on_interrupt);
    line.shutdown().await;
    Ok(Rollout {
        run: recorder.run(),
        command: work.command.clone(),
        picture: work.picture_file.clone(),
        started_at,
        finished_at: Timestamp::now(),
        audit: before,
        changes: applied.results,
        already: already.len(),
        stopped: pushed.stopped.as_ref().map(Stopped::told),
        interrupted: pushed.stopped == Some(Stopped::Interrupted),
        phones: with_skipped(pushed, already, &after),
    })
}

/// Keeps what is needed to go on with this run.
async fn keep(work: &Work<'_>, recorder: &Recorder) -> Result<(), JournalError> {
    let job =
        subject::Kept { selector: work.selector.clone(), picture_file: work.picture_file.clone() };
    recorder.snapshot("job", &job).await?;
    recorder.keep("picture", work.picture_bytes.clone()).await
}

/// Returns the phones that are proven to show what would be pushed to them, unless that is to be forced.
fn already_shown(
    work: &Work<'_>,
    targets: &[Target],
    pictures: &PreparedSet,
) -> Result<HashMap<DeviceName, PhoneResult>, CliError> {
    if work.push.force {
        return Ok(HashMap::new());
    }
    let unusable = |error| state::unusable(&error);
    let Some(history) = state::history_if_any(work.state)? else {
        return Ok(HashMap::new());
    };
    let proven = history.proven(&state::cluster_id(work.connection)).map_err(unusable)?;
    let digests = pictures.digests();
    let shown = targets.iter().filter_map(|target| {
        let proven = proven.get(&target.name)?;
        let digest = digests.get(&Shape::from(&target.image))?;
        (proven.digest == *digest).then(|| (target.name.clone(), proven_already(target, proven)))
    });
    Ok(shown.collect())
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
    let client = phone_http(&PhoneHttpOptions { call: WHO_ARE_YOU, ..PhoneHttpOptions::default() })
        .map_err(|error| errors::http(&error))?;
    let phones = PhoneClient::anonymous(client, connection.phone_port, WHO_ARE_YOU);
    let request = Request {
        registrations: connection.registrations,
        phones: &phones,
        cluster_name: &connection.name,
        selector,
        push_user: connection.push_user.as_deref(),
        push_user_kind: connection.push_user_kind,
    };
    survey_cluster(&cluster.axl, &cluster.ris, &request, observer.as_ref())
        .await
        .map_err(|error| errors::survey(&error))
}

/// How long a phone may take to say who it is, where two are reported at one address.
const WHO_ARE_YOU: Duration = Duration::from_secs(5);

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
fn with_skipped(
    pushed: Pushed,
    already: HashMap<DeviceName, PhoneResult>,
    audit: &Audit,
) -> Vec<PhoneResult> {
    let mut phones = pushed.results;
    phones.extend(already.into_values());
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
