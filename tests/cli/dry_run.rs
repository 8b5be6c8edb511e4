//! `--dry-run`: what the real run would refuse before its question is refused, with the same exit code, and nothing is
//! written anywhere.

use std::net::TcpListener;

use axlpaper::sim::PUSH_USER;
use serde_json::Value;

use crate::lab::{Ended, Lab, end, fleet_of, name, outcome};

/// Three phones, the first two of which the push user controls.
fn lab() -> Lab {
    let mut fleet = fleet_of(3);
    fleet.push_devices = vec![name(1), name(2)];
    Lab::new(fleet)
}

/// Every command that pushes, each with something that it can push.
fn commands(lab: &Lab) -> Vec<Vec<String>> {
    let tone = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tones/440.mp3");
    std::fs::write(lab.path("menu.toml"), "[[step]]\npress=['Key:Settings']").unwrap();
    let picture = lab.picture();
    let picture = picture.to_str().unwrap();
    [
        ["rollout", picture],
        ["push", picture],
        ["ringtone", tone],
        ["play", "Chime.raw"],
        ["keys", "menu.toml"],
    ]
    .map(|words| words.map(str::to_owned).to_vec())
    .into()
}

fn run(lab: &Lab, command: &[String], options: &[&str]) -> Ended {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let port = lab.cluster.phone_port().to_string();
    lab.run(&[&words[..], options, &["--phone-port", &port, "--retry-delay", "0"]].concat())
}

fn by_address(lab: &Lab, command: &[String], options: &[&str]) -> Ended {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let port = lab.cluster.phone_port().to_string();
    lab.read(&[&words[..], options, &["--phone-port", &port, "--retry-delay", "0"]].concat())
}

fn assert_untouched(lab: &Lab, before: &str) {
    let record = lab.record();
    assert_eq!(lab.cluster.state_digest(), before);
    assert!(record.writes.is_empty());
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty()));
    assert!(!lab.path("journal.sqlite3").exists(), "a dry run wrote a journal");
}

#[test]
fn every_command_that_pushes_shows_what_it_would_do() {
    let lab = lab();
    let before = lab.cluster.state_digest();
    for command in commands(&lab) {
        let phones = if command[0] == "rollout" { "3 phones" } else { "2 phones" };
        let ended = run(&lab, &command, &["--dry-run"]);
        ended.told(0, &["Audit of 3 phones", phones, "Dry run: nothing was changed or pushed."]);
        assert_eq!(ended.stdout.contains("Plan "), command[0] == "rollout", "{ended:?}");
    }
    assert_untouched(&lab, &before);
}

#[test]
fn phones_at_addresses_are_listed() {
    let lab = lab();
    let before = lab.cluster.state_digest();
    let address = |n: usize| fleet_of(3).phones[n].address.v4().unwrap().to_string();
    let (one, two) = (address(0), address(1));
    for command in commands(&lab).iter().filter(|command| command[0] != "rollout") {
        let to = ["--address", &one, "--address", &two, "--dry-run"];
        let ended = by_address(&lab, command, &to);
        ended.told(
            0,
            &[&name(1), &name(2), &one, "would be pushed to", "By address, it would", "2 phones"],
        );
        let json = by_address(&lab, command, &[&to[..], &["--json"]].concat());
        let document: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!((json.code, outcome(&document, &name(2))), (0, "pending".to_owned()));
        // A phone that does not answer would make the real run end with 3.
        let nobody = by_address(&lab, command, &["--address", "127.200.0.9", "--dry-run"]);
        nobody.told(3, &["unreachable", "0 phones"]);
    }
    assert_untouched(&lab, &before);
}

