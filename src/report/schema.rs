//! The JSON Schemas of the documents, made from the types that write them.

use jiff::Timestamp;
use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::clusters::ClustersBody;
use super::hosted::HostBody;
use super::json::{AuditBody, ChangesBody, InventoryBody, ModelsBody, PlanBody, RolloutBody};
use super::phone::PhoneHistory;
use super::phone_counts::CountsBody;
use super::pictures::PicturesBody;
use super::runs::{ControlBody, RunsBody, ShowBody};
use super::settings::ConfigBody;
use crate::domain::inventory::ClusterInfo;

/// The schema of one kind of document.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The kind, such as `audit`.
    pub what: &'static str,
    pub schema: Value,
}

impl Schema {
    pub fn text(&self) -> String {
        // `#` writes JSON with line ends, which cannot fail.
        format!("{:#}\n", self.schema)
    }
}

/// Returns the schemas of all documents that are made here.
pub fn documents() -> Vec<Schema> {
    vec![
        about_cluster::<InventoryBody<'_>>("inventory"),
        about_cluster::<CountsBody<'_, 0>>("counts"),
        about_cluster::<AuditBody<'_>>("audit"),
        about_cluster::<PlanBody<'_>>("plan"),
        about_cluster::<ChangesBody<'_>>("apply"),
        about_cluster::<ChangesBody<'_>>("revert"),
        about_cluster::<RolloutBody<'_>>("rollout"),
        schema_of::<RunsBody<'_>>("runs"),
        schema_of::<ShowBody<'_>>("show"),
        schema_of::<PhoneHistory>("phone"),
        schema_of::<ControlBody>("control"),
        schema_of::<ModelsBody<'_>>("models"),
        schema_of::<PicturesBody<'_>>("pictures"),
        schema_of::<HostBody<'_>>("host"),
        schema_of::<ConfigBody<'_>>("config"),
        schema_of::<ClustersBody<Map<String, Value>>>("clusters"),
        schema_of::<AnyList>("list"),
    ]
}

/// What is in a `list` document, whatever it is a list of.
#[derive(JsonSchema, Serialize)]
struct AnyList {
    /// The fields, in the order in which they were asked for.
    fields: Vec<String>,
    /// The rows: each has these fields and no others.
    rows: Vec<Map<String, Value>>,
}

/// What every document begins with.
#[derive(JsonSchema, Serialize)]
struct Alone<T> {
    /// What kind of document this is, and in which version.
    schema: String,
    /// When it was written.
    generated_at: Timestamp,
    #[serde(flatten)]
    body: T,
}

/// What a document about a cluster begins with.
#[derive(JsonSchema, Serialize)]
struct AboutCluster<T> {
    /// What kind of document this is, and in which version.
    schema: String,
    /// When it was written.
    generated_at: Timestamp,
    /// The cluster that it is about.
    cluster: ClusterInfo,
    #[serde(flatten)]
    body: T,
}

/// Makes the schema of a document with this body that is about no cluster.
pub fn schema_of<T: JsonSchema>(what: &'static str) -> Schema {
    named(what, generator().into_root_schema_for::<Alone<T>>())
}

fn about_cluster<T: JsonSchema>(what: &'static str) -> Schema {
    named(what, generator().into_root_schema_for::<AboutCluster<T>>())
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

fn named(what: &'static str, schema: schemars::Schema) -> Schema {
    let mut schema = schema.to_value();
    let name = format!("axlpaper.{what}/v1");
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!(name));
        root.insert(
            "description".to_owned(),
            json!(format!("The `{what}` document. Fields are only ever added within v1.")),
        );
    }
    if let Some(field) = schema.pointer_mut("/properties/schema").and_then(Value::as_object_mut) {
        field.insert("const".to_owned(), json!(name));
    }
    Schema { what, schema }
}
