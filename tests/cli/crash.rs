//! A rollout that is killed again and again, and gone on with.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, Limits, PUSH_PASSWORD, PUSH_USER, SimConfig};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name};

const PHONES: u32 = 60;

/// Returns `rollout` with the arguments, ready to be started and killed.
fn rollout(lab: &Lab, arguments: &[&str]) -> Command {
    let mut program = Command::new(assert_cmd::cargo::cargo_bin!("axlpaper"));
    program
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("TMPDIR", std::env::temp_dir())
        .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
        .env("CUCM_HOST", lab.cluster.axl_addr().to_string())
        .env("CUCM_USERNAME", ADMIN_USER)
        .env("CUCM_PASSWORD", ADMIN_PASSWORD)
        .env("PHONE_USERNAME", PUSH_USER)
        .env("PHONE_PASSWORD", PUSH_PASSWORD)
        .current_dir(lab.folder())
        .arg("rollout")
        .args(arguments)
        .args(["--yes", "--concurrency", "4", "--verify-timeout", "2", "--retry-delay", "0"])
        .args(["--report", "report.html", "--pin-sha256", &lab.cluster.cert_sha256()])
        .args(["--phone-port", &lab.cluster.phone_port().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    program
}

/// Returns what to go on with: the last run, or the beginning where none was written down yet.
fn next(lab: &Lab) -> Option<Vec<String>> {
    let ended = lab.read(&["runs", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let runs: Value = serde_json::from_str(&ended.stdout).unwrap();
    match runs["runs"].get(0) {
        None => Some(vec![lab.picture().to_str().unwrap().to_owned()]),
        Some(run) if run["state"] == "finished" => None,
        Some(run) => {
            // A run that was killed before it kept its picture has done nothing yet.
            let shown = lab.read(&["rollout", "--resume", "last", "--dry-run"]);
            if shown.stderr.contains("pushes no picture") {
                return Some(vec![lab.picture().to_str().unwrap().to_owned()]);
            }
            Some(vec!["--resume".to_owned(), run["run"].to_string()])
        }
    }
}

/// Every attempt at every phone, over all runs, in the order in which they were begun.
fn attempts(lab: &Lab) -> BTreeMap<String, Vec<String>> {
    let runs: Value = serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap();
    let mut runs: Vec<String> =
        runs["runs"].as_array().unwrap().iter().map(|run| run["run"].to_string()).collect();
    runs.reverse();
    let mut attempts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for run in runs {
        let shown: Value =
            serde_json::from_str(&lab.read(&["show", &run, "--json"]).stdout).unwrap();
        for attempt in shown["attempts"].as_array().unwrap() {
            let phone = attempt["phone"].as_str().unwrap().to_owned();
            let outcome = attempt["outcome"].as_str().unwrap_or("unknown").to_owned();
            attempts.entry(phone).or_default().push(outcome);
        }
    }
    attempts
}

#[test]
fn a_rollout_that_is_killed_again_and_again_comes_to_its_end() {
    let mut fleet = fleet_of(PHONES);
    fleet.push_devices = (1..=5).map(name).collect();
    let lab = Lab::with(SimConfig {
        limits: Limits::off(),
        phone_latency: Duration::from_millis(20),
        ..SimConfig::new(fleet)
    });
    // The instants grow, so that each try gets further than the one before; the last ones end by themselves.
    let mut kills = 0;
    for instant in (1_u64..).map(|n| Duration::from_millis(60 * n)) {
        let Some(arguments) = next(&lab) else { break };
        assert!(kills < 60, "it never ends");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut child = rollout(&lab, &arguments).spawn().unwrap();
        std::thread::sleep(instant);
        if child.try_wait().unwrap().is_none() {
            kills += 1;
            child.kill().unwrap();
        }
        child.wait().unwrap();
    }
    assert!(kills >= 3, "it was killed {kills} times only");
    let record = lab.record();
    let controlled: BTreeSet<&str> = record.devices(PUSH_USER).into_iter().collect();
    assert_eq!(controlled.len(), PHONES as usize, "an association was lost or is missing");
    for (phone, outcomes) in attempts(&lab) {
        let proven = outcomes.iter().position(|outcome| outcome == "verified");
        assert_eq!(proven, Some(outcomes.len() - 1), "{phone}: {outcomes:?}");
        let accepted = record.phones[&phone].pushes.len();
        assert!(accepted <= outcomes.len(), "{phone} was tried more often than was written down");
    }
    assert!(record.phones.values().all(|phone| phone.shown.is_some()), "not every phone shows it");
}
