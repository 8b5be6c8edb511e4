use proptest::prelude::*;

use super::*;
use crate::audit::audit;
use crate::domain::association::DeviceList;
use crate::domain::association::{UserKind, UserRef};
use crate::domain::finding::Verdict;
use crate::domain::inventory::{
    AccountStatus, ClusterInfo, EnterpriseSettings, Phone, PhoneProfile, PushUser,
};
use crate::domain::personalization::Setting;
use crate::domain::phone_page::PageSettings;
use crate::domain::plan::{Action, Change, ConfigLevel, CurrentState, PersonalizationChange};
use crate::domain::registration::{Httpd, Registration, Source, Status};
use crate::domain::repair_policy::Scope;
use crate::domain::web_access::{PageValue, WebAccess};

fn phone(name: &str, status: Status) -> Phone {
    let registration = Registration {
        ip: Some([10, 0, 0, name.bytes().last().unwrap()].into()),
        httpd: Httpd::Yes,
        ..Registration::unknown(status, Source::Risport70)
    };
    Phone {
        model: "Cisco 8841".into(),
        device_pool: "HQ".into(),
        personalization: Some(Setting::Enabled),
        ..Phone::unknown(name.parse().unwrap(), registration)
    }
}

fn inventory(phones: Vec<Phone>, devices: &[&str]) -> Inventory {
    Inventory {
        cluster: ClusterInfo {
            name: "lab".into(),
            host: "pub:8443".into(),
            version: "14.0".into(),
            axl_version: "14.0".into(),
        },
        taken_at: jiff::Timestamp::UNIX_EPOCH,
        nodes: vec![],
        silent_nodes: vec![],
        device_pools: vec![],
        profiles: std::collections::BTreeMap::default(),
        enterprise: EnterpriseSettings::default(),
        push_user: PushUser::Found {
            user: UserRef { user: "bgpush".into(), kind: UserKind::App },
            devices: devices.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into(),
            account: AccountStatus::default(),
        },
        residents: std::collections::BTreeMap::new(),
        phones_on_cluster: phones.len(),
        phones,
        remarks: vec![],
    }
}

fn repaired(inventory: &Inventory, repairs: &Repairs) -> Result<Plan, PlanRefused> {
    plan(inventory, &audit(inventory, repairs), repairs, &PendingApplies::default())
}

fn made(inventory: &Inventory) -> Plan {
    repaired(inventory, &Repairs::default()).unwrap()
}

fn parts(plan: &Plan) -> (&[String], &[String]) {
    let Action::AssociateDevices { adds, after, .. } = &plan.changes[0].action else {
        panic!("it is another change")
    };
    (adds, after.entries())
}

#[test]
fn adds_what_is_missing_behind_what_is_there() {
    let mut blocked = phone("SEP3", Status::Registered);
    blocked.personalization = Some(Setting::Disabled);
    let mut soft = phone("CSF4", Status::Registered);
    soft.model = "Cisco Unified Client Services Framework".into();
    let phones =
        vec![phone("SEP1", Status::Registered), phone("SEP2", Status::Unregistered), blocked, soft];
    let plan = made(&inventory(phones, &["ctiport1", "SEP9"]));
    assert_eq!(parts(&plan).0, ["SEP1", "SEP2"]);
    assert_eq!(parts(&plan).1, ["ctiport1", "SEP9", "SEP1", "SEP2"]);
    assert_eq!(plan.changes[0].affects, 2);
    assert!(plan.changes[0].reason.contains("1 of them"));
    assert_eq!(check(&plan, Kind::Repair), Ok(()));
}

#[test]
fn nothing_to_do_is_an_empty_plan() {
    let plan = made(&inventory(vec![phone("SEP1", Status::Registered)], &["sep1"]));
    assert_eq!(plan.changes, []);
    assert_eq!(check(&plan, Kind::Repair), Ok(()));
}

