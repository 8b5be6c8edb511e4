//! The journal: what a run leaves behind, going on with it, and what happens when it cannot be written.

use axlpaper::sim::{ADMIN_PASSWORD, PUSH_PASSWORD, PushOutcome, Quirk, Registration, Tripped};
use serde_json::{Value, json};

use crate::lab::{Ended, Lab, end, fleet_of, outcome, phone};

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn pushes(lab: &Lab) -> usize {
    lab.record().phones.values().map(|phone| phone.pushes.len()).sum()
}

#[test]
fn a_second_rollout_changes_nothing_and_says_so() {
    let lab = Lab::of_phones(5);
    let (code, first) = lab.rollout(&[]);
    assert_eq!((code, &first["run"]), (0, &Value::from(1)));
    assert_eq!(pushes(&lab), 5);
    let (code, second) = lab.rollout(&[]);
    assert_eq!(code, 0, "{second:#}");
    assert_eq!(second["summary"]["already"], 5);
    let reason = second["phones"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "run 1 proved that it shows this picture already");
    assert_eq!(pushes(&lab), 5, "nobody was pushed to again");
    let (code, third) = lab.rollout(&["--force"]);
    assert_eq!((code, &third["summary"]["verified"]), (0, &Value::from(5)));
    assert_eq!(pushes(&lab), 10);
}

#[test]
fn what_a_forced_run_left_undone_is_forced_when_it_is_resumed() {
    for earlier in [["--resume", "last"], ["--only-failed", "last"]] {
        let lab = Lab::of_phones(3);
        lab.rollout(&[]);
        let failing = crate::lab::name(1);
        lab.cluster.set_quirk(&failing, Quirk::ErrorWithOk { number: 3 });
        let (code, forced) = lab.rollout(&["--force"]);
        assert_eq!((code, &forced["summary"]["verified"]), (3, &Value::from(2)), "{forced:#}");
        lab.cluster.set_quirk(&failing, Quirk::Normal);
        let before = pushes(&lab);
        let again = lab.resumed(&[&earlier[..], &["--yes", "--json"]].concat());
        assert_eq!(again.code, 0, "{again:?}");
        // Run 1 proved that it shows the picture, which is not what was asked for.
        assert_eq!(json(&again)["summary"]["verified"], 1, "{again:?}");
        assert_eq!(pushes(&lab), before + 1, "only the phone that failed is pushed to");
    }
}

#[test]
fn runs_and_show_tell_what_happened() {
    let lab = Lab::of_phones(3);
    let empty = lab.read(&["runs", "--json"]);
    assert_eq!((empty.code, json(&empty)["runs"].clone()), (0, Value::Array(Vec::new())));
    lab.rollout(&[]);
    let runs = json(&lab.read(&["runs", "--json"]));
    let run = &runs["runs"][0];
    assert_eq!((&run["command"], &run["state"]), (&"rollout".into(), &"finished".into()));
    assert_eq!(run["outcomes"]["verified"], 3);
    let shown = json(&lab.read(&["show", "last", "--json"]));
    assert_eq!(shown["changes"][0]["state"], "applied");
    for attempt in shown["attempts"].as_array().unwrap() {
        assert!(attempt["raw"].as_str().unwrap().contains("ResponseItem"), "{attempt}");
    }
    assert_eq!(shown["changes"][0]["adds"].as_array().unwrap().len(), 3);
    assert_eq!(shown["attempts"].as_array().unwrap().len(), 3);
    assert!(shown["attempts"][0]["ended_at"].is_string());
    let text = lab.read(&["show", "1"]).stdout;
    assert!(
        text.contains("application user bgpush: 3 devices added (0 -> 3), read back and correct"),
        "{text}"
    );
    let none = lab.read(&["show", "7"]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("the journal has no run 7"), "{}", none.stderr);
}

#[test]
fn what_earlier_runs_proved_counts_in_every_summary() {
    let mut fleet = fleet_of(5);
    // One cannot show a picture at all.
    (fleet.phones[4].model, fleet.phones[4].model_name) = (622, "Cisco 7841".to_owned());
    let lab = Lab::new(fleet);
    lab.cluster.set_quirk("SEP000000000002", Quirk::ErrorWithOk { number: 3 });
    let (_, first) = lab.rollout(&["--attempts", "1"]);
    let coverage = |document: &Value| document["summary"]["coverage"].clone();
    assert_eq!(coverage(&first), json!({"shown": 3, "capable": 4}));
    // A run about the phone that failed is about the same rollout.
    lab.cluster.set_quirk("SEP000000000002", Quirk::Normal);
    let again = lab.resumed(&["--only-failed", "last", "--yes"]);
    again.told(0, &["to 1 phone on", "\n4 of 4 capable phones show it (100 %).\n"]);
    // A phone that is not there still shows what it was proven to show.
    let (gone, back) = (Registration::UnRegistered, Registration::Registered);
    assert!(lab.cluster.set_registration("SEP000000000001", gone));
    let (_, third) = lab.rollout(&[]);
    let counts = &third["summary"];
    assert_eq!((&counts["already"], &counts["offline"]), (&3.into(), &1.into()));
    assert_eq!(counts["no_background"], 1);
    assert_eq!(coverage(&third), json!({"shown": 4, "capable": 4}));
    assert_eq!(phone(&third, "SEP000000000001")["finding"], "not_registered");
    let shown = lab.read(&["show", "last"]).stdout;
    assert!(shown.contains("4 of 4 capable phones show it (100 %)"), "{shown}");
    assert_eq!(coverage(&json(&lab.read(&["show", "last", "--json"]))), coverage(&third));
    // Another picture is shown by nobody, and what another run proves later changes no earlier summary.
    image::RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9])).save(lab.path("b.png")).unwrap();
    let port = lab.cluster.phone_port().to_string();
    let other = ["push", "b.png", "--yes", "--phone-port", &port, "--verify-timeout", "2"];
    let other = [&other[..], &["--device", "SEP000000000003", "--json"]].concat();
    assert_eq!(coverage(&json(&lab.run(&other))), json!({"shown": 1, "capable": 1}));
    assert_eq!(coverage(&json(&lab.read(&["show", "3", "--json"]))), coverage(&third));
    lab.cluster.set_registration("SEP000000000001", back);
    let (_, last) = lab.rollout(&["--device", "SEP000000000001", "--device", "SEP000000000003"]);
    assert_eq!(outcome(&last, "SEP000000000003"), "verified");
    assert_eq!(coverage(&last), json!({"shown": 2, "capable": 2}));
}

