//! Several clusters of one config file, side by side.

use axlpaper::sim::{ADMIN_PASSWORD, ADMIN_USER};
use serde_json::Value;

use crate::documents::keeps;
use crate::lab::{Ended, Lab, bare, end, name};

/// Two clusters and a config file with both, in the first one's folder.
fn two() -> (Lab, Lab) {
    let (a, b) = (Lab::of_phones(2), Lab::of_phones(3));
    a.secret("password", ADMIN_PASSWORD);
    let password = "password_file = \"password\"\n";
    let text = format!("{}{password}{}{password}", a.table("alpha"), b.table("beta"));
    std::fs::write(a.path("config.toml"), text).unwrap();
    (a, b)
}

fn run(lab: &Lab, arguments: &[&str]) -> Ended {
    with(lab, arguments, &[])
}

fn with(lab: &Lab, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut program = bare();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_CONFIG", lab.path("config.toml"))
        .envs(environment.iter().copied())
        .args(arguments);
    end(program)
}

#[test]
fn rows_name_their_cluster_in_every_format() {
    let (a, _b) = two();
    let ended = run(&a, &["inventory", "--all-clusters", "--format", "csv"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let mut reader = csv::Reader::from_reader(ended.stdout.as_bytes());
    assert_eq!(&reader.headers().unwrap()[0], "cluster");
    let clusters: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(clusters, ["alpha", "alpha", "beta", "beta", "beta"]);
    assert!(ended.stderr.contains("2 of 2 phones on alpha"), "{ended:?}");
    assert!(ended.stderr.contains("3 of 3 phones on beta"), "{ended:?}");
    // In the order in which they are named, each once.
    let named = ["inventory", "--cluster", "beta", "--cluster", "alpha", "--cluster", "beta"];
    let ended = run(&a, &[&named[..], &["--format", "ndjson"]].concat());
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["cluster"]), (5, &"beta".into()));
    assert!(lines[0]["device_pool"].is_string(), "{ended:?}");
    let table = run(&a, &["audit", "--all-clusters"]);
    assert!(table.stdout.starts_with("cluster"), "{table:?}");
}

