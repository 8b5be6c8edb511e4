//! What the audit finds out about phones, from every place that tells something.

use axlpaper::domain::personalization::Setting;
use axlpaper::sim::{
    AccountState, Address, Fleet, Httpd, Limits, PUSH_USER, ProfileSpec, Release, RisPort,
    SimConfig, Sql,
};
use serde_json::Value;

use crate::lab::{Lab, fleet_of, name, phone};

fn config(fleet: Fleet) -> SimConfig {
    SimConfig { limits: Limits::off(), ..SimConfig::new(fleet) }
}

fn audit(lab: &Lab, more: &[&str]) -> Value {
    let mut arguments = vec!["audit", "--json"];
    arguments.extend(more);
    let ended = lab.run(&arguments);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Returns the codes of a phone's findings, but that it is not associated.
fn codes(document: &Value, n: u32) -> Vec<String> {
    let findings = phone(document, &name(n))["findings"].as_array().unwrap();
    let codes = findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned());
    codes.filter(|code| code != "not_associated").collect()
}

fn finding<'a>(document: &'a Value, n: u32, code: &str) -> &'a Value {
    let findings = phone(document, &name(n))["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| {
        panic!("{} has no {code}: {findings:?}", name(n));
    })
}

/// Five phones that did not say whether their web server runs: off, on, silent, silent by their pages, the
/// last one on a profile that says off.
fn secretive() -> Fleet {
    let mut fleet = fleet_of(5);
    let pages = [Some(false), Some(true), None, None, None];
    for (phone, page) in fleet.phones.iter_mut().zip(pages) {
        phone.httpd = Some(Httpd::Unknown);
        phone.web_access = page;
    }
    let mut off = ProfileSpec::new("Kiosk", Setting::Default);
    off.web_access = Some(false);
    fleet.profiles.push(off);
    fleet.phones[4].profile = "Kiosk".to_owned();
    fleet
}

#[test]
fn web_access_is_looked_up_on_three_pages_in_few_questions() {
    let lab = Lab::with(config(secretive()));
    let document = audit(&lab, &[]);
    assert_eq!(codes(&document, 1), ["web_access_disabled"]);
    assert!(codes(&document, 2).is_empty());
    assert_eq!(codes(&document, 3), ["web_access_unknown"]);
    assert_eq!(codes(&document, 5), ["web_access_disabled"]);
    let remedy = |n| finding(&document, n, "web_access_disabled")["remedy"].as_str().unwrap();
    assert!(remedy(1).contains("in Device > Phone,"), "{}", remedy(1));
    assert!(remedy(5).contains("Common Phone Profile > Kiosk"), "{}", remedy(5));
    assert_eq!(lab.record().requests("getPhone"), 0, "no page was opened one by one");
}

#[test]
fn enterprise_phone_configuration_decides_last() {
    let mut fleet = secretive();
    fleet.enterprise_web_access = Some(false);
    let document = audit(&Lab::with(config(fleet)), &[]);
    assert!(codes(&document, 2).is_empty(), "its own page comes first");
    let found = finding(&document, 3, "web_access_disabled");
    assert!(found["remedy"].as_str().unwrap().contains("System > Enterprise Phone Configuration"));
}

#[test]
fn where_sql_is_refused_pages_are_opened_instead() {
    for sql in [Sql::Refused, Sql::NoVendorConfig] {
        let lab = Lab::with(SimConfig { sql, ..config(secretive()) });
        let document = audit(&lab, &[]);
        assert_eq!(codes(&document, 1), ["web_access_disabled"], "{sql:?}");
        assert_eq!(codes(&document, 3), ["web_access_unknown"]);
        assert_eq!(lab.record().requests("getPhone"), 5);
    }
}

#[test]
fn pages_that_nobody_opened_decide_nothing() {
    let mut fleet = fleet_of(25);
    for phone in &mut fleet.phones {
        phone.httpd = Some(Httpd::Unknown);
        phone.web_access = Some(true);
    }
    fleet.enterprise_web_access = Some(false);
    let document = audit(&Lab::with(SimConfig { sql: Sql::Refused, ..config(fleet) }), &[]);
    let unread = (1..=25).filter(|n| codes(&document, *n) == ["web_access_unknown"]).count();
    assert_eq!(unread, 5, "20 pages are opened, and the others may say Enabled");
    assert!((1..=25).all(|n| !codes(&document, n).contains(&"web_access_disabled".to_owned())));
    assert!(
        document["remarks"].to_string().contains("5 phones were not looked at"),
        "{document:#}"
    );
}

#[test]
fn where_risport_is_refused_the_database_tells_registrations() {
    for risport in [RisPort::Forbidden, RisPort::Html, RisPort::Closed] {
        let lab = Lab::with(SimConfig { risport, ..config(fleet_of(3)) });
        let asked = lab.run(&["audit", "--json"]);
        let told = asked.stdout + &asked.stderr;
        assert!(told.contains("--registration-source axl"), "{risport:?}: {told}");
        let document = audit(&lab, &["--registration-source", "axl"]);
        let registration = &phone(&document, &name(1))["registration"];
        assert_eq!(registration["status"], "registered");
        assert_eq!(registration["source"], "registration_dynamic");
        assert!(document["remarks"].to_string().contains("last knew"), "{}", document["remarks"]);
        assert!(codes(&document, 1).iter().all(|code| code == "web_access_unknown"));
    }
}

