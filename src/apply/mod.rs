//! Carries a plan out against the cluster, exactly.
//!
//! AXL replaces a user's whole list of devices and a phone's whole product-specific settings on every write.
//! So nothing is written that was not read just before, no list that lacks an entry of the one that was
//! read, and what was written is read back and compared. What is not as the plan expects is not touched at
//! all. What is about to be changed is written down before, and what came of it before it is told.

mod ledger;
mod look;
mod site;
mod write;

use futures::stream::{StreamExt as _, TryStreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::domain::association::DeviceList;
use crate::domain::chain::chain;
use crate::domain::plan::{Change, Plan};
use crate::event::{ChangeResult, ChangeState, Event, Observer, Stage};
use crate::journal::JournalError;

use look::{Found, look};
use write::{Outcome, WriteError, prove, write};

pub use ledger::{Forgetful, Ledger};
pub use look::now;
pub use site::Site;

/// What came of a plan.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Every change, in the plan's order.
    pub results: Vec<ChangeResult>,
    /// The changes that are on the cluster; lists as they were read back.
    pub read_back: Vec<(Change, Option<DeviceList>)>,
    /// Whether somebody stopped it before its end.
    pub interrupted: bool,
}

/// A plan was not carried out. Nothing was written unless the text says so.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E: std::error::Error + 'static> {
    /// The cluster is no longer as it was when the plan was made.
    #[error("the {what} has changed since the plan was made; {how}")]
    Stale {
        /// What.
        what: String,
        /// How it differs.
        how: String,
    },
    /// What is to be changed could not be read, so nothing was written.
    #[error("cannot read the {what}, so nothing was written to it")]
    Unreadable {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: E,
    },
    /// What is about to be changed cannot be written down, so it is not changed.
    #[error("the change of the {what} cannot be written down, so it was not made")]
    Unrecorded {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The account may not write.
    #[error("the cluster refused to change the {what}")]
    Refused {
        /// What.
        what: String,
        /// Why.
        #[source]
        source: E,
    },
}

impl<E: std::error::Error + 'static> ApplyError<E> {
    /// Tells whether the next change would fail for the same reason.
    fn is_final(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unrecorded { .. } => true,
            Self::Stale { .. } | Self::Unreadable { .. } => false,
        }
    }
}

/// Carries the plan out.
///
/// Everything is read and compared before the first thing is written, so that a stale plan changes nothing.
/// What already is as planned is left alone and counts as applied. Once `stop` is cancelled, what is under
/// way is finished and proven, and nothing new is begun.
///
/// # Errors
/// When something is not what the plan expects, cannot be read, or may not be written, and nothing has been
/// written yet. Once something has been written, the results tell what became of every change.
pub async fn apply<S: Site, B: Ledger>(
    site: &S,
    ledger: &B,
    plan: &Plan,
    stop: &CancellationToken,
    observer: &dyn Observer,
) -> Result<Applied, ApplyError<S::Error>> {
    look_at_all(site, plan, observer).await?;
    let mut applied = Applied::default();
    let mut ended: Option<String> = None;
    observer.observe(&started(plan));
    for change in &plan.changes {
        if stop.is_cancelled() && ended.is_none() {
            applied.interrupted = true;
            ended = Some("not tried, because the run was interrupted before".to_owned());
        }
        let done = match &ended {
            Some(why) => Outcome::not_applied(why.clone()),
            None => match carry_out(site, ledger, change).await {
                Ok(done) => done,
                Err(error) if applied.results.is_empty() => return Err(error),
                Err(error) => {
                    if error.is_final() {
                        ended = Some(format!("not tried: {}", chain(&error)));
                    }
                    Outcome::not_applied(chain(&error))
                }
            },
        };
        applied.take(change, done, observer);
    }
    observer.observe(&Event::Finished { stage: Stage::Apply });
    Ok(applied)
}

