//! Repairs beyond associations: settings are changed where that was allowed, phones apply them, and the
//! picture comes after that.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Change, Limits, ProfileSpec, Quirk, SimConfig, Tripped};

use crate::lab::{Lab, fleet_of, name, outcome, phone};

const SETTINGS: &str = "<note> a  b </note><nested x=\"1\"><inner>R&amp;D</inner></nested>";

/// Phones of the profile `Lobby`, whose personalization is off; the first two have it on their own.
fn lobby(count: u32, change: impl FnOnce(&mut SimConfig)) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.profiles.push(ProfileSpec::new("Lobby", Setting::Disabled));
    for spec in &mut fleet.phones {
        spec.profile = "Lobby".to_owned();
        SETTINGS.clone_into(&mut spec.vendor_config);
    }
    for spec in fleet.phones.iter_mut().take(2) {
        spec.personalization = Setting::Enabled;
    }
    let mut config = SimConfig { limits: Limits::off(), odd_nulls: true, ..SimConfig::new(fleet) };
    change(&mut config);
    Lab::with(config)
}

const QUICK: [&str; 2] = ["--restart-timeout", "10"];

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().chain(&QUICK).copied().collect()
}

#[test]
fn personalization_is_enabled_on_each_phone_and_then_all_show_the_picture() {
    let lab = lobby(5, |config| config.restart_time = Duration::from_millis(500));
    let (code, before) = lab.rollout(&[]);
    assert_eq!((code, &before["summary"]["needs_work"]), (0, &3.into()), "{before:#}");
    let (code, document) = lab.rollout(&with(&["--repair", "personalization"]));
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["summary"]["verified"], 3, "{document:#}");
    let record = lab.record();
    assert_eq!(record.profiles["Lobby"], Setting::Disabled, "the profile is left alone");
    for n in 3..=5 {
        let phone = &record.phones[&name(n)];
        assert_eq!((phone.personalization, phone.applied, phone.resets), (Setting::Enabled, 1, 0));
        assert!(phone.shown.is_some());
    }
    assert_eq!(record.phones[&name(1)].applied, 0, "nobody is touched without need");
    assert_eq!(record.requests("resetPhone"), 0);
}

#[test]
fn a_profile_is_flipped_for_all_its_phones_and_that_is_told_before() {
    let lab = lobby(5, |_| {});
    let plan = lab.run(&[
        "plan",
        "--repair",
        "personalization",
        "--scope",
        "profile",
        "--device",
        &name(3),
        "-o",
        "plan.json",
    ]);
    assert_eq!(plan.code, 0, "{plan:?}");
    for words in
        ["Common Phone Profile Lobby, which 5 phones use", "Disabled -> Enabled", "may restart"]
    {
        assert!(plan.stdout.contains(words), "{words}: {plan:?}");
    }
    assert!(lab.record().writes.is_empty());
    let applied = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let record = lab.record();
    assert_eq!(record.profiles["Lobby"], Setting::Enabled);
    let operations: Vec<&str> =
        record.writes.iter().map(|write| write.operation.as_str()).collect();
    assert_eq!(operations, ["updateAppUser", "updateCommonPhoneConfig", "applyCommonPhoneConfig"]);
    assert!(record.phones.values().all(|phone| phone.applied == 1 && phone.resets == 0));
}

#[test]
fn the_selected_phones_are_moved_to_a_copy_of_their_profile() {
    let lab = lobby(5, |_| {});
    let arguments = [
        "--repair",
        "personalization",
        "--scope",
        "new-profile",
        "Lobby & pictures",
        "--device",
        &name(4),
    ];
    let (code, document) = lab.rollout(&with(&arguments));
    assert_eq!(code, 0, "{document:#}");
    let record = lab.record();
    assert_eq!(record.profiles["Lobby"], Setting::Disabled);
    assert_eq!(record.profiles["Lobby & pictures"], Setting::Enabled);
    assert_eq!(record.phones[&name(4)].profile, "Lobby & pictures");
    assert_eq!(record.phones[&name(5)].profile, "Lobby");
    assert!(record.phones[&name(4)].shown.is_some());
    // All is taken back, the profile last.
    let reverted = lab.run(&["revert", "last", "--yes"]);
    assert_eq!(reverted.code, 0, "{reverted:?}");
    let record = lab.record();
    assert!(!record.profiles.contains_key("Lobby & pictures"), "{reverted:?}");
    assert_eq!(record.phones[&name(4)].profile, "Lobby");
}

