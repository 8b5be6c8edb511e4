//! The phone list while somebody else changes it.

use std::collections::BTreeSet;

use axlpaper::sim::{Change, Limits, SimConfig};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name};

fn lab(phones: u32, shuffle_lists: bool) -> Lab {
    Lab::with(SimConfig {
        limits: Limits { ris_per_minute: None, ..Limits::real() },
        shuffle_lists,
        ..SimConfig::new(fleet_of(phones))
    })
}

/// Returns the names of the inventory, each of which must be there once, and what was told about it.
fn inventory(lab: &Lab) -> (BTreeSet<String>, String) {
    let ended = lab.run(&["inventory", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let phones = document["phones"].as_array().unwrap();
    let names: BTreeSet<String> =
        phones.iter().map(|phone| phone["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), phones.len(), "somebody is there twice");
    (names, ended.stderr)
}

fn all_but(phones: u32, missing: &[u32]) -> BTreeSet<String> {
    (1..=phones).filter(|n| !missing.contains(n)).map(name).collect()
}

#[test]
fn a_phone_that_moves_to_a_page_that_was_read_is_not_lost() {
    let lab = lab(1300, false);
    // The first answer is the roll call, the second one the first page: the phone at the end of the second
    // page now stands in the first one, which nobody will read again.
    let change = Change::Reorder { name: name(900), position: 3 };
    lab.cluster.change_after("listPhone", 2, change);
    let (names, _) = inventory(&lab);
    assert_eq!(lab.record().changes.len(), 1, "nothing moved");
    assert_eq!(names, all_but(1300, &[]));
}

#[test]
fn a_phone_that_moves_and_gets_another_name_is_not_lost() {
    let lab = lab(1300, false);
    lab.cluster.change_after("listPhone", 2, Change::Reorder { name: name(900), position: 3 });
    let to = "SEPFFFFFFFFFFFF".to_owned();
    lab.cluster.change_after("listPhone", 2, Change::Rename { name: name(900), to: to.clone() });
    let (mut names, told) = inventory(&lab);
    assert_eq!(lab.record().changes.len(), 2, "nothing happened");
    // Two pages are under way at once: it can have been read under its old name right before.
    assert!(
        names.remove(&to) != names.remove(&name(900)),
        "it is there once, under one of its names"
    );
    assert_eq!(names, all_but(1300, &[900]));
    assert!(!told.contains("removed while"), "{told}");
}

#[test]
fn a_removal_pulls_nobody_out_of_sight() {
    let lab = lab(1300, false);
    lab.cluster.change_after("listPhone", 2, Change::Remove(name(7)));
    lab.cluster.change_after("listPhone", 3, Change::Remove(name(1299)));
    let (names, told) = inventory(&lab);
    assert_eq!(lab.record().changes.len(), 2);
    // The first one was read before it was removed; both readings are true of some moment.
    let gone: BTreeSet<String> = all_but(1300, &[]).difference(&names).cloned().collect();
    assert!(gone.is_subset(&BTreeSet::from([name(7), name(1299)])), "{gone:?} are lost");
    assert!(!gone.contains(&name(501)) && !gone.contains(&name(1001)));
    if !gone.is_empty() {
        assert!(told.contains("removed while the list was read"), "{told}");
    }
}

#[test]
fn a_new_phone_doubles_nobody() {
    let lab = lab(1300, false);
    let mut phone = fleet_of(1).phones.remove(0);
    phone.name = "SEPFFFFFFFFFFFF".to_owned();
    phone.address = axlpaper::sim::Address::None;
    lab.cluster.change_after(
        "listPhone",
        2,
        Change::Insert { position: 0, phone: Box::new(phone) },
    );
    let (mut names, _) = inventory(&lab);
    assert_eq!(lab.record().changes.len(), 1);
    names.remove("SEPFFFFFFFFFFFF");
    assert_eq!(names, all_but(1300, &[]));
}

#[test]
fn pages_in_any_order_give_all_phones() {
    let lab = lab(700, true);
    let (names, _) = inventory(&lab);
    assert_eq!(names, all_but(700, &[]));
}
