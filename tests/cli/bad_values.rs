//! Every option and every key of the config file with values that it cannot have: the message says what to write, in
//! words for people.

use std::collections::BTreeSet;

use axlpaper::config::{KEYS, ValuePlace};

use crate::lab::{bare, end};

/// What only a programmer can read.
const RAW: &[&str] = &[
    "invalid digit",
    "number too",
    "expected u",
    "expected i",
    "invalid type",
    "parse input",
    "\"friendly\"",
    "OtherError",
    "Other(",
    "Err(",
    "Error(",
    "Some(",
    "std::",
    "core::",
    "socket address",
    "relative URL",
    "unsupported feature",
    "cannot parse",
    "is not in 0..",
    "is not in 1..",
    "unknown variant",
    "missing field",
    "path string",
];

const VALUES: &[&str] = &["☃", "", "99999999999999999999"];

/// The options with a value of every command, from the reference: the command's words, the option, what its value is.
fn options() -> Vec<(Vec<&'static str>, &'static str, &'static str)> {
    let reference: &'static str = include_str!("../../docs/reference.md");
    let (mut options, mut command, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for line in reference.lines() {
        if let Some((_, name)) = line.split_once("# `axlpaper ") {
            command = name.trim_end_matches('`').split(' ').collect();
        } else if let Some(entry) = line.strip_prefix("- `-") {
            let entry = entry.split('`').next().unwrap();
            let option = entry.split(", ").last().unwrap();
            let Some((option, value)) = option.split_once(' ') else { continue };
            let option = option.trim_start_matches('-');
            if seen.insert((option, value)) {
                options.push((command.clone(), option, value));
            }
        }
    }
    assert!(options.len() > 60, "only {} options were found", options.len());
    options
}

#[test]
fn an_option_says_what_its_value_has_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut refused = BTreeSet::new();
    for (command, option, kind) in options() {
        // Any text can be a file, and these commands would begin to work with it.
        if ["FILE", "DIR"].contains(&kind) {
            continue;
        }
        let is_number = ["N", "N|P%", "PORT", "SECONDS", "FACTOR"].contains(&kind);
        for value in &VALUES[..if is_number { VALUES.len() } else { 1 }] {
            let mut program = bare();
            program.current_dir(folder.path()).args(&command).arg(format!("--{option}={value}"));
            // Nobody listens there.
            if command != ["demo"] && command != ["sim"] {
                program.env("CUCM_HOST", "127.0.0.1:9").env("CUCM_USERNAME", "x");
            }
            let ended = end(program);
            let shown = format!("axlpaper {} --{option} {value:?}: {ended:?}", command.join(" "));
            for raw in RAW {
                assert!(!ended.stderr.contains(raw), "{raw:?} in {shown}");
            }
            if let Some((_, why)) = ended.stderr.split_once("invalid value '") {
                let advice =
                    ["write ", "possible values", "it ", "a run is", "use ", "simulator plays"];
                let advice =
                    [&advice[..], &["a device name", "not an IP address", "no single", "empty"]]
                        .concat();
                assert!(advice.iter().any(|words| why.contains(words)), "{shown}");
                assert!(ended.code == 2 && why.contains(&format!("--{option}")), "{shown}");
                refused.insert(option);
            }
        }
    }
    for option in
        ["phone-port", "concurrency", "soak", "until", "canary", "subnet", "listen", "seed"]
    {
        // An address is read with the other settings.
        assert!(refused.contains(option) || option == "listen", "{option} takes anything");
    }
}

#[test]
fn a_key_of_the_config_file_says_what_its_value_has_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let mut refused = 0;
    for key in KEYS {
        for value in ["\"☃\"", "\"\"", "-1", "1.5", "99999999999", "true", "[]", "[1]", "{ a = 1 }"]
        {
            let line = format!("{} = {value}\n", key.name);
            let text = match key.place {
                ValuePlace::Top => format!("{line}[cluster.lab]\n"),
                ValuePlace::Cluster | ValuePlace::Shared => format!("[cluster.lab]\n{line}"),
                ValuePlace::Each(list) => format!("[[{list}]]\n{line}"),
                ValuePlace::Table(table) => format!("[{table}]\n{line}"),
            };
            std::fs::write(&path, text).unwrap();
            let mut program = bare();
            program.args(["config", "check", "--config"]).arg(&path);
            let ended = end(program);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            for raw in RAW {
                assert!(!said.contains(raw), "{raw:?}: {line}{ended:?}");
            }
            assert!([0, 2].contains(&ended.code), "{line}{ended:?}");
            refused += usize::from(ended.code == 2);
        }
    }
    assert!(refused > KEYS.len() * 4, "only {refused} values were refused");
    for (key, words) in [
        ("phone_port = \"x\"", "it must be a whole number from 0 to 65535"),
        ("phone_port = -1", "it must be a whole number from 0 to 65535, not -1"),
        ("insecure = 1", "it must be true or false, not 1"),
        ("push_user_kind = \"x\"", "it must be `end` or `app`"),
    ] {
        std::fs::write(&path, format!("[cluster.lab]\n{key}\n")).unwrap();
        let mut program = bare();
        program.args(["config", "check", "--config"]).arg(&path);
        end(program).fails(2, &[words, "line 2", key.split(' ').next().unwrap()]);
    }
}
