//! The tables that can be asked for, with the columns of the published data dictionary that matter here.

use std::borrow::Cow;

use crate::domain::model;
use crate::sim::content::{Protocol, UserKind};
use crate::sim::state::{Cluster, setting_number};

/// A cell: nothing is NULL.
pub(super) type Cell<'a> = Option<Cow<'a, str>>;

/// A table as it stands now.
pub(super) struct Table<'a> {
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<Cell<'a>>>,
}

/// Returns a table, or nothing if the simulator has none of this name.
pub(super) fn table<'a>(cluster: &'a Cluster, name: &str) -> Option<Table<'a>> {
    let table = match name {
        "device" => Table { columns: DEVICE, rows: devices(cluster) },
        "typemodel" => Table { columns: &["enum", "name", "tkclass"], rows: models(cluster) },
        "devicepool" => Table { columns: &["pkid", "name"], rows: named(&cluster.pools) },
        "location" => Table { columns: &["pkid", "name"], rows: named(&cluster.locations) },
        "commonphoneconfig" => Table {
            columns: &["pkid", "name", "tkphonepersonalization", "zzbackgroundimageaccess"],
            rows: (cluster.profiles.entries.iter())
                .map(|entry| {
                    vec![
                        pkid(&entry.uuid),
                        text(&entry.name),
                        text(setting_number(entry.value.personalization)),
                        flag(entry.value.background_image),
                    ]
                })
                .collect(),
        },
        "typephonepersonalization" => Table {
            columns: &["enum", "name"],
            rows: [("0", "Disabled"), ("1", "Enabled"), ("2", "HTTPS Only"), ("3", "Default")]
                .into_iter()
                .map(|(number, name)| vec![text(number), text(name)])
                .collect(),
        },
        "enduser" => Table {
            columns: &["pkid", "userid", "lastname", "status", "islocaluser", "userrank"],
            rows: users(cluster, UserKind::EndUser, |user| {
                vec![
                    pkid(&user.uuid),
                    text(&user.userid),
                    text(&user.userid),
                    text("1"),
                    text("t"),
                    owned(user.rank.to_string()),
                ]
            }),
        },
        "applicationuser" => Table {
            columns: &["pkid", "name", "isstandard", "userrank"],
            rows: users(cluster, UserKind::Application, |user| {
                vec![pkid(&user.uuid), text(&user.userid), text("f"), owned(user.rank.to_string())]
            }),
        },
        "enduserdevicemap" => Table {
            columns: &["fkenduser", "fkdevice", "tkuserassociation", "defaultprofile"],
            rows: associations(cluster, UserKind::EndUser),
        },
        "applicationuserdevicemap" => Table {
            columns: &["fkapplicationuser", "fkdevice", "tkuserassociation", "description"],
            rows: associations(cluster, UserKind::Application),
        },
        "processconfig" => Table {
            columns: &["paramname", "paramvalue", "tkservice"],
            rows: (cluster.parameters.iter())
                .map(|(name, value)| vec![text(name), text(value), text("11")])
                .collect(),
        },
        "processnode" => Table {
            columns: &["name", "description"],
            rows: ["EnterpriseWideData"]
                .into_iter()
                .chain(cluster.nodes.iter().map(String::as_str))
                .map(|name| vec![text(name), None])
                .collect(),
        },
        "componentversion" => Table {
            columns: &["softwarecomponent", "version"],
            rows: vec![vec![text("master"), text(cluster.release.version())]],
        },
        _ => return None,
    };
    Some(table)
}

fn devices(cluster: &Cluster) -> Vec<Vec<Cell<'_>>> {
    let row = |device: &'_ crate::sim::state::Device| {
        let spec = &device.spec;
        let class = if spec.template { "254" } else { "1" };
        [class.to_owned(), spec.model.to_string()].map(owned)
    };
    let rows = cluster.devices.iter().map(|device| {
        let spec = &device.spec;
        let [class, model] = row(device);
        vec![
            pkid(&device.uuid),
            text(&spec.name),
            text(&spec.description),
            class,
            model,
            text(match spec.protocol {
                Protocol::Sccp => "0",
                Protocol::Sip => "11",
            }),
            pkid(&cluster.pools.entries[device.pool].uuid),
            pkid(&cluster.profiles.entries[device.profile].uuid),
            pkid(&cluster.locations.entries[device.location].uuid),
            device.owner.and_then(|owner| pkid(&cluster.users[owner].uuid)),
            text(setting_number(spec.personalization)),
            flag(spec.active),
            spec.special_load.as_deref().and_then(text),
        ]
    });
    rows.collect()
}

fn models(cluster: &Cluster) -> Vec<Vec<Cell<'_>>> {
    let known = model::catalogue().iter().map(|model| (model.number, model.name.to_owned()));
    // Models that a test made up exist too, or a join on this table would lose their phones.
    let used = cluster.devices.iter().map(|device| (device.spec.model, &device.spec.model_name));
    let mut all: std::collections::BTreeMap<u32, String> = known.collect();
    for (number, name) in used {
        all.entry(number).or_insert_with(|| name.clone());
    }
    let rows = all.into_iter();
    rows.map(|(number, name)| vec![owned(number.to_string()), owned(name), text("1")]).collect()
}

fn named<T>(table: &crate::sim::state::Table<T>) -> Vec<Vec<Cell<'_>>> {
    table.entries.iter().map(|entry| vec![pkid(&entry.uuid), text(&entry.name)]).collect()
}

fn users<'a>(
    cluster: &'a Cluster,
    kind: UserKind,
    row: impl Fn(&'a crate::sim::state::User) -> Vec<Cell<'a>>,
) -> Vec<Vec<Cell<'a>>> {
    cluster.users.iter().filter(|user| user.kind == kind).map(row).collect()
}

fn associations(cluster: &Cluster, kind: UserKind) -> Vec<Vec<Cell<'_>>> {
    let users = cluster.users.iter().filter(|user| user.kind == kind);
    let rows = users.flat_map(|user| {
        user.devices.iter().map(move |&device| {
            let last = (kind == UserKind::EndUser).then_some(Cow::Borrowed("f"));
            vec![pkid(&user.uuid), pkid(&cluster.devices[device].uuid), text("1"), last]
        })
    });
    rows.collect()
}

/// A key as the database has it: lower case, without braces.
fn pkid(uuid: &str) -> Cell<'static> {
    Some(Cow::Owned(uuid.trim_matches(['{', '}']).to_lowercase()))
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

const DEVICE: &[&str] = &[
    "pkid",
    "name",
    "description",
    "tkclass",
    "tkmodel",
    "tkdeviceprotocol",
    "fkdevicepool",
    "fkcommonphoneconfig",
    "fklocation",
    "fkenduser",
    "tkphonepersonalization",
    "isactive",
    "specialloadinformation",
];
