//! Options are the same on every command that has them, and mean what was typed.

use std::collections::{BTreeSet, HashSet};

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Fleet, PhoneSpec, Quirk, Registration};
use serde_json::Value;

use crate::lab::{Ended, Lab, bare, end, fleet_of, name};

/// The commands of the reference with their options, without the dashes.
fn commands() -> Vec<(Vec<&'static str>, BTreeSet<&'static str>)> {
    let mut commands: Vec<(Vec<&str>, BTreeSet<&str>)> = Vec::new();
    for line in include_str!("../../docs/reference.md").lines() {
        if let Some((_, name)) = line.split_once("# `axlpaper ") {
            commands.push((name.trim_end_matches('`').split(' ').collect(), BTreeSet::new()));
        } else if let (Some(entry), Some(command)) =
            (line.strip_prefix("- `-"), commands.last_mut())
        {
            let names = entry.split('`').next().unwrap().split(", ");
            command
                .1
                .extend(names.map(|name| name.split(' ').next().unwrap().trim_start_matches('-')));
        }
    }
    commands
}

/// The names of the phones that were pushed to, in the cluster's own record.
fn pushed(lab: &Lab) -> BTreeSet<String> {
    let record = lab.record();
    let phones = record.phones.iter().filter(|(_, phone)| !phone.pushes.is_empty());
    phones.map(|(name, _)| name.clone()).collect()
}

