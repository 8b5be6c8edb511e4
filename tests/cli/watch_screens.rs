//! A watch looks at screens again: phones that are proven to show their picture can show another one by now.

use axlpaper::sim::{Change, PhoneSpec};
use serde_json::Value;

use crate::control::{Running, pushes};
use crate::lab::{Lab, fleet_of, name};
use crate::watch::{ends, once, pushes_of, runs, watching};

/// 8841s whose picture a screenshot distinguishes from any other.
fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    let lab = Lab::new(fleet);
    distinctive(&lab);
    lab
}

fn distinctive(lab: &Lab) {
    std::fs::write(lab.path("picture.png"), axlpaper::media::demo_png().unwrap().png).unwrap();
}

fn picks(lab: &Lab, n: u32) {
    lab.cluster.change(Change::PickPicture(name(n)));
}

fn screenshots(lab: &Lab) -> Vec<u32> {
    lab.record().phones.into_values().map(|phone| phone.screenshots).collect()
}

fn watch_of(lab: &Lab) -> Value {
    runs(lab)["watches"][0].clone()
}

#[test]
fn a_picture_that_a_user_chose_is_reported_and_left() {
    let mut fleet = fleet_of(3);
    // Over plain HTTP a 9871 sends no screenshot.
    fleet.phones.push(PhoneSpec::new(name(4), 36350));
    fleet.give_addresses();
    fleet.push_devices = (1..=4).map(name).collect();
    let lab = Lab::new(fleet);
    distinctive(&lab);
    let mut running = watching(&lab, &["--verify-every", "1s"]);
    running.says("run 1: 4 phones verified");
    running.says("screens looked at: ");
    picks(&lab, 2);
    running.says("1 drifted (SEP000000000002)");
    ends(running);
    let watch = watch_of(&lab);
    assert_eq!(watch["last_run"], runs(&lab)["runs"][0]["run"], "{watch:#}");
    assert_eq!(runs(&lab)["runs"][0]["command"], "verify");
    // Neither the next watch nor a survey of all phones pushes to it.
    let next = once(&lab, &["--verify-every", "never"]);
    assert_eq!(next.code, 0, "{next:?}");
    assert!(
        next.stderr.contains("3 of 4 capable phones show their picture, 1 drifted"),
        "{next:?}"
    );
    assert_eq!(pushes(&lab), 4);
    let watch = watch_of(&lab);
    assert_eq!((&watch["drifted"], &watch["shown"]), (&1.into(), &3.into()), "{watch:#}");
    // Another picture is for all of them.
    image::RgbImage::from_pixel(800, 480, image::Rgb([9, 9, 90]))
        .save(lab.path("picture.png"))
        .unwrap();
    let other = once(&lab, &["--verify-every", "never", "--max-change", "100%"]);
    assert_eq!(other.code, 0, "{other:?}");
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [2, 2, 2, 2]);
    assert_eq!(watch_of(&lab)["drifted"], 0);
    assert!(lab.record().violations.is_empty(), "{:?}", lab.record().violations);
}

#[test]
fn an_enforced_rule_pushes_its_picture_again() {
    let lab = lab(3);
    let config = lab.path("config.toml");
    let rules = "\n[[image]]\ndevice = \"SEP000000000001\"\nfile = \"picture.png\"\nkeep = \"enforced\"\n\
                 \n[[image]]\nfile = \"picture.png\"\n";
    std::fs::write(&config, lab.table("lab") + rules).unwrap();
    let port = lab.cluster.phone_port().to_string();
    let own = ["watch", "--config", config.to_str().unwrap(), "--phone-port", &port, "--yes"];
    let quick = ["--interval", "200ms", "--verify-timeout", "2", "--verify-every", "1s"];
    let mut running = Running::spawn(&lab, &lab.program(&own), &quick);
    running.says("run 1: 3 phones verified");
    running.says("screens looked at");
    picks(&lab, 2);
    running.says("1 drifted (SEP000000000002)");
    picks(&lab, 1);
    running.says("1 drifted (SEP000000000001)");
    running.says("1 phone to serve: SEP000000000001");
    running.says("1 phone verified, 0 failed");
    ends(running);
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [2, 1, 1]);
    let audit = lab.read(&["audit", "--config", config.to_str().unwrap(), "--json"]).stdout;
    let audit: Value = serde_json::from_str(&audit).unwrap();
    let kept = |n: usize| audit["phones"][n]["image"]["keep"].clone();
    assert_eq!([kept(0), kept(1)], ["enforced", "once"], "{audit:#}");
}

#[test]
fn one_pass_finds_it_and_pushes_again_where_that_is_enforced() {
    let lab = lab(2);
    let every = ["--verify-every", "1ms", "--keep", "enforced"];
    assert_eq!(once(&lab, &every).code, 0);
    picks(&lab, 1);
    let second = once(&lab, &every);
    assert_eq!(second.code, 0, "{second:?}");
    assert!(second.stderr.contains("1 verified, 1 drifted (SEP000000000001)"), "{second:?}");
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_phone_that_registers_anew_is_looked_at_first() {
    let lab = lab(3);
    let mut running = watching(&lab, &["--keep", "enforced"]);
    running.says("run 1: 3 phones verified");
    lab.cluster.change(Change::FactoryReset(name(3)));
    running.says("1 screen looked at: 0 verified, 1 drifted (SEP000000000003)");
    running.says("run 3: 1 phone verified, 0 failed");
    ends(running);
    assert_eq!(screenshots(&lab), [0, 0, 1]);
    assert_eq!(pushes_of(&lab).into_values().collect::<Vec<_>>(), [1, 1, 2]);
}

#[test]
fn a_refused_password_stops_the_looks_and_takes_no_proof() {
    let lab = lab(2);
    let mut running = watching(&lab, &["--verify-every", "1s"]);
    running.says("run 1: 2 phones verified");
    lab.cluster.set_password(axlpaper::sim::PUSH_USER, "changed");
    running.says("no phone is pushed to any more");
    ends(running);
    let watch = watch_of(&lab);
    assert_eq!((&watch["shown"], &watch["drifted"]), (&2.into(), &0.into()), "{watch:#}");
    let wrong = once(&lab, &["--keep", "often"]);
    wrong.fails(2, &["`once` pushes a picture", "`enforced`"]);
    let without = lab.run(&["watch", "--keep", "once", "--yes", "--once"]);
    without.fails(2, &["PICTURE"]);
}
