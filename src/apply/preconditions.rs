//! Reads the current state of what a change writes, and compares it with what the change expects.

use crate::apply::cluster_api::ClusterApi;
use crate::axl::common_phone_config::CommonPhoneConfig;
use crate::axl::phone::PhonePage;
use crate::domain::association::DeviceList;
use crate::domain::personalization::Setting;
use crate::domain::phone_page::PageSettings;
use crate::domain::plan::{Action, ConfigLevel, CurrentState};
use crate::domain::text::names;

/// How the current state relates to a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Found {
    AsExpected,
    /// What the change would make of it.
    AsPlanned,
    Moved(String),
}

/// Reads the current state of the object of a change.
///
/// # Errors
/// When it cannot be read. What is not there any more is no error.
pub async fn now<S: ClusterApi>(site: &S, action: &Action) -> Result<CurrentState, S::Error> {
    Ok(match action {
        Action::AssociateDevices { target, .. } | Action::DissociateDevices { target, .. } => {
            CurrentState::List(site.list(target).await?)
        }
        Action::EnablePersonalization(change) | Action::RestorePersonalization(change) => {
            match change.scope {
                ConfigLevel::Phone => of_phone(site.phone(&change.target).await?),
                ConfigLevel::Profile => of_profile(site.profile(&change.target).await?),
            }
        }
        Action::EnableWebAccess(change) | Action::RestoreWebAccess(change) => {
            of_phone(site.phone(&change.target).await?)
        }
        Action::AssignProfile { target, .. } => of_phone(site.phone(target).await?),
        Action::AddProfile { target, .. } | Action::RemoveProfile { target, .. } => {
            of_profile(site.profile(target).await?)
        }
        // Whether a phone has applied its configuration cannot be read.
        Action::ApplyConfig { .. } => CurrentState::Gone,
    })
}

fn of_phone(page: Option<PhonePage>) -> CurrentState {
    page.map_or(CurrentState::Gone, |page| page.now())
}

fn of_profile(page: Option<CommonPhoneConfig>) -> CurrentState {
    page.map_or(CurrentState::Gone, |page| page.now())
}

/// Looks at everything that a change depends on.
pub(crate) async fn check<S: ClusterApi>(site: &S, action: &Action) -> Result<Found, S::Error> {
    let found = compare(action, &now(site, action).await?);
    if let (Action::AddProfile { source, page, .. }, Found::AsExpected) = (action, &found) {
        let same =
            site.profile(source).await?.is_some_and(|there| there.digest().as_ref() == Ok(page));
        if !same {
            return Ok(Found::Moved(format!(
                "the profile {source}, which is to be copied, is another"
            )));
        }
    }
    Ok(found)
}

/// Compares the current state with what the change expects and with what it would make of it.
pub(crate) fn compare(action: &Action, now: &CurrentState) -> Found {
    match (action, now) {
        (Action::ApplyConfig { .. }, _) | (Action::AddProfile { .. }, CurrentState::Gone) => {
            Found::AsExpected
        }
        (Action::RemoveProfile { .. }, CurrentState::Gone) => Found::AsPlanned,
        (_, CurrentState::Gone) => Found::Moved("it is not there any more".to_owned()),
        (
            Action::AssociateDevices { before, after, .. }
            | Action::DissociateDevices { before, after, .. },
            CurrentState::List(list),
        ) => lists(before, after, list),
        (
            Action::EnablePersonalization(change) | Action::RestorePersonalization(change),
            CurrentState::Phone { personalization, .. }
            | CurrentState::Profile { personalization, .. },
        ) => values(
            Some(change.before.as_axl()),
            Some(change.after.as_axl()),
            personalization.map(Setting::as_axl),
        ),
        (
            Action::EnableWebAccess(change) | Action::RestoreWebAccess(change),
            CurrentState::Phone { settings, .. },
        ) => settings_found(&change.before, &change.after, settings),
        (Action::AssignProfile { before, after, .. }, CurrentState::Phone { profile, .. }) => {
            values(Some(before), Some(after), profile.as_deref())
        }
        (
            Action::AddProfile { page, after, .. },
            CurrentState::Profile { personalization, page: there },
        ) => {
            if personalization.as_ref() == Some(after) && there.as_ref() == Ok(page) {
                Found::AsPlanned
            } else {
                Found::Moved("there is one of that name already".to_owned())
            }
        }
        (Action::RemoveProfile { before, .. }, CurrentState::Profile { page, .. }) => {
            if page.as_ref() == Ok(before) {
                Found::AsExpected
            } else {
                Found::Moved("its settings have changed".to_owned())
            }
        }
        (_, CurrentState::List(_) | CurrentState::Phone { .. } | CurrentState::Profile { .. }) => {
            Found::Moved("the value is different now".to_owned())
        }
    }
}

fn lists(before: &DeviceList, after: &DeviceList, now: &DeviceList) -> Found {
    if now.same_devices(before) {
        return Found::AsExpected;
    }
    if now.same_devices(after) {
        return Found::AsPlanned;
    }
    let part = |what: &str, all: Vec<String>| {
        (!all.is_empty()).then(|| format!("{what}: {}", names(&all)))
    };
    let parts =
        [part("added", now.missing_from(before)), part("removed", before.missing_from(now))];
    Found::Moved(parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

fn values(before: Option<&str>, after: Option<&str>, now: Option<&str>) -> Found {
    if now == before {
        return Found::AsExpected;
    }
    if now == after {
        return Found::AsPlanned;
    }
    let word = |value: Option<&str>| value.unwrap_or("nothing that is known").to_owned();
    Found::Moved(format!("it was {}, and is {} now", word(before), word(now)))
}

fn settings_found(
    before: &PageSettings,
    after: &PageSettings,
    now: &Result<PageSettings, String>,
) -> Found {
    match now {
        Err(why) => Found::Moved(why.clone()),
        Ok(now) if now == before => Found::AsExpected,
        Ok(now) if now == after => Found::AsPlanned,
        Ok(now) if now.others != before.others => {
            Found::Moved("other product-specific settings of it are not as they were".to_owned())
        }
        Ok(now) => values(
            before.web_access.as_deref(),
            after.web_access.as_deref(),
            now.web_access.as_deref(),
        ),
    }
}
