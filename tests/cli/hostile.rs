//! Texts that steer terminals, hide in lines or hold a password, over every output.

use axlpaper::sim::{ADMIN_PASSWORD, Fleet, PhoneSpec, Quirk};
use serde_json::Value;

use crate::lab::{Lab, end, fleet_of, name, phone};

/// C0 and C1 controls, marks of direction, and characters without a width.
const DESCRIPTION: &str = "=1+1\u{7f}\u{85}\u{9b}31m\u{ad}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}evil\u{2066}\u{feff}\u{e0041}end";

fn steers(c: char) -> bool {
    c.is_control() && c != '\n'
        || "\u{ad}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2066}\u{feff}\u{e0041}".contains(c)
}

fn harmless(what: &str, text: &str) {
    let found: Vec<char> = text.chars().filter(|c| steers(*c)).collect();
    assert!(found.is_empty(), "{what}: {found:?}");
}

fn fleet() -> Fleet {
    let mut fleet = fleet_of(3);
    for phone in &mut fleet.phones {
        phone.description = DESCRIPTION.to_owned();
        phone.device_pool = "\u{202e}looP\u{9b}".to_owned();
    }
    fleet.phones[1].quirk = Quirk::Redirects;
    fleet
        .phones
        .push(PhoneSpec { description: DESCRIPTION.into(), ..PhoneSpec::new(name(4), 683) });
    fleet.push_devices = (1..=3).map(name).collect();
    fleet.give_addresses();
    fleet
}

#[test]
fn no_list_and_no_log_steers_a_terminal_and_json_keeps_the_value() {
    let lab = Lab::new(fleet());
    for command in ["inventory", "audit"] {
        for format in ["table", "json", "ndjson", "csv"] {
            for log in ["text", "json"] {
                let ended =
                    lab.run(&[command, "--format", format, "--log-format", log, "--verbose"]);
                assert_eq!(ended.code, 0, "{ended:?}");
                harmless(format, &ended.stdout);
                harmless(log, &ended.stderr);
            }
        }
    }
    let json: Value = serde_json::from_str(&lab.run(&["inventory", "--json"]).stdout).unwrap();
    assert_eq!(phone(&json, &name(1))["description"], DESCRIPTION);
    let lines = lab.run(&["inventory", "--format", "ndjson"]).stdout;
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(line["description"], DESCRIPTION);
    let csv = lab.run(&["inventory", "--format", "csv"]).stdout;
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    assert!(rows[0].iter().any(|cell| cell.starts_with("'=1+1")), "{rows:?}");
    let junit = lab.run(&["audit", "--format", "junit"]).stdout;
    harmless("junit", &junit);
    let document = roxmltree::Document::parse(&junit).unwrap();
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
    assert_eq!(cases, 4, "{junit}");
}

#[test]
fn plans_and_runs_hold_hostile_text_only_as_text() {
    let lab = Lab::new(fleet());
    let plan = lab.path("plan.json");
    let planned = lab.run(&["plan", "-o", plan.to_str().unwrap()]);
    assert_eq!(planned.code, 0, "{planned:?}");
    let text = std::fs::read_to_string(&plan).unwrap();
    harmless("plan", &text);
    serde_json::from_str::<Value>(&text).unwrap();
    let report = lab.path("report.html");
    let ended = lab.push("push", &["--yes", "--json", "--report", report.to_str().unwrap()]);
    assert_eq!(ended.code, 3, "{ended:?}");
    harmless("run", &ended.stdout);
    harmless("run", &ended.stderr);
    serde_json::from_str::<Value>(&ended.stdout).unwrap();
    harmless("report", &std::fs::read_to_string(&report).unwrap());
}

