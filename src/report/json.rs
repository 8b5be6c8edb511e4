//! The JSON documents that scripts rely on: one envelope each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::list::ListError;
use super::record::ModelRecord;
use super::rollout::{Rollout, RolloutSummary};
use crate::domain::audit::{Audit, AuditedPhone, Summary};
use crate::domain::inventory::{ClusterInfo, Inventory, Phone};
use crate::domain::object::ObjectKind;
use crate::domain::plan::Plan;
use crate::domain::text::excerpt;
use crate::event::{ChangeResult, PhoneResult};

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: String,
    generated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a ClusterInfo>,
    #[serde(flatten)]
    body: T,
}

pub(super) fn envelope<T: Serialize>(
    what: &str,
    generated_at: Timestamp,
    cluster: Option<&ClusterInfo>,
    body: T,
) -> Result<String, ListError> {
    let schema = format!("axlpaper.{what}/v1");
    let document = Envelope { schema, generated_at, cluster, body };
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(ListError::new)
}

/// The `inventory` document.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn inventory_json(inventory: &Inventory, generated_at: Timestamp) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        taken_at: Timestamp,
        phones_on_cluster: usize,
        nodes: &'a [String],
        silent_nodes: &'a [String],
        remarks: &'a [String],
        phones: &'a [Phone],
    }
    let body = Body {
        taken_at: inventory.taken_at,
        phones_on_cluster: inventory.phones_on_cluster,
        nodes: &inventory.nodes,
        silent_nodes: &inventory.silent_nodes,
        remarks: &inventory.remarks,
        phones: &inventory.phones,
    };
    envelope("inventory", generated_at, Some(&inventory.cluster), body)
}

/// The `audit` document.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn audit_json(audit: &Audit, generated_at: Timestamp) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        taken_at: Timestamp,
        summary: &'a Summary,
        remarks: &'a [String],
        phones: &'a [AuditedPhone],
    }
    let body = Body {
        taken_at: audit.taken_at,
        summary: &audit.summary,
        remarks: &audit.remarks,
        phones: &audit.phones,
    };
    envelope("audit", generated_at, Some(&audit.cluster), body)
}

/// The `plan` document, which is the plan file too.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn plan_json(plan: &Plan, generated_at: Timestamp) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        made_at: Timestamp,
        id: &'a str,
        fingerprint: &'a str,
        changes: &'a [crate::domain::plan::Change],
    }
    let body = Body {
        made_at: plan.made_at,
        id: &plan.id,
        fingerprint: &plan.fingerprint,
        changes: &plan.changes,
    };
    envelope("plan", generated_at, Some(&plan.cluster), body)
}

/// The `rollout` document, which `push`, `ringtone`, `play`, `keys` and `demo` write too.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn rollout_json(rollout: &Rollout, generated_at: Timestamp) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        run: i64,
        object: ObjectKind,
        pushed: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        picture: Option<&'a str>,
        started_at: Timestamp,
        finished_at: Timestamp,
        stopped: Option<&'a str>,
        summary: RolloutSummary,
        #[serde(skip_serializing_if = "Option::is_none")]
        audit_summary: Option<&'a Summary>,
        remarks: &'a [String],
        changes: &'a [ChangeResult],
        phones: &'a [PhoneResult],
    }
    let body = Body {
        run: rollout.run,
        object: rollout.object,
        pushed: &rollout.picture,
        picture: (rollout.object == ObjectKind::Background).then_some(rollout.picture.as_str()),
        started_at: rollout.started_at,
        finished_at: rollout.finished_at,
        stopped: rollout.stopped.as_deref(),
        summary: rollout.summary(),
        audit_summary: rollout.audit.as_ref().map(|audit| &audit.summary),
        remarks: rollout.remarks(),
        changes: &rollout.changes,
        phones: &rollout.phones,
    };
    envelope("rollout", generated_at, Some(&rollout.cluster), body)
}

/// The `models` document. It belongs to no cluster.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn models_json(models: &[ModelRecord], generated_at: Timestamp) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        models: &'a [ModelRecord],
    }
    envelope("models", generated_at, None, Body { models })
}

/// What a plan file says that it is.
const PLAN_SCHEMA: &str = "axlpaper.plan/v1";

/// A plan file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It is not JSON, or it lacks a field.
    #[error("the plan file is damaged or is no plan")]
    Damaged(#[source] serde_json::Error),
    /// It is another kind of document.
    #[error("the file is a {found:?} document, not {PLAN_SCHEMA}")]
    OtherDocument {
        /// The schema that it names.
        found: String,
    },
    /// It is a plan of a version that this program does not know.
    #[error("the plan is an {found} document, and this program knows {PLAN_SCHEMA} only")]
    OtherVersion {
        /// The schema that it names.
        found: String,
    },
}

/// Reads a plan file.
///
/// # Errors
/// When it is no plan that this program understands.
pub fn read_plan(text: &str) -> Result<Plan, PlanFileError> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head = serde_json::from_str(text).map_err(PlanFileError::Damaged)?;
    if head.schema != PLAN_SCHEMA {
        let is_plan = head.schema.starts_with("axlpaper.plan/");
        let found = excerpt(&head.schema, 80);
        return Err(if is_plan {
            PlanFileError::OtherVersion { found }
        } else {
            PlanFileError::OtherDocument { found }
        });
    }
    serde_json::from_str(text).map_err(PlanFileError::Damaged)
}
