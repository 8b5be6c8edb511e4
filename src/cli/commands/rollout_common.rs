//! From the options of `rollout`, `push`, `ringtone`, `play` and `keys` to a rollout, and from its outcome to the exit
//! code.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::args::address::AddressArgs;
use crate::cli::args::address_list;
use crate::cli::args::payload::PayloadSource;
use crate::cli::args::push::{PicturePushArgs, PushArgs};
use crate::cli::args::{ConfirmArgs, ConnectionArgs, OutputArgs, TargetArgs, WaitArgs};
use crate::cli::args::{name_list, schedule};
use crate::cli::interrupt;
use crate::cli::next_command;
use crate::cli::present::clusters::PhoneRows;
use crate::cli::present::{clusters, list, run_result};
use crate::cli::settings;
use crate::cli::ui::{self, Progress, Terminal};
use crate::connect::cluster::ClusterSettings;
use crate::connect::journal;
use crate::domain::audit::Audit;
use crate::domain::inventory::Inventory;
use crate::domain::picture_rules::PictureRules;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Selector;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::{Observer, Proof};
use crate::interaction::{Interaction, Notice};
use crate::journal::RunId;
use crate::report::{RunReport, printable_lines};
use crate::rollout::assess::survey_of;
use crate::rollout::control::RolloutHandle;
use crate::rollout::dry_run::DryRun;
use crate::rollout::multi_cluster::{self, ClusterResult, Observers};
use crate::rollout::options::{PushOptions, SavedOptions};
use crate::rollout::payload::Payload;
use crate::rollout::request::{Addresses, RolloutRequest, Scope};
use crate::rollout::resume::{self, ResumedRun, RunSource};

#[derive(Debug)]
pub struct Job {
    pub command: &'static str,
    pub source: Source,
    pub connection: ConnectionArgs,
    pub push: PushArgs,
    pub picture: PicturePushArgs,
    pub output: OutputArgs,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    pub wait: WaitArgs,
    pub confirm: ConfirmArgs,
}

#[derive(Debug)]
pub enum Source {
    /// A payload, to phones that a cluster names or that are named by address.
    Typed {
        wanted: Box<PayloadSource>,
        target: Box<TargetArgs>,
        addresses: AddressArgs,
    },
    Earlier(RunSource),
}

/// What is pushed to whom, once it has been read.
struct Subject {
    payload: Arc<dyn Payload>,
    name: String,
    selector: Selector,
    proof: Option<Proof>,
    repair: Option<Repairs>,
    continues: Option<RunId>,
    reverts: Option<RunId>,
    /// What was typed, with what a resumed run keeps.
    options: SavedOptions,
}

impl Subject {
    fn of(resumed: ResumedRun, options: SavedOptions) -> Self {
        Self {
            payload: resumed.payload,
            name: resumed.file,
            selector: resumed.selector,
            proof: resumed.proof,
            repair: resumed.repair,
            continues: (!resumed.is_revert).then_some(resumed.earlier),
            reverts: resumed.is_revert.then_some(resumed.earlier),
            options,
        }
    }
}

/// Runs a rollout from what was typed to its exit code.
///
/// # Errors
/// When nothing can be done at all; what fails on the way is in the answer.
pub async fn run(mut job: Job) -> Result<Exit, AppError> {
    job.push.take_report(&mut job.output);
    let interaction = Terminal::shared(job.confirm.yes);
    let several = job.connection.is_about_several();
    let asked = request(&job, settings::command_line(), interaction.as_ref()).await?;
    let Some((request, scope)) = asked else {
        ui::say(NOTHING_LEFT);
        return Ok(Exit::Done);
    };
    let observers = observers(several);
    if job.confirm.dry_run {
        Box::pin(dry_run(&job, request, scope, several, &interaction, &*observers)).await
    } else {
        Box::pin(push(&job, request, scope, several, &interaction, &*observers)).await
    }
}

