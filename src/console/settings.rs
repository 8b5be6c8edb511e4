//! What a console needs to know before it starts.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use crate::config::ConsoleUsers;
use crate::connect::cluster::ClusterSettings;
use crate::doctor::DoctorRequest;
use crate::domain::picture_rules::PictureRules;
use crate::domain::selector::Selector;
use crate::error::AppError;
use crate::interaction::Interaction;
use crate::journal::{JournalError, JournalReader, RunRow};
use crate::media::Options;
use crate::rollout::payload::source_image::SourceImage;
use crate::rollout::request::{RolloutRequest, Scope};

/// Returns the command that finishes what a run left undone.
pub type NextCommand = Arc<
    dyn Fn(&JournalReader, &RunRow) -> Result<Option<String>, JournalError> + Send + Sync + 'static,
>;

/// A command of the command line that a user makes in the browser.
#[derive(Clone, Debug, Default)]
pub struct RolloutCommand {
    /// The command and its options, each option as one word: `rollout`, `--limit=5`.
    pub options: Vec<String>,
    /// The uploaded picture and the name of its file.
    pub picture: Option<(String, SourceImage)>,
    /// The run whose cluster and phones are reached as that run did.
    pub earlier: Option<RunRow>,
}

/// What the options of a rollout choose, before a cluster is asked.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The phones.
    pub selector: Selector,
    /// How the picture is rendered.
    pub options: Options,
}

/// Reads the commands of users as the command line does, so that an option means the same here and there.
pub trait ReadRollouts: fmt::Debug + Send + Sync {
    /// Reads what the options of a rollout choose.
    ///
    /// # Errors
    /// When an option or its value is wrong.
    fn chosen(&self, command: &RolloutCommand) -> Result<Chosen, AppError>;

    /// Returns how the cluster of the earlier run is reached, to take back what that run changed.
    ///
    /// # Errors
    /// When a setting is wrong, or leads to another cluster.
    fn connection(&self, command: &RolloutCommand) -> Result<ClusterSettings, AppError>;

    /// Returns the command as it can be typed on the command line.
    fn command_line(&self, command: &RolloutCommand) -> String;

    /// Reads what is to be done and where; nothing where an earlier run left nothing undone. It waits for files and for the
    /// process that decodes pictures, so it has to be called on a thread that may be blocked.
    ///
    /// # Errors
    /// When an option or a setting is wrong, or a picture or the journal cannot be read.
    fn request(
        &self,
        command: &RolloutCommand,
        interaction: &dyn Interaction,
    ) -> Result<Option<(RolloutRequest, Scope)>, AppError>;
}

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
    pub rollouts: Arc<dyn ReadRollouts>,
    /// How long a rollout waits for its confirmation.
    pub confirm_within: Duration,
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
