//! Which devices a user controls: the list that a push needs, and that must never be lost.

use crate::domain::association::UserKind;
use crate::soap::error::SoapError;

use super::client::AxlClient;
use super::error::AxlError;
use super::execute_sql_query::{ExecuteSqlQuery, sql_literal};
use super::get_app_user::GetAppUser;
use super::get_user::GetUser;
use super::update_app_user::UpdateAppUser;
use super::update_user::UpdateUser;

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
    /// A server that leaves the list out of its answer has not said that it is empty. Then the
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
                let user = self.call(&GetAppUser::named(userid)).await?.into_user();
                (user.userid, user.associated_devices, None)
            }
            UserKind::End => {
                let user = self.call(&GetUser::named(userid)).await?.into_user();
                (user.userid, user.associated_devices, user.status.map(|status| status == 1))
            }
        };
        let devices = match list {
            Some(list) => list.device.into_iter().filter(|name| !name.trim().is_empty()).collect(),
            None => self.devices_in_database(userid, kind).await?,
        };
        let userid = if canonical.is_empty() { userid.to_owned() } else { canonical };
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

    async fn devices_in_database(
        &self,
        userid: &str,
        kind: UserKind,
    ) -> Result<Vec<String>, AxlError> {
        let (map, table, reference, column) = match kind {
            UserKind::App => {
                ("applicationuserdevicemap", "applicationuser", "fkapplicationuser", "name")
            }
            UserKind::End => ("enduserdevicemap", "enduser", "fkenduser", "userid"),
        };
        // The database minds the case of a name that AXL does not mind; a name that matches nothing
        // would look like a user without devices. The association 1 is "controlled device"; others exist (CUCM data dictionary).
        let sql = format!(
            "select d.name as name from {map} m inner join {table} u on m.{reference} = u.pkid \
             inner join device d on m.fkdevice = d.pkid where lower(u.{column}) = lower({}) \
             and m.tkuserassociation = 1 order by d.name",
            sql_literal(userid)
        );
        let rows = match self.call(&ExecuteSqlQuery::new(sql)).await {
            Ok(answer) => answer.into_rows(),
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