/// Reads what is pushed and checks the settings of all clusters; nothing where an earlier run left nothing undone.
/// `command_line` is what the journal keeps.
pub(crate) async fn request(
    job: &Job,
    command_line: String,
    interaction: &dyn Interaction,
) -> Result<Option<(RolloutRequest, Scope)>, AppError> {
    let several = job.connection.is_about_several();
    let scope = scope(job, several).map_err(|error| with_cluster_of_run(error, job))?;
    let journal = journal::path(job.connection.state.as_deref())?;
    let (subject, scope) = match (&job.source, scope) {
        (Source::Typed { wanted, target, .. }, scope) => (typed(job, wanted, target).await?, scope),
        (Source::Earlier(earlier), Scope::Clusters(mut connections)) => {
            // Only one cluster is possible here.
            let Some(connection) = connections.first_mut() else { return Err(one_run_at_a_time()) };
            let earlier = earlier_run(job, *earlier, connection, interaction).await;
            match earlier.map_err(|error| with_cluster_of_run(error, job))? {
                Some(subject) => (subject, Scope::Clusters(connections)),
                None => return Ok(None),
            }
        }
        (Source::Earlier(earlier), Scope::Addresses(addresses)) => {
            let resumed = resume::read_by_address(*earlier, &journal).await?;
            (Subject::of(resumed, job.push.saved()), Scope::Addresses(addresses))
        }
    };
    let typed = job.push.clone().with(subject.options);
    let schedule = schedule::schedule(&job.connection, &typed)?;
    let options = PushOptions { picture_name: job.picture.picture_name.clone(), ..typed.options() };
    options.waves.check().map_err(|why| {
        AppError::new(ErrorKind::Usage, why)
            .hint(
                "each wave includes those before it, as --canary 10 --waves 10%,50%,100% does; two halves are \
                 50%,100%",
            )
    })?;
    subject.payload.check_name(job.picture.picture_name.as_deref())?;
    let typed_proof = job.picture.verify.map(Proof::from);
    let request = RolloutRequest {
        command: job.command,
        command_line,
        on_behalf_of: None,
        proof: subject.payload.proof(typed_proof.or(subject.proof))?,
        journal,
        continues: subject.continues,
        reverts: subject.reverts,
        selector: subject.selector,
        payload: subject.payload,
        payload_name: subject.name,
        options,
        saved_options: typed.saved(),
        repair: subject.repair,
        wait: job.wait.limits(),
        schedule,
        names_clusters: several,
    };
    Ok(Some((request, scope)))
}

/// Prepares, asks, executes, and shows the outcome.
async fn push(
    job: &Job,
    request: RolloutRequest,
    scope: Scope,
    several: bool,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
) -> Result<Exit, AppError> {
    let (report, journal) = (job.push.report_place(), request.journal.clone());
    run_result::check(&job.output, several, &journal, report)?;
    let ended = roll_out(request, scope, interaction, observers).await?;
    let mut ended = clusters::answered(several, ended)?;
    Ok(run_result::tell(&mut ended, several, &journal, &job.output, report))
}

pub(crate) async fn roll_out(
    request: RolloutRequest,
    scope: Scope,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
) -> Result<Vec<ClusterResult<RunReport>>, AppError> {
    let prepared = multi_cluster::prepare(request, scope, interaction, observers).await?;
    let prepared = prepared.confirm().await?;
    let handle = RolloutHandle::default();
    // From here on clusters and phones are changed, so an interrupt must not cut anything short.
    let on_interrupt = interrupt::watch(&handle);
    let ended = prepared.execute(&handle).await;
    drop(on_interrupt);
    Ok(ended)
}

/// Shows what a run would do, and does none of it.
async fn dry_run(
    job: &Job,
    request: RolloutRequest,
    scope: Scope,
    several: bool,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
) -> Result<Exit, AppError> {
    let output = &job.output;
    match scope {
        Scope::Clusters(_) => clusters::check_list::<DryRun<Audit>>(output, several)?,
        Scope::Addresses(_) => clusters::check_list::<DryRun<RunReport>>(output, several)?,
    }
    run_result::check_report(&request.journal, job.push.report_place())?;
    let dry = multi_cluster::dry_run(request, scope, interaction, observers).await?;
    if dry.addresses.is_empty() {
        show_dry_run(output, several, dry.clusters)
    } else {
        show_dry_run(output, several, dry.addresses)
    }
}

