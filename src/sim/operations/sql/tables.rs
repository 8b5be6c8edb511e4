//! The tables that can be asked for, with the columns of the published data dictionary that matter here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::domain::model;
use crate::sim::fleet_content::{AccountState, Protocol, UserKind};
use crate::sim::state::{Database, Device, Table, User};
use crate::sim::values::{pkid, setting_number, uuid};

/// A cell; `None` is NULL.
pub(super) type Cell<'a> = Option<Cow<'a, str>>;
type Rows<'a> = Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>;

pub(super) const TABLES: [(&str, &str); 24] = [
    (
        "device",
        "pkid text, name text, description text, tkclass integer, tkmodel integer, tkdeviceprotocol integer, \
         fkdevicepool text, fkcommonphoneconfig text, fklocation text, fkenduser text, \
         tkphonepersonalization integer, isactive text, specialloadinformation text",
    ),
    ("typemodel", "enum integer, name text, tkclass integer"),
    ("devicepool", "pkid text, name text"),
    ("location", "pkid text, name text"),
    (
        "commonphoneconfig",
        "pkid text, name text, tkphonepersonalization integer, zzbackgroundimageaccess text",
    ),
    ("typephonepersonalization", "enum integer, name text"),
    (
        "enduser",
        "pkid text, userid text, lastname text, status integer, islocaluser text, userrank integer",
    ),
    ("applicationuser", "pkid text, name text, isstandard text, userrank integer"),
    (
        "enduserdevicemap",
        "fkenduser text, fkdevice text, tkuserassociation integer, defaultprofile text",
    ),
    (
        "applicationuserdevicemap",
        "fkapplicationuser text, fkdevice text, tkuserassociation integer, description text",
    ),
    ("enduserdirgroupmap", "fkenduser text, fkdirgroup text"),
    ("applicationuserdirgroupmap", "fkapplicationuser text, fkdirgroup text"),
    ("dirgroup", "pkid text, name text"),
    ("functionroledirgroupmap", "fkfunctionrole text, fkdirgroup text"),
    ("functionrole", "pkid text, name text"),
    ("devicexml4k", "fkdevice text, xml text"),
    ("devicexml8k", "fkdevice text, xml text"),
    ("devicexml16k", "fkdevice text, xml text"),
    ("commonphoneconfigxml", "fkcommonphoneconfig text, xml text"),
    ("numplan", "pkid text, dnorpattern text, description text"),
    ("devicenumplanmap", "pkid text, fkdevice text, fknumplan text, numplanindex integer"),
    ("processconfig", "paramname text, paramvalue text, tkservice integer"),
    ("processnode", "name text, description text"),
    ("componentversion", "softwarecomponent text, version text"),
];

/// The column of large texts, which must be selected alone (AXL schema).
pub(super) const LARGE_TEXT: &str = "xml";

