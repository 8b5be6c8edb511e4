//! A journal that cannot be written or read: clear errors, nothing changed on the cluster, nothing lost.

use std::path::Path;

use axlpaper::sim::{PUSH_USER, PushOutcome};
use rusqlite::Connection;
use serde_json::Value;

use crate::lab::{Ended, Lab, end};

/// Runs a rollout, a push, an apply and a revert against a journal that is no good, and checks that each
/// says so and changes nothing.
fn refuses(lab: &Lab, state: &Path, words: &[&str]) {
    let before = lab.cluster.state_digest();
    let pushes = pushes(lab);
    let state = state.to_str().unwrap();
    let kept = std::fs::read(state).unwrap_or_default();
    for command in ["rollout", "push"] {
        lab.push(command, &["--yes", "--force", "--state", state]).fails(1, words);
    }
    let plan = lab.run(&["plan", "-o", "plan.json", "--state", "other.sqlite3"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    lab.run(&["apply", "plan.json", "--yes", "--state", state]).fails(1, words);
    assert_eq!(lab.cluster.state_digest(), before);
    assert_eq!(self::pushes(lab), pushes);
    let now = std::fs::read(state).unwrap_or_default();
    assert!(now == kept, "the journal was written to");
}

fn pushes(lab: &Lab) -> usize {
    lab.record().phones.values().map(|phone| phone.pushes.len()).sum()
}

/// A lab whose journal holds one rollout to two of its three phones, so that there is something to do.
fn with_a_run() -> (Lab, std::path::PathBuf) {
    let lab = Lab::of_phones(3);
    let (code, document) = lab.rollout(&["--limit", "2"]);
    assert_eq!(code, 0, "{document:#}");
    let path = lab.path("journal.sqlite3");
    // Everything into the one file, so that it can be looked at and damaged.
    Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "delete").unwrap();
    (lab, path)
}

#[test]
fn a_journal_of_a_newer_release_is_left_alone() {
    let (lab, path) = with_a_run();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    refuses(&lab, &path, &["written by a newer axlpaper", "its format is 99", "--state"]);
    for arguments in [&["runs"][..], &["show", "last"]] {
        lab.read(arguments).fails(1, &["newer axlpaper"]);
    }
    lab.run(&["revert", "last"]).fails(1, &["newer axlpaper"]);
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let lab = Lab::of_phones(2);
    let path = lab.path("other.db");
    Connection::open(&path).unwrap().execute_batch("create table t (x)").unwrap();
    refuses(&lab, &path, &["not a journal of axlpaper"]);
}

#[test]
fn a_damaged_journal_is_told_and_left_alone() {
    let (lab, path) = with_a_run();
    let whole = std::fs::read(&path).unwrap();
    // The head of the file, and then the page that lists the tables.
    for at in [0, 100] {
        let mut bytes = whole.clone();
        bytes[at..at + 80].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        refuses(&lab, &path, &["damaged", "put it aside"]);
    }
    std::fs::write(&path, &whole[..whole.len() / 2 + 100]).unwrap();
    let cut = lab.push("rollout", &["--yes", "--force"]);
    assert_eq!(cut.code, 1, "{cut:?}");
    assert!(cut.stderr.contains("damaged"), "{cut:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_journal_that_may_not_be_written_is_told() {
    let lab = Lab::of_phones(2);
    // Nobody, not even root, makes files there.
    refuses(&lab, Path::new("/sys/journal.sqlite3"), &["may not be written", "--state"]);
    refuses(&lab, Path::new("/sys/axlpaper/journal.sqlite3"), &["may not be written", "--state"]);
}

/// Runs a rollout that may make no file larger than this.
#[cfg(unix)]
fn limited(lab: &Lab, kilobytes: usize, state: &str) -> Ended {
    // `ulimit -f` counts blocks of 512 bytes; without the trap the signal would end the program.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kilobytes * 2);
    let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
    let pin = lab.cluster.cert_sha256();
    let own = lab.program(&[
        "rollout",
        picture.to_str().unwrap(),
        "--yes",
        "--force",
        "--json",
        "--state",
        state,
        "--phone-port",
        &port,
        "--pin-sha256",
        &pin,
        "--verify-timeout",
        "2",
    ]);
    let mut program = assert_cmd::Command::new("sh");
    program.arg("-c").arg(script).arg("sh").arg(own.get_program()).args(own.get_args());
    program.current_dir(lab.folder()).env_clear();
    for (name, value) in own.get_envs() {
        program.env(name, value.unwrap_or_default());
    }
    end(program)
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_stops_everything_that_cannot_be_written_down() {
    let lab = Lab::of_phones(40);
    let (mut stopped_midway, mut round) = (false, 0);
    let last = loop {
        round += 1;
        let (before, writes) = (lab.record(), lab.record().writes.len());
        let state = format!("full-{round}.sqlite3");
        let ended = limited(&lab, 100 + 40 * round, &state);
        if ended.code == 0 {
            break ended;
        }
        assert!(round < 60, "it never has room enough: {ended:?}");
        assert!(ended.stderr.contains("no room left on its disk"), "{ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        let after = lab.record();
        let new =
            |name: &String| after.phones[name].pushes.len() - before.phones[name].pushes.len();
        let pushed: Vec<&String> = after.phones.keys().filter(|name| new(name) > 0).collect();
        // What was done stands in the journal, and what does not stand there was not done.
        let shown = lab.read(&["show", "last", "--json", "--state", &state]);
        if shown.code != 0 {
            assert!(pushed.is_empty() && after.writes.len() == writes, "{ended:?}");
            continue;
        }
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        let attempts = shown["attempts"].as_array().unwrap();
        for name in &pushed {
            let there = attempts.iter().filter(|attempt| attempt["phone"] == name.as_str()).count();
            assert_eq!(there, new(name), "{name} in round {round}");
        }
        assert_eq!(shown["changes"].as_array().unwrap().len(), after.writes.len() - writes);
        stopped_midway |= !pushed.is_empty();
    };
    assert!(stopped_midway, "no limit stopped it in the middle of its pushes: {last:?}");
    let record = lab.record();
    assert_eq!(record.devices(PUSH_USER).len(), 40);
    let accepted = |push: &axlpaper::sim::Push| push.outcome == PushOutcome::Accepted;
    assert!(record.phones.values().all(|phone| phone.pushes.iter().all(accepted)));
}

/// Runs a command as a user who may only read.
#[cfg(target_os = "linux")]
fn as_reader(lab: &Lab, arguments: &[&str]) -> Ended {
    use std::os::unix::process::CommandExt as _;
    let own = lab.program(arguments);
    let mut program = std::process::Command::new(own.get_program());
    program.env_clear().args(own.get_args()).current_dir("/");
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // Root may write everything.
    if rustix::process::geteuid().is_root() {
        program.uid(65_534).gid(65_534);
    }
    let output = program.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_journal_that_may_only_be_read_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let (lab, path) = with_a_run();
    Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "wal").unwrap();
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let before = std::fs::read(&path).unwrap();
    set(&path, 0o444);
    set(lab.folder(), 0o555);
    let runs = as_reader(&lab, &["runs", "--json"]);
    let shown = as_reader(&lab, &["show", "last", "--json"]);
    let report = as_reader(&lab, &["report", "last", "-o", "-"]);
    let refused = as_reader(&lab, &["control", "1", "pause"]);
    set(lab.folder(), 0o755);
    runs.told(0, &["\"rollout\""]);
    shown.told(0, &["SEP000000000001"]);
    report.told(0, &["<html"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(std::fs::read(&path).unwrap() == before, "the journal was written to");
}
