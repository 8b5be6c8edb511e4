//! A watch keeps phones as the rules describe, on a cluster that changes.

use std::collections::BTreeMap;
use std::time::Duration;

use axlpaper::sim::{
    ADMIN_USER, Address, Change, ChangeNotification, Limits, PUSH_USER, PhoneSpec, Registration,
    Restart, SimConfig, Tripped,
};
use serde_json::Value;

use crate::control::{Running, control, hold, pushes};
use crate::lab::{Ended, Lab, fleet_of, name};

/// Phones that the push user controls already.
pub fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    Lab::new(fleet)
}

/// A watch that passes several times a second.
pub fn watching(lab: &Lab, arguments: &[&str]) -> Running {
    watching_with(lab, arguments, &[])
}

/// The same, with environment variables.
pub fn watching_with(lab: &Lab, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
    let (picture, pin) = (lab.picture(), lab.cluster.cert_sha256());
    let port = lab.cluster.phone_port().to_string();
    let own = ["watch", picture.to_str().unwrap(), "--pin-sha256", &pin, "--phone-port", &port];
    let quick = ["--interval", "200ms", "--verify-timeout", "2", "--retry-delay", "0", "--yes"];
    let quick = [&quick[..], &["--ris-rate", "600"]].concat();
    let mut program = lab.program(&own);
    program.envs(environment.iter().copied());
    Running::spawn(lab, &program, &[&quick, arguments].concat())
}

pub fn once(lab: &Lab, arguments: &[&str]) -> Ended {
    lab.push("watch", &[&["--once", "--yes"], arguments].concat())
}

/// How many pushes each phone got, by the record of the simulator.
pub fn pushes_of(lab: &Lab) -> BTreeMap<String, usize> {
    let phones = lab.record().phones;
    phones.into_iter().map(|(name, phone)| (name, phone.pushes.len())).collect()
}

pub fn runs(lab: &Lab) -> Value {
    serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap()
}

/// A phone that an administrator adds; no user controls it.
pub fn add(lab: &Lab, n: u8) {
    let address = Address::V4(std::net::Ipv4Addr::new(127, 9, 9, n));
    let phone = PhoneSpec { address, ..PhoneSpec::new(name(n.into()), 683) };
    lab.cluster.change(Change::Insert { position: 0, phone: Box::new(phone) });
}

pub fn ends(running: Running) {
    running.signal("-TERM");
    let ended = running.ends();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_pass_with_nothing_to_do_is_no_run() {
    let lab = lab(3);
    let first = once(&lab, &[]);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(pushes(&lab), 3);
    let second = once(&lab, &[]);
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(pushes(&lab), 3, "what is proven is not pushed again");
    let document = runs(&lab);
    assert_eq!(document["runs"].as_array().unwrap().len(), 1, "{document:#}");
    assert_eq!(document["runs"][0]["command"], "watch");
    assert_eq!(document["watches"][0]["passes"], 2, "{document:#}");
    assert_eq!(document["watches"][0]["alive"], false, "{document:#}");
    assert_eq!(document["watches"][0]["shown"], 3, "{document:#}");
}

#[test]
fn a_new_phone_gets_its_picture_by_itself() {
    let lab = lab(2);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 2 phones verified, 0 failed");
    add(&lab, 9);
    running.says("1 phone to serve: SEP000000000009");
    running.says("run 2: 1 phone verified, 0 failed");
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [1, 1, 1]);
    assert!(lab.record().devices(PUSH_USER).contains(&&*name(9)), "it was associated first");
    let alive = lab.read(&["runs"]);
    assert!(alive.stderr.contains("watch of 127.0.0.1: works"), "{alive:?}");
    ends(running);
}

