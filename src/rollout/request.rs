//! What a rollout is asked to do, once everything that was typed has been understood.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::connect::cluster::ClusterSettings;
use crate::connect::push_access::PushAccess;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::Selector;
use crate::event::Proof;
use crate::journal::RunId;
use crate::push::scheduler::schedule::Schedule;
use crate::rollout::by_address::identify::AddressEntry;
use crate::rollout::options::{PushOptions, SavedOptions, WaitLimits};
use crate::rollout::payload::Payload;

/// A rollout: of one payload, to the selected phones of some clusters, or to some addresses.
#[derive(Clone, Debug)]
pub struct RolloutRequest {
    /// The command, as the journal names it.
    pub command: &'static str,
    /// The command line, for the journal and the report.
    pub command_line: String,
    /// Who asks for it, as the journal names the user; nothing for the operating system's user.
    pub on_behalf_of: Option<String>,
    /// The file of the journal.
    pub journal: PathBuf,
    /// The run that this one goes on with.
    pub continues: Option<RunId>,
    /// The run whose pictures this one takes back.
    pub reverts: Option<RunId>,
    /// Which phones of a cluster.
    pub selector: Selector,
    /// What is pushed.
    pub payload: Arc<dyn Payload>,
    /// What reports call it: the name of its file.
    pub payload_name: String,
    /// How it is proven.
    pub proof: Proof,
    /// How phones are pushed to.
    pub options: PushOptions,
    /// Which options were given, for a run that resumes this one.
    pub saved_options: SavedOptions,
    /// What may be repaired; nothing where the cluster may not be changed.
    pub repair: Option<Repairs>,
    /// How long changes may need.
    pub wait: WaitLimits,
    /// When phones may be pushed to.
    pub schedule: Schedule,
    /// Whether questions and failures name their cluster although there is only one: several were asked for.
    pub names_clusters: bool,
}

/// Where the phones of a rollout are.
#[derive(Debug)]
pub enum Scope {
    /// On these clusters, whose servers all differ.
    Clusters(Vec<ClusterSettings>),
    /// At these addresses; no cluster is asked.
    Addresses(Box<Addresses>),
}

/// Phones that are known by their addresses.
#[derive(Debug)]
pub struct Addresses {
    /// The push user, and this machine's side.
    pub push_access: PushAccess,
    /// The phones.
    pub entries: Vec<AddressEntry>,
}

impl Addresses {
    /// The address that the image server faces: any phone's, but only where there is no other one of this machine.
    pub(crate) fn phone_side_ip(&self) -> Option<IpAddr> {
        let mut addresses = self.entries.iter().map(|entry| entry.address);
        let first = addresses.clone().next();
        addresses.find(|address| !address.is_loopback()).or(first)
    }
}
