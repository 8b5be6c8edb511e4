//! What the two accounts of a run may do: the push user, whose password goes to every phone, should have no other
//! right; the AXL user must be allowed to write where something is to be changed.

use std::sync::Arc;

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::connect::cluster::ClusterSettings;
use crate::connect::push_access::PushAccess;
use crate::domain::association::UserKind;
use crate::domain::error_chain::error_chain;
use crate::domain::roles::{AXL_ACCESS, Roles};
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer};

/// The rights of a push user beyond the push.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PushUserRights {
    /// None that is known of.
    None,
    /// Some, in words.
    Privileged(String),
    /// The cluster does not show them.
    Unknown,
}

impl PushUserRights {
    /// Judges a push user by its name, the name of the AXL user, and its roles, where they are known.
    pub fn of(user: &str, axl_user: Option<&str>, roles: Option<&Roles>) -> Self {
        if axl_user.is_some_and(|axl_user| axl_user.to_lowercase() == user.to_lowercase()) {
            return Self::Privileged("is also the AXL user".to_owned());
        }
        let Some(roles) = roles else { return Self::Unknown };
        let beyond: Vec<&str> = roles.beyond_push().collect();
        match beyond.as_slice() {
            [] => Self::None,
            [role] => Self::Privileged(format!("has the role {role}")),
            roles => Self::Privileged(format!("has the roles {}", roles.join(", "))),
        }
    }

    /// Reads the rights of a push user. A user that does not exist has none.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn read(
        axl: &AxlClient,
        user: &str,
        kind: Option<UserKind>,
    ) -> Result<Self, AxlError> {
        match axl.roles(user, kind).await {
            Ok(roles) => Ok(Self::of(user, Some(axl.username()), roles.as_ref())),
            Err(error) if error.is_not_found() => Ok(Self::None),
            Err(error) => Err(error),
        }
    }
}

/// Refuses a push user with rights beyond the push, unless they are allowed.
///
/// # Errors
/// When the push user is refused, or the cluster cannot be asked.
pub async fn check_push_user(
    axl: &AxlClient,
    connection: &ClusterSettings,
    observer: &Arc<dyn Observer>,
) -> Result<(), AppError> {
    let Some(user) = &connection.push_access.push_user else { return Ok(()) };
    if connection.push_access.allows_privileged {
        return Ok(());
    }
    match PushUserRights::read(axl, user, connection.push_user_kind).await? {
        PushUserRights::None => Ok(()),
        PushUserRights::Privileged(rights) => Err(privileged(user, &rights)),
        PushUserRights::Unknown => {
            let remark = format!("{}; {BARE_USER}", unknown_rights(user));
            observer.observe(&Event::Remark(remark));
            Ok(())
        }
    }
}

/// Refuses a push user that is also the AXL user, where no cluster is asked for its rights; says that it was not asked.
///
/// # Errors
/// When the push user is refused.
pub fn check_push_user_by_address(
    push_access: &PushAccess,
    observer: &Arc<dyn Observer>,
) -> Result<(), AppError> {
    let user = push_access.need_push_user()?;
    if push_access.allows_privileged {
        return Ok(());
    }
    match PushUserRights::of(user, push_access.axl_user.as_deref(), None) {
        PushUserRights::Privileged(rights) => Err(privileged(user, &rights)),
        PushUserRights::None | PushUserRights::Unknown => {
            let remark = format!(
                "without a cluster the rights of the push user {user} are not checked; {BARE_USER}"
            );
            observer.observe(&Event::Remark(remark));
            Ok(())
        }
    }
}

/// Refuses an account that may not write, before anything is changed. What cannot be found out stops nothing: a refused
/// write is an error of its own.
///
/// # Errors
/// When the account may only read.
pub async fn check_writable(axl: &AxlClient) -> Result<(), AppError> {
    let asked = async {
        let roles = axl.roles(axl.username(), None).await?;
        Ok::<_, AxlError>((axl.may_write(roles.as_ref()).await?, roles))
    };
    let roles = match asked.await {
        Ok((Some(false), roles)) => roles,
        Ok(_) => return Ok(()),
        Err(error) => {
            tracing::debug!(error = %error_chain(&error), "not known whether the account may write");
            return Ok(());
        }
    };
    let message = format!("{}: {}", axl.endpoint(), read_only(axl.username(), roles.as_ref()));
    Err(AppError::new(ErrorKind::Authentication, message)
        .hint(format!("nothing was changed, and no phone was asked; {GRANT_WRITE}")))
}

/// Says that an account may only read, and which roles it has.
pub fn read_only(username: &str, roles: Option<&Roles>) -> String {
    match roles.filter(|roles| !roles.is_empty()) {
        Some(roles) => format!(
            "the AXL user {username} may only read: it lacks the role {AXL_ACCESS} (it has {})",
            roles.list()
        ),
        None => format!("the AXL user {username} may only read: it lacks the role {AXL_ACCESS}"),
    }
}

/// Says that the rights of a push user could not be read.
pub fn unknown_rights(user: &str) -> String {
    format!("the cluster does not show which roles the push user {user} has")
}

fn privileged(user: &str, rights: &str) -> AppError {
    let message = format!("the push user {user} {rights}, and {EXPOSED}");
    AppError::new(ErrorKind::Refused, message).hint(format!("nothing was sent; {REPLACE_USER}"))
}

/// Why a push user should have no other right.
pub const EXPOSED: &str = "its password goes to every phone, mostly over plain HTTP";

/// What to do about a push user that has other rights.
pub const REPLACE_USER: &str = "use an application user without any group, or accept the risk with \
    --allow-privileged-push-user (config file: allow_privileged_push_user)";

/// What to do about an account that may only read.
pub const GRANT_WRITE: &str = "add the user to a group with that role (User Management > User Settings > Access Control \
    Group), or use another account; `audit` and `plan` need no more";

const BARE_USER: &str =
    "it should have none beyond the push, because its password goes to every phone";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_user_is_judged_by_its_name_and_its_roles() {
        let roles = |names: &[&str]| names.iter().copied().collect::<Roles>();
        let of =
            |axl: Option<&str>, roles: Option<&Roles>| PushUserRights::of("BgPush", axl, roles);
        let none = roles(&["Standard CTI Enabled"]);
        assert_eq!(of(Some("axladmin"), Some(&none)), PushUserRights::None);
        assert_eq!(of(Some("axladmin"), None), PushUserRights::Unknown);
        let same = PushUserRights::Privileged("is also the AXL user".to_owned());
        assert_eq!(of(Some("bgpush"), None), same);
        let two = roles(&["Helpdesk", "Standard CCM Super Users", "Standard CTI Enabled"]);
        let expected = "has the roles Helpdesk, Standard CCM Super Users".to_owned();
        assert_eq!(of(None, Some(&two)), PushUserRights::Privileged(expected));
    }
}