#[test]
fn an_association_that_somebody_removes_is_put_back_and_nothing_is_pushed_for_it() {
    let lab = lab(3);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 3 phones verified");
    let rest: Vec<String> = vec![name(1), name(3), "CTIPORT1".to_owned()];
    lab.cluster.change(Change::Associate { user: PUSH_USER.to_owned(), devices: rest });
    running.says("1 phone to serve: SEP000000000002");
    running.says("run 2: 1 phone verified, 0 failed");
    let record = lab.record();
    let mut devices = record.devices(PUSH_USER);
    devices.sort_unstable();
    assert_eq!(devices, [&*name(1), &*name(2), &*name(3)]);
    assert_eq!(pushes(&lab), 3, "it shows its picture already");
    ends(running);
}

#[test]
fn a_phone_gets_its_picture_when_it_registers() {
    let mut fleet = fleet_of(2);
    fleet.push_devices = (1..=2).map(name).collect();
    fleet.phones[1].registration = Registration::UnRegistered;
    let lab = Lab::new(fleet);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 1 phone verified, 0 failed");
    lab.cluster.set_registration(&name(2), Registration::Registered);
    running.says("run 2: 1 phone verified, 0 failed");
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [1, 1]);
    ends(running);
}

#[test]
fn a_phone_that_replaces_another_one_is_named_and_served() {
    let mut fleet = fleet_of(3);
    fleet.push_devices = (1..=3).map(name).collect();
    fleet.phones[1].description = "Lobby".to_owned();
    let lab = Lab::new(fleet);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 3 phones verified");
    let (phone, by) = (name(2), Some(name(22)));
    lab.cluster.change(Change::Replace { phone, by });
    running.says("run 2: 1 phone verified");
    running.says("SEP000000000022 replaces SEP000000000002");
    assert_eq!(pushes_of(&lab)[&name(22)], 1);
    ends(running);
    // So is one that came while no watch worked.
    let (phone, by) = (name(22), Some(name(23)));
    lab.cluster.change(Change::Replace { phone, by });
    let next = once(&lab, &[]);
    assert!(next.stderr.contains("SEP000000000023 replaces SEP000000000022"), "{next:?}");
    assert!(!once(&lab, &[]).stderr.contains("replaces"));
}

#[test]
fn more_than_was_agreed_waits_for_an_approval_and_is_not_done_bit_by_bit() {
    let lab = lab(3);
    let mut running = watching(&lab, &["--max-change", "2"]);
    running.says("run 1: 3 phones verified");
    lab.cluster.change(Change::Associate { user: PUSH_USER.to_owned(), devices: Vec::new() });
    running.says("3 phones would be changed or pushed to, and --max-change allows 2");
    let waiting = lab.read(&["runs"]);
    assert!(
        waiting.stderr.contains("3 phones wait for `axlpaper control watch approve`"),
        "{waiting:?}"
    );
    // Another one that changes alone is served; those that wait are not.
    add(&lab, 14);
    running.says("run 2: 1 phone verified");
    assert_eq!(lab.record().devices(PUSH_USER), [&*name(14)]);
    let approved = lab.read(&["control", "watch", "approve"]);
    approved.told(0, &["What waited in the watch of 127.0.0.1 is approved."]);
    running.says("approved by");
    running.says("run 3: 3 phones verified, 0 failed");
    assert_eq!(lab.record().devices(PUSH_USER).len(), 4);
    assert!(pushes_of(&lab).values().all(|count| *count == 1), "{:?}", pushes_of(&lab));
    lab.read(&["control", "watch", "approve"]).fails(5, &["waits for no approval"]);
    ends(running);
    lab.read(&["control", "watch", "approve"]).fails(5, &["no watch works with this journal"]);
    lab.read(&["control", "watch", "pause"]).fails(2, &["a watch knows `approve` only"]);
}

