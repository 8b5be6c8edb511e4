//! End users, application users, and which devices they control: the list that a push needs and that must never be
//! lost.

use std::fmt;
use std::marker::PhantomData;

use secrecy::{ExposeSecret as _, SecretString};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::client::AxlClient;
use super::error::AxlError;
use super::operation::Operation;
use super::request::{Get, List, Object, StandardReturn, record};
use super::sql::{ExecuteSqlQuery, sql_literal};
use crate::domain::association::UserKind;
use crate::domain::roles::Roles;
use crate::domain::text::is_readable;
use crate::net::session::Intent;
use crate::soap::error::SoapError;
use crate::soap::reference::{DeviceNames, Reference};
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

impl GetUser {
    /// Requests only what decides whether the user may log in.
    pub fn credentials(userid: impl Into<String>) -> Self {
        Self::with_tags(userid, ReturnedTags(&["userid", "passwordCredentials", "status"]))
    }

    /// Requests only the groups with their roles.
    pub fn groups(userid: impl Into<String>) -> Self {
        Self::with_tags(userid, ReturnedTags(&["userid", "associatedGroups"]))
    }
}

record! {
    /// An end user and its devices.
    #[derive(Default)]
    object User = Get GetUser "getUser", "user" by userid {
        /// The user's name. It is always asked for, so an empty one means that the server left it out.
        userid: String = "userid",
        /// The devices that the user controls. Nothing when the server left the list out, which is not the
        /// same as an empty list: what was not seen must not be replaced.
        associated_devices: Option<DeviceNames> = "associatedDevices",
        /// 1 means active; users with another status cannot log in.
        status: Option<i64> = "status",
        /// The directory that the user comes from; nothing for a local user.
        ldap_directory: Reference = "ldapDirectoryName",
    }
    others {
        /// What is known of its password.
        #[serde(default, rename = "passwordCredentials")]
        pub password_credentials: PasswordCredentials,
        /// Nothing where it was not asked for, or was left out.
        #[serde(default, rename = "associatedGroups")]
        pub associated_groups: Option<AssociatedGroups>,
    }
}

impl GetAppUser {
    /// Requests only what decides whether the user may log in.
    pub fn credentials(userid: impl Into<String>) -> Self {
        Self::with_tags(userid, ReturnedTags(&["userid", "passwordCredentials"]))
    }

    /// Requests only the groups with their roles.
    pub fn groups(userid: impl Into<String>) -> Self {
        Self::with_tags(userid, ReturnedTags(&["userid", "associatedGroups"]))
    }
}

record! {
    /// An application user and its devices.
    #[derive(Default)]
    object AppUser = Get GetAppUser "getAppUser", "appUser" by userid {
        /// The user's name. It is always asked for, so an empty one means that the server left it out.
        userid: String = "userid",
        /// The devices that the user controls. Nothing when the server left the list out, which is not the
        /// same as an empty list: what was not seen must not be replaced.
        associated_devices: Option<DeviceNames> = "associatedDevices",
    }
    others {
        /// What is known of its password.
        #[serde(default, rename = "passwordCredentials")]
        pub password_credentials: PasswordCredentials,
        /// Nothing where it was not asked for, or was left out.
        #[serde(default, rename = "associatedGroups")]
        pub associated_groups: Option<AssociatedGroups>,
    }
}

/// The groups of a user with their roles (`associatedGroups` of the AXL schema).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct AssociatedGroups {
    #[serde(rename = "userGroup")]
    groups: Vec<UserGroup>,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct UserGroup {
    name: String,
    #[serde(rename = "userRoles")]
    roles: Option<UserRoles>,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct UserRoles {
    #[serde(rename = "userRole")]
    names: Vec<String>,
}

impl AssociatedGroups {
    /// Returns whether the roles of every group are there.
    fn is_whole(&self) -> bool {
        self.groups.iter().all(|group| group.roles.is_some())
    }

    /// Returns all roles. A group whose roles were left out counts as one role with its own name.
    fn roles(&self) -> Roles {
        let of_group = |group: &UserGroup| match &group.roles {
            Some(roles) => roles.names.clone(),
            None => vec![group.name.clone()],
        };
        let names = self.groups.iter().flat_map(of_group);
        names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }
}

/// What is known of a user's password (`passwordCredentials` of the AXL schema).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct PasswordCredentials {
    /// The credential policy that applies to it.
    #[serde(rename = "pwdCredPolicyName")]
    pub policy: Reference,
    #[serde(rename = "pwdCredLockedByAdministrator", deserialize_with = "scalar::boolean")]
    pub locked_by_administrator: Option<bool>,
    /// Whether the user must change it before anything else.
    #[serde(rename = "pwdCredUserMustChange", deserialize_with = "scalar::boolean")]
    pub must_change: Option<bool>,
}

