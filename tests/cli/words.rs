//! Runs that push no picture: report, recap, lists and test results tell what they did, in words of their own.

use axlpaper::sim::{Fleet, PhoneSpec, Quirk};
use serde_json::Value;

use crate::lab::{Ended, Lab, fleet_of, name, phone};
use crate::ringtone::write_wav;

/// Two phones 8841, a 7965 and a 9871, which the push user controls.
pub fn lab() -> Lab {
    let mut fleet = fleet_of(2);
    fleet.phones.push(PhoneSpec::new(name(3), 436));
    fleet.phones.push(PhoneSpec::new(name(4), 36350));
    fleet.give_addresses();
    Lab::new(Fleet { push_devices: (1..=4).map(name).collect(), ..fleet })
}

/// Runs a command with short waits; the report goes to `report.html`.
fn send(lab: &Lab, command: &[&str], more: &[&str]) -> Ended {
    let mut all = vec!["--yes", "--report", "report.html", "--attempts", "1"];
    all.extend(more);
    let (first, rest) = command.split_first().unwrap();
    all.splice(0..0, rest.iter().copied());
    lab.without_picture(first, &all)
}

/// What a reader sees of the report, without its script and its styles. The journal gives the same one.
fn report(lab: &Lab) -> String {
    let page = std::fs::read_to_string(lab.path("report.html")).unwrap();
    let again = lab.read(&["report", "last", "-o", "-"]);
    assert_eq!(again.stdout, page);
    let (_, body) = page.split_once("<body>").unwrap();
    let (markup, rest) = body.split_once("<script type=\"application/json\"").unwrap();
    let data = rest.split_once("</script>").unwrap().0;
    // The names of all findings stand in the data.
    format!("{markup}{data}").replace("\"background_locked\"", "")
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

fn says_nothing_of(text: &str, words: &[&str]) {
    // The outcome's own word is in the data of every page.
    let text = &text.replace("no_background", "");
    for word in words {
        let at = text.to_lowercase().find(word);
        assert_eq!(at.map(|at| &text[at.saturating_sub(80)..at]), None, "before {word:?}");
    }
}

const OF_PICTURES: [&str; 3] = ["picture", "background", "thumbnail"];

#[test]
fn a_ring_tone_is_told_with_its_versions() {
    let lab = lab();
    write_wav(&lab.path("tone.wav"), 0.5, 440.0);
    let ended = send(&lab, &["ringtone", "tone.wav"], &[]);
    ended.told(
        0,
        &[
            "Ring tone tone.wav to 3 of 4 phones",
            "By ring tone",
            "classic (.raw)        1  Cisco 7965",
            "wideband (.rwb)       2  Cisco 8841",
            "All 3 pushes are verified.",
        ],
    );
    says_nothing_of(&ended.stdout, &OF_PICTURES);
    let page = report(&lab);
    says(
        &page,
        &[
            "<h1>Ring tone tone.wav on 127.0.0.1</h1>",
            "All 3 phones accepted, and downloaded the ring tone completely.",
            "The ring tone as it was pushed",
            "<th scope=\"row\">classic<br>",
            "<td>Cisco 7965</td><td>pushed to 1 phone, 1 of them verified</td>",
            "No source confirms that this model or firmware accepts a pushed ring tone.",
        ],
    );
    says_nothing_of(&page, &OF_PICTURES);
    let ended = send(&lab, &["ringtone", "tone.wav"], &["--json"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["action"], "ring_tone");
    let version = |n| phone(&document, &name(n))["ring_tone"].clone();
    assert_eq!([version(1), version(3)], ["wideband", "classic"]);
    says(
        &report(&lab),
        &["3 of 3 capable phones have it (100 %)", "No phone was pushed to: all 4 were skipped."],
    );
    says(&lab.read(&["runs"]).stdout, &["Ring tone tone.wav"]);
    says(&lab.read(&["show", "last"]).stdout, &["  Ring tone tone.wav\n"]);
    let runs: Value = serde_json::from_str(&lab.read(&["runs", "--json"]).stdout).unwrap();
    assert_eq!(runs["runs"][0]["pushed"], "tone.wav");
}

#[test]
fn keys_are_told_as_accepted_and_no_more() {
    let lab = lab();
    lab.cluster.set_quirk(&name(1), Quirk::LosesAnswer);
    let script = "pause='0s'\n[[step]]\npress=['Key:Settings']\n[[step]]\npress=['Key:Soft1']";
    std::fs::write(lab.path("menu.toml"), script).unwrap();
    let ended = send(&lab, &["keys", "menu.toml"], &[]);
    ended.told(3, &["Key script menu.toml to 4 phones", "Phones: failed, or a step is not known"]);
    says_nothing_of(&ended.stdout, &OF_PICTURES);
    says(&ended.stdout, &["step 1 of 2 may have been carried out or not"]);
    let page = report(&lab);
    says(
        &page,
        &[
            "<h1>Key script menu.toml on 127.0.0.1</h1>",
            "3 of 4 phones accepted every step of the key script. The effect of the keys cannot be \
             verified. 1 failed, or the result of a step is not known.",
            "<p><b>3</b> of 4<br>capable phones accepted it</p>",
            "What to do about phones that failed, or of which a step is not known",
            "step 1 of 2 may have been carried out or not",
            ">Press keys<",
            "what was sent may have been carried out; its line says what is not known",
            "No source confirms that this model or firmware accepts remote key presses.",
        ],
    );
    says_nothing_of(&page, &OF_PICTURES);
    assert!(!page.contains("Verified</span></dt>"), "nothing is ever verified here");
    let xml = lab.read(&["show", "last", "--format", "junit"]).stdout;
    assert_eq!(
        xml.matches("<system-out>the phone accepted the keys; their effect").count(),
        3,
        "{xml}"
    );
    says(&lab.read(&["runs"]).stdout, &["Key script menu.toml"]);
}

#[test]
fn a_run_that_cannot_be_gone_on_with_sends_nobody_to_resume_it() {
    let lab = lab();
    write_wav(&lab.path("tone.wav"), 0.5, 440.0);
    std::fs::write(lab.path("menu.toml"), "[[step]]\npress=['Key:Settings']").unwrap();
    for (command, begun) in [
        (["ringtone", "tone.wav"], "run the same command again"),
        (["keys", "menu.toml"], "check the phone before you send it again"),
    ] {
        assert_eq!(send(&lab, &command, &[]).code, 0);
        let journal = rusqlite::Connection::open(lab.path("journal.sqlite3")).unwrap();
        let killed = format!(
            "update runs set ended_at = null, state = 'killed';
             delete from phones where phone in ('{0}', '{1}');
             update pushes set ended_at = null, outcome = null where phone = '{0}';
             delete from pushes where phone = '{1}';",
            name(1),
            name(2)
        );
        journal.execute_batch(&killed).unwrap();
        assert_eq!(lab.read(&["report", "last", "-o", "report.html"]).code, 0);
        let page = report(&lab);
        says(&page, &["what came of it is not known", "not tried: the run was killed", begun]);
        assert!(!page.contains("--resume"), "{page}");
    }
    says(&report(&lab), &["run the same command for it alone"]);
}

#[test]
fn a_sound_is_told_as_accepted_and_no_more() {
    let lab = lab();
    let ended = send(&lab, &["play", "Chime.raw"], &[]);
    ended.told(
        0,
        &["Sound Chime.raw to 4 phones", "4 phones accepted the sound. Whether it was heard"],
    );
    says_nothing_of(&ended.stdout, &OF_PICTURES);
    let page = report(&lab);
    says(
        &page,
        &[
            "<h1>Sound Chime.raw on 127.0.0.1</h1>",
            "All 4 phones accepted the sound. Whether it was heard cannot be verified.",
            ">Play the sound<",
            "<p><b>4</b> of 4<br>capable phones accepted it</p>",
        ],
    );
    says_nothing_of(&page, &OF_PICTURES);
}

#[test]
fn a_removal_is_told_as_such() {
    let lab = lab();
    let ended = send(&lab, &["push", "--remove"], &[]);
    ended.told(
        0,
        &[
            "Removal of the pushed picture from 1 of 4 phones",
            "the models of 3 phones have no known way",
            "1 phone accepted the removal of the pushed picture. Delivery was not verified",
        ],
    );
    assert!(!ended.stderr.contains("downloads of"), "nothing is downloaded: {ended:?}");
    let page = report(&lab);
    says(
        &page,
        &[
            "<h1>Removal of the pushed picture on 127.0.0.1</h1>",
            "The phone accepted the removal of the pushed picture. Delivery was not verified",
            ">Remove pictures<",
            "<code>excluded</code>",
        ],
    );
    says_nothing_of(&page, &["downloaded", "thumbnail", "is taken off)"]);
    let document: Value =
        serde_json::from_str(&send(&lab, &["push", "--remove"], &["--json"]).stdout).unwrap();
    assert_eq!((&document["action"], document.get("picture")), (&"removal".into(), None));
    says(&lab.read(&["show", "last"]).stdout, &["  Removal of the pushed picture\n"]);
}
