use std::collections::BTreeMap;

use super::*;
use crate::domain::association::{UserKind, UserRef};
use crate::domain::finding::Code;
use crate::domain::inventory::{
    AccountStatus, AddressOwner, ClusterInfo, EnterpriseSettings, PhoneProfile,
};
use crate::domain::personalization::Setting;
use crate::domain::picture_rules::{Keep, PictureRule, PictureRules};
use crate::domain::registration::{Httpd, Registration, Source, Status};
use crate::domain::rule_times::RuleTimes;
use crate::domain::selector::Field;
use crate::domain::time_zone::Zones;
use crate::domain::web_access::{PageValue, WebAccess};
use crate::domain::words::WordsTemplate;

fn phone(name: &str) -> Phone {
    let registration = Registration {
        ip: Some(format!("10.0.0.{}", name.trim_start_matches("SEP")).parse().unwrap()),
        httpd: Httpd::Yes,
        active_load: Some("sip88xx.14-2-1".into()),
        ..Registration::unknown(Status::Registered, Source::Risport70)
    };
    Phone {
        model: "Cisco 8841".into(),
        device_pool: "HQ".into(),
        common_phone_profile: Some("Standard".into()),
        personalization: Some(Setting::Default),
        ..Phone::unknown(name.parse().unwrap(), registration)
    }
}

#[test]
fn a_resumed_run_says_which_of_its_rules_have_ended() {
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let rule = |name: &str, until: Option<&str>, pool: &str| PictureRule {
        name: name.to_owned(),
        file: name.into(),
        phones: vec![(Field::DevicePool, pool.parse().unwrap())],
        times: RuleTimes { until: until.map(|day| day.parse().unwrap()), ..RuleTimes::default() },
        keep: Keep::default(),
        words: WordsTemplate::default(),
        data: None,
    };
    let rules = [
        rule("xmas.png", Some("2026-12-26"), "HQ"),
        rule("brand.png", None, "HQ"),
        rule("lyon.png", Some("2026-12-26"), "Lyon"),
    ];
    let rules = PictureRules::new(rules, Zones::default(), time("2026-12-20T08:00:00Z"));
    let told = |now: &str| {
        let lyon = Phone { device_pool: "Lyon".into(), ..phone("SEP2") };
        let inventory = Inventory { taken_at: time(now), ..inventory(vec![phone("SEP1"), lyon]) };
        let audit = audited(&inventory).with_pictures(&rules);
        let picture = |at: usize| audit.phones[at].image.clone().unwrap().picture;
        assert_eq!(picture(0).as_deref(), Some("xmas.png"), "the rules of the start count");
        audit.rule_changes.join("\n")
    };
    let during = told("2026-12-21T00:00:00Z");
    assert!(during.contains("counts for 1 phone until 2026-12-27 00:00 UTC, then"), "{during}");
    assert!(!during.contains("although"), "{during}");
    let after = told("2026-12-28T00:00:00Z");
    for words in [
        "rule 1 of the config file (device_pool HQ, until 2026-12-26) counts for 1 phone although it ended at \
         2026-12-27 00:00 UTC: the run keeps the rules of its start at 2026-12-20 08:00 UTC",
        "now [[image]] rule 2 of the config file (device_pool HQ) counts",
        "now no [[image]] rule counts",
    ] {
        assert!(after.contains(words), "{words}\n{after}");
    }
}

fn audited(inventory: &Inventory) -> Audit {
    audit(inventory, &Repairs::default())
}

