//! Checks requests against tables of field orders, as CUCM checks them against its schema.
//!
//! The tables are text in a small notation, so that they can be read beside the schema: field names in
//! sequence order, `name!` must be there, `name*` may repeat, `name:kind` restricts the text,
//! `name@12.5` exists from that schema version on and `name@<12.5` before it, `name{…}` holds fields
//! of its own, `$table` is replaced by those of another table, `name{…}` with `~` inside holds anything, and
//! `(a|b c)` is a choice between sequences, `(a|b)!` one that must be made.

mod notation;
mod tables;
pub(crate) mod wsdl;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

pub(crate) use notation::{Field, Item, Kind};
pub(crate) use wsdl::is_reference;

use crate::sim::xml::Node;

/// One operation: the shape of its request, and whether it changes the cluster.
pub(crate) struct Operation {
    pub(crate) request: Vec<Item>,
    /// Whether a read-only account is refused.
    pub(crate) writes: bool,
}

/// Returns the first schema version, such as `1150`, that has an operation; 0 for those that are in all.
pub(crate) fn since(operation: &str) -> u16 {
    match operation {
        "listRegistrationDynamic" => 1150,
        "listChange"
        | "applyCommonPhoneConfig"
        | "applyPhone"
        | "resetCommonPhoneConfig"
        | "resetPhone"
        | "restartPhone" => 1000,
        _ => 0,
    }
}

pub(crate) fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.get(name)
}

/// Returns the tags that an operation can be asked for, in the order in which they are answered.
pub(crate) fn tags(operation: &str, version: u16) -> impl Iterator<Item = &'static str> {
    let request = OPERATIONS.get(operation).map(|operation| operation.request.as_slice());
    let tags = request.unwrap_or_default().iter().find_map(|item| match item {
        Item::Field(Field { name, kind: Kind::Group(tags), .. }) if name == "returnedTags" => {
            Some(tags.as_slice())
        }
        Item::Field(_) | Item::Choice { .. } => None,
    });
    tags.unwrap_or_default().iter().filter_map(move |item| match item {
        Item::Field(field) if field.exists_in(version) => Some(field.name.as_str()),
        Item::Field(_) | Item::Choice { .. } => None,
    })
}

/// Returns whether a field is a boolean where it is written.
pub(crate) fn is_boolean(name: &str) -> bool {
    BOOLEANS.contains(name)
}

pub(crate) fn risport(name: &str) -> Option<&'static [Item]> {
    RISPORT.get(name).map(Vec::as_slice)
}

/// Returns a schema version such as `12.5` as the number 1250 that tables are asked with.
pub(crate) fn version_number(text: &str) -> u16 {
    // Only the constants of `Release` come here; 0 would merely hide newer fields.
    notation::version(text).unwrap_or(0)
}

/// Checks the children of `node` against `items`, for a schema version such as `1250`.
///
/// `namespace` is what every child must be in: nothing for AXL, whose children are unqualified.
/// The error is the sentence that the fault carries.
pub(crate) fn check(
    node: &Node,
    items: &[Item],
    version: u16,
    namespace: Option<&str>,
) -> Result<(), String> {
    // RisPort70's stack ignores texts between elements (believed: Axis does).
    if namespace.is_none() && !node.text.trim().is_empty() {
        return Err(format!("element {} must not contain text", node.name));
    }
    for child in &node.children {
        if child.namespace.as_deref() != namespace {
            return Err(format!(
                "element {} in {} is in the namespace {}, expected {}",
                child.name,
                node.name,
                child.namespace.as_deref().unwrap_or("(none)"),
                namespace.unwrap_or("(none)"),
            ));
        }
    }
    let mut at = 0;
    sequence(node, items, version, namespace, &mut at)?;
    match node.children.get(at) {
        None => Ok(()),
        Some(left) if knows(items, &left.name, version) => {
            Err(format!("element {} is out of order or repeated in {}", left.name, node.name))
        }
        Some(left) => Err(format!("element {} is not expected in {}", left.name, node.name)),
    }
}

fn sequence(
    node: &Node,
    items: &[Item],
    version: u16,
    namespace: Option<&str>,
    at: &mut usize,
) -> Result<(), String> {
    for item in items {
        match item {
            Item::Field(field) => {
                if !field.exists_in(version) {
                    continue;
                }
                let mut seen = 0;
                while let Some(child) = node.children.get(*at)
                    && child.name == field.name
                    && (field.many || seen == 0)
                {
                    value(child, field, version, namespace)?;
                    *at += 1;
                    seen += 1;
                }
                if field.required && seen == 0 {
                    return Err(missing(node, *at, &field.name));
                }
            }
            Item::Choice { options, required } => {
                let next = node.children.get(*at).map_or("", |child| child.name.as_str());
                let chosen = options.iter().find(|option| starts(option, next));
                match chosen {
                    Some(option) => sequence(node, option, version, namespace, at)?,
                    None if *required => return Err(missing(node, *at, &choices(options))),
                    None => {}
                }
            }
        }
    }
    Ok(())
}

