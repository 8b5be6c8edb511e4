//! Who downloads: only the phone's own address, or one that a rule names, proves anything.

use std::net::Ipv4Addr;

use axlpaper::sim::{DownloadsBy, Fleet, PUSH_PASSWORD, PUSH_USER, PhoneRecord, Quirk};

use crate::documents::keeps;
use crate::lab::{Lab, bare, end, fleet_of, name, outcome, phone};

const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 66, 6, 6);
const ANOTHER: Ipv4Addr = Ipv4Addr::new(127, 77, 7, 7);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(127, 99, 0, 1);

/// A rule of the config file about the gateway.
const RULE: &str =
    "[[nat]]\ndevice_pool = \"H*\"\nsubnet = \"127.1.0.0/16\"\nfrom = \"127.99.0.0/30\"\n";

fn fleet(downloads: &[DownloadsBy]) -> Fleet {
    let mut fleet = fleet_of(u32::try_from(downloads.len()).unwrap());
    for (phone, by) in fleet.phones.iter_mut().zip(downloads) {
        phone.downloads = *by;
    }
    fleet
}

/// From where all of a phone's files were downloaded, as the simulator recorded it.
fn sources(phone: &PhoneRecord) -> Vec<Ipv4Addr> {
    let fetches = phone.pushes.iter().flat_map(|push| &push.fetches);
    assert!(fetches.clone().all(|fetch| fetch.complete && fetch.status == Some(200)));
    fetches.map(|fetch| fetch.from).collect()
}

#[test]
fn downloads_by_others_prove_nothing_and_everybody_is_told_who_they_are() {
    let third = fleet_of(3).phones[2].address.v4().unwrap();
    let lab = Lab::new(fleet(&[
        DownloadsBy::Other(STRANGER),
        DownloadsBy::Other(third),
        DownloadsBy::Itself,
        DownloadsBy::TwoOthers(STRANGER, ANOTHER),
        DownloadsBy::ItselfInParts,
        DownloadsBy::Behind(GATEWAY),
    ]));
    let report = lab.path("report.html");
    let (code, document) = lab.rollout(&["--report", report.to_str().unwrap()]);
    keeps("rollout", &document);
    assert_eq!(code, 3, "{document}");
    let record = lab.record();
    for (n, from) in [(1, vec![STRANGER; 4]), (2, vec![third; 4]), (6, vec![GATEWAY; 4])] {
        // The phone ignored the first push as far as can be seen, so it got one more.
        assert_eq!(sources(&record.phones[&name(n)]), from);
    }
    assert_eq!(sources(&record.phones[&name(4)]).len(), 8);
    let expected = ["accepted", "accepted", "verified", "accepted", "verified", "accepted"];
    for (n, expected) in (1..).zip(expected) {
        let (own, seen) = (phone(&document, &name(n)), record.phones[&name(n)].shown.is_some());
        assert_eq!(outcome(&document, &name(n)), expected, "{own}");
        // The one behind NAT shows the picture, and nothing here can tell.
        assert_eq!(seen, expected == "verified" || n == 6, "{own}");
    }
    let told = |n: u32, field: &str| phone(&document, &name(n))[field].as_str().unwrap().to_owned();
    assert!(
        told(1, "reason").contains("127.66.6.6, which is no address of this phone"),
        "{}",
        told(1, "reason")
    );
    assert!(told(1, "remedy").contains("[[nat]]"), "{}", told(1, "remedy"));
    assert!(told(2, "reason").contains(&format!("{third}, the address of {}", name(3))));
    let fetched_by = &phone(&document, &name(2))["downloads"]["fetched_by"];
    assert_eq!(fetched_by[0]["phone"], name(3));
    assert_eq!(fetched_by[0]["files"][1]["file"], "thumbnail");
    assert_eq!(fetched_by[0]["files"][1]["complete"], true);
    assert_eq!(phone(&document, &name(4))["downloads"]["fetched_by"].as_array().unwrap().len(), 2);
    assert_eq!(document["other_fetchers"][0]["address"], "127.66.6.6");
    assert_eq!(document["other_fetchers"][0]["phones"], serde_json::json!([name(1), name(4)]));

    let warning = "127.66.6.6 requested files of 2 phones, whose address it is not";
    let html = std::fs::read_to_string(&report).unwrap();
    assert!(html.contains(warning));
    lab.read(&["show", "1"]).told(0, &[warning]);
    let again = lab.path("again.html");
    lab.read(&["report", "1", "-o", again.to_str().unwrap()]).told(0, &[]);
    assert_eq!(html, std::fs::read_to_string(&again).unwrap());
    // Nothing counts as proven: all four are pushed to again.
    let ended = lab.push("rollout", &["--yes"]);
    ended.told(3, &["Accepted, not verified       4  accepted", warning]);
    assert_eq!(lab.record().phones[&name(1)].pushes.len(), 4);
    assert_eq!(lab.record().phones[&name(3)].pushes.len(), 1);
}