#[test]
fn only_the_phones_that_failed_are_pushed_to_again() {
    let lab = Lab::of_phones(4);
    lab.cluster.set_quirk("SEP000000000002", Quirk::ErrorWithOk { number: 3 });
    let (code, first) = lab.rollout(&["--attempts", "1"]);
    assert_eq!(code, 3, "{first:#}");
    lab.cluster.set_quirk("SEP000000000002", Quirk::Normal);
    let again = lab.resumed(&["--only-failed", "last", "--yes", "--json"]);
    assert_eq!(again.code, 0, "{again:?}");
    let told = json(&again);
    assert_eq!(told["summary"]["total"], 1);
    assert_eq!(told["phones"][0]["name"], "SEP000000000002");
    assert_eq!(pushes(&lab), 5);
    let nothing = lab.resumed(&["--only-failed", "last", "--yes"]);
    assert_eq!(nothing.code, 0);
    assert!(nothing.stderr.contains("nothing is left to do in that run"), "{}", nothing.stderr);
    // What failed in the first run was served by the second one.
    let finished = lab.resumed(&["--resume", "1", "--yes"]);
    assert_eq!(finished.code, 0, "{finished:?}");
    assert_eq!(pushes(&lab), 5);
}

#[test]
fn two_runs_cannot_work_on_one_cluster_whatever_they_call_it() {
    let lab = Lab::of_phones(2);
    // The first one is held in the middle of its survey.
    let mut held = lab.cluster.tripwire("listPhone", 1, Tripped::Before);
    let picture = lab.picture();
    let arguments = ["rollout", picture.to_str().unwrap(), "--yes"];
    let pin = lab.cluster.cert_sha256();
    let port = lab.cluster.axl_addr().port();
    let program = |host: &str| {
        let mut program = lab.program(&arguments);
        program.args(["--pin-sha256", &pin, "--host", &format!("{host}:{port}")]);
        program
    };
    let first = program("127.0.0.1");
    let mut running = std::process::Command::new(first.get_program());
    running.env_clear().args(first.get_args()).current_dir(lab.folder());
    running.envs(first.get_envs().filter_map(|(name, value)| Some((name, value?))));
    running.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut running = running.spawn().unwrap();
    while held.try_recv().is_err() {
        assert!(running.try_wait().unwrap().is_none(), "it did not come to its survey");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    for host in ["127.0.0.1", "localhost"] {
        let second = end(program(host));
        second.fails(5, &["another run works on this cluster", "`axlpaper rollout`", "process"]);
    }
    running.kill().unwrap();
    running.wait().unwrap();
    // A dead one's lock is free, and what it left is told.
    let third = lab.push("rollout", &["--yes"]);
    assert_eq!(third.code, 0, "{third:?}");
    assert!(
        third.stderr.contains("a previous run did not finish (crashed or was killed)"),
        "{third:?}"
    );
    let runs = json(&lab.read(&["runs", "--json"]));
    let states: Vec<&str> =
        runs["runs"].as_array().unwrap().iter().filter_map(|run| run["state"].as_str()).collect();
    assert_eq!(states.first(), Some(&"finished"));
    assert_eq!(states.last(), Some(&"killed"));
}

#[test]
fn a_journal_that_cannot_be_used_changes_nothing() {
    let lab = Lab::of_phones(2);
    let before = lab.cluster.state_digest();
    let file = lab.path("no-journal");
    std::fs::write(&file, "this is a text, and a long one at that. ".repeat(100)).unwrap();
    let rubbish = lab.push("rollout", &["--yes", "--state", file.to_str().unwrap()]);
    assert_eq!(rubbish.code, 1, "{rubbish:?}");
    assert!(rubbish.stderr.contains("it is damaged, or no journal at all"), "{}", rubbish.stderr);
    let folder = lab.push("rollout", &["--yes", "--state", lab.folder().to_str().unwrap()]);
    assert_eq!(folder.code, 1, "{folder:?}");
    assert!(folder.stderr.contains("--state"), "{}", folder.stderr);
    assert_eq!(lab.cluster.state_digest(), before);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn no_secret_is_in_the_journal() {
    let lab = Lab::of_phones(2);
    lab.rollout(&[]);
    let secrets = [ADMIN_PASSWORD, PUSH_PASSWORD];
    for entry in std::fs::read_dir(lab.folder()).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_str().unwrap().starts_with("journal") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            let there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!there, "{} holds a password", path.display());
        }
    }
    let shown = lab.read(&["show", "last", "--json"]).stdout;
    assert!(secrets.iter().all(|secret| !shown.contains(secret)));
    assert!(
        lab.record()
            .phones
            .values()
            .all(|phone| { phone.pushes.iter().all(|push| push.outcome == PushOutcome::Accepted) })
    );
}