fn value(child: &Node, field: &Field, version: u16, namespace: Option<&str>) -> Result<(), String> {
    let stray = child
        .attributes
        .iter()
        .find(|attribute| !attribute.qualified && !ATTRIBUTES.contains(&attribute.name.as_str()));
    if let Some(attribute) = stray {
        return Err(format!("attribute {} is not allowed on {}", attribute.name, child.name));
    }
    if let Kind::Group(items) = &field.kind {
        return check(child, items, version, namespace);
    }
    if matches!(field.kind, Kind::Anything) {
        return Ok(());
    }
    if let Some(inner) = child.children.first() {
        return Err(format!("element {} is not expected in {}", inner.name, child.name));
    }
    let text = child.text.trim();
    let nil = child.attributes.iter().any(|a| a.qualified && a.name == "nil");
    if field.kind.accepts(text) || (nil && text.is_empty()) {
        return Ok(());
    }
    let shown: String = text.chars().take(100).collect();
    Err(format!("the value {shown:?} of element {} is not valid", child.name))
}

fn starts(option: &[Item], name: &str) -> bool {
    match option.first() {
        Some(Item::Field(field)) => {
            field.name == name || (!field.required && starts(&option[1..], name))
        }
        Some(Item::Choice { .. }) | None => false,
    }
}

fn choices(options: &[Vec<Item>]) -> String {
    let first = options.iter().filter_map(|option| match option.first() {
        Some(Item::Field(field)) => Some(field.name.as_str()),
        Some(Item::Choice { .. }) | None => None,
    });
    first.collect::<Vec<_>>().join(" or ")
}

fn missing(node: &Node, at: usize, wanted: &str) -> String {
    match node.children.get(at) {
        Some(found) => {
            format!("element {} found in {} where {wanted} is expected", found.name, node.name)
        }
        None => format!("element {wanted} is missing in {}", node.name),
    }
}

fn knows(items: &[Item], name: &str, version: u16) -> bool {
    items.iter().any(|item| match item {
        Item::Field(field) => field.name == name && field.exists_in(version),
        Item::Choice { options, .. } => options.iter().any(|option| knows(option, name, version)),
    })
}

/// Attributes that the schema allows on some field; which one exactly is not checked.
const ATTRIBUTES: [&str; 4] = ["ctiid", "queueId", "special", "uuid"];

// The tables are constants, and a test below parses every one of them, so that none is ever dropped.
static OPERATIONS: LazyLock<HashMap<&str, Operation>> = LazyLock::new(|| {
    let parsed = tables::AXL.iter().filter_map(|&(name, writes, text)| {
        let request = notation::parse(text, tables::NAMED).ok()?;
        Some((name, Operation { request, writes }))
    });
    parsed.collect()
});

static BOOLEANS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    fn add<'a>(items: &'a [Item], found: &mut HashSet<&'a str>) {
        for item in items {
            match item {
                Item::Field(Field { name, kind: Kind::Boolean, .. }) => drop(found.insert(name)),
                Item::Field(Field { kind: Kind::Group(items), .. }) => add(items, found),
                Item::Field(_) => {}
                Item::Choice { options, .. } => options.iter().for_each(|items| add(items, found)),
            }
        }
    }
    let mut found = HashSet::new();
    OPERATIONS.values().for_each(|operation| add(&operation.request, &mut found));
    found
});

