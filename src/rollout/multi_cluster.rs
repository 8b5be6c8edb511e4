//! A rollout on several clusters at once: each has a run, clients and limits of its own, and one question is about
//! all of them.
//!
//! Until the answer nothing is changed anywhere. A cluster that fails does not stop the others, neither before the
//! question nor after it.

use crate::connect::journal;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::join_all;
use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::interrupt;
use crate::cli::present::clusters;
use crate::cli::present::clusters::{AT_ONCE, Chosen, Ended, say_failed};
use crate::cli::present::{cluster_results, list};
use crate::cli::ui;
use crate::cli::ui::Progress;
use crate::connect::cluster;
use crate::connect::cluster::Connection;
use crate::connect::shared_servers;
use crate::connect::shared_servers::Ports;
use crate::domain::audit::AuditedPhone;
use crate::domain::text::counted;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::Proof;
use crate::journal::{RunGroup, SkippedCluster};
use crate::push::scheduler::Stop;
use crate::report::{OfCluster, RunReport, audit_json, plan_outline, printable_lines};
use crate::rollout::dry_run;
use crate::rollout::dry_run::Found;
use crate::rollout::maintenance_window;
use crate::rollout::prepared;
use crate::rollout::prepared::Standing;
use crate::rollout::resume;
use crate::rollout::resume::{Source, Subject};
use crate::rollout::run::Run;
use crate::rollout::{Job, Work};

/// Runs `rollout` for all clusters that were named, from what was typed to its exit code.
///
/// # Errors
/// When the settings of any of them cannot be used, when a password cannot be had, or when the answer is no. Nothing
/// has been changed anywhere then; what fails later is in the answer.
pub async fn run(job: Job) -> Result<Exit, AppError> {
    let path = journal::path(job.connection.state.as_deref())?;
    let Source::Typed { wanted, target } = &job.source else {
        return Err(one_run_at_a_time());
    };
    let mut connections = match clusters::chosen(&job.connection, Some(&job.push))? {
        Chosen::Several(connections) => connections,
        Chosen::One(connection) => vec![*connection],
    };
    for connection in &connections {
        connection.way.need_push_user().map_err(|error| error.within(&connection.name))?;
    }
    let schedule = maintenance_window::schedule(&job.connection, &job.push)?;
    let subject = resume::typed(&job, wanted, target)?;
    if job.dry_run {
        return dry_run(connections, &subject, &path, &job.output).await;
    }
    let proof = subject.goods.proof(job.push.verify.map(Proof::from))?;
    cluster_results::check(&job.output, job.push.report.as_deref())?;
    let ports = Arc::new(Ports::default());
    if subject.goods.is_served() {
        share_ports(&mut connections, &ports)?;
    }
    fetch_passwords(&mut connections)?;
    let work = |connection| -> Result<Work<'_>, AppError> {
        let connection: &Connection = connection;
        Ok(Work {
            name: job.command,
            state: &path,
            continues: None,
            connection,
            selector: subject.selector.clone(),
            goods: Arc::clone(&subject.goods),
            picture_file: subject.file.clone(),
            proof,
            push: &job.push,
            push_password: Some(connection.way.push_password()?),
            yes: job.yes,
            repair: subject.repair.clone(),
            wait: job.wait,
            schedule: schedule.clone(),
            command: cluster::command_line(),
        })
    };
    let works = connections.iter().map(work).collect::<Result<Vec<_>, _>>()?;
    let standing = reach(&works).await;
    // Each server ends with the last cluster that uses it.
    ports.release();
    if let Err(error) = ask(&standing, job.yes) {
        for one in standing.into_iter().filter_map(|one| one.result.ok()) {
            drop(one.give_up(&error).await);
        }
        return Err(error);
    }
    let stop = Stop { schedule, ..Stop::default() };
    let ended = carry_out(standing, &stop).await;
    Ok(cluster_results::tell(ended, &path, &job.output, job.push.report.as_deref()))
}

fn one_run_at_a_time() -> AppError {
    let message = "--resume and --only-failed go on with one run, which is about one cluster";
    AppError::new(ErrorKind::Usage, message).hint(
        "go on with each run by itself: `axlpaper runs` lists them with their clusters; name the cluster with one \
         --cluster",
    )
}

/// Lets clusters whose settings name the same port share one image server.
fn share_ports(connections: &mut [Connection], ports: &Arc<Ports>) -> Result<(), AppError> {
    let servings: Vec<_> =
        connections.iter().map(|one| (one.name.as_str(), &one.way.serving)).collect();
    shared_servers::check(&servings)?;
    for connection in connections {
        connection.way.serving.ports = Some(Arc::clone(ports));
    }
    Ok(())
}

/// Fetches all passwords before anything else, one after the other, so that no two questions meet on the terminal.
fn fetch_passwords(connections: &mut [Connection]) -> Result<(), AppError> {
    for connection in connections {
        let name = connection.name.clone();
        let fetched = connection.fetch_password();
        let fetched = fetched.and_then(|()| connection.way.fetch_push_password(&name));
        fetched.map_err(|error| {
            error.within(&name).hint("nothing was changed on any cluster, and none was asked")
        })?;
    }
    Ok(())
}

