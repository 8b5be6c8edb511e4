//! The tables that can be asked for, with the columns of the published data dictionary that matter here.

use std::borrow::Cow;
use std::ops::Range;

use crate::domain::model;
use crate::sim::config::Sql;
use crate::sim::fleet_content::{AccountState, Protocol, UserKind};
use crate::sim::state::Database;
use crate::sim::values::setting_number;

/// A cell: nothing is NULL.
pub(super) type Cell<'a> = Option<Cow<'a, str>>;

/// A table as it stands now.
pub(super) struct Table<'a> {
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<Cell<'a>>>,
}

/// Returns a table, or nothing if the simulator has none of this name.
pub(super) fn table<'a>(cluster: &'a Database, name: &str) -> Option<Table<'a>> {
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
                        text(&entry.pkid),
                        text(&entry.name),
                        text(setting_number(entry.value.spec.personalization)),
                        flag(entry.value.spec.background_image),
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
                    text(&user.pkid),
                    text(&user.userid),
                    text(&user.userid),
                    text(if user.state == AccountState::Inactive { "0" } else { "1" }),
                    text("t"),
                    owned(user.rank.to_string()),
                ]
            }),
        },
        "applicationuser" => Table {
            columns: &["pkid", "name", "isstandard", "userrank"],
            rows: users(cluster, UserKind::Application, |user| {
                vec![text(&user.pkid), text(&user.userid), text("f"), owned(user.rank.to_string())]
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
        "devicexml4k" | "devicexml8k" | "devicexml16k" if cluster.sql == Sql::NoVendorConfig => {
            return None;
        }
        "devicexml4k" => device_xml(cluster, 0..4096),
        "devicexml8k" => device_xml(cluster, 4096..8192),
        "devicexml16k" => device_xml(cluster, 8192..usize::MAX),
        "commonphoneconfigxml" => Table {
            columns: &["fkcommonphoneconfig", LARGE_TEXT],
            rows: (cluster.profiles.entries.iter())
                .map(|entry| vec![text(&entry.pkid), Some(entry.value.vendor_settings())])
                .collect(),
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

fn devices(cluster: &Database) -> Vec<Vec<Cell<'_>>> {
    let row = |device: &'_ crate::sim::state::Device| {
        let spec = &device.spec;
        let class = if spec.template { "254" } else { "1" };
        [class.to_owned(), spec.model.to_string()].map(owned)
    };
    let rows = cluster.order.iter().map(|&at| {
        let device = &cluster.devices[at];
        let spec = &device.spec;
        let [class, model] = row(device);
        vec![
            text(&device.pkid),
            text(&spec.name),
            text(&spec.description),
            class,
            model,
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
    });
    rows.collect()
}

/// Returns the phones whose `vendorConfig` has so many bytes: by size they stand in one table or another.
fn device_xml(cluster: &Database, size: Range<usize>) -> Table<'_> {
    let rows = cluster.order.iter().filter_map(|&at| {
        let device = &cluster.devices[at];
        let settings = device.vendor_settings();
        size.contains(&settings.len()).then(|| vec![text(&device.pkid), Some(settings)])
    });
    Table { columns: &["fkdevice", LARGE_TEXT], rows: rows.collect() }
}

fn models(cluster: &Database) -> Vec<Vec<Cell<'_>>> {
    let known = model::catalogue().iter().map(|model| (model.number, model.name.to_owned()));
    // Models that a test made up exist too, or a join on this table would lose their phones.
    let devices = cluster.order.iter().map(|&at| &cluster.devices[at]);
    let used = devices.map(|device| (device.spec.model, &device.spec.model_name));
    let mut all: std::collections::BTreeMap<u32, String> = known.collect();
    for (number, name) in used {
        all.entry(number).or_insert_with(|| name.clone());
    }
    let rows = all.into_iter();
    rows.map(|(number, name)| vec![owned(number.to_string()), owned(name), text("1")]).collect()
}

fn named<T>(table: &crate::sim::state::Table<T>) -> Vec<Vec<Cell<'_>>> {
    table.entries.iter().map(|entry| vec![text(&entry.pkid), text(&entry.name)]).collect()
}

fn users<'a>(
    cluster: &'a Database,
    kind: UserKind,
    row: impl Fn(&'a crate::sim::state::User) -> Vec<Cell<'a>>,
) -> Vec<Vec<Cell<'a>>> {
    cluster.users.iter().filter(|user| user.kind == kind).map(|user| row(user)).collect()
}

fn associations(cluster: &Database, kind: UserKind) -> Vec<Vec<Cell<'_>>> {
    let users = cluster.users.iter().filter(|user| user.kind == kind);
    let rows = users.flat_map(|user| {
        user.devices.iter().map(move |&device| {
            let last = (kind == UserKind::EndUser).then_some(Cow::Borrowed("f"));
            vec![text(&user.pkid), text(&cluster.devices[device].pkid), text("1"), last]
        })
    });
    rows.collect()
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

/// The column that must be selected alone (AXL schema: large texts cannot be fetched along with others).
pub(super) const LARGE_TEXT: &str = "xml";

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
