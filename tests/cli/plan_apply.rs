//! Plan files: carried out exactly, or not at all.

use axlpaper::sim::{Change, Fault, PUSH_USER, PhoneSpec, READER_PASSWORD, READER_USER};

use crate::lab::{Lab, end, fleet_of, name};

fn lab() -> Lab {
    let mut fleet = fleet_of(3);
    fleet.phones.push(PhoneSpec::new("ctiport_01", 72));
    fleet.phones.push(PhoneSpec::new("ctiport_02", 72));
    fleet.push_devices = vec!["ctiport_01".into(), name(1)];
    Lab::new(fleet)
}

fn planned(lab: &Lab) -> String {
    let ended = lab.run(&["plan", "-o", "plan.json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("+ SEP000000000002"), "{ended:?}");
    std::fs::read_to_string(lab.path("plan.json")).unwrap()
}

#[test]
fn a_plan_file_is_carried_out_exactly() {
    let lab = lab();
    planned(&lab);
    let ended = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(lab.record().devices(PUSH_USER), ["ctiport_01", &name(1), &name(2), &name(3)]);
    assert_eq!(lab.record().writes.len(), 1);
    assert!(ended.stdout.contains("read back and correct"), "{ended:?}");
}

#[test]
fn a_list_that_somebody_changed_is_refused_and_left_alone() {
    let lab = lab();
    planned(&lab);
    assert!(lab.cluster.set_associations(PUSH_USER, &["ctiport_01", "ctiport_02"]));
    let ended = lab.run(&["apply", "plan.json", "--yes"]);
    ended.fails(
        5,
        &["changed since the plan was made", "added: ctiport_02", "removed: SEP000000000001"],
    );
    assert_eq!(lab.record().devices(PUSH_USER), ["ctiport_01", "ctiport_02"]);
    assert!(lab.record().writes.is_empty());
}

#[test]
fn an_edited_or_foreign_plan_is_refused() {
    let lab = lab();
    let plan = planned(&lab);
    let before = lab.cluster.state_digest();
    let write = |text: &str| std::fs::write(lab.path("edited.json"), text).unwrap();
    write(&plan.replace(&name(2), "ctiport_02"));
    lab.run(&["apply", "edited.json", "--yes"]).fails(5, &["altered"]);
    write(&plan.replacen("\"ctiport_01\",", "", 2).replacen("\"ctiport_01\",", "", 1));
    assert_ne!(lab.run(&["apply", "edited.json", "--yes"]).code, 0);
    write(&plan.replace("axlpaper.plan/v1", "axlpaper.audit/v1"));
    lab.run(&["apply", "edited.json", "--yes"]).fails(2, &["axlpaper.audit/v1"]);
    write(&plan[..plan.len() / 2]);
    lab.run(&["apply", "edited.json", "--yes"]).fails(2, &["damaged"]);
    lab.run(&["apply", "missing.json", "--yes"]).fails(2, &["missing.json"]);
    lab.run(&["apply", "plan.json"]).fails(5, &["--yes"]);
    assert_eq!(lab.cluster.state_digest(), before);
}

#[test]
fn a_plan_is_for_one_cluster() {
    let lab = lab();
    planned(&lab);
    let other = crate::plan_apply::lab();
    std::fs::copy(lab.path("plan.json"), other.path("plan.json")).unwrap();
    other.run(&["apply", "plan.json", "--yes"]).fails(5, &["the plan is for"]);
    assert!(other.record().writes.is_empty());
}

#[test]
fn a_read_only_account_may_not_apply_and_is_told_so() {
    let lab = lab();
    planned(&lab);
    let pin = lab.cluster.cert_sha256();
    let mut program = lab.program(&["apply", "plan.json", "--yes", "--pin-sha256", &pin]);
    program.env("CUCM_USERNAME", READER_USER).env("CUCM_PASSWORD", READER_PASSWORD);
    end(program).fails(4, &["role"]);
    assert!(lab.record().writes.is_empty());
    assert!(!lab.record().users[READER_USER].locked);
}

#[test]
fn a_user_that_outranks_the_account_is_told() {
    let lab = lab();
    planned(&lab);
    assert!(lab.cluster.set_rank(PUSH_USER, 1));
    assert!(lab.cluster.set_rank(axlpaper::sim::ADMIN_USER, 5));
    lab.run(&["apply", "plan.json", "--yes"]).fails(4, &["Rank"]);
    assert_eq!(lab.record().devices(PUSH_USER), ["ctiport_01", &name(1)]);
}

#[test]
fn a_list_that_cannot_be_read_is_not_written() {
    let lab = lab();
    planned(&lab);
    lab.cluster.inject_into("getAppUser", Fault::Truncated, 1000);
    lab.run(&["apply", "plan.json", "--yes"]).fails(1, &["getAppUser", "nothing was written"]);
    assert!(lab.record().writes.is_empty());
}

#[test]
fn a_plan_that_is_carried_out_already_is_done() {
    let lab = lab();
    planned(&lab);
    assert_eq!(lab.run(&["apply", "plan.json", "--yes"]).code, 0);
    let again = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(lab.record().writes.len(), 1, "the list was written twice");
}

#[test]
fn a_list_that_somebody_changes_while_it_is_looked_at_is_refused_and_left_alone() {
    // The list is read for the comparison of the whole plan, and again right before it is written; a
    // second administrator comes in between.
    let lab = lab();
    planned(&lab);
    let theirs = vec!["ctiport_01".to_owned(), "ctiport_02".to_owned()];
    let change = Change::Associate { user: PUSH_USER.to_owned(), devices: theirs };
    lab.cluster.change_after("getAppUser", lab.record().requests("getAppUser") + 1, change);
    lab.run(&["apply", "plan.json", "--yes"]).fails(
        5,
        &["has changed since the plan was made", "added: ctiport_02", "removed: SEP000000000001"],
    );
    assert_eq!(lab.record().devices(PUSH_USER), ["ctiport_01", "ctiport_02"]);
    assert!(lab.record().writes.is_empty());
}

#[test]
fn what_somebody_takes_away_right_after_the_write_is_not_called_done() {
    let lab = lab();
    planned(&lab);
    let theirs = vec!["ctiport_01".to_owned(), name(2)];
    let change = Change::Associate { user: PUSH_USER.to_owned(), devices: theirs };
    lab.cluster.change_after("updateAppUser", 1, change);
    let ended = lab.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("NOT VERIFIED"), "{ended:?}");
    assert!(ended.stdout.contains("2 of 4 devices are missing"), "{ended:?}");
    let shown = lab.read(&["show", "last"]).stdout;
    assert!(shown.contains("NOT VERIFIED"), "{shown}");
}

#[test]
fn a_plan_file_may_not_take_anything_back() {
    let lab = lab();
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document:#}");
    let before = lab.cluster.state_digest();
    let shown = lab.run(&["revert", "last", "--dry-run", "--json"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    std::fs::write(lab.path("back.json"), &shown.stdout).unwrap();
    lab.run(&["apply", "back.json", "--yes"]).fails(5, &["would take something back"]);
    let newer = shown.stdout.replace("axlpaper.plan/v1", "axlpaper.plan/v2");
    std::fs::write(lab.path("newer.json"), newer).unwrap();
    lab.run(&["apply", "newer.json", "--yes"])
        .fails(2, &["axlpaper.plan/v2", "the release of axlpaper that made it"]);
    for empty in ["", "{}", "[]", "null"] {
        std::fs::write(lab.path("empty.json"), empty).unwrap();
        lab.run(&["apply", "empty.json", "--yes"]).fails(2, &["empty.json", "damaged", "hint:"]);
    }
    assert_eq!(lab.cluster.state_digest(), before);
}
