//! Tests every answer against the simulator's own field tables: order, attributes, and values that the
//! published schema enumerates.

use super::call::Call;
use super::read;
use super::row::NEVER_EMPTY;
use crate::sim::config::{PUSH_END_USER, PUSH_USER, SimConfig};
use crate::sim::fleet::FleetSpec;
use crate::sim::fleet_content::{Fleet, STANDARD_PROFILE};
use crate::sim::schema::{self, Field, Item, Kind};
use crate::sim::state::{Cluster, Database};
use crate::sim::xml::Node;

fn returned(operation: &str) -> &'static [Item] {
    let request = &schema::operation(operation).unwrap().request;
    let tags = request.iter().find_map(|item| match item {
        Item::Field(Field { name, kind: Kind::Group(items), .. }) if name == "returnedTags" => {
            Some(items)
        }
        Item::Field(_) | Item::Choice { .. } => None,
    });
    tags.unwrap()
}

fn everything(items: &[Item], version: u16) -> String {
    let tags = items.iter().filter_map(|item| match item {
        Item::Field(field) if field.exists_in(version) => Some(format!("<{}/>", field.name)),
        Item::Field(_) | Item::Choice { .. } => None,
    });
    tags.collect()
}

fn answer(database: &Database, operation: &str, version: u16, inner: &str) -> Node {
    let request = Node::parse(&format!("<{operation}>{inner}</{operation}>")).unwrap();
    let shape = &schema::operation(operation).unwrap().request;
    schema::check(&request, shape, version, None).unwrap();
    let call = Call { version, shuffle: None, odd_nulls: false, user: 0, request: &request };
    Node::parse(&read(database, &call).unwrap()).unwrap()
}

fn check(object: &Node, items: &[Item], version: u16) {
    schema::check(object, items, version, None)
        .unwrap_or_else(|error| panic!("{}: {error}\n{object:?}", object.name));
    check_values(object);
}

fn check_values(node: &Node) {
    for attribute in &node.attributes {
        // `xsi:nil` is allowed on nothing that is answered here.
        assert!(!attribute.qualified, "{node:?}");
        match attribute.name.as_str() {
            "uuid" => assert!(Kind::Uuid.accepts(&attribute.value), "{node:?}"),
            "ctiid" => assert!(attribute.value.parse::<u32>().unwrap() > 0),
            "special" => assert!(Kind::Boolean.accepts(&attribute.value)),
            other => panic!("{other} on {}", node.name),
        }
    }
    let text = node.text.as_str();
    if NEVER_EMPTY.contains(node.name.as_str()) {
        assert!(!text.is_empty(), "{} is empty", node.name);
    }
    if let Some((_, values)) = VALUES.iter().find(|(name, _)| *name == node.name) {
        assert!(values.contains(&text), "{} is {text:?}", node.name);
    }
    let limit = if node.name == "description" || node.name == "name" { 128 } else { usize::MAX };
    assert!(text.chars().count() <= limit, "{} is too long: {text}", node.name);
    node.children.iter().for_each(check_values);
}

#[test]
fn every_answer_has_the_order_and_the_values_of_the_schema() {
    let fleet: Fleet = FleetSpec { seed: 5, phones: 300 }.generate();
    let names: Vec<String> = fleet.phones.iter().map(|phone| phone.name.clone()).collect();
    let database = Cluster::new(SimConfig::new(fleet)).database;
    for version in [1100, 1150, 1200, 1250, 1400, 1500] {
        for (operation, criterion) in [
            ("listPhone", "name"),
            ("listCommonPhoneConfig", "name"),
            ("listDevicePool", "name"),
            ("listLine", "pattern"),
            ("listProcessNode", "name"),
            ("listUser", "userid"),
            ("listAppUser", "userid"),
            ("listRegistrationDynamic", "device"),
        ] {
            if schema::since(operation) > version {
                continue;
            }
            let items = returned(operation);
            let inner = format!(
                "<searchCriteria><{criterion}>%</{criterion}></searchCriteria><returnedTags>{}</returnedTags>",
                everything(items, version)
            );
            let found = answer(&database, operation, version, &inner);
            assert!(!found.children.is_empty(), "{operation}");
            found.children.iter().for_each(|object| check(object, items, version));
        }
        let people = [("getAppUser", "userid", PUSH_USER), ("getUser", "userid", PUSH_END_USER)];
        let profile = [("getCommonPhoneConfig", "name", STANDARD_PROFILE)];
        let lines = [("getLine", "pattern", "1000"), ("getDevicePool", "name", "Default")];
        let phones = names.iter().map(|name| ("getPhone", "name", name.as_str()));
        for (operation, key, name) in people.into_iter().chain(profile).chain(lines).chain(phones) {
            let items = returned(operation);
            let key = format!("<{key}>{name}</{key}>");
            let tags = format!("<returnedTags>{}</returnedTags>", everything(items, version));
            // All tags asked for, and none named, which means all that the simulator has.
            for inner in [format!("{key}{tags}"), key] {
                let found = answer(&database, operation, version, &inner);
                assert_eq!(found.children.len(), 1);
                check(&found.children[0], items, version);
            }
        }
    }
}

/// Values of the published schema, for what the simulator answers.
const VALUES: [(&str, &[&str]); 8] = [
    ("phoneSuite", PERSONALIZATION),
    ("phonePersonalization", PERSONALIZATION),
    ("protocol", &["SCCP", "SIP"]),
    ("class", &["Phone", "Phone Template"]),
    ("phoneServiceDisplay", &["Internal", "External URL", "Both", "Default"]),
    ("risStatus", &["Unknown", "Registered", "Unregistered", "Rejected", "Partial Registered"]),
    ("endpointConnection", &["CDP", "LLDP", "SSID", "SWITCH"]),
    ("nodeUsage", &["Publisher", "Subscriber"]),
];
const PERSONALIZATION: &[&str] = &["Disabled", "Enabled", "HTTPS Only", "Default"];
