//! What goes wrong at the cluster or with the journal in the middle of a run: the run waits, or it ends and says how
//! to go on, and nothing is written twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    ADMIN_USER, AxlRole, Change, Fault, Limits, PUSH_USER, Record, Restart, SimConfig, Tripped,
};
use serde_json::Value;

use crate::lab::{Ended, Lab, fleet_of, name, outcome, phone, told};

const PHONES: u32 = 6;

/// Phones whose personalization is off and that the push user does not control.
fn lab() -> Lab {
    let mut fleet = fleet_of(PHONES);
    for spec in &mut fleet.phones {
        spec.personalization = Setting::Disabled;
    }
    Lab::with(SimConfig { limits: Limits::off(), odd_nulls: true, ..SimConfig::new(fleet) })
}

const REPAIR: [&str; 4] = ["--repair", "personalization", "--restart-timeout", "5"];

fn plan_file(lab: &Lab) {
    let planned = lab.run(&["plan", "--repair", "personalization", "-o", "plan.json"]);
    assert_eq!(planned.code, 0, "{planned:?}");
}

/// How often each thing was written.
fn writes(record: &Record) -> BTreeMap<(String, String), usize> {
    let mut writes = BTreeMap::new();
    for write in &record.writes {
        *writes.entry((write.operation.clone(), write.target.clone())).or_default() += 1;
    }
    writes
}

fn count(record: &Record, operation: &str) -> usize {
    record.writes.iter().filter(|write| write.operation == operation).count()
}

