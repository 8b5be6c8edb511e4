//! `report`: the run's own report again, from the journal alone.

use std::collections::BTreeMap;

use axlpaper::journal::{JournalReader, RunRef};
use axlpaper::report::{Layout, RunReport, rollout_json, rollout_recap};
use axlpaper::sim::{ADMIN_USER, AxlRole, Change, Fleet, Quirk, Tripped};
use rusqlite::Connection;
use serde_json::Value;

use crate::lab::{Lab, end, fleet_of, name};

/// Phones that behave in as many ways as there are outcomes.
fn mixed() -> Lab {
    let quirks = [
        Quirk::Normal,
        Quirk::Normal,
        Quirk::ErrorWithOk { number: 3 },
        Quirk::FetchesImageOnly,
        Quirk::Garbage,
        Quirk::Resets,
        Quirk::WrongDevice,
        Quirk::IgnoresFirstPush,
    ];
    let mut fleet = fleet_of(30);
    for (phone, quirk) in fleet.phones.iter_mut().zip(quirks) {
        phone.quirk = quirk;
    }
    for phone in &mut fleet.phones[20..24] {
        phone.personalization = axlpaper::domain::personalization::Setting::Disabled;
    }
    Lab::new(fleet)
}

fn page(lab: &Lab, file: &str) -> String {
    std::fs::read_to_string(lab.path(file)).unwrap()
}

