//! The push user's account is not locked, and a bad minute of the authentication page ends no run.

use std::time::Duration;

use axlpaper::sim::{
    Change, Fleet, Lasts, Limits, PUSH_PASSWORD, PUSH_USER, PageTrouble, SimConfig, Spread,
};
use serde_json::Value;

use crate::lab::{Ended, Lab, fleet_of, name, outcome, phone};

/// Phones that the push user controls already, and that take a while for each push.
fn lab(count: u32, lockout_after: u32) -> Lab {
    let mut fleet: Fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    Lab::with(SimConfig {
        limits: Limits::off(),
        lockout_after,
        phone_latency: Duration::from_millis(40),
        latency_spread: Spread::Even { seed: 7 },
        ..SimConfig::new(fleet)
    })
}

fn password(password: &str) -> Change {
    Change::Password { user: PUSH_USER.to_owned(), password: password.to_owned() }
}

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn summary(document: &Value, outcome: &str) -> u64 {
    document["summary"][outcome].as_u64().unwrap()
}

#[test]
fn a_password_that_is_changed_in_mid_run_costs_no_more_than_what_was_in_flight() {
    let lab = lab(200, 1000);
    lab.cluster.change_after("authenticate.jsp", 60, password("another one"));
    let ended = lab.push("rollout", &["--yes", "--json", "--concurrency", "32"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(!ended.stderr.contains("--max-logins-at-risk"), "its policy allows that: {ended:?}");
    let told = document(&ended);
    let stopped = told["stopped"].as_str().unwrap();
    assert!(stopped.contains("refuses the push user's password"), "{stopped}");
    let record = lab.record();
    let failed = record.users[PUSH_USER].failed_logins;
    assert!((1..=32).contains(&failed), "{failed} failed logins");
    assert!(summary(&told, "pending") > 80, "{}", told["summary"]);
    // The same run goes on with the new password, and pushes to no verified phone again.
    assert!(lab.cluster.set_password(PUSH_USER, PUSH_PASSWORD));
    let resumed = lab.resumed(&["--resume", "last", "--yes", "--json"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    let record = lab.record();
    assert!(record.phones.values().all(|phone| phone.shown.is_some()));
    assert_eq!(record.users[PUSH_USER].failed_logins, failed);
}

#[test]
fn logins_at_risk_can_be_capped_so_that_the_account_is_never_locked() {
    for waves in [&[][..], &["--canary", "20", "--waves", "30%,60%"][..]] {
        // The account would be locked by the fifth.
        let lab = lab(150, 5);
        lab.cluster.change_after("authenticate.jsp", 60, password("another one"));
        let mut all = vec!["--yes", "--json", "--concurrency", "32", "--max-logins-at-risk", "4"];
        all.extend(waves);
        let ended = lab.push("rollout", &all);
        assert_eq!(ended.code, 4, "{ended:?}");
        let user = &lab.record().users[PUSH_USER];
        assert!(user.failed_logins <= 4 && !user.locked, "{user:?}");
        assert!(lab.record().most_pushes_in_flight <= 4);
    }
}

#[test]
fn a_page_that_fails_for_a_while_is_waited_for() {
    let moment = Lasts::For(Duration::from_millis(1500));
    for trouble in [PageTrouble::Status(500), PageTrouble::Closed, PageTrouble::Status(404)] {
        let lab = lab(120, 3);
        let change = Change::PageFails(trouble, moment);
        lab.cluster.change_after("authenticate.jsp", 40, change);
        let ended = lab.push("rollout", &["--yes", "--json"]);
        assert_eq!(ended.code, 0, "{trouble:?}: {ended:?}");
        let told = document(&ended);
        assert_eq!(summary(&told, "verified"), 120, "{}", told["summary"]);
        let said = &ended.stderr;
        assert!(said.contains("authenticate.jsp") && said.contains("the push waits"), "{said}");
        assert!(said.contains("works again"), "{said}");
        let record = lab.record();
        let user = &record.users[PUSH_USER];
        assert!(user.failed_logins == 0 && !user.locked, "{user:?}");
        assert!(record.phones.values().all(|phone| phone.shown.is_some()));
    }
}

#[test]
fn a_page_that_hangs_is_waited_for() {
    let lab = lab(60, 3);
    let hangs = Change::PageFails(PageTrouble::Hangs, Lasts::For(Duration::from_secs(4)));
    lab.cluster.change_after("authenticate.jsp", 20, hangs);
    let ended =
        lab.push("rollout", &["--yes", "--json", "--phone-timeout", "2", "--attempts", "4"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(summary(&document(&ended), "verified"), 60);
    assert_eq!(lab.record().users[PUSH_USER].failed_logins, 0);
}

#[test]
fn associations_that_are_taken_away_in_mid_run_fail_alone() {
    let lab = lab(100, 3);
    let gone: Vec<String> = (5..=100).step_by(9).map(name).collect();
    let devices = (1..=100).map(name).filter(|name| !gone.contains(name)).collect();
    let change = Change::Associate { user: PUSH_USER.to_owned(), devices };
    lab.cluster.change_before("authenticate.jsp", 1, change);
    let (code, told) = lab.rollout(&["--concurrency", "16"]);
    assert_eq!(code, 3, "{told}");
    for n in 1..=100 {
        let expected = if gone.contains(&name(n)) { "auth_failed" } else { "verified" };
        assert_eq!(outcome(&told, &name(n)), expected, "{}", phone(&told, &name(n)));
    }
    let refused = phone(&told, &gone[0]);
    assert!(refused["reason"].as_str().unwrap().contains("confirms the password"), "{refused}");
    assert!(told["stopped"].is_null(), "{told}");
    assert_eq!(lab.record().users[PUSH_USER].failed_logins, 0);
}

#[test]
fn by_address_single_phones_tell_what_a_refusal_means() {
    let lab = lab(100, 1000);
    let list: Vec<String> =
        fleet_of(100).phones.iter().map(|phone| phone.address.v4().unwrap().to_string()).collect();
    std::fs::write(lab.path("phones.txt"), list.join("\n")).unwrap();
    lab.cluster.change_after("authenticate.jsp", 40, password("another one"));
    let (picture, file) = (lab.picture(), lab.path("phones.txt"));
    let port = lab.cluster.phone_port().to_string();
    let mut all = vec!["push", picture.to_str().unwrap(), "--yes", "--json"];
    all.extend(["--addresses-from", file.to_str().unwrap(), "--phone-port", &port]);
    let ended = lab.read(&all);
    assert_eq!(ended.code, 3, "{ended:?}");
    let failed = lab.record().users[PUSH_USER].failed_logins;
    assert!((3..=32).contains(&failed), "{failed} failed logins");
}

#[test]
fn what_a_run_risks_is_told_before_the_question() {
    let lab = lab(40, 5);
    let ended = lab.push("rollout", &["--concurrency", "8"]);
    ended.fails(5, &["up to 8 logins can fail", "after 5", "--max-logins-at-risk 4"]);
    let doctor = lab.run(&["doctor"]);
    assert!(doctor.stdout.contains("locks the account after 5"), "{doctor:?}");
    let capped = lab.push("rollout", &["--concurrency", "8", "--max-logins-at-risk", "4"]);
    assert!(!capped.stderr.contains("can fail"), "{capped:?}");
}
