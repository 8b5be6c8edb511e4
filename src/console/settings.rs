//! What a console needs to know before it starts.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;

use crate::config::ConsoleUsers;
use crate::connect::cluster::ClusterSettings;
use crate::doctor::DoctorRequest;
use crate::domain::picture_rules::PictureRules;
use crate::error::AppError;
use crate::journal::{JournalError, JournalReader, RunRow};

/// Returns the command that finishes what a run left undone.
pub type NextCommand = Arc<
    dyn Fn(&JournalReader, &RunRow) -> Result<Option<String>, JournalError> + Send + Sync + 'static,
>;

/// Where a console listens, what it shows, and who may use it.
#[derive(Clone)]
pub struct ConsoleSettings {
    pub journal: PathBuf,
    pub listen: SocketAddr,
    pub tls: Option<Arc<ServerConfig>>,
    /// Host names, besides those of loopback, under which browsers may reach it.
    pub allowed_hosts: Vec<String>,
    pub users: ConsoleUsers,
    /// The clusters of the config file.
    pub clusters: Vec<String>,
    /// The settings of those clusters and of the environment's, or why they cannot be used.
    pub connections: Result<Vec<ClusterSettings>, AppError>,
    /// What doctor checks, by the names of the clusters.
    pub doctors: Vec<(String, DoctorRequest)>,
    /// The picture rules of the config file.
    pub rules: PictureRules,
    pub next: NextCommand,
}

impl fmt::Debug for ConsoleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journal, listen, .. } = self;
        f.debug_struct("ConsoleSettings")
            .field("journal", journal)
            .field("listen", listen)
            .finish_non_exhaustive()
    }
}
