//! Fields, order and formats of every list.

use std::process::{Command, Stdio};

use axlpaper::sim::{PhoneSpec, Registration};
use serde_json::Value;

use crate::lab::{Lab, bare, end, fleet_of, name};

/// What a spreadsheet would take for a formula, and what XML may not hold.
const HOSTILE: &str = "=HYPERLINK(\"http://x\") <b>&\"']]>\u{202e}\u{ffff}";

fn hostile() -> Lab {
    let mut fleet = fleet_of(1);
    fleet.phones.push(PhoneSpec {
        description: HOSTILE.into(),
        device_pool: "+Pool & <Co>".into(),
        ..PhoneSpec::new(name(2), 683)
    });
    fleet.phones.push(PhoneSpec {
        registration: Registration::NeverSeen,
        device_pool: "@Home".into(),
        ..PhoneSpec::new(name(3), 683)
    });
    fleet.give_addresses();
    Lab::new(fleet)
}

fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn fields_and_order_are_the_same_in_every_format() {
    let lab = hostile();
    let asked = |format: &str| {
        lab.run(&["audit", "--format", format, "--fields", "name,verdict,ip", "--sort=-name"])
            .stdout
    };
    let csv = rows(&asked("csv"));
    assert_eq!(csv[0], ["name", "verdict", "ip"]);
    let names: Vec<&str> = csv[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, [name(3), name(2), name(1)]);
    let table = asked("table");
    let second = table.lines().nth(1).unwrap();
    assert!(second.starts_with(&name(3)) && second.contains("offline"), "{table}");
    let lines = asked("ndjson");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first, serde_json::json!({"name": name(3), "verdict": "offline", "ip": null}));
    assert!(lines.starts_with("{\"name\":"), "the order of fields is the one that was asked for");
    let json: Value = serde_json::from_str(&asked("json")).unwrap();
    assert_eq!((json["schema"].as_str(), &json["rows"][0]), (Some("axlpaper.list/v1"), &first));
    let sorted = lab.run(&["inventory", "--json", "--sort", "-name"]).stdout;
    let sorted: Value = serde_json::from_str(&sorted).unwrap();
    assert_eq!(sorted["phones"][0]["name"], name(3));
    assert_eq!(sorted["schema"], "axlpaper.inventory/v1");
}

#[test]
fn an_unknown_field_is_told_before_anybody_is_asked() {
    let lab = hostile();
    for command in ["inventory", "audit", "plan", "doctor", "runs"] {
        let told = end(lab.program(&[command, "--sort", "name,-stat"]));
        told.fails(2, &["there is no field", "the fields are"]);
    }
    lab.run(&["audit", "--fields", "vedrict"])
        .fails(2, &["\"vedrict\"", "did you mean \"verdict\"?"]);
    lab.push("push", &["--yes", "--fields", "outcom"]).fails(2, &["did you mean \"outcome\"?"]);
    lab.push("rollout", &["--dry-run", "--sort", "outcome"]).fails(2, &["no field"]);
    lab.run(&["inventory", "--format", "junit"]).fails(2, &["audited or pushed"]);
    lab.run(&["config", "show", "--sort", "orign"]).fails(2, &["did you mean \"origin\"?"]);
    let picture = lab.picture();
    let picture = picture.to_str().unwrap();
    lab.read(&["image", "tftp", picture, "-o", "tree", "--fields", "sise"])
        .fails(2, &["did you mean \"size\"?"]);
    assert!(!lab.path("tree").exists());
    std::fs::write(lab.path("keys.toml"), "[[step]]\npress = [\"Key:Soft1\"]\n").unwrap();
    lab.run(&["keys", "keys.toml", "--yes", "--fields", "objct"])
        .fails(2, &["did you mean \"object\"?"]);
    lab.run(&["plan", "--json", "--sort", "kind"]).fails(2, &["order in which they are made"]);
    assert!(lab.record().requests.is_empty());
}

#[test]
fn no_csv_holds_a_formula() {
    let lab = hostile();
    lab.push("rollout", &["--yes", "--picture-name", "=1+1"]);
    let commands: [&[&str]; 10] = [
        &["inventory"],
        &["audit"],
        &["audit", "--fields", "device_pool,description,findings"],
        &["plan"],
        &["doctor"],
        &["config", "show", "--username", "=1+1"],
        &["runs"],
        &["runs", "--fields", "command_line,host"],
        &["show", "last"],
        &["models"],
    ];
    for command in commands {
        let mut all = command.to_vec();
        all.extend(["--format", "csv"]);
        let offline = matches!(command[0], "runs" | "show" | "models");
        let ended = if offline { lab.read(&all) } else { lab.run(&all) };
        let rows = rows(&ended.stdout);
        assert!(rows.len() > 1 || command == ["plan"], "{command:?}: {ended:?}");
        for cell in rows.iter().flatten() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{command:?}: {cell:?}");
        }
    }
    for command in ["push", "rollout"] {
        let csv = lab.push(command, &["--yes", "--force", "--format", "csv"]).stdout;
        assert!(csv.contains("'@Home") && csv.contains("'+Pool"), "{command}: {csv}");
    }
}

