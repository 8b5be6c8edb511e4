//! Every way in which a run can end: the one command that is named finishes it, and nobody who is proven is pushed to
//! again.

use std::process::{Command, Stdio};
use std::time::Duration;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    Change, Fault, Limits, PUSH_PASSWORD, PUSH_USER, PhoneSpec, Quirk, SimConfig, Tripped,
};
use jiff::{Timestamp, ToSpan as _};

use crate::bad_night::go_on;
use crate::lab::{Ended, Lab, fleet_of, name};

const PHONES: u32 = 4;

/// The first two phones need their personalization repaired; the push user controls nobody but a port.
fn fleet() -> Lab {
    let mut fleet = fleet_of(PHONES);
    for spec in fleet.phones.iter_mut().take(2) {
        spec.personalization = Setting::Disabled;
    }
    fleet.phones.push(PhoneSpec::new("ctiport_01", axlpaper::sim::CTI_PORT));
    fleet.push_devices = vec!["ctiport_01".to_owned()];
    Lab::with(SimConfig { limits: Limits::off(), odd_nulls: true, ..SimConfig::new(fleet) })
}

const REPAIR: [&str; 4] = ["--repair", "personalization", "--restart-timeout", "5"];

fn rollout(lab: &Lab, arguments: &[&str]) -> Ended {
    lab.push("rollout", &[&["--yes"][..], &REPAIR, arguments].concat())
}

