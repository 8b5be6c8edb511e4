//! Over how many connections phones are pushed to, by the simulator's record.

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Fleet, Quirk, Record, Web};

use crate::lab::{Ended, Lab, fleet_of, name};

/// A fleet of this size whose phones the push user controls.
fn controlled(count: u32) -> Fleet {
    Fleet { push_devices: (1..=count).map(name).collect(), ..fleet_of(count) }
}

fn connections(record: &Record) -> Vec<u32> {
    record.phones.values().map(|phone| phone.connections).collect()
}

fn pushes(record: &Record) -> Vec<usize> {
    record.phones.values().map(|phone| phone.pushes.len()).collect()
}

fn push(lab: &Lab, arguments: &[&str]) -> Ended {
    let mut all = vec!["--yes", "--concurrency", "1"];
    all.extend(arguments);
    lab.push("push", &all)
}

#[test]
fn a_push_goes_over_the_connection_on_which_the_phone_said_who_it_is() {
    let lab = Lab::new(controlled(6));
    push(&lab, &[]).told(0, &["6"]);
    let record = lab.record();
    assert_eq!(connections(&record), [1; 6]);
    assert_eq!(pushes(&record), [1; 6]);
}

#[test]
fn over_https_there_is_one_handshake() {
    let mut fleet = controlled(2);
    for phone in &mut fleet.phones {
        phone.personalization = Setting::HttpsOnly;
        phone.web = Web::HttpsOnly;
    }
    let lab = Lab::new(fleet);
    let port = lab.cluster.phone_tls_port().to_string();
    push(&lab, &["--phone-tls-port", &port, "--phone-tls", "pin-first-use"]).told(0, &["2"]);
    let record = lab.record();
    assert_eq!(connections(&record), [1; 2]);
    assert!(record.phones.values().all(|phone| phone.pushes[0].secure), "{record:#?}");
}

#[test]
fn a_model_that_ends_connections_without_saying_so_shows_that_before_it_is_sent_anything() {
    let mut fleet = controlled(4);
    for phone in &mut fleet.phones {
        phone.quirk = Quirk::OneAnswerAConnection;
    }
    let lab = Lab::new(fleet);
    push(&lab, &[]).told(0, &["4"]);
    let record = lab.record();
    // The first one gets nothing over the connection on which it was asked; from then on the question is asked twice, and
    // then once more while the connection for the push is open.
    assert_eq!(connections(&record), [4, 3, 3, 3]);
    assert_eq!(pushes(&record), [1; 4]);
}

#[test]
fn who_takes_an_address_over_gets_neither_password_nor_push() {
    for (after, closes) in [(1, false), (1, true), (2, true)] {
        let mut fleet = controlled(3);
        fleet.phones[1].quirk = Quirk::TakenOver { after, closes };
        let lab = Lab::new(fleet);
        push(&lab, &[]).told(3, &["wrong_device"]);
        let record = lab.record();
        let phone = &record.phones[&name(2)];
        let to_stranger: Vec<_> = phone.requests.iter().filter(|asked| asked.stranger).collect();
        assert!(!to_stranger.is_empty(), "{phone:#?}");
        assert!(to_stranger.iter().all(|asked| !asked.authorization), "{phone:#?}");
        assert!(phone.pushes.is_empty(), "{phone:#?}");
    }
}

#[test]
fn keys_which_must_not_be_pressed_twice_go_over_a_connection_that_has_proven_to_stay_open() {
    let mut fleet = controlled(3);
    fleet.phones[2].quirk = Quirk::OneAnswerAConnection;
    let lab = Lab::new(fleet);
    let script = "[[step]]\npress = [\"Key:Settings\"]\n[[step]]\npress = [\"Key:Soft1\"]\n";
    std::fs::write(lab.path("keys.toml"), script).unwrap();
    let port = lab.cluster.phone_port().to_string();
    lab.run(&["keys", "keys.toml", "--yes", "--phone-port", &port]).told(0, &["3"]);
    let record = lab.record();
    // Every step asks anew who is there.
    assert_eq!(connections(&record), [2, 2, 6]);
    assert!(record.phones.values().all(|phone| phone.pressed.len() == 2), "{record:#?}");
}
