//! The rollout itself, on one cluster, on several at the same time, or at addresses.
//!
//! Each cluster has a run, clients and limits of its own, and works in a task of its own; one question is about all of
//! them. Until the answer nothing is changed anywhere. A cluster that fails does not stop the others, neither before
//! the question nor after it.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::join_all;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::JoinSet;

use crate::connect::cluster::ClusterSettings;
use crate::connect::image_server;
use crate::connect::shared_servers::SharedServers;
use crate::domain::audit::Audit;
use crate::domain::text::pluralize;
use crate::error::AppError;
use crate::event::Observer;
use crate::interaction::{Interaction, Notice, Question};
use crate::journal::{ADDRESSES, RunGroup, RunId, SkippedCluster};
use crate::report::RunReport;
use crate::rollout::by_address::{AddressTask, PreparedAddresses};
use crate::rollout::cluster_task::{ClusterTask, Surveyed};
use crate::rollout::context::Confirmation;
use crate::rollout::control::RolloutHandle;
use crate::rollout::dry_run::DryRun;
use crate::rollout::prepared::PreparedCluster;
use crate::rollout::request::{RolloutRequest, Scope};
use crate::rollout::run::{self, Run};

/// Clusters that are asked at once: each holds its phones in memory.
pub const AT_ONCE: usize = 8;

/// What came of one cluster.
#[derive(Debug)]
pub struct ClusterResult<T> {
    /// Its name in the config file.
    pub name: String,
    /// The number of its run, where it has one.
    pub run: Option<RunId>,
    /// What was found, or why nothing was.
    pub result: Result<T, AppError>,
}

/// The dry runs of a rollout. Only one of the two lists has entries, except for the errors.
#[derive(Debug, Default)]
pub struct DryRuns {
    /// On clusters.
    pub clusters: Vec<ClusterResult<DryRun<Audit>>>,
    /// By address.
    pub addresses: Vec<ClusterResult<DryRun<RunReport>>>,
}

/// Makes the observer of a cluster's events; its name is given.
pub type Observers = dyn Fn(&str) -> Arc<dyn Observer> + Send + Sync;

/// A rollout that has read everything and waits for its confirmation.
pub struct PreparedRollout {
    pub(super) parts: Vec<ClusterResult<Part>>,
    interaction: Arc<dyn Interaction>,
    several: bool,
}

enum Task {
    Cluster(Box<ClusterTask>),
    Addresses(Box<AddressTask>),
}

pub(super) enum Part {
    Cluster(Box<PreparedCluster>),
    Addresses(Box<PreparedAddresses>),
}

impl Task {
    fn name(&self) -> String {
        match self {
            Self::Cluster(task) => task.connection.name.clone(),
            Self::Addresses(_) => ADDRESSES.to_owned(),
        }
    }

    async fn begin(&self, interaction: &Arc<dyn Interaction>) -> Result<Run, AppError> {
        match self {
            Self::Cluster(task) => task.begin(interaction).await,
            Self::Addresses(task) => task.begin(interaction).await,
        }
    }

    async fn prepare(self, run: Run, observer: Arc<dyn Observer>) -> Result<Part, AppError> {
        match self {
            Self::Cluster(task) => {
                let part = PreparedCluster::prepare(*task, run, observer).await?;
                Ok(Part::Cluster(Box::new(part)))
            }
            Self::Addresses(task) => {
                let part = PreparedAddresses::prepare(*task, run, observer).await?;
                Ok(Part::Addresses(Box::new(part)))
            }
        }
    }
}

impl Part {
    fn intent(&self) -> Option<Confirmation> {
        match self {
            Self::Cluster(part) => part.intent().cloned(),
            Self::Addresses(part) => part.intent(),
        }
    }

    fn run(&self) -> &Run {
        match self {
            Self::Cluster(part) => part.run(),
            Self::Addresses(part) => part.run(),
        }
    }

    fn outline(&self) -> String {
        match self {
            Self::Cluster(part) => part.outline(),
            Self::Addresses(part) => part.outline(),
        }
    }