#[test]
fn the_json_holds_a_document_for_each() {
    let (a, _b) = two();
    for (command, schema) in
        [("inventory", "axlpaper.inventory/v1"), ("audit", "axlpaper.audit/v1")]
    {
        let ended = run(&a, &[command, "--all-clusters", "--json"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        keeps("clusters", &document);
        assert_eq!(document["failures"], Value::Array(vec![]));
        let names: Vec<&str> = document["documents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|document| {
                assert_eq!(document["schema"], schema);
                keeps(command, document);
                document["cluster"]["name"].as_str().unwrap()
            })
            .collect();
        assert_eq!(names, ["alpha", "beta"]);
    }
    let work = run(&a, &["audit", "--all-clusters", "--detailed-exitcode"]);
    assert_eq!(work.code, 6, "{work:?}");
    // One cluster that is named once is what it always was.
    let one = run(&a, &["inventory", "--cluster", "beta", "--json"]);
    let document: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(document["schema"], "axlpaper.inventory/v1");
}

#[test]
fn fields_order_and_tests_know_the_cluster() {
    let (a, _b) = two();
    let csv = ["--format", "csv", "--fields", "name,cluster", "--sort=-cluster,-name"];
    let csv = run(&a, &[&["audit", "--all-clusters"], &csv[..]].concat());
    let expected = ["name,cluster".to_owned()]
        .into_iter()
        .chain((1..=3).rev().map(|n| format!("{},beta", name(n))))
        .chain((1..=2).rev().map(|n| format!("{},alpha", name(n))));
    assert!(csv.stdout.lines().eq(expected), "{csv:?}");
    // Documents stay apart and in their order; the phones of each are sorted.
    let json = run(&a, &["inventory", "--all-clusters", "--json", "--sort=-cluster,-name"]);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    keeps("clusters", &document);
    let first = |at: usize| {
        let document = &document["documents"][at];
        (document["cluster"]["name"].clone(), document["phones"][0]["name"].clone())
    };
    assert_eq!(first(0), ("alpha".into(), name(2).into()));
    assert_eq!(first(1), ("beta".into(), name(3).into()));
    let list = ["--json", "--fields", "cluster,ip", "--sort", "cluster,name"];
    let list = run(&a, &[&["inventory", "--all-clusters"], &list[..]].concat());
    let list: Value = serde_json::from_str(&list.stdout).unwrap();
    keeps("list", &list);
    assert_eq!(
        (list["rows"].as_array().unwrap().len(), &list["rows"][4]["cluster"]),
        (5, &"beta".into())
    );
    assert!(list["rows"][0]["ip"].is_string(), "{list}");
    let xml = run(&a, &["audit", "--all-clusters", "--format", "junit"]).stdout;
    assert!(xml.contains("tests=\"5\"") && xml.contains("classname=\"beta: "), "{xml}");
    for suite in ["name=\"audit: alpha\"", "name=\"audit: beta\""] {
        assert_eq!(xml.matches(suite).count(), 1, "{xml}");
    }
}

#[test]
fn fields_that_are_not_there_are_told_before_any_cluster_is_asked() {
    let (a, b) = two();
    for (arguments, word) in [
        (&["audit", "--all-clusters", "--fields", "clustr"][..], "\"cluster\""),
        (&["inventory", "--all-clusters", "--sort", "nam"], "\"name\""),
        (&["inventory", "--all-clusters", "--format", "junit"], "audited or pushed"),
        // One cluster has no column for its name.
        (&["inventory", "--cluster", "beta", "--fields", "cluster"], "there is no field"),
    ] {
        run(&a, arguments).fails(2, &[word, "hint:"]);
    }
    assert!(a.record().requests.is_empty() && b.record().requests.is_empty());
}

#[test]
fn the_log_names_the_cluster() {
    let (a, _b) = two();
    let ended = run(&a, &["inventory", "--all-clusters", "-v", "--log-file", "log.txt"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let log = std::fs::read_to_string(a.path("log.txt")).unwrap();
    for cluster in ["alpha", "beta"] {
        let ended = log
            .lines()
            .any(|line| line.contains("ended") && line.contains(&format!("cluster=\"{cluster}\"")));
        assert!(ended, "{cluster}: {log}");
    }
}

#[test]
fn a_cluster_that_fails_does_not_stop_the_others() {
    let ((a, _b), c) = (two(), Lab::of_phones(1));
    let mut text = std::fs::read_to_string(a.path("config.toml")).unwrap();
    let wrong = c.table("gamma").replace(ADMIN_USER, "nobody");
    text = format!("{text}{wrong}password_file = \"password\"\n");
    text +=
        "[cluster.delta]\nhost = \"127.0.0.1:1\"\nusername = \"x\"\npassword_env = \"NOWHERE\"\n";
    std::fs::write(a.path("config.toml"), text).unwrap();
    let ended = run(&a, &["audit", "--all-clusters", "--json"]);
    assert_eq!(ended.code, 4, "{ended:?}");
    for told in ["cluster \"gamma\":", "cluster \"delta\":", "NOWHERE", "2 of 4 clusters gave no"] {
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    keeps("clusters", &document);
    assert_eq!(document["documents"].as_array().unwrap().len(), 2);
    let failures = document["failures"].as_array().unwrap();
    let told: Vec<_> = failures.iter().map(|one| (&one["cluster"], &one["exit_code"])).collect();
    assert_eq!(told, [(&"delta".into(), &2.into()), (&"gamma".into(), &4.into())]);
    assert!(!format!("{ended:?}").contains(ADMIN_PASSWORD), "{ended:?}");
}

#[test]
fn the_only_one_of_all_clusters_says_why_it_failed() {
    let lab = Lab::of_phones(1);
    lab.secret("password", "wrong");
    let text = format!("{}password_file = \"password\"\n", lab.table("alpha"));
    std::fs::write(lab.path("config.toml"), text).unwrap();
    for command in ["audit", "inventory"] {
        let ended = run(&lab, &[command, "--all-clusters"]);
        assert_eq!(ended.code, 4, "{ended:?}");
        assert!(ended.stderr.contains("error: cluster \"alpha\": "), "{ended:?}");
        assert!(ended.stderr.contains("hint:"), "{ended:?}");
    }
}

#[test]
fn a_password_without_a_host_goes_to_none_of_several() {
    let (a, b) = (Lab::of_phones(1), Lab::of_phones(1));
    std::fs::write(a.path("config.toml"), a.table("alpha") + &b.table("beta")).unwrap();
    let arguments = ["inventory", "--all-clusters"];
    let ended = with(&a, &arguments, &[("CUCM_PASSWORD", ADMIN_PASSWORD)]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(a.record().requests.is_empty() && b.record().requests.is_empty());
    // With its host it is for that one.
    let host = b.cluster.axl_addr().to_string();
    let ended = with(&a, &arguments, &[("CUCM_PASSWORD", ADMIN_PASSWORD), ("CUCM_HOST", &host)]);
    assert!(ended.stderr.contains("1 of 1 phones on beta"), "{ended:?}");
    assert!(a.record().requests.is_empty() && !b.record().requests.is_empty());
}

#[test]
fn what_cannot_be_meant_for_several_is_refused() {
    let (a, b) = two();
    let host = b.cluster.axl_addr().to_string();
    for (arguments, word) in [
        (&["inventory", "--all-clusters", "--host", &host][..], "--host"),
        (&["audit", "--all-clusters", "--password-file", "password"], "--password-file"),
        (&["audit", "--all-clusters", "--username", "x"], "--username"),
        (&["plan", "--cluster", "alpha", "--cluster", "beta"], "one cluster at a time"),
        (&["trust", "--cluster", "alpha", "--cluster", "beta"], "one cluster at a time"),
        (&["inventory", "--cluster", "alpha", "--cluster", "bta"], "did you mean beta?"),
        (&["inventory", "--cluster", "alpha,beta"], "several times"),
    ] {
        run(&a, arguments).fails(2, &[word, "hint:"]);
    }
    let twice = a.table("alpha") + &a.table("again");
    std::fs::write(a.path("config.toml"), twice).unwrap();
    run(&a, &["inventory", "--all-clusters"]).fails(2, &["are one server", "hint:"]);
    std::fs::write(a.path("config.toml"), "[cluster.x]\n").unwrap();
    run(&a, &["inventory", "--all-clusters"]).fails(2, &["cluster \"x\"", "host"]);
    std::fs::write(a.path("config.toml"), "").unwrap();
    run(&a, &["inventory", "--all-clusters"]).fails(2, &["no cluster"]);
    assert!(a.record().requests.is_empty() && b.record().requests.is_empty());
}
