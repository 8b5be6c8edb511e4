//! Signals end a run as Ctrl-C does; runs whose process is gone; runs that start later.

use std::io::Read as _;
use std::process::{Command, Stdio};

use axlpaper::sim::{Quirk, Tripped};
use serde_json::{Value, json};

use crate::control::{Running, control, events, hold, pushes};
use crate::lab::{Lab, fleet_of, name, outcome};

/// Phones that the push user controls already.
fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    Lab::new(fleet)
}

fn state(lab: &Lab) -> String {
    let runs: Value = serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap();
    runs["runs"][0]["state"].as_str().unwrap().to_owned()
}

/// SIGHUP, and what the program says about it. Tests that were started with `nohup` cannot send it, and have SIGTERM instead.
fn hangup() -> (&'static str, &'static str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    if ignored.is_some_and(|mask| mask & 1 == 1) {
        return ("-TERM", "terminated (SIGTERM): finishing");
    }
    ("-HUP", "the terminal is gone (SIGHUP): finishing")
}

#[test]
fn each_signal_lets_what_is_in_flight_finish_and_the_run_can_be_resumed() {
    for (signal, says) in
        [("-INT", "interrupted: finishing"), ("-TERM", "terminated (SIGTERM): finishing"), hangup()]
    {
        let lab = lab(4);
        let (has_arrived, go) = hold(&lab, "push", 2);
        let mut running = Running::start(&lab, &[]);
        has_arrived.recv().unwrap();
        running.signal(signal);
        running.says(says);
        go.send(()).unwrap();
        let ended = running.ends();
        assert_eq!(ended.code, 130, "{signal}: {ended:?}");
        assert_eq!(pushes(&lab), 2, "{signal}");
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(document["summary"]["verified"], 2, "{signal}: {document:#}");
        assert!(lab.path("report.html").exists(), "{signal}");
        assert_eq!(state(&lab), "interrupted");
        let rest = lab.resumed(&["--resume", "last", "--yes"]);
        assert_eq!(rest.code, 0, "{signal}: {rest:?}");
        assert_eq!(pushes(&lab), 4, "{signal}: no phone is pushed to twice");
    }
}

#[test]
fn a_second_signal_of_any_kind_ends_the_run_at_once() {
    let lab = lab(4);
    let mut held = lab.cluster.tripwire("push", 1, Tripped::Before);
    let mut running = Running::start(&lab, &[]);
    while held.try_recv().is_err() {
        std::thread::yield_now();
    }
    running.signal("-TERM");
    running.says("terminated (SIGTERM)");
    running.signal(hangup().0);
    let ended = running.ends();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(state(&lab), "interrupted");
}

#[test]
fn a_run_whose_terminal_is_gone_writes_its_report() {
    let lab = lab(40);
    let (has_arrived, go) = hold(&lab, "push", 1);
    let mut running = Running::start(&lab, &[]);
    has_arrived.recv().unwrap();
    running.closes_stderr();
    running.signal(hangup().0);
    go.send(()).unwrap();
    let ended = running.ends();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(pushes(&lab) < 40);
    assert!(lab.path("report.html").exists(), "{ended:?}");
    assert_eq!(state(&lab), "interrupted");
}

#[test]
fn a_run_that_was_started_with_nohup_outlasts_its_terminal() {
    let lab = lab(3);
    let (has_arrived, go) = hold(&lab, "push", 1);
    let picture = lab.picture();
    let (pin, port) = (lab.cluster.cert_sha256(), lab.cluster.phone_port().to_string());
    let own = lab.program(&["rollout", picture.to_str().unwrap(), "--yes", "--phone-port", &port]);
    let mut program = Command::new("sh");
    program.env_clear().current_dir(lab.folder());
    program.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(own.get_program());
    program.args(own.get_args()).args(["--pin-sha256", &pin, "--report", "report.html"]);
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = program.spawn().unwrap();
    has_arrived.recv().unwrap();
    let id = running.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    go.send(()).unwrap();
    let mut stderr = String::new();
    running.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0), "{stderr}");
    assert_eq!(pushes(&lab), 3);
}

#[test]
fn a_run_whose_process_is_gone_is_killed_at_once() {
    let lab = lab(3);
    let (has_arrived, go) = hold(&lab, "push", 1);
    let running = Running::start(&lab, &[]);
    has_arrived.recv().unwrap();
    assert_eq!(state(&lab), "running");
    running.signal("-KILL");
    drop(go);
    running.ends();
    assert_eq!(state(&lab), "killed");
    lab.read(&["runs"]).told(0, &["killed"]);
    let again: Value = serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap();
    assert_eq!(again["runs"][0]["ended_at"], Value::Null);
}

