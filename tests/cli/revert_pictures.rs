//! Pushing back what phones showed before a run, believed from the simulator's record.

use std::collections::BTreeSet;

use axlpaper::sim::{Fleet, Quirk, Tripped};
use serde_json::Value;

use crate::lab::{Ended, Lab, fleet_of, name, outcome, phone};

/// Four phones; the last one takes another size.
fn lab() -> Lab {
    let mut fleet = fleet_of(4);
    fleet.phones[3].model = 437;
    fleet.phones[3].model_name = "Cisco 7975".to_owned();
    let lab = Lab::new(Fleet { push_devices: (1..=4).map(name).collect(), ..fleet });
    for (file, colour) in
        [("red.png", [200, 0, 0]), ("green.png", [0, 160, 0]), ("blue.png", [0, 0, 220])]
    {
        image::RgbImage::from_pixel(80, 48, image::Rgb(colour)).save(lab.path(file)).unwrap();
    }
    lab
}

fn push(lab: &Lab, file: &str, arguments: &[&str]) {
    let ended = lab.without_picture("push", &[&[file, "--yes"][..], arguments].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
}

fn revert(lab: &Lab, arguments: &[&str]) -> Ended {
    lab.without_picture("revert", &[&["--pictures", "--yes"][..], arguments].concat())
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The digest of the file that each phone shows.
fn shown(lab: &Lab) -> Vec<Option<String>> {
    let record = lab.record();
    (1..=4)
        .map(|n| record.phones[&name(n)].shown.as_ref().map(|shown| shown.sha256.clone()))
        .collect()
}

fn pushes(lab: &Lab) -> Vec<usize> {
    let record = lab.record();
    (1..=4).map(|n| record.phones[&name(n)].pushes.len()).collect()
}

#[test]
fn phones_show_again_what_they_showed_before_and_the_others_are_listed() {
    let lab = lab();
    push(&lab, "red.png", &["--exclude-device", &name(2)]);
    let before = shown(&lab);
    assert_eq!(before.iter().flatten().collect::<BTreeSet<_>>().len(), 2, "{before:?}");
    push(&lab, "blue.png", &[]);
    let blue = shown(&lab);
    // A file that is gone cannot be read again: the journal has what phones got.
    std::fs::remove_file(lab.path("red.png")).unwrap();

    let question = lab.without_picture("revert", &["2", "--pictures"]);
    question.fails(5, &["push to 3 phones the pictures that they showed before run 2", "--yes"]);
    assert!(question.stderr.contains("red.png (3)"), "{question:?}");
    let dry = lab.without_picture("revert", &["2", "--pictures", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    assert_eq!(shown(&lab), blue, "neither a question nor a dry run pushes");

    let ended = revert(&lab, &["2", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document = json(&ended);
    let after = shown(&lab);
    assert_eq!((&after[0], &after[2], &after[3]), (&before[0], &before[2], &before[3]));
    assert_eq!(after[1], blue[1], "nothing was pushed to a phone without an earlier picture");
    assert_eq!(pushes(&lab), [3, 1, 3, 3]);
    for n in [1, 3, 4] {
        assert_eq!(outcome(&document, &name(n)), "verified");
        assert_eq!(phone(&document, &name(n))["picture"], "red.png");
    }
    assert_eq!(outcome(&document, &name(2)), "excluded");
    let reason = phone(&document, &name(2))["reason"].as_str().unwrap();
    assert!(reason.contains("no earlier picture is known"), "{reason}");
    // It still shows what was to be reverted.
    assert_eq!(document["summary"]["coverage"], serde_json::json!({"shown": 3, "capable": 4}));
    assert!(ended.stderr.contains("1 phone cannot get an earlier picture back"), "{ended:?}");
    let show = lab.read(&["show", "last"]);
    show.told(0, &["no earlier picture is known", "reverts run 2", "3 of 4 capable phones"]);
    assert!(lab.record().writes.is_empty(), "the cluster stays as it is");

    // The digests are those of then, so a push of the picture has nothing to do.
    image::RgbImage::from_pixel(80, 48, image::Rgb([200, 0, 0])).save(lab.path("red.png")).unwrap();
    push(&lab, "red.png", &["--exclude-device", &name(2)]);
    assert_eq!(pushes(&lab), [3, 1, 3, 3]);
    // What was pushed back can be taken back too.
    let run = document["run"].to_string();
    let hint = format!("name run {run}, the last one that did");
    revert(&lab, &["last"]).fails(2, &["pushed no picture", &hint]);
    let forth = revert(&lab, &[&run]);
    assert_eq!(forth.code, 0, "{forth:?}");
    assert_eq!(shown(&lab), blue);
}

#[test]
fn a_killed_revert_is_resumed() {
    let lab = lab();
    push(&lab, "red.png", &[]);
    let red = shown(&lab);
    push(&lab, "blue.png", &[]);
    let arguments = ["revert", "2", "--pictures", "--yes", "--concurrency", "1"];
    let told = crate::endings::killed(&lab, &arguments, ("push", 3, Tripped::Before));
    let words = crate::lab::told(&told).expect(&told);
    assert!(words.starts_with(&["rollout".to_owned(), "--resume".to_owned()]), "{words:?}");
    assert_ne!(shown(&lab), red);
    let ended = crate::bad_night::go_on(&lab, &told);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(shown(&lab), red);
    assert!(!ended.text().contains("continue with"), "{ended:?}");
}

#[test]
fn a_resumed_run_is_taken_back_as_a_whole() {
    let lab = lab();
    push(&lab, "red.png", &[]);
    let red = shown(&lab);
    lab.cluster.set_quirk(&name(1), Quirk::ErrorWithOk { number: 3 });
    let failed = lab.without_picture("push", &["blue.png", "--yes", "--attempts", "1"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    lab.cluster.set_quirk(&name(1), Quirk::Normal);
    let resumed = lab.resumed(&["--resume", "2", "--yes"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_ne!(shown(&lab)[0], red[0]);
    // Its first attempt at the phone took the proof away; what it showed before is kept.
    let ended = revert(&lab, &["last"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(shown(&lab), red);
}

#[test]
fn several_earlier_pictures_go_back_to_their_phones() {
    let lab = lab();
    push(&lab, "red.png", &["--device", &name(1), "--device", &name(4)]);
    // Another picture under the same name.
    std::fs::copy(lab.path("green.png"), lab.path("red.png")).unwrap();
    push(&lab, "red.png", &["--device", &name(2)]);
    push(&lab, "green.png", &["--device", &name(3)]);
    let before = shown(&lab);
    push(&lab, "blue.png", &[]);
    let ended = revert(&lab, &["last"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(shown(&lab), before);
}

#[test]
fn what_another_run_pushed_since_stays() {
    let lab = lab();
    push(&lab, "red.png", &[]);
    let red = shown(&lab);
    push(&lab, "blue.png", &[]);
    push(&lab, "green.png", &["--device", &name(1)]);
    push(&lab, "blue.png", &["--device", &name(2), "--force"]);
    let green = shown(&lab);
    let ended = revert(&lab, &["2", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document = json(&ended);
    assert_eq!(outcome(&document, &name(1)), "excluded");
    let left = phone(&document, &name(1)).to_string();
    assert!(left.contains("run 3 has pushed another picture to it since"), "{left}");
    assert!(left.contains("axlpaper revert 3 --pictures"), "{left}");
    assert_eq!(shown(&lab)[0], green[0]);
    assert_eq!(shown(&lab)[1..], red[1..], "the same picture once more is no other one");
    // In the order that the remedy names, all of it is taken back.
    for run in ["3", "2"] {
        let ended = revert(&lab, &[run]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(shown(&lab), red);
}

/// Makes the journal as an earlier release wrote it: files in the runs that read them, and nothing about what phones showed.
fn as_of_an_earlier_release(lab: &Lab) {
    let journal = rusqlite::Connection::open(lab.path("journal.sqlite3")).unwrap();
    let changed = journal.execute_batch(
        "update snapshots set body = (select body from pictures where digest = picture), picture = null
             where picture is not null;
         delete from pictures;
         update pushes set earlier = null;",
    );
    changed.unwrap();
}

#[test]
fn runs_of_an_earlier_release_are_taken_back_too() {
    let lab = lab();
    push(&lab, "red.png", &["--exclude-device", &name(2)]);
    let red = shown(&lab);
    push(&lab, "blue.png", &[]);
    let blue = shown(&lab);
    as_of_an_earlier_release(&lab);
    // Only the first run has the picture that phone 1 showed, and only the second what they show now.
    let pruned = lab.read(&["journal", "prune", "--older-than", "0s", "--dry-run"]);
    pruned.told(0, &["Would remove 1 run: 1"]);
    let ended = revert(&lab, &["2", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(outcome(&json(&ended), &name(2)), "excluded");
    let expected = [red[0].clone(), blue[1].clone(), red[2].clone(), red[3].clone()];
    assert_eq!(shown(&lab), expected);
    // Its proofs are of the second run, whose file is the only copy.
    push(&lab, "green.png", &["--exclude-device", &name(2)]);
    as_of_an_earlier_release(&lab);
    let pruned = lab.read(&["journal", "prune", "--older-than", "0s", "--dry-run"]);
    pruned.told(0, &["an earlier release wrote it"]);
}

#[test]
fn pushes_by_address_are_taken_back_at_the_same_addresses() {
    let lab = lab();
    let port = lab.cluster.phone_port().to_string();
    let push_to = |file: &str, phones: &[u32]| {
        let addresses: Vec<String> =
            phones.iter().map(|n| format!("--address=127.1.0.{n}")).collect();
        let mut all = vec!["push", file, "--yes", "--phone-port", &port, "--verify-timeout", "2"];
        all.extend(addresses.iter().map(String::as_str));
        let ended = lab.read(&all);
        assert_eq!(ended.code, 0, "{ended:?}");
    };
    push_to("red.png", &[1, 4]);
    let red = shown(&lab);
    push_to("blue.png", &[1, 2, 4]);
    let blue = shown(&lab);
    let ended = revert(&lab, &["2", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(shown(&lab), [red[0].clone(), blue[1].clone(), None, red[3].clone()]);
    let document = json(&ended);
    assert_eq!(outcome(&document, &name(2)), "excluded");
    assert!(ended.stderr.contains("no earlier picture is known"), "{ended:?}");
    crate::addresses::no_cluster_was_asked(&lab);
}

#[test]
fn what_cannot_be_pushed_back_is_refused_with_the_reason() {
    let lab = lab();
    push(&lab, "red.png", &[]);
    revert(&lab, &["1"])
        .fails(2, &["run 1 pushed to 4 phones", "4 phones: no earlier picture is known"]);
    revert(&lab, &["9"]).fails(2, &["the journal has no run 9"]);
    let plain = lab.run(&["revert", "1", "--yes"]);
    assert_eq!(plain.code, 0, "{plain:?}");
    assert!(plain.stderr.contains("axlpaper revert 1 --pictures"), "{plain:?}");
    lab.run(&["revert", "1", "--concurrency", "3"]).fails(2, &["--pictures"]);
    lab.run(&["revert", "1", "--pictures", "--reset"]).fails(2, &["--reset"]);
    let typed = lab.without_picture("revert", &["1", "--pictures", "--picture-name", "x", "--yes"]);
    typed.fails(2, &["no earlier picture"]);
    assert_eq!(pushes(&lab), [1; 4]);
}
