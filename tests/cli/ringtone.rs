//! `ringtone` and `ringtone prepare`: every model gets its format, and only a whole download proves anything.

use std::f64::consts::TAU;
use std::path::Path;

use axlpaper::domain::payload_kind::ToneFormat;
use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Fleet, PUSH_PASSWORD, PUSH_USER, Quirk};
use serde_json::Value;

use crate::lab::{Ended, Lab, bare, end, fleet_of, name, outcome, phone};

/// Phones of model 8841, 7965 and 7841 that the push user controls.
fn mixed() -> Fleet {
    let mut fleet = Fleet { push_devices: (1..=3).map(name).collect(), ..fleet_of(3) };
    for (phone, (model, model_name)) in
        fleet.phones.iter_mut().zip([(683, "Cisco 8841"), (436, "Cisco 7965"), (622, "Cisco 7841")])
    {
        (phone.model, phone.model_name) = (model, model_name.to_owned());
    }
    fleet
}

/// Writes a sine as a WAV file of 16-bit samples.
pub fn write_wav(path: &Path, seconds: f64, hertz: f64) {
    let rate = 22_050_u32;
    let frames = (seconds * f64::from(rate)) as u32;
    let sample = |n: u32| (8_000.0 * (TAU * hertz * f64::from(n) / f64::from(rate)).sin()) as i16;
    let data: Vec<u8> = (0..frames).flat_map(|n| sample(n).to_le_bytes()).collect();
    let length = u32::try_from(data.len()).unwrap();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    std::fs::write(path, file).unwrap();
}

fn ringtone(lab: &Lab, arguments: &[&str]) -> Ended {
    if !lab.path("tone.wav").exists() {
        write_wav(&lab.path("tone.wav"), 3.0, 440.0);
    }
    let port = lab.cluster.phone_port().to_string();
    let mut all = vec!["ringtone", "tone.wav"];
    all.extend(["--phone-port", &port, "--retry-delay", "0", "--verify-timeout", "2"]);
    all.extend(arguments);
    lab.run(&all)
}

fn pushed(lab: &Lab, arguments: &[&str]) -> (i32, Value) {
    let mut all = vec!["--yes", "--json"];
    all.extend(arguments);
    let ended = ringtone(lab, &all);
    let document =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.code, document)
}

