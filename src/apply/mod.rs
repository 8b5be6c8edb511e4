//! Carries a plan out against the cluster, exactly.
//!
//! AXL replaces a user's whole list of devices on every write. So a list is never written that was not
//! read just before, never one that lacks an entry of the list that was read, and what was written is
//! read back and compared. A list that is not what the plan expects is not touched at all. What is about to be
//! changed is written down before, and what came of it before it is told.

mod ledger;
mod lists;

use crate::domain::association::{DeviceList, UserRef};
use crate::domain::chain::chain;
use crate::domain::plan::{Action, Change, Plan};
use crate::domain::text::names;
use crate::event::{ChangeResult, ChangeState, Event, Observer, Stage};
use crate::journal::JournalError;

pub use ledger::{Forgetful, Ledger};

/// Where users' lists of devices are read and written.
pub trait UserLists: Send + Sync {
    /// Why a call failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads the list that a user controls.
    fn read(&self, user: &UserRef) -> impl Future<Output = Result<DeviceList, Self::Error>> + Send;

    /// Replaces the list that a user controls.
    fn write(
        &self,
        user: &UserRef,
        list: &DeviceList,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Tells whether the failure means that the account may not do this, so that nothing is tried again.
    fn is_refusal(error: &Self::Error) -> bool;
}

/// What came of a plan.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Every change, in the plan's order.
    pub results: Vec<ChangeResult>,
    /// The lists as they were read back, for the changes where that worked.
    pub read_back: Vec<(Change, DeviceList)>,
}

/// A plan was not carried out. Nothing was written unless the text says so.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E: std::error::Error + 'static> {
    /// The cluster is no longer as it was when the plan was made.
    #[error("{user} has changed since the plan was made{}", difference(added, removed))]
    Stale {
        /// Whose list.
        user: String,
        /// Devices that were added since.
        added: Vec<String>,
        /// Devices that were removed since.
        removed: Vec<String>,
    },
    /// A list could not be read, so nothing was written.
    #[error("cannot read the devices of the {user}, so nothing was written to it")]
    Unreadable {
        /// Whose list.
        user: String,
        /// Why.
        #[source]
        source: E,
    },
    /// What is about to be changed cannot be written down, so it is not changed.
    #[error("the change of the {user} cannot be written down, so it was not made")]
    Unrecorded {
        /// Whose list.
        user: String,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The account may not write.
    #[error("the cluster refused to change the devices of the {user}")]
    Refused {
        /// Whose list.
        user: String,
        /// Why.
        #[source]
        source: E,
    },
}

fn difference(added: &[String], removed: &[String]) -> String {
    let list = |what: &str, all: &[String]| match all {
        [] => String::new(),
        all => format!("; {what}: {}", names(all)),
    };
    list("added", added) + &list("removed", removed)
}

/// Carries the plan out.
///
/// Every list is read and compared before the first one is written, so that a stale plan changes nothing.
/// A list that already is as planned is left alone and counts as applied.
///
/// # Errors
/// When a list is not what the plan expects, cannot be read, or may not be written, and nothing has been
/// written yet. Once something has been written, the results tell what became of every change.
pub async fn apply<L: UserLists, B: Ledger>(
    lists: &L,
    ledger: &B,
    plan: &Plan,
    observer: &dyn Observer,
) -> Result<Applied, ApplyError<L::Error>> {
    for change in &plan.changes {
        look(lists, change).await?;
    }
    let mut applied = Applied::default();
    observer
        .observe(&Event::Started { stage: Stage::Apply, total: Some(plan.changes.len() as u64) });
    for change in &plan.changes {
        let (result, read_back) = match look_and_carry_out(lists, ledger, change).await {
            Ok(done) => done,
            Err(error) if applied.results.is_empty() => return Err(error),
            Err(error) => {
                let (state, message) = (ChangeState::NotApplied, Some(chain(&error)));
                (ChangeResult { change: change.clone(), state, message }, None)
            }
        };
        if result.state == ChangeState::Applied {
            observer.observe(&Event::Changed(Box::new(change.clone())));
        }
        applied.results.push(result);
        applied.read_back.extend(read_back.map(|list| (change.clone(), list)));
        observer
            .observe(&Event::Progress { stage: Stage::Apply, done: applied.results.len() as u64 });
    }
    observer.observe(&Event::Finished { stage: Stage::Apply });
    Ok(applied)
}