    async fn abandon(self, why: AppError) -> AppError {
        match self {
            Self::Cluster(part) => part.abandon(why).await,
            Self::Addresses(part) => part.abandon(why).await,
        }
    }

    async fn execute(self, handle: &RolloutHandle) -> Result<RunReport, AppError> {
        match self {
            Self::Cluster(part) => part.execute(handle).await,
            Self::Addresses(part) => part.execute(handle).await,
        }
    }
}

/// Reads the clusters or asks the phones at the addresses, plans, and makes everything ready. Nothing is changed, and
/// no phone gets the push user's password.
///
/// # Errors
/// When a password cannot be had, or the image servers of the clusters cannot run side by side; nothing has been asked
/// then. What fails on a cluster is in the prepared rollout.
pub async fn prepare(
    request: RolloutRequest,
    scope: Scope,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
) -> Result<PreparedRollout, AppError> {
    prepare_parts(request, scope, interaction, observers, (false, None)).await
}

/// Prepares a rollout as [`prepare`] does, to the phones of a cluster that was read a moment ago. The cluster is not read
/// again.
///
/// # Errors
/// As [`prepare`].
pub async fn prepare_surveyed(
    request: RolloutRequest,
    connection: ClusterSettings,
    surveyed: Surveyed,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
) -> Result<PreparedRollout, AppError> {
    let scope = Scope::Clusters(vec![connection]);
    prepare_parts(request, scope, interaction, observers, (false, Some(Box::new(surveyed)))).await
}

/// Finds out what [`prepare`] and [`PreparedRollout::execute`] would do, by preparing it: all that would be refused
/// before the confirmation is refused here too. Nothing is changed, no phone gets the password, and the journal gets no
/// run.
///
/// # Errors
/// As [`prepare`].
pub async fn dry_run(
    request: RolloutRequest,
    scope: Scope,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
) -> Result<DryRuns, AppError> {
    let prepared = prepare_parts(request, scope, interaction, observers, (true, None)).await?;
    let (mut dry, mut publishers) = (DryRuns::default(), HashSet::new());
    for ClusterResult { name, run, result } in prepared.parts {
        match result {
            Ok(Part::Cluster(part)) => {
                let result = Ok(part.dry_run(&mut publishers));
                dry.clusters.push(ClusterResult { name, run, result });
            }
            Ok(Part::Addresses(part)) => {
                dry.addresses.push(ClusterResult { name, run, result: Ok(part.dry_run()) });
            }
            Err(error) => dry.clusters.push(ClusterResult { name, run, result: Err(error) }),
        }
    }
    Ok(dry)
}

async fn prepare_parts(
    request: RolloutRequest,
    scope: Scope,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
    how: (bool, Option<Box<Surveyed>>),
) -> Result<PreparedRollout, AppError> {
    let names_clusters = request.names_clusters;
    let shared_servers = Arc::new(SharedServers::default());
    let request = Arc::new(request);
    let tasks = tasks(request, scope, interaction.as_ref(), &shared_servers, how).await?;
    let several = names_clusters || tasks.len() > 1;
    let begun = begin(&tasks, interaction, several).await;
    let mut parts = Vec::new();
    for (task, ClusterResult { name, run, result }) in tasks.into_iter().zip(begun) {
        let observer = observers(&name);
        let interaction = Arc::clone(interaction);
        parts.push(async move {
            let result = match result {
                Ok(begun) => in_task(task.prepare(begun, observer)).await,
                Err(error) => return ClusterResult { name, run, result: Err(error) },
            };
            notice_failure(&interaction, several, &name, &result);
            ClusterResult { name, run, result }
        });
    }
    let parts = futures::stream::iter(parts).buffered(AT_ONCE).collect().await;
    // Each server ends with the last cluster that uses it.
    shared_servers.release();
    Ok(PreparedRollout { parts, interaction: Arc::clone(interaction), several })
}

