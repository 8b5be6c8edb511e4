//! Renders documents: tables, CSV, JSON, NDJSON, the recap and the HTML report.
//!
//! Pure: a document goes in, text comes out. Whatever a cluster or a phone said is hostile until it has
//! passed through the escaping of the format it goes into.
mod causes;
mod clock;
mod field_selection;
mod past_runs;
mod row;
mod run_report;
mod summary;
mod table;
mod wording;
mod writable;

mod changes;
mod clusters;
mod contact_sheet;
mod hosted;
mod html;
mod json;
mod junit;
mod next_step;
mod other_downloads;
mod phone;
mod phone_counts;
mod pictures;
mod runs;
mod schema;
mod settings;
mod text;
mod tftp;

#[cfg(test)]
pub(crate) mod testing;

pub use crate::report::field_selection::{FieldSelection, UnknownField, fields};
pub use crate::report::past_runs::PastRun;
pub use crate::report::row::{ModelRecord, Row, TestCase, TestResult};
pub use crate::report::run_report::{
    PhonePicture, RolloutSummary, RunReport, RunReportBuilder, Screenshot, change_rows,
};
pub use crate::report::summary::{audit_recap, plan_recap, planned_recap, rollout_recap};
pub use crate::report::table::{Format, Layout, csv, ndjson, table};
pub use crate::report::writable::{ListError, Writable};
pub use changes::{changes_recap, plan_diff, plan_outline};
pub use clusters::{ClusterEnd, ClusterFailure, OfCluster, clusters_json, clusters_recap};
pub use contact_sheet::{ContactSheet, SheetLabel, SheetScreen, contact_sheet_html};
pub use hosted::{HostedFile, hosted_json};
pub(crate) use html::{
    Bar, Count, RunPanel, THEME, TextPart, audit_panel, run_panel, section_parts as text_parts,
    tally,
};
pub use html::{HtmlError, html};
pub use json::{
    Document, PlanFileError, audit_json, changes_json, inventory_json, list_json, models_json,
    plan_json, read_plan, rollout_json,
};
pub use junit::{Suite, junit};
pub use next_step::next_step;
pub(crate) use phone::phone_panel;
pub use phone::{PhoneHistory, PhoneSeen, phone_json, phone_text};
pub use phone_counts::{CountBy, PhoneCount, PhoneCounts, counts_json};
pub use pictures::{PictureFile, PictureFileKind, pictures_json};
pub use runs::{
    RunRecord, WatchRecord, control_json, download_line, runs_json, show_json, show_recap,
    watch_approved_json,
};
pub use schema::{Schema, documents, schema_of};
pub use settings::{SettingRecord, settings_json};
pub(crate) use text::moment;
pub use text::{printable, printable_lines};
pub use tftp::{TftpFolder, TftpList, tftp_steps};
