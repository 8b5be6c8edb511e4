//! `[[image]]` rules of the config file: every place gets its own picture, and nobody another one's.

use axlpaper::sim::{Fleet, Web};
use serde_json::Value;

use crate::documents::keeps;
use crate::lab::{Ended, Lab, end, fleet_of, name, outcome, phone};

/// Six phones: two in Paris, two in Lyon, two elsewhere, of which the second shows another model's size.
fn fleet() -> Fleet {
    let mut fleet = fleet_of(6);
    let pools = ["Paris 1", "Paris 2", "Lyon", "Lyon", "Berlin", "Berlin"];
    for (phone, pool) in fleet.phones.iter_mut().zip(pools) {
        phone.device_pool = pool.to_owned();
    }
    fleet.phones[5].model = 437;
    fleet.phones[5].model_name = "Cisco 7975".to_owned();
    Fleet { push_devices: (1..=6).map(name).collect(), ..fleet }
}

/// A lab with three pictures of one colour each, and these rules.
fn lab(rules: &str) -> Lab {
    lab_of(fleet(), rules)
}

fn lab_of(fleet: Fleet, rules: &str) -> Lab {
    let lab = Lab::new(fleet);
    for (file, colour) in
        [("red.png", [200, 0, 0]), ("green.png", [0, 160, 0]), ("blue.png", [0, 0, 220])]
    {
        image::RgbImage::from_pixel(80, 48, image::Rgb(colour)).save(lab.path(file)).unwrap();
    }
    std::fs::write(lab.path("config.toml"), rules).unwrap();
    lab
}

const RULES: &str = "[[image]]\ndevice_pool = \"Paris*\"\nfile = \"red.png\"\n\
                     [[image]]\ndevice_pool = \"lyon\"\nmodel = [\"8841\", \"8851\"]\nfile = \"green.png\"\n";

const FOR_ALL: &str = "[[image]]\nfile = \"blue.png\"\n";

