//! `axlpaper doctor`: what it finds, and that it changes nothing.

use axlpaper::sim::{
    AccountState, ChangeNotification, PUSH_USER, READER_PASSWORD, READER_USER, Release, RisPort,
    SimConfig, Sql, UserKind, UserSpec,
};
use serde_json::Value;

use crate::lab::{Ended, Lab, bare, end, fleet_of};

fn doctor(lab: &Lab, arguments: &[&str]) -> Ended {
    let port = lab.cluster.phone_port().to_string();
    let mut all = vec!["doctor", "--json", "--phone-port", &port];
    all.extend(arguments);
    lab.run(&all)
}

/// Returns the state of each check.
fn states(ended: &Ended) -> Vec<(String, String)> {
    let document: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(document["schema"], "axlpaper.doctor/v1");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = document["checks"].as_array().unwrap();
    checks.iter().map(|check| (text(&check["id"]), text(&check["state"]))).collect()
}

fn state(ended: &Ended, id: &str) -> String {
    let found = states(ended).into_iter().find(|(check, _)| check == id);
    found.unwrap_or_else(|| panic!("no check {id}: {ended:?}")).1
}

#[test]
fn a_good_cluster_is_called_good_and_left_as_it_is() {
    let lab = Lab::of_phones(2);
    let before = lab.cluster.state_digest();
    let ended = doctor(&lab, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    // Only a push shows whether phones reach the image server, and doctor sends none.
    assert_eq!(state(&ended, "download_path"), "not_checked");
    let others = states(&ended).into_iter().filter(|(id, _)| id != "download_path");
    assert!(others.into_iter().all(|(_, state)| state == "ok"), "{:?}", states(&ended));
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
    assert_eq!(lab.cluster.state_digest(), before);
    let record = lab.record();
    let writes = record.requests.keys().filter(|name| name.starts_with("update")).count();
    assert_eq!((writes, record.requests("doAuthenticateUser")), (0, 1));
    assert!(!lab.path("journal.sqlite3").exists(), "it made a journal");
}

#[test]
fn with_nothing_at_all_it_says_what_is_missing() {
    let mut program = bare();
    program.args(["doctor"]);
    let ended = end(program);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stdout.contains("FAILED   host"), "{}", ended.stdout);
    assert!(ended.stdout.contains("--host or CUCM_HOST"), "{}", ended.stdout);
    assert!(ended.stdout.is_ascii(), "no locale, so no marks: {}", ended.stdout);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["doctor", "--json", "--pin-sha256", &pin]);
    program.env("CUCM_PASSWORD", "wrong");
    let ended = end(program);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!(state(&ended, "axl"), "failed");
    assert_eq!(state(&ended, "push_password"), "not_checked");
    assert_eq!(lab.record().requests("http 401"), 1);
    assert!(!ended.stdout.contains("wrong\""), "the password is in the answer");
}

#[test]
fn a_wrong_push_password_is_one_failed_attempt() {
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["doctor", "--json", "--pin-sha256", &pin]);
    program.env("PHONE_PASSWORD", "wr0ng");
    let ended = end(program);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!(
        (state(&ended, "push_user"), state(&ended, "push_password")),
        ("ok".into(), "failed".into())
    );
    assert_eq!(lab.record().requests("doAuthenticateUser"), 1);
    assert!(!ended.stdout.contains("wr0ng"));
}

#[test]
fn what_cannot_be_reached_or_trusted_ends_the_checks() {
    let lab = Lab::of_phones(1);
    let closed = doctor(&lab, &["--host", "127.0.0.1:1"]);
    assert_eq!((closed.code, state(&closed, "connection")), (1, "failed".into()));
    assert_eq!(state(&closed, "axl"), "not_checked");
    let untrusted = end(lab.program(&["doctor", "--json"]));
    assert_eq!((untrusted.code, state(&untrusted, "certificate")), (1, "failed".into()));
    assert!(untrusted.stdout.contains("`axlpaper trust` shows it and pins it"));
    assert_eq!(lab.record().requests("http 401"), 0, "no password was sent to it");
}