/// Starts the program and ends it by a signal at the `nth` request of an operation, which is never answered.
fn ended_at(lab: &Lab, arguments: &[&str], at: (&str, u64, Tripped), signal: &str) -> i32 {
    let mut held = lab.cluster.tripwire(at.0, at.1, at.2);
    let own = lab.program(arguments);
    let mut program = Command::new(own.get_program());
    program.env_clear().args(own.get_args()).current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.args(["--pin-sha256", &lab.cluster.cert_sha256()]);
    if arguments[0] == "rollout" || arguments.contains(&"--pictures") {
        program.args(["--phone-port", &lab.cluster.phone_port().to_string()]);
    }
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = program.spawn().unwrap();
    while held.try_recv().is_err() {
        assert!(running.try_wait().unwrap().is_none(), "it ended before {at:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
    let killed = Command::new("kill").args([signal, &running.id().to_string()]).status();
    assert!(killed.unwrap().success());
    if signal == "-INT" {
        // The first one lets what is under way end, which it never does here: the second one ends it at once.
        while running.try_wait().unwrap().is_none() {
            drop(Command::new("kill").args([signal, &running.id().to_string()]).status());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    running.wait().unwrap().code().unwrap_or(-1)
}

pub fn killed(lab: &Lab, arguments: &[&str], at: (&str, u64, Tripped)) -> String {
    assert_eq!(ended_at(lab, arguments, at, "-KILL"), -1);
    lab.read(&["show", "last"]).stdout
}

fn picture(lab: &Lab) -> String {
    lab.picture().to_str().unwrap().to_owned()
}

/// Checks that all phones are repaired, told and served, and that nobody was pushed to after a proof.
fn is_finished(lab: &Lab, scenario: &str) {
    let record = lab.record();
    assert_eq!(record.devices(PUSH_USER).len(), PHONES as usize + 1, "{scenario}");
    for n in 1..=PHONES {
        let phone = &record.phones[&name(n)];
        assert!(phone.shown.is_some(), "{scenario}: {} shows nothing", name(n));
        assert_eq!(phone.loaded_personalization, Setting::Enabled, "{scenario}: {}", name(n));
        let good = phone.pushes.iter().filter(|push| {
            push.fetches.len() == 2 && push.fetches.iter().all(|fetch| fetch.complete)
        });
        assert_eq!(good.count(), 1, "{scenario}: {} was served more than once", name(n));
    }
    let nothing = lab.resumed(&["--resume", "last", "--yes"]);
    assert_eq!(nothing.code, 0, "{scenario}: {nothing:?}");
    let nothing = lab.resumed(&["--only-failed", "last", "--yes"]);
    assert_eq!(nothing.code, 0, "{scenario}: {nothing:?}");
    assert!(nothing.stderr.contains("nothing is left to do"), "{scenario}: {nothing:?}");
    let pushes = |record: &axlpaper::sim::Record| -> usize {
        record.phones.values().map(|phone| phone.pushes.len()).sum()
    };
    assert_eq!(pushes(&lab.record()), pushes(&record), "{scenario}");
}

/// Runs the command that was told, and checks that it finished the work.
fn finishes(lab: &Lab, scenario: &str, told: &str) {
    let ended = go_on(lab, told);
    assert_eq!(ended.code, 0, "{scenario}: {told}\n{ended:?}");
    assert!(!ended.text().contains("continue with"), "{scenario}: {ended:?}");
    is_finished(lab, scenario);
}

#[test]
fn a_run_in_which_all_is_verified_names_no_command() {
    let lab = fleet();
    let ended = rollout(&lab, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.text().contains("continue with"), "{ended:?}");
    let shown = lab.read(&["show", "last"]).stdout;
    assert!(!shown.contains("continue with"), "{shown}");
    is_finished(&lab, "all verified");
}

#[test]
fn a_run_in_which_phones_failed() {
    let lab = fleet();
    lab.cluster.set_quirk(&name(3), Quirk::ErrorWithOk { number: 3 });
    let ended = rollout(&lab, &["--attempts", "1"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    lab.cluster.set_quirk(&name(3), Quirk::Normal);
    finishes(&lab, "some failed", &ended.text());
}

#[test]
fn a_run_that_was_stopped_early() {
    let failing = |lab: &Lab, quirk| {
        (1..=PHONES).for_each(|n| assert!(lab.cluster.set_quirk(&name(n), quirk)));
    };
    let lab = fleet();
    failing(&lab, Quirk::ErrorWithOk { number: 3 });
    let ended = rollout(&lab, &["--attempts", "1", "--max-failures", "0", "--concurrency", "1"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    failing(&lab, Quirk::Normal);
    finishes(&lab, "too many failures", &ended.text());

    let lab = fleet();
    lab.cluster.set_password(PUSH_USER, "another");
    let ended = rollout(&lab, &["--max-auth-failures", "1", "--settle-timeout", "1"]);
    assert_ne!(ended.code, 0, "{ended:?}");
    lab.cluster.set_password(PUSH_USER, PUSH_PASSWORD);
    finishes(&lab, "a wrong password", &ended.text());

    let lab = fleet();
    let at = |hours: i32| (Timestamp::now() + hours.hours()).strftime("%H:00").to_string();
    let window = format!("{}-{}", at(3), at(4));
    let until = (Timestamp::now() + 1.hours()).to_string();
    std::fs::write(lab.path("config.toml"), "default_time_zone = \"UTC\"\n").unwrap();
    // Settings are not changed outside of a window, so these phones need none to be changed.
    lab.cluster.change_after(
        "getCCMVersion",
        1,
        Change::Personalize { phone: name(1), setting: Setting::Enabled },
    );
    lab.cluster.change_after(
        "getCCMVersion",
        1,
        Change::Personalize { phone: name(2), setting: Setting::Enabled },
    );
    let config = lab.path("config.toml");
    let config = ["--config", config.to_str().unwrap()];
    let ended = rollout(&lab, &[&config[..], &["--window", &window, "--until", &until]].concat());
    assert_eq!(ended.code, 3, "{ended:?}");
    lab.cluster.restart_phones();
    // The resumed run keeps its window, unless another one is given.
    let told = ended.text().replace("--resume 1", "--resume 1 --window 00:00-24:00");
    finishes(&lab, "the time was over", &told);
}

#[test]
fn a_run_whose_changes_failed() {
    let lab = fleet();
    lab.cluster.inject_into("updatePhone", Fault::DatabaseLocked, 1);
    let ended = rollout(&lab, &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    finishes(&lab, "a setting was not changed", &ended.text());

    let lab = fleet();
    lab.cluster.inject_into("updateAppUser", Fault::DatabaseLocked, 1);
    let ended = rollout(&lab, &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    finishes(&lab, "the list was not written", &ended.text());

    let lab = fleet();
    lab.cluster.inject_into("applyPhone", Fault::HtmlWithOk, 2);
    let ended = rollout(&lab, &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    finishes(&lab, "phones were not told", &ended.text());
}

#[test]
fn a_run_whose_plan_was_stale() {
    let lab = fleet();
    let devices = vec!["ctiport_01".to_owned(), name(1)];
    // The first reading is of the roles, the second the survey's.
    lab.cluster.change_after(
        "getAppUser",
        2,
        Change::Associate { user: PUSH_USER.to_owned(), devices },
    );
    let ended = rollout(&lab, &[]);
    assert_eq!(ended.code, 5, "{ended:?}");
    finishes(&lab, "a stale plan", &ended.text());
}

#[test]
fn a_run_that_was_declined() {
    let lab = fleet();
    let ended = lab.push("rollout", &REPAIR);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.stderr.contains("--yes`"), "there is no terminal: {ended:?}");
    assert!(lab.record().writes.is_empty());
    finishes(&lab, "declined", &ended.text());
}

#[test]
fn a_run_that_could_not_begin() {
    let lab = fleet();
    lab.cluster.set_password(PUSH_USER, "another");
    let picture = picture(&lab);
    let mut program = lab.program(&["rollout", &picture, "--yes"]);
    program.args(REPAIR).env("CUCM_PASSWORD", "wrong");
    program.args(["--phone-port", &lab.cluster.phone_port().to_string()]);
    program.args(["--pin-sha256", &lab.cluster.cert_sha256()]);
    let ended = crate::lab::end(program);
    assert_eq!(ended.code, 4, "{ended:?}");
    lab.cluster.set_password(PUSH_USER, PUSH_PASSWORD);
    finishes(&lab, "a wrong AXL password", &ended.text());
}

#[test]
fn a_run_that_was_interrupted() {
    let lab = fleet();
    let picture = picture(&lab);
    let arguments = [&["rollout", &picture, "--yes"][..], &REPAIR].concat();
    assert_eq!(ended_at(&lab, &arguments, ("updatePhone", 2, Tripped::After), "-INT"), 130);
    finishes(&lab, "interrupted", &lab.read(&["show", "last"]).stdout);
}

#[test]
fn a_run_that_was_killed() {
    for at in [
        ("listPhone", 1, Tripped::Before),
        ("updateAppUser", 1, Tripped::After),
        ("updatePhone", 2, Tripped::Before),
        ("applyPhone", 1, Tripped::After),
        ("push", 2, Tripped::Before),
    ] {
        let lab = fleet();
        let picture = picture(&lab);
        let arguments = [&["rollout", &picture, "--yes"][..], &REPAIR].concat();
        let shown = killed(&lab, &arguments, at);
        let other = lab.run(&["apply", "nothing.json"]);
        assert_eq!(other.code, 2, "{other:?}");
        finishes(&lab, &format!("killed at {at:?}"), &shown);
    }
}

fn planned(lab: &Lab) {
    let planned = lab.run(&["plan", "--repair", "personalization", "-o", "plan.json"]);
    assert_eq!(planned.code, 0, "{planned:?}");
}

/// Checks that the cluster is as a plan makes it, and each phone told once.
fn is_applied(lab: &Lab, scenario: &str) {
    let record = lab.record();
    assert_eq!(record.devices(PUSH_USER).len(), PHONES as usize + 1, "{scenario}");
    for n in 1..=2 {
        let phone = &record.phones[&name(n)];
        assert_eq!(phone.loaded_personalization, Setting::Enabled, "{scenario}: {}", name(n));
    }
}

#[test]
fn an_apply_that_was_killed_or_interrupted() {
    for (at, signal) in [
        (("getAppUser", 2, Tripped::Before), "-KILL"),
        (("updatePhone", 1, Tripped::After), "-KILL"),
        (("applyPhone", 2, Tripped::Before), "-KILL"),
        (("updatePhone", 2, Tripped::Before), "-INT"),
    ] {
        let lab = fleet();
        planned(&lab);
        ended_at(&lab, &["apply", "plan.json", "--yes"], at, signal);
        let scenario = format!("apply at {at:?} by {signal}");
        let ended = go_on(&lab, &lab.read(&["show", "last"]).stdout);
        assert_eq!(ended.code, 0, "{scenario}: {ended:?}");
        assert!(!ended.stdout.contains("continue with"), "{scenario}: {ended:?}");
        is_applied(&lab, &scenario);
    }
}

#[test]
fn a_stale_plan_file_names_no_command_that_would_be_refused_again() {
    let lab = fleet();
    planned(&lab);
    assert!(lab.cluster.set_associations(PUSH_USER, &[&name(1)]));
    let ended = lab.run(&["apply", "plan.json", "--yes"]);
    ended.fails(5, &["make a new plan"]);
    assert!(!ended.text().contains("continue with"), "{ended:?}");
    assert!(lab.record().writes.is_empty());
}

#[test]
fn a_revert_that_was_killed_or_interrupted() {
    for (at, signal) in [
        (("listProcessNode", 1, Tripped::Before), "-KILL"),
        (("updatePhone", 1, Tripped::After), "-KILL"),
        (("updateAppUser", 1, Tripped::After), "-KILL"),
        (("applyPhone", 1, Tripped::Before), "-KILL"),
        (("applyPhone", 2, Tripped::After), "-KILL"),
        (("updatePhone", 2, Tripped::Before), "-INT"),
    ] {
        let lab = fleet();
        let before = lab.cluster.state_digest();
        let done = rollout(&lab, &[]);
        assert_eq!(done.code, 0, "{done:?}");
        ended_at(&lab, &["revert", "last", "--yes"], at, signal);
        let scenario = format!("revert at {at:?} by {signal}");
        let shown = lab.read(&["show", "last"]).stdout;
        assert!(shown.contains("continue with `axlpaper revert 1 "), "{scenario}: {shown}");
        let ended = go_on(&lab, &shown);
        assert_eq!(ended.code, 0, "{scenario}: {ended:?}");
        assert_eq!(lab.cluster.state_digest(), before, "{scenario}");
        for n in 1..=2 {
            let phone = &lab.record().phones[&name(n)];
            assert_eq!(phone.loaded_personalization, Setting::Disabled, "{scenario}: {}", name(n));
        }
    }
}

#[test]
fn a_killed_run_is_told_to_whoever_comes_next() {
    let lab = fleet();
    let done = rollout(&lab, &[]);
    assert_eq!(done.code, 0, "{done:?}");
    ended_at(&lab, &["revert", "1", "--yes"], ("updatePhone", 1, Tripped::After), "-KILL");
    let next = lab.push("push", &["--yes"]);
    assert!(
        next.stderr.contains("a previous run did not finish (crashed or was killed)"),
        "{next:?}"
    );
    assert!(next.stderr.contains("continue with `axlpaper revert 1"), "{next:?}");
}
