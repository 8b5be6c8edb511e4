//! What the task of a job needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::console::jobs::job::Job;
use crate::console::settings::{ReadRollouts, RolloutCommand};
use crate::domain::device_name::DeviceName;
use crate::error::{AppError, ErrorKind};
use crate::journal::RunRow;

/// What a task needs.
pub(super) struct Work {
    pub(super) job: Arc<Job>,
    pub(super) command: RolloutCommand,
    pub(super) kind: Kind,
    pub(super) journal: PathBuf,
    pub(super) reader: Arc<dyn ReadRollouts>,
    pub(super) confirm_within: Duration,
    pub(super) stop: CancellationToken,
}

/// What a job is about.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A rollout; of an earlier run only to these phones, where they are named.
    Rollout(Option<Vec<DeviceName>>),
    /// What a run changed on its cluster is taken back.
    Revert(Box<RunRow>),
}

pub(super) fn ended() -> AppError {
    AppError::new(ErrorKind::Interrupted, "the console ended while the clusters were asked")
        .hint("nothing was changed")
}
