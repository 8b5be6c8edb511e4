//! What `verify` sees on the screens of phones, and what it takes back.

use axlpaper::sim::{PUSH_USER, PhoneSpec, Quirk, Registration, Web};
use serde_json::{Value, json};

use crate::documents::keeps;
use crate::lab::{Ended, Lab, end, fleet_of, name, outcome, phone};
use crate::rollout_clusters::{run as with_config, two};
use crate::snapshots::Transcript;
use crate::web::Web as PictureServer;

/// An 8841, an 8811 with a grey panel, a 7945, a 9871, another 8841, and a 7841, which shows no picture.
fn lab() -> Lab {
    let mut fleet = fleet_of(1);
    for (n, model) in [(2, 36217), (3, 435), (4, 36350), (5, 683), (6, 622)] {
        fleet.phones.push(PhoneSpec::new(name(n), model));
    }
    fleet.push_devices = (1..=6).map(name).collect();
    fleet.give_addresses();
    let lab = Lab::new(fleet);
    std::fs::write(lab.path("demo.png"), axlpaper::media::demo_png().unwrap().png).unwrap();
    lab
}

fn document(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn rollout(lab: &Lab, arguments: &[&str]) -> Value {
    let all = [&["demo.png", "--yes", "--json"], arguments].concat();
    document(&lab.without_picture("rollout", &all))
}

fn verify(lab: &Lab, arguments: &[&str]) -> Ended {
    let port = lab.cluster.phone_port().to_string();
    let all = ["verify", "--phone-port", &port, "--retry-delay", "0"];
    lab.run(&[&all[..], arguments].concat())
}

fn outcomes(document: &Value, phones: u32) -> Vec<String> {
    (1..=phones).map(|n| outcome(document, &name(n))).collect()
}

fn pushes(lab: &Lab) -> Vec<usize> {
    let record = lab.record();
    record.phones.values().map(|phone| phone.pushes.len()).collect()
}

/// A picture that is nothing like the demo's, of the size of an 8841.
fn other_picture() -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(800, 480, |x, y| {
        if (x / 80 + y / 80) % 2 == 0 {
            image::Rgb([250, 40, 30])
        } else {
            image::Rgb([20, 20, 20])
        }
    });
    let mut file = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

#[test]
fn a_phone_that_shows_something_else_is_pushed_to_again() {
    let lab = lab();
    let first = rollout(&lab, &[]);
    let verified = |document: &Value| document["summary"]["verified"].clone();
    assert_eq!(verified(&first), 5, "{first:#}");
    // Everything is as it was pushed; over plain HTTP the 9871 sends no screenshot.
    let same = verify(&lab, &["--json"]);
    assert_eq!(same.code, 0, "{same:?}");
    let same = document(&same);
    keeps("rollout", &same);
    let all = ["verified", "verified", "verified", "not_verifiable", "verified", "no_background"];
    assert_eq!(outcomes(&same, 6), all, "{same:#}");
    assert_eq!((&same["action"], &same["changes"]), (&json!("verification"), &json!([])));
    assert_eq!(same["summary"]["coverage"], json!({"shown": 5, "capable": 5}));
    assert_eq!(phone(&same, &name(1))["picture"], "demo.png (run 1)");
    // Two users choose another picture.
    assert!(lab.cluster.choose_picture(&name(1), Some(&other_picture())));
    assert!(lab.cluster.choose_picture(&name(3), None));
    let before = pushes(&lab);
    let changed = verify(&lab, &["--json"]);
    let mut transcript = Transcript::of(&lab);
    transcript.read(&lab, &["show", "3"]);
    transcript.check("verify");
    assert_eq!(changed.code, 3, "{changed:?}");
    let changed = document(&changed);
    let all = ["not_shown", "verified", "not_shown", "not_verifiable", "verified", "no_background"];
    assert_eq!(outcomes(&changed, 6), all, "{changed:#}");
    assert_eq!(changed["summary"]["coverage"], json!({"shown": 3, "capable": 5}));
    assert_eq!(pushes(&lab), before, "nothing is pushed");
    let record = lab.record();
    assert_eq!(record.phones[&name(1)].screenshots, 2);
    assert!(record.violations.is_empty(), "{:?}", record.violations);
    // Who is looked at once more is no longer proven to show anything.
    let again = document(&verify(&lab, &["--json"]));
    assert_eq!(outcome(&again, &name(1)), "not_verifiable");
    assert_eq!(phone(&again, &name(1))["reason"], "no run has proven that it shows a picture");
    assert_eq!(again["summary"]["coverage"], json!({"shown": 3, "capable": 5}));
    // The journal knows the runs.
    let runs = document(&lab.read(&["runs", "--json"]));
    assert_eq!(
        (&runs["runs"][1]["command"], &runs["runs"][1]["exit_code"]),
        (&json!("verify"), &json!(3))
    );
    let shown = lab.read(&["show", "3"]);
    shown.told(0, &["Verification of screens", "Shows something else (not_shown): 2 phones"]);
    let history = axlpaper::journal::JournalReader::open(&lab.path("journal.sqlite3")).unwrap();
    let kept = |n| {
        let moment = axlpaper::journal::Moment::After;
        history.as_ref().unwrap().screen(3, &name(n).parse().unwrap(), moment).unwrap()
    };
    assert!(kept(1).is_some() && kept(2).is_none(), "what differs is kept");
    // The next rollout pushes to those two again, and to nobody else.
    let next = rollout(&lab, &[]);
    let all = ["verified", "already", "verified", "already", "already", "no_background"];
    assert_eq!(outcomes(&next, 6), all, "{next:#}");
    let now: Vec<usize> = before.iter().zip([1, 0, 1, 0, 0, 0]).map(|(b, more)| b + more).collect();
    assert_eq!(pushes(&lab), now);
    assert_eq!(verify(&lab, &[]).code, 0);
    assert_eq!(verified(&rollout(&lab, &[])), 0, "all of them are proven");
}

#[test]
fn phones_that_cannot_be_looked_at_keep_what_was_proven() {
    let lab = lab();
    rollout(&lab, &[]);
    lab.cluster.set_quirk(&name(1), Quirk::WrongDevice);
    lab.cluster.set_web(&name(3), Web::HttpsOnly);
    assert!(lab.cluster.set_registration(&name(2), Registration::UnRegistered));
    let seen = verify(&lab, &["--json", "--attempts", "1"]);
    assert_eq!(seen.code, 3, "{seen:?}");
    let seen = document(&seen);
    let all =
        ["wrong_device", "offline", "unreachable", "not_verifiable", "verified", "no_background"];
    assert_eq!(outcomes(&seen, 6), all, "{seen:#}");
    assert_eq!(seen["summary"]["coverage"], json!({"shown": 5, "capable": 5}));
    lab.cluster.set_quirk(&name(1), Quirk::Normal);
    lab.cluster.set_web(&name(3), Web::Both);
    assert!(lab.cluster.set_registration(&name(2), Registration::Registered));
    let next = rollout(&lab, &[]);
    assert_eq!(next["summary"]["already"], 5, "{next:#}");
    // What only --device names is looked at, and a dry run looks at nothing.
    let looks = |n| lab.record().phones[&name(n)].screenshots;
    let before = looks(5);
    let dry = verify(&lab, &["--dry-run"]);
    dry.told(0, &["It would look at the screens of 5 phones"]);
    let one = document(&verify(&lab, &["--json", "--device", &name(3)]));
    assert_eq!((looks(5), one["summary"]["total"].clone()), (before, json!(1)));
}

#[test]
fn a_wrong_password_costs_one_login_and_takes_no_proof() {
    let lab = lab();
    rollout(&lab, &[]);
    let failed = || lab.record().users[PUSH_USER].failed_logins;
    let before = failed();
    let (port, pin) = (lab.cluster.phone_port().to_string(), lab.cluster.cert_sha256());
    let mut program = lab.program(&["verify", "--phone-port", &port, "--pin-sha256", &pin]);
    program.env("PHONE_PASSWORD", "wrong");
    let ended = end(program);
    assert_eq!(ended.code, 4, "{ended:?}");
    assert_eq!(failed() - before, 1, "only the cluster is asked");
    let next = rollout(&lab, &[]);
    assert_eq!(next["summary"]["already"], 5, "{next:#}");
}

#[test]
fn a_push_user_with_other_rights_and_a_journal_without_proofs() {
    let lab = lab();
    verify(&lab, &[]).fails(2, &["there is no journal at"]);
    let picture = ["demo.png", "--yes", "--verify", "none"];
    assert_eq!(lab.without_picture("push", &picture).code, 0);
    let nothing = verify(&lab, &[]);
    assert_eq!(nothing.code, 3, "{nothing:?}");
    nothing.told(3, &["No phone was looked at"]);
    assert_eq!(lab.record().phones[&name(1)].screenshots, 0);
    let mut program = lab.program(&["verify", "--pin-sha256", &lab.cluster.cert_sha256()]);
    program.env("PHONE_USERNAME", axlpaper::sim::ADMIN_USER);
    end(program).fails(5, &["is also the AXL user"]);
}

#[test]
fn each_phone_is_compared_with_its_own_picture() {
    let lab = lab();
    std::fs::write(lab.path("other.png"), other_picture()).unwrap();
    let rules = format!(
        "[[image]]\nfile = \"other.png\"\ndevice = \"{}\"\n[[image]]\nfile = \"demo.png\"\n",
        name(5)
    );
    std::fs::write(lab.path("config.toml"), rules).unwrap();
    let config = ["--config", "config.toml", "--yes", "--json"];
    assert_eq!(document(&lab.without_picture("rollout", &config))["summary"]["verified"], 5);
    // A later run gives the first phone a picture that is not of the rules, and the 9871 none at all.
    let lone = ["other.png", "--yes", "--json", "--device", &name(1)];
    assert_eq!(lab.without_picture("push", &lone).code, 0);
    let ca = lab.path("maker.pem");
    std::fs::write(&ca, lab.cluster.phone_ca_pem()).unwrap();
    let tls_port = lab.cluster.phone_tls_port().to_string();
    let trust = ["--phone-tls-port", &tls_port, "--phone-ca-file", ca.to_str().unwrap()];
    let seen = document(&verify(&lab, &[&["--json"], &trust[..]].concat()));
    assert_eq!(outcomes(&seen, 5), ["verified"; 5], "{seen:#}");
    assert_eq!(phone(&seen, &name(1))["picture"], "other.png (run 2)");
    assert_eq!(phone(&seen, &name(5))["picture"], "other.png (run 1)");
    let removal = ["--remove", "--yes", "--json", "--verify", "screenshot", "--device", &name(4)];
    assert_eq!(lab.without_picture("push", &[&removal[..], &trust[..]].concat()).code, 0);
    let seen = document(&verify(&lab, &[&["--json"], &trust[..]].concat()));
    assert_eq!(outcome(&seen, &name(4)), "not_verifiable");
    let reason = phone(&seen, &name(4))["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("its picture was removed"), "{reason}");
}

#[test]
fn a_picture_of_another_server_is_compared_with_what_was_downloaded_beforehand() {
    let (lab, web) = (lab(), PictureServer::with_pictures(&[683, 36217, 435, 36350]));
    let (image, icon) = (web.url("/{dir}/w.png"), web.url("/{dir}/t.png"));
    let push = ["--yes", "--json", "--image-url", &image, "--icon-url", &icon];
    let push = [&push[..], &["--verify", "screenshot", "--exclude-model", "7841"]].concat();
    let first = document(&lab.without_picture("push", &push));
    let expected = ["verified", "verified", "verified", "accepted", "verified"];
    assert_eq!(outcomes(&first, 5), expected, "{first:#}");
    assert!(lab.cluster.choose_picture(&name(2), None));
    let seen = document(&verify(&lab, &["--json"]));
    // The 9871 was not proven to show it, so there is nothing to look for.
    let expected = ["verified", "not_shown", "verified", "not_verifiable", "verified"];
    assert_eq!(outcomes(&seen, 5), expected, "{seen:#}");
    let next = document(&lab.without_picture("push", &push));
    let expected = ["already", "verified", "already", "accepted", "already"];
    assert_eq!(outcomes(&next, 5), expected, "{next:#}");
}

#[test]
fn each_of_several_clusters_is_looked_at_by_its_own_proofs() {
    let (a, b) = two();
    let demo = axlpaper::media::demo_png().unwrap().png;
    std::fs::write(a.path("demo.png"), &demo).unwrap();
    let both = ["--all-clusters", "--json", "--retry-delay", "0"];
    let rolled = with_config(&a, &[&["rollout", "demo.png", "--yes"], &both[..]].concat());
    assert_eq!(rolled.code, 0, "{rolled:?}");
    // Phones have the same names in both clusters.
    assert!(b.cluster.choose_picture(&name(1), Some(&other_picture())));
    let seen = with_config(&a, &[&["verify"], &both[..]].concat());
    assert_eq!(seen.code, 3, "{seen:?}");
    let seen = document(&seen);
    keeps("clusters", &seen);
    let of = |at: usize, n| outcome(&seen["documents"][at], &name(n));
    assert_eq!([of(0, 1), of(0, 2)], ["verified", "verified"]);
    assert_eq!([of(1, 1), of(1, 2), of(1, 3)], ["not_shown", "verified", "verified"]);
    let pushed = |lab: &Lab| pushes(lab).into_iter().sum::<usize>();
    let before = (pushed(&a), pushed(&b));
    let again = with_config(&a, &[&["rollout", "demo.png", "--yes"], &both[..]].concat());
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!((pushed(&a), pushed(&b)), (before.0, before.1 + 1));
}

#[test]
fn the_last_run_is_one_that_began_and_no_verification_is_resumed() {
    let lab = lab();
    lab.cluster.set_quirk(&name(3), Quirk::ErrorWithOk { number: 3 });
    rollout(&lab, &["--attempts", "1"]);
    let run = || {
        let shown = lab.read(&["show", "last"]).stdout;
        shown.split([' ', ':']).nth(1).unwrap().parse::<u32>().unwrap()
    };
    // A typing error, a password that the cluster refuses, and no terminal to confirm on.
    lab.push("rollout", &["--yes", "--device-pool", "no such pool"]).fails(2, &["no such pool"]);
    lab.push("rollout", &[]).fails(5, &["--yes"]);
    lab.cluster.set_password(PUSH_USER, "another one");
    verify(&lab, &[]).fails(4, &["the cluster refuses the password"]);
    assert_eq!(run(), 1);
    lab.cluster.set_password(PUSH_USER, axlpaper::sim::PUSH_PASSWORD);
    assert_eq!(verify(&lab, &[]).code, 0);
    assert_eq!(run(), 5);
    lab.resumed(&["--resume", "5", "--yes"]).fails(2, &["use `--resume 1`"]);
    lab.cluster.set_quirk(&name(3), Quirk::Normal);
    let resumed = lab.resumed(&["--resume", "last", "--yes"]);
    resumed.told(0, &["verified"]);
    assert!(resumed.stderr.contains("resumes run 1"), "{resumed:?}");
    assert_eq!(run(), 6);
}

#[test]
fn phones_that_cannot_be_verified_are_no_success_and_nothing_is_said_of_a_push() {
    let mut fleet = fleet_of(24);
    fleet.phones[3] = PhoneSpec::new(name(4), 36350);
    fleet.push_devices = (1..=24).map(name).collect();
    fleet.give_addresses();
    let lab = Lab::new(fleet);
    std::fs::write(lab.path("demo.png"), axlpaper::media::demo_png().unwrap().png).unwrap();
    rollout(&lab, &[]);
    let seen = verify(&lab, &["--report", "seen.html"]);
    seen.told(0, &["23 phones show their picture. 1 phone could not be verified."]);
    let text = format!("{}{}", seen.stdout, seen.stderr);
    assert!(seen.stderr.contains("(23 succeeded, 0 failed, 1 not verifiable)"), "{seen:?}");
    for word in ["canary", "What to do", "wave", "push to", "By finding", "was changed on"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let page = std::fs::read_to_string(lab.path("seen.html")).unwrap();
    assert!(page.contains("<b>not all verified</b>"));
    assert!(page.contains("1 phone could not be verified."));
}
