//! `executeSQLUpdate`: the statement runs on the copy, and the rows that it changed are carried over to the cluster.
//!
//! What the cluster does not keep cannot be changed: then the whole statement is refused.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::Action;
use rusqlite::types::Value;

use super::functions::syntax_error;
use super::statement::Statement;
use super::{fault, tables, with_copy};
use crate::sim::change_log::ChangedTag;
use crate::sim::edits::{PhoneEdit, UserEdit};
use crate::sim::fault::SoapFault;
use crate::sim::fleet_content::{AccountState, UserKind};
use crate::sim::operations::call::{Answer, Call, written};
use crate::sim::operations::field_rules::check_length;
use crate::sim::operations::phones::{BOOLEANS, DEVICE_PROFILE};
use crate::sim::state::{Cluster, Database, Table};
use crate::sim::values::{VendorConfig, number_setting, setting_name, truth};
use crate::sim::xml::Node;

pub(in crate::sim::operations) fn update(cluster: &mut Cluster, call: &Call<'_>) -> Answer {
    let (table, count, changes) = with_copy(&cluster.database, call, Statement::update, run)?;
    let keys = Keys::new(cluster, call.user);
    if table == "device" {
        unique_names(&changes)?;
    }
    let edits = match table.as_str() {
        "enduserdevicemap" => associations(cluster, &keys, UserKind::EndUser, &changes),
        "applicationuserdevicemap" => associations(cluster, &keys, UserKind::Application, &changes),
        _ => changes.iter().map(|change| edit(cluster, &keys, &table, change)).collect(),
    };
    let edits = edits?;
    written(cluster, call, table, edits.len());
    for edit in edits {
        edit(cluster);
    }
    Ok(format!("<return><rowsUpdated>{count}</rowsUpdated></return>"))
}

/// Refuses a statement that gives a name to several devices.
fn unique_names(changes: &[Change]) -> Result<(), SoapFault> {
    let after = changes.iter().filter_map(|change| change.after.as_ref());
    let mut names: HashSet<String> = HashSet::new();
    let mut all = after.map(|row| row.text("name").to_lowercase());
    all.all(|name| names.insert(name)).then_some(()).ok_or_else(SoapFault::duplicate)
}

/// Carries a row over, or all rows of a user.
type Edit = Box<dyn FnOnce(&mut Cluster)>;

/// The indexes of devices and users by their keys: a statement can change all of them.
struct Keys {
    devices: HashMap<String, usize>,
    users: HashMap<String, usize>,
    /// The user who sent the statement.
    caller: usize,
}

impl Keys {
    fn new(cluster: &Database, caller: usize) -> Self {
        let devices = cluster.order.iter().map(|&at| (cluster.devices[at].pkid.clone(), at));
        let users = cluster.listed_users().map(|(at, user)| (user.pkid.clone(), at));
        Self { devices: devices.collect(), users: users.collect(), caller }
    }

    fn device(&self, pkid: &str) -> Option<usize> {
        self.devices.get(pkid).copied()
    }

    fn user(&self, pkid: &str) -> Option<usize> {
        self.users.get(pkid).copied()
    }
}

/// A row before and after the statement; one that was inserted was not there before.
struct Change {
    before: Option<Row>,
    after: Option<Row>,
}

/// The cells of a row with the names of their columns; `None` is NULL.
struct Row(Vec<(String, Option<String>)>);

impl Row {
    fn cell(&self, column: &str) -> Option<&str> {
        let (_, cell) = self.0.iter().find(|(name, _)| name == column)?;
        cell.as_deref()
    }

    fn text(&self, column: &str) -> &str {
        self.cell(column).unwrap_or_default()
    }

    /// Returns the columns that have another value in `after`, with that value.
    fn changed<'a>(&self, after: &'a Self) -> Vec<(&'a str, Option<&'a str>)> {
        let cells = after.0.iter().zip(&self.0).filter(|(after, before)| after.1 != before.1);
        cells.map(|((name, cell), _)| (name.as_str(), cell.as_deref())).collect()
    }
}