#[test]
fn a_plan_survives_json_and_keeps_its_fingerprint() {
    let plan = made(&inventory(vec![phone("SEP1", Status::Registered)], &["a"]));
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["changes"][0]["kind"], "associate_devices");
    assert_eq!(json["changes"][0]["target"]["user"], "bgpush");
    let read: Plan = serde_json::from_value(json).unwrap();
    assert_eq!(read, plan);
    assert_eq!(check(&read, Kind::Repair), Ok(()));
}

#[test]
fn an_edited_plan_is_refused() {
    let plan = made(&inventory(vec![phone("SEP1", Status::Registered)], &["a", "b"]));
    let edit = |from: &str, to: &str| {
        let json = serde_json::to_string(&plan).unwrap();
        assert!(json.contains(from), "{from} is not in {json}");
        check(&serde_json::from_str(&json.replace(from, to)).unwrap(), Kind::Repair)
    };
    assert!(matches!(
        edit(r#""after":["a","b","SEP1"]"#, r#""after":["a","SEP1"]"#),
        Err(PlanError::TakesAway { device, .. }) if device == "b"
    ));
    assert_eq!(
        edit(r#""after":["a","b","SEP1"]"#, r#""after":["a","b","SEP1","SEP2"]"#),
        Err(PlanError::NotExact { change: 1 })
    );
    assert_eq!(edit("SEP1", "SEP2"), Err(PlanError::Altered));
    assert_eq!(edit("pub:8443", "other:8443"), Err(PlanError::Altered));
    let mut twice = plan.clone();
    twice.changes.push(twice.changes[0].clone());
    assert!(matches!(check(&twice, Kind::Repair), Err(PlanError::WrittenTwice { .. })));
}

#[test]
fn an_applied_plan_leaves_nothing_to_plan() {
    let before = inventory(
        vec![phone("SEP1", Status::Registered), phone("SEP2", Status::Registered)],
        &["a"],
    );
    let plan = made(&before);
    let later = after_apply(before, [(&plan.changes[0], None)]);
    assert!(made(&later).changes.is_empty());
    assert!(
        audit(&later, &Repairs::default())
            .phones
            .iter()
            .all(|phone| phone.verdict == Verdict::Ready)
    );
}

proptest! {
    #[test]
    fn any_plan_only_adds(devices in proptest::collection::vec("[a-zA-Z0-9]{1,6}", 0..20), phones in 0_u8..20) {
        let phones = (0..phones).map(|n| phone(&format!("SEP{n}"), Status::Registered)).collect();
        let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
        let inventory = inventory(phones, &devices);
        let plan = made(&inventory);
        prop_assert_eq!(check(&plan, Kind::Repair), Ok(()));
        prop_assert_eq!(&plan, &made(&inventory));
    }
}

/// Phones of the profile `Lobby`, which has personalization disabled and ten phones on the whole cluster.
fn lobby(settings: &[Setting]) -> Inventory {
    let phones = settings.iter().zip(1..).map(|(setting, n)| Phone {
        common_phone_profile: Some("Lobby".into()),
        personalization: Some(*setting),
        ..phone(&format!("SEP{n}"), Status::Registered)
    });
    let phones: Vec<Phone> = phones.collect();
    let names: Vec<String> = phones.iter().map(|phone| phone.name.to_string()).collect();
    let mut inventory = inventory(phones, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let profile = PhoneProfile {
        personalization: Some(Setting::Disabled),
        background_access: Some(true),
        phones: 10,
        page: Some("digest".into()),
        ..PhoneProfile::default()
    };
    inventory.profiles.insert("Lobby".into(), profile);
    inventory
}

fn allowing(scope: Scope) -> Repairs {
    Repairs { personalization: Some(scope), ..Repairs::default() }
}

fn kinds(plan: &Plan) -> Vec<String> {
    plan.changes
        .iter()
        .map(|change| format!("{} {}", change.action.kind(), change.action.subject()))
        .collect()
}

#[test]
fn personalization_is_enabled_where_it_is_allowed() {
    let inventory = lobby(&[Setting::Default, Setting::Enabled, Setting::Disabled]);
    assert!(made(&inventory).changes.is_empty(), "nothing is repaired unasked");

    let plan = repaired(&inventory, &allowing(Scope::Phone)).unwrap();
    let phone_three = "enable_personalization Phone Personalization of the phone SEP3";
    assert_eq!(kinds(&plan)[1], phone_three);
    assert_eq!(
        kinds(&plan)[2..],
        ["SEP1", "SEP3"].map(|name| format!("apply_config configuration of the phone {name}"))
    );
    assert_eq!(check(&plan, Kind::Repair), Ok(()));
    let changes = plan.changes.iter().map(|change| (change, None));
    let after = after_apply(inventory.clone(), changes);
    let verdicts = audit(&after, &Repairs::default());
    assert!(verdicts.phones.iter().all(|phone| phone.verdict == Verdict::Ready));

    // The phone whose own page says Disabled is not helped by its profile.
    let plan = repaired(&inventory, &allowing(Scope::Profile)).unwrap();
    assert_eq!(
        kinds(&plan),
        [
            "enable_personalization Phone Personalization of the Common Phone Profile Lobby",
            "apply_config configuration of the Common Phone Profile Lobby"
        ]
    );
    assert_eq!(plan.changes[0].affects, 10);
    assert_eq!(plan.phones_touched(), 10);
}

#[test]
fn phones_are_moved_to_a_copy_of_their_profile() {
    let mut inventory = lobby(&[Setting::Default, Setting::Default]);
    let scope = allowing(Scope::NewProfile("Lobby 2".into()));
    let plan = repaired(&inventory, &scope).unwrap();
    assert_eq!(check(&plan, Kind::Repair), Ok(()));
    assert_eq!(plan.changes.len(), 5);
    assert_eq!(kinds(&plan)[0], "add_profile Common Phone Profile Lobby 2");
    assert_eq!(kinds(&plan)[2], "assign_profile Common Phone Profile of the phone SEP2");
    let after = after_apply(inventory.clone(), plan.changes.iter().map(|change| (change, None)));
    assert!(audit(&after, &scope).phones.iter().all(|phone| phone.verdict == Verdict::Ready));
    // Where it is there already, as after an interruption, it is only used.
    inventory.profiles.insert("lobby 2".into(), after.profiles["Lobby 2"].clone());
    assert_eq!(repaired(&inventory, &scope).unwrap().changes.len(), 4);
    inventory.profiles.insert("lobby 2".into(), PhoneProfile::default());
    assert_eq!(
        repaired(&inventory, &scope),
        Err(PlanRefused::ProfileExists { name: "Lobby 2".into() })
    );
    inventory.profiles.remove("lobby 2");
    inventory.profiles.insert("Other".into(), inventory.profiles["Lobby"].clone());
    inventory.phones[1].common_phone_profile = Some("Other".into());
    assert!(matches!(repaired(&inventory, &scope), Err(PlanRefused::SeveralProfiles { .. })));
}

#[test]
fn web_access_is_enabled_on_the_page_that_was_read() {
    let mut inventory = lobby(&[Setting::Enabled]);
    let page = PageSettings { web_access: None, others: "digest".into() };
    inventory.phones[0].registration.httpd = Httpd::No;
    inventory.profiles.get_mut("Lobby").unwrap().web_access = PageValue::Says(WebAccess::Disabled);
    let repairs = Repairs { web_access: true, reset: true, ..Repairs::default() };
    assert!(repaired(&inventory, &repairs).unwrap().changes.is_empty(), "no page was read");
    inventory.phones[0].page = Some(page);
    let plan = repaired(&inventory, &repairs).unwrap();
    assert_eq!(plan.changes.len(), 2);
    assert_eq!(plan.changes[1].action, Action::apply_config(ConfigLevel::Phone, "SEP1", true));
    assert_eq!(check(&plan, Kind::Repair), Ok(()));
    let after = after_apply(inventory, plan.changes.iter().map(|change| (change, None)));
    assert_eq!(audit(&after, &repairs).phones[0].verdict, Verdict::Ready);
}

#[test]
fn what_earlier_runs_left_is_taken_over() {
    let inventory = lobby(&[Setting::Enabled, Setting::Enabled]);
    let repairs = Repairs::default();
    let pending_applies = PendingApplies {
        phones: vec!["SEP2".into(), "SEP9".into()],
        profiles: vec!["Gone".into()],
    };
    let plan = plan(&inventory, &audit(&inventory, &repairs), &repairs, &pending_applies).unwrap();
    assert_eq!(kinds(&plan), ["apply_config configuration of the phone SEP2"]);
}

fn undone(done: &[Change], now: &[CurrentState]) -> Revert {
    undone_with(done, now, &PendingApplies::default())
}

fn undone_with(done: &[Change], now: &[CurrentState], pending_applies: &PendingApplies) -> Revert {
    let cluster = inventory(Vec::new(), &[]).cluster;
    revert_of(&cluster, jiff::Timestamp::UNIX_EPOCH, done.iter().zip(now), pending_applies, false)
}

fn list(names: &[&str]) -> DeviceList {
    names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into()
}

#[test]
fn only_what_the_run_added_and_is_still_there_is_taken_out() {
    let phones = vec![phone("SEP1", Status::Registered), phone("SEP2", Status::Registered)];
    let done = made(&inventory(phones, &["a", "b"])).changes;
    let back = undone(&done, &[CurrentState::List(list(&["a", "SEP2", "new"]))]);
    let Action::DissociateDevices { removes, after, .. } = &back.plan.changes[0].action else {
        panic!("{back:?}")
    };
    assert_eq!((removes, after), (&vec!["SEP2".to_owned()], &list(&["a", "new"])));
    assert!(back.left[0].contains("SEP1"), "{:?}", back.left);
    assert_eq!(check(&back.plan, Kind::Revert), Ok(()));
    assert!(matches!(check(&back.plan, Kind::Repair), Err(PlanError::TakesBack { .. })));
}

#[test]
fn settings_go_back_unless_somebody_changed_them() {
    let inventory = lobby(&[Setting::Default, Setting::Default, Setting::Default]);
    let done = repaired(&inventory, &allowing(Scope::Phone)).unwrap().changes;
    let says = |setting| CurrentState::Phone {
        personalization: Some(setting),
        profile: None,
        settings: Err("not read".into()),
    };
    let now = [
        says(Setting::Enabled),
        says(Setting::HttpsOnly),
        CurrentState::Gone,
        CurrentState::Gone,
        CurrentState::Gone,
        CurrentState::Gone,
    ];
    let back = undone(&done, &now);
    assert_eq!(
        kinds(&back.plan),
        [
            "restore_personalization Phone Personalization of the phone SEP1",
            "apply_config configuration of the phone SEP1"
        ]
    );
    let Action::RestorePersonalization(PersonalizationChange { before, after, .. }) =
        &back.plan.changes[0].action
    else {
        panic!("{back:?}")
    };
    assert_eq!((*before, *after), (Setting::Enabled, Setting::Default));
    assert_eq!(back.left.len(), 2, "{:?}", back.left);
    assert!(back.left.iter().any(|line| line.contains("HTTPS Only")), "{:?}", back.left);
    assert_eq!(check(&back.plan, Kind::Revert), Ok(()));
}

#[test]
fn a_copied_profile_goes_after_its_phones_have_left_it() {
    let inventory = lobby(&[Setting::Default]);
    let scope = allowing(Scope::NewProfile("Lobby 2".into()));
    let done = repaired(&inventory, &scope).unwrap().changes;
    let now = [
        CurrentState::Profile {
            personalization: Some(Setting::Enabled),
            page: Ok("digest".into()),
        },
        CurrentState::Phone {
            personalization: Some(Setting::Default),
            profile: Some("Lobby 2".into()),
            settings: Err(String::new()),
        },
        CurrentState::Gone,
    ];
    let back = undone(&done, &now);
    let order: Vec<&str> = back.plan.changes.iter().map(|change| change.action.kind()).collect();
    assert_eq!(order, ["assign_profile", "apply_config", "remove_profile"]);
    assert!(back.left.is_empty(), "{:?}", back.left);
    // Somebody has changed the copy: it is theirs now.
    let now = [
        CurrentState::Profile { personalization: Some(Setting::Enabled), page: Ok("other".into()) },
        CurrentState::Gone,
        CurrentState::Gone,
    ];
    assert!(undone(&done, &now).plan.changes.is_empty());
}

#[test]
fn the_file_of_a_way_back_leads_to_the_same_way_back() {
    for scope in [Scope::Phone, Scope::Profile, Scope::NewProfile("Lobby 2".into())] {
        let inventory = lobby(&[Setting::Default, Setting::Default]);
        let done = repaired(&inventory, &allowing(scope)).unwrap().changes;
        let left = |changes: &[Change]| -> Vec<CurrentState> {
            changes.iter().map(|change| left_by(&change.action, None)).collect()
        };
        let file = undone(&done, &left(&done)).plan;
        assert!(!file.changes.is_empty());
        assert_eq!(check(&file, Kind::Revert), Ok(()));
        let named = taken_back(&file);
        assert_eq!(undone(&named, &left(&named)).plan.changes, file.changes);
    }
}

#[test]
fn phones_that_were_not_told_that_their_settings_are_back_are_told() {
    let inventory = lobby(&[Setting::Default, Setting::Default]);
    let done = repaired(&inventory, &allowing(Scope::Phone)).unwrap().changes;
    let back = CurrentState::Phone {
        personalization: Some(Setting::Default),
        profile: None,
        settings: Err("not read".into()),
    };
    let now = vec![back; done.len()];
    let pending_applies =
        PendingApplies { phones: vec!["SEP2".into(), "SEP9".into()], profiles: Vec::new() };
    let plan = undone_with(&done, &now, &pending_applies).plan;
    assert_eq!(kinds(&plan), ["apply_config configuration of the phone SEP2"]);
    assert!(undone(&done, &now).plan.changes.is_empty());
}

proptest! {
    #[test]
    fn a_way_back_never_takes_out_what_the_run_did_not_add(
        before in proptest::collection::vec("[a-f]{1,2}", 0..10),
        added in proptest::collection::vec("SEP[0-9]", 0..6),
        now in proptest::collection::vec("[a-f]{1,2}|SEP[0-9]", 0..20),
    ) {
        let before = DeviceList::from(before);
        let after = before.merged(added.iter().map(String::as_str));
        let adds = after.missing_from(&before);
        let target = UserRef { user: "bgpush".into(), kind: UserKind::App };
        let action = Action::AssociateDevices { target, before, adds: adds.clone(), after };
        let done = [Change { id: 1, affects: adds.len(), action, reason: String::new() }];
        let now = DeviceList::from(now);
        let back = undone(&done, &[CurrentState::List(now.clone())]);
        prop_assert_eq!(check(&back.plan, Kind::Revert), Ok(()));
        let left = match back.plan.changes.first().map(|change| &change.action) {
            Some(Action::DissociateDevices { after, .. }) => after.clone(),
            Some(_) => return Err(TestCaseError::fail("another change")),
            None => now.clone(),
        };
        for name in now.entries() {
            prop_assert_eq!(left.contains(name), !adds.iter().any(|added| added.eq_ignore_ascii_case(name)));
        }
    }
}
