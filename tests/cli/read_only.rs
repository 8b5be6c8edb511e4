//! What only reads: `inventory`, `audit`, `plan`, `rollout --dry-run`.

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    FleetSpec, Limits, PhoneSpec, ProfileSpec, READER_PASSWORD, READER_USER, Registration,
    SimConfig,
};
use serde_json::Value;

use crate::lab::{Lab, end, fleet_of, name, phone};

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    let ended = lab.run(arguments);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn nothing_that_reads_changes_the_cluster() {
    let lab = Lab::new(FleetSpec { seed: 5, phones: 80 }.generate());
    let before = lab.cluster.state_digest();
    json(&lab, &["inventory", "--json"]);
    json(&lab, &["audit", "--json"]);
    json(&lab, &["plan", "--json"]);
    let ended = lab.push("rollout", &["--dry-run"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("Dry run: nothing was changed or pushed"));
    let record = lab.record();
    assert_eq!(lab.cluster.state_digest(), before);
    assert!(record.writes.is_empty());
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn a_read_only_account_is_enough_for_an_audit() {
    let lab = Lab::of_phones(2);
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["audit", "--json", "--pin-sha256", &pin]);
    program.env("CUCM_USERNAME", READER_USER).env("CUCM_PASSWORD", READER_PASSWORD);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_audit_says_for_every_phone_what_stands_in_the_way() {
    let mut fleet = fleet_of(7);
    fleet.profiles = vec![
        ProfileSpec::new("Off", Setting::Disabled),
        ProfileSpec { background_image: false, ..ProfileSpec::new("Locked", Setting::Enabled) },
        ProfileSpec::new("Secure", Setting::HttpsOnly),
    ];
    fleet.push_devices = (1..=7).map(name).collect();
    fleet.phones[1].profile = "Off".into();
    fleet.phones[2].profile = "Locked".into();
    fleet.phones[3].profile = "Secure".into();
    fleet.phones[4].registration = Registration::UnRegistered;
    fleet.phones[5].registration = Registration::Rejected;
    fleet.phones[6].web_access = Some(false);
    fleet.phones.push(PhoneSpec::new("CSFJDOE", 503));
    fleet.phones.push(PhoneSpec::new("SEP00000000BEEF", 622));
    let lab = Lab::new(fleet);
    let document = json(&lab, &["audit", "--json"]);
    let expected = [
        (name(1), "ready", vec![]),
        (name(2), "blocked", vec!["personalization_disabled"]),
        (name(3), "blocked", vec!["background_locked"]),
        (name(4), "blocked", vec!["personalization_https_only"]),
        (name(5), "offline", vec!["not_registered"]),
        (name(6), "blocked", vec!["registration_rejected"]),
        (name(7), "blocked", vec!["web_access_disabled"]),
        ("CSFJDOE".to_owned(), "unsupported", vec!["unsupported_model"]),
    ];
    for (name, verdict, codes) in expected {
        let phone = phone(&document, &name);
        assert_eq!(phone["verdict"], verdict, "{phone}");
        let found: Vec<&str> = phone["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["code"].as_str().unwrap())
            .collect();
        assert!(codes.iter().all(|code| found.contains(code)), "{phone}");
        assert!(
            phone["findings"]
                .as_array()
                .unwrap()
                .iter()
                .all(|f| !f["remedy"].as_str().unwrap().is_empty())
        );
    }
    assert_eq!(document["summary"]["total"], 9);
    assert_eq!(document["summary"]["blocked"], 5);
    assert_eq!(document["schema"], "axlpaper.audit/v1");
}

#[test]
fn personalization_is_resolved_through_all_three_levels() {
    let mut fleet = fleet_of(4);
    fleet.enterprise_personalization = Some(Setting::Enabled);
    fleet.profiles = vec![
        ProfileSpec::new("Off", Setting::Disabled),
        ProfileSpec::new("Defers", Setting::Default),
    ];
    fleet.phones[1].profile = "Defers".into();
    fleet.phones[2].profile = "Off".into();
    fleet.phones[3].profile = "Off".into();
    fleet.phones[3].personalization = Setting::Enabled;
    let lab = Lab::new(fleet);
    let document = json(&lab, &["audit", "--json"]);
    let decided = |n| {
        let personalization = &phone(&document, &name(n))["personalization"];
        (
            personalization["effective"].as_str().unwrap().to_owned(),
            personalization["decided_by"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(decided(2), ("enabled".to_owned(), "enterprise".to_owned()));
    assert_eq!(decided(3), ("disabled".to_owned(), "profile".to_owned()));
    assert_eq!(decided(4), ("enabled".to_owned(), "phone".to_owned()));
}

#[test]
fn a_silent_node_makes_phones_unknown_and_not_offline() {
    let mut fleet = fleet_of(4);
    fleet.phones[2].node = 1;
    fleet.phones[3].node = 1;
    let lab = Lab::new(fleet);
    assert!(lab.cluster.silence_node("cucm-sub1", true));
    let document = json(&lab, &["audit", "--json"]);
    assert_eq!(phone(&document, &name(1))["registration"]["status"], "registered");
    assert_eq!(phone(&document, &name(3))["registration"]["status"], "unknown");
    let codes = phone(&document, &name(3))["findings"].to_string();
    assert!(codes.contains("registration_unknown") && !codes.contains("not_registered"), "{codes}");
}

#[test]
fn more_phones_than_one_page_and_one_risport_request_are_all_there() {
    let lab = Lab::of_phones(1203);
    let document = json(&lab, &["inventory", "--json"]);
    let phones = document["phones"].as_array().unwrap();
    assert_eq!(phones.len(), 1203);
    assert!(phones.iter().all(|phone| phone["registration"]["status"] == "registered"));
    assert_eq!(lab.record().requests("selectCmDeviceExt"), 2);
    assert_eq!(document["remarks"], serde_json::json!([]));
}

#[test]
fn records_of_nodes_that_phones_have_left_are_not_read() {
    let mut fleet = fleet_of(1000);
    for phone in &mut fleet.phones[..40] {
        phone.stale_node = Some(1);
    }
    let lab = Lab::new(fleet);
    let document = json(&lab, &["inventory", "--json"]);
    let phones = document["phones"].as_array().unwrap();
    assert!(phones.iter().all(|phone| phone["registration"]["status"] == "registered"));
    assert_eq!(document["remarks"], serde_json::json!([]));
    assert_eq!(lab.record().requests("selectCmDeviceExt"), 1);
}

#[test]
fn a_small_answer_limit_only_makes_pages_smaller() {
    let lab = Lab::with(SimConfig {
        limits: Limits { answer_bytes: Some(40_000), ..Limits::off() },
        ..SimConfig::new(fleet_of(300))
    });
    let document = json(&lab, &["inventory", "--json"]);
    assert_eq!(document["phones"].as_array().unwrap().len(), 300);
}

#[test]
fn detailed_exit_codes_tell_that_there_is_work() {
    let mut fleet = fleet_of(1);
    let lab = Lab::new(fleet.clone());
    assert_eq!(lab.run(&["audit", "--detailed-exitcode"]).code, 6);
    assert_eq!(lab.run(&["plan", "--detailed-exitcode"]).code, 6);
    fleet.push_devices = vec![name(1)];
    let lab = Lab::new(fleet);
    assert_eq!(lab.run(&["audit", "--detailed-exitcode"]).code, 0);
    let plan = lab.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0);
    assert!(plan.stdout.starts_with("No changes."), "{plan:?}");
}

#[test]
fn a_pool_without_phones_is_not_called_missing() {
    let mut fleet = fleet_of(1);
    fleet.device_pools.push("Attic".into());
    let lab = Lab::new(fleet);
    lab.run(&["inventory", "--device-pool", "Attic"])
        .fails(2, &["--device-pool \"Attic\" exists on the cluster, but has no phones"]);
    lab.run(&["inventory", "--device-pool", "Atic"]).fails(2, &["matches no phone"]);
}

#[test]
fn a_push_user_of_the_other_kind_is_named_as_such() {
    let lab = Lab::of_phones(1);
    let document = json(&lab, &["audit", "--json", "--push-user-kind", "end"]);
    let found = phone(&document, &name(1))["findings"].to_string();
    assert!(found.contains("is an application user, not an end user"), "{found}");
    assert!(found.contains("--push-user-kind app"), "{found}");
}

#[test]
fn an_inactive_phone_is_told() {
    let mut fleet = fleet_of(2);
    fleet.phones[1].active = false;
    let remarks = json(&Lab::new(fleet), &["inventory", "--json"])["remarks"].to_string();
    assert!(remarks.contains("1 phone is inactive") && remarks.contains(&name(2)), "{remarks}");
}