#[test]
fn what_the_real_run_refuses_is_refused() {
    let lab = lab();
    let before = lab.cluster.state_digest();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let past = ["--until", "2020-01-01T00:00:00Z"];
    for (options, served, words) in [
        (vec!["--listen", "banana"], false, "--listen"),
        (vec!["--listen", "10.99.99.99:8080"], true, "10.99.99.99:8080"),
        (vec!["--listen", &taken], true, &taken),
        (vec!["--advertise", "10.1.1.1:8080"], false, "--advertise"),
        (vec!["--tls-cert", "none.pem", "--tls-key", "none.key"], true, "none.pem"),
        (vec!["--phone-ca-file", "none.pem"], false, "none.pem"),
        (vec!["--push-password-file", "none.password"], false, "none.password"),
        (past.to_vec(), false, "--until"),
        (vec!["--window", "22-5"], false, "--window"),
        (vec!["--min-sample", "0"], false, "--min-sample"),
        (vec!["--max-failures", "101%"], false, "--max-failures"),
        (vec!["--report", "nowhere/report.html"], false, "nowhere"),
        (vec!["--state", "picture.png"], false, "journal"),
        (vec!["--device-pool", "Nowhere"], false, "Nowhere"),
    ] {
        for command in commands(&lab) {
            let has_server = ["rollout", "push", "ringtone"].contains(&command[0].as_str());
            if served && !has_server {
                continue;
            }
            let dry = run(&lab, &command, &[&options[..], &["--dry-run"]].concat());
            let real = run(&lab, &command, &[&options[..], &["--yes"]].concat());
            assert_ne!(dry.code, 0, "{command:?} {options:?}: {dry:?}");
            assert_eq!(dry.code, real.code, "{command:?} {options:?}: {dry:?} {real:?}");
            assert!(dry.stderr.contains(words), "{command:?} {options:?}: {dry:?}");
        }
    }
    assert_eq!(lab.cluster.state_digest(), before);
}

#[test]
fn a_password_that_is_missing_or_wrong_is_refused() {
    let lab = lab();
    let pin = lab.cluster.cert_sha256();
    let port = lab.cluster.phone_port().to_string();
    for command in commands(&lab) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let options = ["--dry-run", "--pin-sha256", &pin, "--phone-port", &port];
        let mut program = lab.program(&[&words[..], &options].concat());
        program.env_remove("PHONE_PASSWORD");
        end(program).fails(2, &["password of the push user", "--push-password-file"]);
    }
    // The cluster is asked where phones are to be associated first.
    let picture = lab.picture();
    let options = ["--dry-run", "--pin-sha256", &pin, "--phone-port", &port];
    let mut program =
        lab.program(&[&["rollout", picture.to_str().unwrap()], &options[..]].concat());
    program.env("PHONE_PASSWORD", "wrong");
    end(program).fails(4, &["refuses the password of the push user"]);
    assert_eq!(lab.record().users[PUSH_USER].failed_logins, 1);
}

#[test]
fn a_cluster_that_another_run_works_on_is_shown_and_refused() {
    let lab = lab();
    let picture = lab.picture();
    // A lock as a process holds it.
    assert_eq!(lab.push("push", &["--yes", "--limit", "1"]).code, 0);
    let locks = || {
        let files = std::fs::read_dir(lab.folder()).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|ending| ending == "lock"))
    };
    let held: Vec<std::fs::File> = locks()
        .map(|path| {
            let owner = "{\"os_user\":\"ada\",\"machine\":\"ops1\",\"process\":42,\"command\":\"rollout\",\
                         \"run\":7,\"since\":\"2026-01-01T00:00:00Z\"}";
            std::fs::write(&path, owner).unwrap();
            let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
            file.try_lock().unwrap();
            file
        })
        .collect();
    assert_eq!(held.len(), 2, "the cluster has two names");
    let command = ["rollout".to_owned(), picture.to_str().unwrap().to_owned()];
    let dry = run(&lab, &command, &["--dry-run"]);
    dry.told(5, &["Audit of 3 phones", "nothing was changed or pushed"]);
    dry.fails(5, &["another run works on this cluster", "ada on ops1", "hint:"]);
    assert_eq!(run(&lab, &command, &["--yes"]).code, 5);
    drop(held);
    assert_eq!(run(&lab, &command, &["--dry-run"]).code, 0);
}

#[test]
fn a_plan_that_is_stale_is_refused() {
    let lab = lab();
    lab.run(&["plan", "-o", "plan.json"]).told(0, &["Plan"]);
    let before = lab.cluster.state_digest();
    let dry = lab.run(&["apply", "plan.json", "--dry-run"]);
    dry.told(0, &["Dry run: nothing was changed."]);
    assert!(dry.stderr.contains(&name(3)), "the plan is shown: {dry:?}");
    let json = lab.run(&["apply", "plan.json", "--dry-run", "--json"]);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["schema"], "axlpaper.plan/v1");
    assert_untouched(&lab, &before);
    lab.cluster.set_associations(PUSH_USER, &[&name(1)]);
    let dry = lab.run(&["apply", "plan.json", "--dry-run"]);
    dry.fails(5, &["has changed since the plan was made", "nothing was changed"]);
    assert_eq!(lab.run(&["apply", "plan.json", "--yes"]).code, 5);
    assert!(lab.record().writes.is_empty());
    lab.run(&["apply", "none.json", "--dry-run"]).fails(2, &["none.json"]);
}
