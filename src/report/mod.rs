//! Renders documents: tables, CSV, JSON, NDJSON, the recap and the HTML report.
//!
//! Pure: a document goes in, text comes out. Whatever a cluster or a phone said is hostile until it has
//! passed through the escaping of the format it goes into.

mod answer;
mod changes;
mod chronicle;
mod clusters;
mod contact_sheet;
mod hosted;
mod html;
mod json;
mod junit;
mod list;
mod next_step;
mod other_downloads;
mod picture_rules;
mod pictures;
mod recap;
mod record;
mod ring_tones;
mod rollout;
mod runs;
mod schema;
mod settings;
mod text;
mod tftp;
mod view;
mod words;

pub use answer::{Answer, ListError};
pub use changes::{changes_recap, plan_diff, plan_outline};
pub use chronicle::{AuditSeen, Chronicle, ImageSeen, PhoneSeen, Screenshot};
pub use clusters::{ClusterEnd, ClusterFailure, OfCluster, clusters_json, clusters_recap};
pub use contact_sheet::{ContactSheet, SheetLabel, SheetScreen, contact_sheet_html};
pub use hosted::{HostedFile, hosted_json};
pub use html::{HtmlError, html};
pub use json::{
    Document, PlanFileError, audit_json, changes_json, inventory_json, list_json, models_json,
    plan_json, read_plan, rollout_json,
};
pub use junit::{Suite, TestCase, TestResult, junit};
pub use list::{Format, csv, ndjson, table, wide_table};
pub use next_step::next_step;
pub use pictures::{PictureFile, PictureFileKind, pictures_json};
pub use recap::{audit_recap, plan_recap, rollout_recap};
pub use record::{ModelRecord, Record};
pub use rollout::{Rollout, RolloutSummary};
pub use runs::{RunRecord, Shown, download_line, runs_json, show_json, show_recap};
pub use schema::{Schema, documents, schema_of};
pub use settings::{SettingRecord, settings_json};
pub use text::{printable, printable_lines};
pub use tftp::{TftpFolder, tftp_steps};
pub use view::{UnknownField, View, fields};
