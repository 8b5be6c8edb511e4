//! The JSON Schemas of all documents: those of the reports, and those that only the command line makes.

use super::commands::trust::TrustBody;
use crate::doctor::DoctorBody;
use crate::report::{Schema, documents, schema_of};
use crate::watch::notify::notification::Notification;

/// Returns the schema of every kind of document that a command can answer with.
pub fn schemas() -> Vec<Schema> {
    let mut all = documents();
    all.push(schema_of::<DoctorBody<'_>>("doctor"));
    all.push(schema_of::<Notification>("notification"));
    all.push(schema_of::<TrustBody<'_>>("trust"));
    all
}
