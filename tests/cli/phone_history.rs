//! One phone over all runs, some phones of a run, and phones that are counted.

use axlpaper::sim::{PhoneSpec, Quirk};
use serde_json::{Value, json};

use crate::documents::keeps;
use crate::lab::{Ended, Lab, fleet_of, name};
use crate::snapshots::Transcript;

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// A lab with two runs: the second phone refused the first one's push.
fn after_two_runs() -> Lab {
    let lab = Lab::of_phones(3);
    lab.cluster.set_quirk(&name(2), Quirk::ErrorWithOk { number: 3 });
    assert_eq!(lab.rollout(&["--attempts", "1"]).0, 3);
    lab.cluster.set_quirk(&name(2), Quirk::Normal);
    assert_eq!(lab.rollout(&[]).0, 0);
    lab
}

#[test]
fn a_phone_is_shown_over_all_runs() {
    let lab = after_two_runs();
    let shown = lab.run(&["phone", &name(2), "--format", "json"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let phone = document(&shown);
    keeps("phone", &phone);
    assert_eq!(phone["seen"]["run"], Value::Null, "the cluster was asked now");
    assert_eq!(phone["seen"]["phone"]["verdict"], "ready");
    assert_eq!(phone["expected"]["picture"], "picture.png");
    assert_eq!(phone["proven"][0]["run"], 2);
    assert_eq!(phone["proven"][0]["proof"], "fetch");
    let outcomes = phone["runs"].as_array().unwrap().iter();
    let outcomes: Vec<&Value> = outcomes.map(|run| &run["result"]["outcome"]).collect();
    assert_eq!(outcomes, ["verified", "rejected"]);
    assert_eq!(phone["changes"][0]["kind"], "associate_devices");
    let attempts = phone["attempts"].as_array().unwrap();
    // The simulator's record has as many.
    assert_eq!(attempts.len(), lab.record().phones[&name(2)].pushes.len());
    assert_eq!((&attempts[0]["run"], &attempts[1]["run"]), (&json!(2), &json!(1)));
    assert!(attempts[0]["raw"].as_str().unwrap().contains("ResponseItem"), "{attempts:?}");
    assert!(attempts[1]["raw"].as_str().unwrap().contains('3'), "{attempts:?}");
    // A MAC address names it as well, and a text has the same.
    let requests = lab.record().requests;
    let text = lab.read(&["phone", "00:00:00:00:00:02", "--offline"]);
    let words = [
        "as run 2 saw it at",
        "verdict: ready",
        "should show: picture.png\n    because run 2 (rollout) was the last run with a picture for it",
        "proven: picture.png on 127.0.0.1, by run 2 at",
        "Runs: 2",
        "Push refused (rejected)",
        "Attempts: 2",
    ];
    text.told(0, &words);
    assert_eq!(lab.record().requests, requests, "--offline asked the cluster");
    // Without a cluster that is configured none is asked either.
    let mut alone = crate::lab::bare();
    alone.current_dir(lab.folder()).env("AXLPAPER_STATE", lab.path("journal.sqlite3"));
    alone.args(["phone", &name(1)]);
    crate::lab::end(alone).told(0, &["as run 2 saw it at"]);
}

#[test]
fn a_journal_that_is_not_there_is_named() {
    let lab = after_two_runs();
    std::fs::create_dir(lab.path("folder")).unwrap();
    let missing = ["there is no journal at missing", "--state names another file"];
    lab.read(&["phone", &name(1), "--state", "missing", "--offline"]).fails(2, &missing);
    lab.read(&["phone", &name(1), "--state", "missing"]).fails(2, &missing);
    lab.read(&["runs", "--state", "missing"]).fails(2, &missing);
    let folder = ["the journal folder: it is a folder", "such as folder/journal.sqlite3"];
    for arguments in [
        &["phone", "SEP000000000001", "--offline"][..],
        &["runs"],
        &["show", "last"],
        &["journal", "prune", "--older-than", "1d"],
        &["rollout", "picture.png", "--yes"],
    ] {
        lab.read(&[arguments, &["--state", "folder"]].concat()).fails(1, &folder);
    }
    let mut alone = crate::lab::bare();
    alone.current_dir(lab.folder()).env("AXLPAPER_STATE", "none");
    alone.args(["phone", &name(1), "--offline"]);
    let usual = ["there is no journal at none", "without --offline, the cluster is asked"];
    crate::lab::end(alone).fails(2, &usual);
}

#[test]
fn rules_say_what_a_phone_should_show_and_why() {
    let mut fleet = fleet_of(2);
    fleet.phones[0].device_pool = "Paris".to_owned();
    // A 7841 shows no picture, whatever the rules say.
    fleet
        .phones
        .push(PhoneSpec { device_pool: "Paris".to_owned(), ..PhoneSpec::new(name(3), 622) });
    fleet.give_addresses();
    let lab = Lab::new(fleet);
    lab.picture();
    let rules = "[[image]]\nfile = \"paris.png\"\ndevice_pool = \"Par*\"\n";
    std::fs::write(lab.path("config.toml"), rules).unwrap();
    let shown = |n| document(&lab.run(&["phone", &name(n), "--json", "--config", "config.toml"]));
    let first = shown(1);
    assert_eq!(first["expected"]["picture"], "paris.png");
    let because = "[[image]] rule 1 of the config file (device_pool Par*)";
    assert_eq!(first["expected"]["because"], because);
    let second = shown(2);
    assert_eq!(second["expected"]["picture"], Value::Null);
    let third = shown(3)["expected"].clone();
    let because = "its model or firmware shows no pushed background";
    assert_eq!(third, json!({"picture": null, "because": because}));
    assert_eq!(second["proven"], json!([]));
    assert_eq!(second["seen"]["phone"]["verdict"], "fixable");
}

#[test]
fn a_phone_of_which_nothing_is_known_and_a_cluster_that_does_not_answer() {
    let lab = after_two_runs();
    lab.run(&["phone", "SEP0000000000EE"]).fails(2, &["nothing is known of a phone"]);
    lab.read(&["phone", &name(9), "--offline"]).fails(2, &["nothing is known of a phone"]);
    // What the journal has is shown all the same, and the error says that it is not from the cluster.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut program = lab.program(&["phone", &name(1), "--timeout", "1"]);
    program.env("CUCM_HOST", closed.to_string());
    let ended = crate::lab::end(program);
    ended.fails(1, &["--offline asks no cluster"]);
    assert!(ended.stdout.contains("as run 2 saw it at"), "{ended:?}");
}

#[test]
fn a_run_is_shown_in_part() {
    let lab = after_two_runs();
    let failed = document(&lab.read(&["show", "1", "--failed", "--json"]));
    keeps("show", &failed);
    let names = |document: &Value| {
        let phones = document["phones"].as_array().unwrap().iter();
        phones.map(|phone| phone["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&failed), [name(2)]);
    assert_eq!(failed["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(failed["downloads"], json!([]), "the phone that refused downloaded nothing");
    assert_eq!(failed["summary"]["rejected"], 1);
    assert_eq!(failed["summary"]["verified"], 0);
    let two = document(&lab.read(&["show", "1", "--device", "*01,*3", "--json"]));
    assert_eq!(names(&two), [name(1), name(3)]);
    assert_eq!(two["downloads"].as_array().unwrap().len(), 4);
    let none = lab.read(&["show", "2", "--failed"]);
    none.told(0, &["  shown: 0 of 3 phones\n", "Attempts: 0"]);
    let csv = lab.read(&["show", "1", "--failed", "--format", "csv", "--fields", "name,outcome"]);
    assert_eq!(csv.stdout, format!("name,outcome\n{},rejected\n", name(2)));
    lab.read(&["show", "1", "--device", "SEP000000000009"])
        .fails(2, &["--device \"SEP000000000009\" matches no phone of run 1", "did you mean"]);
}

#[test]
fn phones_are_counted_by_a_field() {
    let mut fleet = fleet_of(4);
    fleet.phones.push(PhoneSpec::new(name(5), 503));
    fleet.phones[0].device_pool = "Paris".to_owned();
    fleet.give_addresses();
    let lab = Lab::new(fleet);
    let counted = |by: &str| document(&lab.run(&["inventory", "--by", by, "--json"]));
    let models = counted("model");
    keeps("counts", &models);
    assert_eq!(models["by"], "model");
    let rows = models["counts"].as_array().unwrap();
    assert_eq!(rows[0], json!({"model": "Cisco 8841", "phones": 4, "registered": 4, "capable": 4}));
    assert_eq!((&rows[1]["phones"], &rows[1]["capable"]), (&json!(1), &json!(0)));
    let pools = counted("device-pool");
    assert_eq!(pools["counts"].as_array().unwrap().len(), 2);
    // Every format and option has the same name for it.
    assert_eq!(pools["counts"][1]["device_pool"], "Paris");
    for fields in ["device_pool,phones", "Device_Pool,phones"] {
        let by = ["inventory", "--by", "device-pool", "--fields", fields, "--sort", "device_pool"];
        let chosen = lab.run(&[&by[..], &["--format", "csv"]].concat());
        assert!(chosen.stdout.starts_with("device_pool,phones\n"), "{chosen:?}");
        let chosen = document(&lab.run(&[&by[..], &["--json"]].concat()));
        assert_eq!(chosen["rows"][1], json!({"device_pool": "Paris", "phones": 1}), "{chosen}");
    }
    lab.run(&["inventory", "--by", "model", "--fields", "device_pool"])
        .fails(2, &["no field \"device_pool\"", "model, phones, registered, capable"]);
    for by in ["profile", "load"] {
        let counts = counted(by);
        let rows = counts["counts"].as_array().unwrap().iter();
        assert_eq!(rows.map(|row| row["phones"].as_u64().unwrap()).sum::<u64>(), 5, "{counts}");
    }
    let csv = lab.run(&["inventory", "--by", "device-pool", "--format", "csv"]);
    assert!(csv.stdout.starts_with("device_pool,phones,registered,capable\n"), "{csv:?}");
    assert!(csv.stdout.contains("Paris,1,1,1\n"), "{csv:?}");
    let table = lab.run(&["inventory", "--by", "device-pool", "--sort", "phones"]);
    let first = table.stdout.lines().nth(1).unwrap_or_default();
    assert!(first.starts_with("Paris"), "{table:?}");
    assert!(table.stderr.contains("5 phones on 127.0.0.1 by device pool: 2 values"), "{table:?}");
}

#[test]
fn what_people_read_about_one_phone_and_a_run_in_part() {
    let lab = after_two_runs();
    let mut transcript = Transcript::of(&lab);
    transcript.read(&lab, &["phone", &name(2), "--offline"]);
    transcript.read(&lab, &["show", "1", "--failed"]);
    transcript.run(&lab, &["inventory", "--by", "model"]);
    transcript.check("phone");
}
