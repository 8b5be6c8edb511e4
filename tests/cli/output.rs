//! Formats, files and hostile text.

use axlpaper::sim::PhoneSpec;
use serde_json::Value;

use crate::lab::{Lab, bare, end, fleet_of, name};

fn hostile() -> Lab {
    let mut fleet = fleet_of(1);
    fleet.phones.push(PhoneSpec {
        description: "=HYPERLINK(\"http://x\") <b>&\"'</b> \u{202e}txet é".into(),
        ..PhoneSpec::new(name(2), 683)
    });
    fleet.give_addresses();
    Lab::new(fleet)
}

#[test]
fn every_format_of_a_list() {
    let lab = hostile();
    let table = lab.run(&["inventory"]);
    assert!(table.stdout.starts_with("name") && table.stdout.lines().count() == 3, "{table:?}");
    assert!(!table.stdout.contains('\u{202e}'), "{table:?}");
    let csv = lab.run(&["inventory", "--format", "csv"]).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[1].iter().any(|cell| cell.starts_with("'=HYPERLINK")), "{csv}");
    let ndjson = lab.run(&["inventory", "--format", "ndjson"]).stdout;
    let lines: Vec<Value> =
        ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["name"], name(2));
    let json: Value = serde_json::from_str(&lab.run(&["inventory", "--json"]).stdout).unwrap();
    assert_eq!(json["schema"], "axlpaper.inventory/v1");
    assert!(json["phones"][1]["description"].as_str().unwrap().starts_with("=HYPERLINK"));
    assert_eq!(json["cluster"]["name"], "127.0.0.1");
}

#[test]
fn an_audit_says_what_to_do_in_every_row() {
    let csv = hostile().run(&["audit", "--format", "csv"]).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let remedy = reader.headers().unwrap().iter().position(|name| name == "remedy").unwrap();
    for row in reader.records() {
        assert!(row.unwrap()[remedy].contains("axlpaper rollout"), "{csv}");
    }
}

#[test]
fn an_answer_goes_into_a_file() {
    let lab = hostile();
    let ended = lab.run(&["audit", "--json", "--output", "audit.json"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended:?}");
    let text = std::fs::read_to_string(lab.path("audit.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["summary"]["total"], 2);
    lab.run(&["audit", "--output", "no/such/folder.json"]).fails(1, &["no/such/folder.json"]);
}

#[test]
fn hostile_text_is_text_in_the_report() {
    let lab = hostile();
    let ended = lab.push("rollout", &["--yes", "--report", "report.html"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let page = std::fs::read_to_string(lab.path("report.html")).unwrap();
    assert!(!page.contains("<b>&\""), "a description became markup");
    assert!(page.contains("=HYPERLINK"));
}

#[test]
fn the_catalogue_is_shown_without_a_cluster() {
    let mut program = bare();
    program.args(["models", "--json"]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    let models = json["models"].as_array().unwrap();
    let found = models.iter().find(|model| model["name"] == "Cisco 8841").unwrap();
    assert_eq!(found["image"]["background"], "800x480");
    assert_eq!(found["number"], 683);
}

#[test]
fn help_names_every_command() {
    let mut program = bare();
    program.arg("--help");
    let ended = end(program);
    assert_eq!(ended.code, 0);
    for command in
        ["demo", "sim", "inventory", "audit", "plan", "apply", "push", "rollout", "models"]
    {
        assert!(ended.stdout.contains(command), "{ended:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    // More than a pipe holds.
    let lab = Lab::of_phones(1500);
    let program = lab.program(&["inventory", "--format", "csv"]);
    let mut command = Command::new(program.get_program());
    command.args(program.get_args()).env_clear();
    command.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.args(["--pin-sha256", &lab.cluster.cert_sha256()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("name,"), "{first}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
