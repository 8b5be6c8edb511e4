//! What phones' screens prove.

use axlpaper::journal::{JournalReader, Moment};
use axlpaper::sim::{PUSH_USER, PhoneSpec, Quirk};
use serde_json::Value;

use crate::lab::{Ended, Lab, end, fleet_of, name, outcome, phone};
use crate::web::Web;

/// An 8841, an 8811 with a grey panel, a 7945, a 9871, and an 8841 whose screen is covered.
fn lab() -> Lab {
    let mut fleet = fleet_of(1);
    for (n, model) in [(2, 36217), (3, 435), (4, 36350), (5, 683)] {
        fleet.phones.push(PhoneSpec::new(name(n), model));
    }
    fleet.phones[4].quirk = Quirk::ScreenCovered;
    fleet.push_devices = (1..=5).map(name).collect();
    fleet.give_addresses();
    Lab::new(fleet)
}

fn demo_picture(lab: &Lab) -> String {
    let path = lab.path("demo.png");
    std::fs::write(&path, axlpaper::media::demo_png().unwrap().png).unwrap();
    path.to_str().unwrap().to_owned()
}

fn seen(ended: &Ended) -> Vec<String> {
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    (1..=5).map(|n| outcome(&document, &name(n))).collect()
}

#[test]
fn a_screen_that_shows_the_picture_proves_it_beside_the_downloads() {
    let lab = lab();
    let picture = demo_picture(&lab);
    let arguments = ["--yes", "--json", "--verify", "screenshot"];
    let ended = lab.without_picture("push", &[&[picture.as_str()], &arguments[..]].concat());
    assert_eq!(ended.code, 3, "{ended:?}");
    // Over plain HTTP the 9871 gives no screenshot; the last one's picture is behind a menu.
    let expected = ["verified", "verified", "verified", "accepted", "accepted"];
    assert_eq!(seen(&ended), expected, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let reason = |n| phone(&document, &name(n))["reason"].as_str().unwrap().to_owned();
    assert!(reason(1).contains("of its screen look like the picture"), "{}", reason(1));
    assert!(
        reason(4)
            .contains("it sent no screenshot: answered with HTTP status 403 (before the push)"),
        "{}",
        reason(4)
    );
    assert!(reason(5).contains("not enough"), "{}", reason(5));
    let record = lab.record();
    assert!(record.violations.is_empty(), "{:?}", record.violations);
    assert!(record.phones[&name(1)].screenshots >= 2);
    assert!(record.phones.values().all(|phone| phone.pushes.len() == 1));
    let history = JournalReader::open(&lab.path("journal.sqlite3")).unwrap().unwrap();
    let kept = |n, moment| history.screen(1, &name(n).parse().unwrap(), moment).unwrap();
    for n in [1, 2, 3, 5] {
        let [before, after] =
            [Moment::Before, Moment::After].map(|moment| kept(n, moment).unwrap());
        assert_eq!(before == after, n == 5, "{n}");
        let begins: &[u8] = if n == 3 { b"BM" } else { b"\x89PNG" };
        assert!(before.starts_with(begins) && after.starts_with(begins), "{n}");
    }
    assert!(kept(4, Moment::Before).is_none() && kept(4, Moment::After).is_none());
}

#[test]
fn a_phone_that_gives_screenshots_over_https_only_is_proven_there() {
    let lab = lab();
    let (picture, ca) = (demo_picture(&lab), lab.path("maker.pem"));
    std::fs::write(&ca, lab.cluster.phone_ca_pem()).unwrap();
    let port = lab.cluster.phone_tls_port().to_string();
    let arguments = ["--yes", "--json", "--verify", "screenshot", "--phone-tls-port", &port];
    let trust = ["--phone-ca-file", ca.to_str().unwrap(), "--device", &name(4)];
    let all = [&[picture.as_str()], &arguments[..], &trust[..]].concat();
    let ended = lab.without_picture("push", &all);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(outcome(&document, &name(4)), "verified");
    // What is taken off is seen there too.
    let all = [&["--remove"], &arguments[..], &trust[..]].concat();
    let ended = lab.without_picture("push", &all);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(outcome(&document, &name(4)), "verified", "{ended:?}");
    assert!(lab.record().phones[&name(4)].shown.is_none());
}

#[test]
fn screens_prove_pictures_that_stand_elsewhere() {
    let (lab, web) = (lab(), Web::with_pictures(&[683, 36217, 435, 36350]));
    let (image, icon) = (web.url("/{dir}/w.png"), web.url("/{dir}/t.png"));
    let arguments = ["--yes", "--json", "--image-url", &image, "--icon-url", &icon];
    let arguments = [&arguments[..], &["--verify", "screenshot"]].concat();
    let ended = lab.without_picture("push", &arguments);
    assert_eq!(ended.code, 3, "{ended:?}");
    let expected = ["verified", "verified", "verified", "accepted", "accepted"];
    assert_eq!(seen(&ended), expected, "{ended:?}");
    // Who is proven to show it is left alone; a second run proves nothing new by a screen that stays.
    let ended = lab.without_picture("push", &[&arguments[..], &["--force"]].concat());
    assert_eq!(seen(&ended), ["accepted"; 5], "{ended:?}");
    assert!(ended.stdout.contains("did so before"), "{ended:?}");
}

#[test]
fn a_wrong_password_costs_one_login_with_screenshots_too() {
    let lab = lab();
    let picture = demo_picture(&lab);
    let (port, pin) = (lab.cluster.phone_port().to_string(), lab.cluster.cert_sha256());
    let mut program = lab.program(&["push", &picture, "--yes", "--json", "--verify", "screenshot"]);
    program.args(["--phone-port", &port, "--pin-sha256", &pin, "--retry-delay", "0"]);
    program.env("PHONE_PASSWORD", "wrong");
    let ended = end(program);
    assert_eq!(ended.code, 4, "{ended:?}");
    let record = lab.record();
    assert_eq!(record.users[PUSH_USER].failed_logins, 1, "{ended:?}");
    assert!(!record.users[PUSH_USER].locked);
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn without_a_look_an_acceptance_is_all_and_the_server_stays_for_those_that_come_late() {
    let lab = lab();
    let time = std::time::Duration::from_millis(300);
    for n in 1..=5 {
        assert!(lab.cluster.set_quirk(&name(n), Quirk::AnswersFirst(time)));
    }
    let ended = lab.push("push", &["--yes", "--json", "--verify", "none", "--canary", "2"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(seen(&ended), ["accepted"; 5]);
    let record = lab.record();
    for n in 1..=5 {
        assert!(record.phones[&name(n)].shown.is_some(), "{n}: the server went away too soon");
    }
}

#[test]
fn phones_that_end_each_connection_without_a_word_are_looked_at_too() {
    let mut fleet = fleet_of(3);
    fleet.push_devices = (1..=3).map(name).collect();
    for phone in &mut fleet.phones {
        phone.quirk = Quirk::OneAnswerAConnection;
    }
    let lab = Lab::new(fleet);
    let picture = demo_picture(&lab);
    let arguments = ["push", &picture, "--yes", "--json", "--verify", "screenshot"];
    let ended = lab.without_picture(arguments[0], &arguments[1..]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    for n in 1..=3 {
        let told = phone(&document, &name(n));
        assert_eq!(outcome(&document, &name(n)), "verified", "{told:#}");
        assert!(told["reason"].as_str().unwrap().contains("of its screen look like"), "{told:#}");
    }
    let record = lab.record();
    assert!(record.phones.values().all(|phone| phone.pushes.len() == 1), "{record:#?}");
}