fn inventory(phones: Vec<Phone>) -> Inventory {
    let profile = |setting| PhoneProfile {
        personalization: Some(setting),
        background_access: Some(true),
        phones: 1,
        ..PhoneProfile::default()
    };
    let profiles = BTreeMap::from([
        ("Standard".to_owned(), profile(Setting::Enabled)),
        ("Off".to_owned(), profile(Setting::Disabled)),
        ("Https".to_owned(), profile(Setting::HttpsOnly)),
        ("Defers".to_owned(), profile(Setting::Default)),
        (
            "Locked".to_owned(),
            PhoneProfile { background_access: Some(false), ..profile(Setting::Enabled) },
        ),
        ("Unread".to_owned(), PhoneProfile { wallpaper_unread: true, ..profile(Setting::Enabled) }),
        (
            "Forced".to_owned(),
            PhoneProfile { forced_wallpaper: Some("logo.png".into()), ..profile(Setting::Enabled) },
        ),
    ]);
    Inventory {
        cluster: ClusterInfo {
            name: "lab".into(),
            host: "cucm-pub.example.com:8443".into(),
            version: "14.0.1.10000-20".into(),
            axl_version: "14.0".into(),
        },
        taken_at: jiff::Timestamp::UNIX_EPOCH,
        nodes: vec!["cucm-pub".into(), "cucm-sub1".into()],
        silent_nodes: Vec::new(),
        device_pools: vec!["HQ".into()],
        profiles,
        enterprise: EnterpriseSettings {
            personalization: Some(Setting::Disabled),
            authentication_url: Some(
                "http://cucm-pub.example.com:8080/ccmcip/authenticate.jsp".into(),
            ),
            ..EnterpriseSettings::default()
        },
        push_user: PushUser::Found {
            user: UserRef { user: "bgpush".into(), kind: UserKind::App },
            devices: (1..=20).map(|n| format!("sep{n}")).collect::<Vec<_>>().into(),
            account: AccountStatus::default(),
        },
        residents: BTreeMap::new(),
        phones_on_cluster: phones.len(),
        phones,
        remarks: Vec::new(),
    }
}

/// Judges one phone after a change to it.
fn judged(change: impl FnOnce(&mut Phone)) -> (Verdict, Vec<Code>) {
    let mut subject = phone("SEP1");
    change(&mut subject);
    let audited = audited(&inventory(vec![subject])).phones.remove(0);
    (audited.verdict, audited.findings.iter().map(|finding| finding.code).collect())
}

#[test]
fn a_phone_that_lacks_nothing_is_ready() {
    assert_eq!(judged(|_| {}), (Verdict::Ready, vec![]));
}

#[test]
fn every_obstacle_has_its_code_and_verdict() {
    use Verdict::{Blocked, Fixable, Offline, Ready, Unsupported};
    type Case = (fn(&mut Phone), Verdict, Code);
    let cases: &[Case] = &[
        (|p| p.name = "SEP99".parse().unwrap(), Fixable, Code::NotAssociated),
        (|p| p.common_phone_profile = Some("Off".into()), Blocked, Code::PersonalizationDisabled),
        (
            |p| p.common_phone_profile = Some("Https".into()),
            Blocked,
            Code::PersonalizationHttpsOnly,
        ),
        (|p| p.common_phone_profile = Some("Gone".into()), Blocked, Code::PersonalizationUnknown),
        (
            |p| p.common_phone_profile = Some("Defers".into()),
            Blocked,
            Code::PersonalizationDisabled,
        ),
        (|p| p.personalization = Some(Setting::Disabled), Blocked, Code::PersonalizationDisabled),
        (|p| p.personalization = None, Blocked, Code::PersonalizationUnknown),
        (|p| p.common_phone_profile = Some("Locked".into()), Blocked, Code::BackgroundLocked),
        (|p| p.common_phone_profile = Some("Forced".into()), Blocked, Code::BackgroundLocked),
        (|p| p.common_phone_profile = Some("Unread".into()), Blocked, Code::BackgroundLocked),
        (
            |p| p.secure_authentication_url = Some("https://informacast/auth".into()),
            Ready,
            Code::AuthenticationUrlForeign,
        ),
        (|p| p.registration.httpd = Httpd::No, Blocked, Code::WebAccessDisabled),
        (|p| p.registration.httpd = Httpd::Unknown, Ready, Code::WebAccessUnknown),
        (|p| p.registration.status = Status::Unregistered, Offline, Code::NotRegistered),
        (|p| p.registration.status = Status::NotFound, Offline, Code::NotRegistered),
        (|p| p.registration.status = Status::PartiallyRegistered, Ready, Code::PartiallyRegistered),
        (|p| p.registration.status = Status::Rejected, Blocked, Code::RegistrationRejected),
        (|p| p.registration.status = Status::Unknown, Blocked, Code::RegistrationUnknown),
        (|p| p.registration.ip = None, Blocked, Code::NoIpAddress),
        (|p| p.registration.ip = Some("2001:db8::1".parse().unwrap()), Blocked, Code::Ipv6Only),
        (
            |p| p.registration.active_load = Some("sip88xx.12-0-1MPP-2".into()),
            Unsupported,
            Code::MppFirmware,
        ),
        (|p| p.model = "Cisco 7841".into(), Unsupported, Code::UnsupportedModel),
        (|p| p.model = "Cisco 1".into(), Unsupported, Code::UnknownModel),
        (
            |p| p.authentication_url = Some("http://informacast/auth".into()),
            Ready,
            Code::AuthenticationUrlForeign,
        ),
    ];
    for (change, verdict, code) in cases {
        assert_eq!(judged(change), (*verdict, vec![*code]), "{code}");
    }
}

