//! `rollout` on several clusters where one is in trouble, or where somebody says no.

use std::process::{Command, Stdio};
use std::time::Duration;

use axlpaper::journal::{ClusterLock, LockOwner};
use axlpaper::sim::{ADMIN_USER, Change, Limits, PUSH_USER, SimConfig};

use crate::documents::keeps;
use crate::lab::{Lab, fleet_of, name};
use crate::rollout_clusters::{configure, json, program, pushed, rollout, run, section, told, two};

const NOWHERE: &str = "[cluster.gamma]\nhost = \"127.0.0.1:1\"\nusername = \"x\"\npassword_file = \
     \"admin.password\"\npush_user = \"bgpush\"\npush_password_file = \"push.password\"\n";

#[test]
fn a_cluster_that_is_down_is_told_and_the_others_go_on() {
    let (a, b) = two();
    let text = std::fs::read_to_string(a.path("config.toml")).unwrap();
    configure(&a, &(text + NOWHERE));
    let ended = rollout(&a, &["--all-clusters", "--yes", "--json", "--report", "own.html"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (3, 3)));
    for line in ["error: cluster \"gamma\":", "gamma (run 3): FAILED: ", "; 1 of 3 clusters failed"]
    {
        assert!(ended.stderr.contains(line), "{line}: {ended:?}");
    }
    // What is asked for is about those that stand.
    assert!(!ended.stderr.contains("push picture.png to 0 phones"), "{ended:?}");
    let document = json(&ended);
    keeps("clusters", &document);
    assert_eq!(document["documents"].as_array().unwrap().len(), 2);
    let failure = &document["failures"][0];
    let run_of = (&failure["cluster"], &failure["run"], &failure["exit_code"]);
    assert_eq!(run_of, (&"gamma".into(), &3.into(), &1.into()));
    let page = std::fs::read_to_string(a.path("own.html")).unwrap();
    assert!(page.contains("<b>gamma: failed.</b>"), "nobody may take it for done");
    assert!(page.contains("<b>not done on every cluster</b>"));
    assert_eq!(told(&page).len(), 5);
    assert_eq!(run(&a, &["report", "1", "2", "3", "-o", "again.html"]).code, 0);
    assert_eq!(page, std::fs::read_to_string(a.path("again.html")).unwrap());
    // A pipeline that reads test results learns of it too.
    let ended = rollout(&a, &["--all-clusters", "--yes", "--format", "junit"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    for part in [
        "name=\"push: alpha\"",
        "name=\"push: gamma\"",
        "name=\"cluster gamma\"",
        "type=\"cluster\"",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {ended:?}");
    }
}

#[test]
fn a_wrong_password_is_tried_once_and_stops_no_other_cluster() {
    let (a, b) = two();
    b.cluster.set_password(ADMIN_USER, "another");
    let ended = rollout(&a, &["--all-clusters", "--yes"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (0, 0)));
    assert_eq!(b.record().users[ADMIN_USER].failed_logins, 1);
    assert!(b.record().writes.is_empty());
}

#[test]
fn a_wrong_push_password_is_found_out_before_that_cluster_is_changed() {
    let (a, b) = two();
    b.cluster.set_password(PUSH_USER, "another");
    let before = b.cluster.state_digest();
    let ended = rollout(&a, &["--all-clusters", "--yes"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (0, 0)));
    assert_eq!(b.record().users[PUSH_USER].failed_logins, 1);
    assert_eq!(b.cluster.state_digest(), before);
}

#[test]
fn a_cluster_that_fails_after_the_question_stops_no_other_one() {
    let (a, b) = two();
    // Somebody else writes the list when it has been read, after the roles, and planned for.
    let devices = vec![name(1)];
    b.cluster.change_after("getAppUser", 2, Change::Associate { user: PUSH_USER.into(), devices });
    let ended = rollout(&a, &["--all-clusters", "--yes", "--report", "own.html"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.stderr.contains("beta: This will add 3 phones"), "{ended:?}");
    assert!(ended.stderr.contains("error: cluster \"beta\":"), "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 2), (0, 0)));
    assert_eq!(b.record().devices(PUSH_USER), [name(1)], "the other's list was lost");
    assert!(ended.stdout.contains("beta (run 2): FAILED: "), "{ended:?}");
    let page = std::fs::read_to_string(a.path("own.html")).unwrap();
    assert!(page.contains("<b>beta: failed.</b>"), "nobody may take it for done");
    // Its phones are there, and nobody is told to be done with.
    let told = told(&page);
    let of = |cluster: &str, outcome: &str| {
        told.iter().filter(|(its, end)| its == cluster && end == outcome).count()
    };
    assert_eq!((of("alpha", "verified"), of("beta", "pending")), (2, 3));
}

#[test]
fn without_a_yes_nothing_is_changed_anywhere() {
    let (a, b) = two();
    let before = (a.cluster.state_digest(), b.cluster.state_digest());
    let ended = rollout(&a, &["--all-clusters", "--report", "no.html"]);
    let what = "This will do all of the above on 2 clusters (alpha, beta), and push to 5 phones";
    ended.fails(
        5,
        &[what, "--yes", "alpha: This will add 2 phones", "beta: This will add 3 phones"],
    );
    assert_eq!((a.cluster.state_digest(), b.cluster.state_digest()), before);
    assert_eq!((pushed(&a), pushed(&b)), ((0, 0), (0, 0)));
    let runs = json(&run(&a, &["runs", "--json"]));
    let ends = runs["runs"].as_array().unwrap().iter().map(|run| run["exit_code"].clone());
    assert_eq!(ends.collect::<Vec<_>>(), [5, 5]);
    assert!(!a.path("no.html").exists());
}

#[test]
fn a_mistake_in_the_settings_of_one_stops_all_before_any_is_asked() {
    let (a, b) = two();
    let text = std::fs::read_to_string(a.path("config.toml")).unwrap();
    for (wrong, word) in [
        (NOWHERE.replace("push_user = \"bgpush\"\n", ""), "no push user"),
        (
            NOWHERE.replace("password_file = \"admin.password\"", "password_env = \"NOBODY\""),
            "NOBODY",
        ),
        (NOWHERE.replace("push_password_file = \"push.password\"\n", ""), "bgpush of gamma"),
        (format!("{NOWHERE}concurrency = 0\n"), "concurrency"),
        (format!("{NOWHERE}listen = \"here\"\n"), "here"),
    ] {
        configure(&a, &format!("{text}{wrong}"));
        rollout(&a, &["--all-clusters", "--yes"]).fails(2, &[word, "gamma"]);
    }
    configure(&a, &text);
    let both = ["--all-clusters", "--yes"];
    for (more, word) in [
        (&["--push-password-file", "push.password"][..], "--push-password-file"),
        (&["--password-file", "admin.password"], "--password-file"),
        (&["--fields", "clustr"], "\"cluster\""),
        (&["--report", "no/such/folder.html"], "no/such"),
    ] {
        let ended = rollout(&a, &[&both[..], more].concat());
        assert!(ended.code == 2 || ended.code == 1, "{ended:?}");
        assert!(ended.stderr.contains(word), "{word}: {ended:?}");
    }
    for earlier in ["--resume", "--only-failed"] {
        let ended = run(&a, &["rollout", earlier, "1", "--all-clusters", "--yes"]);
        ended.fails(2, &["one run", "axlpaper runs", "--cluster"]);
    }
    assert!(a.record().requests.is_empty() && b.record().requests.is_empty());
}

#[test]
fn two_names_of_one_cluster_are_found_out_by_its_publisher() {
    let config = || SimConfig {
        installation: Some("the same".to_owned()),
        limits: Limits::off(),
        ..SimConfig::new(fleet_of(2))
    };
    let (a, b) = (Lab::with(config()), Lab::with(config()));
    configure(&a, &(section("alpha", &a, "") + &section("beta", &b, "")));
    let ended = rollout(&a, &["--all-clusters", "--yes"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.stderr.contains("the same identity"), "{ended:?}");
    let mut done = [pushed(&a).0, pushed(&b).0];
    done.sort_unstable();
    assert_eq!(done, [0, 2], "one of them goes on, the other is left alone");
}

#[test]
fn a_cluster_that_another_run_works_on_is_named_in_the_report() {
    let (a, b) = two();
    assert_eq!(rollout(&a, &["--cluster", "alpha", "--yes"]).code, 0);
    let holder = LockOwner {
        os_user: "jane".into(),
        machine: "jump2".into(),
        process: 1,
        command: "rollout".into(),
        run: None,
        since: jiff::Timestamp::UNIX_EPOCH,
    };
    let id = b.cluster.axl_addr().to_string();
    let held = ClusterLock::take(&a.path("journal.sqlite3"), &id, &holder).unwrap();
    let ended = rollout(&a, &["--all-clusters", "--yes", "--force", "--report", "own.html"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert_eq!((pushed(&a), pushed(&b)), ((2, 4), (0, 0)));
    assert!(b.record().requests.is_empty());
    let page = std::fs::read_to_string(a.path("own.html")).unwrap();
    assert!(page.contains("<b>beta: not begun.</b>") && page.contains("jane"), "{page}");
    assert_eq!(run(&a, &["report", "last", "-o", "again.html"]).code, 0);
    assert_eq!(page, std::fs::read_to_string(a.path("again.html")).unwrap());
    drop(held);
}

/// Sends an interrupt as a terminal does, when both clusters are being pushed to.
#[cfg(unix)]
#[test]
fn an_interrupt_stops_all_clusters_and_each_run_can_be_gone_on_with() {
    use std::io::{BufRead as _, BufReader, Read as _};

    let slow = || SimConfig {
        phone_latency: Duration::from_millis(100),
        limits: Limits::off(),
        ..SimConfig::new(fleet_of(40))
    };
    let (a, b) = (Lab::with(slow()), Lab::with(slow()));
    let few = |n: u32| format!("concurrency = {n}\n");
    configure(&a, &(section("alpha", &a, &few(1)) + &section("beta", &b, &few(2))));
    let picture = a.picture();
    let own =
        program(&a, &["rollout", picture.to_str().unwrap(), "--all-clusters", "--yes", "--json"]);
    let mut command = Command::new(own.get_program());
    command.args(own.get_args()).current_dir(a.folder()).env_clear();
    command.envs(own.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The answer is larger than a pipe, so both are read at the same time.
    let mut stdout = child.stdout.take().unwrap();
    let answer = std::thread::spawn(move || {
        let mut answer = String::new();
        stdout.read_to_string(&mut answer).unwrap();
        answer
    });
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut begun = 0;
    while begun < 2 {
        let line = lines.next().expect("it ended before it pushed");
        begun += usize::from(line.contains(": Changing the cluster"));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let rest: Vec<String> = lines.collect();
    let answer = answer.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    let document: serde_json::Value = serde_json::from_str(&answer).unwrap();
    keeps("clusters", &document);
    for one in document["documents"].as_array().unwrap() {
        assert!(one["summary"]["pending"].as_u64().unwrap() > 10, "{one}");
    }
    let told = rest.join("\n");
    for (resume, cluster) in [("--resume 1 ", "--cluster alpha"), ("--resume 2 ", "--cluster beta")]
    {
        let is_told = |line: &str| line.contains(resume) && line.contains(cluster);
        assert!(told.lines().any(is_told), "{resume}: {told}");
    }
    assert!(a.record().most_pushes_in_flight <= 1 && b.record().most_pushes_in_flight <= 2);
    let runs = json(&run(&a, &["runs", "--json"]));
    let states = runs["runs"].as_array().unwrap().iter().map(|run| run["state"].clone());
    assert_eq!(states.collect::<Vec<_>>(), ["interrupted", "interrupted"]);
    let resume = ["rollout", "--resume", "2", "--cluster", "beta", "--concurrency", "16"];
    let ended = run(&a, &[&resume[..], &["--yes", "--retry-delay", "0"]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(pushed(&b), (40, 40));
}
