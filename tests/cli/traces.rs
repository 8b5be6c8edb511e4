//! The log and the trace: what they keep, and that they keep no secret.

use std::path::{Path, PathBuf};

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER, PUSH_PASSWORD, PUSH_USER, PhoneSpec};
use base64::Engine as _;
use serde_json::Value;

use crate::lab::{Lab, end, fleet_of, name};
use crate::web::{Web, pictures};

/// A secret of the phones' configuration, which a cluster gives out with it.
const PHONE_SECRET: &str = "wlan-and-admin-secret";

/// Ready phones, and one whose page holds secrets and is to be changed.
fn secretive() -> Lab {
    let mut fleet = fleet_of(2);
    fleet.phones.push(PhoneSpec {
        personalization: Setting::Enabled,
        web_access: Some(false),
        vendor_config: format!(
            "<webAccess>1</webAccess><adminPassword>{PHONE_SECRET}</adminPassword><sshPwd>{PHONE_SECRET}</sshPwd>"
        ),
        ..PhoneSpec::new(name(3), 683)
    });
    fleet.give_addresses();
    Lab::new(fleet)
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

fn secrets() -> Vec<String> {
    let encoded = |user: &str, password: &str| {
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
    };
    vec![
        ADMIN_PASSWORD.to_owned(),
        PUSH_PASSWORD.to_owned(),
        PHONE_SECRET.to_owned(),
        encoded(ADMIN_USER, ADMIN_PASSWORD),
        encoded(PUSH_USER, PUSH_PASSWORD),
    ]
}

/// The values of all session cookies that stand in a text.
fn shows_a_cookie(text: &str) -> bool {
    text.match_indices("JSESSIONID").any(|(at, _)| {
        let value = text[at..].split_once('=').map_or("", |(_, value)| value);
        text[at..].split_once('=').is_some_and(|(name, _)| name.len() <= 13)
            && !value.starts_with("(hidden)")
    })
}

#[test]
fn a_trace_holds_every_exchange_and_no_secret() {
    let lab = secretive();
    let ended = lab.push(
        "rollout",
        &[
            "--yes",
            "--repair",
            "web-access",
            "--restart-timeout",
            "5",
            "--settle-timeout",
            "2",
            "--trace-dir",
            "trace",
            "--log-file",
            "run.log",
            "-vvv",
        ],
    );
    assert!(ended.stderr.contains("exchanges in trace/"), "{ended:?}");
    let mut files = Vec::new();
    files_below(lab.folder(), &mut files);
    let of_trace: Vec<&PathBuf> =
        files.iter().filter(|path| path.starts_with(lab.path("trace"))).collect();
    let index = of_trace.iter().find(|path| path.ends_with("index.ndjson")).unwrap();
    let lines: Vec<Value> = std::fs::read_to_string(index)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The simulator's own count of what it was asked; phones ask it for the user, and statuses are counted too.
    let requests = lab.record().requests;
    let ours = requests.iter().filter(|(name, _)| !name.contains(['.', ' ']));
    let asked: usize = ours.map(|(_, count)| usize::try_from(*count).unwrap()).sum();
    let to_cluster = lines.iter().filter(|line| line["to"] == "cluster").count();
    assert_eq!(to_cluster, asked, "{:?}", lab.record().requests);
    let pushes: usize = lab.record().phones.values().map(|phone| phone.pushes.len()).sum();
    assert_eq!(lines.iter().filter(|line| line["operation"] == "push").count(), pushes);
    assert!(pushes >= 2);
    assert_eq!(of_trace.len(), lines.len() + 1);
    let mut seen = (false, false, false);
    for path in &files {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let shown = path.display();
        for secret in secrets() {
            assert!(!text.contains(&secret), "{secret:?} is in {shown}");
        }
        assert!(!shows_a_cookie(&text), "a cookie is in {shown}");
        seen.0 |= text.contains("<adminPassword>(hidden)</adminPassword>");
        seen.1 |= text.contains("<password>(hidden)</password>");
        seen.2 |= text.contains("authorization: Basic (hidden)") && text.contains("XML=<?xml");
    }
    assert_eq!(seen, (true, true, true), "vendorConfig, doAuthenticateUser, push");
    let said = format!("{ended:?}");
    assert!(secrets().iter().all(|secret| !said.contains(secret.as_str())), "{said}");
    let log = std::fs::read_to_string(lab.path("run.log")).unwrap();
    for words in ["pushed phone=SEP000000000001", "changed change=1", "operation=\"listPhone\""] {
        assert!(log.contains(words), "{words}: {log}");
    }
}

#[test]
fn downloads_from_other_peoples_servers_are_in_the_trace_without_their_tokens() {
    let lab = Lab::new(axlpaper::sim::Fleet { push_devices: [name(1)].into(), ..fleet_of(1) });
    let token = "s3cret-token-of-a-server";
    let good = pictures(&[683]);
    let (image, icon) = ("/Desktops/800x480x24/w.png", "/Desktops/800x480x24/t.png");
    let with_token = |path: &str| format!("{path}?v=1&token={token}");
    let pages = [image, icon].map(|path| (with_token(path), good[path].clone()));
    let web = Web::new(pages.into_iter().collect());
    let push = |icon: &str| {
        let (image, icon) = (web.url(&with_token(image)), web.url(icon));
        let urls = ["--image-url", &image, "--icon-url", &icon];
        lab.without_picture("push", &[&["--yes", "--trace-dir", "trace"][..], &urls].concat())
    };
    let ended = push(&with_token(icon));
    assert_eq!(ended.code, 0, "{ended:?}");
    push(&format!("/none.png?token={token}")).fails(2, &["HTTP status 404"]);
    // Both files of the first run, and of the second one that is not there.
    assert_eq!(web.asked().len(), 4 + 2, "two by us, two by the phone, and then two by us");

    let mut files = Vec::new();
    files_below(&lab.path("trace"), &mut files);
    let texts: Vec<(&PathBuf, String)> = files
        .iter()
        .map(|path| (path, String::from_utf8(std::fs::read(path).unwrap()).unwrap()))
        .collect();
    for (path, text) in &texts {
        assert!(!text.contains(token), "the token is in {}: {text}", path.display());
    }
    let downloads =
        texts.iter().filter(|(path, _)| path.to_string_lossy().contains("-web-download"));
    let downloads: Vec<&String> = downloads.map(|(_, text)| text).collect();
    assert_eq!(downloads.len(), 4);
    let holds = |words: &[&str]| {
        downloads.iter().filter(|text| words.iter().all(|word| text.contains(word))).count()
    };
    let address = format!("> GET {}?v=1&token=(hidden)", web.url(image));
    assert_eq!(holds(&[&address, "< 200", "# a picture of", ": complete"]), 2, "{downloads:?}");
    assert_eq!(holds(&["/none.png?token=(hidden)", "< 404", "HTTP status 404"]), 1);
    assert_eq!(holds(&["authorization"]), 0);
    let pushed = texts.iter().find(|(path, _)| path.to_string_lossy().ends_with("-phone-push.txt"));
    assert!(pushed.unwrap().1.contains("token=(hidden)"), "the push names the address too");
}

#[test]
fn a_trace_that_cannot_be_written_stops_a_run_before_it_begins() {
    let lab = Lab::of_phones(1);
    std::fs::write(lab.path("file"), "").unwrap();
    lab.run(&["audit", "--trace-dir", "file"]).fails(1, &["trace folder file", "nothing was sent"]);
    lab.run(&["audit", "--log-file", "no/such.log"]).fails(1, &["no/such.log", "nothing was sent"]);
    assert!(lab.record().requests.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_the_log_gives_one_warning() {
    let lab = Lab::of_phones(2);
    let ended = lab.run(&["audit", "--log-file", "/dev/full", "-vv"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stderr.matches("WARNING: the log file").count(), 1, "{ended:?}");
}

#[test]
fn each_run_has_a_trace_of_its_own() {
    let lab = Lab::of_phones(1);
    for _ in 0..2 {
        assert_eq!(lab.run(&["audit", "--trace-dir", "trace"]).code, 0);
    }
    assert_eq!(std::fs::read_dir(lab.path("trace")).unwrap().count(), 2);
}

#[test]
fn verbose_tells_every_phone_and_json_is_json_to_the_last_line() {
    let lab = Lab::of_phones(2);
    let quiet = lab.push("rollout", &["--yes"]);
    assert!(!quiet.stderr.contains("pushed phone="), "{quiet:?}");
    let verbose = lab.push("rollout", &["--yes", "--force", "-v"]);
    assert_eq!(verbose.stderr.matches("pushed phone=").count(), 2, "{verbose:?}");
    let json = lab.push("push", &["--yes", "--force", "--log-format", "json"]);
    let lines: Vec<Value> = json
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(lines.iter().filter(|line| line["message"] == "pushed").count(), 2, "{json:?}");
    assert!(lines.iter().any(|line| line["message"].as_str().unwrap().starts_with("Report: ")));
    // What a person must read is there however little of the log was asked for.
    let mut program = lab.program(&["audit", "--log-format", "json"]);
    program.env("RUST_LOG", "off");
    let failed = end(program);
    let line: Value = serde_json::from_str(failed.stderr.lines().last().unwrap()).unwrap();
    assert_eq!((failed.code, line["level"].as_str()), (1, Some("ERROR")), "{failed:?}");
    assert!(line["message"].as_str().unwrap().contains("certificate"), "{line}");
}