impl PreparedRollout {
    /// Asks whether the rollout may go on, where anything is to be done.
    ///
    /// # Errors
    /// When the answer is no. Every run has ended then, and nothing was changed.
    pub async fn confirm(self) -> Result<Self, AppError> {
        let asked = match self.question() {
            Some(question) => {
                let parts = self.parts.iter().filter_map(|one| one.result.as_ref().ok());
                let runs: Vec<&Run> = parts.map(Part::run).collect();
                run::confirm(&runs, self.interaction.as_ref(), &question).await
            }
            None => Ok(()),
        };
        let Err(error) = asked else { return Ok(self) };
        let parts = self.parts.into_iter().filter_map(|one| one.result.ok());
        let ended = join_all(parts.map(|part| part.abandon(error.clone()))).await;
        // The error of a single run names it.
        Err(ended.into_iter().next().filter(|_| !self.several).unwrap_or(error))
    }

    /// Changes clusters and pushes, at the same time on all of them. From here on an interrupt must not cut anything
    /// short: `handle` stops it.
    pub async fn execute(self, handle: &RolloutHandle) -> Vec<ClusterResult<RunReport>> {
        let several = self.several;
        let running = self.parts.into_iter().map(|ClusterResult { name, run, result }| {
            let (handle, interaction) = (handle.clone(), Arc::clone(&self.interaction));
            async move {
                let part = match result {
                    Ok(part) => part,
                    Err(error) => return ClusterResult { name, run, result: Err(error) },
                };
                let result = in_task(async move { part.execute(&handle).await }).await;
                notice_failure(&interaction, several, &name, &result);
                ClusterResult { name, run, result }
            }
        });
        join_all(running).await
    }

    fn question(&self) -> Option<Question> {
        let parts =
            self.parts.iter().filter_map(|one| Some((&one.name, one.result.as_ref().ok()?)));
        let intents: Vec<_> = parts.map(|(name, part)| (name, part, part.intent())).collect();
        if !self.several {
            let (part, intent) =
                intents.into_iter().find_map(|(_, part, intent)| Some((part, intent?)))?;
            let (what, phones) = (intent.what, intent.touched);
            let outline = vec![part.outline().trim_end().to_owned()];
            return Some(Question { what, phones, outline });
        }
        let outline = intents.iter().map(|(name, part, intent)| match intent {
            Some(intent) => format!("{name}: {}\n{}", intent.what, part.outline().trim_end()),
            None => format!("{name}: nothing is to be done"),
        });
        let outline: Vec<String> = outline.collect();
        let intents =
            intents.iter().filter_map(|(name, _, intent)| Some((*name, intent.as_ref()?)));
        let intents: Vec<_> = intents.collect();
        if intents.is_empty() {
            for text in &outline {
                self.interaction.notice(&Notice::Text(&format!("\n{text}")));
            }
            return None;
        }
        let names: Vec<&str> = intents.iter().map(|(name, _)| name.as_str()).collect();
        let phones = intents.iter().map(|(_, intent)| intent.phones).sum();
        let what = format!(
            "This will do all of the above on {} ({}), and push to {}",
            pluralize(names.len(), "cluster"),
            names.join(", "),
            pluralize(phones, "phone"),
        );
        let phones = intents.iter().map(|(_, intent)| intent.touched).sum();
        Some(Question { what, phones, outline })
    }
}

