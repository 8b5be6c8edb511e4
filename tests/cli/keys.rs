//! `keys` and `play`: what is pressed is pressed once, in order, and never called more than accepted.

use std::time::Duration;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Fleet, PUSH_PASSWORD, PUSH_USER, Quirk, Record};
use serde_json::Value;

use crate::documents::keeps;
use crate::lab::{Ended, Lab, bare, end, fleet_of, name, outcome, phone};

/// A fleet whose phones the push user controls.
fn controlled(count: u32) -> Fleet {
    Fleet { push_devices: (1..=count).map(name).collect(), ..fleet_of(count) }
}

/// Runs a command with short waits and this script, where there is one.
fn send(lab: &Lab, command: &str, script: &str, arguments: &[&str]) -> Ended {
    let mut all = vec![command];
    if command == "keys" {
        std::fs::write(lab.path("script.toml"), script).unwrap();
        all.push("script.toml");
    }
    let port = lab.cluster.phone_port().to_string();
    all.extend(arguments);
    all.extend(["--phone-port", &port, "--retry-delay", "0", "--attempts", "5"]);
    lab.run(&all)
}

fn keys(lab: &Lab, script: &str) -> (i32, Value) {
    let ended = send(lab, "keys", script, &["--yes", "--json"]);
    let document =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.code, document)
}

fn pressed(record: &Record, n: u32) -> Vec<String> {
    record.phones[&name(n)].pressed.iter().map(|pressed| pressed.uri.clone()).collect()
}

fn pushes(record: &Record) -> usize {
    record.phones.values().map(|phone| phone.pushes.len()).sum()
}

const SCRIPT: &str = r#"
    pause = "60ms"
    [[step]]
    press = ["Key:Settings"]
    [[step]]
    press = ["Key:KeyPad1", "Key:KeyPad2"]
    [[step]]
    press = ["Key:Soft1"]
    [[variant]]
    models = ["78*"]
    [[variant.step]]
    press = ["Key:Applications"]
"#;

#[test]
fn keys_are_pressed_in_order_with_pauses_on_every_model_that_has_them() {
    let mut fleet = controlled(4);
    (fleet.phones[1].model, fleet.phones[1].model_name) = (622, "Cisco 7841".to_owned());
    // Phone Personalization is not about keys.
    fleet.phones[2].personalization = Setting::Disabled;
    (fleet.phones[3].model, fleet.phones[3].model_name) = (496, "Cisco 6941".to_owned());
    let lab = Lab::new(fleet);
    let before = lab.cluster.state_digest();
    let (code, document) = keys(&lab, SCRIPT);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!((&document["object"], &document["pushed"]), (&"keys".into(), &"script.toml".into()));
    assert!(document.get("picture").is_none());
    for n in 1..=3 {
        let told = phone(&document, &name(n));
        assert_eq!((&told["outcome"], &told["object"]), (&"accepted".into(), &"keys".into()));
        assert!(told["reason"].as_str().unwrap().contains("cannot be verified"), "{told}");
    }
    assert_eq!(outcome(&document, &name(4)), "excluded");
    let record = lab.record();
    for n in [1, 3] {
        let phone = &record.phones[&name(n)];
        assert_eq!(
            pressed(&record, n),
            ["Key:Settings", "Key:KeyPad1", "Key:KeyPad2", "Key:Soft1"]
        );
        assert_eq!((phone.pushes.len(), phone.most_in_flight), (3, 1));
        assert!(phone.pressed[1].at - phone.pressed[0].at >= Duration::from_millis(60));
        assert!(phone.pressed[3].at - phone.pressed[2].at >= Duration::from_millis(60));
    }
    assert_eq!(pressed(&record, 2), ["Key:Applications"]);
    assert_eq!(pressed(&record, 4), [""; 0]);
    assert_eq!(lab.cluster.state_digest(), before, "the cluster was changed");
    keeps("rollout", &document);
    let shown = lab.read(&["show", "last", "--json"]).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    keeps("show", &shown);
    // Nothing more than an acceptance is ever known of keys: that is no failure.
    let xml = lab.read(&["show", "last", "--format", "junit"]).stdout;
    assert!(xml.contains("tests=\"4\" failures=\"0\" skipped=\"1\""), "{xml}");
    let fields = ["show", "last", "--format", "csv", "--fields", "name,object"];
    let csv = lab.read(&fields).stdout;
    assert!(csv.contains(&format!("{},keys\n", name(1))), "{csv}");
    assert!(shown["attempts"].as_array().unwrap().iter().all(|row| row["object"] == "keys"));
}