#[test]
fn a_password_in_an_address_is_refused_and_never_repeated() {
    const SECRET: &str = "s3cr3t-w0rd";
    let lab = Lab::new(fleet());
    let address = format!("http://user:{SECRET}@192.0.2.1/a.png");
    let odd = format!("http:/user:{SECRET}@192.0.2.1/a.png");
    let base = format!("http://user:{SECRET}@192.0.2.1:8080");
    let host = format!("user:{SECRET}@192.0.2.1");
    let picture = lab.picture();
    let picture = picture.to_str().unwrap();
    let log = lab.path("log.txt");
    let log = ["--verbose", "--verbose", "--log-file", log.to_str().unwrap()];
    for arguments in [
        &["push", "--yes", "--image-url", &address, "--icon-url", &address][..],
        &["rollout", "--yes", "--image-url", &odd, "--icon-url", "http://192.0.2.1/b.png"],
        &["push", picture, "--yes", "--advertise", &base],
        &["rollout", picture, "--yes", "--advertise", &base],
        &["push", &address, "--yes"],
        &["inventory", "--host", &host],
        &["inventory", "--host", &address],
        &["host", "--advertise", &base],
        &["image", "prepare", &address, "-o", "out"],
    ] {
        let ended = lab.run(&[arguments, &log[..]].concat());
        assert_ne!(ended.code, 0, "{arguments:?}: {ended:?}");
        assert!(!format!("{ended:?}").contains(SECRET), "{arguments:?}: {ended:?}");
    }
    let config = format!("[defaults]\nadvertise = \"{base}\"\n{}", lab.table("a"));
    std::fs::write(lab.path("config.toml"), config).unwrap();
    for arguments in [
        &["config", "show", "--config", "config.toml", "--cluster", "a"][..],
        &["config", "check", "--config", "config.toml"],
        &["push", picture, "--yes", "--config", "config.toml", "--cluster", "a"],
    ] {
        let ended = end(lab.program(arguments));
        assert!(!format!("{ended:?}").contains(SECRET), "{arguments:?}: {ended:?}");
    }
    for entry in std::fs::read_dir(lab.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("config.toml") {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{}", path.display());
        }
    }
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn a_syntax_error_shows_no_long_line_and_no_value() {
    let lab = Lab::of_phones(1);
    let long = "x".repeat(1_000_000);
    let files = [
        (
            "config.toml",
            "[cluster.a]\nhost = \"h\"\npassword_command = \"s3cr3t-w0rd\"\n".to_owned(),
        ),
        ("config.toml", format!("[cluster.a]\nconcurrency = \"{long}\"\n")),
        ("config.toml", format!("[cluster.a]\n{long}\n")),
        ("config.toml", format!("[cluster.a]\npassword_file = \"s3cr3t-w0rd\" {long}\n")),
        ("keys.toml", format!("[[step]]\npress = {long}\n")),
        ("keys.toml", format!("[[step]]\npress = [\"{long}\"]\n")),
        ("plan.json", format!("{{\"schema\": \"{long}\"}}")),
        ("plan.json", format!("{{\"schema\": \"axlpaper.plan/v1\", \"id\": [\"{long}\"]}}")),
        ("names.txt", format!("name,\u{1b}[31m\n{long},{long}\n")),
    ];
    for (file, text) in files {
        std::fs::write(lab.path(file), &text).unwrap();
        let ended = match file {
            "config.toml" => end(lab.program(&["inventory", "--config", file])),
            "keys.toml" => lab.run(&["keys", file, "--yes"]),
            "plan.json" => lab.run(&["apply", file, "--yes"]),
            _ => lab.run(&["inventory", "--devices-from", file]),
        };
        let told = format!("{ended:?}");
        assert_ne!(ended.code, 0, "{file}");
        assert!(told.len() < 5_000 && !told.contains("s3cr3t-w0rd"), "{file}: {}", told.len());
        harmless(file, &ended.stderr);
    }
}

#[test]
fn a_password_file_may_begin_with_a_byte_order_mark_and_nothing_is_sent_of_what_is_none() {
    let lab = Lab::of_phones(1);
    let pin = lab.cluster.cert_sha256();
    let read = |bytes: &[u8]| {
        lab.secret("password", "");
        std::fs::write(lab.path("password"), bytes).unwrap();
        let mut program =
            lab.program(&["inventory", "--password-file", "password", "--pin-sha256", &pin]);
        program.env_remove("CUCM_PASSWORD");
        end(program)
    };
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let marked = read(format!("\u{feff}{ADMIN_PASSWORD}\r\n").as_bytes());
    assert_eq!(marked.code, 0, "{marked:?}");
    let before = lab.record().requests;
    for (bytes, word) in [
        (wide(&format!("\u{feff}{ADMIN_PASSWORD}\r\n")), "UTF-16"),
        (format!("{ADMIN_PASSWORD}\u{7}\n").into_bytes(), "U+0007"),
        (b"m\xFCller\n".to_vec(), "UTF-8"),
    ] {
        read(&bytes).fails(2, &[word, "nothing was sent"]);
    }
    let record = lab.record();
    assert_eq!(record.requests, before);
    assert!(record.users.values().all(|user| user.failed_logins == 0));
}