#[test]
fn roles_sql_and_risport_are_told_apart() {
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    let mut reader = lab.program(&["doctor", "--json", "--pin-sha256", &pin]);
    reader.env("CUCM_USERNAME", READER_USER).env("CUCM_PASSWORD", READER_PASSWORD);
    let ended = end(reader);
    assert_eq!(state(&ended, "phone_list"), "ok", "{ended:?}");
    assert_eq!((ended.code, state(&ended, "roles")), (4, "failed".into()), "{ended:?}");
    assert!(ended.stdout.contains("lacks the role Standard AXL API Access"), "{ended:?}");

    let config =
        SimConfig { sql: Sql::Refused, risport: RisPort::Forbidden, ..SimConfig::new(fleet_of(1)) };
    let lab = Lab::with(config);
    let ended = doctor(&lab, &[]);
    assert_eq!(
        (state(&ended, "sql"), state(&ended, "risport")),
        ("warning".into(), "failed".into())
    );
    assert!(ended.stdout.contains("Standard CCM Server Monitoring"), "{}", ended.stdout);
    assert!(ended.stdout.contains("--registration-source axl"), "{}", ended.stdout);
}

#[test]
fn a_push_user_that_is_missing_or_locked_is_found() {
    let lab = Lab::of_phones(1);
    let missing = doctor(&lab, &["--push-user", "bgpusch"]);
    assert_eq!((missing.code, state(&missing, "push_user")), (2, "failed".into()));
    assert!(missing.stdout.contains("bgpush"), "{}", missing.stdout);
    lab.cluster.set_account_state(PUSH_USER, AccountState::LockedByAdministrator);
    let locked = doctor(&lab, &[]);
    assert_eq!((locked.code, state(&locked, "push_user")), (1, "failed".into()));
    assert_eq!(lab.record().requests("doAuthenticateUser"), 0, "a locked account is not tried");
}

#[test]
fn an_upgrade_in_progress_is_found_without_credentials() {
    for (release, upgrading, expected) in [
        (Release::R15_0, true, ("warning", "the cluster is being upgraded")),
        (Release::R15_0, false, ("ok", "no upgrade of the cluster is in progress")),
        (Release::R11_5, true, ("ok", "does not report whether an upgrade is in progress")),
    ] {
        let lab = Lab::with(SimConfig { release, upgrading, ..SimConfig::new(fleet_of(1)) });
        let ended = doctor(&lab, &[]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(state(&ended, "upgrade"), expected.0);
        assert!(ended.stdout.contains(expected.1), "{}", ended.stdout);
    }
}

#[test]
fn change_notification_that_is_off_is_found_in_the_same_run() {
    use ChangeNotification::{OffWithFault, OffWithoutQueue, On};
    for (change_notification, expected) in
        [(On, "ok"), (OffWithFault, "warning"), (OffWithoutQueue, "warning")]
    {
        let lab = Lab::with(SimConfig {
            change_notification,
            upgrading: true,
            ..SimConfig::new(fleet_of(1))
        });
        let pin = lab.cluster.cert_sha256();
        let mut reader = lab.program(&["doctor", "--json", "--pin-sha256", &pin]);
        reader.env("CUCM_USERNAME", READER_USER).env("CUCM_PASSWORD", READER_PASSWORD);
        let ended = end(reader);
        assert_eq!(ended.code, 4, "{ended:?}");
        let found = ["upgrade", "roles", "change_notification"].map(|id| state(&ended, id));
        assert_eq!(found, ["warning", "failed", expected], "{ended:?}");
        assert_eq!(lab.record().requests("listChange"), 1);
        assert_eq!(ended.stdout.contains("change notification is off"), expected == "warning");
    }
}

#[test]
fn every_role_that_an_account_lacks_is_named_in_one_run() {
    let mut fleet = fleet_of(1);
    fleet.users.push(UserSpec::new("nobody", UserKind::Application, "simulator-only"));
    let lab = Lab::with(SimConfig::new(fleet));
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["doctor", "--json", "--pin-sha256", &pin]);
    program.env("CUCM_USERNAME", "nobody").env("CUCM_PASSWORD", "simulator-only");
    let ended = end(program);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!(
        (state(&ended, "axl"), state(&ended, "risport")),
        ("failed".into(), "failed".into())
    );
    assert!(ended.stdout.contains("Standard AXL API Access"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Standard CCM Server Monitoring"), "{}", ended.stdout);
    assert_eq!(
        (state(&ended, "phone_list"), state(&ended, "image_server")),
        ("not_checked".into(), "ok".into())
    );
    assert_eq!(lab.record().requests("http 401"), 0);
}