record! {
    /// An end user, as a list shows it; its devices are only in `getUser`.
    #[derive(Default)]
    row UserRow = List ListUser "listUser", "user" by userid {
        first_name: Option<String> = "firstName",
        last_name: Option<String> = "lastName",
        /// The user's name. It is always asked for, so an empty one means that the server left it out.
        userid: String = "userid",
        /// 1 means active; users with another status cannot log in.
        status: Option<i64> = "status",
    }
}

record! {
    /// An application user, as a list shows it; its devices are only in `getAppUser`.
    #[derive(Default)]
    row AppUserRow = List ListAppUser "listAppUser", "appUser" by userid {
        /// The user's name. It is always asked for, so an empty one means that the server left it out.
        userid: String = "userid",
        /// Whether it came with the product.
        is_standard: Option<bool> = "isStandard",
    }
}

/// `updateUser`.
pub type UpdateUser = ReplaceDevices<User>;

/// `updateAppUser`.
pub type UpdateAppUser = ReplaceDevices<AppUser>;

/// Replaces the list of devices of a user **as a whole**; no version of AXL can add to it (AXL schema).
///
/// Nothing but the list is sent: fields that are left out stay as they are, and those that a directory
/// owns must not be written.
#[derive(Clone, Debug, Serialize)]
pub struct ReplaceDevices<U> {
    userid: String,
    #[serde(rename = "associatedDevices")]
    devices: DeviceNames,
    #[serde(skip)]
    user: PhantomData<fn() -> U>,
}

impl<U> ReplaceDevices<U> {
    /// Makes `devices` the whole list. Returns nothing when there are none: an empty list takes every
    /// device away, and that has to be requested with [`Self::clearing`].
    pub fn replacing(userid: impl Into<String>, devices: Vec<String>) -> Option<Self> {
        let has_any = devices.iter().any(|name| !name.trim().is_empty());
        has_any.then(|| Self { devices: DeviceNames { device: devices }, ..Self::clearing(userid) })
    }

    /// Takes every device away, to go back to a list that was empty before.
    pub fn clearing(userid: impl Into<String>) -> Self {
        Self { userid: userid.into(), devices: DeviceNames::default(), user: PhantomData }
    }
}

impl Operation for UpdateUser {
    const NAME: &'static str = "updateUser";
    const INTENT: Intent = Intent::Write;
    type Output = StandardReturn;
}

impl Operation for UpdateAppUser {
    const NAME: &'static str = "updateAppUser";
    const INTENT: Intent = Intent::Write;
    type Output = StandardReturn;
}

/// `updateAppUser` without a field to change, of a user that cannot exist.
#[derive(Clone, Debug, Serialize)]
struct UpdateNoUser {
    uuid: &'static str,
}

/// UUIDs of users are random, so none is this one.
const NO_USER: &str = "{00000000-0000-0000-0000-000000000000}";

impl Operation for UpdateNoUser {
    const NAME: &'static str = UpdateAppUser::NAME;
    const INTENT: Intent = Intent::Write;
    type Output = StandardReturn;
}

/// The tables of the database that hold one kind of user.
struct UserTables {
    table: &'static str,
    /// The column with the user's name.
    column: &'static str,
    devices: &'static str,
    groups: &'static str,
    /// The column of both maps that names the user.
    reference: &'static str,
}

impl UserTables {
    fn of(kind: UserKind) -> Self {
        match kind {
            UserKind::App => Self {
                table: "applicationuser",
                column: "name",
                devices: "applicationuserdevicemap",
                groups: "applicationuserdirgroupmap",
                reference: "fkapplicationuser",
            },
            UserKind::End => Self {
                table: "enduser",
                column: "userid",
                devices: "enduserdevicemap",
                groups: "enduserdirgroupmap",
                reference: "fkenduser",
            },
        }
    }
}

/// `getCredentialPolicy`.
pub type GetCredentialPolicy = Get<CredentialPolicy>;

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct CredentialPolicy {
    #[serde(rename = "failedLogon", deserialize_with = "scalar::number")]
    failed_logon: Option<i64>,
}

impl Object for CredentialPolicy {
    const GET: &'static str = "getCredentialPolicy";
    const ELEMENT: &'static str = "credentialPolicy";
    const KEY: &'static str = "name";
    const TAGS: ReturnedTags = ReturnedTags(&["failedLogon"]);
}

impl CredentialPolicy {
    /// Returns after how many failed logins the account is locked; nothing where it never is, or where the response
    /// does not say. AXL writes 0 for "No Limit for Failed Logons".
    pub fn locks_after(&self) -> Option<usize> {
        let failed = self.failed_logon.filter(|failed| *failed > 0)?;
        usize::try_from(failed).ok()
    }
}

