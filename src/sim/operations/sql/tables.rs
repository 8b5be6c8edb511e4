//! The tables that can be asked for, with the columns of the published data dictionary that matter here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::domain::model;
use crate::sim::fleet_content::{AccountState, Protocol, UserKind};
use crate::sim::operations::phones::{BOOLEANS, DEVICE_PROFILE, boolean, device_profile_name};
use crate::sim::operations::system::{
    ENTERPRISE_WIDE, ENTERPRISE_WIDE_UUID, node_description, node_uuid,
};
use crate::sim::state::{Database, Device, Table, User};
use crate::sim::values::{RIS_STATUS, pkid, ris_status, setting_number, truth, uuid};

/// A cell; `None` is NULL.
pub(super) type Cell<'a> = Option<Cow<'a, str>>;
type Rows<'a> = Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>;

/// The tables with the columns that SQLite makes of them. Those of a map and of a type are named in published queries.
pub(super) const TABLES: [(&str, &str); 37] = [
    (
        "device",
        "pkid text, name text, description text, tkclass integer, tkmodel integer, tkproduct integer, \
         tkdeviceprotocol integer, fkdevicepool text, fkcommonphoneconfig text, fklocation text, \
         fkcallingsearchspace text, fkenduser text, tkphonepersonalization integer, isactive text, \
         specialloadinformation text, ctiid integer, versionstamp text, allowcticontrolflag text, \
         allowhotelingflag text, deviceleveltraceflag text, ignorepi text, isdualmode text, isprotected text, \
         mtprequired text, remotedevice text, requiredtmfreception text, retryvideocallasaudio text, \
         rfc2833disabled text, unattended_port text, usedevicepoolcgpntransformcss text",
    ),
    ("typemodel", "enum integer, name text, tkclass integer"),
    ("typeproduct", "enum integer, name text, tkmodel integer"),
    ("typeclass", "enum integer, name text"),
    ("typedeviceprotocol", "enum integer, name text"),
    ("typepatternusage", "enum integer, name text"),
    ("typephonepersonalization", "enum integer, name text"),
    ("typerisstatus", "enum integer, name text"),
    ("devicepool", "pkid text, name text"),
    ("location", "pkid text, name text"),
    ("callingsearchspace", "pkid text, name text, description text"),
    ("routepartition", "pkid text, name text, description text"),
    (
        "commonphoneconfig",
        "pkid text, name text, tkphonepersonalization integer, zzbackgroundimageaccess text",
    ),
    (
        "enduser",
        "pkid text, userid text, firstname text, middlename text, lastname text, mailid text, department text, \
         telephonenumber text, status integer, islocaluser text, userrank integer",
    ),
    ("applicationuser", "pkid text, name text, isstandard text, userrank integer"),
    (
        "enduserdevicemap",
        "pkid text, fkenduser text, fkdevice text, tkuserassociation integer, defaultprofile text",
    ),
    (
        "applicationuserdevicemap",
        "pkid text, fkapplicationuser text, fkdevice text, tkuserassociation integer, description text",
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
    (
        "numplan",
        "pkid text, dnorpattern text, description text, fkroutepartition text, tkpatternusage integer",
    ),
    (
        "devicenumplanmap",
        "pkid text, fkdevice text, fknumplan text, numplanindex integer, label text, display text, e164mask text",
    ),
    (
        "registrationdynamic",
        "pkid text, fkdevice text, lastknownipaddress text, lastknownucm text, lastknownconfigversion text, \
         lastseen integer, lastactive integer, datetimestamp integer, tkrisstatus integer",
    ),
    (
        "processconfig",
        "pkid text, fkprocessnode text, paramname text, paramvalue text, tkservice integer",
    ),
    (
        "processnode",
        "pkid text, name text, description text, nodeid integer, tknodeusage integer, systemnode text",
    ),
    ("callmanager", "pkid text, name text, description text, fkprocessnode text, ctiid integer"),
    ("componentversion", "softwarecomponent text, version text"),
    (
        "extensionmobilitydynamic",
        "pkid text, fkdevice text, fkenduser text, fkdevice_currentloginprofile text, logintime integer, \
         loginduration integer, datetimestamp integer",
    ),
    ("dnddynamic", "fkdevice text, dndstatus text"),
    ("systables", "tabid integer, tabname text, tabtype text"),
    ("syscolumns", "tabid integer, colno integer, colname text"),
];

/// Returns the columns of a table, as SQLite makes it of them.
pub(super) fn columns(table: &str) -> Option<&'static str> {
    TABLES.iter().find(|(name, _)| *name == table).map(|(_, columns)| *columns)
}

