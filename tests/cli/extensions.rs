//! Extensions, owners and descriptions: read with the survey, shown everywhere, and a selection.

use axlpaper::sim::{Limits, PhoneSpec, Registration, SimConfig, Sql};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name, phone};

/// Four phones with 1000 to 1003, of which the second has an international number, and the fourth is not registered.
fn lab(sql: Sql) -> Lab {
    let mut fleet = fleet_of(4);
    for (phone, place) in fleet.phones.iter_mut().zip(["Lobby", "Lobby", "Kitchen", "Cellar"]) {
        phone.description = format!("{place} phone");
    }
    fleet.phones[1].extension = Some(r"\+14085550101".to_owned());
    fleet.phones[2].owner = Some("jdoe".to_owned());
    fleet.phones[3].registration = Registration::UnRegistered;
    fleet.phones.push(PhoneSpec { extension: Some(String::new()), ..PhoneSpec::new(name(5), 683) });
    fleet.give_addresses();
    Lab::with(SimConfig { sql, limits: Limits::off(), ..SimConfig::new(fleet) })
}

fn names(lab: &Lab, arguments: &[&str]) -> Vec<String> {
    let all = [&["inventory", "--json"][..], arguments].concat();
    let document: Value = serde_json::from_str(&lab.run(&all).stdout).unwrap();
    let phones = document["phones"].as_array().unwrap().iter();
    phones.map(|phone| phone["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn extensions_are_in_every_list_and_report() {
    let lab = lab(Sql::Answers);
    let ended = lab.run(&["inventory", "--format", "csv", "--fields", "name,extension,owner"]);
    let csv: Vec<String> = ["1000,", "'+14085550101,", "1002,jdoe", "1003,", ","]
        .iter()
        .zip(1..)
        .map(|(rest, n)| format!("{},{rest}", name(n)))
        .collect();
    assert_eq!(ended.stdout.lines().skip(1).collect::<Vec<_>>(), csv);
    let table = lab.run(&["audit"]).stdout;
    assert!(table.starts_with("name             ext           description"), "{table}");
    assert!(table.contains(&format!("{}  1002          Kitchen phone  HQ", name(3))), "{table}");
    let (_, document) = lab.rollout(&["--report", "report.html"]);
    let told = phone(&document, &name(3));
    let labels = ["extension", "owner", "description"].map(|field| told[field].as_str().unwrap());
    assert_eq!(labels, ["1002", "jdoe", "Kitchen phone"]);
    let again: Value = serde_json::from_str(&lab.read(&["show", "last", "--json"]).stdout).unwrap();
    assert_eq!(phone(&again, &name(3)), told);
    let page = std::fs::read_to_string(lab.path("report.html")).unwrap();
    assert!(page.contains("+14085550101") && page.contains("Kitchen phone"));
}

#[test]
fn phones_are_selected_by_extension_and_description() {
    let lab = lab(Sql::Answers);
    assert_eq!(names(&lab, &["--dn", "1002"]), [name(3)]);
    assert_eq!(names(&lab, &["--dn", "+1408*", "--dn", "1003"]), [name(2), name(4)]);
    assert_eq!(names(&lab, &["--description", "lobby*"]), [name(1), name(2)]);
    assert_eq!(names(&lab, &["--description", "*phone", "--dn", "100*"]).len(), 3);
    lab.run(&["audit", "--dn", "1009"]).fails(2, &["--dn \"1009\" matches no phone", "\"1000\""]);
    lab.push("rollout", &["--dn", "1000", "--yes"]).told(0, &["Rollout of", "to 1 phone on"]);
    let shown = lab.record().phones.values().filter(|phone| phone.shown.is_some()).count();
    assert_eq!(shown, 1);
    // A rule of the config file chooses by the same fields.
    let rule = "[[image]]\ndn = \"1002\"\nfile = \"picture.png\"\n";
    std::fs::write(lab.path("rules.toml"), rule).unwrap();
    lab.picture();
    let ended = lab.run(&["audit", "--json", "--config", "rules.toml"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(phone(&document, &name(3))["image"]["picture"], "picture.png");
    assert_eq!(phone(&document, &name(1))["image"]["picture"], Value::Null);
}

#[test]
fn where_sql_is_refused_registered_phones_still_have_theirs() {
    let lab = lab(Sql::Refused);
    let ended = lab.run(&["inventory", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let extension = |n| phone(&document, &name(n))["extension"].clone();
    assert_eq!([extension(1), extension(2)], ["1000", "+14085550101"]);
    assert!(ended.stderr.contains("extensions are known of registered phones only"), "{ended:?}");
    lab.run(&["inventory", "--dn", "1000"])
        .fails(2, &["--dn and {extension} need", "SQL", "--description"]);
}

#[test]
fn an_answer_that_would_be_too_large_is_read_in_parts() {
    let mut limits = Limits::off();
    limits.answer_bytes = Some(20_000);
    let lab = Lab::with(SimConfig { limits, ..SimConfig::new(fleet_of(600)) });
    let ended = lab.run(&["inventory", "--json"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(document["phones"].as_array().unwrap().iter().all(|one| one["extension"].is_string()));
    assert!(!ended.stderr.contains("directory numbers"), "{}", ended.stderr);
}
