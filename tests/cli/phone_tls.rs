//! Phones that take pictures over HTTPS only, and what is sent to whom before their certificates are believed.

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{Fleet, PUSH_PASSWORD, PhoneRecord, Shows, Web};
use serde_json::Value;

use crate::lab::{Ended, Lab, fleet_of, name, outcome, phone};

/// A fleet whose phones the push user controls.
fn controlled(count: u32) -> Fleet {
    Fleet { push_devices: (1..=count).map(name).collect(), ..fleet_of(count) }
}

/// A lab of one phone after the other, each with these settings.
fn lab_of(phones: &[(Setting, Web, Shows)]) -> Lab {
    let mut fleet = controlled(u32::try_from(phones.len()).unwrap());
    for (spec, (setting, web, shows)) in fleet.phones.iter_mut().zip(phones) {
        spec.personalization = *setting;
        spec.web = *web;
        spec.certificate = shows.clone();
    }
    Lab::new(fleet)
}

/// Writes the certificate of the phones' maker into a file and returns its name.
fn maker(lab: &Lab) -> String {
    let path = lab.path("phone-ca.pem");
    std::fs::write(&path, lab.cluster.phone_ca_pem()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Runs `push` with the ports of the simulated phones.
fn push(lab: &Lab, arguments: &[&str]) -> Ended {
    let port = lab.cluster.phone_tls_port().to_string();
    let mut all = vec!["--phone-tls-port", &port, "--attempts", "1", "--yes", "--json"];
    all.extend(arguments);
    lab.push("push", &all)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn of(lab: &Lab, n: u32) -> PhoneRecord {
    lab.cluster.phone(&name(n)).unwrap()
}

/// Says of a phone's reason and remedy whether they hold these words.
fn says(document: &Value, n: u32, words: &[&str]) {
    let phone = phone(document, &name(n));
    for word in words {
        assert!(phone.to_string().contains(word), "{word:?} is not in {phone:#}");
    }
}

const PIN: [&str; 2] = ["--phone-tls", "pin-first-use"];

#[test]
fn https_only_is_blocked_without_trust_and_no_obstacle_with_it() {
    let lab = lab_of(&[
        (Setting::HttpsOnly, Web::Both, Shows::Issued),
        (Setting::Enabled, Web::Both, Shows::Issued),
    ]);
    let (ca, port) = (maker(&lab), lab.cluster.phone_tls_port().to_string());
    let audit = json(&lab.run(&["audit", "--json"]));
    assert_eq!(phone(&audit, &name(1))["verdict"], "blocked");
    let finding = phone(&audit, &name(1))["findings"][0].clone();
    assert_eq!(finding["code"], "personalization_https_only");
    for option in ["--phone-ca-file", "--phone-tls"] {
        assert!(finding["remedy"].as_str().unwrap().contains(option), "{finding}");
    }
    let audit = json(&lab.run(&["audit", "--json", "--phone-ca-file", &ca]));
    assert_eq!(phone(&audit, &name(1))["verdict"], "ready", "{audit:#}");
    assert_eq!(outcome(&json(&push(&lab, &[])), &name(1)), "needs_work");
    assert!(of(&lab, 1).pushes.is_empty());

    let ended = push(&lab, &["--phone-ca-file", &ca, "--force"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(json(&ended)["summary"]["verified"], 2);
    let (secure, plain) = (of(&lab, 1), of(&lab, 2));
    assert!(secure.shown.is_some() && secure.pushes.iter().all(|push| push.secure));
    assert!(plain.shown.is_some() && plain.pushes.iter().all(|push| !push.secure));
    // With an association that is missing, rollout does both.
    lab.cluster.set_associations(axlpaper::sim::PUSH_USER, &[]);
    let arguments = ["--phone-ca-file", &ca, "--phone-tls-port", &port, "--force"];
    let (code, document) = lab.rollout(&arguments);
    assert_eq!((code, &document["summary"]["verified"]), (0, &Value::from(2)), "{document:#}");
}

#[test]
fn a_plain_port_that_is_closed_or_leads_on_makes_no_difference() {
    let lab = lab_of(&[
        (Setting::Enabled, Web::HttpsOnly, Shows::Issued),
        (Setting::Enabled, Web::RedirectsToHttps, Shows::SelfSigned),
        (Setting::HttpsOnly, Web::RedirectsToHttps, Shows::Expired),
        (Setting::Enabled, Web::RedirectsPushes, Shows::Issued),
    ]);
    let ended = push(&lab, &PIN);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(json(&ended)["summary"]["verified"], 4);
    for n in 1..=4 {
        let phone = of(&lab, n);
        assert!(phone.shown.is_some());
        assert_eq!(phone.pushes.iter().filter(|push| push.secure).count(), 1, "{n}");
    }
    let shown = json(&lab.read(&["show", "last", "--json"]));
    let events = shown["events"].as_array().unwrap();
    let pinned = events.iter().filter(|event| event["kind"] == "phone_tls").count();
    assert_eq!(pinned, 4, "{events:?}");
    let downloads = shown["downloads"].as_array().unwrap();
    assert_eq!(downloads.len(), 8, "{downloads:?}");
    assert!(downloads.iter().all(|download| download["complete"] == true));
}

#[test]
fn a_phone_that_wants_https_is_told_so_where_nobody_is_trusted() {
    let lab = lab_of(&[
        (Setting::Enabled, Web::RedirectsToHttps, Shows::Issued),
        (Setting::Enabled, Web::HttpsOnly, Shows::Issued),
    ]);
    let document = json(&push(&lab, &[]));
    assert_eq!(outcome(&document, &name(1)), "unreachable");
    says(&document, 1, &["requires HTTPS", "--phone-ca-file", "--phone-tls"]);
    assert_eq!(outcome(&document, &name(2)), "unreachable");
    assert!(of(&lab, 1).pushes.is_empty() && of(&lab, 2).pushes.is_empty());
}

#[test]
fn a_certificate_that_changed_is_refused_with_both_fingerprints() {
    let lab = lab_of(&[(Setting::HttpsOnly, Web::Both, Shows::SelfSigned)]);
    assert_eq!(push(&lab, &PIN).code, 0);
    assert_eq!(push(&lab, &[PIN[0], PIN[1], "--force"]).code, 0, "the same one is believed");
    lab.cluster.renew_certificate(&name(1));
    let document = json(&push(&lab, &[PIN[0], PIN[1], "--force"]));
    assert_eq!(outcome(&document, &name(1)), "wrong_device");
    says(&document, 1, &["has changed", "was pinned", "it shows", "--phone-repin SEP000000000001"]);
    let text = phone(&document, &name(1)).to_string();
    assert!(text.matches(":").count() > 2 * 31, "two fingerprints: {text}");
    assert_eq!(of(&lab, 1).pushes.len(), 2, "nothing was sent to it");
    let again = push(&lab, &[PIN[0], PIN[1], "--force", "--phone-repin", &name(1)]);
    assert_eq!(again.code, 0, "{again:?}");
    // The new one is pinned now.
    assert_eq!(push(&lab, &[PIN[0], PIN[1], "--force"]).code, 0);
    assert_eq!(of(&lab, 1).pushes.len(), 4);
}

#[test]
fn a_certificate_that_names_another_phone_is_refused_whatever_is_trusted() {
    let other = Shows::Other(name(77));
    let lab = lab_of(&[(Setting::HttpsOnly, Web::Both, other)]);
    let ca = maker(&lab);
    for trust in [&PIN, &["--phone-tls", "insecure"], &["--phone-ca-file", &ca]] {
        let document = json(&push(&lab, trust));
        assert_eq!(outcome(&document, &name(1)), "wrong_device", "{trust:?}");
        says(&document, 1, &[&name(77), "nothing was sent"]);
    }
    let phone = of(&lab, 1);
    assert!(phone.pushes.is_empty() && phone.shown.is_none());
}

#[test]
fn an_authority_vouches_for_its_own_only() {
    let lab = lab_of(&[
        (Setting::HttpsOnly, Web::Both, Shows::Issued),
        (Setting::HttpsOnly, Web::Both, Shows::SelfSigned),
        (Setting::HttpsOnly, Web::Both, Shows::Expired),
    ]);
    let ca = maker(&lab);
    let document = json(&push(&lab, &["--phone-ca-file", &ca]));
    assert_eq!(outcome(&document, &name(1)), "verified");
    assert_eq!(outcome(&document, &name(2)), "wrong_device");
    says(&document, 2, &["no CA of --phone-ca-file has signed it"]);
    assert_eq!(outcome(&document, &name(3)), "wrong_device");
    says(&document, 3, &["has expired", "pin-first-use"]);
    assert!(of(&lab, 2).pushes.is_empty() && of(&lab, 3).pushes.is_empty());
}

#[test]
fn an_old_phone_is_told_as_such() {
    let lab = lab_of(&[
        (Setting::Enabled, Web::OldTlsOnly, Shows::Issued),
        (Setting::HttpsOnly, Web::OldTlsOnly, Shows::Issued),
    ]);
    let document = json(&push(&lab, &PIN));
    for n in [1, 2] {
        assert_eq!(outcome(&document, &name(n)), "unreachable");
        says(&document, n, &["TLS 1.0", "firmware"]);
        assert!(of(&lab, n).pushes.is_empty());
    }
}

#[test]
fn insecure_works_and_warns() {
    let lab = lab_of(&[(Setting::HttpsOnly, Web::HttpsOnly, Shows::Expired)]);
    let ended = push(&lab, &["--phone-tls", "insecure"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("WARNING: --phone-tls insecure"), "{ended:?}");
    lab.cluster.renew_certificate(&name(1));
    assert_eq!(push(&lab, &["--phone-tls", "insecure", "--force"]).code, 0);
    assert!(!ended.stderr.contains(PUSH_PASSWORD));
}

/// A journal whose last run was killed before its second phone.
fn killed(lab: &Lab) {
    let journal = rusqlite::Connection::open(lab.path("journal.sqlite3")).unwrap();
    let sql = format!(
        "update runs set ended_at = null, state = 'killed' where id = (select max(id) from runs);
         delete from phones where phone = '{0}'; delete from pushes where phone = '{0}';",
        name(2)
    );
    journal.execute_batch(&sql).unwrap();
}

#[test]
fn a_run_is_gone_on_with_over_https_as_it_was_begun() {
    let secure = (Setting::HttpsOnly, Web::HttpsOnly, Shows::Issued);
    let lab = lab_of(&[secure.clone(), secure]);
    let (ca, port) = (maker(&lab), lab.cluster.phone_tls_port().to_string());
    let resume = |more: &[&str]| {
        let mut all = vec!["--resume", "last", "--yes", "--json"];
        all.extend(more);
        lab.resumed(&all)
    };
    let (code, _) = lab.rollout(&["--phone-ca-file", &ca, "--phone-tls-port", &port]);
    assert_eq!(code, 0);
    killed(&lab);
    let pushes = || of(&lab, 1).pushes.len() + of(&lab, 2).pushes.len();
    let before = pushes();
    // The file counts as it was: one that is gone or another one is told by its name.
    std::fs::rename(&ca, lab.path("aside.pem")).unwrap();
    resume(&[]).fails(2, &["--phone-ca-file of run 1", "phone-ca.pem", "--phone-ca-file"]);
    let pem = std::fs::read(lab.path("aside.pem")).unwrap();
    std::fs::write(&ca, [&pem[..], b"\n"].concat()).unwrap();
    resume(&[]).fails(2, &["phone-ca.pem", "of run 1, has changed since", "put the file back"]);
    assert_eq!(pushes(), before, "nothing was sent");
    std::fs::write(&ca, &pem).unwrap();
    let ended = resume(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("over HTTPS as in run 1: --phone-ca-file"), "{ended:?}");
    assert_eq!(outcome(&json(&ended), &name(1)), "already");
    assert_eq!(outcome(&json(&ended), &name(2)), "verified");
    // It is kept again, so that this run can be gone on with too; what is typed counts before it.
    killed(&lab);
    std::fs::remove_file(&ca).unwrap();
    let ended = resume(&[PIN[0], PIN[1], "--phone-tls-port", &port]);
    assert_eq!(ended.code, 0, "{ended:?}");
    killed(&lab);
    let ended = resume(&[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("--phone-tls pin-first-use, port"), "{ended:?}");
    assert!(of(&lab, 2).pushes.iter().all(|push| push.secure));
}

#[test]
fn phones_that_answer_over_http_are_pushed_to_over_http() {
    let lab = Lab::new(controlled(2));
    let ended = push(&lab, &PIN);
    assert_eq!(ended.code, 0, "{ended:?}");
    for n in [1, 2] {
        let phone = of(&lab, n);
        assert!(phone.shown.is_some() && phone.pushes.iter().all(|push| !push.secure));
    }
    let shown = lab.read(&["show", "last", "--json"]).stdout;
    assert!(!shown.contains("phone_tls"), "nothing is pinned: {shown}");
    // A phone that is away is told by both ports.
    lab.cluster.set_web_access(&name(1), Some(false));
    lab.cluster.restart_phone(&name(1));
    let document = json(&push(&lab, &[PIN[0], PIN[1], "--force", "--device", &name(2)]));
    assert_eq!(document["summary"]["verified"], 1);
}

#[test]
fn a_push_by_address_has_the_same_options() {
    let lab = lab_of(&[
        (Setting::HttpsOnly, Web::HttpsOnly, Shows::Issued),
        (Setting::Enabled, Web::RedirectsToHttps, Shows::Issued),
        (Setting::Enabled, Web::Both, Shows::Issued),
        (Setting::Enabled, Web::HttpsOnly, Shows::Other(name(99))),
    ]);
    let fleet = fleet_of(4);
    let addresses: Vec<String> =
        fleet.phones.iter().map(|phone| phone.address.v4().unwrap().to_string()).collect();
    let (plain, secure) = (lab.cluster.phone_port(), lab.cluster.phone_tls_port());
    let (plain, secure) = (plain.to_string(), secure.to_string());
    let run = |arguments: &[&str]| {
        let picture = lab.picture();
        let mut program = lab.program(&["push", picture.to_str().unwrap(), "--yes", "--json"]);
        program.args(addresses.iter().flat_map(|address| ["--address", address]));
        program.args(["--phone-port", &plain, "--phone-tls-port", &secure, "--attempts", "1"]);
        program.args(["--verify-timeout", "2", "--retry-delay", "0"]).args(arguments);
        crate::lab::end(program)
    };
    let document = json(&run(&[]));
    assert_eq!(outcome(&document, &name(3)), "verified", "{document:#}");
    assert_eq!(document["summary"]["unreachable"], 3);
    assert!(document.to_string().contains("--phone-ca-file"));
    let document = json(&run(&["--phone-ca-file", &maker(&lab)]));
    assert_eq!(outcome(&document, &name(1)), "verified", "{document:#}");
    assert_eq!(outcome(&document, &name(2)), "verified");
    assert_eq!(outcome(&document, &name(4)), "wrong_device");
    assert!(of(&lab, 1).pushes.iter().all(|push| push.secure));
    assert!(of(&lab, 4).pushes.is_empty());
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let lab = Lab::of_phones(1);
    let ca = maker(&lab);
    for (arguments, words) in [
        (&["--phone-ca-file", &ca, PIN[0], PIN[1]][..], &["--phone-ca-file", "--phone-tls"][..]),
        (&["--phone-ca-file", "missing.pem"], &["missing.pem", "hint"]),
        (&["--phone-tls", "always"], &["always", "pin-first-use"]),
        (&["--phone-repin", "SEP*"], &["--phone-repin", "--phone-tls pin-first-use"]),
    ] {
        let ended = push(&lab, arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        for word in words {
            assert!(ended.stderr.contains(word), "{word:?} is not in {ended:?}");
        }
    }
    assert!(lab.record().requests.is_empty());
}

#[test]
fn a_certificate_that_can_never_be_used_is_named_with_what_helps() {
    use crate::tls_server::{P_521, RSA_1024, VERSION_1, showing};
    let lab = Lab::of_phones(1);
    let picture = lab.picture();
    for (pem, why) in [
        (RSA_1024, "its RSA key has 1024 bits"),
        (VERSION_1, "it is an X.509 version 1 certificate"),
        (P_521, "its key is on the elliptic curve P-521"),
    ] {
        let secure = showing(pem).port().to_string();
        let mut program = lab.program(&["push", picture.to_str().unwrap(), "--yes", "--json"]);
        // Nothing listens on port 1, so the phone is reached over HTTPS.
        program.args(["--address", "127.0.0.1", "--model", "8841", "--phone-port", "1"]);
        program.args(["--phone-tls-port", &secure, "--phone-tls", "insecure", "--attempts", "1"]);
        let document = json(&crate::lab::end(program));
        let phone = &document["phones"][0];
        assert_eq!(phone["outcome"], "unreachable", "{document:#}");
        let reason = phone["reason"].as_str().unwrap();
        assert!(reason.contains(why) && !reason.contains("TLS failed"), "{reason}");
        let remedy = phone["remedy"].as_str().unwrap();
        assert!(remedy.contains("Key Size 2048") && remedy.contains("http and https"), "{remedy}");
    }
}