#[test]
fn the_worst_finding_decides_and_all_are_told() {
    let (verdict, codes) = judged(|phone| {
        phone.name = "SEP99".parse().unwrap();
        phone.registration.status = Status::Unregistered;
        phone.common_phone_profile = Some("Off".into());
    });
    assert_eq!(verdict, Verdict::Blocked);
    assert_eq!(codes, [Code::NotRegistered, Code::PersonalizationDisabled, Code::NotAssociated]);
}

#[test]
fn a_soft_phone_is_only_told_to_be_one() {
    let (verdict, codes) = judged(|phone| {
        phone.model = "Cisco Unified Client Services Framework".into();
        phone.name = "CSFJDOE".parse().unwrap();
        phone.common_phone_profile = Some("Off".into());
        phone.registration.httpd = Httpd::Unknown;
    });
    assert_eq!((verdict, codes), (Verdict::Unsupported, vec![Code::UnsupportedModel]));
}

#[test]
fn two_phones_at_one_address_are_both_held_back() {
    let mut twin = phone("SEP2");
    twin.registration.ip = phone("SEP1").registration.ip;
    let mut gone = phone("SEP3");
    gone.registration.ip = twin.registration.ip;
    gone.registration.status = Status::Unregistered;
    let audit = audited(&inventory(vec![phone("SEP1"), twin, gone]));
    assert!(audit.phones[..2].iter().all(|phone| phone.has(Code::DuplicateIp)));
    assert!(!audit.phones[2].has(Code::DuplicateIp));
}

#[test]
fn the_push_user_must_be_there() {
    let mut subject = inventory(vec![phone("SEP1")]);
    for push_user in [
        PushUser::NotNamed,
        PushUser::Missing {
            user: "bgpsh".into(),
            searched: vec![UserKind::App, UserKind::End],
            exists_as: None,
            similar: vec!["bgpush".into()],
        },
    ] {
        subject.push_user = push_user;
        let phone = audited(&subject).phones.remove(0);
        assert_eq!(phone.verdict, Verdict::Blocked);
        assert!(phone.has(Code::PushUserMissing) && !phone.association.associated);
    }
}

#[test]
fn a_push_user_of_the_other_kind_is_named_as_such() {
    let mut subject = inventory(vec![phone("SEP1")]);
    subject.push_user = PushUser::Missing {
        user: "bgpush".into(),
        searched: vec![UserKind::End],
        exists_as: Some(UserKind::App),
        similar: Vec::new(),
    };
    let finding = audited(&subject).phones.remove(0).findings.remove(0);
    assert_eq!(finding.message, "bgpush is an application user, not an end user");
    assert_eq!(finding.remedy, "use --push-user-kind app");
}

#[test]
fn foreign_authentication_is_one_finding_even_with_two_urls() {
    let (_, codes) = judged(|phone| {
        phone.authentication_url = Some("http://informacast/auth".into());
        phone.secure_authentication_url = Some("https://informacast/auth".into());
    });
    assert_eq!(codes, [Code::AuthenticationUrlForeign]);
}

