//! What the field throws at a run: characters that nothing can read, faults that pass, phones that move.

use std::net::Ipv4Addr;

use axlpaper::sim::{Change, Fault, Fleet, PUSH_USER, PhoneSpec};
use serde_json::Value;

use crate::lab::{Lab, end, fleet_of, name, outcome, phone};

const DESCRIPTION: &str = "Desk 597";

fn fleet() -> Fleet {
    let mut fleet = fleet_of(3);
    fleet.phones[1].description = DESCRIPTION.to_owned();
    fleet
}

fn inventory(lab: &Lab) -> Value {
    let ended = lab.run(&["inventory", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn remarks(document: &Value) -> String {
    document["remarks"].to_string()
}

#[test]
fn a_description_that_cannot_be_read_costs_that_description_and_is_named() {
    for broken in [&b"\xFC"[..], b"&#0;", b"&#xD800;", b"&#56832;", b"&nope;", b"\xED\xA0\xBD"] {
        let lab = Lab::new(fleet());
        let whole = [b"Desk", broken, b"597"].concat();
        lab.cluster.replace_in_answers("listPhone", DESCRIPTION.as_bytes(), &whole);
        let document = inventory(&lab);
        assert_eq!(document["phones"].as_array().unwrap().len(), 3);
        assert_eq!(phone(&document, &name(2))["description"], "Desk\u{FFFD}597");
        let remarks = remarks(&document);
        assert!(remarks.contains("description") && remarks.contains(&name(2)), "{remarks}");
        assert!(!remarks.contains(&name(1)), "{remarks}");
    }
}

#[test]
fn surrogates_that_belong_together_are_their_character() {
    for pair in [&b"&#55357;&#56832;"[..], b"&#xD83D;&#xDE00;", b"\xED\xA0\xBD\xED\xB8\x80"] {
        let lab = Lab::new(fleet());
        let whole = [b"Desk", pair, b"597"].concat();
        lab.cluster.replace_in_answers("listPhone", DESCRIPTION.as_bytes(), &whole);
        let document = inventory(&lab);
        assert_eq!(phone(&document, &name(2))["description"], "Desk\u{1F600}597");
        assert!(!remarks(&document).contains("U+FFFD"), "{document}");
    }
}

#[test]
fn so_is_a_text_of_risport70() {
    let lab = Lab::new(fleet());
    lab.cluster.replace_in_answers("selectCmDeviceExt", DESCRIPTION.as_bytes(), b"Desk\xFC597");
    let document = inventory(&lab);
    assert_eq!(phone(&document, &name(2))["registration"]["status"], "registered", "{document:#}");
    let remarks = remarks(&document);
    assert!(remarks.contains("Description") && remarks.contains(&name(2)), "{remarks}");
}

#[test]
fn a_phone_whose_name_cannot_be_read_is_left_out_alone() {
    let lab = Lab::new(fleet());
    lab.cluster.replace_in_answers("listPhone", name(2).as_bytes(), b"SEP00000000000\xFC");
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!([1, 3].map(|n| outcome(&document, &name(n))), ["verified", "verified"]);
    let record = lab.record();
    assert!(record.phones[&name(2)].pushes.is_empty());
    assert_eq!(record.devices(PUSH_USER), [name(1), name(3)]);
}

#[test]
fn a_list_of_devices_with_an_entry_that_cannot_be_read_is_not_written() {
    let lab = Lab::new(fleet());
    assert!(lab.cluster.set_associations(PUSH_USER, &[&name(1), &name(2)]));
    lab.cluster.replace_in_answers("getAppUser", name(2).as_bytes(), b"SEP00000000000&#0;");
    let (_, document) = lab.rollout(&[]);
    assert_eq!(outcome(&document, &name(1)), "verified");
    for n in [2, 3] {
        let phone = phone(&document, &name(n));
        assert_ne!(phone["outcome"], "verified");
        assert!(phone.to_string().contains("cannot be read"), "{phone}");
    }
    let record = lab.record();
    assert!(record.writes.is_empty(), "{:?}", record.writes);
    assert_eq!(record.devices(PUSH_USER), [name(1), name(2)]);
}

#[test]
fn a_run_outlasts_faults_that_pass_and_writes_once() {
    let lab = Lab::new(fleet());
    // The first request, a list, single objects, and a query.
    for (nth, fault) in [
        (1, Fault::ErrorPage),
        (3, Fault::DatabaseLocked),
        (5, Fault::ErrorPage),
        (7, Fault::Truncated),
        (10, Fault::ErrorPage),
        (13, Fault::DatabaseLocked),
    ] {
        lab.cluster.inject_at(nth, fault);
    }
    lab.cluster.inject_into("selectCmDeviceExt", Fault::ErrorPage, 1);
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["summary"]["verified"], 3, "{document:#}");
    let record = lab.record();
    assert_eq!(record.writes.iter().filter(|write| write.operation == "updateAppUser").count(), 1);
    assert_eq!(record.requests("selectCmDeviceExt"), 2);
}

/// A lab whose phones are controlled already, so that nothing is changed before the push.
fn ready() -> Lab {
    let lab = Lab::new(fleet());
    let names = [1, 2, 3].map(name);
    assert!(lab.cluster.set_associations(PUSH_USER, &names.each_ref().map(String::as_str)));
    lab
}

#[test]
fn a_phone_that_moved_after_the_survey_is_pushed_to_at_its_new_address() {
    let lab = ready();
    let new = Ipv4Addr::new(127, 77, 0, 9);
    let moves = Change::Readdress { phone: name(2), address: Some(new) };
    lab.cluster.change_after("selectCmDeviceExt", 1, moves);
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["summary"]["verified"], 3, "{document:#}");
    assert_eq!(phone(&document, &name(2))["ip"], new.to_string());
    let record = lab.record();
    assert_eq!(record.requests("selectCmDeviceExt"), 2);
    assert_eq!([1, 2, 3].map(|n| record.phones[&name(n)].pushes.len()), [1, 1, 1]);
}

#[test]
fn phones_that_changed_places_get_no_password_of_each_other_and_their_own_picture() {
    let lab = ready();
    // Those that the lab gives the first phones.
    let (one, two) = (Ipv4Addr::new(127, 1, 0, 1), Ipv4Addr::new(127, 1, 0, 2));
    for (n, address) in [(1, two), (2, one)] {
        let moves = Change::Readdress { phone: name(n), address: Some(address) };
        lab.cluster.change_after("selectCmDeviceExt", 1, moves);
    }
    let (code, document) = lab.rollout(&[]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(phone(&document, &name(1))["ip"], two.to_string());
    assert_eq!(phone(&document, &name(2))["ip"], one.to_string());
    let record = lab.record();
    assert_eq!([1, 2, 3].map(|n| record.phones[&name(n)].pushes.len()), [1, 1, 1]);
}

#[test]
fn a_phone_that_is_gone_is_given_up_after_one_more_question() {
    let mut fleet = fleet();
    fleet.phones.push(PhoneSpec::new(name(4), 683));
    fleet.give_addresses();
    let lab = Lab::new(fleet);
    let names = [1, 2, 3, 4].map(name);
    assert!(lab.cluster.set_associations(PUSH_USER, &names.each_ref().map(String::as_str)));
    lab.cluster.change_after("selectCmDeviceExt", 1, Change::Remove(name(4)));
    let (code, document) = lab.rollout(&[]);
    assert_ne!(code, 0);
    assert_eq!(outcome(&document, &name(4)), "unreachable", "{document:#}");
    let reason = phone(&document, &name(4))["reason"].to_string();
    assert!(reason.contains("does not show it as registered"), "{reason}");
    assert_eq!(lab.record().requests("selectCmDeviceExt"), 2);
}

fn utf16(text: &str) -> Vec<u8> {
    [&b"\xff\xfe"[..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()]
        .concat()
}

#[test]
fn config_files_and_key_scripts_of_windows_editors_are_read_or_the_encoding_is_named() {
    let lab = Lab::of_phones(1);
    let run = |config: &[u8]| {
        std::fs::write(lab.path("c.toml"), config).unwrap();
        let mut program = lab.program(&["inventory", "--config", "c.toml", "--cluster", "lab"]);
        program.env_remove("CUCM_HOST").env_remove("CUCM_USERNAME");
        lab.secret("password", axlpaper::sim::ADMIN_PASSWORD);
        end(program)
    };
    let table = format!("# B\u{fc}ro\n{}password_file = \"password\"\n", lab.table("lab"));
    for config in [utf16(&table), [b"\xef\xbb\xbf", table.as_bytes()].concat()] {
        let ended = run(&config);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let latin: Vec<u8> = table.chars().map(|c| c as u8).collect();
    run(&latin).fails(2, &["c.toml", "line 1 is not UTF-8 text", "save it as UTF-8"]);

    let script = "# B\u{fc}ro\n[[step]]\npress = [\"Key:Applications\"]\n";
    let keys = |bytes: &[u8]| {
        std::fs::write(lab.path("k.toml"), bytes).unwrap();
        lab.run(&["keys", "k.toml", "--dry-run"])
    };
    // It gets as far as the phone, which the push user does not control.
    let ended = keys(&utf16(script));
    assert_eq!(ended.code, 3, "{ended:?}");
    let latin: Vec<u8> = script.chars().map(|c| c as u8).collect();
    keys(&latin).fails(2, &["k.toml", "line 1 is not UTF-8 text", "save it as UTF-8"]);
}

#[test]
fn a_user_name_costs_no_login_for_its_byte_order_mark_or_line_end() {
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    let run = |variable: &str, value: &std::ffi::OsStr| {
        let mut program = lab.program(&["inventory", "--pin-sha256", &pin]);
        program.env(variable, value);
        end(program)
    };
    let name = format!("\u{feff}{}\r\n", axlpaper::sim::ADMIN_USER);
    let ended = run("CUCM_USERNAME", name.as_ref());
    assert_eq!(ended.code, 0, "{ended:?}");
    let before = lab.record().requests;
    run("CUCM_USERNAME", "sim\tadmin".as_ref())
        .fails(2, &["CUCM_USERNAME", "U+0009", "nothing was sent"]);
    run("PHONE_USERNAME", "bg\u{feff}push".as_ref())
        .fails(2, &["PHONE_USERNAME", "U+FEFF", "nothing was sent"]);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let latin = std::ffi::OsStr::from_bytes(b"m\xfcller");
        run("CUCM_PASSWORD", latin).fails(2, &["CUCM_PASSWORD", "not UTF-8", "nothing was sent"]);
    }
    assert_eq!(lab.record().requests, before);
}
