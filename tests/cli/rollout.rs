//! `rollout` and `push`: what phones and lists are like afterwards.

use std::time::Duration;

use axlpaper::sim::{
    Change, Fault, FleetSpec, Limits, NO_URL, PUSH_END_USER, PUSH_END_USER_PASSWORD, PUSH_USER,
    PhoneSpec, PushOutcome, Quirk, Release, SimConfig,
};

use crate::lab::{Lab, end, fleet_of, name, outcome, phone};

#[test]
fn every_ready_phone_shows_the_picture_and_is_verified() {
    let mut fleet = fleet_of(3);
    fleet.phones.push(PhoneSpec::new(name(4), 435));
    fleet.phones.push(PhoneSpec::new(name(5), 36350));
    fleet.give_addresses();
    let lab = Lab::new(fleet);
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["schema"], "axlpaper.rollout/v1");
    assert_eq!(document["summary"]["verified"], 5);
    let record = lab.record();
    for (n, size) in [(1, "800x480"), (4, "320x212"), (5, "1280x720")] {
        let phone = &record.phones[&name(n)];
        assert_eq!(phone.shown.as_ref().unwrap().size.to_string(), size);
        assert_eq!(phone.pushes.len(), 1);
        assert!(phone.pushes[0].fetches.iter().all(|fetch| fetch.complete));
        assert_eq!(phone.pushes[0].fetches.len(), 2);
    }
}

#[test]
fn an_association_list_with_other_devices_survives() {
    let mut fleet = fleet_of(4);
    fleet.phones.push(PhoneSpec::new("csfmscott", 503));
    fleet.phones.push(PhoneSpec::new("ctiport_01", 72));
    let before = ["ctiport_01", "csfmscott", "SEP000000000003"];
    fleet.push_devices = before.map(str::to_owned).to_vec();
    let lab = Lab::new(fleet);
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document}");
    let record = lab.record();
    let after = record.devices(PUSH_USER);
    assert_eq!(after[..3], before);
    assert_eq!(after.len(), 6);
    assert_eq!(record.requests("updateAppUser"), 1);
    assert_eq!(document["changes"][0]["state"], "applied");
    assert!(record.phones["csfmscott"].pushes.is_empty());
}

#[test]
fn end_users_are_associated_too() {
    let mut fleet = fleet_of(2);
    fleet.push_end_user_devices = vec![name(2)];
    let lab = Lab::new(fleet);
    let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["rollout", picture.to_str().unwrap(), "--yes", "--json"]);
    program
        .args(["--phone-port", &port, "--pin-sha256", &pin])
        .env("PHONE_USERNAME", PUSH_END_USER)
        .env("PHONE_PASSWORD", PUSH_END_USER_PASSWORD);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(lab.record().devices(PUSH_END_USER), [name(2), name(1)]);
    assert_eq!(lab.record().requests("updateUser"), 1);
}

#[test]
fn misbehaving_phones_are_told_as_what_they_are() {
    let quirks = [
        (Quirk::ErrorWithOk { number: 3 }, "rejected"),
        (Quirk::AcceptsButNeverFetches, "accepted"),
        (Quirk::FetchesImageOnly, "accepted"),
        (Quirk::FetchesHalf, "accepted"),
        (Quirk::Garbage, "bad_reply"),
        (Quirk::EmptyReply, "bad_reply"),
        (Quirk::Resets, "unreachable"),
        (Quirk::Http404, "rejected"),
        (Quirk::WrongDevice, "wrong_device"),
        (Quirk::Busy503Once, "verified"),
        (Quirk::SlowReply(Duration::from_millis(50)), "verified"),
        (Quirk::Normal, "verified"),
        (Quirk::IgnoresFirstPush, "verified"),
    ];
    let mut fleet = fleet_of(u32::try_from(quirks.len()).unwrap());
    for (phone, (quirk, _)) in fleet.phones.iter_mut().zip(quirks) {
        phone.quirk = quirk;
    }
    // A clean phone comes first, so that the password is trusted before the others answer.
    let lab = Lab::new(fleet);
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 3, "{document}");
    for (n, (quirk, expected)) in (1..).zip(quirks) {
        assert_eq!(
            outcome(&document, &name(n)),
            expected,
            "{quirk:?}: {}",
            phone(&document, &name(n))
        );
    }
    let rejected = phone(&document, &name(1));
    assert_eq!(rejected["phone_error"]["number"], 3);
    assert!(rejected["phone_error"]["raw"].as_str().unwrap().contains("CiscoIPPhoneError"));
    assert!(rejected["remedy"].as_str().is_some_and(|text| !text.is_empty()));
    let record = lab.record();
    assert_eq!(record.phones[&name(1)].pushes.len(), 1, "a refusal was repeated");
    assert_eq!(
        record.phones[&name(2)].pushes.len(),
        2,
        "a push that was ignored is made again once"
    );
    assert_eq!(record.phones[&name(3)].pushes.len(), 1, "one that was not ignored was repeated");
    assert_eq!(phone(&document, &name(13))["attempts"], 2);
    assert_eq!(record.phones[&name(7)].pushes.len(), 2, "a reset was not tried again");
    assert_eq!(record.phones[&name(8)].pushes.len(), 1, "a 404 was repeated");
    assert!(record.phones[&name(9)].pushes.is_empty(), "the password went to another device");
    assert!(record.phones.values().all(|phone| phone.most_in_flight <= 1));
}