#[test]
fn a_watch_that_is_started_again_is_limited_too() {
    let lab = lab(3);
    let first = once(&lab, &["--max-change", "1"]);
    assert_eq!(first.code, 0, "the first pass was confirmed: {first:?}");
    let other = lab.path("other.png");
    image::RgbImage::from_pixel(800, 480, image::Rgb([9, 9, 90])).save(&other).unwrap();
    let port = lab.cluster.phone_port().to_string();
    let with_other = |more: &[&str]| {
        let own = ["watch", other.to_str().unwrap(), "--once", "--yes", "--phone-port", &port];
        lab.run(&[&own, more].concat())
    };
    let refused = with_other(&["--max-change", "2"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr.contains("3 phones would be changed or pushed to"), "{refused:?}");
    assert_eq!(pushes(&lab), 3);
    let allowed = with_other(&["--max-change", "100%"]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    assert_eq!(pushes(&lab), 6);
}

#[test]
fn without_change_notification_surveys_find_what_changed() {
    for change_notification in
        [ChangeNotification::OffWithFault, ChangeNotification::OffWithoutQueue]
    {
        let mut fleet = fleet_of(1);
        fleet.push_devices = vec![name(1)];
        surveys_find_changes(&Lab::with(SimConfig {
            limits: Limits::off(),
            change_notification,
            ..SimConfig::new(fleet)
        }));
    }
}

fn surveys_find_changes(lab: &Lab) {
    let mut running = watching(lab, &["--survey-every", "1s"]);
    running.says("the cluster does not say what changed, so all phones are looked at every 1 s");
    running.says("run 1: 1 phone verified");
    add(lab, 9);
    running.says("run 2: 1 phone verified");
    assert_eq!(pushes(lab), 2);
    let status = &runs(lab)["watches"][0];
    assert!(status["without_changes"].is_string(), "{status:#}");
    ends(running);
}

#[test]
fn a_change_that_the_cluster_forgets_is_found() {
    let lab = lab(1);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 1 phone verified");
    // The queue begins anew under another identity, and the phone was added before that.
    add(&lab, 9);
    lab.cluster.restart_tomcat(
        "listChange",
        1,
        Tripped::Before,
        Restart { closed: Duration::ZERO, missing: Duration::ZERO },
    );
    running.says("run 2: 1 phone verified");
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [1, 1]);
    ends(running);
}

#[test]
fn a_wrong_push_password_costs_one_login_and_the_watch_keeps_looking() {
    let lab = lab(3);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 3 phones verified");
    lab.cluster.set_password(PUSH_USER, "changed");
    add(&lab, 9);
    add(&lab, 8);
    running.says("no phone is pushed to any more");
    let surveys = lab.record().requests("listChange");
    while lab.record().requests("listChange") < surveys + 5 {
        std::thread::yield_now();
    }
    assert_eq!(pushes(&lab), 3, "no phone gets a password that is wrong");
    let status = &runs(&lab)["watches"][0];
    assert!(status["stopped"].is_string(), "{status:#}");
    ends(running);
}

#[test]
fn one_watch_keeps_a_cluster() {
    let lab = lab(1);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 1 phone verified");
    once(&lab, &[]).fails(5, &["another watch works on 127.0.0.1", "`axlpaper watch`"]);
    ends(running);
}

#[test]
fn a_watch_waits_for_a_run_that_somebody_else_makes() {
    let lab = lab(2);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 2 phones verified");
    let (has_arrived, go) = hold(&lab, "push", 1);
    let rollout = Running::start(&lab, &["--force"]);
    has_arrived.recv().unwrap();
    assert_eq!(control(&lab, "pause").code, 0);
    go.send(()).unwrap();
    add(&lab, 9);
    running.says("cannot work, and tries again: another run works on this cluster");
    assert_eq!(control(&lab, "continue").code, 0);
    assert_eq!(rollout.ends().code, 0);
    running.says("run 3: 1 phone verified");
    running.says("works again");
    assert_eq!(pushes_of(&lab)[&name(9)], 1);
    ends(running);
}

#[test]
fn an_account_that_the_cluster_refuses_is_left_alone() {
    let lab = lab(1);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 1 phone verified");
    lab.cluster.set_password(ADMIN_USER, "changed");
    // Until then its session is valid.
    let at_once = Restart { closed: Duration::ZERO, missing: Duration::ZERO };
    lab.cluster.restart_tomcat("listChange", 1, Tripped::Before, at_once);
    running.says("cannot work, and tries again: ");
    let refused = || lab.record().requests("http 401");
    let before = refused();
    assert_eq!(before, 1, "one request, and no other: {:?}", lab.record().requests);
    // Several passes would have begun in this time.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(refused(), before);
    ends(running);
}

#[test]
fn a_watch_that_is_killed_in_a_push_loses_nothing_and_pushes_nothing_twice() {
    let lab = lab(6);
    let (has_arrived, go) = hold(&lab, "push", 4);
    let running = watching(&lab, &["--concurrency", "1"]);
    has_arrived.recv().unwrap();
    running.signal("-KILL");
    drop(running.ends());
    go.send(()).unwrap();
    let again = once(&lab, &["--max-change", "100%"]);
    assert_eq!(again.code, 0, "{again:?}");
    let counts: Vec<_> = pushes_of(&lab).into_values().collect();
    // The attempt that was killed may have reached its phone, which the journal does not know.
    assert!((6..=7).contains(&counts.iter().sum::<usize>()), "{counts:?}");
    assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
}

#[test]
fn a_picture_that_disappears_still_counts_as_it_was() {
    let lab = lab(1);
    let mut running = watching(&lab, &[]);
    running.says("run 1: 1 phone verified");
    std::fs::remove_file(lab.picture()).unwrap();
    add(&lab, 9);
    running.says("the pictures cannot be read, so those from before still count");
    running.says("run 2: 1 phone verified");
    ends(running);
}

#[cfg(unix)]
#[test]
fn the_config_file_is_read_again_and_a_broken_one_is_refused() {
    let lab = lab(2);
    let picture = lab.picture();
    let (pool, other) = (picture.to_str().unwrap(), lab.path("other.png"));
    image::RgbImage::from_pixel(800, 480, image::Rgb([9, 9, 90])).save(&other).unwrap();
    let config = lab.path("config.toml");
    let rules = |file: &str| format!("{}\n[[image]]\nfile = \"{file}\"\n", lab.table("lab"));
    std::fs::write(&config, rules(pool)).unwrap();
    let port = lab.cluster.phone_port().to_string();
    let own = ["watch", "--config", config.to_str().unwrap(), "--phone-port", &port, "--yes"];
    let quick = ["--interval", "200ms", "--verify-timeout", "2", "--max-change", "100%"];
    let mut running = Running::spawn(&lab, &lab.program(&own), &quick);
    running.says("run 1: 2 phones verified");
    std::fs::write(&config, "[[image]]\nfil = 1\n").unwrap();
    running.signal("-HUP");
    running.says("the config file is not taken over, and what it said before still counts");
    std::fs::write(&config, rules(other.to_str().unwrap())).unwrap();
    running.signal("-HUP");
    running.says("the config file was read again");
    running.says("run 2: 2 phones verified");
    assert_eq!(pushes(&lab), 4);
    ends(running);
}

#[test]
fn options_that_cannot_keep_phones_are_refused() {
    let lab = lab(1);
    once(&lab, &["--limit", "1"]).fails(2, &["--limit and --sample choose other phones each time"]);
    once(&lab, &["--verify", "none"]).fails(2, &["a watch must know what phones show"]);
    once(&lab, &["--device-pool", "Nowhere"]).fails(2, &["matches no phone"]);
    let dry = lab.push("watch", &["--dry-run"]);
    dry.told(0, &["Dry run: nothing was changed or pushed."]);
    let asks = lab.push("watch", &["--once"]);
    asks.fails(5, &["--yes"]);
    assert_eq!(pushes(&lab), 0);
}