#[test]
fn an_audit_is_a_test_suite() {
    let lab = hostile();
    let xml = lab.run(&["audit", "--format", "junit"]).stdout;
    let cases = cases(&xml);
    let of = |number: u32| cases.iter().find(|case| case.name == name(number)).unwrap();
    assert_eq!(
        (cases.len(), of(2).class.as_str(), of(2).ended.as_str()),
        (3, "+Pool & <Co>", "failure")
    );
    assert_eq!((of(3).class.as_str(), of(3).ended.as_str()), ("@Home", "skipped"));
    assert!(xml.contains("tests=\"3\" failures=\"2\" skipped=\"1\""), "{xml}");
    assert!(xml.contains("type=\"not_associated\""), "{xml}");
    assert!(!xml.contains('\u{202e}') && !xml.contains('\u{ffff}'), "{xml}");
    let pushed = lab.push("rollout", &["--yes", "--format", "junit"]).stdout;
    let ended: Vec<String> = self::cases(&pushed).into_iter().map(|case| case.ended).collect();
    assert_eq!(ended, ["", "", "skipped"], "{pushed}");
}

struct Case {
    name: String,
    class: String,
    ended: String,
}

/// Reads test results with a reader that knows nothing of what wrote them.
fn cases(xml: &str) -> Vec<Case> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut cases: Vec<Case> = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        if matches!(event, Event::Eof) {
            return cases;
        }
        let (Event::Start(tag) | Event::Empty(tag)) = event else { continue };
        let value = |name: &str| {
            let found = tag.try_get_attribute(name).unwrap()?;
            Some(quick_xml::escape::unescape(&found.value).unwrap().into_owned())
        };
        match (tag.name().as_ref(), cases.last_mut()) {
            ("testcase", _) => cases.push(Case {
                name: value("name").unwrap(),
                class: value("classname").unwrap(),
                ended: String::new(),
            }),
            (kind @ ("failure" | "skipped"), Some(case)) => kind.clone_into(&mut case.ended),
            _ => {}
        }
    }
}

#[test]
fn changes_and_checks_have_formats_too() {
    let lab = hostile();
    lab.run(&["plan", "-o", "plan.json"]);
    let applied = lab.run(&["apply", "plan.json", "--yes", "--format", "csv"]).stdout;
    let applied = rows(&applied);
    assert_eq!(applied[0], ["change", "kind", "target", "state", "affects", "message"]);
    assert_eq!((applied[1][1].as_str(), applied[1][3].as_str()), ("associate_devices", "applied"));
    let reverted =
        lab.run(&["revert", "last", "--yes", "--format", "ndjson", "--output", "back.ndjson"]);
    assert_eq!((reverted.code, reverted.stdout.as_str()), (0, ""), "{reverted:?}");
    let text = std::fs::read_to_string(lab.path("back.ndjson")).unwrap();
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(line["state"], "applied");
    let checks = lab.run(&["doctor", "--fields", "id,state", "--sort", "id"]).stdout;
    let ids: Vec<&str> =
        checks.lines().skip(1).map(|line| line.split(' ').next().unwrap()).collect();
    assert!(ids.is_sorted() && ids.len() > 5, "{checks}");
}

#[test]
fn an_empty_list_is_a_header_or_nothing() {
    let empty = |format: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut program = bare();
        program.args(["runs", "--format", format]);
        program.env("AXLPAPER_STATE", folder.path().join("none"));
        let ended = end(program);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("no runs yet in"), "{ended:?}");
        // A journal that is named has to be there, as for other commands.
        let mut program = bare();
        program.args(["runs", "--format", format, "--state"]).arg(folder.path().join("none"));
        end(program).fails(2, &["there is no journal at", "none"]);
        ended.stdout
    };
    assert_eq!(empty("csv"), "run,began_at,who,cluster,command,state,exit,phones,what\n");
    assert_eq!(empty("ndjson"), "");
    assert!(empty("table").starts_with("run") && empty("table").lines().count() == 1);
    assert_eq!(
        serde_json::from_str::<Value>(&empty("json")).unwrap()["runs"],
        serde_json::json!([])
    );
}

#[test]
fn a_document_whose_reader_goes_away_is_no_error() {
    // More than a pipe holds.
    let lab = Lab::of_phones(400);
    let program = lab.program(&["audit", "--json", "--pin-sha256", &lab.cluster.cert_sha256()]);
    let mut command = Command::new(program.get_program());
    command.args(program.get_args()).env_clear();
    command.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("error:"), "{said}");
}
