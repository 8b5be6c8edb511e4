//! `rollout` on several clusters at once: both are changed and pushed to, and one answer and one report tell of both.
//!
//! Phones of both clusters have the same names, so whatever mixes them up is seen.

use std::net::TcpListener;

use axlpaper::sim::{ADMIN_PASSWORD, PUSH_PASSWORD, PUSH_USER};
use serde_json::Value;

use crate::documents::keeps;
use crate::lab::{Ended, Lab, bare, end, name};

/// A cluster's table in a config file, with all that a rollout needs.
pub fn section(name: &str, lab: &Lab, more: &str) -> String {
    format!(
        "{}password_file = \"admin.password\"\npush_user = \"{PUSH_USER}\"\n\
         push_password_file = \"push.password\"\nphone_port = {}\n{more}\n",
        lab.table(name),
        lab.cluster.phone_port(),
    )
}

/// Writes a config file into a lab's folder, and the passwords that its tables name.
pub fn configure(lab: &Lab, text: &str) {
    lab.secret("admin.password", ADMIN_PASSWORD);
    lab.secret("push.password", PUSH_PASSWORD);
    std::fs::write(lab.path("config.toml"), text).unwrap();
}

/// Two clusters of two and three phones, which have the same names in both.
pub fn two() -> (Lab, Lab) {
    let (a, b) = (Lab::of_phones(2), Lab::of_phones(3));
    configure(&a, &(section("alpha", &a, "") + &section("beta", &b, "")));
    (a, b)
}

/// The program with a lab's config file and journal.
pub fn program(lab: &Lab, arguments: &[&str]) -> assert_cmd::Command {
    let mut program = bare();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_CONFIG", lab.path("config.toml"))
        .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
        .args(arguments);
    program
}

pub fn run(lab: &Lab, arguments: &[&str]) -> Ended {
    end(program(lab, arguments))
}

/// Runs `rollout` with a picture and short waits.
pub fn rollout(lab: &Lab, arguments: &[&str]) -> Ended {
    let picture = lab.picture();
    let first = ["rollout", picture.to_str().unwrap(), "--retry-delay", "0"];
    run(lab, &[&first[..], &["--verify-timeout", "2"], arguments].concat())
}

pub fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// How many phones of a cluster were pushed to so that they show the picture, and how many pushes that took.
pub fn pushed(lab: &Lab) -> (usize, usize) {
    let phones = lab.record().phones;
    let shows = phones.values().filter(|phone| phone.shown.is_some()).count();
    (shows, phones.values().map(|phone| phone.pushes.len()).sum())
}

/// The phones of a report, as the names of their clusters and their outcomes.
pub fn told(page: &str) -> Vec<(String, String)> {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let data: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let text = |list: &Value, at: &Value| {
        list[usize::try_from(at.as_u64().unwrap()).unwrap()].as_str().unwrap().to_owned()
    };
    let rows = data["rows"].as_array().unwrap();
    let mut told: Vec<_> = rows
        .iter()
        .map(|row| (text(&data["texts"], &row[18]), text(&data["outcomes"], &row[6])))
        .collect();
    told.sort();
    told
}