/// The column of large texts, which must be selected alone (AXL schema).
pub(super) const LARGE_TEXT: &str = "xml";

pub(super) fn rows<'a>(cluster: &'a Database, table: &str) -> Rows<'a> {
    match table {
        "device" => {
            let phones = listed(cluster).map(|(at, found)| device(cluster, at, found));
            Box::new(phones.chain(logins(cluster).map(|login| device_profile(cluster, &login))))
        }
        "typemodel" => Box::new(
            models(cluster)
                .map(|(number, name)| vec![owned(number.to_string()), owned(name), text("1")]),
        ),
        // RisPort70 reports the number of the model as that of the product, too.
        "typeproduct" => Box::new(models(cluster).map(|(number, name)| {
            vec![owned(number.to_string()), owned(name), owned(number.to_string())]
        })),
        "typeclass" => numbered(&[
            ("1", "Phone"),
            ("20", "Phone Template"),
            (DEVICE_PROFILE, "Device Profile"),
        ]),
        "typedeviceprotocol" => numbered(&[("0", "SCCP"), ("11", "SIP")]),
        "typepatternusage" => numbered(&[(DIRECTORY_NUMBER, "Device")]),
        "typerisstatus" => Box::new(
            (1..).zip(RIS_STATUS).map(|(at, name)| vec![owned(at.to_string()), text(name)]),
        ),
        "callingsearchspace" => Box::new(
            cluster.spaces.entries.iter().map(|e| vec![text(&e.pkid), text(&e.name), text("")]),
        ),
        "registrationdynamic" => Box::new(registrations(cluster)),
        "callmanager" => Box::new((1..).zip(&cluster.nodes).map(|(at, node)| {
            let process_node = owned(pkid(&node_uuid(cluster, at, node)));
            let id = owned(pkid(&uuid("callmanager", node)));
            let name = owned(format!("CM_{node}"));
            vec![id, name, text(node), process_node, owned(at.to_string())]
        })),
        "extensionmobilitydynamic" => {
            Box::new(logins(cluster).map(|Login { at, device, user }| {
                let time = device.login_time(at).to_string();
                vec![
                    owned(pkid(&uuid("login", &device.spec.name))),
                    text(&device.pkid),
                    text(&user.pkid),
                    owned(pkid(&uuid(DEVICE_PROFILE, &device_profile_name(&user.userid)))),
                    owned(time.clone()),
                    text("0"),
                    owned(time),
                ]
            }))
        }
        "dnddynamic" => Box::new(listed(cluster).map(|(_, device)| {
            let on = device.fields.get("dndStatus").and_then(|node| truth(node.text.trim()));
            vec![text(&device.pkid), flag(on == Some(true))]
        })),
        "systables" => Box::new(
            numbered_tables()
                .map(|(id, (name, _))| vec![owned(id.to_string()), text(name), text("T")]),
        ),
        "syscolumns" => Box::new(numbered_tables().flat_map(|(id, (_, columns))| {
            (1..).zip(columns.split(", ")).map(move |(at, column)| {
                let name = column.split(' ').next().unwrap_or_default();
                vec![owned(id.to_string()), owned(at.to_string()), text(name)]
            })
        })),
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
            numbered(&[("0", "Disabled"), ("1", "Enabled"), ("2", "HTTPS Only"), ("3", "Default")])
        }
        "enduser" => Box::new(users(cluster, UserKind::EndUser).map(|user| {
            vec![
                text(&user.pkid),
                text(&user.userid),
                text(user.field("firstName")),
                text(user.field("middleName")),
                text(user.field("lastName")),
                text(user.field("mailid")),
                text(user.field("department")),
                text(user.field("telephoneNumber")),
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
        "numplan" => {
            let numbers: BTreeSet<Cow<'_, str>> = lines(cluster)
                .map(|(.., number)| number)
                .chain(cluster.lines.entries.iter().map(|line| Cow::Borrowed(line.name.as_str())))
                .collect();
            Box::new(numbers.into_iter().map(|number| {
                let fields = cluster.lines.find(&number).map(|at| &cluster.lines.entries[at].value);
                let description = fields.and_then(|fields| fields.get("description"));
                let id = line_id(&number);
                let description = text(description.map_or("", |node| node.text.trim()));
                vec![id, Some(number), description, None, text(DIRECTORY_NUMBER)]
            }))
        }
        "devicenumplanmap" => Box::new(lines(cluster).map(|(device, index, number)| {
            let id = owned(pkid(&uuid("map", &format!("{} {index}", device.pkid))));
            let written = device.written_lines.as_ref().and_then(|lines| lines.get(index - 1));
            let field = |tag| written.and_then(|line| text(line.written.child_text(tag)?));
            let (label, display, mask) = (field("label"), field("display"), field("e164Mask"));
            let index = owned(index.to_string());
            vec![id, text(&device.pkid), line_id(&number), index, label, display, mask]
        })),
        "processconfig" => {
            let parameters = cluster.parameters.iter();
            Box::new(parameters.map(|(name, value)| {
                let id = owned(pkid(&uuid("parameter", name)));
                let node = owned(pkid(ENTERPRISE_WIDE_UUID));
                vec![id, node, text(name), text(value), text("11")]
            }))
        }
        "processnode" => {
            let nodes =
                [ENTERPRISE_WIDE].into_iter().chain(cluster.nodes.iter().map(String::as_str));
            Box::new((0..).zip(nodes).map(|(at, name)| {
                let id = owned(pkid(&node_uuid(cluster, at, name)));
                let usage = if at <= 1 { "0" } else { "1" };
                let number = owned((at + 1).to_string());
                vec![
                    id,
                    text(name),
                    node_description(at).and_then(text),
                    number,
                    text(usage),
                    flag(at == 0),
                ]
            }))
        }
        "componentversion" => {
            Box::new(std::iter::once(vec![text("master"), text(cluster.config.release.version())]))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn listed(cluster: &Database) -> impl Iterator<Item = (usize, &Device)> {
    cluster.order.iter().map(|&at| (at, &*cluster.devices[at]))
}

/// Returns the lines of devices: the device, the place of the line on it, and its number.
fn lines(cluster: &Database) -> impl Iterator<Item = (&Device, usize, Cow<'_, str>)> {
    listed(cluster).flat_map(|(at, device)| {
        (1..).zip(device.numbers(at)).map(move |(index, number)| (device, index, number))
    })
}

fn line_id(number: &str) -> Cell<'static> {
    owned(pkid(&uuid("line", number)))
}

/// Somebody who is logged in on a phone by Extension Mobility.
struct Login<'a> {
    at: usize,
    device: &'a Device,
    user: &'a User,
}

fn logins(cluster: &Database) -> impl Iterator<Item = Login<'_>> {
    listed(cluster).filter_map(|(at, device)| {
        let user = cluster.user(device.spec.login_user.as_deref()?)?;
        Some(Login { at, device, user: &cluster.users[user] })
    })
}

/// Returns the row of the device profile that a user has logged in with.
fn device_profile<'a>(cluster: &'a Database, login: &Login<'a>) -> Vec<Cell<'a>> {
    let name = device_profile_name(&login.user.userid);
    let mut row = device(cluster, login.at, login.device);
    row[0] = owned(pkid(&uuid(DEVICE_PROFILE, &name)));
    row[1] = owned(name);
    row[2] = text("");
    row[3] = text(DEVICE_PROFILE);
    // It has no profile of phones, location, search space or owner, and is no device that registers.
    for cell in &mut row[8..12] {
        *cell = None;
    }
    row[15] = None;
    row
}

fn numbered<'a>(rows: &'static [(&str, &str)]) -> Rows<'a> {
    Box::new(rows.iter().map(|(number, name)| vec![text(number), text(name)]))
}

