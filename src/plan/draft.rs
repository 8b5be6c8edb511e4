//! Numbers the drafts of a plan and computes its fingerprint.

use crate::domain::inventory::ClusterInfo;
use crate::domain::plan::{Action, Change, Plan};
use crate::domain::text::digest;

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) action: Action,
    pub(super) affects: usize,
    pub(super) reason: String,
}

pub(super) fn assemble(
    cluster: &ClusterInfo,
    made_at: jiff::Timestamp,
    drafts: Vec<Draft>,
) -> Plan {
    let numbered = (1..).zip(drafts).map(|(id, draft)| {
        let Draft { action, affects, reason } = draft;
        Change { id, action, affects, reason }
    });
    let changes: Vec<Change> = numbered.collect();
    let fingerprint = fingerprint(cluster, &changes);
    let id = fingerprint.chars().take(12).collect();
    Plan { cluster: cluster.clone(), made_at, id, fingerprint, changes }
}

/// SHA-256 over everything that the plan expects, writes and shows, in hexadecimal.
pub(super) fn fingerprint(cluster: &ClusterInfo, changes: &[Change]) -> String {
    let parts = [&cluster.host, &cluster.name, &cluster.version, &cluster.axl_version];
    // A change is made of texts, numbers and lists of them, which JSON always has words for.
    let written = changes.iter().map(|change| serde_json::to_string(change).unwrap_or_default());
    let written: Vec<String> = written.collect();
    digest(parts.into_iter().chain(&written).map(String::as_str))
}