#[test]
fn web_access_is_merged_into_the_settings_of_the_phone() {
    let lab = lobby(3, |config| {
        config.fleet.phones[0].web_access = Some(false);
        config.restart_time = Duration::from_millis(300);
    });
    let untouched = lab.record().phones[&name(1)].vendor_config.clone();
    assert!(untouched.contains("<webAccess>1</webAccess>") && untouched.contains(SETTINGS));
    let refused = lab.push("rollout", &["--yes", "--device", &name(1)]);
    assert!(refused.stdout.contains("--repair web-access"), "{refused:?}");
    let (code, document) = lab.rollout(&with(&["--repair", "web-access", "--device", &name(1)]));
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(outcome(&document, &name(1)), "verified");
    let now = lab.record().phones[&name(1)].vendor_config.clone();
    assert_eq!(now, untouched.replace("<webAccess>1", "<webAccess>0"), "only one setting changed");
    let reverted = lab.run(&["revert", "last", "--yes"]);
    assert_eq!(reverted.code, 0, "{reverted:?}");
    assert_eq!(lab.record().phones[&name(1)].vendor_config, untouched);
}

#[test]
fn a_phone_that_does_not_come_back_is_a_failure() {
    let lab = lobby(4, |config| config.fleet.phones[2].quirk = Quirk::NeverComesBack);
    let (code, document) = lab.rollout(&["--repair", "personalization", "--restart-timeout", "3"]);
    assert_eq!(code, 3, "{document:#}");
    assert_eq!(outcome(&document, &name(3)), "unreachable");
    let reason = phone(&document, &name(3))["reason"].as_str().unwrap();
    assert!(reason.contains("did not register again within 3 seconds"), "{reason}");
    assert_eq!(document["summary"]["verified"], 3);
    let shown = lab.read(&["show", "last", "--json"]).stdout;
    assert!(shown.contains("did not register again"), "{shown}");
}

#[test]
fn phones_are_reset_only_where_that_is_asked_for() {
    let lab = lobby(3, |config| config.apply_restarts = false);
    let plan = lab.run(&["plan", "--repair", "personalization", "--reset"]);
    assert!(plan.stdout.contains("RESTART: calls end"), "{plan:?}");
    let (code, document) = lab.rollout(&with(&["--repair", "personalization", "--reset"]));
    assert_eq!(code, 0, "{document:#}");
    let record = lab.record();
    assert_eq!((record.requests("applyPhone"), record.requests("resetPhone")), (0, 1));
    assert_eq!(record.phones[&name(3)].resets, 1);
}

#[test]
fn a_phone_that_takes_its_configuration_over_without_a_restart_is_not_waited_for_long() {
    let lab = lobby(3, |config| config.apply_restarts = false);
    let (code, document) = lab.rollout(&with(&["--repair", "personalization"]));
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(outcome(&document, &name(3)), "verified");
    assert_eq!(lab.record().phones[&name(3)].restarts, 0);
}