/// `doAuthenticateUser`: whether this is the user's password. A wrong one counts towards a lockout (believed). The
/// password shows neither in logs nor in errors.
#[derive(Clone)]
pub struct DoAuthenticateUser {
    userid: String,
    password: SecretString,
}

impl DoAuthenticateUser {
    pub fn of(userid: impl Into<String>, password: SecretString) -> Self {
        Self { userid: userid.into(), password }
    }
}

impl fmt::Debug for DoAuthenticateUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoAuthenticateUser").field("userid", &self.userid).finish_non_exhaustive()
    }
}

impl Serialize for DoAuthenticateUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("userid", &self.userid)?;
        map.serialize_entry("password", self.password.expose_secret())?;
        map.end()
    }
}

impl Operation for DoAuthenticateUser {
    const NAME: &'static str = "doAuthenticateUser";
    // It changes nothing, but a wrong password counts, so it is not sent twice for one answer.
    const INTENT: Intent = Intent::Write;
    type Output = Authentication;
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Authentication {
    /// Nothing when the response does not contain it.
    #[serde(rename = "userAuthenticated", deserialize_with = "scalar::boolean")]
    pub authenticated: Option<bool>,
    /// The reason; the meaning of the numbers is not published.
    #[serde(deserialize_with = "scalar::number")]
    pub code: Option<i64>,
    /// Days until the password expires.
    #[serde(rename = "daysToExpiry", deserialize_with = "scalar::number")]
    pub days_to_expiry: Option<i64>,
}

/// A user and the whole list of devices that it controls.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ControlledDevices {
    /// The user's name as the cluster writes it.
    pub userid: String,
    /// The names of the devices, exactly as CUCM has them and in its order.
    pub devices: Vec<String>,
    /// An end user that is not active cannot log in; unknown for application users.
    pub active: Option<bool>,
}

impl AxlClient {
    /// Reads the whole list of a user's devices.
    ///
    /// A server that leaves the list out of its answer has not returned an empty one. Then the
    /// database is asked, and if that is refused, there is no answer.
    ///
    /// # Errors
    /// See [`AxlError`]; [`AxlError::is_not_found`] when there is no such user.
    pub async fn controlled_devices(
        &self,
        userid: &str,
        kind: UserKind,
    ) -> Result<ControlledDevices, AxlError> {
        let (canonical, list, active) = match kind {
            UserKind::App => {
                let user = self.call(&GetAppUser::named(userid)).await?;
                (user.userid, user.associated_devices, None)
            }
            UserKind::End => {
                let user = self.call(&GetUser::named(userid)).await?;
                (user.userid, user.associated_devices, user.status.map(|status| status == 1))
            }
        };
        let devices = match list {
            Some(list) => list.device.into_iter().filter(|name| !name.trim().is_empty()).collect(),
            None => self.devices_in_database(userid, kind).await?,
        };
        // A name that could not be read is not used for writing; the one that was asked for matched.
        let is_usable = !canonical.is_empty() && is_readable(&canonical);
        let userid = if is_usable { canonical } else { userid.to_owned() };
        Ok(ControlledDevices { userid, devices, active })
    }

    /// Replaces the whole list of a user's devices. The caller has read it before, and reads it again
    /// afterwards. An empty list takes every device away.
    ///
    /// # Errors
    /// See [`AxlError`]; after [`AxlError::is_outcome_unknown`] the list must be read, not written again.
    pub async fn replace_controlled_devices(
        &self,
        userid: &str,
        kind: UserKind,
        devices: Vec<String>,
    ) -> Result<(), AxlError> {
        match kind {
            UserKind::App => {
                let request = UpdateAppUser::replacing(userid, devices);
                self.call(&request.unwrap_or_else(|| UpdateAppUser::clearing(userid))).await?;
            }
            UserKind::End => {
                let request = UpdateUser::replacing(userid, devices);
                self.call(&request.unwrap_or_else(|| UpdateUser::clearing(userid))).await?;
            }
        }
        Ok(())
    }

    /// Reads the roles that a user has by its groups; nothing where neither AXL nor the database shows them. Without a
    /// kind it is an application user if there is one of this name.
    ///
    /// AXL may leave out the groups, or the roles of a group, and an answer without any is no proof of having none.
    /// Then the database is asked too.
    ///
    /// # Errors
    /// See [`AxlError`]; [`AxlError::is_not_found`] when there is no such user.
    pub async fn roles(
        &self,
        userid: &str,
        kind: Option<UserKind>,
    ) -> Result<Option<Roles>, AxlError> {
        let (kind, groups) = match self.groups_of(userid, kind.unwrap_or(UserKind::App)).await {
            Err(error) if error.is_not_found() && kind.is_none() => {
                (UserKind::End, self.groups_of(userid, UserKind::End).await?)
            }
            groups => (kind.unwrap_or(UserKind::App), groups?),
        };
        let roles = groups.as_ref().map(AssociatedGroups::roles);
        if groups.is_some_and(|groups| groups.is_whole())
            && roles.as_ref().is_some_and(|roles| !roles.is_empty())
        {
            return Ok(roles);
        }
        let Some(more) = self.roles_in_database(userid, kind).await? else { return Ok(roles) };
        let mut roles = roles.unwrap_or_default();
        roles.extend(more);
        Ok(Some(roles))
    }