impl Applied {
    fn take(&mut self, change: &Change, done: Outcome, observer: &dyn Observer) {
        if done.state == ChangeState::Applied {
            observer.observe(&Event::Changed(Box::new(change.clone())));
            self.read_back.push((change.clone(), done.list));
        }
        let Outcome { state, message, .. } = done;
        self.results.push(ChangeResult { change: change.clone(), state, message });
        let done = self.results.len() as u64;
        observer.observe(&Event::Progress { stage: Stage::Apply, done });
    }
}

impl Outcome {
    fn not_applied(why: String) -> Self {
        Self { state: ChangeState::NotApplied, message: Some(why), list: None }
    }
}

fn started(plan: &Plan) -> Event {
    Event::Started { stage: Stage::Apply, total: Some(plan.changes.len() as u64) }
}

/// Compares everything that the plan is about with what it expects.
async fn look_at_all<S: Site>(
    site: &S,
    plan: &Plan,
    observer: &dyn Observer,
) -> Result<(), ApplyError<S::Error>> {
    observer
        .observe(&Event::Started { stage: Stage::Check, total: Some(plan.changes.len() as u64) });
    let looks = plan.changes.iter().map(|change| as_found(site, change));
    let mut looks = futures::stream::iter(looks).buffered(READS_AT_ONCE);
    let mut done = 0;
    while looks.try_next().await?.is_some() {
        done += 1;
        observer.observe(&Event::Progress { stage: Stage::Check, done });
    }
    observer.observe(&Event::Finished { stage: Stage::Check });
    Ok(())
}

/// Looks at one thing; tells whether it is as planned already.
async fn as_found<S: Site>(site: &S, change: &Change) -> Result<bool, ApplyError<S::Error>> {
    let what = || change.action.subject();
    match look(site, &change.action).await {
        Ok(Found::AsExpected) => Ok(false),
        Ok(Found::AsPlanned) => Ok(true),
        Ok(Found::Moved(how)) => Err(ApplyError::Stale { what: what(), how }),
        Err(source) => Err(ApplyError::Unreadable { what: what(), source }),
    }
}

async fn carry_out<S: Site, B: Ledger>(
    site: &S,
    ledger: &B,
    change: &Change,
) -> Result<Outcome, ApplyError<S::Error>> {
    let what = || change.action.subject();
    if as_found(site, change).await? {
        let mut there = prove(site, &change.action, None).await;
        there.message = Some("it was carried out before; nothing was written".to_owned());
        return Ok(there);
    }
    let unrecorded = |source| ApplyError::Unrecorded { what: what(), source };
    ledger.intend(change).await.map_err(unrecorded)?;
    let written = write(site, &change.action).await;
    let mut done = match &written {
        Ok(()) => prove(site, &change.action, None).await,
        Err(WriteError::Call(error)) if S::is_refusal(error) => {
            Outcome::not_applied(format!("the cluster refused it: {}", chain(error)))
        }
        Err(WriteError::Call(error)) => prove(site, &change.action, Some(error)).await,
        Err(WriteError::Moved(how)) => Outcome::not_applied(how.clone()),
    };
    let (state, message) = (done.state, done.message.clone());
    let result = ChangeResult { change: change.clone(), state, message };
    if let Err(error) = ledger.changed(&result).await {
        let known = done.message.take().map(|text| text + "; ").unwrap_or_default();
        done.message =
            Some(format!("{known}what came of it is not in the journal: {}", chain(&error)));
    }
    match written {
        Err(WriteError::Call(source)) if S::is_refusal(&source) => {
            Err(ApplyError::Refused { what: what(), source })
        }
        Err(WriteError::Moved(how)) => Err(ApplyError::Stale { what: what(), how }),
        Ok(()) | Err(WriteError::Call(_)) => Ok(done),
    }
}

/// AXL bears two reads at a time.
const READS_AT_ONCE: usize = 2;

#[cfg(test)]
mod tests;