pub(super) fn rows<'a>(cluster: &'a Database, table: &str) -> Rows<'a> {
    match table {
        "device" => Box::new(listed(cluster).map(|found| device(cluster, found))),
        "typemodel" => Box::new(models(cluster)),
        "devicepool" => named(&cluster.pools),
        "location" => named(&cluster.locations),
        "commonphoneconfig" => Box::new(cluster.profiles.entries.iter().map(|entry| {
            vec![
                text(&entry.pkid),
                text(&entry.name),
                text(setting_number(entry.value.spec.personalization)),
                flag(entry.value.spec.background_image),
            ]
        })),
        "typephonepersonalization" => {
            let all = [("0", "Disabled"), ("1", "Enabled"), ("2", "HTTPS Only"), ("3", "Default")];
            Box::new(all.into_iter().map(|(number, name)| vec![text(number), text(name)]))
        }
        "enduser" => Box::new(users(cluster, UserKind::EndUser).map(|user| {
            vec![
                text(&user.pkid),
                text(&user.userid),
                text(&user.userid),
                text(if user.state == AccountState::Inactive { "0" } else { "1" }),
                text("t"),
                owned(user.rank.to_string()),
            ]
        })),
        "applicationuser" => Box::new(users(cluster, UserKind::Application).map(|user| {
            vec![text(&user.pkid), text(&user.userid), text("f"), owned(user.rank.to_string())]
        })),
        "enduserdevicemap" => associations(cluster, UserKind::EndUser),
        "applicationuserdevicemap" => associations(cluster, UserKind::Application),
        "enduserdirgroupmap" => memberships(cluster, UserKind::EndUser),
        "applicationuserdirgroupmap" => memberships(cluster, UserKind::Application),
        "dirgroup" => {
            let groups: BTreeSet<&str> = groups(cluster).map(|(name, _)| name).collect();
            Box::new(groups.into_iter().map(|name| vec![group_id(name), text(name)]))
        }
        "functionroledirgroupmap" => {
            let pairs = groups(cluster)
                .flat_map(|(group, roles)| roles.iter().map(move |role| (role.as_str(), group)));
            let pairs: BTreeSet<(&str, &str)> = pairs.collect();
            Box::new(pairs.into_iter().map(|(role, group)| vec![role_id(role), group_id(group)]))
        }
        "functionrole" => {
            let roles: BTreeSet<&str> =
                groups(cluster).flat_map(|(_, roles)| roles).map(String::as_str).collect();
            Box::new(roles.into_iter().map(|name| vec![role_id(name), text(name)]))
        }
        "devicexml4k" => device_xml(cluster, 0..4096),
        "devicexml8k" => device_xml(cluster, 4096..8192),
        "devicexml16k" => device_xml(cluster, 8192..usize::MAX),
        "commonphoneconfigxml" => {
            let entries = cluster.profiles.entries.iter();
            Box::new(entries.map(|e| vec![text(&e.pkid), Some(e.value.vendor_settings())]))
        }
        "numplan" => Box::new(
            lines(cluster)
                .map(|(at, _, number)| vec![owned(format!("line-{at}")), owned(number), text("")]),
        ),
        "devicenumplanmap" => Box::new(lines(cluster).map(|(at, device, _)| {
            let line = format!("line-{at}");
            vec![owned(format!("map-{at}")), text(&device.pkid), owned(line), text("1")]
        })),
        "processconfig" => {
            let parameters = cluster.parameters.iter();
            Box::new(parameters.map(|(name, value)| vec![text(name), text(value), text("11")]))
        }
        "processnode" => {
            let nodes = cluster.nodes.iter().map(String::as_str);
            Box::new(
                std::iter::once("EnterpriseWideData").chain(nodes).map(|n| vec![text(n), None]),
            )
        }
        "componentversion" => {
            Box::new(std::iter::once(vec![text("master"), text(cluster.config.release.version())]))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn listed(cluster: &Database) -> impl Iterator<Item = &Device> {
    cluster.order.iter().map(|&at| &*cluster.devices[at])
}

/// Returns the devices that have a line, with its number.
fn lines(cluster: &Database) -> impl Iterator<Item = (usize, &Device, String)> {
    cluster.order.iter().filter_map(|&at| {
        let device = &*cluster.devices[at];
        Some((at, device, device.extension(at)?))
    })
}

fn device<'a>(cluster: &'a Database, device: &'a Device) -> Vec<Cell<'a>> {
    let spec = &device.spec;
    vec![
        text(&device.pkid),
        text(&spec.name),
        text(&spec.description),
        text(if spec.template { "254" } else { "1" }),
        owned(spec.model.to_string()),
        text(match spec.protocol {
            Protocol::Sccp => "0",
            Protocol::Sip => "11",
        }),
        text(&cluster.pools.entries[device.pool].pkid),
        text(&cluster.profiles.entries[device.profile].pkid),
        text(&cluster.locations.entries[device.location].pkid),
        device.owner.and_then(|owner| text(&cluster.users[owner].pkid)),
        text(setting_number(spec.personalization)),
        flag(spec.active),
        spec.special_load.as_deref().and_then(text),
    ]
}

/// Returns the phones whose `vendorConfig` has so many bytes: the table depends on the size.
fn device_xml(cluster: &Database, size: Range<usize>) -> Rows<'_> {
    Box::new(listed(cluster).filter_map(move |device| {
        let settings = device.vendor_settings();
        size.contains(&settings.len()).then(|| vec![text(&device.pkid), Some(settings)])
    }))
}

fn models(cluster: &Database) -> impl Iterator<Item = Vec<Cell<'_>>> {
    let known = model::catalogue().iter().map(|model| (model.number, model.name.to_owned()));
    let mut all: BTreeMap<u32, String> = known.collect();
    // A join with this table must not lose the phones of a model that a test made up.
    for device in listed(cluster) {
        all.entry(device.spec.model).or_insert_with(|| device.spec.model_name.clone());
    }
    let rows = all.into_iter();
    rows.map(|(number, name)| vec![owned(number.to_string()), owned(name), text("1")])
}

fn named<T>(table: &Table<T>) -> Rows<'_> {
    Box::new(table.entries.iter().map(|entry| vec![text(&entry.pkid), text(&entry.name)]))
}

fn users(cluster: &Database, kind: UserKind) -> impl Iterator<Item = &User> {
    cluster.users.iter().map(|user| &**user).filter(move |user| user.kind == kind)
}

fn associations(cluster: &Database, kind: UserKind) -> Rows<'_> {
    Box::new(users(cluster, kind).flat_map(move |user| {
        user.devices.iter().map(move |&device| {
            let last = (kind == UserKind::EndUser).then_some(Cow::Borrowed("f"));
            vec![text(&user.pkid), text(&cluster.devices[device].pkid), text("1"), last]
        })
    }))
}

/// Returns the groups of all users with their roles; a group of several users is there several times.
fn groups(cluster: &Database) -> impl Iterator<Item = (&str, &Vec<String>)> {
    let users = cluster.users.iter();
    users.flat_map(|user| user.groups.iter().map(|(name, roles)| (name.as_str(), roles)))
}

fn memberships(cluster: &Database, kind: UserKind) -> Rows<'_> {
    Box::new(users(cluster, kind).flat_map(|user| {
        user.groups.iter().map(move |(name, _)| vec![text(&user.pkid), group_id(name)])
    }))
}

fn group_id(name: &str) -> Cell<'static> {
    owned(pkid(&uuid("group", name)))
}

fn role_id(name: &str) -> Cell<'static> {
    owned(pkid(&uuid("role", name)))
}

fn text(text: &str) -> Cell<'_> {
    Some(Cow::Borrowed(text))
}

fn owned<'a>(text: String) -> Cell<'a> {
    Some(Cow::Owned(text))
}

fn flag(value: bool) -> Cell<'static> {
    Some(Cow::Borrowed(if value { "t" } else { "f" }))
}
