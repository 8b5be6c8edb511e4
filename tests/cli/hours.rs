//! Windows and the end of a run's time.

use std::process::{Child, Stdio};

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{PUSH_USER, ProfileSpec};
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name, outcome};

/// A window that is closed now and stays so for hours, in UTC.
fn closed() -> String {
    // It ends within its hour: at midnight an end has another notation.
    (Timestamp::now() + 3.hours()).strftime("%H:00-%H:30").to_string()
}

fn open() -> String {
    let at = |hours: i32| (Timestamp::now() + hours.hours()).strftime("%H:00").to_string();
    format!("{}-{}", at(-3), at(3))
}

/// A lab of three phones, the last of them in a pool that lives twelve hours ahead.
fn lab() -> Lab {
    let mut fleet = fleet_of(3);
    fleet.phones[2].device_pool = "Kiribati".to_owned();
    let lab = Lab::new(fleet);
    let config = "default_time_zone = \"UTC\"\n[[time_zone]]\ndevice_pool = \"kiri*\"\n\
        zone = \"Pacific/Tarawa\"\n";
    std::fs::write(lab.path("config.toml"), config).unwrap();
    lab
}

fn run(lab: &Lab, command: &str, arguments: &[&str]) -> crate::lab::Ended {
    let config = lab.path("config.toml");
    let mut all = vec!["--yes", "--json", "--config", config.to_str().unwrap()];
    all.extend(arguments);
    lab.push(command, &all)
}

#[test]
fn an_open_window_lets_its_own_phones_through_and_an_end_leaves_the_others() {
    let lab = lab();
    let end = (Timestamp::now() + 1.hours()).to_string();
    let ended = run(&lab, "rollout", &["--window", &open(), "--until", &end]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(outcome(&document, &name(1)), "verified");
    assert_eq!(outcome(&document, &name(3)), "pending");
    assert!(document["stopped"].as_str().unwrap().contains("--until"), "{document}");
    assert!(lab.record().phones[&name(3)].pushes.is_empty());
    // Whoever was left is not forgotten, and whoever is done is left alone.
    let ended = lab.resumed(&["--resume", "last", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let record = lab.record();
    assert_eq!([1, 2, 3].map(|n| record.phones[&name(n)].pushes.len()), [1, 1, 1]);
}

#[test]
fn an_interrupt_while_a_window_is_waited_for_saves_everything() {
    let lab = lab();
    let picture = lab.picture();
    let (window, pin) = (closed(), lab.cluster.cert_sha256());
    let config = lab.path("config.toml");
    let own = lab.program(&["rollout", picture.to_str().unwrap(), "--yes", "--json"]);
    let mut program = std::process::Command::new(own.get_program());
    program.env_clear().args(own.get_args()).current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.args(["--window", &window, "--pin-sha256", &pin, "--config", config.to_str().unwrap()]);
    program.args(["--phone-port", &lab.cluster.phone_port().to_string(), "--device-pool", "HQ"]);
    let running = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (code, stdout, stderr) = interrupted_once_told(running, "waiting for the window");
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains(&format!("the window {window} of UTC, opens in ")), "{stderr}");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["summary"]["pending"], 2, "{document}");
    let record = lab.record();
    // Associations disturb nobody, so they are there already.
    assert_eq!(record.devices(PUSH_USER).len(), 2);
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty()));
}

/// Waits until a program says something, interrupts it, and returns how it ended and what it wrote.
fn interrupted_once_told(mut running: Child, words: &str) -> (Option<i32>, String, String) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut lines = BufReader::new(running.stderr.take().unwrap());
    let mut stderr = String::new();
    while !stderr.contains(words) {
        assert_ne!(lines.read_line(&mut stderr).unwrap(), 0, "it ended: {stderr}");
    }
    let id = running.id().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(killed.success());
    lines.read_to_string(&mut stderr).unwrap();
    let output = running.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), stderr)
}

#[test]
fn settings_are_not_changed_outside_of_the_window() {
    let mut fleet = fleet_of(2);
    fleet.profiles.push(ProfileSpec::new("Locked", Setting::Disabled));
    fleet.phones.iter_mut().for_each(|phone| phone.profile = "Locked".to_owned());
    let lab = Lab::new(fleet);
    std::fs::write(lab.path("config.toml"), "default_time_zone = \"UTC\"\n").unwrap();
    let (before, window) = (lab.cluster.state_digest(), closed());
    let ended = run(&lab, "rollout", &["--window", &window, "--repair", "personalization"]);
    ended.fails(5, &["the window of 2 phones is closed", "nothing was changed"]);
    assert_eq!(lab.cluster.state_digest(), before);
    // A profile's other phones would apply it too, and nobody here knows their windows.
    let scoped = ["--window", &open(), "--repair", "personalization", "--scope", "profile"];
    let ended = run(&lab, "rollout", &[&scoped[..], &["--device", &name(1)]].concat());
    ended.fails(
        5,
        &["all 2 phones of the profile \"Locked\"", "only 1 of them", "nothing was changed"],
    );
    assert_eq!(lab.cluster.state_digest(), before);
    let ended = run(&lab, "rollout", &scoped);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn times_that_are_none_are_refused() {
    let lab = lab();
    for wrong in [["--window", "22-5"], ["--window", "22:00-22:00"], ["--until", "soon"]] {
        let ended = run(&lab, "push", &wrong);
        assert_eq!(ended.code, 2, "{ended:?}");
    }
    run(&lab, "push", &["--until", "2020-01-01T00:00:00Z"]).fails(2, &["a time that has passed"]);
    std::fs::write(lab.path("config.toml"), "default_time_zone = \"Europe/Pari\"\n").unwrap();
    run(&lab, "push", &["--until", "05:00"]).fails(2, &["is no time zone", "line 1"]);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn an_offset_that_no_time_zone_has_is_refused() {
    let lab = Lab::of_phones(1);
    for option in ["--start", "--until"] {
        let range = "write an offset from UTC from -12:00 to +14:00";
        lab.push("rollout", &[option, "2999-03-01T05:00:00+25:00"]).fails(2, &[option, range]);
        let zone = lab.push("rollout", &[option, "2999-03-01T05:00:00[Europe/Paris]"]);
        zone.fails(2, &[option, "write the offset of a time in place of its zone"]);
    }
    assert!(lab.record().requests.is_empty());
}
