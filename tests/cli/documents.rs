//! Real documents against the schemas under `docs/json`, made strict: a field that no schema names fails.

use axlpaper::cli::schemas;
use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{PhoneSpec, Registration};
use serde_json::{Value, json};

use crate::lab::{Ended, Lab, bare, end, fleet_of, name};

/// Phones of every verdict.
fn mixed() -> Lab {
    let mut fleet = fleet_of(2);
    fleet
        .phones
        .push(PhoneSpec { personalization: Setting::Disabled, ..PhoneSpec::new(name(3), 683) });
    fleet.phones.push(PhoneSpec {
        registration: Registration::UnRegistered,
        ..PhoneSpec::new(name(4), 683)
    });
    fleet.phones.push(PhoneSpec::new(name(5), 503));
    fleet.give_addresses();
    Lab::new(fleet)
}

/// The schema of a kind of document that takes no field which it does not name.
fn strict(what: &str) -> Value {
    let schemas = schemas();
    let found = schemas.into_iter().find(|schema| schema.what == what);
    let mut schema = found.unwrap_or_else(|| panic!("no schema of {what}")).schema;
    close(&mut schema);
    let parts = schema.get_mut("$defs").and_then(Value::as_object_mut);
    // What stands for a part of another object cannot say that nothing else is there.
    let parts = parts.into_iter().flatten().filter(|(name, _)| !PARTS.contains(&name.as_str()));
    parts.for_each(|(_, part)| close(part));
    schema
}

/// Schemas that are flattened into others.
const PARTS: [&str; 2] = ["PersonalizationChange", "WebAccessChange"];

fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.contains_key("properties") && !object.contains_key("additionalProperties") {
        object.insert("unevaluatedProperties".to_owned(), json!(false));
    }
}

fn holds(what: &str, ended: &Ended) -> Value {
    let document: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    keeps(what, &document);
    document
}

/// Makes sure that a document keeps to the schema of its kind.
pub fn keeps(what: &str, document: &Value) {
    let validator = jsonschema::validator_for(&strict(what)).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

#[test]
fn what_only_reads_keeps_to_its_schema() {
    let lab = mixed();
    let phones = |document: &Value| document["phones"].as_array().unwrap().len();
    assert_eq!(phones(&holds("inventory", &lab.run(&["inventory", "--json"]))), 5);
    assert_eq!(phones(&holds("audit", &lab.run(&["audit", "--json"]))), 5);
    let repairs = ["plan", "--json", "--repair", "personalization,web-access"];
    let plan = holds("plan", &lab.run(&repairs));
    assert!(plan["changes"].as_array().unwrap().len() > 1, "{plan}");
    let dry = lab.push("rollout", &["--dry-run", "--json"]);
    assert_eq!(phones(&holds("audit", &dry)), 5);
    holds("doctor", &lab.run(&["doctor", "--json"]));
    holds("trust", &lab.run(&["trust", "--json", "--config", "new.toml"]));
    holds("list", &lab.run(&["audit", "--json", "--fields", "name,verdict,findings,ip,message"]));
    let mut program = bare();
    program.args(["models", "--json"]);
    holds("models", &end(program));
    let settings = holds("config", &lab.run(&["config", "show", "--json"]));
    assert!(settings["settings"].as_array().unwrap().len() > 20, "{settings}");
    let picture = lab.picture();
    let picture = picture.to_str().unwrap();
    let made = ["--model", "8841", "--squeeze", "0", "--json"];
    for (command, folder) in [("prepare", "files"), ("tftp", "tree")] {
        let all = [&["image", command, picture, "-o", folder], &made[..]].concat();
        let files = holds("pictures", &lab.read(&all));
        assert!(files["files"].as_array().unwrap().len() > 2, "{files}");
    }
    let fields = ["--fields", "file,size,contrast", "--force", "--sort", "file"];
    let some = [&["image", "tftp", picture, "-o", "tree"], &made[..], &fields].concat();
    let list = holds("list", &lab.read(&some));
    let readme = json!({"file": "README.txt", "size": null, "contrast": null});
    assert!(list["rows"].as_array().unwrap().contains(&readme), "{list}");
}

#[test]
fn what_changes_something_keeps_to_its_schema() {
    let lab = mixed();
    holds("runs", &lab.read(&["runs", "--json"]));
    lab.run(&["plan", "--repair", "personalization", "-o", "plan.json"]);
    let applied = holds("apply", &lab.run(&["apply", "plan.json", "--yes", "--json"]));
    assert!(applied["changes"].as_array().unwrap().len() > 1, "{applied}");
    holds("show", &lab.read(&["show", "last", "--json"]));
    let arguments = ["--repair", "personalization", "--yes", "--json"];
    let rollout = holds("rollout", &lab.push("rollout", &arguments));
    assert!(rollout["summary"]["verified"].as_u64() >= Some(2), "{rollout}");
    let shown = holds("show", &lab.read(&["show", "last", "--json"]));
    assert_eq!(shown["phones"], rollout["phones"]);
    holds("rollout", &lab.push("push", &["--yes", "--json", "--force"]));
    holds("plan", &lab.run(&["revert", "1", "--dry-run", "--json"]));
    let reverted = holds("revert", &lab.run(&["revert", "1", "--yes", "--json"]));
    assert!(!reverted["changes"].as_array().unwrap().is_empty(), "{reverted}");
    let runs = holds("runs", &lab.read(&["runs", "--json"]));
    assert_eq!(runs["runs"].as_array().unwrap().len(), 4);
    let shown = holds("show", &lab.read(&["show", "2", "--json"]));
    assert!(!shown["downloads"].as_array().unwrap().is_empty(), "{shown}");
}

#[test]
fn a_push_without_a_cluster_keeps_to_its_schema() {
    let lab = Lab::of_phones(1);
    let inventory: Value = serde_json::from_str(&lab.run(&["inventory", "--json"]).stdout).unwrap();
    let address = inventory["phones"][0]["registration"]["ip"].as_str().unwrap();
    // Only a rollout lets the push user in.
    assert_eq!(lab.push("rollout", &["--yes"]).code, 0);
    let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
    let picture = picture.to_str().unwrap();
    let arguments =
        ["push", picture, "--address", address, "--phone-port", &port, "--yes", "--json"];
    let pushed = holds("rollout", &lab.read(&arguments));
    assert_eq!(
        (pushed["phones"][0]["outcome"].as_str(), pushed.get("audit_summary")),
        (Some("verified"), None)
    );
}

#[test]
fn a_strict_schema_sees_a_field_that_it_does_not_name() {
    let lab = Lab::of_phones(1);
    let mut document: Value = serde_json::from_str(&lab.run(&["audit", "--json"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&strict("audit")).unwrap();
    assert!(validator.is_valid(&document));
    document["phones"][0]["registration"]["news"] = json!(1);
    assert!(!validator.is_valid(&document));
    document["phones"][0]["registration"].as_object_mut().unwrap().remove("news");
    document["phones"][0].as_object_mut().unwrap().remove("verdict");
    assert!(!validator.is_valid(&document));
}
