//! A run that only changes the cluster: that of `apply` and of `revert`.

use std::path::Path;
use std::sync::Arc;

use crate::apply::{Applied, Halt, check_all};
use crate::connect::cluster::{self, ClusterClients, ClusterSettings};
use crate::domain::plan::Plan;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::Observer;
use crate::interaction::Interaction;
use crate::journal::RunId;
use crate::plan::{Kind, check};
use crate::rollout::control::RolloutHandle;
use crate::rollout::run::{Run, RunInfo, RunScope};
use crate::rollout::{accounts, repair, undo_file};

/// What such a run is.
#[derive(Clone, Debug)]
pub struct ChangeRun {
    /// The command.
    pub command: &'static str,
    /// What its plan may do.
    pub kind: Kind,
    /// The run that it reverts.
    pub reverts: Option<RunId>,
    /// The command line, for the journal.
    pub command_line: String,
    /// Who asks for it; nothing for the operating system's user.
    pub on_behalf_of: Option<String>,
    /// Whether it is only checked whether the plan could be carried out.
    pub dry_run: bool,
}

/// A run that has begun and is connected to its cluster.
pub struct BegunChanges {
    run: Run,
    kind: Kind,
    cluster: ClusterClients,
    observer: Arc<dyn Observer>,
}

/// A run with a plan that waits for its confirmation.
pub struct PreparedChanges {
    begun: BegunChanges,
    plan: Plan,
}

impl ChangeRun {
    /// Returns a run that takes back what another one changed, for somebody else than the operating system's user.
    pub fn reverting(run: RunId, command_line: String, on_behalf_of: String) -> Self {
        Self {
            command: "revert",
            kind: Kind::Revert,
            reverts: Some(run),
            command_line,
            on_behalf_of: Some(on_behalf_of),
            dry_run: false,
        }
    }

    /// Begins the run in the journal, connects, and takes the lock of the cluster.
    ///
    /// # Errors
    /// When another run works on the cluster, or it cannot be connected to.
    pub async fn begin(
        self,
        connection: &ClusterSettings,
        state: &Path,
        interaction: &Arc<dyn Interaction>,
        observer: Arc<dyn Observer>,
    ) -> Result<BegunChanges, AppError> {
        let what = RunInfo {
            command: self.command,
            place: RunScope::of(connection),
            continues: None,
            reverts: self.reverts,
            command_line: self.command_line,
            on_behalf_of: self.on_behalf_of,
            dry_run: self.dry_run,
        };
        let run = Run::begin(state, what, interaction).await?;
        let observer = run.journal_observer(observer);
        match connect(connection, &run, &observer).await {
            Ok(cluster) => Ok(BegunChanges { run, kind: self.kind, cluster, observer }),
            Err(error) => Err(run.fail(error).await),
        }
    }
}

async fn connect(
    connection: &ClusterSettings,
    run: &Run,
    observer: &Arc<dyn Observer>,
) -> Result<ClusterClients, AppError> {
    let cluster = cluster::connect(connection, run.interaction().as_ref(), observer).await?;
    if let Some(publisher) = repair::publisher(&cluster).await? {
        run.lock_cluster(&publisher)?;
    }
    Ok(cluster)
}

impl BegunChanges {
    /// Returns the clients that read the cluster, to plan with.
    pub fn cluster(&self) -> &ClusterClients {
        &self.cluster
    }

    /// Takes the plan over; an error that made it impossible ends the run.
    ///
    /// # Errors
    /// As `plan`, and when the cluster cannot be written to.
    pub async fn prepare(self, plan: Result<Plan, AppError>) -> Result<PreparedChanges, AppError> {
        let plan = match plan {
            Ok(plan) if !plan.changes.is_empty() => {
                accounts::check_writable(&self.cluster.axl).await.map(|()| plan)
            }
            plan => plan,
        };
        match plan {
            Ok(plan) => Ok(PreparedChanges { begun: self, plan }),
            Err(error) => Err(self.run.fail(error).await),
        }
    }
}

impl PreparedChanges {
    /// Returns the number of the run; a dry run has none.
    pub fn number(&self) -> Option<RunId> {
        self.begun.run.number()
    }

    /// Returns what would be changed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns why a dry run would be refused.
    pub fn refusal(&self) -> Option<AppError> {
        self.begun.run.refusal()
    }

    /// Checks whether the plan could be carried out, and changes nothing.
    ///
    /// # Errors
    /// When it could not.
    pub async fn check(&self) -> Result<(), AppError> {
        if self.plan.changes.is_empty() {
            return Ok(());
        }
        let BegunChanges { kind, cluster, observer, .. } = &self.begun;
        check(&self.plan, *kind)
            .map_err(|error| AppError::from_error(ErrorKind::Refused, error))?;
        check_all(&*cluster.axl, &self.plan, observer.as_ref()).await?;
        Ok(())
    }

    /// Asks whether the plan may be carried out, where anything is to be changed.
    ///
    /// # Errors
    /// When the answer is no. The run has ended then, and nothing was changed.
    pub async fn confirm(self) -> Result<Self, AppError> {
        if self.plan.changes.is_empty() {
            return Ok(self);
        }
        match repair::confirm(&self.plan, &self.begun.run).await {
            Ok(()) => Ok(self),
            Err(error) => Err(self.begun.run.fail(error).await),
        }
    }

    /// Changes the cluster. From here on an interrupt must not cut anything short: between a write and its reading back the
    /// change would be unproven. `handle` stops it.
    ///
    /// # Errors
    /// When nothing could be changed.
    pub async fn execute(self, handle: &RolloutHandle) -> Result<Applied, AppError> {
        let Self { begun: BegunChanges { run, kind, cluster, observer }, plan } = self;
        if plan.changes.is_empty() {
            return run.end(Ok(Applied::default()), exit_of).await;
        }
        let (recorder, stop) = (run.recorder(), run.stop_signals(handle));
        let applied = repair::apply(&cluster, recorder, &plan, kind, &stop, &observer).await;
        if let Ok(applied) = &applied {
            undo_file::leave(recorder, &plan, applied, run.interaction().as_ref()).await;
        }
        run.end(applied, exit_of).await
    }
}

/// Returns the exit code that changes deserve.
pub fn exit_of(applied: &Applied) -> Exit {
    match &applied.halt {
        Some(Halt::Interrupted) => Exit::Interrupted,
        Some(Halt::Refused(_)) => Exit::Authentication,
        Some(Halt::Unrecorded(_) | Halt::Away(_) | Halt::TimeOver(_)) => Exit::SomeFailed,
        None if repair::all_applied(applied) => Exit::Done,
        None => Exit::SomeFailed,
    }
}
