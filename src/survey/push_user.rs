//! The user whose name and password go to the phones.

use super::{SurveyError, whole};
use crate::axl::association::ControlledDevices;
use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::list_app_user::ListAppUser;
use crate::axl::list_user::{self, ListUser};
use crate::domain::association::{UserKind, UserRef};
use crate::domain::inventory::PushUser;
use crate::domain::selector::near;

/// Looks for the user: of the kind that was named, else first among application users.
///
/// # Errors
/// When the cluster cannot be asked. A user that does not exist is no error.
pub(super) async fn find(
    axl: &AxlClient,
    user: &str,
    kind: Option<UserKind>,
    remarks: &mut Vec<String>,
) -> Result<PushUser, SurveyError> {
    let searched = kind.map_or_else(|| vec![UserKind::App, UserKind::End], |kind| vec![kind]);
    let mut found = None;
    for kind in &searched {
        let Some(devices) = devices_of(axl, user, *kind).await? else { continue };
        match &found {
            None => found = Some((devices, *kind)),
            Some((_, first)) => remarks.push(format!(
                "{user} is the name of an application user and of an end user; the {first} is taken, name the other one \
                 with --push-user-kind"
            )),
        }
    }
    if let Some((found, kind)) = found {
        if found.active == Some(false) {
            remarks.push(format!("the end user {user} is not active, so phones will refuse it"));
        }
        let user = UserRef { user: found.userid, kind };
        return Ok(PushUser::Found { user, devices: found.devices.into() });
    }
    let exists_as = match kind {
        None => None,
        Some(kind) => {
            let other = if kind == UserKind::App { UserKind::End } else { UserKind::App };
            devices_of(axl, user, other).await?.map(|_| other)
        }
    };
    let similar = if exists_as.is_some() { Vec::new() } else { similar(axl, user).await? };
    Ok(PushUser::Missing { user: user.to_owned(), searched, exists_as, similar })
}

/// Returns the devices of a user; nothing when there is no such user.
async fn devices_of(
    axl: &AxlClient,
    user: &str,
    kind: UserKind,
) -> Result<Option<ControlledDevices>, AxlError> {
    match axl.controlled_devices(user, kind).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names users that look like the one that was meant; end users only where they begin alike.
async fn similar(axl: &AxlClient, user: &str) -> Result<Vec<String>, SurveyError> {
    let listing = axl.list(ListAppUser::all(), |_| {}).await?;
    let mut names: Vec<String> =
        whole(listing, "application users")?.into_iter().map(|row| row.userid).collect();
    let beginning: String = user.chars().take(3).filter(|c| *c != '%').collect();
    if !beginning.is_empty() {
        let criteria = list_user::Criteria {
            userid: Some(format!("{beginning}%")),
            ..list_user::Criteria::default()
        };
        let listing = axl.list(ListUser::matching(criteria), |_| {}).await?;
        names.extend(whole(listing, "end users")?.into_iter().map(|row| row.userid));
    }
    Ok(near(user, names.iter().map(String::as_str)))
}