fn registrations(cluster: &Database) -> impl Iterator<Item = Vec<Cell<'_>>> {
    listed(cluster).filter_map(|(at, device)| {
        let status = ris_status(device.registration())?;
        let number = RIS_STATUS.iter().position(|name| *name == status)? + 1;
        let seen = device.last_seen(at).to_string();
        Some(vec![
            owned(pkid(&uuid("registration", &device.spec.name))),
            text(&device.pkid),
            owned(device.address_text().unwrap_or_default()),
            text(cluster.nodes.get(device.spec.node).map_or("", String::as_str)),
            text(&device.pkid),
            owned(seen.clone()),
            owned(seen.clone()),
            owned(seen),
            owned(number.to_string()),
        ])
    })
}

fn device<'a>(cluster: &'a Database, at: usize, device: &'a Device) -> Vec<Cell<'a>> {
    let spec = &device.spec;
    let booleans = BOOLEANS.iter().map(|(tag, ..)| flag(boolean(device, tag)));
    let own = [
        text(&device.pkid),
        text(&spec.name),
        text(&spec.description),
        text(if spec.template { "20" } else { "1" }),
        owned(spec.model.to_string()),
        owned(spec.model.to_string()),
        text(match spec.protocol {
            Protocol::Sccp => "0",
            Protocol::Sip => "11",
        }),
        text(&cluster.pools.entries[device.pool].pkid),
        text(&cluster.profiles.entries[device.profile].pkid),
        text(&cluster.locations.entries[device.location].pkid),
        device.space.and_then(|space| text(&cluster.spaces.entries[space].pkid)),
        device.owner.and_then(|owner| text(&cluster.users[owner].pkid)),
        text(setting_number(spec.personalization)),
        flag(spec.active),
        spec.special_load.as_deref().and_then(text),
        owned((at + 1).to_string()),
        owned(device.version_stamp(at)),
    ];
    own.into_iter().chain(booleans).collect()
}