#[test]
fn a_generated_fleet_comes_out_as_the_simulator_recorded_it() {
    let fleet = FleetSpec { seed: 3, phones: 150 }.generate();
    let before = fleet.push_devices.clone();
    let lab = Lab::new(fleet);
    let (code, document) = lab.rollout(&[]);
    assert!(code == 0 || code == 3, "{document}");
    let record = lab.record();
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for phone in document["phones"].as_array().unwrap() {
        let outcome = phone["outcome"].as_str().unwrap();
        *seen.entry(outcome).or_default() += 1;
        let recorded = &record.phones[phone["name"].as_str().unwrap()];
        let proven = recorded.pushes.iter().any(|push| {
            push.outcome == PushOutcome::Accepted
                && push.fetches.iter().filter(|fetch| fetch.complete).count() == 2
        });
        assert_eq!(outcome == "verified", proven && recorded.shown.is_some(), "{phone}");
        if SKIPPED.contains(&outcome) {
            assert!(recorded.pushes.is_empty() && !phone["reason"].is_null(), "{phone}");
        }
    }
    assert!(seen["verified"] > seen.values().sum::<u32>() / 3, "{seen:?}");
    for outcome in SKIPPED.into_iter().chain(["accepted"]).filter(|one| *one != "excluded") {
        assert!(seen.contains_key(outcome), "{outcome}: {seen:?}");
    }
    let after = record.devices(PUSH_USER);
    assert!(before.iter().all(|device| after.contains(&device.as_str())));
}

/// The outcomes of phones that are not pushed to, of a first run.
const SKIPPED: [&str; 4] = ["no_background", "offline", "needs_work", "excluded"];

fn with_a_wrong_push_password(lab: &Lab, command: &str) -> crate::lab::Ended {
    let (picture, port, pin) =
        (lab.picture(), lab.cluster.phone_port().to_string(), lab.cluster.cert_sha256());
    let mut program =
        lab.program(&[command, picture.to_str().unwrap(), "--yes", "--json", "--pin-sha256", &pin]);
    program.args(["--phone-port", &port, "--concurrency", "16"]).env("PHONE_PASSWORD", "wrong");
    end(program)
}

/// A password that is changed when the cluster has confirmed it, and before the first phone is asked.
fn changed_after_the_confirmation(lab: &Lab) {
    let (user, password) = (PUSH_USER.to_owned(), "changed at noon".to_owned());
    lab.cluster.change_after("doAuthenticateUser", 1, Change::Password { user, password });
}

#[test]
fn a_password_that_changes_before_the_first_phone_stops_after_one_phone_and_one_question() {
    let mut fleet = fleet_of(20);
    fleet.push_devices = (1..=20).map(name).collect();
    let lab = Lab::new(fleet);
    changed_after_the_confirmation(&lab);
    let (code, document) = lab.rollout(&["--concurrency", "16"]);
    assert_eq!(code, 4, "{document}");
    assert_eq!(document["summary"]["auth_failed"], 1);
    assert_eq!(document["summary"]["pending"], 19);
    assert!(document["stopped"].as_str().unwrap().contains("refuses the push user's password"));
    let user = &lab.record().users[PUSH_USER];
    assert_eq!(user.failed_logins, 2);
    assert!(!user.locked);
}

#[test]
fn a_wrong_push_password_costs_one_login_a_run_and_reaches_no_phone() {
    let mut fleet = fleet_of(4);
    fleet.push_devices = (1..=4).map(name).collect();
    let lab = Lab::new(fleet);
    for (command, failed) in [("rollout", 1), ("push", 2)] {
        let ended = with_a_wrong_push_password(&lab, command);
        ended.fails(4, &["the cluster refuses the password", "no phone was asked"]);
        let record = lab.record();
        assert_eq!(record.users[PUSH_USER].failed_logins, failed, "{command}");
        assert!(record.phones.values().all(|phone| phone.pushes.is_empty()), "{command}");
    }
}