#[test]
fn a_blank_authentication_url_is_told() {
    let mut subject = inventory(vec![phone("SEP1")]);
    subject.enterprise.authentication_url = Some(" ".into());
    assert!(audited(&subject).phones[0].has(Code::AuthenticationUrlBlank));
    subject.enterprise.authentication_url = None;
    assert_eq!(audited(&subject).phones[0].findings, []);
}

#[test]
fn every_finding_says_what_to_do() {
    let mut subject = inventory(vec![phone("SEP1"), phone("SEP99"), phone("SEP98")]);
    subject.phones[1].registration.status = Status::Unknown;
    subject.phones[2].model = "?".into();
    subject.push_user = PushUser::NotNamed;
    for phone in audited(&subject).phones {
        for finding in phone.findings {
            assert!(!finding.message.is_empty() && !finding.remedy.is_empty(), "{}", finding.code);
        }
    }
}

#[test]
fn the_summary_counts_every_phone_once() {
    let mut other = phone("SEP99");
    other.device_pool = "Paris".into();
    let audit = audited(&inventory(vec![phone("SEP1"), other]));
    let json = serde_json::to_value(&audit.summary).unwrap();
    assert_eq!(json["total"], 2);
    assert_eq!(json["ready"], 1);
    assert_eq!(json["not_associated"], 1);
    assert_eq!(json["duplicate_ip"], 0);
    assert_eq!(json["by_device_pool"]["Paris"]["fixable"], 1);
    assert_eq!(json["by_model"]["Cisco 8841"]["total"], 2);
}

#[test]
fn a_phone_reads_in_json_as_the_contract_says() {
    let audit = audited(&inventory(vec![phone("SEP99")]));
    let json = serde_json::to_value(&audit.phones[0]).unwrap();
    assert_eq!(json["model_enum"], 683);
    assert_eq!(json["registration"]["status"], "registered");
    assert_eq!(json["registration"]["source"], "risport70");
    assert_eq!(json["personalization"]["decided_by"], "profile");
    assert_eq!(
        json["association"],
        serde_json::json!({"user": "bgpush", "kind": "app", "associated": false})
    );
    assert_eq!(json["image"]["size"], "800x480");
    assert_eq!(json["image"]["schema"], "classic");
    assert_eq!(json["findings"][0]["code"], "not_associated");
    assert_eq!(json["findings"][0]["severity"], "fixable");
}