#[test]
fn an_answer_that_is_lost_is_never_made_up_for_by_pressing_again() {
    let lab = Lab::new(controlled(3));
    lab.cluster.set_quirk(&name(1), Quirk::LosesAnswer);
    lab.cluster.set_quirk(&name(2), Quirk::Garbage);
    lab.cluster.set_quirk(&name(3), Quirk::Busy503Once);
    let (code, document) = keys(&lab, SCRIPT);
    assert_eq!(code, 3, "{document:#}");
    for (n, wanted) in [(1, "unreachable"), (2, "bad_reply"), (3, "bad_reply")] {
        let told = phone(&document, &name(n));
        assert_eq!((&told["outcome"], &told["attempts"]), (&wanted.into(), &1.into()), "{told}");
        let reason = told["reason"].as_str().unwrap();
        assert!(reason.contains("step 1 of 3 may have been carried out or not"), "{reason}");
        assert!(told["remedy"].as_str().unwrap().contains("check the phone's screen"));
    }
    let record = lab.record();
    assert_eq!(pressed(&record, 1), ["Key:Settings"]);
    assert_eq!(pushes(&record), 3);
}

#[test]
fn a_step_that_is_refused_ends_the_script_of_that_phone() {
    let lab = Lab::new(controlled(2));
    lab.cluster.set_quirk(&name(1), Quirk::ErrorWithOk { number: 1 });
    let (code, document) = keys(&lab, SCRIPT);
    assert_eq!(code, 3);
    let told = phone(&document, &name(1));
    assert_eq!(told["outcome"], "rejected");
    assert_eq!(told["phone_error"]["number"], 1);
    assert!(told["reason"].as_str().unwrap().contains("step 1 of 3 was refused"), "{told}");
    assert_eq!(outcome(&document, &name(2)), "accepted");
    let record = lab.record();
    assert_eq!(record.phones[&name(1)].pushes.len(), 1);
    assert_eq!(record.phones[&name(2)].pushes.len(), 3);
}

#[test]
fn bad_scripts_are_told_before_anybody_is_asked() {
    let lab = Lab::new(controlled(2));
    let long = format!("[[step]]\npress = ['Key:Hold', 'http://h/{}']", "&".repeat(120));
    let many = "[[step]]\npress = ['Key:KeyPad1','Key:KeyPad2','Key:KeyPad3','Key:KeyPad4']";
    let danger =
        "[[step]]\npress=['Key:KeyPadStar','Key:KeyPadStar']\n[[step]]\npress=['Key:KeyPadPound']";
    for (script, code, words) in [
        ("", 2, &["has no step", "--help"][..]),
        ("[[step]]\npress = ['Key:Setings']", 2, &["line 2", "perhaps Key:Settings is meant"]),
        ("[[step]]\npress = 'x' y", 2, &["no key script", "line 2"]),
        (many, 2, &["line 2", "4 keys at once", "a step of each"]),
        (&long, 2, &["line 2", "at most 512"]),
        ("[[step]]\npress=['RTPTx:10.0.0.1:20480']", 2, &["is not sent", "sound channel"]),
        (danger, 5, &["**# unlocks", "--allow-destructive", "nothing was sent"]),
        ("[[step]]\npress=['Dial:112']", 5, &["begin a call", "--allow-destructive"]),
    ] {
        send(&lab, "keys", script, &["--yes"]).fails(code, words);
    }
    send(&lab, "play", "", &["a/b.raw", "--yes"]).fails(2, &["TFTP root"]);
    send(&lab, "play", "", &["Key:Hold", "--yes"]).fails(2, &["it is no sound", "Chime.raw"]);
    send(&lab, "play", "", &["Chime.raw", "--yes", "--picture-name", "x"])
        .fails(2, &["--picture-name"]);
    lab.run(&["keys", "missing.toml", "--yes"]).fails(2, &["missing.toml"]);
    let record = lab.record();
    assert!(record.requests.is_empty() && pushes(&record) == 0);
}

