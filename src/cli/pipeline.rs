//! The stages in a row, for the commands that run several of them.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs, WaitArgs};
use super::error::{CliError, Exit};
use super::fresh::Fresh;
use super::open::{self, Cluster, Connection};
use super::state::{self, Place, Run, What};
use super::subject::{self, Source};
use super::ui::{self, Progress};
use super::{dry_run, errors, images, interrupt, output, password, pushing, repair, target, tell};
use crate::apply::Applied;
use crate::audit::{audit, push_user_missing};
use crate::domain::audit::Audit;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Inventory;
use crate::domain::plan::Plan;
use crate::domain::repair::Repairs;
use crate::domain::selector::{LimitCounts, Selector};
use crate::domain::text::counted;
use crate::event::{Event, Observer, PhoneResult};
use crate::journal::{JournalError, Recorder, RunId};
use crate::media::Picture;
use crate::net::client::{PhoneHttpOptions, phone_http};
use crate::phone::PhoneClient;
use crate::plan::{Kind, after_apply, nothing};
use crate::push::book::RunBook;
use crate::push::engine::{Pushed, Settings, Stop, Stopped};
use crate::push::waves;
use crate::push::{Target, not_back, skipped};
use crate::report::Rollout;
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
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// How long changes may need.
    pub wait: WaitArgs,
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
) -> Result<Inventory, CliError> {
    let selector = Selector { limit_counts, ..target::selector(target)? };
    let cluster = open::connect(connection, observer).await?;
    survey_with(&cluster, connection, &selector, repairs, observer).await
}

