//! Renders documents: tables, CSV, JSON, NDJSON, the recap and the HTML report.
//!
//! Pure: a document goes in, text comes out. Whatever a cluster or a phone said is hostile until it has
//! passed through the escaping of the format it goes into.

mod answer;
mod changes;
mod html;
mod json;
mod junit;
mod list;
mod recap;
mod record;
mod rollout;
mod runs;
mod schema;
mod text;
mod view;

pub use answer::{Answer, ListError};
pub use changes::{changes_recap, plan_diff};
pub use html::{HtmlError, html};
pub use json::{
    Document, PlanFileError, audit_json, changes_json, inventory_json, list_json, models_json,
    plan_json, read_plan, rollout_json,
};
pub use junit::{TestCase, TestResult, junit};
pub use list::{Format, csv, ndjson, table, wide_table};
pub use recap::{audit_recap, plan_recap, rollout_recap};
pub use record::{ModelRecord, Record};
pub use rollout::{Rollout, RolloutSummary};
pub use runs::{RunRecord, Shown, runs_json, show_json, show_recap};
pub use schema::{Schema, documents, schema_of};
pub use text::{printable, printable_lines};
pub use view::{UnknownField, View, fields};
