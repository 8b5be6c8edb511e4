//! The plan: what would be changed on the cluster, so exact that nothing is left to choose.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::association::{DeviceList, UserRef};
use super::inventory::ClusterInfo;

/// What one change does.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Adds devices to the list that a user controls; `after` is `before` with `adds` at its end.
    AssociateDevices {
        /// Whose list.
        target: UserRef,
        /// The list that the plan was made from.
        before: DeviceList,
        /// What is added.
        adds: Vec<String>,
        /// The list that will be written.
        after: DeviceList,
    },
}

/// One change, with its place in the plan.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    /// Its number in the plan, from 1.
    pub id: u32,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
    /// How many phones it touches.
    pub affects: usize,
    /// Why it is in the plan.
    pub reason: String,
}

/// An ordered list of changes with their preconditions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Plan {
    /// Which cluster it is for.
    pub cluster: ClusterInfo,
    /// When the survey behind it ended.
    pub made_at: Timestamp,
    /// A short name of this exact list of changes.
    pub id: String,
    /// SHA-256 over the cluster and the changes with everything they expect to find.
    pub fingerprint: String,
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
}