#[test]
fn a_wrong_push_password_is_found_out_before_the_cluster_is_changed_for_it() {
    let lab = Lab::of_phones(20);
    let before = lab.cluster.state_digest();
    with_a_wrong_push_password(&lab, "rollout")
        .fails(4, &["refuses the password", "nothing was changed"]);
    assert_eq!(lab.cluster.state_digest(), before);
    let record = lab.record();
    assert_eq!(record.users[PUSH_USER].failed_logins, 1);
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty()));
}

fn with_slow_associations(delay: Duration) -> Lab {
    let mut fleet = fleet_of(12);
    fleet.push_devices = (1..=6).map(name).collect();
    Lab::with(SimConfig {
        association_delay: delay,
        limits: Limits::off(),
        ..SimConfig::new(fleet)
    })
}

#[test]
fn new_associations_that_need_too_long_do_not_keep_others_waiting() {
    let lab = with_slow_associations(Duration::from_secs(3600));
    let (code, document) = lab.rollout(&["--settle-timeout", "0"]);
    assert_eq!(code, 3, "{document}");
    assert_eq!(document["summary"]["verified"], 6);
    // The cluster confirms the password, so none of them can lock the account.
    assert_eq!(document["summary"]["auth_failed"], 6);
    assert_eq!(lab.record().devices(PUSH_USER).len(), 12);
    let reason = phone(&document, &name(7))["reason"].as_str().unwrap();
    assert!(reason.contains("the phone") && reason.contains("refused the push user"), "{reason}");
}

#[test]
fn new_associations_that_need_some_time_are_waited_for() {
    let lab = with_slow_associations(Duration::from_secs(3));
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["summary"]["verified"], 12);
    let record = lab.record();
    let refused = record.phones.values().flat_map(|phone| &phone.pushes);
    let refused = refused.filter(|push| push.outcome == PushOutcome::Error(4)).count();
    assert!((1..=3).contains(&refused), "{refused} refusals: one phone at a time is asked");
    assert_eq!(record.users[PUSH_USER].failed_logins, 0);
}

#[test]
fn a_push_user_that_does_not_exist_ends_the_run_before_it_begins() {
    let lab = Lab::of_phones(2);
    for command in ["rollout", "push"] {
        lab.push(command, &["--yes", "--push-user", "bgpsh"]).fails(2, &["bgpsh", "hint:"]);
    }
    lab.run(&["plan", "--push-user", "bgpsh"]).fails(2, &["bgpsh"]);
    assert!(lab.record().writes.is_empty());
}

#[test]
fn a_run_that_reaches_nobody_is_no_success() {
    let mut fleet = fleet_of(2);
    for phone in &mut fleet.phones {
        phone.web_access = Some(false);
    }
    let lab = Lab::new(fleet);
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 3, "{document}");
    assert_eq!(document["summary"]["needs_work"], 2);
}

#[test]
fn a_push_object_that_phones_cannot_read_is_refused_before_anything_changes() {
    let lab = Lab::of_phones(2);
    let before = lab.cluster.state_digest();
    let url = format!("http://127.0.0.1/{}", "long/".repeat(50));
    lab.push("rollout", &["--yes", "--advertise", &url]).fails(2, &["512", "--advertise"]);
    assert_eq!(lab.cluster.state_digest(), before);
}