    /// Asks AXL for the groups of a user; nothing where it leaves them out or refuses to show them.
    async fn groups_of(
        &self,
        userid: &str,
        kind: UserKind,
    ) -> Result<Option<AssociatedGroups>, AxlError> {
        let groups = match kind {
            UserKind::App => {
                self.call(&GetAppUser::groups(userid)).await.map(|user| user.associated_groups)
            }
            UserKind::End => {
                self.call(&GetUser::groups(userid)).await.map(|user| user.associated_groups)
            }
        };
        match groups {
            Err(error) if error.is_refusal() && !error.is_not_found() => Ok(None),
            groups => groups,
        }
    }

    /// Asks the database for the roles of a user; nothing where it may not be asked.
    async fn roles_in_database(
        &self,
        userid: &str,
        kind: UserKind,
    ) -> Result<Option<Vec<String>>, AxlError> {
        let UserTables { table, column, groups, reference, .. } = UserTables::of(kind);
        let sql = format!(
            "select r.name as name from {table} u inner join {groups} m on m.{reference} = u.pkid \
             inner join functionroledirgroupmap g on g.fkdirgroup = m.fkdirgroup \
             inner join functionrole r on g.fkfunctionrole = r.pkid where lower(u.{column}) = lower({})",
            sql_literal(userid)
        );
        match self.call(&ExecuteSqlQuery::new(sql)).await {
            Ok(rows) => {
                Ok(Some(rows.into_iter().filter_map(|mut row| row.remove("name")).collect()))
            }
            Err(error) if error.fault().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether this account may change the cluster; nothing where that cannot be found out.
    ///
    /// No AXL call is a sure test without an effect. Where the names of the roles decide nothing, a change of a user
    /// that cannot exist is requested: a read-only account is refused with HTTP 401 before anything is looked for
    /// (Cisco AXL FAQ), any other one is answered that there is no such user.
    ///
    /// # Errors
    /// See [`AxlError`].
    pub async fn may_write(&self, roles: Option<&Roles>) -> Result<Option<bool>, AxlError> {
        if let Some(known) = roles.and_then(Roles::may_write) {
            return Ok(Some(known));
        }
        match self.call(&UpdateNoUser { uuid: NO_USER }).await {
            Err(error) if error.is_authentication() && !error.is_password_refused() => {
                Ok(Some(false))
            }
            Err(error) if error.is_refusal() => Ok(Some(true)),
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        }
    }

    async fn devices_in_database(
        &self,
        userid: &str,
        kind: UserKind,
    ) -> Result<Vec<String>, AxlError> {
        let UserTables { table, column, devices: map, reference, .. } = UserTables::of(kind);
        // The database compares names by case, AXL does not; a name that matches nothing
        // would look like a user without devices. The association 1 is "controlled device"; others exist (CUCM data dictionary).
        let sql = format!(
            "select d.name as name from {map} m inner join {table} u on m.{reference} = u.pkid \
             inner join device d on m.fkdevice = d.pkid where lower(u.{column}) = lower({}) \
             and m.tkuserassociation = 1 order by d.name",
            sql_literal(userid)
        );
        let rows = match self.call(&ExecuteSqlQuery::new(sql)).await {
            Ok(rows) => rows,
            Err(error) if matches!(error.soap(), Some(SoapError::Fault(_))) => {
                return Err(self.lacking_list(kind));
            }
            Err(error) => return Err(error),
        };
        let names = rows.into_iter().map(|mut row| row.remove("name").filter(|n| !n.is_empty()));
        names.collect::<Option<Vec<_>>>().ok_or_else(|| self.lacking_list(kind))
    }

    fn lacking_list(&self, kind: UserKind) -> AxlError {
        let operation = match kind {
            UserKind::App => "getAppUser",
            UserKind::End => "getUser",
        };
        let endpoint = self.endpoint().clone();
        AxlError::Lacking { endpoint, operation, what: "the list of associated devices" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_never_an_accident() {
        let is_sent = |devices: &[&str]| {
            let devices = devices.iter().map(|name| (*name).to_owned()).collect();
            UpdateUser::replacing("pusher", devices).is_some()
        };
        assert!(!is_sent(&[]) && !is_sent(&[" "]) && is_sent(&["SEP1"]));
    }
}