#[test]
fn a_release_whose_database_knows_no_registrations_says_so() {
    let lab = Lab::with(SimConfig { release: Release::R11_5, ..config(fleet_of(1)) });
    let ended = lab.run(&["audit", "--registration-source", "axl"]);
    ended.fails(2, &["12.5 or later", "leave --registration-source axl out"]);
}

#[test]
fn of_two_phones_at_one_address_the_one_that_answers_is_ready() {
    let mut fleet = fleet_of(4);
    fleet.give_addresses();
    fleet.phones[1].reported_address = fleet.phones[0].address.v4();
    // Nobody lives where the other two are said to be.
    let nowhere = Some(std::net::Ipv4Addr::new(127, 254, 254, 253));
    fleet.phones[2].reported_address = nowhere;
    fleet.phones[3].reported_address = nowhere;
    let lab = Lab::with(config(fleet));
    let port = lab.cluster.phone_port().to_string();
    let file = lab.path("config.toml");
    std::fs::write(&file, format!("default_cluster = \"c\"\n[cluster.c]\nphone_port = {port}\n"))
        .unwrap();
    let document = audit(&lab, &["--config", file.to_str().unwrap()]);
    assert!(codes(&document, 1).is_empty(), "{:?}", codes(&document, 1));
    assert_eq!(codes(&document, 2), ["duplicate_ip"]);
    let message = |n, code| finding(&document, n, code)["message"].to_string();
    let other = message(2, "duplicate_ip");
    assert!(other.contains(&format!("{} answers there", name(1))), "{other}");
    for n in [3, 4] {
        assert_eq!(codes(&document, n), ["behind_expressway"], "{n}");
        assert_eq!(phone(&document, &name(n))["verdict"], "blocked");
        let nowhere = message(n, "behind_expressway");
        assert!(nowhere.contains("no phone answers there"), "{nowhere}");
        assert!(nowhere.contains("register through an Expressway"), "{nowhere}");
    }
    assert_eq!(document["summary"]["behind_expressway"], 2);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn a_dual_stack_phone_is_reached_over_ipv4() {
    let mut fleet = fleet_of(2);
    fleet.give_addresses();
    let v4 = fleet.phones[0].address.v4().unwrap();
    let v6 = "2001:db8::7".parse().unwrap();
    fleet.phones[0].address = Address::DualStack(v4, v6);
    fleet.phones[1].address = Address::V6Only(v6);
    let document = audit(&Lab::with(config(fleet)), &[]);
    assert_eq!(phone(&document, &name(1))["registration"]["ip"], v4.to_string());
    assert!(codes(&document, 1).is_empty());
    assert_eq!(codes(&document, 2), ["ipv6_only"]);
}

#[test]
fn a_push_user_that_is_locked_is_found_before_any_phone_is_asked() {
    let lab = Lab::of_phones(2);
    lab.cluster.set_account_state(PUSH_USER, AccountState::LockedByAdministrator);
    let document = audit(&lab, &[]);
    assert_eq!(codes(&document, 1), ["push_user_locked"]);
    assert_eq!(phone(&document, &name(1))["verdict"], "blocked");
    let ended = lab.push("rollout", &["--yes"]);
    assert_ne!(ended.code, 0);
    assert!(lab.record().phones.values().all(|phone| phone.pushes.is_empty()));
}

#[test]
fn an_outranked_account_is_told_before_it_tries() {
    let lab = Lab::of_phones(2);
    lab.cluster.set_rank(PUSH_USER, 1);
    lab.cluster.set_rank(axlpaper::sim::ADMIN_USER, 2);
    let document = audit(&lab, &[]);
    assert_eq!(codes(&document, 1), ["push_user_outranked"]);
    assert_eq!(lab.run(&["plan", "--json"]).code, 0);
    let ended = lab.push("rollout", &["--yes"]);
    assert_ne!(ended.code, 0, "{ended:?}");
    assert_eq!(lab.record().requests("updateAppUser"), 0, "it did not try");
}

#[test]
fn every_code_has_a_page_in_the_documents() {
    let findings = include_str!("../../docs/findings.md");
    for code in axlpaper::domain::finding::Code::ALL {
        assert!(findings.contains(&format!("`{code}`")), "docs/findings.md lacks {code}");
    }
}

#[test]
fn every_finding_says_what_to_do_and_where() {
    let fleet = axlpaper::sim::FleetSpec { seed: 11, phones: 400 }.generate();
    let document = audit(&Lab::with(config(fleet)), &[]);
    let mut seen = std::collections::BTreeSet::new();
    for phone in document["phones"].as_array().unwrap() {
        for finding in phone["findings"].as_array().unwrap() {
            let remedy = finding["remedy"].as_str().unwrap();
            // A page of CUCM, a command or an option, or what to do with the phone itself.
            let places = [" > ", "axlpaper", "--", "User Management", "Cisco ", "the phone"];
            assert!(places.iter().any(|place| remedy.contains(place)), "{finding}");
            seen.insert(finding["code"].as_str().unwrap().to_owned());
        }
    }
    assert!(seen.len() >= 12, "{seen:?}");
}
