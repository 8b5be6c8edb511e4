//! A few phones first: what goes wrong goes wrong for few.

use axlpaper::sim::{PUSH_USER, Quirk};

use crate::lab::{Lab, fleet_of, name, outcome};

/// Phones of two device pools and two models that the push user controls already.
fn lab(count: u32) -> Lab {
    let mut fleet = fleet_of(count);
    fleet.push_devices = (1..=count).map(name).collect();
    for (n, spec) in fleet.phones.iter_mut().enumerate() {
        if n % 10 == 9 {
            spec.device_pool = "Branch".to_owned();
        }
    }
    Lab::new(fleet)
}

fn pushed_to(lab: &Lab) -> Vec<String> {
    let record = lab.record();
    let pushed = record.phones.iter().filter(|(_, phone)| !phone.pushes.is_empty());
    pushed.map(|(name, _)| name.clone()).collect()
}

#[test]
fn all_waves_together_are_everybody() {
    let lab = lab(40);
    let ended = lab.push(
        "rollout",
        &["--yes", "--json", "--canary", "2", "--waves", "25%,100%", "--max-failures", "0"],
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    for told in
        ["canary (wave 1 of 3): 2 phones", "wave 2 of 3: 8 phones", "wave 3 of 3: 30 phones"]
    {
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
    assert_eq!(pushed_to(&lab).len(), 40);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.len() == 1));
}

#[test]
fn failures_of_the_first_ones_spare_the_others_and_the_run_can_be_gone_on_with() {
    let lab = lab(40);
    // The whole branch refuses: one of it is among the first two.
    for n in (10..=40).step_by(10) {
        lab.cluster.set_quirk(&name(n), Quirk::ErrorWithOk { number: 3 });
    }
    let (code, document) = lab.rollout(&["--canary", "2", "--max-failures", "0"]);
    assert_eq!(code, 3, "{document:#}");
    assert_eq!(pushed_to(&lab), [name(10)], "the first failure is enough, and it came first");
    assert_eq!(outcome(&document, &name(10)), "rejected");
    assert_eq!(document["summary"]["pending"], 39);
    let stopped = document["stopped"].as_str().unwrap();
    assert!(stopped.contains("1 phone failed; --max-failures allows 0"), "{stopped}");
    for n in (10..=40).step_by(10) {
        lab.cluster.set_quirk(&name(n), Quirk::Normal);
    }
    let rest = lab.resumed(&["--only-failed", "last", "--yes", "--json"]);
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(pushed_to(&lab).len(), 40);
}

#[test]
fn a_server_that_no_phone_reaches_is_found_out_by_the_first_ones() {
    let lab = lab(20);
    for n in 1..=20 {
        lab.cluster.set_quirk(&name(n), Quirk::AcceptsButNeverFetches);
    }
    let (code, document) = lab.rollout(&["--canary", "10%"]);
    assert_eq!(code, 3, "{document:#}");
    assert_eq!(document["summary"]["accepted"], 2);
    assert_eq!(document["summary"]["pending"], 18);
    let stopped = document["stopped"].as_str().unwrap();
    let told = "(firewall? --advertise?): 2 phones accepted the push, 0 refused it";
    assert!(stopped.starts_with("no phone fetched anything from http://"), "{stopped}");
    assert!(stopped.contains(told), "{stopped}");
    assert_eq!(lab.record().users[PUSH_USER].failed_logins, 0);
}

#[test]
fn three_phones_that_cannot_download_end_a_run() {
    let lab = lab(36);
    let waits = Quirk::CannotDownload(std::time::Duration::from_millis(100));
    (1..=36).for_each(|n| assert!(lab.cluster.set_quirk(&name(n), waits)));
    let advertise = ["--advertise", "http://127.0.0.1:8099"];
    let ended =
        lab.push("rollout", &[&["--yes", "--report", "report.html"], &advertise[..]].concat());
    assert_eq!(ended.code, 3, "{ended:?}");
    let next = ended.stdout.lines().find(|line| line.contains("--resume")).unwrap();
    assert!(!next.contains("--advertise "), "that address does not work: {next}");
    let told =
        "(firewall? --advertise?): 0 phones accepted the push, 3 refused it or did not answer";
    assert!(ended.stdout.contains("no phone fetched anything from http://"), "{ended:?}");
    assert!(ended.stdout.contains(told), "{ended:?}");
    let report = std::fs::read_to_string(lab.path("report.html")).unwrap();
    assert!(report.contains("no phone fetched anything from http://"));
    // One of another device pool is among them.
    let pushed = pushed_to(&lab);
    assert_eq!(pushed.len(), 3, "{pushed:?}");
    assert!(pushed.contains(&name(10)), "{pushed:?}");
    assert_eq!(lab.record().users[PUSH_USER].failed_logins, 0);
    (1..=36).for_each(|n| assert!(lab.cluster.set_quirk(&name(n), Quirk::Normal)));
    let rest = lab.resumed(&["--only-failed", "last", "--yes"]);
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(pushed_to(&lab).len(), 36);
}