#[test]
fn both_clusters_are_changed_and_pushed_to_and_one_answer_tells_of_both() {
    let (a, b) = two();
    let ended = rollout(&a, &["--all-clusters", "--yes", "--json", "--report", "own.html"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for (lab, phones) in [(&a, 2), (&b, 3)] {
        let record = lab.record();
        assert_eq!(record.devices(PUSH_USER).len(), phones);
        assert_eq!(record.requests("updateAppUser"), 1);
        assert_eq!(pushed(lab), (phones, phones));
        let pushes = record.phones.values().flat_map(|phone| &phone.pushes);
        assert!(pushes.into_iter().all(|push| push.fetches.len() == 2));
    }
    let document = json(&ended);
    keeps("clusters", &document);
    assert_eq!(document["failures"], Value::Array(vec![]));
    let told_of: Vec<_> = (document["documents"].as_array().unwrap().iter())
        .map(|document| {
            keeps("rollout", document);
            (document["cluster"]["name"].as_str().unwrap(), &document["summary"]["verified"])
        })
        .collect();
    assert_eq!(told_of, [("alpha", &2.into()), ("beta", &3.into())]);
    for line in [
        "alpha (run 1): 2 phones: 2 verified",
        "beta (run 2): 3 phones: 3 verified",
        "All of 2 clusters: 5 phones: 5 verified",
        "beta: Pushing to phones: 3",
    ] {
        assert!(ended.stderr.contains(line), "{line}: {ended:?}");
    }
    let runs = json(&run(&a, &["runs", "--json"]));
    let runs: Vec<_> = (runs["runs"].as_array().unwrap().iter())
        .map(|run| (run["run"].clone(), run["cluster"].clone(), run["state"].clone()))
        .collect();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(runs.contains(&(1.into(), "alpha".into(), "finished".into())), "{runs:?}");
    assert!(runs.contains(&(2.into(), "beta".into(), "finished".into())), "{runs:?}");
    // One report, the same from the journal.
    let again = run(&a, &["report", "1", "2", "-o", "again.html"]);
    assert_eq!(again.code, 0, "{again:?}");
    let page = |file: &str| std::fs::read_to_string(a.path(file)).unwrap();
    let own = page("own.html");
    assert_eq!(own, page("again.html"));
    assert!(own.contains("All 5 phones that were pushed to on 2 clusters are verified."));
    let one = |cluster: &str| (cluster.to_owned(), "verified".to_owned());
    assert_eq!(told(&own), [one("alpha"), one("alpha"), one("beta"), one("beta"), one("beta")]);
    assert_eq!(own.matches("3 devices, 3 of them new").count(), 1);
    // Of one run alone there is a report too, which names the other.
    assert_eq!(run(&a, &["report", "2", "-o", "beta.html"]).code, 0);
    assert!(page("beta.html").contains("axlpaper report 1 2"));
}

#[test]
fn what_is_proven_on_one_cluster_says_nothing_about_phones_of_that_name_on_another() {
    let (a, b) = two();
    assert_eq!(rollout(&a, &["--cluster", "alpha", "--yes"]).code, 0);
    let both = ["--cluster", "beta", "--cluster", "alpha", "--yes"];
    let rows = ["--format", "csv", "--fields", "cluster,name,outcome", "--sort", "cluster,name"];
    let ended = rollout(&a, &[&both[..], &rows].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (3, 3)));
    let line = |cluster: &str, n, outcome: &str| format!("{cluster},{},{outcome}", name(n));
    let expected = [
        "cluster,name,outcome".to_owned(),
        line("alpha", 1, "already"),
        line("alpha", 2, "already"),
        line("beta", 1, "verified"),
        line("beta", 2, "verified"),
        line("beta", 3, "verified"),
    ];
    assert!(ended.stdout.lines().eq(expected), "{ended:?}");
    // In the order in which they were named.
    assert!(ended.stderr.contains("beta (run 2)") && ended.stderr.contains("alpha (run 3)"));
    let again = rollout(&a, &["--all-clusters", "--yes", "--format", "ndjson"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (3, 3)));
    let first: Value = serde_json::from_str(again.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["cluster"], &first["outcome"]), (&"alpha".into(), &"already".into()));
}

#[test]
fn one_port_is_shared_by_the_image_servers_of_all_clusters() {
    let (a, b) = (Lab::of_phones(2), Lab::of_phones(3));
    // Whoever listened there is gone when the program comes, and no other test connects from there.
    let port = TcpListener::bind("127.200.0.1:0").unwrap().local_addr().unwrap().port();
    let below = format!("advertise = \"http://127.200.0.1:{port}/below\"");
    let text = section("alpha", &a, "") + &section("beta", &b, &below);
    configure(&a, &format!("[defaults]\nlisten = \"127.200.0.1:{port}\"\n{text}"));
    let ended = rollout(&a, &["--all-clusters", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (3, 3)));
    for (lab, base) in [(&a, format!("127.200.0.1:{port}/")), (&b, format!(":{port}/below/"))] {
        let phones = lab.record().phones;
        let fetches =
            phones.values().flat_map(|phone| &phone.pushes).flat_map(|push| &push.fetches);
        let urls: Vec<_> = fetches.map(|fetch| fetch.url.clone()).collect();
        assert!(urls.iter().all(|url| url.contains(&base)), "{base}: {urls:?}");
    }
    // Each run knows of its own phones' downloads, and of no others.
    for (run_of, downloads) in [("1", 4), ("2", 6)] {
        let shown = json(&run(&a, &["show", run_of, "--json"]));
        assert_eq!(shown["downloads"].as_array().unwrap().len(), downloads, "{shown}");
    }
}

#[test]
fn a_port_that_cannot_be_shared_is_told_before_anybody_is_asked() {
    let (a, b) = (Lab::of_phones(1), Lab::of_phones(1));
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let text = section("alpha", &a, &format!("listen = \"127.0.0.1:{port}\""))
        + &section("beta", &b, &format!("listen = \"0.0.0.0:{port}\""));
    configure(&a, &text);
    let ended = rollout(&a, &["--all-clusters", "--yes"]);
    ended.fails(2, &["\"alpha\"", "\"beta\"", "one port", "hint:"]);
    assert!(a.record().requests.is_empty() && b.record().requests.is_empty());
    // Where phones download nothing from here, nobody listens.
    let ended = run(&a, &["rollout", "--remove", "--all-clusters", "--yes", "--retry-delay", "0"]);
    assert_eq!(ended.code, 3, "an 8841 cannot take its picture off: {ended:?}");
}

