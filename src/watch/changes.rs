//! What changed in the configuration of the cluster, as the phones that it concerns.

use std::collections::BTreeSet;

use crate::axl::change_notification::{
    ChangeAction, ChangeCursor, ChangedObjects, ChangesLost, ListChange, ObjectType, changes_since,
};
use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::sql::{ExecuteSqlQuery, sql_list};
use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;

/// What changed since the last pass.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// Phones that changed, or whose profile or device pool did.
    pub phones: BTreeSet<DeviceName>,
    /// The names of users that changed.
    pub users: BTreeSet<String>,
    /// Whether so much changed that all phones are looked at.
    pub many: bool,
}

/// Asks for the end of the queue of changes. Everything before it is found by a look at all phones that begins later.
///
/// # Errors
/// When the cluster refuses the account. That it does not say what changes is no error: the answer says why, in words.
pub async fn baseline(axl: &AxlClient) -> Result<Result<ChangeCursor, String>, AxlError> {
    match axl.call(&ListChange::state()).await {
        Err(error) if error.is_authentication() => Err(error),
        Err(error) => Ok(Err(error_chain(&error))),
        Ok(state) => Ok(state.end().ok_or_else(|| "it has no queue of changes".to_owned())),
    }
}

/// Reads what changed since a place in the queue. Returns it with the new place.
///
/// # Errors
/// When changes may have been missed.
pub async fn since(
    axl: &AxlClient,
    cursor: &ChangeCursor,
) -> Result<(Changes, ChangeCursor), ChangesLost> {
    let (objects, cursor) = changes_since(axl, cursor).await?;
    let mut changes = Changes::default();
    for (object, query) in QUERIES {
        let uuids = uuids_of(&objects, object);
        if uuids.len() > MOST_OBJECTS {
            changes.many = true;
            continue;
        }
        for some in uuids.chunks(AT_ONCE) {
            let names = names(axl, &query.replace("{}", &sql_list(some))).await?;
            match object {
                ObjectType::User | ObjectType::AppUser => changes.users.extend(names),
                ObjectType::Phone
                | ObjectType::CommonPhoneConfig
                | ObjectType::DevicePool
                | ObjectType::RegistrationDynamic => {
                    let names = names.iter().filter_map(|name| DeviceName::of_cluster(name).ok());
                    changes.phones.extend(names);
                }
            }
        }
    }
    Ok((changes, cursor))
}

/// Returns the objects of a type that still exist.
fn uuids_of(objects: &ChangedObjects, object: ObjectType) -> Vec<&str> {
    let of_type = objects
        .iter()
        .filter(|((found, _), action)| *found == object && **action == ChangeAction::Changed);
    of_type.map(|((_, uuid), _)| uuid.as_str()).collect()
}

async fn names(axl: &AxlClient, sql: &str) -> Result<Vec<String>, AxlError> {
    let rows = axl.call(&ExecuteSqlQuery::new(sql)).await?;
    Ok(rows.into_iter().filter_map(|mut row| row.remove("name")).collect())
}

/// How the names of phones or users are found by the UUIDs of changed objects (the tables are those of Unified CM's data
/// dictionary).
const QUERIES: [(ObjectType, &str); 6] = [
    (ObjectType::Phone, "select name from device where tkclass = 1 and pkid in ({})"),
    (
        ObjectType::CommonPhoneConfig,
        "select name from device where tkclass = 1 and fkcommonphoneconfig in ({})",
    ),
    (ObjectType::DevicePool, "select name from device where tkclass = 1 and fkdevicepool in ({})"),
    // No source says whether the UUID is the device's. Where it is another one, RisPort70 still tells.
    (ObjectType::RegistrationDynamic, "select name from device where tkclass = 1 and pkid in ({})"),
    (ObjectType::User, "select userid as name from enduser where pkid in ({})"),
    (ObjectType::AppUser, "select name from applicationuser where pkid in ({})"),
];

/// So many UUIDs are a short text of SQL.
const AT_ONCE: usize = 200;

/// When more objects of a type changed than this, all phones are looked at instead.
const MOST_OBJECTS: usize = 2_000;