fn codes_of(inventory: &Inventory, at: usize) -> Vec<Code> {
    audited(inventory).phones[at].findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_page_that_decides_about_web_access_is_named() {
    let mut off = phone("SEP1");
    off.registration.httpd = Httpd::No;
    off.web_access = PageValue::Says(WebAccess::Disabled);
    let mut silent = phone("SEP2");
    silent.registration.httpd = Httpd::Unknown;
    let mut own = phone("SEP3");
    own.registration.httpd = Httpd::Unknown;
    own.web_access = PageValue::Says(WebAccess::Enabled);
    let mut inventory = inventory(vec![off, silent, own]);
    let found = audited(&inventory);
    let finding = &found.phones[0].findings[0];
    assert_eq!(finding.code, Code::WebAccessDisabled);
    assert!(finding.remedy.contains("in Device > Phone,"), "{}", finding.remedy);
    assert_eq!(codes_of(&inventory, 1), [Code::WebAccessUnknown]);
    assert!(codes_of(&inventory, 2).is_empty());
    assert!(finding.remedy.contains("--repair web-access"), "{}", finding.remedy);
    // A repair that was asked for and cannot be made is not proposed again.
    let asked = Repairs { web_access: true, ..Repairs::default() };
    let refused = audit(&inventory, &asked);
    let remedy = &refused.phones[0].findings[0].remedy;
    assert!(!remedy.contains("--repair") && remedy.contains("cannot do it here"), "{remedy}");
    inventory.enterprise.web_access = PageValue::Says(WebAccess::Disabled);
    let found = audited(&inventory);
    let finding = &found.phones[1].findings[0];
    assert_eq!(finding.code, Code::WebAccessDisabled);
    assert!(finding.remedy.contains("Enterprise Phone Configuration"), "{}", finding.remedy);
    assert!(codes_of(&inventory, 2).is_empty(), "its own page comes first");
    inventory.profiles.get_mut("Standard").unwrap().web_access =
        PageValue::Says(WebAccess::Enabled);
    assert!(codes_of(&inventory, 1).is_empty(), "the profile comes before the enterprise");
    inventory.profiles.get_mut("Standard").unwrap().web_access = PageValue::Unread;
    assert_eq!(codes_of(&inventory, 1), [Code::WebAccessUnknown], "an unread page may decide");
}

#[test]
fn of_two_at_one_address_the_one_that_answers_is_cleared() {
    let (one, mut two) = (phone("SEP1"), phone("SEP2"));
    two.registration.ip = one.registration.ip;
    let ip = one.registration.ip.unwrap();
    let mut inventory = inventory(vec![one, two]);
    let places = |inventory: &Inventory| {
        [0, 1].map(|at| {
            let codes = codes_of(inventory, at);
            let places = [Code::DuplicateIp, Code::BehindExpressway];
            codes.into_iter().find(|code| places.contains(code))
        })
    };
    let (duplicate, expressway) = (Some(Code::DuplicateIp), Some(Code::BehindExpressway));
    assert_eq!(places(&inventory), [duplicate, duplicate]);
    for (address_owner, expected) in [
        (AddressOwner::Device("sep2".into()), [duplicate, None]),
        (AddressOwner::Device("1".into()), [None, duplicate]),
        (AddressOwner::Device("SEP9".into()), [duplicate, duplicate]),
        (AddressOwner::Nameless, [expressway, expressway]),
        (AddressOwner::Silent, [expressway, expressway]),
    ] {
        inventory.residents.insert(ip, address_owner.clone());
        assert_eq!(places(&inventory), expected, "{address_owner:?}");
    }
    // Phones without a web server are silent wherever they are.
    for phone in &mut inventory.phones {
        phone.registration.httpd = Httpd::No;
    }
    assert_eq!(places(&inventory), [duplicate, duplicate]);
}

#[test]
fn a_phone_at_the_address_of_a_node_is_behind_an_expressway() {
    let mut inventory = inventory(vec![phone("SEP1")]);
    assert!(codes_of(&inventory, 0).is_empty());
    inventory.nodes.push(inventory.phones[0].registration.ip.unwrap().to_string());
    let found = audited(&inventory);
    assert_eq!(found.phones[0].findings[0].code, Code::BehindExpressway);
    assert_eq!(found.phones[0].verdict, Verdict::Blocked);
    // The list of nodes has host names, and RisPort70 or the user names one by its address.
    inventory.nodes = vec!["cucm-sub1".to_owned()];
    assert!(!codes_of(&inventory, 0).contains(&Code::BehindExpressway));
    let ip = inventory.phones[0].registration.ip.unwrap();
    inventory.cluster.host = format!("{ip}:8443");
    assert!(codes_of(&inventory, 0).contains(&Code::BehindExpressway));
    inventory.cluster.host = "cucm-pub:8443".to_owned();
    inventory.phones[0].registration.node = Some(ip.to_string());
    assert!(codes_of(&inventory, 0).contains(&Code::BehindExpressway));
}

#[test]
fn a_push_user_that_cannot_be_used_blocks() {
    let mut inventory = inventory(vec![phone("SEP1"), phone("SEP99")]);
    let set = |inventory: &mut Inventory, new: AccountStatus| {
        let PushUser::Found { account, .. } = &mut inventory.push_user else { unreachable!() };
        *account = new;
    };
    set(
        &mut inventory,
        AccountStatus { locked: Some("it is not active".into()), ..AccountStatus::default() },
    );
    assert_eq!(codes_of(&inventory, 0), [Code::PushUserLocked]);
    let ranks = |rank, own_rank| AccountStatus { rank, own_rank, ..AccountStatus::default() };
    set(&mut inventory, ranks(Some(1), Some(2)));
    assert!(codes_of(&inventory, 0).is_empty(), "what is there already needs no change");
    assert_eq!(codes_of(&inventory, 1), [Code::NotAssociated, Code::PushUserOutranked]);
    assert_eq!(audited(&inventory).phones[1].verdict, Verdict::Blocked);
    for harmless in [
        ranks(Some(2), Some(2)),
        ranks(Some(3), Some(1)),
        ranks(Some(1), None),
        ranks(None, Some(3)),
    ] {
        set(&mut inventory, harmless);
        assert_eq!(codes_of(&inventory, 1), [Code::NotAssociated]);
    }
}

#[test]
fn a_page_of_the_cluster_that_is_not_its_own_is_told_apart_from_another_server() {
    let mut other_page = phone("SEP1");
    other_page.authentication_url = Some("http://cucm-pub/custom/auth.jsp".into());
    let mut inventory = inventory(vec![other_page, phone("SEP2")]);
    let message = |inventory: &Inventory, at: usize| {
        audited(inventory).phones[at].findings[0].message.clone()
    };
    assert!(message(&inventory, 0).starts_with("another page than CUCM's own"));
    inventory.enterprise.secure_authentication_url = Some("https://evil.example/a".into());
    assert!(message(&inventory, 1).starts_with("another server decides"));
    assert_eq!(codes_of(&inventory, 1), [Code::AuthenticationUrlForeign]);
}

#[test]
fn what_a_phone_runs_counts_before_what_it_is_told_to_run() {
    let mut told = phone("SEP1");
    told.configured_load = Some("sip88xx.12-0-1MPP0001-200".into());
    let mut silent = phone("SEP2");
    silent.configured_load.clone_from(&told.configured_load);
    silent.registration.active_load = None;
    let inventory = inventory(vec![told, silent]);
    assert!(codes_of(&inventory, 0).is_empty());
    assert_eq!(codes_of(&inventory, 1), [Code::MppFirmware]);
}

#[test]
fn a_server_that_only_begins_like_a_node_is_another_server() {
    let with = |url: &str| {
        let mut phone = phone("SEP1");
        phone.authentication_url = Some(url.to_owned());
        let mut inventory = inventory(vec![phone]);
        inventory.nodes =
            vec!["cucm-pub".into(), "cucm-sub1.example.com".into(), "2001:db8::1".into()];
        codes_of(&inventory, 0)
    };
    const PAGE: &str = "/ccmcip/authenticate.jsp";
    assert_eq!(
        with(&format!("http://cucm-sub1.attacker.example{PAGE}")),
        [Code::AuthenticationUrlForeign]
    );
    assert!(with(&format!("http://cucm-sub1{PAGE}")).is_empty());
    assert!(with(&format!("http://cucm-sub1.example.com:8080{PAGE}")).is_empty());
    assert!(with(&format!("http://[2001:db8::1]:8080{PAGE}")).is_empty());
}

#[test]
fn https_only_is_no_obstacle_once_phones_certificates_can_be_believed() {
    let https = |at: usize| {
        let mut phone = phone(&format!("SEP{at}"));
        phone.common_phone_profile = Some("Https".into());
        phone
    };
    let inventory = inventory(vec![https(1), phone("SEP2")]);
    let blocked = audited(&inventory);
    assert_eq!(blocked.phones[0].verdict, Verdict::Blocked);
    let remedy = &blocked.phones[0].findings[0].remedy;
    assert!(remedy.contains("--phone-ca-file") && remedy.contains("--phone-tls"), "{remedy}");
    let allowed = Repairs { https: true, ..Repairs::default() };
    let allowed = audit(&inventory, &allowed);
    assert_eq!(allowed.phones[0].verdict, Verdict::Ready, "{:?}", allowed.phones[0].findings);
    assert!(allowed.phones[0].findings.is_empty());
    assert_eq!(allowed.phones[1].verdict, Verdict::Ready);
}

#[test]
fn that_phones_can_be_believed_is_not_kept_with_a_run() {
    let repairs = Repairs { https: true, web_access: true, ..Repairs::default() };
    let kept = serde_json::to_string(&repairs).unwrap();
    let read: Repairs = serde_json::from_str(&kept).unwrap();
    assert_eq!(read, Repairs { https: false, ..repairs });
}