#[test]
fn a_place_that_cannot_be_written_is_told_before_anything_changes() {
    let lab = Lab::of_phones(2);
    let before = lab.cluster.state_digest();
    lab.push("rollout", &["--yes", "--report", "no/such/report.html"])
        .fails(1, &["no/such/report.html"]);
    lab.push("rollout", &["--yes", "--json", "--output", "no/such/x.json"])
        .fails(1, &["no/such/x.json"]);
    assert_eq!(lab.cluster.state_digest(), before);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn push_changes_nothing_on_the_cluster() {
    let mut fleet = fleet_of(3);
    fleet.push_devices = vec![name(2)];
    let lab = Lab::new(fleet);
    let before = lab.cluster.state_digest();
    let ended = lab.push("push", &["--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(outcome(&document, &name(2)), "verified");
    assert_eq!(outcome(&document, &name(1)), "needs_work");
    assert_eq!(lab.cluster.state_digest(), before);
    assert!(lab.record().writes.is_empty());
}

#[test]
fn only_the_named_device_pool_is_touched() {
    let mut fleet = fleet_of(4);
    for phone in &mut fleet.phones[..2] {
        phone.device_pool = "Paris".into();
    }
    let lab = Lab::new(fleet);
    let (code, document) = lab.rollout(&["--device-pool", "par*"]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["phones"].as_array().unwrap().len(), 2);
    assert_eq!(lab.record().devices(PUSH_USER), [name(1), name(2)]);
    assert!(lab.record().phones[&name(3)].pushes.is_empty());
}

#[test]
fn a_phone_without_authentication_does_not_prove_the_password() {
    let mut fleet = fleet_of(8);
    for phone in &mut fleet.phones[..2] {
        phone.authentication_url = Some(NO_URL.to_owned());
    }
    fleet.push_devices = (1..=8).map(name).collect();
    let lab = Lab::new(fleet);
    changed_after_the_confirmation(&lab);
    let (code, document) = lab.rollout(&["--concurrency", "8"]);
    assert_eq!(code, 4, "{document}");
    // Only phones that ask the cluster count: one was asked, and then the cluster itself.
    assert_eq!(lab.record().users[PUSH_USER].failed_logins, 2);
}

#[test]
fn every_release_that_is_supported_works() {
    for release in Release::ALL {
        let mut fleet = fleet_of(2);
        fleet.push_devices = vec![name(1)];
        let lab = Lab::with(SimConfig { release, limits: Limits::off(), ..SimConfig::new(fleet) });
        let (code, document) = lab.rollout(&[]);
        assert_eq!(code, 0, "{release:?}: {document}");
        assert_eq!(document["cluster"]["version"], release.version());
    }
}

#[test]
fn a_session_that_expires_is_renewed() {
    let lab = Lab::with(SimConfig {
        session_requests: Some(3),
        limits: Limits::off(),
        ..SimConfig::new(fleet_of(3))
    });
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document}");
}

#[test]
fn a_write_whose_answer_is_lost_is_judged_by_the_list() {
    let lab = Lab::of_phones(3);
    lab.cluster.inject(Fault::WriteWithoutAnswer, 1);
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["changes"][0]["state"], "applied");
    assert_eq!(lab.record().requests("updateAppUser"), 1, "the write was repeated");
}

#[test]
fn without_a_terminal_nothing_is_done_without_yes() {
    let lab = Lab::of_phones(2);
    let before = lab.cluster.state_digest();
    lab.push("rollout", &[]).fails(5, &["--yes"]);
    assert_eq!(lab.cluster.state_digest(), before);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn a_report_file_is_written_and_named() {
    let lab = Lab::of_phones(2);
    let ended = lab.push("rollout", &["--yes", "--report", "report.html"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("report.html"), "{ended:?}");
    let page = std::fs::read_to_string(lab.path("report.html")).unwrap();
    assert!(page.contains(&name(1)) && page.contains("verified"));
}

/// Sends an interrupt as a terminal does, when the program says that it begins to push.
#[cfg(unix)]
#[test]
fn an_interrupt_finishes_what_is_under_way_and_tells_it() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};

    let mut fleet = fleet_of(40);
    fleet.push_devices = (1..40).map(name).collect();
    let lab = Lab::with(SimConfig {
        phone_latency: Duration::from_millis(100),
        limits: Limits::off(),
        ..SimConfig::new(fleet)
    });
    let program = lab.program(&["rollout", lab.picture().to_str().unwrap(), "--yes", "--json"]);
    let mut command = Command::new(program.get_program());
    command.args(program.get_args()).current_dir(lab.folder()).env_clear();
    command.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.args(["--pin-sha256", &lab.cluster.cert_sha256(), "--concurrency", "2"]);
    command.args(["--phone-port", &lab.cluster.phone_port().to_string()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let begins = told.by_ref().find(|line| line.starts_with("Changing the cluster"));
    assert!(begins.is_some(), "it never began to push");
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let rest: Vec<String> = told.collect();
    let mut answer = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    let document: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert!(document["summary"]["pending"].as_u64().unwrap() > 20, "{document}");
    for (name, recorded) in lab.record().phones {
        let pending = outcome(&document, &name) == "pending";
        assert_eq!(recorded.pushes.is_empty(), pending, "{name}: {}", phone(&document, &name));
    }
}

#[test]
fn the_demo_takes_targets_too() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("demo.html");
    let mut program = crate::lab::bare();
    program.args(["demo", "--phones", "80", "--device-pool", "hq-berlin", "--json"]);
    program.args(["--report", report.to_str().unwrap()]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let phones = document["phones"].as_array().unwrap();
    assert!(
        phones.len() > 5 && phones.iter().all(|phone| phone["device_pool"] == "HQ-Berlin"),
        "{document}"
    );
}

#[test]
fn the_demo_agrees_with_its_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("demo.html");
    let mut program = crate::lab::bare();
    program.args(["demo", "--phones", "80", "--report", report.to_str().unwrap()]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("own record agrees"), "{ended:?}");
    assert!(report.exists());
}