/// Begins all runs, and brings each to where only the answer is missing.
async fn reach<'a>(works: &'a [Work<'a>]) -> Vec<Ended<Standing<'a>>> {
    let begun = begin(works).await;
    let reaching = works.iter().zip(begun).map(|(work, Ended { name, run, result })| async move {
        let observer = Progress::of_cluster(&name);
        let result = match result {
            Ok(begun) => Standing::reach(work, begun, &observer).await,
            Err(error) => return Ended { name, run, result: Err(error) },
        };
        let result = result.inspect_err(|error| say_failed(&name, error));
        Ended { name, run, result }
    });
    futures::stream::iter(reaching).buffered(AT_ONCE).collect().await
}

/// Begins the runs, which asks nobody. Each keeps in the journal which ones were begun together.
async fn begin(works: &[Work<'_>]) -> Vec<Ended<Run>> {
    let mut begun = Vec::new();
    for work in works {
        let name = work.connection.name.clone();
        let result = prepared::begin(work).await.inspect_err(|error| say_failed(&name, error));
        let run = result.as_ref().ok().map(|run| run.recorder().run());
        begun.push(Ended { name, run, result });
    }
    let left_out = begun.iter().filter_map(|one| {
        let error = one.result.as_ref().err()?;
        let (cluster, hints) = (one.name.clone(), error.hints().to_vec());
        Some(SkippedCluster { cluster, error: error.message().to_owned(), hints })
    });
    let runs = begun.iter().filter_map(|one| one.run).collect();
    let together = RunGroup { runs, left_out: left_out.collect() };
    for run in begun.iter().filter_map(|one| one.result.as_ref().ok()) {
        if let Err(error) = run.recorder().snapshot(RunGroup::KIND, &together).await {
            ui::say(&printable_lines(&journal::unusable(&error).to_string()));
        }
    }
    begun
}

/// Shows what would be done on each cluster, and asks once for all of it.
fn ask(ended: &[Ended<Standing<'_>>], yes: bool) -> Result<(), AppError> {
    let standing = ended.iter().filter_map(|one| Some((&one.name, one.result.as_ref().ok()?)));
    let mut intents = Vec::new();
    for (name, standing) in standing {
        let Some(intent) = standing.intent() else {
            ui::say(&printable_lines(&format!("\n{name}: nothing is to be done")));
            continue;
        };
        let outline = plan_outline(standing.plan());
        ui::say(&printable_lines(&format!("\n{name}: {}\n{}", intent.what, outline.trim_end())));
        intents.push((name, intent));
    }
    if intents.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = intents.iter().map(|(name, _)| name.as_str()).collect();
    let phones = intents.iter().map(|(_, intent)| intent.phones).sum();
    let touched = intents.iter().map(|(_, intent)| intent.touched).sum();
    let what = format!(
        "This will do all of the above on {} ({}), and push to {}",
        counted(names.len(), "cluster"),
        names.join(", "),
        counted(phones, "phone"),
    );
    ui::say("");
    ui::confirm(&what, touched, yes)
}

/// Changes and pushes on all clusters that stand, at the same time.
async fn carry_out(standing: Vec<Ended<Standing<'_>>>, stop: &Stop) -> Vec<Ended<RunReport>> {
    // From here on clusters and phones are changed, so an interrupt must not cut anything short.
    let _on_interrupt = interrupt::watch(stop);
    let running = standing.into_iter().map(|Ended { name, run, result }| async move {
        let standing = match result {
            Ok(standing) => standing,
            Err(error) => return Ended { name, run, result: Err(error) },
        };
        let result = standing.carry_out(stop).await;
        let result = result.inspect_err(|error| say_failed(&name, error));
        Ended { name, run, result }
    });
    join_all(running).await
}

/// Shows what `rollout` would do on each cluster, and does none of it.
async fn dry_run(
    connections: Vec<Connection>,
    subject: &Subject,
    state: &Path,
    args: &OutputArgs,
) -> Result<Exit, AppError> {
    list::check_list::<OfCluster<'_, AuditedPhone>>(args)?;
    let mut ended: Vec<Ended<Found>> = clusters::each(connections, async |connection, observer| {
        dry_run::look(connection, subject, state, observer).await
    })
    .await;
    clusters::sort(args, &mut ended, |found| &mut found.audit.phones)?;
    let recaps = ended.iter().filter_map(|one| Some(one.result.as_ref().ok()?.recap()));
    let recap = format!("{}\n{}\n", recaps.collect::<Vec<_>>().join("\n"), clusters::recap(&ended));
    if args.is_recap() {
        list::write(args, &recap)?;
    } else {
        ui::say(&recap);
        let json = |found| audit_json(found, Timestamp::now());
        clusters::write(args, &ended, |found| &found.audit.phones, |found| json(&found.audit))?;
    }
    Ok(clusters::worst(&ended, |_| Exit::Done))
}