#[test]
fn every_model_gets_its_format_and_is_proven_once() {
    let lab = Lab::new(mixed());
    let before = lab.cluster.state_digest();
    let (code, document) = pushed(&lab, &[]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(
        (&document["object"], &document["pushed"]),
        (&"ring_tone".into(), &"tone.wav".into())
    );
    assert_eq!(document["summary"]["verified"], 3);
    let record = lab.record();
    let tone = |n: u32| record.phones[&name(n)].ring_tone.clone().unwrap();
    for (n, format, most) in [
        (1, ToneFormat::Wideband, 3.05 * 32_000.0),
        (2, ToneFormat::Classic, 16_080.0),
        (3, ToneFormat::Wideband, 3.05 * 32_000.0),
    ] {
        let tone = tone(n);
        assert_eq!(tone.format, format);
        assert!((0.9 * most..=most).contains(&(tone.bytes as f64)), "{}", tone.bytes);
        assert!(record.phones[&name(n)].shown.is_none());
    }
    assert_eq!(tone(1).sha256, tone(3).sha256);
    assert_eq!(lab.cluster.state_digest(), before, "the cluster was changed");
    // Who has it is left alone; a picture is another thing, and takes nothing away.
    let (code, document) = pushed(&lab, &[]);
    assert_eq!((code, &document["summary"]["already"]), (0, &3.into()));
    assert!(
        phone(&document, &name(1))["reason"]
            .as_str()
            .unwrap()
            .contains("run 1 proved that it has this ring tone")
    );
    let (_, document) = lab.rollout(&["--device", &name(1)]);
    assert_eq!(outcome(&document, &name(1)), "verified");
    let (_, document) = pushed(&lab, &[]);
    assert_eq!(document["summary"]["already"], 3);
    let (_, document) = pushed(&lab, &["--force", "--device", &name(2)]);
    assert_eq!(outcome(&document, &name(2)), "verified");
    write_wav(&lab.path("tone.wav"), 1.0, 600.0);
    let (_, document) = pushed(&lab, &["--device", &name(2)]);
    assert_eq!(outcome(&document, &name(2)), "verified", "another tone is another thing");
}

#[test]
fn personalization_matters_and_models_without_ring_tones_are_skipped() {
    let mut fleet = mixed();
    fleet.phones[0].personalization = Setting::Disabled;
    (fleet.phones[2].model, fleet.phones[2].model_name) = (36350, "Cisco 9871".to_owned());
    let lab = Lab::new(fleet);
    let (code, document) = pushed(&lab, &[]);
    assert_eq!(code, 0, "{document:#}");
    let reason = |n| phone(&document, &name(n))["reason"].as_str().unwrap().to_owned();
    assert_eq!(outcome(&document, &name(1)), "needs_work");
    assert!(reason(1).contains("Phone Personalization is Disabled"), "{}", reason(1));
    assert_eq!(outcome(&document, &name(3)), "excluded");
    assert!(reason(3).contains("pushed ring tone"), "{}", reason(3));
    assert_eq!(outcome(&document, &name(2)), "verified");
    let record = lab.record();
    assert!(record.phones[&name(1)].pushes.is_empty() && record.phones[&name(3)].pushes.is_empty());
}

#[test]
fn an_acceptance_without_a_whole_download_proves_nothing() {
    let lab = Lab::new(mixed());
    lab.cluster.set_quirk(&name(1), Quirk::AcceptsButNeverFetches);
    lab.cluster.set_quirk(&name(2), Quirk::FetchesHalf);
    lab.cluster.set_quirk(&name(3), Quirk::IgnoresFirstPush);
    let (code, document) = pushed(&lab, &[]);
    assert_eq!(code, 3);
    for n in [1, 2] {
        let told = phone(&document, &name(n));
        assert_eq!(told["outcome"], "accepted");
        assert!(told["reason"].as_str().unwrap().contains("the ring tone was not downloaded"));
    }
    assert_eq!(outcome(&document, &name(3)), "verified");
    let record = lab.record();
    assert!(
        record.phones[&name(1)].ring_tone.is_none() && record.phones[&name(3)].ring_tone.is_some()
    );
}

#[test]
fn one_format_can_be_named_for_all() {
    let lab = Lab::new(mixed());
    let (code, document) = pushed(&lab, &["--tone-format", "classic"]);
    assert_eq!(code, 0, "{document:#}");
    let record = lab.record();
    for n in 1..=3 {
        assert_eq!(record.phones[&name(n)].ring_tone.as_ref().unwrap().format, ToneFormat::Classic);
    }
}

#[test]
fn a_tone_is_pushed_by_address_too() {
    let lab = Lab::new(mixed());
    write_wav(&lab.path("tone.wav"), 1.0, 440.0);
    let mut program = bare();
    let address = fleet_of(2).phones[1].address.v4().unwrap().to_string();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
        .env("PHONE_PASSWORD", PUSH_PASSWORD)
        .args(["ringtone", "tone.wav", "--push-user", PUSH_USER, "--yes", "--address", &address])
        .args(["--phone-port", &lab.cluster.phone_port().to_string(), "--verify-timeout", "2"]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("Ring tone tone.wav to 1 phone by address"), "{ended:?}");
    let record = lab.record();
    assert_eq!(record.phones[&name(2)].ring_tone.as_ref().unwrap().format, ToneFormat::Classic);
    assert!(!record.requests.contains_key("listPhone"));
}

#[test]
fn what_cannot_ring_is_told_before_anybody_is_asked() {
    let lab = Lab::new(mixed());
    let long = format!("http://127.0.0.1:1/{}", "x".repeat(500));
    std::fs::write(lab.path("text.wav"), "this is no sound at all".repeat(30)).unwrap();
    std::fs::write(lab.path("empty.wav"), "").unwrap();
    for (file, words) in [
        ("text.wav", &["text.wav is no sound", "WAV, MP3, FLAC or OGG"][..]),
        ("empty.wav", &["empty.wav holds no sound"]),
        ("missing.wav", &["missing.wav"]),
    ] {
        lab.run(&["ringtone", file, "--yes"]).fails(2, words);
    }
    lab.run(&["ringtone", lab.picture().to_str().unwrap(), "--yes"]).fails(2, &["is no sound"]);
    lab.run(&["ringtone"]).fails(2, &["<AUDIO>"]);
    assert!(lab.record().requests.is_empty());
    ringtone(&lab, &["--yes", "--advertise", &long]).fails(2, &["at most 512", "ring tone's URL"]);
    ringtone(&lab, &[]).fails(5, &["push the ring tone tone.wav to 3 phones", "--yes"]);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn prepared_files_go_to_a_tftp_server_and_lists_keep_their_entries() {
    let lab = Lab::new(mixed());
    write_wav(&lab.path("Door bell.wav"), 3.0, 440.0);
    std::fs::create_dir(lab.path("tftp")).unwrap();
    // As Windows editors save it.
    let old = "\u{feff}<CiscoIPPhoneRingList>\n<Ring><DisplayName>Old</DisplayName><FileName>Old.raw</FileName></Ring>\n\
        </CiscoIPPhoneRingList>\n";
    std::fs::write(lab.path("tftp/Ringlist.xml"), old).unwrap();
    let prepare = |more: &[&str]| {
        let mut all = vec!["ringtone", "prepare", "Door bell.wav", "-o", "tftp"];
        all.extend(more);
        lab.read(&all)
    };
    // The server has a file of that name, which the folder lacks.
    prepare(&["--name", "Old"]).fails(5, &["Old.raw (Ringlist.xml)", "--name", "--overwrite"]);
    assert!(!lab.path("tftp/Old.raw").exists() && !lab.path("tftp/Old.rwb").exists());
    let ended = prepare(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let classic = std::fs::read(lab.path("tftp/Doorbell.raw")).unwrap();
    let wideband = std::fs::read(lab.path("tftp/Doorbell.rwb")).unwrap();
    assert_eq!((classic.len() % 240, wideband.len() % 480), (0, 0));
    assert!((15_000..=16_080).contains(&classic.len()) && wideband.len() >= 96_000);
    let list = std::fs::read_to_string(lab.path("tftp/Ringlist.xml")).unwrap();
    assert!(
        list.contains("Old.raw") && list.contains("<DisplayName>Door bell</DisplayName>"),
        "{list}"
    );
    assert!(list.contains("<FileName>Doorbell.raw</FileName>"));
    let (kept, end) = old.split_at(old.find("</CiscoIPPhoneRingList>").unwrap());
    assert!(list.starts_with(kept) && list.ends_with(end), "{list}");
    roxmltree::Document::parse(&list).unwrap();
    let wide = std::fs::read_to_string(lab.path("tftp/Ringlist-wb.xml")).unwrap();
    assert!(wide.contains("Doorbell.rwb") && !wide.contains("Old"));
    // Once more: nothing changes.
    assert!(prepare(&[]).stdout.contains("names Doorbell.raw already"));
    assert_eq!(std::fs::read_to_string(lab.path("tftp/Ringlist.xml")).unwrap(), list);
    // Another sound of that name is no reason to lose the first one.
    write_wav(&lab.path("Door bell.wav"), 1.0, 880.0);
    prepare(&[]).fails(5, &["made from another", "Doorbell.raw", "--overwrite"]);
    assert_eq!(std::fs::read(lab.path("tftp/Doorbell.raw")).unwrap(), classic);
    assert_eq!(prepare(&["--overwrite"]).code, 0);
    prepare(&["--name", &"x".repeat(26)]).fails(2, &["25"]);
    std::fs::write(lab.path("tftp/Ringlist.xml"), "<html></html>").unwrap();
    prepare(&["--name", "Other"])
        .fails(2, &["Ringlist.xml", "no ring list", "nothing was written"]);
    assert!(!lab.path("tftp/Other.raw").exists());
}

/// A server's list, and what `ringtone prepare` makes of it.
#[test]
fn lists_that_are_not_as_they_should_be_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    write_wav(&folder.path().join("Gong.wav"), 1.0, 440.0);
    let list = folder.path().join("tftp/Ringlist.xml");
    let prepare = |more: &[&str]| {
        let mut program = bare();
        program.current_dir(folder.path());
        program.args(["ringtone", "prepare", "Gong.wav", "-o", "tftp"]).args(more);
        end(program)
    };
    // Nothing to merge in: uploading it takes the tones of the server away, also after a second run.
    for _ in 0..2 {
        let ended = prepare(&[]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("no Ringlist.xml was there to be merged in"), "{ended:?}");
    }
    let entry = "<Ring><DisplayName>T\u{f6}ne</DisplayName><FileName>Old.raw</FileName></Ring>";
    let declared = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>";
    let text = format!("\n\n{declared}<CiscoIPPhoneRingList>{entry}</CiscoIPPhoneRingList>");
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    std::fs::write(&list, latin).unwrap();
    std::fs::write(folder.path().join("tftp/RingList.xml"), "theirs").unwrap();
    let ended = prepare(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("no Ringlist.xml was there"), "{ended:?}");
    for words in ["RingList.xml is there besides Ringlist.xml", "in front of its beginning"] {
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
    let written = std::fs::read(&list).unwrap();
    assert!(written.starts_with(declared.as_bytes()));
    let written: String = written.iter().map(|byte| char::from(*byte)).collect();
    assert!(written.contains("T\u{f6}ne") && written.contains("Gong.raw"), "{written}");
    roxmltree::Document::parse(&written).unwrap();
    // Two files with byte order marks, one behind the other.
    let marked = "\u{feff}\u{feff}<?xml version=\"1.0\"?>\n<CiscoIPPhoneRingList>\n</CiscoIPPhoneRingList>\n";
    std::fs::write(&list, marked).unwrap();
    let ended = prepare(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("second byte order mark"), "{ended:?}");
    let written = std::fs::read_to_string(&list).unwrap();
    assert!(written.starts_with("\u{feff}<?xml") && written.contains("Gong.raw"), "{written}");
    std::fs::write(&list, b"<CiscoIPPhoneRingList>\xf6</CiscoIPPhoneRingList>").unwrap();
    prepare(&[]).fails(2, &["Ringlist.xml", "UTF-8", "save the list as UTF-8"]);
    std::fs::write(&list, "<?xml version='1.0' encoding='UTF-16'?><CiscoIPPhoneRingList/>")
        .unwrap();
    prepare(&[]).fails(2, &["UTF-16", "one byte for a character", "encoding=\"UTF-8\""]);
    let prefixed = "<c:CiscoIPPhoneRingList xmlns:c='x'></c:CiscoIPPhoneRingList>";
    std::fs::write(&list, prefixed).unwrap();
    prepare(&[]).fails(2, &["<c:CiscoIPPhoneRingList>, not <CiscoIPPhoneRingList>"]);
    std::fs::write(&list, "<CiscoIPPhoneRingList>\n<Ring a=\u{201c}b\u{201d}/>").unwrap();
    prepare(&[]).fails(2, &["line 2 is not well-formed XML"]);
    std::fs::write(&list, format!("<RingList>{entry}</RingList>")).unwrap();
    prepare(&[]).fails(2, &["<RingList>, not <CiscoIPPhoneRingList>", "correct the file"]);
}

#[test]
fn a_damaged_sound_is_refused_and_a_wrong_header_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    let prepare = || {
        let mut program = bare();
        program.current_dir(folder.path()).args(["ringtone", "prepare", "tone.wav", "-o", "tftp"]);
        end(program)
    };
    write_wav(&path, 1.0, 440.0);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    prepare().fails(2, &["tone.wav is damaged or truncated", "bytes of samples are there"]);
    assert!(!folder.path().join("tftp").exists());
    let length = u32::from_le_bytes(whole[4..8].try_into().unwrap()) - 8;
    let mut short = whole;
    short[4..8].copy_from_slice(&length.to_le_bytes());
    std::fs::write(&path, short).unwrap();
    let ended = prepare();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn tones_whose_names_lose_their_letters_do_not_replace_each_other() {
    let folder = tempfile::tempdir().unwrap();
    for (name, hertz) in [("\u{5915}.wav", 440.0), ("\u{671d}.wav", 880.0)] {
        write_wav(&folder.path().join(name), 1.0, hertz);
        let mut program = bare();
        program.current_dir(folder.path()).args(["ringtone", "prepare", name, "-o", "tftp"]);
        let ended = end(program);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let list = std::fs::read_to_string(folder.path().join("tftp/Ringlist.xml")).unwrap();
    assert!(
        list.contains("\u{5915}</DisplayName>") && list.contains("\u{671d}</DisplayName>"),
        "{list}"
    );
    assert_eq!(list.matches("<FileName>Ring").count(), 2, "{list}");
}