/// Runs `push` or `rollout` from what was typed to its exit code.
///
/// # Errors
/// When nothing can be done at all; what fails on the way is in the answer.
pub async fn run(job: Job) -> Result<Exit, CliError> {
    let path = state::path(job.connection.state.as_deref())?;
    subject::refuse_addresses(&job.source, &path)?;
    let connection = open::connection(&job.connection, Some(&job.push))?;
    connection.way.need_push_user()?;
    let Some(subject) = subject::of(&job, &path, &connection)? else {
        ui::say("nothing failed in that run; nothing to do");
        return Ok(Exit::Done);
    };
    if job.dry_run {
        output::check(&job.output)?;
        return dry_run::run(&connection, &subject, &path, &job.output).await;
    }
    tell::check(&job.output, job.push.report.as_deref())?;
    let work = Work {
        name: job.command,
        state: &path,
        continues: subject.continues,
        push_password: Some(connection.way.push_password()?),
        connection: &connection,
        selector: subject.selector,
        picture: subject.picture,
        picture_bytes: subject.bytes,
        picture_file: subject.file,
        push: &job.push,
        yes: job.yes,
        repair: subject.repair,
        wait: job.wait,
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
    let what = What {
        command: work.name,
        place: Place::of(work.connection),
        continues: work.continues,
        reverts: None,
    };
    let run = Run::begin(work.state, what).await?;
    let rollout = carry_out(work, &run, &run.noting(observer.clone())).await;
    run.end(&rollout, tell::exit_of).await;
    rollout
}

async fn carry_out(
    work: &Work<'_>,
    run: &Run,
    observer: &Arc<dyn Observer>,
) -> Result<Rollout, CliError> {
    let (started_at, recorder) = (Timestamp::now(), run.recorder());
    let unusable = |error| state::unusable(&error);
    keep(work, recorder).await.map_err(unusable)?;
    let cluster = open::connect(work.connection, observer).await?;
    if let Some(publisher) = repair::publisher(&cluster).await? {
        run.lock_cluster(&publisher)?;
    }
    let repairs = work.repair.clone().unwrap_or_default();
    let inventory =
        survey_with(&cluster, work.connection, &work.selector, &repairs, observer).await?;
    push_user_found(&inventory)?;
    let before = audit(&inventory, &repairs);
    recorder.snapshot("audit", &before).await.map_err(unusable)?;
    let plan = match &work.repair {
        Some(repairs) => {
            let owed = state::owed(work.state, work.connection)?;
            repair::plan(&inventory, &before, repairs, &owed)?
        }
        None => nothing(&before),
    };
    let fresh = Fresh::of(&plan, &inventory).and(repair::associated_lately(
        work.state,
        work.connection,
        &work.wait,
    )?);
    let meant = after_apply(inventory.clone(), plan.changes.iter().map(|change| (change, None)));
    let expected = fresh.targets(&inventory, &audit(&meant, &repairs));
    let pictures = images::prepare(&work.picture, &expected, observer.as_ref())?;
    let mut already = pushing::already_shown(
        work.state,
        &Place::of(work.connection),
        work.push,
        &expected,
        &pictures,
    )?;
    let password_proven = proven(work, &cluster, &expected).await?;
    let book = RunBook::new(recorder.clone(), &pictures);
    let line = images::line(&sending(work), images::toward(work.connection).await, pictures)?;
    line.check(&expected).map_err(|error| {
        CliError::from_error(Exit::Usage, &error)
            .hint("nothing was changed; use a shorter --advertise URL or --picture-name")
    })?;
    let phones = expected.len() - already.len();
    if phones > 0 || !plan.changes.is_empty() {
        let through = format!("phones download from {}", line.base_url());
        observer.observe(&Event::Remark(through));
        let touched = plan.phones_touched().max(phones);
        ui::confirm(&question(work, &plan, phones), touched, work.yes)?;
    }
    // From here on the cluster and phones are changed, so an interrupt must not cut anything short.
    let stop = Stop::default();
    let on_interrupt = interrupt::watch(&stop);
    let applied = if plan.changes.is_empty() {
        Applied::default()
    } else {
        repair::apply(&cluster, recorder, &plan, Kind::Repair, &stop, observer).await?
    };
    let read_back = applied.read_back.iter().map(|(change, list)| (change, list.as_ref()));
    let mut now = after_apply(inventory.clone(), read_back);
    let told = repair::told(&now, &applied);
    let away =
        repair::wait(&cluster, work.connection, &mut now, &told, &work.wait, &stop.soon, observer)
            .await;
    let after = audit(&now, &repairs);
    let mut targets = fresh.targets(&inventory, &after);
    // A change that failed can have taken a phone out of reach; only who would be pushed to is left out.
    already.retain(|name, _| targets.iter().any(|target| target.name == *name));
    targets.retain(|target| !already.contains_key(&target.name));
    let settings = Settings { password_proven, ..settings(work) };
    let waves = work.push.waves();
    let pushed =
        waves::run(&line, &book, targets, &waves, settings, &stop, observer.as_ref()).await;
    drop(on_interrupt);
    line.shutdown().await;
    let waited = Duration::from_secs(work.wait.restart_timeout);
    let lost = after.phones.iter().filter(|phone| away.contains(phone.name()));
    let lost = lost.map(|phone| not_back(phone, waited)).chain(already.values().cloned());
    let others = not_pushed_to(&pushed, lost.collect(), &after);
    pushing::write_down(recorder, &others, observer.as_ref()).await;
    let interrupted = applied.interrupted || pushed.stopped == Some(Stopped::Interrupted);
    let stopped = pushed.stopped.as_ref().map(Stopped::told);
    Ok(Rollout {
        run: recorder.run(),
        command: work.command.clone(),
        picture: work.picture_file.clone(),
        started_at,
        finished_at: Timestamp::now(),
        cluster: before.cluster.clone(),
        audit: Some(before),
        changes: applied.results,
        already: already.len(),
        stopped: stopped.or_else(|| interrupted.then(|| Stopped::Interrupted.told())),
        interrupted,
        phones: pushing::all(pushed, others),
    })
}

/// Asks the cluster whether the push user's password is right, where phones could not tell for a while.
async fn proven(work: &Work<'_>, cluster: &Cluster, expected: &[Target]) -> Result<bool, CliError> {
    let doubtful = expected.iter().any(|target| target.fresh && target.checks_password);
    match &work.push_password {
        Some(password) if doubtful => {
            let user = work.connection.way.need_push_user()?;
            password::is_proven(&cluster.axl, user, password.clone()).await
        }
        Some(_) | None => Ok(false),
    }
}

/// Keeps what is needed to go on with this run.
async fn keep(work: &Work<'_>, recorder: &Recorder) -> Result<(), JournalError> {
    let job = subject::Kept {
        selector: work.selector.clone(),
        picture_file: work.picture_file.clone(),
        repair: work.repair.clone(),
    };
    recorder.snapshot("job", &job).await?;
    recorder.keep("picture", work.picture_bytes.clone()).await
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
) -> Result<Inventory, CliError> {
    let client = phone_http(&PhoneHttpOptions { call: WHO_ARE_YOU, ..PhoneHttpOptions::default() })
        .map_err(|error| errors::http(&error))?;
    let phones = PhoneClient::anonymous(client, connection.way.phone_port, WHO_ARE_YOU);
    let request = Request {
        registrations: connection.registrations,
        repairs,
        phones: &phones,
        cluster_name: &connection.name,
        selector,
        push_user: connection.way.push_user.as_deref(),
        push_user_kind: connection.push_user_kind,
    };
    survey_cluster(&cluster.axl, &cluster.ris, &request, observer.as_ref())
        .await
        .map_err(|error| errors::survey(&error))
}

/// How long a phone may take to say who it is, where two are reported at one address.
const WHO_ARE_YOU: Duration = Duration::from_secs(5);

fn question(work: &Work<'_>, plan: &Plan, phones: usize) -> String {
    let push = format!("push {} to {}", work.picture_file, counted(phones, "phone"));
    let place = format!("{} ({})", work.connection.name, work.connection.endpoint);
    if plan.changes.is_empty() {
        format!("This will {push} on {place}")
    } else {
        format!("This will {}, and {push} on {place}", repair::in_words(plan))
    }
}

fn sending<'a>(work: &'a Work<'_>) -> images::Sending<'a> {
    images::Sending {
        way: &work.connection.way,
        password: work.push_password.clone().unwrap_or_default(),
        push: work.push,
        picture_file: &work.picture_file,
    }
}

fn settings(work: &Work<'_>) -> Settings {
    let patience = Duration::from_secs(work.wait.settle_timeout);
    Settings { patience, ..pushing::settings(&work.connection.way, work.push) }
}

/// Returns the results of everybody who was not pushed to: of those that are known, and of all others that
/// were selected.
fn not_pushed_to(pushed: &Pushed, known: Vec<PhoneResult>, audit: &Audit) -> Vec<PhoneResult> {
    let mut done: HashSet<DeviceName> =
        pushed.results.iter().map(|phone| phone.name.clone()).collect();
    let mut phones = known;
    // Who was pushed to all the same has a better result.
    phones.retain(|phone| done.insert(phone.name.clone()));
    phones.extend(audit.phones.iter().filter(|phone| !done.contains(phone.name())).map(skipped));
    phones
}