/// Checks what needs no cluster, and fetches all passwords, one after the other, so that no two questions meet on the
/// terminal.
async fn tasks(
    request: Arc<RolloutRequest>,
    scope: Scope,
    interaction: &dyn Interaction,
    shared_servers: &Arc<SharedServers>,
    (dry_run, mut surveyed): (bool, Option<Box<Surveyed>>),
) -> Result<Vec<Task>, AppError> {
    let connections = match scope {
        Scope::Addresses(addresses) => {
            if request.payload.is_served() {
                addresses.push_access.image_server.check()?;
            }
            let push_password = addresses.push_access.push_password(interaction).await?;
            let task = AddressTask { request, addresses: *addresses, push_password, dry_run };
            return Ok(vec![Task::Addresses(Box::new(task))]);
        }
        Scope::Clusters(connections) => connections,
    };
    let several = connections.len() > 1;
    if request.payload.is_served() {
        for connection in &connections {
            let checked = connection.push_access.image_server.check();
            checked.map_err(|error| match several {
                true => error.within(&connection.name),
                false => error,
            })?;
        }
        let servings: Vec<_> = connections
            .iter()
            .map(|one| (one.name.as_str(), &one.push_access.image_server))
            .collect();
        image_server::check_side_by_side(&servings)?;
    }
    let tasks = connections.into_iter().map(|mut connection| {
        let (request, shared_servers) = (Arc::clone(&request), Arc::clone(shared_servers));
        let surveyed = surveyed.take();
        async move {
            if several && request.payload.is_served() {
                connection.push_access.image_server.shared_servers = Some(shared_servers);
            }
            let name = connection.name.clone();
            let fetched = async {
                if several {
                    connection.fetch_password(interaction).await?;
                    connection.push_access.fetch_push_password(&name, interaction).await?;
                }
                connection.push_access.push_password(interaction).await
            };
            let fetched = fetched.await;
            let push_password = if several {
                fetched.map_err(|error| {
                    let error = error.within(&name);
                    error.hint("nothing was changed on any cluster, and none was asked")
                })?
            } else {
                fetched?
            };
            let push_password = Some(push_password);
            let task = ClusterTask { request, connection, push_password, dry_run, surveyed };
            Ok(Task::Cluster(Box::new(task)))
        }
    });
    futures::stream::iter(tasks).then(|task| task).try_collect().await
}

/// Begins the runs, without any request to a cluster. Each of several keeps in the journal which ones were begun
/// together.
async fn begin(
    tasks: &[Task],
    interaction: &Arc<dyn Interaction>,
    several: bool,
) -> Vec<ClusterResult<Run>> {
    let mut begun = Vec::new();
    for task in tasks {
        let (name, result) = (task.name(), task.begin(interaction).await);
        notice_failure(interaction, several, &name, &result);
        let run = result.as_ref().ok().and_then(Run::number);
        begun.push(ClusterResult { name, run, result });
    }
    if !several {
        return begun;
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
            interaction.notice(&Notice::Text(&AppError::from(error).to_string()));
        }
    }
    begun
}

/// Does something with every cluster, several at once; answers in the order in which they were named.
///
/// Passwords are fetched before, one after the other, so that no two questions meet on the terminal.
/// `several` says whether a failure is shown at once, with the cluster's name.
pub async fn for_each<T, Work>(
    connections: Vec<ClusterSettings>,
    several: bool,
    interaction: &Arc<dyn Interaction>,
    observers: &Observers,
    work: Work,
) -> Vec<ClusterResult<T>>
where
    Work: AsyncFn(ClusterSettings, Arc<dyn Observer>) -> Result<T, AppError>,
{
    let mut ready = Vec::new();
    for mut connection in connections {
        let fetched = connection.fetch_password(interaction.as_ref()).await;
        ready.push((connection, fetched));
    }
    let work = &work;
    let running = ready.into_iter().map(|(connection, fetched)| async move {
        let name = connection.name.clone();
        let result = match fetched {
            Ok(()) => work(connection, observers(&name)).await,
            Err(error) => Err(error),
        };
        notice_failure(interaction, several, &name, &result);
        ClusterResult { name, run: None, result }
    });
    futures::stream::iter(running).buffered(AT_ONCE).collect().await
}

/// Shows at once that one of several clusters failed, while others go on.
fn notice_failure<T>(
    interaction: &Arc<dyn Interaction>,
    several: bool,
    cluster: &str,
    result: &Result<T, AppError>,
) {
    if let Err(error) = result
        && several
    {
        interaction.notice(&Notice::ClusterFailed { cluster, error });
    }
}

/// Runs some work in a task of its own, so that it shares no thread with the work of another cluster while it computes.
/// The work ends when this future is dropped; a panic goes on here.
async fn in_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    match tasks.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        // Nothing but this function takes a task out of the set, and one was put into it.
        None => std::future::pending().await,
    }
}
