//! Clusters with thousands of device pools and profiles: what is for people stays short.

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Fleet, ProfileSpec};

use crate::lab::{Ended, Lab, fleet_of, name};

const GROUPS: u32 = 300;

const BY_PROFILE: &[&str] = &["--repair", "personalization", "--scope", "profile"];

/// A phone in each of many device pools, with a profile of its own that forbids pictures.
fn fleet() -> Fleet {
    let mut fleet = fleet_of(GROUPS);
    for (n, phone) in fleet.phones.iter_mut().enumerate() {
        phone.device_pool = format!("Pool-{n:04}");
        phone.profile = format!("Profile-{n:04}");
    }
    fleet.device_pools = fleet.phones.iter().map(|phone| phone.device_pool.clone()).collect();
    let profiles =
        fleet.phones.iter().map(|phone| ProfileSpec::new(&phone.profile, Setting::Disabled));
    fleet.profiles = profiles.collect();
    fleet.push_devices = (1..=GROUPS).map(name).collect();
    fleet
}

/// Checks that what a person reads is short, and says what is left out.
fn is_short(ended: &Ended, left_out: &str) {
    let lines = ended.stdout.lines().count() + ended.stderr.lines().count();
    assert!(lines < 120, "{lines} lines: {ended:?}");
    let text = format!("{}{}", ended.stdout, ended.stderr);
    assert!(text.contains(left_out), "no {left_out:?} in {ended:?}");
}

#[test]
fn what_only_reads_stays_short() {
    let lab = Lab::new(fleet());
    let rows = |command: &str| lab.run(&[command, "--output", "list.csv", "--format", "csv"]);
    is_short(&rows("inventory"), "300 of 300 phones");
    is_short(&rows("audit"), "… and 280 more: `--format csv`");
    is_short(&lab.run(&["plan"]), "… and 290 more: `axlpaper audit --format csv`");
    is_short(&lab.run(&[&["plan"][..], BY_PROFILE].concat()), "… and 280 more: `--format csv`");
    is_short(&lab.run(&["doctor"]), "image_server");
    let all = lab.run(&[&["plan", "--format", "csv"][..], BY_PROFILE].concat());
    assert_eq!(all.stdout.lines().count(), 601, "a row for each change, and its header");
}

#[test]
fn rollouts_and_their_reports_stay_short() {
    let lab = Lab::new(fleet());
    is_short(&lab.push("rollout", &["--dry-run"]), "… and 280 more: `--format csv`");
    let waits = ["--restart-timeout", "1", "--settle-timeout", "0", "--yes", "--report", "r.html"];
    let ended = lab.push("rollout", &[BY_PROFILE, &waits[..]].concat());
    is_short(&ended, "Phone Personalization of 300 Common Phone Profiles");
    is_short(&ended, "… and 280 more: `--format csv`");
    let show = lab.read(&["show", "last"]);
    show.told(0, &["… and 280 more: `--json`"]);
    assert_eq!(show.stdout.matches("      ~ Profile-").count(), 20, "{show:?}");
    let report = std::fs::read_to_string(lab.path("r.html")).unwrap();
    let pools = report.split("<h2").find(|part| part.contains("Device pools</h2>")).unwrap();
    assert!(pools.matches("<tr>").count() < 110, "{}", pools.matches("<tr>").count());
    assert!(pools.contains("280 more") && pools.contains("and 200 more"), "{pools}");
}
