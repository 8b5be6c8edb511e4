//! The JSON Schemas under `docs/json` are those of the types that write the documents.
//!
//! `AXLPAPER_UPDATE_SCHEMAS=1 cargo test --test schemas` writes them anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axlpaper::cli::schemas;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json")
}

fn file_of(what: &str) -> String {
    format!("{what}.schema.json")
}

#[test]
fn the_files_are_those_of_the_types() {
    let update = std::env::var_os("AXLPAPER_UPDATE_SCHEMAS").is_some();
    let mut stale = Vec::new();
    for schema in schemas() {
        let path = folder().join(file_of(schema.what));
        if update {
            std::fs::write(&path, schema.text()).unwrap();
        }
        if std::fs::read_to_string(&path).ok() != Some(schema.text()) {
            stale.push(path.display().to_string());
        }
    }
    assert!(
        stale.is_empty(),
        "run AXLPAPER_UPDATE_SCHEMAS=1 cargo test --test schemas, and look at the difference: fields may \
         only be added. Stale: {stale:?}"
    );
}

#[test]
fn there_is_a_file_for_every_document_and_no_other() {
    let named: BTreeSet<String> = schemas().iter().map(|schema| file_of(schema.what)).collect();
    let found: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".schema.json"))
        .collect();
    assert_eq!(found, named);
}

#[test]
fn every_schema_is_one_and_names_its_document() {
    for schema in schemas() {
        assert!(jsonschema::meta::is_valid(&schema.schema), "{}", schema.what);
        let name = schema.schema.pointer("/properties/schema/const").unwrap();
        assert_eq!(name, &serde_json::json!(format!("axlpaper.{}/v1", schema.what)));
    }
}
