//! `push --address` and `--addresses-from`: phones are pushed to, and no cluster is asked.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use axlpaper::sim::{Fleet, PUSH_PASSWORD, PUSH_USER, PhoneSpec, Quirk, Record, Registration};
use serde_json::Value;

use crate::lab::{Ended, Lab, bare, end, fleet_of, name, outcome, phone};

/// A fleet whose phones the push user controls.
fn controlled(count: u32) -> Fleet {
    Fleet { push_devices: (1..=count).map(name).collect(), ..fleet_of(count) }
}

/// The address of the `n`th phone of [`fleet_of`].
fn address(n: usize) -> String {
    fleet_of(u32::try_from(n).unwrap()).phones[n - 1].address.v4().unwrap().to_string()
}

/// Runs `push` with only what a push without a cluster needs.
fn push(lab: &Lab, arguments: &[&str]) -> Ended {
    push_with(lab, PUSH_PASSWORD, arguments)
}

fn push_with(lab: &Lab, password: &str, arguments: &[&str]) -> Ended {
    let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
    let mut program = bare();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
        .env("PHONE_PASSWORD", password)
        .args(["push", picture.to_str().unwrap(), "--push-user", PUSH_USER, "--phone-port", &port])
        .args(["--retry-delay", "0", "--verify-timeout", "1"])
        .args(arguments);
    end(program)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn pushes(record: &Record) -> usize {
    record.phones.values().map(|phone| phone.pushes.len()).sum()
}

/// Checks that nobody asked the cluster but phones, who ask it for the push user.
pub fn no_cluster_was_asked(lab: &Lab) {
    let requests = lab.record().requests;
    let asked: Vec<_> = requests.keys().filter(|name| *name != "authenticate.jsp").collect();
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn phones_show_the_picture_and_no_cluster_is_asked() {
    let mut fleet = controlled(4);
    fleet.phones[2].model = 435;
    fleet.phones[2].model_name = "Cisco 7945".to_owned();
    let lab = Lab::new(fleet);
    let list = lab.path("list.csv");
    let text = format!("address;model;name\n{};;\n{};8841;{}\n", address(3), address(4), name(4));
    std::fs::write(&list, text).unwrap();
    let (one, two) = (address(1), address(2));
    let ended = push(
        &lab,
        &["--address", &one, "--address", &two, "--addresses-from", "list.csv", "--yes", "--json"],
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let document = json(&ended);
    assert_eq!(document["schema"], "axlpaper.rollout/v1");
    assert_eq!(document["summary"]["verified"], 4);
    assert_eq!(document["cluster"]["name"], "addresses");
    assert_eq!(document["cluster"]["version"], "");
    assert_eq!(document.get("audit_summary"), None);
    assert_eq!(document["summary"]["by_device_pool"], serde_json::json!({}));
    assert_eq!(phone(&document, &name(3))["model"], "Cisco 7945");
    let record = lab.record();
    for (n, size) in [(1, "800x480"), (2, "800x480"), (3, "320x212"), (4, "800x480")] {
        let phone = &record.phones[&name(n)];
        assert_eq!(phone.shown.as_ref().unwrap().size.to_string(), size);
        assert_eq!(phone.pushes.len(), 1);
    }
    no_cluster_was_asked(&lab);
    assert!(!ended.stderr.contains(PUSH_PASSWORD));
    let recap = &ended.stderr;
    assert!(recap.contains("to 4 phones by address in"), "{recap}");
    assert!(!recap.contains("By device pool") && !recap.contains("By finding"), "{recap}");
    let mut files =
        std::fs::read_dir(lab.path("reports")).unwrap().map(|entry| entry.unwrap().path());
    let report = files.find(|path| path.extension().is_some_and(|end| end == "html")).unwrap();
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("no cluster was asked") && !report.contains("audit found"));
    assert!(!report.contains("Device pool") && !report.contains("Verdict"));
}

#[test]
fn the_inventory_of_a_cluster_is_a_list_of_names_and_of_addresses() {
    let mut fleet = controlled(2);
    fleet
        .phones
        .push(PhoneSpec { registration: Registration::NeverSeen, ..PhoneSpec::new(name(3), 683) });
    fleet.give_addresses();
    let lab = Lab::new(fleet);
    let file = lab.path("inventory.csv");
    let file = file.to_str().unwrap();
    let written = lab.run(&["inventory", "--format", "csv", "--bom", "--output", file]);
    assert_eq!(written.code, 0, "{written:?}");
    assert!(std::fs::read(file).unwrap().starts_with(b"\xef\xbb\xbfname,"));
    let audited = lab.run(&["audit", "--devices-from", file, "--json"]);
    assert_eq!(json(&audited)["phones"].as_array().unwrap().len(), 3);
    let ended = push(&lab, &["--addresses-from", file, "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("note: 1 row without an address skipped"), "{ended:?}");
    assert_eq!(pushes(&lab.record()), 2);
    let text = std::fs::read_to_string(file).unwrap();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(file, wide).unwrap();
    assert_eq!(lab.run(&["inventory", "--devices-from", file]).code, 0);
    std::fs::write(file, b"name;description\nSEP000000000001;B\xfcro\n").unwrap();
    let read = lab.run(&["inventory", "--devices-from", file, "--json"]);
    assert!(read.stderr.contains("it was read as windows-1252"), "{read:?}");
    assert_eq!(json(&read)["phones"][0]["name"], "SEP000000000001");
    lab.run(&["inventory", "--bom"]).fails(2, &["--bom is for CSV", "--format csv"]);
}

#[test]
fn a_second_push_leaves_alone_who_shows_the_picture() {
    let lab = Lab::new(controlled(2));
    let (one, two) = (address(1), address(2));
    assert_eq!(push(&lab, &["--address", &one, "--model", "8841", "--yes"]).code, 0);
    let both = ["--address", &one, "--address", &two, "--model", "8841", "--yes", "--json"];
    let second = push(&lab, &both);
    assert_eq!(second.code, 0, "{second:?}");
    let document = json(&second);
    assert_eq!(outcome(&document, &name(1)), "already");
    assert_eq!(outcome(&document, &name(2)), "verified");
    assert_eq!(pushes(&lab.record()), 2);
    let mut forced = both.to_vec();
    forced.push("--force");
    assert_eq!(json(&push(&lab, &forced))["summary"]["verified"], 2);
    assert_eq!(pushes(&lab.record()), 4);
    let runs = json(&lab.read(&["runs", "--json"]));
    assert_eq!(runs["runs"][0]["cluster"], "addresses");
    let shown = lab.read(&["show", "last"]).stdout;
    assert!(shown.contains("Run 3: push on addresses\n"), "{shown}");
    no_cluster_was_asked(&lab);
}

#[test]
fn what_a_push_by_address_shows_is_no_longer_what_a_rollout_proved() {
    let lab = Lab::new(controlled(2));
    assert_eq!(lab.rollout(&[]).0, 0);
    let other = lab.path("other.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9])).save(&other).unwrap();
    let mut program = lab.program(&["push", other.to_str().unwrap(), "--yes"]);
    let port = lab.cluster.phone_port().to_string();
    // The cluster of the environment does not count.
    program.args(["--address", &address(1), "--phone-port", &port, "--verify-timeout", "2"]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    let (_, again) = lab.rollout(&[]);
    assert_eq!(outcome(&again, &name(1)), "verified", "{again:#}");
    assert_eq!(outcome(&again, &name(2)), "already");
}

#[test]
fn bad_input_is_told_before_anything_is_sent() {
    let lab = Lab::new(controlled(2));
    let (one, two) = (address(1), address(2));
    let write = |name: &str, text: &str| std::fs::write(lab.path(name), text).unwrap();
    write("empty.csv", "address,model\n");
    write("columns.csv", "phone,model\n10.1.2.3,8841\n");
    write("typo.csv", &format!("address,model\n{one},8841\n10.1.2,8841\n"));
    write("model.csv", &format!("{one} 8841\n{two} 8842\n"));
    write("twice.csv", &format!("{two}\n{one}\n{two}\n"));
    write("names.csv", &format!("address,name\n{one},SEP1\n{two},sep1\n"));
    for (arguments, words) in [
        (&["--address", "phone7"][..], &["phone7", "not an IP address"][..]),
        (&["--address", "0.0.0.0"], &["no single phone"]),
        (&["--address", &one, "--model", "8842"], &["8842", "did you mean", "axlpaper models"]),
        (&["--address", &one, "--model", "8841", "--model", "8851"], &["--addresses-from"]),
        (&["--address", &one, "--address", &one], &[&one, "named twice"]),
        (&["--address", &one, "--addresses-from", "twice.csv"], &["named twice"]),
        (&["--addresses-from", "missing.csv"], &["missing.csv"]),
        (&["--addresses-from", "empty.csv"], &["empty.csv", "names no phone"]),
        (&["--addresses-from", "columns.csv"], &["`address`"]),
        (&["--addresses-from", "typo.csv"], &["typo.csv", "line 3", "10.1.2"]),
        (&["--addresses-from", "model.csv"], &["line 2", "8842", "axlpaper models"]),
        (&["--addresses-from", "names.csv"], &["the name sep1", &one, &two]),
        (&["--address", &one, "--device-pool", "HQ"], &["--device-pool"]),
        (&["--address", &one, "--host", "pub"], &["--host"]),
        (&["--addresses-from", "x", "--limit", "1"], &["--limit"]),
        (&["--address", &one, "--cluster", "lab"], &["--cluster"]),
    ] {
        let mut all = arguments.to_vec();
        all.push("--yes");
        let ended = push(&lab, &all);
        assert_eq!(ended.code, 2, "{ended:?}");
        for word in words {
            assert!(ended.stderr.contains(word), "{word:?} is not in {ended:?}");
        }
    }
    push(&lab, &["--address", &one]).fails(5, &["push picture.png to 1 phone by address", "--yes"]);
    let mut program = bare();
    program.args(["push", lab.picture().to_str().unwrap(), "--address", &one, "--yes"]);
    end(program).fails(2, &["no push user is named", "--push-user"]);
    let record = lab.record();
    assert!(record.requests.is_empty() && pushes(&record) == 0);
}

#[test]
fn another_phone_at_the_address_gets_nothing() {
    let lab = Lab::new(controlled(3));
    let list = format!(
        "address,model,name\n{},8841,{}\n{},7965,\n{},,{}\n",
        address(1),
        name(2),
        address(2),
        address(3),
        name(3)
    );
    std::fs::write(lab.path("list.csv"), list).unwrap();
    let ended = push(&lab, &["--addresses-from", "list.csv", "--yes", "--json"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let document = json(&ended);
    // One is asked at the push, one before: its name is that of the first, which was typed.
    assert_eq!(document["summary"]["total"], 3, "{document:#}");
    assert_eq!(outcome(&document, &name(2)), "wrong_device");
    assert_eq!(outcome(&document, &address(2)), "excluded");
    assert_eq!(outcome(&document, &name(3)), "verified");
    let record = lab.record();
    assert!(record.phones[&name(1)].pushes.is_empty(), "the password went to another phone");
    assert!(record.phones[&name(2)].pushes.is_empty());
}

#[test]
fn nobody_at_the_address_is_a_failure() {
    let lab = Lab::new(controlled(1));
    let ended =
        push(&lab, &["--address", &address(1), "--address", "127.9.200.200", "--yes", "--json"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let document = json(&ended);
    assert_eq!(outcome(&document, "127.9.200.200"), "unreachable");
    assert_eq!(outcome(&document, &name(1)), "verified");
    // Nobody is asked who shows no picture anyway.
    let ended = push(&lab, &["--address", "127.9.200.200", "--model", "7841", "--yes", "--json"]);
    assert_eq!((ended.code, &json(&ended)["summary"]["no_background"]), (3, &Value::from(1)));
    // The model of a phone that says another one is not believed.
    let ended = push(&lab, &["--address", &address(1), "--model", "7965", "--yes", "--json"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(outcome(&json(&ended), &name(1)), "wrong_device");
    assert_eq!(pushes(&lab.record()), 1);
}

#[test]
fn a_wrong_password_stops_after_three_phones() {
    let lab = Lab::new(controlled(6));
    let lines: Vec<String> = (1..=6).map(|n| format!("{} 8841", address(n))).collect();
    std::fs::write(lab.path("list.txt"), lines.join("\n")).unwrap();
    let ended = push_with(&lab, "wrong", &["--addresses-from", "list.txt", "--yes", "--json"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let document = json(&ended);
    assert_eq!(document["summary"]["auth_failed"], 3);
    assert_eq!(document["summary"]["pending"], 3);
    assert!(document["stopped"].as_str().unwrap().contains("3 phones in a row"));
    let record = lab.record();
    assert_eq!(pushes(&record), 3);
    assert_eq!(record.users[PUSH_USER].failed_logins, 3);
}

#[test]
fn going_on_with_such_a_run_is_refused_with_what_to_type() {
    let lab = Lab::new(controlled(2));
    lab.cluster.set_quirk(&name(2), Quirk::ErrorWithOk { number: 3 });
    let (one, two) = (address(1), address(2));
    let arguments = ["--address", &one, "--address", &two, "--model", "8841", "--yes"];
    assert_eq!(push(&lab, &arguments).code, 3);
    for option in ["--resume", "--only-failed"] {
        let refused = lab.resumed(&[option, "last", "--yes"]);
        let typed = format!("--address {one} --address {two} --model 8841");
        refused.fails(2, &["run 1 pushed to addresses", "run its command again", &typed]);
    }
    let reverted = lab.run(&["revert", "last", "--yes"]);
    assert_eq!(reverted.code, 0, "{reverted:?}");
    assert!(reverted.stderr.contains("run 1 changed nothing on the cluster"), "{reverted:?}");
    lab.cluster.set_quirk(&name(2), Quirk::Normal);
    assert_eq!(push(&lab, &arguments).code, 0);
    assert_eq!(pushes(&lab.record()), 3, "who shows the picture is left alone");
    no_cluster_was_asked(&lab);
}

/// A web server that is no phone: it answers 404 to everything, and tells the requests' first lines and whether
/// they held a password.
fn no_phone() -> (u16, std::sync::mpsc::Receiver<(String, bool)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap();
            let text = String::from_utf8_lossy(&request[..length]).to_lowercase();
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
            let first = text.lines().next().unwrap_or_default().to_owned();
            if send.send((first, text.contains("authorization:"))).is_err() {
                return;
            }
        }
    });
    (port, requests)
}

#[test]
fn what_does_not_say_who_it_is_is_pushed_to_only_where_that_is_wanted() {
    let lab = Lab::new(controlled(1));
    let (port, requests) = no_phone();
    let port = port.to_string();
    let arguments = ["--address", "127.0.0.1", "--model", "8841", "--yes", "--json"];
    let with = |more: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(more);
        let mut program = lab.program(&["push", lab.picture().to_str().unwrap()]);
        program.args(all).args(["--phone-port", &port, "--verify-timeout", "2"]);
        end(program)
    };
    let ended = with(&[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(outcome(&json(&ended), "127.0.0.1"), "wrong_device");
    assert!(requests.try_iter().all(|(_, password)| !password), "the password went to no phone");
    let ended = with(&["--no-identity-check"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(outcome(&json(&ended), "127.0.0.1"), "rejected");
    assert!(requests.try_iter().any(|(line, password)| line.starts_with("post ") && password));
    assert!(lab.record().requests.is_empty());
}

#[test]
fn a_phone_that_ignores_its_first_push_is_pushed_to_again() {
    let lab = Lab::new(controlled(1));
    lab.cluster.set_quirk(&name(1), Quirk::IgnoresFirstPush);
    let ended = push(&lab, &["--address", &address(1), "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document = json(&ended);
    assert_eq!(phone(&document, &name(1))["outcome"], "verified");
    assert_eq!(phone(&document, &name(1))["attempts"], 2);
    let shown = json(&lab.read(&["show", "last", "--json"]));
    let outcomes: Vec<_> =
        shown["attempts"].as_array().unwrap().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["accepted", "verified"]);
}

#[test]
fn a_stop_for_refusals_names_its_reason_and_its_command_once() {
    let lab = Lab::new(controlled(12));
    let addresses = (1..=12).map(address).collect::<Vec<_>>().join(",");
    let ended = push_with(&lab, "wrong", &["--address", &addresses, "--yes", "--no-report"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    for told in [ended.stdout, lab.read(&["show", "last"]).stdout] {
        let times = |words: &str| told.matches(words).count();
        assert_eq!(times("3 phones in a row refused the push user"), 1, "{told}");
        assert_eq!(times("continue with `"), 1, "{told}");
        assert!(told.contains("\n  9 not tried\n"), "{told}");
        assert!(told.contains("refused the push user; not tried again\n"), "{told}");
    }
    assert_eq!(lab.record().users[PUSH_USER].failed_logins, 3);
}