fn listed(ended: &Ended) -> Vec<String> {
    assert_eq!(ended.code, 0, "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let phones = document["phones"].as_array().unwrap().iter();
    phones.map(|phone| phone["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_short_help_is_short_and_the_long_one_whole() {
    for (command, options) in commands() {
        let help = |which: &str| {
            let mut program = bare();
            program.args(&command).arg(which);
            let ended = end(program);
            assert_eq!(ended.code, 0, "{ended:?}");
            let lines = ended.stdout.lines().map(str::trim_start);
            let shown = lines.filter_map(|line| match line.split_once("--")? {
                ("", option) => Some(option),
                (short, option) => (short.len() == 4 && short.starts_with('-')).then_some(option),
            });
            shown
                .map(|line| line.split([' ', '.']).next().unwrap().to_owned())
                .collect::<HashSet<_>>()
        };
        let (short, long) = (help("-h"), help("--help"));
        // These three are in every help.
        let every = ["help", "version", "verbose"].map(str::to_owned).into();
        assert!(short.difference(&every).count() <= 15, "{command:?}: {short:?}");
        assert!(short.is_subset(&long), "{command:?}");
        let is_missing = |option: &&&str| option.len() > 1 && !long.contains(**option);
        let missing: Vec<_> = options.iter().filter(is_missing).collect();
        assert!(missing.is_empty(), "{command:?} --help lacks {missing:?}");
    }
}

#[test]
fn a_command_that_does_the_same_has_the_same_options() {
    let has = |command: &[&str], option: &str| {
        let commands = commands();
        let found = commands.iter().find(|(name, _)| name == command);
        found.unwrap_or_else(|| panic!("{command:?}")).1.contains(option)
    };
    for command in ["rollout", "push", "ringtone", "play", "keys", "apply", "revert", "trust"] {
        assert!(has(&[command], "dry-run") && has(&[command], "yes"), "{command}");
    }
    for command in [&["image", "prepare"][..], &["image", "tftp"], &["ringtone", "prepare"]] {
        assert!(has(command, "dry-run") && has(command, "o"), "{command:?}");
    }
    for command in ["inventory", "audit", "plan", "doctor", "rollout", "push", "ringtone", "keys"] {
        assert!(has(&[command], "phone-port") && has(&[command], "phone-tls"), "{command}");
        assert!(has(&[command], "o"), "{command}");
    }
    for command in ["inventory", "audit", "plan", "rollout", "push", "ringtone", "play", "keys"] {
        assert!(has(&[command], "limit") && has(&[command], "sample"), "{command}");
    }
    for command in ["apply", "revert", "runs", "show", "models", "host"] {
        assert!(has(&[command], "o"), "{command}");
    }
    // What a command would refuse or ignore it does not have.
    for (command, options) in [
        ("push", &["all-clusters"][..]),
        ("plan", &["all-clusters"]),
        ("trust", &["all-clusters", "phone-port"]),
        ("apply", &["phone-port", "phone-tls"]),
        ("keys", &["all-clusters", "verify", "picture-name"]),
        ("play", &["verify", "picture-name"]),
        ("ringtone", &["verify", "picture-name"]),
        ("doctor", &["all-clusters", "canary", "waves", "force", "report", "start"]),
    ] {
        for option in options {
            assert!(!has(&[command], option), "{command} --{option}");
        }
    }
}

/// Phones of the names 1 to 9: one without a screen, one that is offline, one whose personalization is off, and six that
/// are ready, of two models in three device pools.
fn mixed() -> Fleet {
    let mut fleet = fleet_of(0);
    fleet.phones.push(PhoneSpec::new(name(1), 72));
    let registration = Registration::UnRegistered;
    fleet.phones.push(PhoneSpec { registration, ..PhoneSpec::new(name(2), 683) });
    let personalization = Setting::Disabled;
    fleet.phones.push(PhoneSpec { personalization, ..PhoneSpec::new(name(3), 683) });
    for (n, (model, pool)) in
        (4..).zip([(683, "A"), (683, "A"), (683, "A"), (683, "B"), (36_224, "A"), (683, "C")])
    {
        let device_pool = pool.to_owned();
        fleet.phones.push(PhoneSpec { device_pool, ..PhoneSpec::new(name(n), model) });
    }
    fleet.push_devices = (3..=9).map(name).collect();
    fleet.give_addresses();
    fleet
}

#[test]
fn a_limit_counts_phones_that_can_take_a_picture() {
    for command in ["push", "rollout"] {
        let lab = Lab::new(mixed());
        assert_eq!(lab.push(command, &["--yes", "--limit", "2"]).code, 0);
        assert_eq!(pushed(&lab), BTreeSet::from([name(4), name(5)]), "{command}");
        // A second time these two are there already.
        assert_eq!(lab.push(command, &["--yes", "--limit", "2"]).code, 0);
        assert_eq!(pushed(&lab).len(), 2, "{command}");
    }
    let lab = Lab::new(mixed());
    assert_eq!(listed(&lab.run(&["audit", "--json", "--limit", "2"])), [name(4), name(5)]);
    assert_eq!(listed(&lab.run(&["inventory", "--json", "--limit", "2"])), [name(4), name(5)]);
    // Where they are too few the others show why.
    let all = listed(&lab.run(&["audit", "--json", "--limit", "8"]));
    assert_eq!(all, (2..=9).map(name).collect::<Vec<_>>());
}

#[test]
fn a_push_takes_ready_phones_and_a_rollout_those_that_it_makes_ready() {
    let mut fleet = fleet_of(3);
    fleet.push_devices = vec![name(3)];
    let lab = Lab::new(fleet);
    assert_eq!(lab.push("push", &["--yes", "--limit", "1"]).code, 0);
    assert_eq!(pushed(&lab), BTreeSet::from([name(3)]));
    assert_eq!(lab.push("rollout", &["--yes", "--limit", "1"]).code, 0);
    assert_eq!(pushed(&lab), BTreeSet::from([name(1), name(3)]));
}

#[test]
fn a_sample_is_spread_and_prefers_phones_that_do_not_show_the_picture() {
    let lab = Lab::new(mixed());
    let sample = || listed(&lab.run(&["audit", "--json", "--sample", "3"]));
    let first = sample();
    assert_eq!(first, sample());
    let of = |field: &str| {
        let audit = lab.run(&["audit", "--json", "--sample", "3"]);
        let document: Value = serde_json::from_str(&audit.stdout).unwrap();
        let phones = document["phones"].as_array().unwrap().clone();
        phones.iter().map(|phone| phone[field].to_string()).collect::<HashSet<_>>()
    };
    assert_eq!((of("model").len(), of("device_pool").len()), (2, 3));
    assert_eq!(lab.push("rollout", &["--yes", "--sample", "3"]).code, 0);
    assert_eq!(pushed(&lab), first.iter().cloned().collect());
    // The next sample is of phones that do not show it; with --force those of the first one are as good.
    let before = lab.record();
    assert_eq!(lab.push("rollout", &["--yes", "--sample", "3"]).code, 0);
    let after = lab.record();
    let again = |n: &String| after.phones[n].pushes.len() > before.phones[n].pushes.len();
    assert!(!first.iter().any(again), "a phone that shows the picture was taken");
    assert_eq!(pushed(&lab).len(), 6);
    assert_eq!(lab.push("rollout", &["--yes", "--sample", "3", "--force"]).code, 0);
    assert_eq!(pushed(&lab).len(), 6);
    let both = lab.run(&["audit", "--sample", "3", "--limit", "3"]);
    assert_eq!(both.code, 2, "{both:?}");
}

#[test]
fn a_run_with_a_sample_is_resumed_for_the_same_phones() {
    let lab = Lab::new(mixed());
    let chosen = listed(&lab.run(&["audit", "--json", "--sample", "3"]));
    // One of them cannot be reached, so something is left to do.
    lab.cluster.set_quirk(&chosen[0], Quirk::Resets);
    let first = lab.push("rollout", &["--yes", "--sample", "3", "--attempts", "1"]);
    assert_eq!(first.code, 3, "{first:?}");
    // A phone that would be in the sample now, and was not then.
    lab.cluster.set_quirk(&chosen[0], Quirk::Normal);
    lab.cluster.set_registration(&chosen[1], Registration::UnRegistered);
    let resumed = lab.resumed(&["--resume", "last", "--yes"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(pushed(&lab), chosen.iter().cloned().collect());
}

#[test]
fn advice_about_arguments_works() {
    let told = |arguments: &[&str]| {
        let mut program = bare();
        program.args(arguments);
        end(program)
    };
    // A value with a hyphen belongs to its option.
    let device = ["audit", "--device", "-x*"];
    told(&device).fails(2, &["'--device=-x*'", "Usage: axlpaper audit [OPTIONS]\n"]);
    assert!(!told(&["audit", "--device=-x*"]).stderr.contains("unexpected"));
    told(&["rollout", "--start", "-1h", "p.png"]).fails(2, &["invalid value '-1h' for '--start"]);
    told(&["audit", "--subnet", "-1"]).fails(2, &["invalid value '-1' for '--subnet"]);
    // A file can begin with one too; a number of a run cannot.
    told(&["rollout", "-a.png"]).fails(2, &["use '-- -a'"]);
    for arguments in [&["show", "-1"][..], &["rollout", "p.png", "-1"], &["control", "3", "-p"]] {
        let ended = told(arguments);
        ended.fails(2, &["unexpected argument '-"]);
        assert!(!ended.stderr.contains("tip"), "{ended:?}");
    }
    // What the command needs, not what is like the typed option.
    for (arguments, usage) in [
        (&["rollout", "p.png", "--wave", "3"][..], "Usage: axlpaper rollout [OPTIONS] [PICTURE]\n"),
        (&["show", "last", "--nope"], "Usage: axlpaper show [OPTIONS] <RUN>\n"),
        (
            &["-v", "journal", "prune", "--nope"],
            "Usage: axlpaper journal prune [OPTIONS] --older-than <AGE>\n",
        ),
        (&["--nope"], "Usage: axlpaper [OPTIONS] <COMMAND>\n"),
    ] {
        told(arguments).fails(2, &[usage]);
    }
}

#[test]
fn words_are_the_same_with_both_hyphens() {
    let lab = Lab::new(mixed());
    let by = |field: &str| lab.run(&["inventory", "--by", field, "--format", "csv"]).stdout;
    assert!(by("device-pool").starts_with("device_pool,"));
    assert_eq!(by("device_pool"), by("device-pool"));
    let fields = |fields: &str| lab.run(&["inventory", "--format", "csv", "--fields", fields]);
    assert_eq!(fields("name,device-pool").stdout, fields("name,device_pool").stdout);
    let repaired = lab.run(&["audit", "--json", "--repair", "web_access"]);
    assert_eq!(repaired.code, 0, "{repaired:?}");
}

#[test]
fn lists_take_commas_where_names_cannot_hold_them() {
    let lab = Lab::new(mixed());
    let audit = |arguments: &[&str]| lab.run(&[&["audit", "--json"], arguments].concat());
    let two = format!("{},{}", name(4), name(7));
    assert_eq!(listed(&audit(&["--device", &two])), [name(4), name(7)]);
    let spaced = format!("{}, {}", name(4), name(7));
    assert_eq!(listed(&audit(&["--device", &spaced, "--exclude-device", &name(4)])), [name(7)]);
    assert_eq!(listed(&audit(&["--model", "8845,CP-8841-K9="])).len(), 8);
    audit(&["--model", "8845,9999"]).fails(2, &["--model \"9999\""]);
}

#[test]
fn a_list_of_names_that_can_hold_commas_is_several_options() {
    let lab = Lab::new(mixed());
    lab.run(&["audit", "--device-pool", "A,B"])
        .fails(2, &["repeat the option for several: --device-pool \"A\" --device-pool \"B\""]);
    let ended = lab.run(&["audit", "--json", "--device-pool", "B", "--device-pool", "C"]);
    assert_eq!(listed(&ended), [name(7), name(9)]);
}

#[test]
fn addresses_are_one_a_range_a_network_or_a_mask() {
    let lab = Lab::new(mixed());
    let all = lab.run(&["inventory", "--format", "csv", "--fields", "name,ip"]).stdout;
    let ip = |n: u32| {
        let line = all.lines().find(|line| line.starts_with(&name(n))).unwrap();
        line.split(',').nth(1).unwrap().to_owned()
    };
    let at = |subnet: &str| listed(&lab.run(&["inventory", "--json", "--subnet", subnet]));
    assert_eq!(at(&ip(5)), [name(5)]);
    assert_eq!(at(&format!("{},{}", ip(5), ip(8))), [name(5), name(8)]);
    assert_eq!(at(&format!("{}-{}", ip(5), ip(7))), [name(5), name(6), name(7)]);
    let registered = at("127.0.0.0/8").len();
    assert_eq!(at("127.0.0.0/255.0.0.0").len(), registered);
    assert_eq!(at(&format!("{}/255.255.255.255", ip(6))), [name(6)]);
    for (subnet, why) in [
        ("10.1.0.0/0.0.255.255", "0.0.255.255 is not a network mask"),
        ("10.1.0.40-10.1.0.5", "10.1.0.5-10.1.0.40"),
        ("10.1.0.*", "write an address, a range or a network"),
    ] {
        lab.run(&["inventory", "--subnet", subnet]).fails(2, &["--subnet", why]);
    }
}

#[test]
fn an_address_of_a_browser_is_the_publisher() {
    let lab = Lab::of_phones(1);
    let addr = lab.cluster.axl_addr();
    for host in [format!("https://{addr}/"), format!("HTTPS://{addr}/ccmadmin/showHome.do?a=b")] {
        assert_eq!(listed(&lab.run(&["inventory", "--json", "--host", &host])), [name(1)]);
        let mut program = lab.program(&["inventory", "--json"]);
        program.env("CUCM_HOST", &host).args(["--pin-sha256", &lab.cluster.cert_sha256()]);
        assert_eq!(listed(&end(program)), [name(1)]);
    }
    let config = lab.path("config.toml");
    let written =
        lab.read(&["init", "--config", "config.toml", "--host", &format!("https://{addr}/")]);
    assert_eq!(written.code, 0, "{written:?}");
    let text = std::fs::read_to_string(config).unwrap();
    assert!(text.contains(&format!("host = \"{addr}\"")), "{text}");
    lab.run(&["inventory", "--host", &format!("http://{addr}")]).fails(2, &["--host"]);
}

fn files(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with("journal")).collect();
    names.sort();
    names
}

#[test]
fn reports_go_beside_the_journal() {
    let lab = Lab::of_phones(1);
    let work = lab.path("work");
    std::fs::create_dir(&work).unwrap();
    let picture = lab.picture();
    let port = lab.cluster.phone_port().to_string();
    let rollout = |arguments: &[&str]| {
        let mut program = lab.program(&["rollout", picture.to_str().unwrap(), "--yes", "--force"]);
        program.current_dir(&work).env("AXLPAPER_STATE", lab.path("state/journal.sqlite3"));
        program.args(["--pin-sha256", &lab.cluster.cert_sha256(), "--phone-port", &port]);
        program.args(arguments);
        let ended = end(program);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended
    };
    let folder = lab.path("state/reports");
    let first = rollout(&[]);
    let reports = files(&folder);
    let report = folder.join(reports.first().unwrap());
    assert_eq!(reports.len(), 1);
    assert!(first.stderr.contains(&format!("Report: {}", report.display())), "{first:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    // Written again it is the same, in the same place.
    let page = std::fs::read_to_string(&report).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let mut again = lab.program(&["report", "1"]);
    again.current_dir(&work).env("AXLPAPER_STATE", lab.path("state/journal.sqlite3"));
    assert_eq!(end(again).code, 0);
    assert_eq!(std::fs::read_to_string(&report).unwrap(), page);

    assert!(!rollout(&["--no-report"]).stderr.contains("Report:"));
    assert_eq!((files(&folder).len(), files(&work).len()), (1, 0));
    rollout(&["-o", "night.html"]);
    rollout(&["-o", "night.csv", "--format", "csv", "--report", "own.html"]);
    assert_eq!(files(&work), ["night.csv", "night.html", "own.html"]);
    for page in ["night.html", "own.html"] {
        let page = std::fs::read_to_string(work.join(page)).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..40]);
    }
    assert_eq!(files(&folder).len(), 1);
    let both = lab.push("rollout", &["--yes", "--no-report", "--report", "x.html"]);
    assert_eq!(both.code, 2, "{both:?}");
}

#[test]
fn a_dry_run_of_a_command_that_writes_files_writes_none() {
    let lab = Lab::of_phones(1);
    let picture = lab.picture();
    let picture = picture.to_str().unwrap();
    for command in ["prepare", "tftp"] {
        let arguments = ["image", command, picture, "-o", command, "--model", "8841", "--dry-run"];
        let ended = lab.read(&[&arguments[..], &["--squeeze", "0"]].concat());
        assert!(ended.code == 0 && ended.stdout.contains("800x480"), "{ended:?}");
        assert!(!lab.path(command).exists());
    }
    let before = files(lab.folder());
    let ended = lab.run(&["trust", "--dry-run", "--yes", "--config", "new.toml"]);
    assert!(ended.code == 0 && ended.stdout.contains("SHA-256"), "{ended:?}");
    assert_eq!(lab.read(&["init", "--dry-run", "--config", "new.toml"]).code, 0);
    assert_eq!(files(lab.folder()), before);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn a_phone_is_named_by_its_address_in_any_notation_everywhere() {
    let lab = Lab::of_phones(2);
    lab.push("push", &["--yes"]);
    let bare = name(1).trim_start_matches("SEP").to_owned();
    let pairs: Vec<&str> = (0..6).map(|at| &bare[at * 2..at * 2 + 2]).collect();
    let fours: Vec<&str> = (0..3).map(|at| &bare[at * 4..at * 4 + 4]).collect();
    for typed in
        [pairs.join(":"), pairs.join("-"), fours.join("."), bare.clone(), format!("sep{bare}")]
    {
        let one = listed(&lab.run(&["audit", "--json", "--device", &typed]));
        assert_eq!(one, [name(1)], "{typed}");
        let other = listed(&lab.run(&["audit", "--json", "--exclude-device", &typed]));
        assert_eq!(other, [name(2)], "{typed}");
        assert_eq!(listed(&lab.read(&["show", "last", "--json", "--device", &typed])), [name(1)]);
        let phone = lab.read(&["phone", &typed, "--offline"]);
        assert!(phone.stdout.starts_with(&name(1)), "{typed}: {phone:?}");
    }
}

#[test]
fn what_is_wrong_is_said_in_plain_words() {
    let lab = Lab::of_phones(1);
    let clear = lab.run(&["audit", "--host", "http://pub.example.com:8443/axl"]);
    clear.fails(2, &["http:// is clear text", "HTTPS only"]);
    // The lab sets AXLPAPER_STATE, and a usage line has what was typed.
    let usage = lab.read(&["show"]);
    usage.fails(2, &["Usage: axlpaper show", "<RUN>"]);
    assert!(!usage.stderr.contains("--state"), "{usage:?}");
    assert!(lab.read(&["show", "--help"]).stdout.contains("[env: AXLPAPER_STATE="));
    for (arguments, words) in [
        (&["push", "none.png", "--yes"][..], "none.png"),
        (&["audit", "--devices-from", "none.txt"], "none.txt"),
        (&["audit", "--ca-file", "none.pem"], "none.pem"),
        (&["apply", "none.plan", "--yes"], "none.plan"),
        (&["keys", "none.toml", "--yes"], "none.toml"),
    ] {
        let ended =
            if arguments.contains(&"--ca-file") { lab.read(arguments) } else { lab.run(arguments) };
        assert!(ended.code != 0 && ended.stderr.contains(words), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("os error"), "{ended:?}");
    }
}

#[test]
fn the_version_names_its_build_where_more_is_asked_for() {
    let version = format!("axlpaper {}\n", env!("CARGO_PKG_VERSION"));
    for short in [&["--version"][..], &["-V"], &["rollout", "--version"]] {
        let mut program = bare();
        program.args(short);
        assert!(end(program).stdout.ends_with(&version[8..]), "{short:?}");
    }
    for long in [&["--version", "--verbose"][..], &["-V", "-v"], &["-Vv"]] {
        let mut program = bare();
        program.args(long);
        let told = end(program);
        assert!(told.code == 0 && told.stdout.starts_with(&version), "{long:?}");
        for fact in ["\ncommit: ", "\ntarget: ", "\nfeatures: ", "\nkeyring: ", "\nSQLite: 3."] {
            assert!(told.stdout.contains(fact), "{}", told.stdout);
        }
    }
}
