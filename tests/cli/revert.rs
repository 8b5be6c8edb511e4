//! Taking back what a run changed, and nothing else.

use axlpaper::sim::PUSH_USER;

use crate::lab::{Lab, fleet_of, name};

fn lab() -> Lab {
    let mut fleet = fleet_of(4);
    fleet.push_devices = vec![name(1)];
    Lab::new(fleet)
}

#[test]
fn what_the_run_added_is_taken_out_and_what_others_did_stays() {
    let lab = lab();
    let (code, document) = lab.rollout(&["--exclude-device", &name(4)]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(lab.record().devices(PUSH_USER), [name(1), name(2), name(3)]);
    // A second administrator takes one away and adds another.
    assert!(lab.cluster.set_associations(PUSH_USER, &[&name(1), &name(3), &name(4)]));
    let shown = lab.run(&["revert", "1", "--dry-run"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.stderr.contains(&format!("- {}", name(3))), "{shown:?}");
    assert!(shown.stderr.contains("does not control SEP000000000002 any more"), "{shown:?}");
    assert_eq!(lab.record().devices(PUSH_USER).len(), 3, "nothing is changed by looking");
    lab.run(&["revert", "1"]).fails(5, &["take 1 phone out of", "--yes"]);
    let reverted = lab.run(&["revert", "1", "--yes"]);
    assert_eq!(reverted.code, 0, "{reverted:?}");
    assert!(reverted.stdout.contains("1 device taken out again (3 -> 2)"), "{reverted:?}");
    assert_eq!(lab.record().devices(PUSH_USER), [name(1), name(4)]);
    let runs = lab.read(&["runs", "--json"]).stdout;
    assert!(runs.contains("\"reverts\": 1"), "{runs}");
    // Nothing is left of it the second time; and the way back has a way back.
    let again = lab.run(&["revert", "1", "--yes"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stderr.contains("Nothing is left to revert"), "{again:?}");
    let forth = lab.run(&["revert", "3", "--yes"]);
    assert_eq!(forth.code, 0, "{forth:?}");
    assert_eq!(lab.record().devices(PUSH_USER), [name(1), name(4), name(3)]);
}

#[test]
fn a_list_that_was_empty_is_empty_again() {
    let lab = Lab::of_phones(2);
    assert_eq!(lab.rollout(&[]).0, 0);
    let reverted = lab.run(&["revert", "last", "--yes", "--json"]);
    assert_eq!(reverted.code, 0, "{reverted:?}");
    assert!(reverted.stdout.contains("axlpaper.revert/v1"), "{reverted:?}");
    assert!(lab.record().devices(PUSH_USER).is_empty());
}

#[test]
fn what_cannot_be_taken_back_is_said() {
    let lab = lab();
    let pushed = lab.push("push", &["--yes"]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    let nothing = lab.run(&["revert", "last", "--yes"]);
    assert_eq!(nothing.code, 0, "{nothing:?}");
    assert!(nothing.stderr.contains("changed nothing on the cluster"), "{nothing:?}");
    lab.run(&["revert", "7", "--yes"]).fails(2, &["the journal has no run 7"]);
    lab.rollout(&[]);
    let other = Lab::of_phones(1);
    std::fs::copy(lab.path("journal.sqlite3"), other.path("journal.sqlite3")).unwrap();
    // What was written last may still stand in the log beside it.
    drop(std::fs::copy(lab.path("journal.sqlite3-wal"), other.path("journal.sqlite3-wal")));
    other.run(&["revert", "last", "--yes"]).fails(5, &["was about", "nothing was changed"]);
    assert!(other.record().writes.is_empty());
}