/// Shows dry runs; the error of a run that would be refused comes last.
fn show_dry_run<T>(
    output: &OutputArgs,
    several: bool,
    ended: Vec<ClusterResult<DryRun<T>>>,
) -> Result<Exit, AppError>
where
    DryRun<T>: PhoneRows,
{
    let mut ended = clusters::answered(several, ended)?;
    let dry_runs = || ended.iter().filter_map(|one| Some((&one.name, one.result.as_ref().ok()?)));
    let recaps = dry_runs().map(|(_, dry)| dry.recap.as_str());
    let mut recap = recaps.collect::<Vec<_>>().join("\n");
    let refused: Vec<AppError> = dry_runs()
        .filter_map(|(name, dry)| {
            let refused = dry.refused.clone()?;
            Some(if several { refused.within(name) } else { refused })
        })
        .collect();
    if several {
        recap = format!("{recap}\n{}\n", clusters::recap(&ended));
    }
    if output.is_recap() {
        list::write_text(output, |_| recap)?;
    } else {
        ui::say(&recap);
        clusters::answer(output, several, &mut ended)?;
    }
    for error in &refused {
        ui::say_error(&printable_lines(&error.to_string()));
    }
    Ok(clusters::worst(&ended, |dry| dry.refused.as_ref().map_or(dry.exit, AppError::exit)))
}

/// Finds out where the phones are, and checks the settings of all clusters before any is asked.
fn scope(job: &Job, several: bool) -> Result<Scope, AppError> {
    match &job.source {
        Source::Typed { addresses, target, .. } if addresses.any() => {
            let push_access = settings::push_access(&job.connection, &job.push.access)?;
            push_access.need_push_user()?;
            let entries = address_list::entries(
                &addresses.address,
                &addresses.addresses_from,
                &target.model,
            )?;
            return Ok(Scope::Addresses(Box::new(Addresses { push_access, entries })));
        }
        Source::Earlier(_) if several => return Err(one_run_at_a_time()),
        Source::Earlier(earlier) => {
            let journal = journal::path(job.connection.state.as_deref())?;
            if let Some(entries) = resume::addresses(*earlier, &journal)? {
                let push_access = settings::push_access(&job.connection, &job.push.access)?;
                push_access.need_push_user()?;
                return Ok(Scope::Addresses(Box::new(Addresses { push_access, entries })));
            }
        }
        Source::Typed { .. } => {}
    }
    let connections = clusters::chosen(&job.connection, Some(&job.push.access))?;
    for connection in &connections {
        connection.push_access.need_push_user().map_err(|error| match several {
            true => error.within(&connection.name),
            false => error,
        })?;
    }
    Ok(Scope::Clusters(connections))
}

async fn typed(
    job: &Job,
    wanted: &PayloadSource,
    target: &TargetArgs,
) -> Result<Subject, AppError> {
    name_list::check_stdin(&job.connection, target)?;
    let start = schedule::schedule(&job.connection, &job.push)?.start();
    let start = start.unwrap_or_else(Timestamp::now);
    let (payload, name) = wanted.clone().load(start).await?;
    Ok(Subject {
        payload,
        name,
        selector: name_list::selector(target)?,
        proof: None,
        repair: job.repair.clone(),
        continues: None,
        reverts: None,
        options: job.push.saved(),
    })
}

/// Reads what an earlier run was about, and how it reached its phones; nothing where it left nothing undone.
async fn earlier_run(
    job: &Job,
    earlier: RunSource,
    connection: &mut ClusterSettings,
    interaction: &dyn Interaction,
) -> Result<Option<Subject>, AppError> {
    let journal = journal::path(job.connection.state.as_deref())?;
    let resumed =
        resume::read(earlier, job.repair.as_ref(), &journal, connection, interaction).await?;
    let Some(resumed) = resumed else { return Ok(None) };
    if let Some(kept) = resumed.phone_tls.clone() {
        connection.push_access.phone_tls.go_on(kept, resumed.earlier, interaction)?;
    }
    // Rules that the config file has now count before those of the resumed run.
    if connection.push_access.nat.is_empty() {
        connection.push_access.nat = resumed.nat.clone();
    }
    let typed = job.push.saved();
    let run = resumed.earlier;
    let note = match typed.describe_resumed(&resumed.options) {
        Some(kept) => Some(format!("note: the run resumes run {run} and {kept}")),
        None if earlier.is_last() && !resumed.is_revert => {
            Some(format!("note: the run resumes run {run}"))
        }
        None => None,
    };
    if let Some(note) = note {
        interaction.notice(&Notice::Text(&note));
    }
    let options = typed.over(resumed.options.clone());
    let access = &mut connection.push_access;
    access.concurrency = options.concurrency.unwrap_or(access.concurrency);
    access.max_logins_at_risk = options.max_logins_at_risk.or(access.max_logins_at_risk);
    Ok(Some(Subject::of(resumed, options)))
}