#[test]
fn a_rule_about_translated_addresses_lets_the_secret_path_decide_and_says_so() {
    let mut fleet = fleet(&[DownloadsBy::Behind(GATEWAY), DownloadsBy::Behind(STRANGER)]);
    fleet.phones[1].quirk = Quirk::Busy503Once;
    let lab = Lab::new(fleet);
    std::fs::write(lab.path("nat.toml"), RULE).unwrap();
    let report = lab.path("report.html");
    let (code, document) =
        lab.rollout(&["--config", "nat.toml", "--report", report.to_str().unwrap()]);
    keeps("rollout", &document);
    assert_eq!(code, 3, "{document}");
    let proven = phone(&document, &name(1));
    assert_eq!(proven["outcome"], "verified", "{proven}");
    let nat = serde_json::json!({"rule": 1, "from": ["127.99.0.1"]});
    assert_eq!(proven["downloads"], serde_json::json!({"nat": nat}));
    assert!(proven["reason"].as_str().unwrap().contains("[[nat]] rule 1"), "{proven}");
    let stated = "1 phone came from translated addresses (127.99.0.1): [[nat]] rule 1";
    let html = std::fs::read_to_string(&report).unwrap();
    assert!(html.contains(stated));
    lab.read(&["show", "1"]).told(0, &[stated]);
    assert_eq!(outcome(&document, &name(2)), "accepted", "a stranger's address is in no rule");

    // What the report told to do: the rule names the address too, and the failed phone is pushed to again.
    std::fs::write(lab.path("nat.toml"), RULE.replace("127.99.0.0/30", "127.66.6.6")).unwrap();
    let ended = lab.resumed(&["--only-failed", "last", "--config", "nat.toml", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_run_that_is_gone_on_with_keeps_its_rules() {
    let mut fleet = fleet(&[DownloadsBy::Behind(GATEWAY), DownloadsBy::Behind(GATEWAY)]);
    fleet.phones[1].quirk = Quirk::Busy503Once;
    let lab = Lab::new(fleet);
    std::fs::write(lab.path("nat.toml"), RULE).unwrap();
    let (code, document) = lab.rollout(&["--config", "nat.toml", "--attempts", "1"]);
    assert_eq!(code, 3, "{document}");
    assert_eq!(outcome(&document, &name(2)), "bad_reply");
    let ended = lab.resumed(&["--only-failed", "last", "--yes"]);
    ended.told(0, &["[[nat]] rule 1", "push is verified"]);
    let ended = lab.resumed(&["--only-failed", "last", "--yes", "--force"]);
    assert!(ended.stderr.contains("nothing is left to do in that run"), "{ended:?}");
}

#[test]
fn a_push_by_address_needs_the_phones_own_downloads_too() {
    let mut fleet =
        fleet(&[DownloadsBy::Itself, DownloadsBy::Other(STRANGER), DownloadsBy::Behind(GATEWAY)]);
    fleet.push_devices = (1..=3).map(name).collect();
    let lab = Lab::new(fleet);
    let rule = "[[nat]]\nsubnet = \"127.1.0.3\"\nfrom = [\"127.99.0.1\"]\n";
    std::fs::write(lab.path("nat.toml"), rule).unwrap();
    let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
    let mut program = bare();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
        .env("PHONE_PASSWORD", PUSH_PASSWORD)
        .args(["push", picture.to_str().unwrap(), "--push-user", PUSH_USER, "--phone-port", &port])
        .args([
            "--retry-delay",
            "0",
            "--verify-timeout",
            "1",
            "--config",
            "nat.toml",
            "--yes",
            "--json",
        ]);
    for n in 1..=3 {
        program.args(["--address", &format!("127.1.0.{n}")]);
    }
    let ended = end(program);
    assert_eq!(ended.code, 3, "{ended:?}");
    let document = serde_json::from_str(&ended.stdout).unwrap();
    let outcomes = [1, 2, 3].map(|n| outcome(&document, &name(n)));
    assert_eq!(outcomes, ["verified", "accepted", "verified"], "{document}");
}

#[test]
fn a_ring_tone_is_proven_by_the_phones_own_download_only() {
    let mut fleet = fleet(&[DownloadsBy::Itself, DownloadsBy::TwoOthers(STRANGER, ANOTHER)]);
    fleet.push_devices = (1..=2).map(name).collect();
    let lab = Lab::new(fleet);
    let tone = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tones/440.flac");
    let port = lab.cluster.phone_port().to_string();
    let ended = lab.run(&[
        "ringtone",
        tone,
        "--yes",
        "--json",
        "--phone-port",
        &port,
        "--retry-delay",
        "0",
        "--verify-timeout",
        "1",
    ]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let document = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(outcome(&document, &name(1)), "verified", "{document}");
    assert_eq!(outcome(&document, &name(2)), "accepted");
    let reason = phone(&document, &name(2))["reason"].as_str().unwrap();
    assert!(
        reason.contains("127.66.6.6") && reason.contains("the ring tone completely"),
        "{reason}"
    );
    assert!(lab.record().phones[&name(2)].ring_tone.is_none());
}

#[test]
fn over_a_socket_for_both_ip_versions_phones_are_who_they_are() {
    let lab = Lab::new(fleet(&[DownloadsBy::Itself, DownloadsBy::Other(STRANGER)]));
    // Their addresses come as ::ffff:127.1.0.1 and so on.
    let (code, document) = lab.rollout(&["--listen", "[::]:0"]);
    assert_eq!(code, 3, "{document}");
    assert_eq!(outcome(&document, &name(1)), "verified", "{document}");
    assert_eq!(phone(&document, &name(2))["downloads"]["fetched_by"][0]["address"], "127.66.6.6");
}

#[test]
fn rules_that_cannot_be_meant_are_refused_with_their_line() {
    let lab = Lab::of_phones(1);
    std::fs::write(lab.path("nat.toml"), "[[nat]]\nfrom = [\"203.0.113.7\", \"branch\"]\n")
        .unwrap();
    lab.read(&["config", "check", "--config", "nat.toml"]).fails(2, &["line 2", "\"branch\""]);
    lab.push("rollout", &["--yes", "--config", "nat.toml"]).fails(2, &["line 2", "[nat]"]);
    assert!(lab.record().phones[&name(1)].pushes.is_empty());
}