#[test]
fn a_setting_that_somebody_changes_meanwhile_is_left_to_them() {
    let lab = lobby(3, |_| {});
    let plan = lab.run(&["plan", "--repair", "personalization", "-o", "plan.json"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    let change = Change::Personalize { phone: name(3), setting: Setting::HttpsOnly };
    lab.cluster.change_before("getPhone", 1, change);
    lab.run(&["apply", "plan.json", "--yes"]).fails(
        5,
        &["Phone Personalization of the phone", &name(3), "was Default, and is HTTPS Only now"],
    );
    assert!(lab.record().writes.is_empty());
}

#[test]
fn what_is_asked_for_must_make_sense() {
    let lab = lobby(3, |_| {});
    for (arguments, words) in [
        (&["--scope", "profile"][..], "add --repair personalization"),
        (&["--repair", "everything"], "possible values"),
        (&["--repair", "personalization", "--scope", "new-profile"], "new-profile NAME"),
        (
            &["--repair", "personalization", "--scope", "new-profile", "Lobby"],
            "its Phone Personalization is not Enabled",
        ),
    ] {
        let mut all = vec!["plan"];
        all.extend(arguments);
        let ended = lab.run(&all);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(words), "{words}: {ended:?}");
    }
    assert!(lab.record().writes.is_empty());
}

#[test]
fn an_audit_says_what_a_repair_would_make_ready() {
    let lab = lobby(3, |_| {});
    let blocked = lab.run(&["audit", "--push-user", "bgpush", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&blocked.stdout).unwrap();
    assert_eq!(phone(&document, &name(3))["verdict"], "blocked");
    assert!(blocked.stdout.contains("--repair personalization"));
    let fixable = lab.run(&["audit", "--repair", "personalization", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&fixable.stdout).unwrap();
    assert_eq!(phone(&document, &name(3))["verdict"], "fixable");
}

/// Starts a rollout with repairs, and kills it with SIGINT: `times` times once the tripwire has sprung.
fn interrupted(lab: &Lab, operation: &str, times: u32) -> i32 {
    let mut held = lab.cluster.tripwire(operation, 2, Tripped::After);
    let own = lab.program(&["rollout", lab.picture().to_str().unwrap(), "--yes"]);
    let mut program = Command::new(own.get_program());
    program.env_clear().args(own.get_args()).current_dir(lab.folder());
    program.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    program.args(["--repair", "personalization", "--pin-sha256", &lab.cluster.cert_sha256()]);
    program.args(["--phone-port", &lab.cluster.phone_port().to_string()]);
    let mut running = program.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while held.try_recv().is_err() {
        assert!(running.try_wait().unwrap().is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = running.id().to_string();
    let interrupt = || {
        let kill = Command::new("kill").args(["-INT", &id]).status();
        assert!(kill.unwrap().success());
    };
    // The second one counts only once the first was heard.
    let mut told = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
    interrupt();
    assert!(told.any(|line| line.starts_with("interrupted: finishing")), "it was not heard");
    (1..times).for_each(|_| interrupt());
    drop(told.last());
    running.wait().unwrap().code().unwrap_or_default()
}

#[test]
fn an_interrupt_while_the_cluster_is_changed_is_saved_and_gone_on_with() {
    let lab = lobby(6, |_| {});
    // The second change of a phone is carried out, and its answer never comes: the second interrupt ends that.
    assert_eq!(interrupted(&lab, "updatePhone", 2), 130);
    let record = lab.record();
    let changed = |n: u32| record.phones[&name(n)].personalization == Setting::Enabled;
    assert!(changed(3) && changed(4) && !changed(5), "nothing new was begun");
    assert!(record.phones.values().all(|phone| phone.applied == 0 && phone.pushes.is_empty()));
    let shown = lab.read(&["show", "last"]).stdout;
    assert!(shown.contains("interrupted") && shown.contains("ITS END IS NOT KNOWN"), "{shown}");
    let ended = lab.resumed(&with(&["--resume", "last", "--yes", "--json"]));
    assert_eq!(ended.code, 0, "{ended:?}");
    let record = lab.record();
    for n in 3..=6 {
        let phone = &record.phones[&name(n)];
        assert_eq!((phone.applied, phone.shown.is_some()), (1, true), "{}", name(n));
    }
    assert_eq!(record.requests("updatePhone"), 4, "what was there already was not written again");
}
