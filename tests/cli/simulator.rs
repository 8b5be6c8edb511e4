//! `axlpaper sim` as a program of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::lab::{bare, end};

/// Ends the simulator when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn what_it_prints_leads_to_it() {
    follow(&["sim", "--phones", "40"]);
}

#[test]
fn so_it_does_without_limits_and_on_an_old_release() {
    follow(&["sim", "--phones", "40", "--limits", "off", "--release", "11.5"]);
}

#[test]
fn its_limits_are_those_of_a_cluster_or_none() {
    let mut program = bare();
    program.args(["sim", "--limits", "some"]);
    let ended = end(program);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("real") && ended.stderr.contains("off"), "{ended:?}");
    let mut program = bare();
    program.args(["sim", "--time-scale", "0"]);
    assert_eq!(end(program).code, 2);
}

#[test]
fn numbers_and_units_are_named() {
    let mut program = bare();
    program.args(["sim", "--latency", "300"]);
    let ended = end(program);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("with its unit, such as 300ms"), "{ended:?}");
    let program = assert_cmd::cargo::cargo_bin("axlpaper");
    let mut command = Command::new(program);
    command.args(["sim", "--phones", "1", "--port", "0"]).stdout(Stdio::piped());
    let mut child = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(
        first.starts_with("A simulated cluster with 1 phone runs at https://127.0.0.1:"),
        "{first}"
    );
}

#[test]
fn events_happen_by_a_file_or_are_made_up() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/timeline.toml");
    for (events, awaited) in [
        (["--timeline", sample], "remove"),
        (["--life", "3"], "unregister"),
        (["--life", "4"], "load"),
    ] {
        let program = assert_cmd::cargo::cargo_bin("axlpaper");
        let mut command = Command::new(program);
        command.args(["sim", "-v", "--phones", "60", "--port", "0", "--speed", "1000000"]);
        command.args(events).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = Running(command.spawn().unwrap());
        let lines = BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut changes = lines.filter(|line| line.contains("\"kind\":\"change\""));
        let awaited = format!("\"change\":\"{awaited}\"");
        assert!(changes.any(|line| line.contains(&awaited)), "{events:?}");
    }
}

#[test]
fn a_wrong_timeline_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.toml");
    let refused = |arguments: &[&str]| {
        let mut program = bare();
        program.args(["sim", "--port", "0"]).args(arguments);
        let ended = end(program);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        ended.stderr
    };
    let shown = path.to_str().unwrap();
    assert!(refused(&["--timeline", shown]).contains("cannot read the timeline"));
    std::fs::write(&path, "[[event]]\nat = \"1s\"\nfactory_rest = { devices = 1 }\n").unwrap();
    let told = refused(&["--timeline", shown]);
    for part in [shown, "line 3, event 1", "did you mean `factory_reset`?", "docs/simulator.md"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    std::fs::write(&path, b"speed = \"\xff\"").unwrap();
    assert!(refused(&["--timeline", shown]).contains("UTF-8"));
    assert!(refused(&["--timeline", shown, "--life"]).contains("cannot be used with"));
    assert!(refused(&["--speed", "60"]).contains("--timeline <FILE>"));
}

/// Starts a simulator and does what it tells to do.
fn follow(arguments: &[&str]) {
    let program = assert_cmd::cargo::cargo_bin("axlpaper");
    let mut child =
        Running(Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut client = bare();
    for line in lines.by_ref() {
        if let Some(exports) = line.strip_prefix("export ") {
            for pair in exports.split(' ') {
                let (key, value) = pair.split_once('=').unwrap();
                client.env(key, value);
            }
        } else if let Some(arguments) = line.strip_prefix("axlpaper audit ") {
            client.arg("audit").args(arguments.split(' ')).arg("--json");
            break;
        }
    }
    let ended = end(client);
    assert_eq!(ended.code, 0, "{ended:?}");
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(json["summary"]["total"].as_u64().unwrap() >= 40, "{}", json["summary"]);
}