#[test]
fn a_dry_run_shows_all_clusters_and_changes_none() {
    let (a, b) = two();
    let before = (a.cluster.state_digest(), b.cluster.state_digest());
    let ended = rollout(&a, &["--all-clusters", "--dry-run", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document = json(&ended);
    keeps("clusters", &document);
    document["documents"].as_array().unwrap().iter().for_each(|one| keeps("audit", one));
    let text = rollout(&a, &["--all-clusters", "--dry-run"]);
    text.told(0, &["Audit of 2 phones on alpha", "push picture.png to 3 phones", "2 clusters"]);
    assert_eq!((a.cluster.state_digest(), b.cluster.state_digest()), before);
    assert!(!a.path("journal.sqlite3").exists());
}

#[test]
fn rules_and_canaries_are_for_each_cluster() {
    let (a, b) = two();
    let picture = a.picture();
    let text = std::fs::read_to_string(a.path("config.toml")).unwrap();
    let rule = "[[image]]\nfile = \"picture.png\"\nmodel = \"8841\"\n";
    configure(&a, &format!("{rule}{text}"));
    assert!(picture.exists());
    let waves = ["--canary", "1", "--concurrency", "1", "--retry-delay", "0"];
    let all = [&["rollout", "--all-clusters", "--yes"], &waves[..]].concat();
    let ended = run(&a, &all);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (3, 3)));
    for line in
        ["alpha: note: canary (wave 1 of 2): 1 phone", "beta: note: canary (wave 1 of 2): 1 phone"]
    {
        assert!(ended.stderr.contains(line), "{line}: {ended:?}");
    }
    assert_eq!(b.record().most_pushes_in_flight, 1);
}

#[test]
fn a_run_that_is_continued_on_another_cluster_names_the_command_that_works() {
    let (a, b) = two();
    b.cluster.set_quirk(&name(1), axlpaper::sim::Quirk::ErrorWithOk { number: 3 });
    assert_eq!(rollout(&a, &["--cluster", "beta", "--yes"]).code, 3);
    b.cluster.set_quirk(&name(1), axlpaper::sim::Quirk::Normal);
    let works = |ended: &Ended| {
        let (_, rest) = ended.stderr.split_once("run 1 is about beta: `").unwrap();
        rest.split('`').next().unwrap().to_owned()
    };
    for (arguments, command) in [
        (&["rollout", "--resume", "1"][..], "axlpaper rollout --resume 1 "),
        (&["rollout", "--only-failed", "last"], "axlpaper rollout --only-failed 1 "),
        (&["revert", "1"], "axlpaper revert 1 "),
        (&["revert", "1", "--pictures"], "axlpaper revert 1 --pictures "),
    ] {
        let other = run(&a, &[arguments, &["--cluster", "alpha", "--yes"]].concat());
        other.fails(5, &["run 1 was about", "nothing was changed"]);
        assert!(works(&other).starts_with(command), "{other:?}");
        // The file has two clusters and no default.
        let none = run(&a, &[arguments, &["--yes"]].concat());
        none.fails(2, &["no cluster is named"]);
        assert_eq!(works(&none), works(&other));
    }
    let other = run(&a, &["rollout", "--resume", "1", "--cluster", "alpha", "--yes"]);
    let words = shlex::split(&works(&other)).unwrap();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    assert_eq!(run(&a, &words).code, 0, "{words:?}");
    assert_eq!((pushed(&a).0, pushed(&b).0), (0, 3));
}

#[test]
fn a_run_of_a_host_is_continued_by_its_host() {
    let (a, b) = (Lab::of_phones(1), Lab::of_phones(1));
    b.cluster.set_quirk(&name(1), axlpaper::sim::Quirk::ErrorWithOk { number: 3 });
    assert_eq!(b.push("rollout", &["--yes"]).code, 3);
    let (pin, state) = (a.cluster.cert_sha256(), b.path("journal.sqlite3"));
    let other = a.read(&[
        "rollout",
        "--resume",
        "1",
        "--yes",
        "--pin-sha256",
        &pin,
        "--state",
        state.to_str().unwrap(),
    ]);
    let host = b.cluster.axl_addr().to_string();
    other
        .fails(5, &["run 1 was about", "`axlpaper rollout --resume 1 ", &format!("--host {host}")]);
}