/// Runs a statement, takes it back, and returns its table, the number of its rows, and what it changed.
fn run(
    connection: &mut Connection,
    statement: &Statement,
) -> Result<(String, usize, Vec<Change>), SoapFault> {
    let fault = |error| fault(error, statement);
    let table = statement.tokens.iter().find(|token| tables::columns(token).is_some());
    let table = table.cloned().ok_or_else(syntax_error)?;
    let ids = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&ids);
    let note = move |_: Action, _: &str, _: &str, id: i64| {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    };
    connection.update_hook(Some(note)).map_err(fault)?;
    let done = execute(connection, statement, &table, &ids);
    connection.update_hook(None::<fn(Action, &str, &str, i64)>).map_err(fault)?;
    let (count, changes) = done.map_err(fault)?;
    Ok((table, count, changes))
}

fn execute(
    connection: &Connection,
    statement: &Statement,
    table: &str,
    ids: &Mutex<Vec<i64>>,
) -> rusqlite::Result<(usize, Vec<Change>)> {
    let transaction = connection.unchecked_transaction()?;
    let count = transaction.execute(&statement.sql, [])?;
    let mut ids = std::mem::take(&mut *ids.lock().unwrap_or_else(PoisonError::into_inner));
    ids.sort_unstable();
    ids.dedup();
    let after = rows(&transaction, table, &ids)?;
    transaction.rollback()?;
    let before = rows(connection, table, &ids)?;
    let changes = before.into_iter().zip(after).map(|(before, after)| Change { before, after });
    Ok((count, changes.collect()))
}

fn rows(connection: &Connection, table: &str, ids: &[i64]) -> rusqlite::Result<Vec<Option<Row>>> {
    let mut select = connection.prepare(&format!("select * from {table} where rowid = ?"))?;
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = select.query([id])?;
        let Some(row) = rows.next()? else {
            found.push(None);
            continue;
        };
        let cells = names.iter().enumerate().map(|(at, name)| {
            let cell = match row.get(at)? {
                Value::Text(text) => Some(text),
                Value::Integer(number) => Some(number.to_string()),
                Value::Real(number) => Some(number.to_string()),
                Value::Null | Value::Blob(_) => None,
            };
            Ok((name.clone(), cell))
        });
        found.push(Some(Row(cells.collect::<rusqlite::Result<_>>()?)));
    }
    Ok(found)
}

