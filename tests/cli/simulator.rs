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
    let program = assert_cmd::cargo::cargo_bin("axlpaper");
    let mut child = Running(
        Command::new(program)
            .args(["sim", "--phones", "40"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
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