/// Reads the selected phones of a cluster.
pub(crate) async fn survey(
    connection: &ClusterSettings,
    target: &TargetArgs,
    repairs: &Repairs,
    pictures: &PictureRules,
    observer: &Arc<dyn Observer>,
) -> Result<Inventory, AppError> {
    let selector = name_list::selector(target)?;
    let interaction = Terminal::shared(false);
    survey_of(connection, interaction.as_ref(), &selector, repairs, pictures, observer).await
}

/// Surveys the chosen clusters, writes a row for each phone, and shows each recap; `assess` makes what is written out of
/// an inventory.
pub(crate) async fn list_phones<T: PhoneRows>(
    (connection, target, output): (&ConnectionArgs, &TargetArgs, &OutputArgs),
    repairs: impl Fn(&ClusterSettings) -> Repairs,
    assess: impl Fn(Inventory, &Repairs) -> T,
    recap: impl Fn(&T) -> String,
    exit: impl Fn(&T) -> Exit,
) -> Result<Exit, AppError> {
    name_list::check_stdin(connection, target)?;
    let (several, connections) =
        (connection.is_about_several(), clusters::chosen(connection, None)?);
    clusters::check_list::<T>(output, several)?;
    let selector = name_list::selector(target)?;
    let pictures = settings::pictures(connection)?;
    let interaction = Terminal::shared(false);
    let work = async |connection: ClusterSettings, observer: Arc<dyn Observer>| {
        let repairs = repairs(&connection);
        let inventory =
            survey_of(&connection, interaction.as_ref(), &selector, &repairs, &pictures, &observer)
                .await?;
        Ok(assess(inventory, &repairs))
    };
    let observers = observers(several);
    let ended =
        multi_cluster::for_each(connections, several, &interaction, &*observers, work).await;
    let mut ended = clusters::answered(several, ended)?;
    clusters::answer(output, several, &mut ended)?;
    for found in ended.iter().filter_map(|one| one.result.as_ref().ok()) {
        ui::say(&recap(found));
    }
    if several {
        ui::say(&clusters::recap(&ended));
    }
    Ok(clusters::worst(&ended, exit))
}

/// Adds the command that names the cluster of the earlier run, where the error is about the cluster.
fn with_cluster_of_run(error: AppError, job: &Job) -> AppError {
    let Source::Earlier(earlier) = &job.source else { return error };
    let found =
        journal::path(job.connection.state.as_deref()).and_then(|path| earlier.found(&path));
    match found {
        Ok((run, command)) => next_command::with_cluster_of(error, &command, &run, &job.connection),
        // The first error says more.
        Err(_) => error,
    }
}

/// Shows progress, with the cluster's name where there are several.
pub(crate) fn observers(several: bool) -> Box<Observers> {
    Box::new(move |name: &str| -> Arc<dyn Observer> {
        if several { Progress::of_cluster(name) } else { Progress::shared() }
    })
}

/// Says that an earlier run left nothing undone.
const NOTHING_LEFT: &str =
    "nothing is left to do in that run: no phone failed, and none is pending";

fn one_run_at_a_time() -> AppError {
    let message = "--resume and --only-failed continue one run, which is about one cluster";
    AppError::new(ErrorKind::Usage, message).hint(
        "continue each run by itself: `axlpaper runs` lists them with their clusters; name the \
         cluster with one --cluster",
    )
}
