//! The JSON documents that scripts rely on: one envelope each.

use std::borrow::Cow;
use std::io;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};

use super::other_downloads::{OtherFetcher, other_fetchers};
use crate::domain::audit::{Audit, AuditedPhone, Summary};
use crate::domain::inventory::{ClusterInfo, Inventory, Phone};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::plan::{Change, Plan};
use crate::domain::push_action::PushAction;
use crate::domain::text::{escaped_json, quoted, sanitize_truncate};
use crate::event::{ChangeResult, ChangeState, PhoneResult};
use crate::journal::{ChangeRow, EventRow};
use crate::report::row::{ModelRecord, Row};
use crate::report::run_report::{RolloutSummary, RunReport};
use crate::report::table::Chosen;
use crate::report::writable::{JsonOut, ListError, Writable};

/// A document: what it is, when it was made, about which cluster, and its body.
#[derive(Clone, Debug, Serialize)]
pub struct Document<'a, T> {
    /// What kind of document this is, and in which version.
    schema: String,
    /// When it was written.
    generated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<Cow<'a, ClusterInfo>>,
    #[serde(flatten)]
    body: T,
}

impl<'a, T: Serialize> Document<'a, T> {
    /// Makes one of a kind, such as `audit`.
    pub fn new(
        what: &str,
        generated_at: Timestamp,
        cluster: Option<Cow<'a, ClusterInfo>>,
        body: T,
    ) -> Self {
        Self { schema: format!("axlpaper.{what}/v1"), generated_at, cluster, body }
    }

    /// Returns it as a text, for documents that are read again.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn text(&self) -> Result<String, ListError> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        Ok(escaped_json(&json).into_owned())
    }
}

impl<T: Serialize> Writable for Document<'_, T> {
    fn write_to(&self, out: &mut dyn io::Write) -> Result<(), ListError> {
        serde_json::to_writer_pretty(JsonOut(&mut *out), self)?;
        Ok(out.write_all(b"\n")?)
    }
}

/// What is in an `inventory` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct InventoryBody<'a> {
    /// When the survey ended.
    taken_at: Timestamp,
    /// How many phones the cluster has, selected or not.
    phones_on_cluster: usize,
    /// Nodes that answered.
    nodes: &'a [String],
    /// Nodes that did not answer.
    silent_nodes: &'a [String],
    /// What could not be read, in sentences.
    remarks: &'a [String],
    /// The selected phones.
    phones: &'a [Phone],
}

/// The `inventory` document.
pub fn inventory_json(
    inventory: &Inventory,
    generated_at: Timestamp,
) -> Document<'_, impl Serialize> {
    let body = InventoryBody {
        taken_at: inventory.taken_at,
        phones_on_cluster: inventory.phones_on_cluster,
        nodes: &inventory.nodes,
        silent_nodes: &inventory.silent_nodes,
        remarks: &inventory.remarks,
        phones: &inventory.phones,
    };
    Document::new("inventory", generated_at, Some(Cow::Borrowed(&inventory.cluster)), body)
}

/// What is in an `audit` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct AuditBody<'a> {
    /// When the survey behind it ended.
    taken_at: Timestamp,
    /// Counts of all phones, by verdict and by finding.
    summary: &'a Summary,
    /// What could not be read, in sentences.
    remarks: &'a [String],
    /// The selected phones.
    phones: &'a [AuditedPhone],
}

/// The `audit` document.
pub fn audit_json(audit: &Audit, generated_at: Timestamp) -> Document<'_, impl Serialize> {
    let body = AuditBody {
        taken_at: audit.taken_at,
        summary: &audit.summary,
        remarks: &audit.remarks,
        phones: &audit.phones,
    };
    Document::new("audit", generated_at, Some(Cow::Borrowed(&audit.cluster)), body)
}

/// What is in a `plan` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct PlanBody<'a> {
    /// When the survey behind it ended.
    made_at: Timestamp,
    /// A short name of this exact list of changes.
    id: &'a str,
    /// SHA-256 over the cluster and the changes with everything they expect to find.
    fingerprint: &'a str,
    /// The changes, in the order in which they are made.
    changes: &'a [Change],
}

/// The `plan` document, which is the plan file too.
pub fn plan_json(plan: &Plan, generated_at: Timestamp) -> Document<'_, impl Serialize> {
    let body = PlanBody {
        made_at: plan.made_at,
        id: &plan.id,
        fingerprint: &plan.fingerprint,
        changes: &plan.changes,
    };
    Document::new("plan", generated_at, Some(Cow::Borrowed(&plan.cluster)), body)
}

/// What is in an `apply` or a `revert` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct ChangesBody<'a> {
    /// The plan that was carried out.
    plan: &'a str,
    /// The changes with how they ended.
    changes: &'a [ChangeResult],
}

/// The `apply` document, and that of `revert`: `what` says which.
pub fn changes_json<'a>(
    what: &str,
    plan: &'a Plan,
    changes: &'a [ChangeResult],
    generated_at: Timestamp,
) -> Document<'a, impl Serialize> {
    let body = ChangesBody { plan: &plan.id, changes };
    Document::new(what, generated_at, Some(Cow::Borrowed(&plan.cluster)), body)
}