/// Returns how a change of a row is carried over.
fn edit(cluster: &Database, keys: &Keys, table: &str, change: &Change) -> Result<Edit, SoapFault> {
    let refused = || {
        let what = match (&change.before, &change.after) {
            (None, _) => "an insert into",
            (_, None) => "a delete from",
            (Some(_), Some(_)) => "this update of",
        };
        SoapFault::cannot(&format!("{what} table {table}"))
    };
    if let Some(before) = change.before.as_ref().filter(|_| table == "device")
        && before.text("tkclass") == DEVICE_PROFILE
    {
        // It comes and goes with the log-in.
        return Err(SoapFault::cannot("changes of device profiles; add \"where tkclass = 1\""));
    }
    match (table, &change.before, &change.after) {
        ("device", Some(before), Some(after)) => {
            let at = keys.device(before.text("pkid")).ok_or_else(refused)?;
            let edits = before.changed(after).into_iter();
            let edits = edits.map(|(column, value)| phone_edit(cluster, keys, at, column, value));
            let edits = edits.collect::<Result<Vec<_>, _>>()?;
            Ok(Box::new(move |cluster| cluster.edit_phone(at, edits)))
        }
        ("device", Some(before), None) => {
            let at = keys.device(before.text("pkid")).ok_or_else(refused)?;
            Ok(Box::new(move |cluster| {
                cluster.delete_phone(at);
            }))
        }
        ("dnddynamic", Some(before), Some(after)) => {
            let at = keys.device(before.text("fkdevice")).ok_or_else(refused)?;
            let edits = before.changed(after).into_iter().map(|(column, value)| {
                let value = value.filter(|_| column == "dndstatus").and_then(truth);
                let text = value.ok_or_else(|| no_update(table, column))?.to_string();
                let name = "dndStatus".to_owned();
                Ok(PhoneEdit::Field(Node { name, text, ..Node::default() }))
            });
            let edits = edits.collect::<Result<Vec<_>, SoapFault>>()?;
            Ok(Box::new(move |cluster| cluster.edit_phone(at, edits)))
        }
        ("devicexml4k" | "devicexml8k" | "devicexml16k", Some(before), Some(after)) => {
            let at = keys.device(before.text("fkdevice")).ok_or_else(refused)?;
            let edits = before.changed(after).into_iter().map(|(column, value)| {
                let markup = value.filter(|_| column == "xml");
                let markup = markup.ok_or_else(|| no_update(table, column))?;
                let markup = format!("<vendorConfig>{markup}</vendorConfig>");
                let node = Node::parse(&markup).map_err(|_no_markup| no_update(table, column))?;
                VendorConfig::read(&node).map(PhoneEdit::VendorConfig)
            });
            let edits = edits.collect::<Result<Vec<_>, SoapFault>>()?;
            Ok(Box::new(move |cluster| cluster.edit_phone(at, edits)))
        }
        ("enduser" | "applicationuser", Some(before), Some(after)) => {
            let at = keys.user(before.text("pkid")).ok_or_else(refused)?;
            let edits = before.changed(after).into_iter();
            let edits = edits.map(|(column, value)| user_edit(cluster, table, at, column, value));
            let edits = edits.collect::<Result<Vec<_>, _>>()?;
            Ok(Box::new(move |cluster| cluster.edit_user(at, edits)))
        }
        ("enduser" | "applicationuser", Some(before), None) => {
            let at = keys.user(before.text("pkid")).ok_or_else(refused)?;
            if at == keys.caller {
                return Err(SoapFault::cannot("the removal of the user who asks for it"));
            }
            Ok(Box::new(move |cluster| cluster.remove_user(at)))
        }
        ("commonphoneconfig", Some(before), Some(after)) => {
            let at = entry(&cluster.profiles, before.text("pkid")).ok_or_else(refused)?;
            let mut spec = cluster.profiles.entries[at].value.spec.clone();
            let mut tags = Vec::new();
            for (column, value) in before.changed(after) {
                tags.push(match column {
                    "tkphonepersonalization" => {
                        let setting = value.and_then(number_setting);
                        let setting = setting.ok_or_else(|| no_update(table, column))?;
                        spec.personalization = setting;
                        let name = setting_name(setting).to_owned();
                        ChangedTag::new("phonePersonalization", name)
                    }
                    "zzbackgroundimageaccess" => {
                        spec.background_image =
                            value.and_then(truth).ok_or_else(|| no_update(table, column))?;
                        ChangedTag::new("backgroundImage", spec.background_image.to_string())
                    }
                    _ => return Err(no_update(table, column)),
                });
            }
            Ok(Box::new(move |cluster| {
                let entry = &mut cluster.profiles.entries[at];
                entry.value.spec = spec;
                let uuid = entry.uuid.clone();
                cluster.note_change("CommonPhoneConfig", uuid, 'u', tags);
            }))
        }
        ("processconfig", Some(before), Some(after)) => {
            let changed = before.changed(after);
            if let Some((column, _)) = changed.iter().find(|(column, _)| *column != "paramvalue") {
                return Err(no_update(table, column));
            }
            let (name, value) = (after.text("paramname").to_owned(), after.text("paramvalue"));
            let value = value.to_owned();
            Ok(Box::new(move |cluster| cluster.set_parameter(name, value)))
        }
        _ => Err(refused()),
    }
}

fn phone_edit(
    cluster: &Database,
    keys: &Keys,
    at: usize,
    column: &str,
    value: Option<&str>,
) -> Result<PhoneEdit, SoapFault> {
    let text = value.unwrap_or_default();
    check_length(column, text)?;
    // The other object of a column that names one.
    let other = |found: Option<usize>| found.ok_or_else(|| missing("device", column));
    Ok(match column {
        "name" => {
            PhoneEdit::unused_name(cluster, at, text)?;
            PhoneEdit::Name(text.to_owned())
        }
        "description" => PhoneEdit::Description(text.to_owned()),
        "fkdevicepool" => PhoneEdit::Pool(other(entry(&cluster.pools, text))?),
        "fkcommonphoneconfig" => PhoneEdit::Profile(other(entry(&cluster.profiles, text))?),
        "fklocation" => PhoneEdit::Location(other(entry(&cluster.locations, text))?),
        "fkcallingsearchspace" => {
            let space = value.map(|_| other(entry(&cluster.spaces, text)));
            PhoneEdit::Space(space.transpose()?)
        }
        "fkenduser" => {
            let owner = value.map(|_| other(keys.user(text)));
            PhoneEdit::Owner(owner.transpose()?)
        }
        "tkphonepersonalization" => {
            let setting = number_setting(text);
            PhoneEdit::Personalization(setting.ok_or_else(|| no_update("device", column))?)
        }
        _ if let Some((tag, ..)) = BOOLEANS.iter().find(|(_, name, _)| *name == column) => {
            let value = truth(text).ok_or_else(|| no_update("device", column))?;
            let (name, text) = ((*tag).to_owned(), value.to_string());
            PhoneEdit::Field(Node { name, text, ..Node::default() })
        }
        "isactive" => PhoneEdit::Active(truth(text).ok_or_else(|| no_update("device", column))?),
        "specialloadinformation" => {
            PhoneEdit::Load(value.filter(|load| !load.is_empty()).map(str::to_owned))
        }
        _ => return Err(no_update("device", column)),
    })
}