/// Runs the command that the program named last, as a script would.
pub fn go_on(lab: &Lab, text: &str) -> Ended {
    let words = told(text).unwrap_or_else(|| panic!("no command is named: {text}"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.contains(&"--pin-sha256") {
        lab.read(&words)
    } else if words[0] == "rollout" {
        lab.without_picture(words[0], &words[1..])
    } else {
        lab.run(&words)
    }
}

fn everything_is_done_once(lab: &Lab) {
    let record = lab.record();
    assert_eq!(record.devices(PUSH_USER).len(), PHONES as usize);
    for (write, times) in writes(&record) {
        assert_eq!(times, 1, "{write:?}");
    }
    for n in 1..=PHONES {
        let phone = &record.phones[&name(n)];
        assert_eq!((phone.personalization, phone.applied), (Setting::Enabled, 1), "{}", name(n));
    }
}

const SHORT: Restart =
    Restart { closed: Duration::from_millis(600), missing: Duration::from_millis(600) };

fn a_rollout_gets_over(operation: &str, nth: u64, when: Tripped) {
    let lab = lab();
    lab.cluster.restart_tomcat(operation, nth, when, SHORT);
    let (code, document) = lab.rollout(&REPAIR);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["summary"]["verified"], PHONES, "{document:#}");
    assert_eq!(lab.record().requests("tomcat restart"), 1);
    everything_is_done_once(&lab);
}

#[test]
fn a_restart_of_tomcat_before_a_write_is_waited_for() {
    a_rollout_gets_over("updatePhone", 3, Tripped::Before);
}

#[test]
fn a_write_that_a_restart_took_the_answer_of_is_read_back_and_not_sent_again() {
    a_rollout_gets_over("updatePhone", 3, Tripped::After);
}

#[test]
fn so_is_a_list_of_devices() {
    a_rollout_gets_over("updateAppUser", 1, Tripped::After);
}

#[test]
fn a_restart_while_phones_are_waited_for_is_waited_for_too() {
    // The first questions belong to the survey.
    a_rollout_gets_over("selectCmDeviceExt", 2, Tripped::Before);
}

#[test]
fn so_is_one_while_the_cluster_is_read() {
    a_rollout_gets_over("getAppUser", 1, Tripped::Before);
    a_rollout_gets_over("listPhone", 2, Tripped::After);
}

#[test]
fn apply_and_revert_get_over_a_restart() {
    let lab = lab();
    let before = lab.cluster.state_digest();
    plan_file(&lab);
    lab.cluster.restart_tomcat("updatePhone", 2, Tripped::Before, SHORT);
    let applied = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    everything_is_done_once(&lab);
    lab.cluster.restart_tomcat("updatePhone", 2, Tripped::After, SHORT);
    let reverted = lab.run(&["revert", "last", "--yes"]);
    assert_eq!(reverted.code, 0, "{reverted:?}");
    assert_eq!(lab.cluster.state_digest(), before);
    let record = lab.record();
    assert_eq!(record.requests("tomcat restart"), 2);
    assert!(writes(&record).values().all(|times| *times == 2), "{:?}", writes(&record));
}

#[test]
fn a_phone_that_was_not_told_of_its_settings_is_pending_and_done_first_later() {
    for option in ["--resume", "--only-failed"] {
        let lab = lab();
        lab.cluster.inject_into("applyPhone", Fault::HtmlWithOk, 1);
        let (code, document) = lab.rollout(&REPAIR);
        assert_eq!(code, 3, "{document:#}");
        assert_eq!(outcome(&document, &name(1)), "pending");
        let reason = phone(&document, &name(1))["reason"].as_str().unwrap();
        let words = "its new settings were written but the phone was not told to apply them";
        assert!(reason.starts_with(words), "{reason}");
        assert_eq!(document["summary"]["verified"], PHONES - 1);
        let record = lab.record();
        assert!(record.phones[&name(1)].pushes.is_empty());
        let again = lab.resumed(&[option, "last", "--yes", "--restart-timeout", "5"]);
        assert_eq!(again.code, 0, "{again:?}");
        everything_is_done_once(&lab);
        let record = lab.record();
        assert!(record.phones.values().all(|phone| phone.pushes.len() == 1));
        let nothing = lab.resumed(&[option, "last", "--yes"]);
        assert_eq!(nothing.code, 0, "{nothing:?}");
        assert!(nothing.stderr.contains("nothing is left to do in that run"), "{nothing:?}");
        assert_eq!(lab.record().writes.len(), record.writes.len());
    }
}

#[test]
fn a_finished_plan_that_is_applied_again_sends_nothing() {
    let lab = lab();
    plan_file(&lab);
    let applied = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let writes = lab.record().writes;
    let again = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stderr.contains("carried out before; nothing was written"), "{again:?}");
    assert_eq!(lab.record().writes, writes);
    // Once it was taken back, it is carried out anew.
    let reverted = lab.run(&["revert", "1", "--yes"]);
    assert_eq!(reverted.code, 0, "{reverted:?}");
    let anew = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(anew.code, 0, "{anew:?}");
    let record = lab.record();
    assert_eq!(count(&record, "applyPhone"), 3 * PHONES as usize);
    assert!(record.phones.values().all(|phone| phone.personalization == Setting::Enabled));
}

/// Takes the right to write away after the second change of a phone.
fn lose_role(lab: &Lab) {
    let done = count(&lab.record(), "updatePhone");
    let role = Change::Role { user: ADMIN_USER.to_owned(), axl: AxlRole::ReadOnly };
    lab.cluster.change_after("updatePhone", done as u64 + 2, role);
}

fn give_role_back(lab: &Lab) {
    lab.cluster.change(Change::Role { user: ADMIN_USER.to_owned(), axl: AxlRole::Full });
}

#[test]
fn a_role_that_is_lost_ends_a_rollout_at_the_first_refusal() {
    let lab = lab();
    lose_role(&lab);
    let picture = lab.picture();
    let arguments = [&[picture.to_str().unwrap(), "--yes", "--json"][..], &REPAIR].concat();
    let ended = lab.without_picture("rollout", &arguments);
    assert_eq!(ended.code, 4, "{ended:?}");
    let record = lab.record();
    assert_eq!(count(&record, "updatePhone"), 2);
    // One request by the session and one by the password; then nothing is written any more.
    assert_eq!(record.requests("http 401"), 2);
    assert_eq!(record.requests("updatePhone"), 4);
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty() && phone.applied == 0));
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let states = |document: &Value| -> Vec<bool> {
        let changes = document["changes"].as_array().unwrap();
        changes.iter().map(|change| change["state"] == "applied").collect()
    };
    let told = states(&document);
    assert_eq!(told.iter().filter(|applied| **applied).count(), 3, "{document:#}");
    assert_eq!(document["summary"]["pending"], PHONES);
    let shown: Value = serde_json::from_str(&lab.read(&["show", "last", "--json"]).stdout).unwrap();
    assert_eq!(states(&shown), [true, true, true, false], "the refused one was about to be made");
    give_role_back(&lab);
    let again = go_on(&lab, &ended.text());
    assert_eq!(again.code, 0, "{again:?}");
    everything_is_done_once(&lab);
}