static RISPORT: LazyLock<HashMap<&str, Vec<Item>>> = LazyLock::new(|| {
    let parsed = tables::RISPORT
        .iter()
        .filter_map(|&(name, text)| Some((name, notation::parse(text, tables::NAMED).ok()?)));
    parsed.collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(operation_name: &str, version: u16, inner: &str) -> Result<(), String> {
        let node = Node::parse(&format!("<r>{inner}</r>")).unwrap();
        check(&node, &operation(operation_name).unwrap().request, version, None)
    }

    #[test]
    fn every_table_parses() {
        for (name, _, text) in tables::AXL {
            notation::parse(text, tables::NAMED).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for (name, text) in tables::RISPORT {
            notation::parse(text, tables::NAMED).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(OPERATIONS.len(), tables::AXL.len());
        assert_eq!(RISPORT.len(), tables::RISPORT.len());
    }

    #[test]
    fn the_phone_tables_have_every_field_of_the_schema() {
        let fields = |name: &str, version| {
            let items = notation::parse(name, tables::NAMED).unwrap();
            let Item::Field(Field { kind: Kind::Group(items), .. }) = &items[0] else { panic!() };
            let known = |item: &&Item| matches!(item, Item::Field(f) if f.exists_in(version));
            items.iter().filter(known).count()
        };
        assert_eq!(fields("x{$LPhone}", 1400), 119);
        assert_eq!(fields("x{$LPhone}", 1150), 116);
    }

    #[test]
    fn accepts_the_right_order_only() {
        let good = "<searchCriteria><name>%</name></searchCriteria>\
            <returnedTags><name/><model/><phoneSuite/></returnedTags><skip>0</skip><first>5</first>";
        checked("listPhone", 1250, good).unwrap();
        for (bad, part) in [
            ("<returnedTags/><searchCriteria/>", "where searchCriteria is expected"),
            ("<searchCriteria><name>%</name></searchCriteria>", "returnedTags is missing"),
            (
                "<searchCriteria><name/></searchCriteria><returnedTags><model/><name/></returnedTags>",
                "name is out of order",
            ),
            (
                "<searchCriteria><name/></searchCriteria><returnedTags><vendorConfig/></returnedTags>",
                "vendorConfig is not expected in returnedTags",
            ),
            (
                "<searchCriteria><name/></searchCriteria><returnedTags/><first>5</first><skip>0</skip>",
                "skip is out of order",
            ),
            (
                "<searchCriteria><name/></searchCriteria><returnedTags/><first>all</first>",
                "\"all\" of element first is not valid",
            ),
        ] {
            let error = checked("listPhone", 1250, bad).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn knows_what_each_version_has() {
        let tag =
            "<searchCriteria><name/></searchCriteria><returnedTags><allowMraMode/></returnedTags>";
        checked("listPhone", 1250, tag).unwrap();
        assert!(checked("listPhone", 1150, tag).is_err());
        let tag =
            "<searchCriteria><userid/></searchCriteria><returnedTags><displayName/></returnedTags>";
        checked("listUser", 1150, tag).unwrap();
        assert!(checked("listUser", 1250, tag).is_err());
        let fields = "<name>x</name><elinGroup/><allowMraMode>false</allowMraMode>";
        checked("updatePhone", 1500, fields).unwrap();
        assert!(checked("updatePhone", 1150, fields).is_err());
    }

    #[test]
    fn the_fields_of_a_change_stand_in_order() {
        let settings = "<vendorConfig><a b='c'><d/></a></vendorConfig>";
        let profile = "<commonPhoneConfigName>P</commonPhoneConfigName>";
        let suite = "<phoneSuite>Enabled</phoneSuite>";
        let name = "<name>x</name>";
        let good = format!("{name}{profile}{settings}{suite}");
        checked("updatePhone", 1150, &good).unwrap();
        for bad in [format!("{name}{suite}{settings}"), format!("{name}{settings}{profile}")] {
            assert!(checked("updatePhone", 1150, &bad).is_err(), "{bad}");
        }
        let inner = format!("<phonePersonalization>Enabled</phonePersonalization>{settings}");
        let add = |inner: &str| {
            let inner = format!("<commonPhoneConfig>{inner}</commonPhoneConfig>");
            checked("addCommonPhoneConfig", 1150, &inner)
        };
        add(&format!("{name}{inner}")).unwrap();
        assert!(add(&inner).unwrap_err().contains("where name is expected"));
        checked("updateCommonPhoneConfig", 1150, &format!("{name}{inner}")).unwrap();
        let named = format!("{name}<newName>{}</newName>", "y".repeat(51));
        assert!(checked("updateCommonPhoneConfig", 1150, &named).is_err());
    }

    #[test]
    fn a_choice_takes_one_of_its_sequences() {
        checked("getUser", 1400, "<userid>x</userid>").unwrap();
        assert!(checked("getUser", 1400, "").unwrap_err().contains("userid or uuid"));
        assert!(checked("getUser", 1400, "<userid>x</userid><uuid/>").is_err());
        checked(
            "getServiceParameter",
            1400,
            "<processNodeName>a</processNodeName><name>b</name><service>c</service>",
        )
        .unwrap();
        assert!(checked("getServiceParameter", 1400, "<name>b</name>").is_err());
    }
}