#[test]
fn ten_phones_go_first_where_nothing_else_is_asked_for() {
    let lab = lab(24);
    lab.cluster.set_quirk(&name(1), Quirk::ErrorWithOk { number: 3 });
    let (code, document) = lab.rollout(&["--max-failures", "0"]);
    assert_eq!(code, 3, "{document:#}");
    assert!(pushed_to(&lab).len() <= 10);
    let again = crate::waves::lab(24);
    let ended = again.push("rollout", &["--yes", "--json", "--canary", "0"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("wave 1"), "{ended:?}");
    let small = crate::waves::lab(19);
    let ended = small.push("rollout", &["--yes", "--json"]);
    assert!(!ended.stderr.contains("wave 1"), "{ended:?}");
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let lab = lab(2);
    for arguments in [
        ["--canary", "101%"],
        ["--waves", "10%,x"],
        ["--max-failures", "many"],
        ["--per-pool", "0"],
        ["--rate", "0"],
        ["--waves", "50,10"],
        ["--waves", "50%,10%"],
        ["--waves", "5,50%,3"],
        ["--waves", "0"],
        ["--waves", "0%,50%"],
        ["--waves", "50%,50%"],
        ["--waves", "5,50%,5"],
    ] {
        let ended = lab.push("rollout", &arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(arguments[0]), "{ended:?}");
    }
    for (arguments, words) in [
        (&["--waves", "0%,50%"][..], "the wave 0% has no phone"),
        (&["--waves", "50%,50%"], "the wave 50% comes after 50%, so it adds no phone"),
        (&["--canary", "5", "--waves", "5"], "the wave 5 comes after 5, so it adds no phone"),
        (&["--canary", "0", "--waves", "0"], "the wave 0 has no phone"),
    ] {
        lab.push("rollout", arguments).fails(2, &[words, "two halves are 50%,100%"]);
    }
    assert!(pushed_to(&lab).is_empty());
}

#[test]
fn a_branch_behind_a_thin_line_is_not_flooded() {
    let lab = lab(40);
    let arguments =
        ["--per-pool", "1", "--per-subnet", "3", "--rate", "200", "--concurrency", "32"];
    let (code, document) = lab.rollout(&arguments);
    assert_eq!(code, 0, "{document:#}");
    // Two device pools, one phone of each.
    assert!(lab.record().most_pushes_in_flight <= 2);
}

#[test]
fn a_resumed_run_keeps_its_waves_limits_and_end() {
    let lab = lab(12);
    for n in 1..=12 {
        lab.cluster.set_quirk(&name(n), Quirk::ErrorWithOk { number: 3 });
    }
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let options = ["--canary", "1", "--waves", "50%", "--max-failures", "0", "--concurrency", "1"];
    let at = |hours: i64, shown: &str| {
        let moment = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        moment.strftime(shown).to_string()
    };
    // An end at midnight has another notation.
    let window = format!("{}-{}", at(-3, "%H:00"), at(3, "%H:30"));
    let more = ["--until", &until, "--window", &window, "--soak", "1s", "--yes"];
    std::fs::write(lab.path("config.toml"), "default_time_zone = \"UTC\"\n").unwrap();
    let config = ["--config", "config.toml"];
    assert_eq!(lab.push("rollout", &[&options[..], &more, &config].concat()).code, 3);
    assert_eq!(pushed_to(&lab).len(), 1);
    // Nothing is typed again: the canary alone is pushed to, and its failure ends the run.
    let again = lab.resumed(&[&["--resume", "last", "--yes"][..], &config].concat());
    assert_eq!(again.code, 3, "{again:?}");
    let kept = format!(
        "note: the run resumes run 1 and keeps --canary 1 --concurrency 1 --max-failures 0 --soak 1s --until {until} \
         --waves 50% --window {window}"
    );
    assert!(again.stderr.contains(&kept), "{again:?}");
    assert!(again.stderr.contains("canary (wave 1 of 3): 1 phone"), "{again:?}");
    assert_eq!(pushed_to(&lab).len(), 1);
    // What is typed wins, and the rest is kept through two runs.
    for n in 2..=12 {
        lab.cluster.set_quirk(&name(n), Quirk::Normal);
    }
    let typed = ["--resume", "last", "--max-failures", "5", "--yes", "--json"];
    let last = lab.resumed(&[&typed[..], &config].concat());
    assert_eq!(last.code, 3, "{last:?}");
    for words in
        ["run 2 and keeps --canary 1", "takes --max-failures 5 instead of --max-failures 0"]
    {
        assert!(last.stderr.contains(words), "{words}: {last:?}");
    }
    assert!(last.stderr.contains("wave 2 of 3: 5 phones"), "{last:?}");
    assert_eq!(pushed_to(&lab).len(), 12);
    assert_eq!(lab.record().most_pushes_in_flight, 1, "--concurrency was forgotten");
}
