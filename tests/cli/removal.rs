//! Taking pushed pictures off.

use axlpaper::sim::{PhoneSpec, Quirk};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name, outcome, phone};

/// An 8841, which knows no way, a 9871 and an 8875.
fn lab() -> Lab {
    let mut fleet = fleet_of(1);
    fleet.phones.push(PhoneSpec::new(name(2), 36350));
    fleet.phones.push(PhoneSpec::new(name(3), 36336));
    fleet.give_addresses();
    Lab::new(fleet)
}

fn remove(lab: &Lab, command: &str, more: &[&str]) -> (i32, Value) {
    let mut all = vec!["--yes", "--json", "--remove"];
    all.extend(more);
    let ended = lab.without_picture(command, &all);
    let document = serde_json::from_str(&ended.stdout);
    (ended.code, document.unwrap_or_else(|error| panic!("{error}: {ended:?}")))
}

#[test]
fn a_picture_is_taken_off_where_the_model_knows_how() {
    let lab = lab();
    assert_eq!(lab.rollout(&[]).0, 0);
    assert!(lab.record().phones[&name(2)].shown.is_some());
    let (code, document) = remove(&lab, "push", &[]);
    assert_eq!(code, 0, "{document}");
    let outcomes = [1, 2, 3].map(|n| outcome(&document, &name(n)));
    assert_eq!(outcomes, ["excluded", "accepted", "accepted"]);
    let left = phone(&document, &name(1));
    assert!(left["reason"].as_str().unwrap().contains("no way is known"), "{left}");
    assert!(left["remedy"].as_str().unwrap().contains("push a picture"), "{left}");
    let record = lab.record();
    assert!(record.phones[&name(1)].shown.is_some());
    assert!(record.phones[&name(2)].shown.is_none() && record.phones[&name(3)].shown.is_none());
    let xml = record.phones[&name(2)].pushes[1].xml.clone().unwrap();
    assert!(xml.contains("<image></image>") && !xml.contains("thumbnail"), "{xml}");
    // What was proven before is proven no more: they get the picture again, and the other one is left alone.
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document}");
    let outcomes = [1, 2, 3].map(|n| outcome(&document, &name(n)));
    assert_eq!(outcomes, ["already", "verified", "verified"]);
    assert!(lab.record().phones[&name(3)].shown.is_some());
}

#[test]
fn whoever_cannot_be_helped_is_not_touched_on_the_cluster_either() {
    let lab = lab();
    let dry = lab.run(&["rollout", "--remove", "--dry-run"]);
    dry.told(0, &["controlled devices: 0 -> 2", "take the pushed picture off 2 phones"]);
    let (code, document) = remove(&lab, "rollout", &[]);
    assert_eq!(code, 0, "{document}");
    assert_eq!(lab.record().devices(axlpaper::sim::PUSH_USER), [name(2), name(3)]);
    let left = phone(&document, &name(1));
    assert!(left["reason"].as_str().unwrap().contains("no way is known"), "{left}");
}

#[test]
fn a_removal_whose_answer_is_lost_proves_nothing_of_before_either() {
    let lab = lab();
    assert_eq!(lab.rollout(&["--device", &name(2)]).0, 0);
    assert!(lab.cluster.set_quirk(&name(2), Quirk::CutsAnswer));
    let (code, document) = remove(&lab, "rollout", &["--device", &name(2), "--attempts", "1"]);
    assert_eq!(code, 3, "{document}");
    assert_eq!(outcome(&document, &name(2)), "unreachable");
    assert!(lab.record().phones[&name(2)].shown.is_none());
    assert!(lab.cluster.set_quirk(&name(2), Quirk::Normal));
    let (code, document) = lab.rollout(&["--device", &name(2)]);
    assert_eq!((code, outcome(&document, &name(2)).as_str()), (0, "verified"), "{document}");
}

#[test]
fn a_removal_is_gone_on_with_as_a_removal() {
    let lab = lab();
    assert!(lab.cluster.set_quirk(&name(3), Quirk::ErrorWithOk { number: 3 }));
    let (code, document) = remove(&lab, "rollout", &[]);
    assert_eq!((code, outcome(&document, &name(3)).as_str()), (3, "rejected"), "{document}");
    assert!(lab.cluster.set_quirk(&name(3), Quirk::Normal));
    let ended = lab.resumed(&["--only-failed", "last", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let record = lab.record();
    let last = record.phones[&name(3)].pushes.last().unwrap().xml.clone().unwrap();
    assert!(last.contains("<image></image>"), "{last}");
    assert_eq!(record.phones[&name(2)].pushes.len(), 1);
}

#[test]
fn a_removal_takes_no_picture_and_no_downloads_prove_it() {
    let lab = lab();
    let ended = lab.push("push", &["--yes", "--remove"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    let ended = lab.without_picture("rollout", &["--yes", "--remove"]);
    assert!(
        ended.stdout.contains(
            "2 phones accepted the removal of the pushed picture. Delivery was not verified"
        ),
        "{ended:?}"
    );
    lab.without_picture("push", &["--yes", "--remove", "--verify", "fetch"])
        .fails(2, &["nothing is downloaded"]);
    assert_eq!(lab.without_picture("push", &["--yes"]).code, 2);
    assert!(lab.record().phones[&name(1)].pushes.is_empty());
}