/// The data behind the table of a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// How many phones of a page ended how.
fn outcomes(page: &str) -> BTreeMap<String, u64> {
    let data = data(page);
    let mut counts = BTreeMap::new();
    for row in data["rows"].as_array().unwrap() {
        let outcome = &data["outcomes"][usize::try_from(row[6].as_u64().unwrap()).unwrap()];
        *counts.entry(outcome.as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn the_journal_tells_the_same_as_the_run_did() {
    let lab = mixed();
    let ended = lab.push("rollout", &["--yes", "--json", "--report", "own.html"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let again = lab.read(&["report", "last", "-o", "again.html"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stderr.contains("again.html"), "{again:?}");
    let own = page(&lab, "own.html");
    assert_eq!(own, page(&lab, "again.html"));
    let printed = lab.read(&["report", "1", "--output", "-"]);
    assert_eq!((printed.code, printed.stdout.as_str()), (0, own.as_str()));

    // What the page counts is what the cluster saw.
    let record = lab.record();
    let shows = record.phones.values().filter(|phone| {
        phone.shown.is_some() && phone.pushes.iter().any(|push| push.fetches.len() == 2)
    });
    let counts = outcomes(&own);
    assert_eq!(counts["verified"], u64::try_from(shows.count()).unwrap());
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    for (outcome, count) in &counts {
        assert_eq!(document["summary"][outcome], *count, "{outcome}");
    }
    for text in
        ["picture.png", "Pictures as they were pushed", "Push to phones", "application user bgpush"]
    {
        assert!(own.contains(text), "{text}");
    }
    if let Some(folder) = std::env::var_os("AXLPAPER_KEEP_REPORTS") {
        let folder = std::path::PathBuf::from(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let csv = lab.read(&["show", "last", "--format", "csv"]).stdout;
        let expected = serde_json::json!({ "phones": 30, "outcomes": counts, "csv": csv });
        std::fs::write(folder.join("mixed.html"), &own).unwrap();
        std::fs::write(folder.join("mixed.json"), expected.to_string()).unwrap();
    }
}

#[test]
fn a_run_that_was_killed_is_told_as_far_as_it_is_known() {
    let lab = Lab::of_phones(6);
    assert_eq!(lab.push("rollout", &["--yes"]).code, 0);
    // The journal as a run leaves it that is killed before its last two phones: one under way, one not begun.
    let journal = Connection::open(lab.path("journal.sqlite3")).unwrap();
    journal
        .execute_batch(&format!(
            "update runs set ended_at = null, state = 'killed', exit_code = null;
             delete from snapshots where kind = 'ending';
             delete from phones where phone in ('{under_way}', '{not_begun}');
             update pushes set ended_at = null, outcome = null where phone = '{under_way}';
             delete from pushes where phone = '{not_begun}';
             delete from events where kind = 'finished' and body = 'push';",
            under_way = name(5),
            not_begun = name(6),
        ))
        .unwrap();
    drop(journal);
    let told = lab.read(&["report", "last", "-o", "killed.html"]);
    assert_eq!(told.code, 0, "{told:?}");
    let page = page(&lab, "killed.html");
    assert!(page.contains("This run was killed: the journal has no end of it."));
    assert!(page.contains("what came of it is not known"), "the phone that was under way");
    let counts = outcomes(&page);
    assert_eq!((counts["verified"], counts["interrupted"], counts["pending"]), (4, 1, 1));
    // The next step is the same everywhere, with the options of the run.
    let show = lab.read(&["show", "last"]);
    show.told(0, &["killed, or crashed", "Interrupted (interrupted): 1 phone", "1 not tried"]);
    let port = lab.cluster.phone_port();
    let next = show.stdout.split('`').find(|word| word.contains("--resume 1")).unwrap();
    assert!(next.contains(&port.to_string()), "{show:?}");
    assert_eq!(show.stdout.matches(&format!("`{next}`")).count(), 3, "{show:?}");
    for phone in [name(5), name(6)] {
        let ended = lab.read(&["phone", &phone, "--offline"]);
        ended.told(0, &[if phone == name(5) { "Interrupted" } else { "Not tried" }, next]);
    }
    assert!(page.contains(&next.replace('"', "&quot;")), "{next}");
    let remedies = |run: &str| {
        let shown = lab.read(&["show", run, "--format", "csv", "--fields", "name,remedy"]);
        shown.stdout.lines().filter(|line| line.starts_with(&name(6))).collect::<String>()
    };
    assert!(remedies("1").contains(next), "{}", remedies("1"));
    // A run that was declined continues nothing.
    lab.resumed(&["--resume", "1"]).fails(5, &["--yes"]);
    let again = lab.read(&["show", "1"]);
    again.told(0, &[next]);
    // Once it is continued, the other run is named, and no command.
    lab.resumed(&["--resume", "1", "--yes"]).told(0, &["verified"]);
    let continued = lab.read(&["show", "1"]);
    let by = "continued by run 3: `axlpaper show 3`";
    continued.told(0, &["  continued by run 3\n", by]);
    assert!(!continued.stdout.contains("--resume"), "{continued:?}");
    assert!(remedies("1").contains(by), "{}", remedies("1"));
    lab.read(&["phone", &name(6), "--offline"]).told(0, &["Not tried (pending)", by]);
    assert_eq!(lab.read(&["report", "1", "-o", "continued.html"]).code, 0);
    let page = self::page(&lab, "continued.html");
    assert!(!page.contains("--resume") && page.contains("continued by run 3"), "{by}");
    assert!(page.contains("Continued by"), "{by}");
}

#[test]
fn a_killed_run_counts_phones_that_other_runs_have_proven() {
    let lab = Lab::of_phones(4);
    let two = ["--yes", "--device", &name(1), "--device", &name(2)];
    assert_eq!(lab.push("rollout", &two).code, 0);
    let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
    let mut all = vec!["rollout", picture.to_str().unwrap(), "--yes", "--phone-port", &port];
    all.extend(["--concurrency", "1"]);
    let shown = crate::endings::killed(&lab, &all, ("push", 2, Tripped::Before));
    assert!(shown.contains("3 of 4 capable phones show it (75 %)"), "{shown}");
    // Two runs over the same phones have no common number.
    assert_eq!(lab.read(&["report", "2", "1", "-o", "both.html"]).code, 0);
    let page = page(&lab, "both.html");
    assert!(page.contains("in 2 runs on 1 cluster"), "{page}");
    assert!(!page.contains("class=\"ring\""), "{page}");
}

#[test]
fn phones_of_which_a_killed_run_has_no_end_are_among_those_that_failed() {
    let lab = Lab::of_phones(6);
    lab.cluster.set_quirk(&name(2), Quirk::ErrorWithOk { number: 3 });
    assert_eq!(lab.push("rollout", &["--yes", "--attempts", "1"]).code, 3);
    lab.cluster.set_quirk(&name(2), Quirk::Normal);
    let journal = Connection::open(lab.path("journal.sqlite3")).unwrap();
    journal
        .execute_batch(&format!(
            "update runs set ended_at = null, state = 'killed', exit_code = null;
             delete from phones where phone in ('{under_way}', '{not_begun}');
             update pushes set ended_at = null, outcome = null where phone = '{under_way}';
             delete from pushes where phone = '{not_begun}';",
            under_way = name(5),
            not_begun = name(6),
        ))
        .unwrap();
    let before = lab.record();
    let ended = lab.resumed(&["--only-failed", "1", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("run 1 has no end of 2 phones"), "{ended:?}");
    let after = lab.record();
    for n in 1..=6 {
        let new = after.phones[&name(n)].pushes.len() - before.phones[&name(n)].pushes.len();
        assert_eq!(new, usize::from([2, 5, 6].contains(&n)), "{n}");
    }
    // Of one that died before it knew its phones, all that it was to do is left.
    journal
        .execute_batch(
            "update runs set ended_at = null, state = 'killed' where id = 2;
             delete from snapshots where run = 2 and kind = 'audit'; delete from phones where run = 2;
             delete from pushes where run = 2;",
        )
        .unwrap();
    let before = after;
    assert_eq!(lab.resumed(&["--only-failed", "2", "--yes"]).code, 0);
    let after = lab.record();
    for n in 1..=6 {
        let new = after.phones[&name(n)].pushes.len() - before.phones[&name(n)].pushes.len();
        assert_eq!(new, usize::from([2, 5, 6].contains(&n)), "{n}");
    }
}

#[test]
fn screens_that_were_kept_are_shown() {
    let lab = Lab::of_phones(2);
    assert_eq!(lab.push("rollout", &["--yes"]).code, 0);
    let journal = Connection::open(lab.path("journal.sqlite3")).unwrap();
    let kept = |kind: &str, body: &[u8]| {
        let sql = "insert into snapshots (run, kind, taken_at, body) values (1, ?1, '2026-01-01T00:00:00Z', ?2)";
        journal.execute(sql, rusqlite::params![kind, body]).unwrap();
    };
    kept(&format!("screen before {}", name(1)), b"\x89PNG old");
    kept(&format!("screen before {}", name(1)), b"\x89PNG before");
    kept(&format!("screen after {}", name(1)), b"BM after");
    kept(&format!("screen after {}", name(2)), b"<svg onload=alert(1)>");
    assert_eq!(lab.read(&["report", "last", "-o", "screens.html"]).code, 0);
    let page = page(&lab, "screens.html");
    use base64::Engine as _;
    let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    assert!(page.contains(&format!("data:image/png;base64,{}", encoded(b"\x89PNG before"))));
    assert!(page.contains(&format!("data:image/bmp;base64,{}", encoded(b"BM after"))));
    assert!(
        !page.contains(&encoded(b"\x89PNG old"))
            && !page.contains(&encoded(b"<svg onload=alert(1)>"))
    );
    assert!(page.contains(&format!("The screen of {} after the push", name(1))));
}

#[test]
fn a_run_that_could_not_go_on_says_why() {
    let lab = Lab::of_phones(2);
    lab.read(&["report", "last"]).fails(2, &["no journal"]);
    let (picture, pin) = (lab.picture(), lab.cluster.cert_sha256());
    let port = lab.cluster.phone_port().to_string();
    let mut program = lab.program(&["rollout", picture.to_str().unwrap(), "--yes"]);
    program.args(["--pin-sha256", &pin, "--phone-port", &port]).env("PHONE_PASSWORD", "wrong");
    assert_eq!(end(program).code, 4);
    let told = lab.read(&["report", "last", "-o", "failed.html"]);
    assert_eq!(told.code, 0, "{told:?}");
    let page = page(&lab, "failed.html");
    assert!(page.contains("<b>failed</b>") && page.contains("refuses the password"), "{page}");
    // What had been seen by then is there, and nobody is told to be done with.
    assert_eq!(outcomes(&page), BTreeMap::from([("pending".to_owned(), 2)]));
}

#[test]
fn a_run_that_only_changes_the_cluster_has_a_report_too() {
    let lab = Lab::of_phones(3);
    assert_eq!(lab.run(&["plan", "-o", "a.plan.json"]).code, 0);
    let ended = lab.run(&["apply", "a.plan.json", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let told = lab.read(&["report", "last", "-o", "apply.html"]);
    assert_eq!(told.code, 0, "{told:?}");
    let page = page(&lab, "apply.html");
    for text in
        ["apply on 127.0.0.1", "3 devices, 3 of them new", "read back and correct", "no phone"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn times_have_the_offset_of_the_machine_that_ran_it() {
    let lab = Lab::of_phones(1);
    let (picture, pin) = (lab.picture(), lab.cluster.cert_sha256());
    let port = lab.cluster.phone_port().to_string();
    let mut program = lab.program(&["rollout", picture.to_str().unwrap(), "--yes"]);
    program.args(["--pin-sha256", &pin, "--phone-port", &port, "--report", "own.html"]);
    program.env("TZ", "Asia/Kolkata");
    assert_eq!(end(program).code, 0);
    let own = page(&lab, "own.html");
    assert!(own.contains("+05:30 · took") && own.contains("Asia/Kolkata, +05:30"), "{own}");
    // A reader at another place reads the same.
    let mut again = lab.program(&["report", "last", "-o", "again.html"]);
    again.env("TZ", "America/Chicago");
    assert_eq!(end(again).code, 0);
    assert_eq!(own, page(&lab, "again.html"));
}

#[test]
fn a_report_has_the_last_runs_over_the_same_phones() {
    let mut fleet = fleet_of(4);
    fleet.phones[3].device_pool = "Branch".to_owned();
    let lab = Lab::new(fleet);
    lab.cluster.set_quirk(&name(2), Quirk::ErrorWithOk { number: 3 });
    let hq = ["--yes", "--device-pool", "HQ", "--attempts", "1"];
    assert_eq!(lab.push("rollout", &hq).code, 3);
    // Other phones are another history.
    assert_eq!(lab.push("rollout", &["--yes", "--device-pool", "Branch"]).code, 0);
    lab.cluster.set_quirk(&name(2), Quirk::Normal);
    assert_eq!(lab.push("rollout", &[&hq[..], &["--report", "own.html"]].concat()).code, 0);
    let told = "Capable phones that show what was pushed: run 1 66 %, run 3 100 %";
    assert!(page(&lab, "own.html").contains(told));
    // What comes later changes no report.
    lab.cluster.set_quirk(&name(2), Quirk::ErrorWithOk { number: 3 });
    assert_eq!(lab.push("rollout", &[&hq[..], &["--force"]].concat()).code, 3);
    assert_eq!(lab.read(&["report", "3", "-o", "again.html"]).code, 0);
    assert_eq!(page(&lab, "own.html"), page(&lab, "again.html"));
    // A run that goes on with another one is about the same phones.
    lab.cluster.set_quirk(&name(2), Quirk::Normal);
    assert_eq!(lab.resumed(&["--only-failed", "4", "--yes", "--report", "rest.html"]).code, 0);
    let told = "run 1 66 %, run 3 100 %, run 4 66 %, run 5 100 %";
    assert!(page(&lab, "rest.html").contains(told), "{}", page(&lab, "rest.html"));
}

#[test]
fn what_is_not_there_is_told() {
    let lab = Lab::of_phones(1);
    assert_eq!(lab.push("rollout", &["--yes"]).code, 0);
    lab.read(&["report", "9"]).fails(2, &["no run 9", "axlpaper runs"]);
    lab.read(&["report", "last", "-o", "no/such/folder.html"]).fails(1, &["no/such/folder.html"]);
    let wrong = lab.read(&["report", "first"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    // Without a name it goes where the run's own went.
    let ended = lab.read(&["report", "last"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let files = std::fs::read_dir(lab.path("reports")).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(files.filter(|path| path.extension().is_some_and(|end| end == "html")).count(), 1);
}

#[test]
fn one_report_does_not_tell_of_runs_that_did_different_things() {
    let lab = Lab::new(Fleet { push_devices: vec![name(1)], ..fleet_of(1) });
    lab.push("push", &["--yes"]).told(0, &[]);
    std::fs::write(lab.path("keys.toml"), "[[step]]\npress = [\"Key:Settings\"]\n").unwrap();
    let port = lab.cluster.phone_port().to_string();
    lab.run(&["keys", "keys.toml", "--yes", "--phone-port", &port]).told(0, &[]);
    let again = lab.read(&["report", "1", "2", "-o", "both.html"]);
    again.fails(2, &["runs 1 and 2 did different things", "axlpaper runs"]);
    assert!(!lab.path("both.html").exists());
}

/// Checks that a run of `rollout --json` told the same as its journal does now.
fn replays(lab: &Lab, ended: &crate::lab::Ended) -> Value {
    let history = JournalReader::open(&lab.path("journal.sqlite3")).unwrap().unwrap();
    let run = history.run(RunRef::Last).unwrap().unwrap();
    let report = RunReport::read(&history, run).unwrap();
    let live: Value = serde_json::from_str(&ended.stdout).unwrap();
    let at = live["generated_at"].as_str().unwrap().parse().unwrap();
    let again: Value = serde_json::from_str(&rollout_json(&report, at).text().unwrap()).unwrap();
    assert_eq!(again, live);
    let run = format!("Run {}: continue with `", report.run.id);
    let next = ended.stderr.lines().find_map(|line| line.strip_prefix(&run)?.strip_suffix('`'));
    let recap = rollout_recap(&report, next, Layout::default());
    assert!(ended.stderr.contains(&recap), "{recap}\n---\n{}", ended.stderr);
    live
}

#[test]
fn a_live_run_and_its_journal_are_the_same_document() {
    let lab = mixed();
    let canary = ["--yes", "--json", "--canary", "2", "--attempts", "2", "--max-failures", "50%"];
    let ended = lab.push("rollout", &canary);
    assert_eq!(ended.code, 3, "{ended:?}");
    let live = replays(&lab, &ended);
    assert!(live["changes"].as_array().is_some_and(|changes| !changes.is_empty()), "{live:#}");
    for outcome in ["verified", "rejected", "wrong_device"] {
        assert_ne!(live["summary"][outcome], 0, "{outcome}: {live:#}");
    }
    // Phones that are proven already are left alone now.
    let again = lab.push("rollout", &["--yes", "--json", "--attempts", "1"]);
    assert_ne!(replays(&lab, &again)["summary"]["already"], 0);
    // What the recap at the end told is what `show` tells, with more below its lines.
    let shown = lab.read(&["show", "last"]).stdout;
    for line in again.stderr.lines().skip_while(|line| !line.starts_with("Rollout of")) {
        let is_recap = !line.starts_with("Report:") && !line.starts_with("Run ");
        assert!(!is_recap || shown.contains(line), "{line}\n{shown}");
    }
}

#[test]
fn changes_that_were_never_begun_are_in_the_journal_too() {
    let lab = mixed();
    // The account loses its role after the second phone, so the other phones are never begun.
    let role = Change::Role { user: ADMIN_USER.to_owned(), axl: AxlRole::ReadOnly };
    lab.cluster.change_after("updatePhone", 2, role);
    let ended = lab.push("rollout", &["--yes", "--json", "--repair", "personalization"]);
    let live = replays(&lab, &ended);
    let changes = live["changes"].as_array().unwrap();
    let untried = |change: &&Value| {
        change["message"].as_str().is_some_and(|message| message.starts_with("not tried"))
    };
    assert!(changes.iter().any(|change| untried(&change)), "{live:#}");
    let page = lab.read(&["show", "last"]).stdout;
    assert!(page.contains("NOT APPLIED") && page.contains("not tried"), "{page}");
}
