//! Makes one change and reads its result back.

use crate::apply::cluster_api::ClusterApi;
use crate::apply::preconditions::{Found, compare, now};
use crate::axl::common_phone_config::AddCommonPhoneConfig;
use crate::axl::phone::UpdatePhone;
use crate::domain::association::DeviceList;
use crate::domain::error_chain::error_chain;
use crate::domain::plan::{Action, ConfigLevel, CurrentState, WebAccessChange};
use crate::domain::text::names;
use crate::event::ChangeState;

/// Why a change was not sent, or what became of it when it was.
#[derive(Debug)]
pub(crate) enum WriteError<E> {
    Call(E),
    /// The current state is not what the change expects, so nothing was sent.
    Moved(String),
}

impl<E> From<E> for WriteError<E> {
    fn from(error: E) -> Self {
        Self::Call(error)
    }
}

pub(crate) async fn write<S: ClusterApi>(
    site: &S,
    action: &Action,
) -> Result<(), WriteError<S::Error>> {
    match action {
        Action::AssociateDevices { target, after, .. }
        | Action::DissociateDevices { target, after, .. } => site.set_list(target, after).await?,
        Action::EnablePersonalization(change) | Action::RestorePersonalization(change) => {
            match change.scope {
                ConfigLevel::Phone => {
                    let setting = change.after.as_axl();
                    site.update_phone(UpdatePhone::personalization(&change.target, setting))
                        .await?;
                }
                ConfigLevel::Profile => {
                    site.personalize_profile(&change.target, change.after).await?;
                }
            }
        }
        Action::EnableWebAccess(change) | Action::RestoreWebAccess(change) => {
            web_access(site, change).await?;
        }
        Action::AddProfile { target, source, page, after, .. } => {
            let source = site.profile(source).await?;
            let source = source.filter(|there| there.digest().as_ref() == Ok(page));
            let source = source.ok_or_else(|| moved("the profile to be copied is another"))?;
            let copy = AddCommonPhoneConfig::copy_of(&source, target, after.as_axl());
            site.add_profile(copy.map_err(moved)?).await?;
        }
        Action::RemoveProfile { target, .. } => site.remove_profile(target).await?,
        Action::AssignProfile { target, after, .. } => {
            site.update_phone(UpdatePhone::profile(target, after)).await?;
        }
        Action::ApplyConfig { scope, target, reset, .. } => {
            site.apply_config(*scope, target, *reset).await?;
        }
    }
    Ok(())
}

/// The settings are written as a whole, so they are read right before.
async fn web_access<S: ClusterApi>(
    site: &S,
    change: &WebAccessChange,
) -> Result<(), WriteError<S::Error>> {
    let page = site.phone(&change.target).await?;
    let page = page.ok_or_else(|| moved("it is not there any more"))?;
    if page.settings().as_ref() != Ok(&change.before) {
        return Err(moved("its product-specific settings have changed"));
    }
    let update = page.with_web_access(change.after.web_access.as_deref()).map_err(moved)?;
    Ok(site.update_phone(update).await?)
}

fn moved<E>(why: impl ToString) -> WriteError<E> {
    WriteError::Moved(why.to_string())
}

pub(crate) struct Outcome {
    pub(crate) state: ChangeState,
    pub(crate) message: Option<String>,
    /// The list as it was read back, where it is one.
    pub(crate) list: Option<DeviceList>,
    /// Whether anything was sent to be changed.
    pub(crate) sent: bool,
    /// Why what came of it is not in the journal, where it is not.
    pub(crate) unrecorded: Option<String>,
}

impl Outcome {
    /// Nothing but a state.
    pub(crate) fn of(state: ChangeState) -> Self {
        Self { state, message: None, list: None, sent: false, unrecorded: None }
    }
}

/// Reads back what was written, whether the call failed or not: it may have been carried out all the same.
pub(crate) async fn read_back<S: ClusterApi>(
    site: &S,
    action: &Action,
    write_error: Option<&S::Error>,
) -> Outcome {
    let failed = write_error.map(|error| format!("the write failed ({})", error_chain(error)));
    if let Action::ApplyConfig { .. } = action {
        let unknown = write_error.is_some_and(S::is_outcome_unknown);
        let state = match (&failed, unknown) {
            (None, _) => ChangeState::Applied,
            (Some(_), true) => ChangeState::Unproven,
            (Some(_), false) => ChangeState::NotApplied,
        };
        return Outcome { message: failed, ..Outcome::of(state) };
    }
    match now(site, action).await {
        Err(error) => {
            let wrote = failed.unwrap_or_else(|| "the write was accepted".to_owned());
            let message = format!("{wrote}, and reading it back failed: {}", error_chain(&error));
            Outcome { message: Some(message), ..Outcome::of(ChangeState::Unproven) }
        }
        Ok(now) => {
            let (state, message) = judge(action, failed, &now);
            let list = if let CurrentState::List(list) = now { Some(list) } else { None };
            Outcome { message, list, ..Outcome::of(state) }
        }
    }
}

pub(crate) fn judge(
    action: &Action,
    failed: Option<String>,
    now: &CurrentState,
) -> (ChangeState, Option<String>) {
    let found = match (action, now) {
        // What another administrator added at the same time does not matter.
        (Action::AssociateDevices { before, after, .. }, CurrentState::List(list))
            if list.is_superset(after) || !list.same_devices(before) =>
        {
            return added(after, failed, list);
        }
        (_, now) => compare(action, now),
    };
    match found {
        Found::AsPlanned => {
            let told = failed.map(|text| format!("{text}, but everything is as planned"));
            (ChangeState::Applied, told)
        }
        Found::AsExpected => {
            let why = failed.unwrap_or_else(|| "the write was accepted".to_owned());
            (ChangeState::NotApplied, Some(format!("{why}, and everything is as it was")))
        }
        Found::Moved(how) => {
            let why = failed.map(|text| text + ", and ").unwrap_or_default();
            (ChangeState::Unproven, Some(format!("{why}it is not as planned: {how}")))
        }
    }
}

fn added(
    after: &DeviceList,
    failed: Option<String>,
    list: &DeviceList,
) -> (ChangeState, Option<String>) {
    let missing = after.missing_from(list);
    if !missing.is_empty() {
        let all = after.len();
        let text = format!("{} of {all} devices are missing: {}", missing.len(), names(&missing));
        return (ChangeState::Unproven, Some(text));
    }
    let extra = list.missing_from(after);
    let others = (!extra.is_empty())
        .then(|| format!("another administrator added {} at the same time", names(&extra)));
    let told = failed.map(|text| format!("{text}, but the list is as planned"));
    (ChangeState::Applied, told.or(others))
}