#[test]
fn harm_is_done_only_when_it_is_allowed_and_nothing_without_a_yes() {
    let lab = Lab::new(controlled(2));
    let script = "pause='0s'\n[[step]]\npress=['Key:KeyPadStar']\n[[step]]\npress=['Key:KeyPadStar']\n\
        [[step]]\npress=['Key:KeyPadPound']";
    send(&lab, "keys", script, &["--allow-destructive"]).fails(
        5,
        &[
            "press the keys of script.toml (3 steps",
            "on 2 phones, blindly on",
            "their effect cannot be verified",
            "--yes",
        ],
    );
    assert_eq!(pushes(&lab.record()), 0);
    let ended = send(&lab, "keys", script, &["--allow-destructive", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains(
        "2 phones accepted every step of the key script. The effect of the keys cannot be verified"
    ));
    assert_eq!(pressed(&lab.record(), 2).len(), 3);
}

#[test]
fn a_model_without_a_step_is_left_alone() {
    let mut fleet = controlled(2);
    (fleet.phones[1].model, fleet.phones[1].model_name) = (622, "Cisco 7841".to_owned());
    let lab = Lab::new(fleet);
    let (code, document) =
        keys(&lab, "[[variant]]\nmodels=['8841']\n[[variant.step]]\npress=['Key:Hold']");
    assert_eq!(code, 0, "{document:#}");
    let told = phone(&document, &name(2));
    assert_eq!(told["outcome"], "excluded");
    assert_eq!(told["reason"], "the script has no step for a Cisco 7841");
    assert_eq!(pressed(&lab.record(), 2), [""; 0]);
    let script = "[[variant]]\nmodels=['8841']\n[[variant.step]]\npress=['Key:Hold']";
    let ended = send(&lab, "keys", script, &["--yes"]);
    let told = format!("1 phone skipped: the script has no step for a Cisco 7841: {}", name(2));
    assert!(ended.stderr.contains(&told), "{ended:?}");
}

#[test]
fn a_wrong_password_is_sent_to_the_cluster_only() {
    let lab = Lab::new(controlled(6));
    std::fs::write(lab.path("script.toml"), SCRIPT).unwrap();
    let (pin, port) = (lab.cluster.cert_sha256(), lab.cluster.phone_port().to_string());
    let mut program = lab.program(&["keys", "script.toml", "--yes", "--json"]);
    program.args(["--pin-sha256", &pin, "--phone-port", &port]).env("PHONE_PASSWORD", "wrong");
    let ended = end(program);
    assert_eq!(ended.code, 4, "{ended:?}");
    let record = lab.record();
    assert_eq!((pushes(&record), record.users[PUSH_USER].failed_logins), (0, 1));
    assert!((1..=6).all(|n| pressed(&record, n).is_empty()));
}

#[test]
fn an_acceptance_is_no_failure_that_stops_the_waves() {
    let lab = Lab::new(controlled(4));
    let script = "[[step]]\npress=['Display:On:10']";
    let waves = ["--yes", "--json", "--canary", "1", "--waves", "50%", "--max-failures", "0"];
    let ended = send(&lab, "keys", script, &waves);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(pushes(&lab.record()), 4);
}

#[test]
fn a_sound_is_played_once_by_address_too() {
    let lab = Lab::new(controlled(2));
    let ended = send(&lab, "play", "", &["Play:Chime.raw", "--yes", "--device", &name(1)]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("Sound Chime.raw to 1 phone"), "{ended:?}");
    let address = fleet_of(2).phones[1].address.v4().unwrap().to_string();
    let port = lab.cluster.phone_port().to_string();
    let by_address = |command: &[&str]| {
        let mut program = bare();
        program
            .current_dir(lab.folder())
            .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
            .env("PHONE_PASSWORD", PUSH_PASSWORD)
            .args(command)
            .args(["--push-user", PUSH_USER, "--phone-port", &port, "--yes"])
            .args(["--address", &address]);
        end(program)
    };
    let ended = by_address(&["play", "Chime.raw"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    std::fs::write(lab.path("k.toml"), "[[step]]\npress=['Key:Mute']").unwrap();
    let ended = by_address(&["keys", "k.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let record = lab.record();
    assert_eq!(pressed(&record, 1), ["Play:Chime.raw"]);
    assert_eq!(pressed(&record, 2), ["Play:Chime.raw", "Key:Mute"]);
    // What keys do depends on the model, so another one than was named gets nothing.
    let ended = by_address(&["keys", "k.toml", "--model", "8851"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("a Cisco 8841 answers at its address"), "{ended:?}");
    assert_eq!(pressed(&lab.record(), 2).len(), 2);
    let refused = lab.resumed(&["--only-failed", "1", "--yes"]);
    refused.fails(2, &["run 1 is an `axlpaper play`, which pushes no picture"]);
}

#[test]
fn keys_take_away_what_was_proven_about_a_picture() {
    let lab = Lab::new(controlled(2));
    assert_eq!(lab.rollout(&[]).0, 0);
    assert_eq!(
        send(&lab, "keys", "[[step]]\npress=['Key:Hold']", &["--yes", "--device", &name(1)]).code,
        0
    );
    let (_, again) = lab.rollout(&[]);
    assert_eq!(outcome(&again, &name(1)), "verified");
    assert_eq!(outcome(&again, &name(2)), "already");
}