fn run(lab: &Lab, arguments: &[&str]) -> Ended {
    let (pin, port) = (lab.cluster.cert_sha256(), lab.cluster.phone_port().to_string());
    let mut all = arguments.to_vec();
    all.extend(["--pin-sha256", &pin]);
    if ["push", "rollout"].contains(&arguments[0]) {
        all.extend(["--phone-port", &port, "--retry-delay", "0", "--verify-timeout", "2"]);
    }
    let mut program = lab.program(&all);
    program.env("AXLPAPER_CONFIG", lab.path("config.toml"));
    end(program)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The digest of what each phone shows, from the simulator's record.
fn shown(lab: &Lab) -> Vec<Option<String>> {
    let record = lab.record();
    (1..=6)
        .map(|n| record.phones[&name(n)].shown.as_ref().map(|shown| shown.sha256.clone()))
        .collect()
}

#[test]
fn every_place_gets_its_own_picture() {
    let lab = lab(&format!("{RULES}{FOR_ALL}"));
    let ended = run(&lab, &["rollout", "--yes", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document = json(&ended);
    assert_eq!(document["picture"], "red.png, green.png, blue.png");
    let by_rules = shown(&lab);
    assert!(by_rules.iter().all(Option::is_some), "{by_rules:?}");
    assert_eq!(by_rules[0], by_rules[1]);
    assert_eq!(by_rules[2], by_rules[3]);
    let different: std::collections::BTreeSet<_> = by_rules.iter().collect();
    assert_eq!(different.len(), 4, "three pictures, one of them in two sizes: {by_rules:?}");
    // What each place got is what it gets when that picture alone is pushed to it.
    for (file, phone) in [("red.png", 1), ("green.png", 3), ("blue.png", 5)] {
        let ended = run(&lab, &["push", file, "--device", &name(phone), "--force", "--yes"]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(shown(&lab), by_rules);
    // A run is named after the pictures that its phones get.
    let berlin = ["rollout", "--device-pool", "Berlin", "--force"];
    run(&lab, &[&berlin[..], &["--dry-run"]].concat()).told(0, &["it would push blue.png to 2"]);
    let document = json(&run(&lab, &[&berlin[..], &["--yes", "--json"]].concat()));
    assert_eq!(document["picture"], "blue.png");
    assert!(lab.read(&["runs"]).stdout.contains("blue.png"));
    // So everybody is proven to show the right one.
    let again = json(&run(&lab, &["rollout", "--yes", "--json"]));
    assert!((1..=6).all(|n| outcome(&again, &name(n)) == "already"), "{again}");
}

#[test]
fn audit_and_plan_say_who_gets_which_and_whoever_gets_none_is_excluded() {
    let lab = lab(RULES);
    let ended = run(&lab, &["audit", "--json"]);
    let document = json(&ended);
    assert_eq!(phone(&document, &name(1))["image"]["picture"], "red.png");
    assert_eq!(phone(&document, &name(4))["image"]["picture"], "green.png");
    assert_eq!(phone(&document, &name(5))["image"]["picture"], Value::Null);
    assert!(ended.stderr.contains("no rule of the config file has one for them"), "{ended:?}");
    let plan = run(&lab, &["plan"]);
    assert!(
        plan.stdout.contains("red.png") && plan.stdout.contains("Paris 1, Paris 2"),
        "{plan:?}"
    );
    let document = json(&run(&lab, &["rollout", "--yes", "--json"]));
    assert_eq!(outcome(&document, &name(2)), "verified");
    for n in [5, 6] {
        assert_eq!(outcome(&document, &name(n)), "excluded");
        let reason = phone(&document, &name(n))["reason"].as_str().unwrap();
        assert!(reason.contains("no rule"), "{reason}");
    }
    assert_eq!(shown(&lab)[4], None);
}

/// A rule that is over, one for Paris that comes later, and one for the rest.
const OVER_TIME: &str = "default_time_zone = \"Europe/Paris\"\n\
    [[image]]\nfile = \"gone.png\"\nuntil = 2020-01-31\n\
    [[image]]\nfile = \"red.png\"\ndevice_pool = \"Paris*\"\nfrom = 2099-03-01\n\
    [[image]]\nfile = \"green.png\"\ndevice_pool = \"Lyon\"\nfrom = \"2099-03-01T00:00:00Z\"\n";

#[test]
fn rules_count_in_their_time_and_the_next_one_is_named() {
    let lab = lab(&format!("{OVER_TIME}{FOR_ALL}"));
    // The picture of the rule that is over is not there, and not needed.
    let audit = run(&lab, &["audit", "--json"]);
    let document = json(&audit);
    keeps("audit", &document);
    let image = |n: u32| phone(&document, &name(n))["image"].clone();
    assert_eq!((&image(1)["picture"], &image(1)["rule"]), (&"blue.png".into(), &4.into()));
    let next = serde_json::json!({"at": "2099-02-28T23:00:00Z", "rule": 2, "picture": "red.png"});
    assert_eq!(image(1)["next"], next, "a day begins in the phone's zone");
    let next = serde_json::json!({"at": "2099-03-01T00:00:00Z", "rule": 3, "picture": "green.png"});
    assert_eq!(image(3)["next"], next);
    assert_eq!(image(5)["next"], Value::Null);
    let season = "[[image]] rule 4 of the config file (for all phones) counts for 2 phones until \
                  2099-03-01 00:00 Europe/Paris, then [[image]] rule 2";
    for command in [&["audit"][..], &["plan"], &["rollout", "--dry-run"]] {
        let ended = run(&lab, command);
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(season), "{ended:?}");
    }
    let one = run(&lab, &["phone", &name(1)]).stdout;
    assert!(one.contains("from 2099-03-01 00:00 Europe/Paris on"), "{one}");
    let ended = run(&lab, &["rollout", "--yes", "--json", "--report", "own.html"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(json(&ended)["picture"], "blue.png");
    let shown = shown(&lab);
    assert!(shown[0].is_some() && shown[..5].iter().all(|one| *one == shown[0]), "{shown:?}");
    let page = std::fs::read_to_string(lab.path("own.html")).unwrap();
    assert!(page.contains("counts for 2 phones until"), "the report names the next rule");
    let mut program = lab.program(&["config", "check"]);
    program.env("AXLPAPER_CONFIG", lab.path("config.toml"));
    let checked = end(program);
    assert!(checked.stdout.contains("rule 1, \"gone.png\" is over"), "{checked:?}");
}

#[test]
fn a_run_that_starts_later_pushes_what_the_rules_choose_then() {
    let start = ["--start", "2099-03-01T12:00:00Z"];
    let lab = lab(&format!("{OVER_TIME}{FOR_ALL}"));
    let dry = run(&lab, &["rollout", "--dry-run", "--json", start[0], start[1]]);
    let document = json(&dry);
    let picture = |n: u32| phone(&document, &name(n))["image"]["picture"].clone();
    assert_eq!([picture(1), picture(3), picture(5)], ["red.png", "green.png", "blue.png"]);
}

#[test]
fn phones_whose_only_rule_comes_later_are_left_alone_until_then() {
    let lab = lab(OVER_TIME);
    let audit = run(&lab, &["audit", "--json"]);
    let finding = phone(&json(&audit), &name(1))["findings"].to_string();
    assert!(
        finding.contains("yet: [[image]] rule 2") && finding.contains("2099-03-01"),
        "{finding}"
    );
    let before = lab.cluster.state_digest();
    let ended = run(&lab, &["rollout", "--yes"]);
    ended
        .fails(2, &["no [[image]] rule of the config file applies", "red.png", "will apply later"]);
    assert_eq!(lab.cluster.state_digest(), before);
}

#[test]
fn whoever_no_rule_is_about_is_not_touched_on_the_cluster_either() {
    // Nobody controls a phone yet, so all six could be repaired.
    let lab = lab_of(Fleet { push_devices: Vec::new(), ..fleet() }, RULES);
    let audit = run(&lab, &["audit", "--json", "--detailed-exitcode"]);
    let left = phone(&json(&audit), &name(5)).clone();
    assert_eq!(left["findings"][1]["code"], "excluded", "{left}");
    assert!(!left.to_string().contains("axlpaper rollout"), "nothing adds it: {left}");
    assert_eq!(json(&audit)["summary"]["excluded"], 2);
    assert!(audit.stderr.contains("2 phones could show a picture, and no rule"), "{audit:?}");
    assert!(audit.stderr.contains("nothing is changed for them"), "{audit:?}");
    let xml = run(&lab, &["audit", "--format", "junit"]).stdout;
    assert!(xml.contains("tests=\"6\" failures=\"4\" skipped=\"2\""), "{xml}");
    let plan = run(&lab, &["plan"]);
    plan.told(
        0,
        &["nothing is changed for them: 2 phones, because no rule", "controlled devices: 0 -> 4"],
    );
    assert!(!plan.stdout.contains(&name(5)), "{plan:?}");
    let dry = run(&lab, &["rollout", "--dry-run"]);
    dry.told(0, &["controlled devices: 0 -> 4", "to 4 phones"]);
    let ended = run(&lab, &["rollout", "--yes", "--json", "--report", "r.html"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let page = std::fs::read_to_string(lab.path("r.html")).unwrap();
    assert!(page.contains("nothing but <code>file</code> is for all others"), "back quotes");
    let record = lab.record();
    let controlled: Vec<String> = (1..=4).map(name).collect();
    assert_eq!(record.devices(axlpaper::sim::PUSH_USER), controlled);
    for n in [5, 6] {
        assert!(record.phones[&name(n)].pushes.is_empty());
        let told = phone(&json(&ended), &name(n)).clone();
        assert_eq!(told["outcome"], "excluded", "{told}");
        assert!(told["reason"].as_str().unwrap().contains("no rule"), "{told}");
    }
    // Where nobody else is left, there is no work to do.
    let others = ["audit", "--json", "--detailed-exitcode", "--device-pool", "Berlin"];
    assert_eq!(run(&lab, &others).code, 0);
}

#[test]
fn results_name_the_picture_where_there_are_several() {
    let lab = lab(&format!("{RULES}{FOR_ALL}"));
    let ended = run(&lab, &["rollout", "--yes", "--json", "--report", "own.html"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let document = json(&ended);
    keeps("rollout", &document);
    let wanted = ["red.png", "red.png", "green.png", "green.png", "blue.png", "blue.png"];
    for (n, file) in (1..).zip(wanted) {
        assert_eq!(phone(&document, &name(n))["picture"], file);
    }
    let csv = lab.read(&["show", "last", "--format", "csv", "--fields", "name,picture"]).stdout;
    assert!(csv.contains(&format!("{},green.png", name(3))), "{csv}");
    // So does a report from the journal, of a run that was killed too.
    let journal = rusqlite::Connection::open(lab.path("journal.sqlite3")).unwrap();
    let killed = format!(
        "update runs set ended_at = null, state = 'killed'; delete from snapshots where kind = 'ending';
         delete from phones where phone = '{0}'; delete from pushes where phone = '{0}';",
        name(3)
    );
    let own = std::fs::read_to_string(lab.path("own.html")).unwrap();
    journal.execute_batch(&killed).unwrap();
    drop(journal);
    assert_eq!(lab.read(&["report", "last", "-o", "killed.html"]).code, 0);
    let killed = std::fs::read_to_string(lab.path("killed.html")).unwrap();
    for page in [&own, &killed] {
        assert!(page.contains("data-sort=\"picture\"") && page.contains("id=\"by-picture\""));
        assert!(page.contains("alt=\"green.png as a background of 800x480\""));
        assert!(page.contains("<b>red.png, 800x480</b>"));
        let (_, data) = page.split_once("id=\"data\">").unwrap();
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        let row = data["rows"].as_array().unwrap().iter().find(|row| row[0] == name(3)).unwrap();
        let place = usize::try_from(row[16].as_u64().unwrap()).unwrap();
        assert_eq!(data["texts"][place], "green.png");
    }
    // One picture needs no column.
    let ended =
        run(&lab, &["push", "red.png", "--yes", "--json", "--force", "--report", "one.html"]);
    assert_eq!(phone(&json(&ended), &name(1)).get("picture"), None);
    let page = std::fs::read_to_string(lab.path("one.html")).unwrap();
    assert!(
        !page.contains("data-sort=\"picture\"") && page.contains("alt=\"red.png as a background")
    );
}

#[test]
fn one_name_cannot_be_given_to_several_pictures() {
    let lab = lab(RULES);
    let before = lab.cluster.state_digest();
    for command in ["push", "rollout"] {
        run(&lab, &[command, "--yes", "--picture-name", "Spring"])
            .fails(2, &["--picture-name \"Spring\"", "[[image]]", "leave it out", "PICTURE"]);
    }
    run(&lab, &["rollout", "--dry-run", "--picture-name", "Spring"]).fails(2, &["--picture-name"]);
    assert_eq!(lab.cluster.state_digest(), before);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
    let ended = run(&lab, &["push", "red.png", "--yes", "--picture-name", "Spring"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_run_is_gone_on_with_by_the_rules_that_it_had() {
    let lab = lab(&format!("{RULES}{FOR_ALL}"));
    assert!(lab.cluster.set_web(&name(3), Web::HttpsOnly));
    let ended = run(&lab, &["rollout", "--yes", "--json", "--attempts", "1"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(lab.cluster.set_web(&name(3), Web::Both));
    // Neither the file nor the rules are what they were.
    std::fs::remove_file(lab.path("green.png")).unwrap();
    std::fs::write(lab.path("config.toml"), FOR_ALL).unwrap();
    let ended = run(&lab, &["rollout", "--only-failed", "last", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let shown = shown(&lab);
    assert_eq!(shown[2], shown[3]);
}

#[test]
fn a_picture_that_is_missing_is_told_before_anything() {
    let lab = lab(&format!("{RULES}[[image]]\nfile = \"gone.png\"\n"));
    let before = lab.cluster.state_digest();
    run(&lab, &["rollout", "--yes"]).fails(2, &["gone.png"]);
    assert_eq!(lab.cluster.state_digest(), before);
    std::fs::write(lab.path("config.toml"), "").unwrap();
    run(&lab, &["rollout", "--yes"]).fails(2, &["no picture is named", "[[image]]"]);
}
