//! The journal: what a run leaves behind, going on with it, and what happens when it cannot be written.

use axlpaper::sim::{ADMIN_PASSWORD, PUSH_PASSWORD, PushOutcome, Quirk, Tripped};
use serde_json::Value;

use crate::lab::{Ended, Lab, end};

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
    assert_eq!(second["summary"]["skipped"], 5);
    let reason = second["phones"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "run 1 proved that it shows this picture already");
    assert_eq!(pushes(&lab), 5, "nobody was pushed to again");
    let (code, third) = lab.rollout(&["--force"]);
    assert_eq!((code, &third["summary"]["verified"]), (0, &Value::from(5)));
    assert_eq!(pushes(&lab), 10);
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
