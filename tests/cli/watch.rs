//! A watch keeps phones as the rules describe, on a cluster that changes.

use std::collections::BTreeMap;

use axlpaper::sim::{Address, Change, PUSH_USER, PhoneSpec};
use serde_json::Value;

use crate::control::{Running, pushes};
use crate::lab::{Ended, Lab, fleet_of, name};

/// Phones that the push user controls already.
fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    Lab::new(fleet)
}

/// A watch that passes several times a second.
fn watching(lab: &Lab, arguments: &[&str]) -> Running {
    let (picture, pin) = (lab.picture(), lab.cluster.cert_sha256());
    let port = lab.cluster.phone_port().to_string();
    let own = ["watch", picture.to_str().unwrap(), "--pin-sha256", &pin, "--phone-port", &port];
    let quick = ["--interval", "200ms", "--verify-timeout", "2", "--retry-delay", "0", "--yes"];
    Running::spawn(lab, &lab.program(&own), &[&quick, arguments].concat())
}

fn once(lab: &Lab, arguments: &[&str]) -> Ended {
    lab.push("watch", &[&["--once", "--yes"], arguments].concat())
}

/// How many pushes each phone got, by the record of the simulator.
fn pushes_of(lab: &Lab) -> BTreeMap<String, usize> {
    let phones = lab.record().phones;
    phones.into_iter().map(|(name, phone)| (name, phone.pushes.len())).collect()
}

fn runs(lab: &Lab) -> Value {
    serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap()
}

fn ends(running: Running) {
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
    let address = Address::V4("127.9.9.9".parse().unwrap());
    let new = PhoneSpec { address, ..PhoneSpec::new(name(9), 683) };
    lab.cluster.change(Change::Insert { position: 0, phone: Box::new(new) });
    running.says("1 phone to look at: SEP000000000009");
    running.says("run 2: 1 phone verified, 0 failed");
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [1, 1, 1]);
    assert!(lab.record().devices(PUSH_USER).contains(&&*name(9)), "it was associated first");
    let alive = lab.read(&["runs"]);
    assert!(alive.stderr.contains("watch of 127.0.0.1: works"), "{alive:?}");
    ends(running);
}
