use proptest::prelude::*;

use super::*;
use crate::audit::audit;
use crate::domain::association::{UserKind, UserRef};
use crate::domain::inventory::{EnterpriseSettings, Phone, Standing};
use crate::domain::personalization::Setting;
use crate::domain::registration::{Httpd, Registration, Source, Status};

fn phone(name: &str, status: Status) -> Phone {
    Phone {
        name: name.parse().unwrap(),
        description: String::new(),
        model: "Cisco 8841".into(),
        protocol: "SIP".into(),
        device_pool: "HQ".into(),
        common_phone_profile: None,
        location: None,
        owner: None,
        personalization: Some(Setting::Enabled),
        authentication_url: None,
        secure_authentication_url: None,
        configured_load: None,
        web_access: crate::domain::web_access::Said::Nothing,
        registration: Registration {
            ip: Some([10, 0, 0, name.bytes().last().unwrap()].into()),
            httpd: Httpd::Yes,
            ..Registration::unknown(status, Source::Risport70)
        },
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
            standing: Standing::default(),
        },
        residents: std::collections::BTreeMap::new(),
        phones_on_cluster: phones.len(),
        phones,
        remarks: vec![],
    }
}

fn made(inventory: &Inventory) -> Plan {
    plan(inventory, &audit(inventory))
}

fn parts(plan: &Plan) -> (&[String], &[String]) {
    let Action::AssociateDevices { adds, after, .. } = &plan.changes[0].action;
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
    assert_eq!(check(&plan), Ok(()));
}

#[test]
fn nothing_to_do_is_an_empty_plan() {
    let plan = made(&inventory(vec![phone("SEP1", Status::Registered)], &["sep1"]));
    assert_eq!(plan.changes, []);
    assert_eq!(check(&plan), Ok(()));
}

#[test]
fn a_plan_survives_json_and_keeps_its_fingerprint() {
    let plan = made(&inventory(vec![phone("SEP1", Status::Registered)], &["a"]));
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["changes"][0]["kind"], "associate_devices");
    assert_eq!(json["changes"][0]["target"]["user"], "bgpush");
    let read: Plan = serde_json::from_value(json).unwrap();
    assert_eq!(read, plan);
    assert_eq!(check(&read), Ok(()));
}

#[test]
fn an_edited_plan_is_refused() {
    let plan = made(&inventory(vec![phone("SEP1", Status::Registered)], &["a", "b"]));
    let edit = |from: &str, to: &str| {
        let json = serde_json::to_string(&plan).unwrap();
        assert!(json.contains(from), "{from} is not in {json}");
        check(&serde_json::from_str(&json.replace(from, to)).unwrap())
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
    assert!(matches!(check(&twice), Err(PlanError::WrittenTwice { .. })));
}

#[test]
fn an_applied_plan_leaves_nothing_to_plan() {
    let before = inventory(
        vec![phone("SEP1", Status::Registered), phone("SEP2", Status::Registered)],
        &["a"],
    );
    let plan = made(&before);
    let Action::AssociateDevices { after, .. } = &plan.changes[0].action;
    let later = after_apply(before, &[(plan.changes[0].clone(), after.clone())]);
    assert!(made(&later).changes.is_empty());
    assert!(audit(&later).phones.iter().all(|phone| phone.verdict == Verdict::Ready));
}

proptest! {
    #[test]
    fn any_plan_only_adds(devices in proptest::collection::vec("[a-zA-Z0-9]{1,6}", 0..20), phones in 0_u8..20) {
        let phones = (0..phones).map(|n| phone(&format!("SEP{n}"), Status::Registered)).collect();
        let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
        let inventory = inventory(phones, &devices);
        let plan = made(&inventory);
        prop_assert_eq!(check(&plan), Ok(()));
        prop_assert_eq!(&plan, &made(&inventory));
    }
}
