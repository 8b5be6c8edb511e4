//! The JSON Schemas of the documents, made from the types that write them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Value, json};

use super::json::{
    AuditBody, ChangesBody, Document, InventoryBody, ModelsBody, PlanBody, RolloutBody,
};
use super::runs::{RunsBody, ShowBody};

/// The schema of one kind of document.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The kind, such as `audit`.
    pub what: &'static str,
    /// The schema itself.
    pub schema: Value,
}

impl Schema {
    /// Returns the text of its file.
    pub fn text(&self) -> String {
        // `#` writes JSON with line ends, which cannot fail.
        format!("{:#}\n", self.schema)
    }
}

/// Returns the schemas of all documents that are made here.
pub fn documents() -> Vec<Schema> {
    vec![
        schema_of::<InventoryBody<'_>>("inventory"),
        schema_of::<AuditBody<'_>>("audit"),
        schema_of::<PlanBody<'_>>("plan"),
        schema_of::<ChangesBody<'_>>("apply"),
        schema_of::<ChangesBody<'_>>("revert"),
        schema_of::<RolloutBody<'_>>("rollout"),
        schema_of::<RunsBody<'_>>("runs"),
        schema_of::<ShowBody<'_>>("show"),
        schema_of::<ModelsBody<'_>>("models"),
        schema_of::<AnyList>("list"),
    ]
}

/// What is in a `list` document, whatever it is a list of.
#[derive(JsonSchema, Serialize)]
struct AnyList {
    /// The fields, in the order in which they were asked for.
    fields: Vec<String>,
    /// The rows: each has these fields and no others.
    rows: Vec<serde_json::Map<String, Value>>,
}

/// Makes the schema of a document with this body.
pub fn schema_of<T: JsonSchema>(what: &'static str) -> Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Document<'_, T>>().to_value();
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