/// Returns the phones whose `vendorConfig` has so many bytes: the table depends on the size.
fn device_xml(cluster: &Database, size: Range<usize>) -> Rows<'_> {
    Box::new(listed(cluster).filter_map(move |(_, device)| {
        let settings = device.vendor_settings();
        size.contains(&settings.len()).then(|| vec![text(&device.pkid), Some(settings)])
    }))
}

fn models(cluster: &Database) -> impl Iterator<Item = (u32, String)> {
    let known = model::catalogue().iter().map(|model| (model.number, model.name.to_owned()));
    let mut all: BTreeMap<u32, String> = known.collect();
    // A join with this table must not lose the phones of a model that a test made up.
    for (_, device) in listed(cluster) {
        all.entry(device.spec.model).or_insert_with(|| device.spec.model_name.clone());
    }
    all.into_iter()
}

fn named<T>(table: &Table<T>) -> Rows<'_> {
    Box::new(table.entries.iter().map(|entry| vec![text(&entry.pkid), text(&entry.name)]))
}

fn users(cluster: &Database, kind: UserKind) -> impl Iterator<Item = &User> {
    cluster.listed_users().map(|(_, user)| user).filter(move |user| user.kind == kind)
}

fn associations(cluster: &Database, kind: UserKind) -> Rows<'_> {
    Box::new(users(cluster, kind).flat_map(move |user| {
        user.devices.iter().map(move |&device| {
            let device = &cluster.devices[device].pkid;
            let id = owned(pkid(&uuid("association", &format!("{} {device}", user.pkid))));
            let last = (kind == UserKind::EndUser).then_some(Cow::Borrowed("f"));
            vec![id, text(&user.pkid), text(device), text("1"), last]
        })
    }))
}

/// Returns the groups of all users with their roles; a group of several users is there several times.
fn groups(cluster: &Database) -> impl Iterator<Item = (&str, &Vec<String>)> {
    let users = cluster.listed_users();
    users.flat_map(|(_, user)| user.groups.iter().map(|(name, roles)| (name.as_str(), roles)))
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

/// Returns the tables with their numbers: those below 100 are the catalogue of Informix.
fn numbered_tables() -> impl Iterator<Item = (u32, (&'static str, &'static str))> {
    (100..).zip(TABLES).map(|(number, table)| match table.0 {
        "systables" => (1, table),
        "syscolumns" => (2, table),
        _ => (number, table),
    })
}

/// The number of directory numbers in `typepatternusage` (seen in published queries).
const DIRECTORY_NUMBER: &str = "2";
