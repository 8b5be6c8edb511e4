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
fn a_model_that_ends_connections_without_a_word_gets_one_for_each_request_from_then_on() {
    let mut fleet = controlled(4);
    for phone in &mut fleet.phones {
        phone.quirk = Quirk::OneAnswerAConnection;
    }
    let lab = Lab::new(fleet);
    push(&lab, &[]).told(0, &["4"]);
    let record = lab.record();
    // The first one shows it, and gets nothing over that connection; it is asked again who it is.
    assert_eq!(connections(&record), [3, 2, 2, 2]);
    assert_eq!(pushes(&record), [1; 4]);
}

#[test]
fn keys_which_must_not_be_pressed_twice_have_connections_of_their_own() {
    let lab = Lab::new(controlled(2));
    std::fs::write(lab.path("keys.toml"), "[[step]]\npress = [\"Key:Settings\"]\n").unwrap();
    let port = lab.cluster.phone_port().to_string();
    lab.run(&["keys", "keys.toml", "--yes", "--phone-port", &port]).told(0, &["2"]);
    let record = lab.record();
    assert_eq!(connections(&record), [2; 2]);
    assert!(record.phones.values().all(|phone| phone.pressed.len() == 1), "{record:#?}");
}