/// What is in a `rollout` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct RolloutBody<'a> {
    /// The number of the run in the journal; 0 for a dry run by address.
    run: i64,
    /// What was pushed.
    object: ObjectKind,
    /// What was done with it: a picture can also be taken off.
    action: PushAction,
    /// The name of what was pushed: mostly that of its file.
    pushed: &'a str,
    /// The picture's file name, where a picture was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'a str>,
    /// When the run began.
    started_at: Timestamp,
    /// When it ended.
    finished_at: Timestamp,
    /// Why it ended before its time.
    stopped: Option<&'a str>,
    /// Counts of all phones by outcome.
    summary: RolloutSummary,
    /// The counts of the audit that it was decided by; not there where no cluster was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_summary: Option<&'a Summary>,
    /// What could not be read, in sentences.
    remarks: &'a [String],
    /// Addresses that asked for files of phones whose address they are not.
    other_fetchers: Vec<OtherFetcher<'a>>,
    /// How the run was controlled while it worked: pauses, approvals, soak periods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    control: Vec<&'a EventRow>,
    /// What was changed on the cluster.
    #[schemars(with = "Vec<ChangeResult>")]
    changes: Vec<ChangeEnded<'a>>,
    /// Every selected phone.
    phones: &'a [PhoneResult],
}

/// The `rollout` document, which `push`, `ringtone`, `play`, `keys` and `demo` write too.
pub fn rollout_json(report: &RunReport, generated_at: Timestamp) -> Document<'_, impl Serialize> {
    let pushed = report.file.as_deref().unwrap_or_default();
    let body = RolloutBody {
        run: report.run.id,
        object: report.action.object(),
        action: report.action,
        pushed,
        picture: report.action.is_picture().then_some(pushed),
        started_at: report.run.began_at,
        finished_at: report.finished_at(),
        stopped: report.stopped(),
        summary: report.summary(),
        audit_summary: report.audit.as_ref().map(|audit| &audit.summary),
        remarks: report.remarks(),
        other_fetchers: other_fetchers(&report.phones),
        control: report.control_events().collect(),
        changes: report.changes.iter().map(ChangeEnded::of).collect(),
        phones: &report.phones,
    };
    Document::new("rollout", generated_at, Some(report.cluster()), body)
}

/// A change as the `rollout` document has it.
#[derive(Clone, Debug, Serialize)]
struct ChangeEnded<'a> {
    change: &'a Change,
    state: Option<ChangeState>,
    message: Option<&'a str>,
}

impl<'a> ChangeEnded<'a> {
    fn of(row: &'a ChangeRow) -> Self {
        Self { change: &row.change, state: row.state, message: row.message.as_deref() }
    }
}

/// What is in a `models` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct ModelsBody<'a> {
    /// The catalogue.
    models: &'a [ModelRecord],
}

/// The `models` document. It belongs to no cluster.
pub fn models_json(
    models: &[ModelRecord],
    generated_at: Timestamp,
) -> Document<'static, impl Serialize> {
    Document::new("models", generated_at, None, ModelsBody { models })
}

/// What is in a `list` document: rows of which only some fields were asked for.
#[derive(Clone, Debug, Serialize)]
#[serde(bound = "T: Row")]
pub(super) struct ListBody<'a, T> {
    /// The fields, in the order in which they were asked for.
    fields: &'a [&'static str],
    /// The rows: each has these fields and no others.
    #[serde(serialize_with = "only_fields")]
    rows: Rows<'a, T>,
}

/// Rows, and the fields of them that count.
#[derive(Clone, Copy, Debug)]
struct Rows<'a, T>(&'a [T], &'a [&'static str]);

fn only_fields<T: Row, S: Serializer>(
    rows: &Rows<'_, T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(rows.0.len()))?;
    for row in rows.0 {
        sequence.serialize_element(&Chosen::of(row, rows.1))?;
    }
    sequence.end()
}

/// The `list` document, which replaces a list's own document where fields were asked for.
pub fn list_json<'a, T: Row>(
    rows: &'a [T],
    fields: &'a [&'static str],
    generated_at: Timestamp,
) -> Document<'static, impl Serialize> {
    Document::new("list", generated_at, None, ListBody { fields, rows: Rows(rows, fields) })
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
    #[error("the file is a {} document, not {PLAN_SCHEMA}", quoted(found))]
    OtherDocument { found: String },
    /// It is a plan of a version that this program does not know.
    #[error("the plan is an {found} document, and this program knows {PLAN_SCHEMA} only")]
    OtherVersion { found: String },
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
        let found = sanitize_truncate(&head.schema, 80);
        return Err(if is_plan {
            PlanFileError::OtherVersion { found }
        } else {
            PlanFileError::OtherDocument { found }
        });
    }
    serde_json::from_str(text).map_err(PlanFileError::Damaged)
}