#[test]
fn so_it_does_with_apply_and_revert() {
    let lab = lab();
    plan_file(&lab);
    lose_role(&lab);
    let ended = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!(count(&lab.record(), "updatePhone"), 2);
    give_role_back(&lab);
    let again = go_on(&lab, &ended.text());
    assert_eq!(again.code, 0, "{again:?}");
    everything_is_done_once(&lab);
    lose_role(&lab);
    let ended = lab.run(&["revert", "1", "--yes"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    give_role_back(&lab);
    let again = go_on(&lab, &ended.text());
    assert_eq!(again.code, 0, "{again:?}");
    let record = lab.record();
    let back = record.phones.values().filter(|phone| phone.personalization == Setting::Disabled);
    assert_eq!(back.count(), 2, "what that run had changed is taken back");
    assert!(record.devices(PUSH_USER).is_empty());
}

fn undo_file(lab: &Lab) -> PathBuf {
    let mut files = std::fs::read_dir(lab.folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_undo =
        |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("axlpaper-undo-");
    files.find(is_undo).expect("there is no file that takes it back")
}

/// Loses the journal while the second change of a phone is on its way.
fn journal_is_lost(lose: impl FnOnce(&Path) + Send + 'static, command: &str) {
    let lab = lab();
    let before = lab.cluster.state_digest();
    plan_file(&lab);
    let journal = lab.path("journal.sqlite3");
    lab.cluster.act_before("updatePhone", 2, move || lose(&journal));
    let ended = match command {
        "rollout" => lab.push("rollout", &[&["--yes"][..], &REPAIR].concat()),
        other => lab.run(&[other, "plan.json", "--yes"]),
    };
    assert_eq!(ended.code, 3, "{ended:?}");
    let record = lab.record();
    assert_eq!(count(&record, "updatePhone"), 2, "the next change was not made: {ended:?}");
    assert_eq!(count(&record, "applyPhone"), 0);
    assert!(record.phones.values().all(|phone| phone.pushes.is_empty()), "{ended:?}");
    assert!(ended.stderr.contains("removed or replaced while it was in use"), "{ended:?}");
    assert!(ended.stderr.contains("axlpaper revert --from"), "{ended:?}");
    let undo = undo_file(&lab);
    let undo = undo.to_str().unwrap();
    lab.run(&["apply", undo, "--yes"]).fails(5, &["take something back", "revert --from"]);
    let state = lab.path("another.sqlite3");
    let state = state.to_str().unwrap();
    let back = lab.run(&["revert", "--from", undo, "--yes", "--state", state]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(lab.cluster.state_digest(), before);
}

#[cfg(unix)]
#[test]
fn a_journal_that_is_removed_stops_the_next_change_and_leaves_the_way_back() {
    journal_is_lost(|journal| std::fs::remove_file(journal).unwrap(), "rollout");
}

#[cfg(unix)]
#[test]
fn so_does_one_that_is_replaced() {
    let replace = |journal: &Path| {
        let copy = journal.with_extension("copy");
        std::fs::copy(journal, &copy).unwrap();
        std::fs::rename(&copy, journal).unwrap();
    };
    journal_is_lost(replace, "apply");
}

#[cfg(unix)]
#[test]
fn so_does_the_loss_of_the_file_beside_it() {
    let lose = |journal: &Path| {
        std::fs::remove_file(journal.with_extension("sqlite3-wal")).unwrap();
    };
    journal_is_lost(lose, "apply");
}