/// What a list is like before it is written.
enum Found {
    AsExpected,
    AsPlanned(DeviceList),
}

async fn look<L: UserLists>(lists: &L, change: &Change) -> Result<Found, ApplyError<L::Error>> {
    let Action::AssociateDevices { target, before, after, .. } = &change.action;
    let now = lists
        .read(target)
        .await
        .map_err(|source| ApplyError::Unreadable { user: target.to_string(), source })?;
    if now.same_devices(before) {
        return Ok(Found::AsExpected);
    }
    if now.same_devices(after) {
        return Ok(Found::AsPlanned(now));
    }
    Err(ApplyError::Stale {
        user: target.to_string(),
        added: now.missing_from(before),
        removed: before.missing_from(&now),
    })
}

async fn look_and_carry_out<L: UserLists, B: Ledger>(
    lists: &L,
    ledger: &B,
    change: &Change,
) -> Result<(ChangeResult, Option<DeviceList>), ApplyError<L::Error>> {
    match look(lists, change).await? {
        Found::AsExpected => {
            ledger.intend(change).await.map_err(|source| {
                let Action::AssociateDevices { target, .. } = &change.action;
                ApplyError::Unrecorded { user: target.to_string(), source }
            })?;
            let (mut result, read_back) = carry_out(lists, change).await?;
            if let Err(error) = ledger.changed(&result).await {
                let known = result.message.take().map(|text| text + "; ").unwrap_or_default();
                result.message = Some(format!(
                    "{known}what came of it is not in the journal: {}",
                    chain(&error)
                ));
            }
            Ok((result, read_back))
        }
        Found::AsPlanned(list) => {
            let message = Some("it was carried out before; nothing was written".to_owned());
            Ok((
                ChangeResult { change: change.clone(), state: ChangeState::Applied, message },
                Some(list),
            ))
        }
    }
}

async fn carry_out<L: UserLists>(
    lists: &L,
    change: &Change,
) -> Result<(ChangeResult, Option<DeviceList>), ApplyError<L::Error>> {
    let Action::AssociateDevices { target, before, after, .. } = &change.action;
    let write_error = match lists.write(target, after).await {
        Err(source) if L::is_refusal(&source) => {
            return Err(ApplyError::Refused { user: target.to_string(), source });
        }
        written => written.err(),
    };
    // A write that failed may still have been carried out, so the list is read back either way.
    let read_back = lists.read(target).await;
    let (state, message) = judge(before, after, write_error.as_ref(), &read_back);
    Ok((ChangeResult { change: change.clone(), state, message }, read_back.ok()))
}

fn judge<E: std::error::Error + 'static>(
    before: &DeviceList,
    after: &DeviceList,
    write_error: Option<&E>,
    read_back: &Result<DeviceList, E>,
) -> (ChangeState, Option<String>) {
    let wrote = write_error.map(|error| format!("the write failed ({})", chain(error)));
    match read_back {
        Err(error) => {
            let wrote = wrote.unwrap_or_else(|| "the write was accepted".to_owned());
            (
                ChangeState::Unproven,
                Some(format!("{wrote}, and reading the list back failed: {}", chain(error))),
            )
        }
        Ok(found) if found.is_superset(after) => {
            let extra = found.missing_from(after);
            let others = (!extra.is_empty())
                .then(|| format!("somebody else added {} at the same time", names(&extra)));
            (
                ChangeState::Applied,
                wrote.map(|text| format!("{text}, but the list is as planned")).or(others),
            )
        }
        Ok(found) if found.same_devices(before) => {
            let why = wrote.unwrap_or_else(|| "the write was accepted".to_owned());
            (ChangeState::NotApplied, Some(format!("{why}, and the list is as it was")))
        }
        Ok(found) => {
            let missing = after.missing_from(found);
            let text = format!(
                "{} of {} devices are missing: {}",
                missing.len(),
                after.len(),
                names(&missing)
            );
            (ChangeState::Unproven, Some(text))
        }
    }
}

#[cfg(test)]
mod tests;