#[test]
fn a_run_that_was_killed_knows_which_phones_showed_the_picture_before() {
    let lab = lab(8);
    let first = lab.push("rollout", &["--yes", "--device", &format!("{},{}", name(1), name(2))]);
    assert_eq!(first.code, 0, "{first:?}");
    let (has_arrived, go) = hold(&lab, "push", 2);
    let running = Running::start(&lab, &[]);
    has_arrived.recv().unwrap();
    running.signal("-KILL");
    go.send(()).unwrap();
    running.ends();
    let shown =
        || -> Value { serde_json::from_str(&lab.read(&["show", "2", "--json"]).stdout).unwrap() };
    let killed = shown();
    // The next attempts are recorded while one is held.
    let outcomes = [1, 2, 3, 4, 8].map(|n| outcome(&killed, &name(n)));
    let expected = ["already", "already", "verified", "interrupted", "pending"];
    assert_eq!(outcomes, expected, "{killed:#}");
    assert_eq!(killed["summary"]["coverage"], json!({"shown": 3, "capable": 8}));
    // What later runs do is no part of it: one shows the picture to the others, and one pushes another picture.
    let rest = lab.resumed(&["--resume", "2", "--yes"]);
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(shown()["summary"], killed["summary"]);
    image::RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9])).save(lab.path("b.png")).unwrap();
    let port = lab.cluster.phone_port().to_string();
    let other = ["push", "b.png", "--yes", "--phone-port", &port, "--verify-timeout", "2"];
    assert_eq!(lab.run(&other).code, 0);
    assert_eq!(shown()["summary"], killed["summary"]);
    let record = lab.record();
    let pushes = |n: u32| record.phones[&name(n)].pushes.len();
    // The push in flight may have reached its phone.
    assert_eq!([1, 2, 3, 8].map(pushes), [2; 4]);
}

#[test]
fn a_push_by_address_that_was_killed_knows_whom_it_skipped() {
    let lab = lab(2);
    let address = |n: usize| fleet_of(2).phones[n].address.v4().unwrap().to_string();
    let push = |addresses: &str| {
        let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
        lab.program(&[
            "push",
            picture.to_str().unwrap(),
            "--address",
            addresses,
            "--phone-port",
            &port,
            "--yes",
            "--no-report",
        ])
    };
    assert_eq!(crate::lab::end(push(&address(0))).code, 0);
    let (has_arrived, go) = hold(&lab, "push", 1);
    let running = Running::spawn(&lab, &push(&format!("{},{}", address(0), address(1))), &[]);
    has_arrived.recv().unwrap();
    running.signal("-KILL");
    go.send(()).unwrap();
    running.ends();
    let shown: Value = serde_json::from_str(&lab.read(&["show", "2", "--json"]).stdout).unwrap();
    assert_eq!(outcome(&shown, &name(1)), "already", "{shown:#}");
}

#[test]
fn a_run_that_starts_later_checks_everything_and_changes_nothing_before() {
    let mut fleet = fleet_of(3);
    // One association is to be added.
    fleet.push_devices = vec![name(1), name(2)];
    let lab = Lab::new(fleet);
    let before = lab.cluster.state_digest();
    let mut running = Running::start(&lab, &["--start", "2999-01-01T22:00:00Z"]);
    running.says("everything is ready; the run starts at 2999-01-01 22:00 UTC (--start)");
    // The journal is written beside the messages.
    while state(&lab) == "running" {}
    assert_eq!(state(&lab), "waiting");
    lab.read(&["show", "last"]).told(0, &["the run starts at 2999-01-01 22:00 UTC"]);
    assert_eq!((lab.cluster.state_digest(), pushes(&lab)), (before.clone(), 0));
    running.signal("-TERM");
    let ended = running.ends();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!((lab.cluster.state_digest(), pushes(&lab)), (before, 0));
    assert_eq!(state(&lab), "interrupted");
    let rest = lab.resumed(&["--resume", "last", "--yes"]);
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(pushes(&lab), 3);
}

#[test]
fn a_run_that_waits_can_be_aborted_by_another_process() {
    let lab = lab(3);
    let mut running = Running::start(&lab, &["--start", "2999-01-01T22:00:00Z"]);
    running.says("everything is ready");
    control(&lab, "abort").told(0, &["Run 1 ends"]);
    assert_eq!(running.ends().code, 130);
    assert_eq!(pushes(&lab), 0);
    let kinds: Vec<String> = events(&lab, "1").into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["start_awaited", "aborted"]);
}

#[test]
fn what_a_later_start_would_meet_is_found_before_the_wait() {
    let lab = lab(3);
    let past = lab.push("rollout", &["--yes", "--start", "2001-01-01T22:00:00Z"]);
    past.fails(2, &["--start names a time that has passed"]);
    let start = ["--yes", "--start", "2999-01-01T22:00:00Z"];
    let ends_before = [&start[..], &["--until", "2998-01-01T22:00:00Z"]].concat();
    lab.push("rollout", &ends_before).fails(2, &["--until", "comes before the start"]);
    lab.push("rollout", &["--start", "tonight"]).fails(2, &["--start", "2026-03-01T05:00"]);
    assert_eq!(pushes(&lab), 0);
}

#[test]
fn a_run_that_has_begun_goes_on_without_its_start() {
    let lab = lab(2);
    lab.cluster.set_quirk(&name(1), Quirk::ErrorWithOk { number: 3 });
    let ended = lab.push("rollout", &["--yes", "--canary", "1", "--max-failures", "0"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let journal = rusqlite::Connection::open(lab.path("journal.sqlite3")).unwrap();
    let typed = "update runs set command_line = command_line || ' --start 2001-01-01T22:00:00Z --attempts 4'";
    journal.execute_batch(typed).unwrap();
    drop(journal);
    let shown = lab.read(&["show", "1"]).stdout;
    let next = shown.lines().find(|line| line.contains("--resume 1")).unwrap();
    assert!(next.contains("--attempts 4") && !next.contains("--start"), "{next}");
}