/// Refuses a new value of a column.
fn no_update(table: &str, column: &str) -> SoapFault {
    SoapFault::cannot(&format!("this update of column {table}.{column}"))
}

fn user_edit(
    cluster: &Database,
    table: &str,
    at: usize,
    column: &str,
    value: Option<&str>,
) -> Result<UserEdit, SoapFault> {
    let refused = || no_update(table, column);
    let text = value.unwrap_or_default();
    check_length(column, text)?;
    let field = |tag: &str| {
        let (name, text) = (tag.to_owned(), text.to_owned());
        UserEdit::Field(Node { name, text, ..Node::default() })
    };
    Ok(match column {
        "firstname" => field("firstName"),
        "middlename" => field("middleName"),
        "lastname" => field("lastName"),
        "mailid" | "department" => field(column),
        "telephonenumber" => field("telephoneNumber"),
        "userrank" => {
            let rank = text.parse().ok().filter(|rank| (1..=10).contains(rank));
            UserEdit::Rank(rank.ok_or_else(refused)?)
        }
        "status" => UserEdit::State(match (text, cluster.users[at].state) {
            ("0", _) => AccountState::Inactive,
            ("1", AccountState::Inactive) => AccountState::Active,
            ("1", state) => state,
            _ => return Err(refused()),
        }),
        _ => return Err(refused()),
    })
}

/// Adds devices to lists of users and takes others out; nothing else can be changed in such a row.
fn associations(
    cluster: &Database,
    keys: &Keys,
    kind: UserKind,
    changes: &[Change],
) -> Result<Vec<Edit>, SoapFault> {
    let (table, user_column) = match kind {
        UserKind::EndUser => ("enduserdevicemap", "fkenduser"),
        UserKind::Application => ("applicationuserdevicemap", "fkapplicationuser"),
    };
    let mut lists: BTreeMap<usize, (HashSet<usize>, Vec<usize>)> = BTreeMap::new();
    for change in changes {
        let ((None, Some(row)) | (Some(row), None)) = (&change.before, &change.after) else {
            return Err(SoapFault::cannot(&format!("this update of table {table}")));
        };
        let user = keys.user(row.text(user_column));
        let user = user.filter(|&user| cluster.users[user].kind == kind);
        let user = user.ok_or_else(|| missing(table, user_column))?;
        let device = keys.device(row.text("fkdevice"));
        let device = device.ok_or_else(|| missing(table, "fkdevice"))?;
        let (devices, added) = lists
            .entry(user)
            .or_insert_with(|| (cluster.users[user].devices.iter().copied().collect(), Vec::new()));
        if change.after.is_none() {
            devices.remove(&device);
        } else if row.cell("tkuserassociation").is_some_and(|kind| kind != "1") {
            return Err(no_update(table, "tkuserassociation"));
        } else if devices.insert(device) {
            added.push(device);
        } else {
            return Err(SoapFault::duplicate());
        }
    }
    let edits = lists.into_iter().map(|(user, (left, added))| -> Edit {
        let kept = cluster.users[user].devices.iter().copied().filter(|at| left.contains(at));
        let devices = kept.chain(added).collect();
        Box::new(move |cluster| cluster.edit_user(user, vec![UserEdit::Devices(devices)]))
    });
    Ok(edits.collect())
}

fn entry<T>(table: &Table<T>, pkid: &str) -> Option<usize> {
    table.entries.iter().position(|entry| entry.pkid == pkid)
}

/// The wording is Informix's own.
fn missing(table: &str, column: &str) -> SoapFault {
    let message = format!(
        "Missing key in referenced table for referential constraint (informix.fk_{table}_{column})."
    );
    SoapFault { client: true, ..SoapFault::server(-691, message) }
}
