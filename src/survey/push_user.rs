//! The user whose name and password go to the phones.

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::sql::{ExecuteSqlQuery, sql_literal};
use crate::axl::user::{
    ControlledDevices, GetAppUser, GetCredentialPolicy, GetUser, ListAppUser, ListUser,
    PasswordCredentials,
};
use crate::domain::association::{UserKind, UserRef};
use crate::domain::inventory::{AccountStatus, PushUser};
use crate::domain::selector::near;
use crate::survey::error::{SurveyError, whole};

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
        let user = UserRef { user: found.userid, kind };
        let account = account(axl, &user, found.active).await?;
        return Ok(PushUser::Found { user, devices: found.devices.into(), account });
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

/// Finds out whether the user can log in and whether this account may change it, as far as AXL tells. What it
/// does not tell stays unknown: nothing here stops a survey that it does not have to.
async fn account(
    axl: &AxlClient,
    user: &UserRef,
    active: Option<bool>,
) -> Result<AccountStatus, AxlError> {
    let credentials = match user.kind {
        UserKind::App => axl
            .call(&GetAppUser::credentials(&user.user))
            .await
            .map(|answer| answer.password_credentials),
        UserKind::End => axl
            .call(&GetUser::credentials(&user.user))
            .await
            .map(|answer| answer.password_credentials),
    };
    let credentials = match credentials {
        Ok(credentials) => credentials,
        Err(error) if error.is_refusal() => PasswordCredentials::default(),
        Err(error) => return Err(error),
    };
    let rank = rank(axl, &user.user, Some(user.kind)).await?;
    let own_rank = rank_of_self(axl).await?;
    let locked = locked(active, &credentials);
    let locks_after = locks_after(axl, credentials.policy.into_name()).await?;
    Ok(AccountStatus { locked, rank, own_rank, locks_after })
}

/// Reads from a user's credential policy after how many failed logins it is locked, where that may be asked.
async fn locks_after(axl: &AxlClient, policy: Option<String>) -> Result<Option<usize>, AxlError> {
    let Some(policy) = policy else { return Ok(None) };
    match axl.call(&GetCredentialPolicy::named(policy)).await {
        Ok(answer) => Ok(answer.locks_after()),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns why a user cannot log in; nothing when no reason is known.
fn locked(active: Option<bool>, credentials: &PasswordCredentials) -> Option<String> {
    if active == Some(false) {
        Some("it is not active".to_owned())
    } else if credentials.locked_by_administrator == Some(true) {
        Some("an administrator has locked its password".to_owned())
    } else if credentials.must_change == Some(true) {
        Some("its password must be changed first".to_owned())
    } else {
        None
    }
}

async fn rank_of_self(axl: &AxlClient) -> Result<Option<i64>, AxlError> {
    rank(axl, axl.username(), None).await
}

/// Reads a User Rank from the database, where that may be asked; of a name that both kinds of users have,
/// nothing is said unless the kind is known.
async fn rank(
    axl: &AxlClient,
    user: &str,
    kind: Option<UserKind>,
) -> Result<Option<i64>, AxlError> {
    let tables = [(UserKind::App, "applicationuser", "name"), (UserKind::End, "enduser", "userid")];
    let mut ranks: Vec<i64> = Vec::new();
    for (_, table, column) in
        tables.into_iter().filter(|(of, ..)| kind.is_none_or(|kind| kind == *of))
    {
        let sql = format!(
            "select userrank from {table} where lower({column}) = lower({})",
            sql_literal(user)
        );
        match axl.call(&ExecuteSqlQuery::new(sql)).await {
            Ok(answer) => ranks.extend(
                answer.iter().filter_map(|row| row.get("userrank")?.trim().parse::<i64>().ok()),
            ),
            Err(error) if error.fault().is_some() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(match ranks.as_slice() {
        [rank] => Some(*rank),
        [] | [_, _, ..] => None,
    })
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
        let listing = axl.list(ListUser::matching(format!("{beginning}%")), |_| {}).await?;
        names.extend(whole(listing, "end users")?.into_iter().map(|row| row.userid));
    }
    Ok(near(user, names.iter().map(String::as_str)))
}
