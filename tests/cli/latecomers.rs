//! Phones that register while a push goes on.

use std::process::Stdio;
use std::time::Duration;

use axlpaper::sim::{Address, Registration};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name, outcome};

/// A lab of four phones, two of which are not registered; one of them comes later.
fn lab() -> Lab {
    let mut fleet = fleet_of(4);
    fleet.phones[2].registration = Registration::UnRegistered;
    fleet.phones[3].registration = Registration::NeverSeen;
    // Another model than the others, so that its picture has to be made beforehand.
    fleet.phones[2].model = 36224;
    fleet.phones[2].model_name = "Cisco 8845".to_owned();
    fleet.phones[2].address = Address::V4([127, 77, 0, 3].into());
    Lab::new(fleet)
}

/// Starts a rollout that waits for phones, lets the third one register once the first two are done, and
/// returns how the rollout ends.
fn with_a_latecomer(lab: &Lab, limit: &str) -> (i32, Value) {
    let picture = lab.picture();
    let own = lab.program(&["rollout", picture.to_str().unwrap(), "--yes", "--json"]);
    let mut program = std::process::Command::new(own.get_program());
    program.env_clear().args(own.get_args()).current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.args(["--wait-for-offline", limit, "--pin-sha256", &lab.cluster.cert_sha256()]);
    program.args(["--phone-port", &lab.cluster.phone_port().to_string()]);
    program.args(["--verify-timeout", "2", "--ris-rate", "600"]);
    let mut running = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let shows = |n: u32| lab.record().phones[&name(n)].shown.is_some();
    while !(shows(1) && shows(2)) {
        assert!(running.try_wait().unwrap().is_none(), "it ended before its first pushes");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(lab.cluster.set_registration(&name(3), Registration::Registered));
    let output = running.wait_with_output().unwrap();
    let document = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), document)
}

#[test]
fn a_phone_that_registers_later_is_pushed_to_when_it_comes() {
    let lab = lab();
    let (code, document) = with_a_latecomer(&lab, "5s");
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(outcome(&document, &name(3)), "verified");
    assert_eq!(outcome(&document, &name(4)), "offline");
    assert!(lab.record().phones[&name(3)].shown.is_some());
    assert_eq!(document["summary"]["verified"], 3);
}

#[test]
fn a_duration_is_one() {
    let lab = lab();
    for (wrong, words) in [
        ("soon", "write a duration with its unit"),
        ("5", "write a duration with its unit"),
        ("-5m", "it is negative; write a duration"),
        ("-1h", "it is negative; write a duration"),
        ("10000y", "it is longer than 720h (30 days)"),
        ("721h", "it is longer than 720h (30 days)"),
        ("99999999999999999999h", "at most 720h"),
        ("--force", "the value is missing; write a duration"),
    ] {
        for typed in [
            vec![format!("--wait-for-offline={wrong}")],
            vec!["--wait-for-offline".to_owned(), wrong.to_owned()],
        ] {
            let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
            let ended = lab.push("rollout", &[&["--yes"], &typed[..]].concat());
            ended.fails(2, &[words, "--wait-for-offline"]);
            assert!(!ended.stderr.contains("use '--"), "{ended:?}");
        }
    }
    for option in
        ["--limit", "--concurrency", "--attempts", "--max-failures", "--canary", "--phone-port"]
    {
        let ended = lab.push("rollout", &["--yes", option, "-3"]);
        ended.fails(2, &[option, "-3"]);
        assert!(!ended.stderr.contains("use '--"), "{ended:?}");
    }
    lab.read(&["phone", &name(1), "--phone-timeout", "8"])
        .fails(2, &["this command has no --phone-timeout; these have it: push, rollout"]);
    let unknown = lab.read(&["runs", "--bananas"]);
    unknown.fails(2, &["--bananas"]);
    assert!(!unknown.stderr.contains("use '--"), "{unknown:?}");
}
