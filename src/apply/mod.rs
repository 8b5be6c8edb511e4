//! Carries a plan out against the cluster, exactly.
//!
//! AXL replaces a user's whole list of devices and a phone's whole product-specific settings on every write.
//! So nothing is written that was not read just before, no list that lacks an entry of the one that was
//! read, and what was written is read back and compared. What is not as the plan expects is not touched at
//! all. What is about to be changed is written down before, and its result before it is reported.
mod cluster_api;
mod execute;
mod preconditions;

use std::collections::HashSet;

use futures::stream::{StreamExt as _, TryStreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::domain::association::DeviceList;
use crate::domain::error_chain::error_chain;
use crate::domain::plan::{Action, Change, ConfigLevel, Plan};
use crate::event::{ChangeResult, ChangeState, Event, Observer, Stage};
use crate::journal::JournalError;

use crate::apply::execute::{Outcome, WriteError, read_back, write};
use crate::apply::preconditions::{Found, check};

pub use crate::apply::cluster_api::ClusterApi;
pub use crate::apply::cluster_api::{ChangeLog, NullChangeLog};
pub use crate::apply::preconditions::now;

#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Every change, in the plan's order.
    pub results: Vec<ChangeResult>,
    /// The changes that are on the cluster; lists as they were read back.
    pub read_back: Vec<(Change, Option<DeviceList>)>,
    /// The numbers of the changes that were sent. The others had been carried out before, or were not tried.
    pub sent: Vec<u32>,
    /// Why it ended before every change was tried, or went on without a record.
    pub halt: Option<Halt>,
}

/// Why no further change of a plan was tried.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Halt {
    Interrupted,
    /// The cluster refused the account, so every further change would be refused too; says how.
    Refused(String),
    /// The journal takes no more, so nothing more may be changed; says why.
    Unrecorded(String),
    /// The cluster is away for longer than is waited for; says how.
    Away(String),
    /// The time of the run is over; says since when.
    TimeOver(String),
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Interrupted => f.write_str("the run was interrupted before"),
            Self::Refused(why) | Self::Unrecorded(why) | Self::Away(why) | Self::TimeOver(why) => {
                f.write_str(why)
            }
        }
    }
}

/// A plan was not carried out. Nothing was written unless the text states it.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E: std::error::Error + 'static> {
    /// The cluster is no longer as it was when the plan was made.
    #[error("the {what} has changed since the plan was made; {how}")]
    Stale { what: String, how: String },
    /// What is to be changed could not be read, so nothing was written.
    #[error("cannot read the {what}, so nothing was written to it")]
    Unreadable {
        what: String,
        #[source]
        source: E,
    },
    /// What is about to be changed cannot be written down, so it is not changed.
    #[error("the change of the {what} cannot be written down, so it was not made")]
    Unrecorded {
        what: String,
        #[source]
        source: JournalError,
    },
    /// The account may not write.
    #[error("the cluster refused to change the {what}")]
    Refused {
        what: String,
        #[source]
        source: E,
    },
}

impl<E: std::error::Error + 'static> ApplyError<E> {
    /// Returns why the next change would fail for the same reason, if it would.
    fn halt<S: ClusterApi<Error = E>>(&self) -> Option<Halt> {
        match self {
            Self::Refused { .. } => Some(Halt::Refused(error_chain(self))),
            Self::Unrecorded { .. } => Some(Halt::Unrecorded(error_chain(self))),
            Self::Unreadable { source, .. } if S::is_refusal(source) => {
                Some(Halt::Refused(error_chain(self)))
            }
            // It was waited for already, for as long as is waited at all.
            Self::Unreadable { source, .. } if S::is_cut_off(source) => {
                Some(Halt::Away(error_chain(self)))
            }
            Self::Stale { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// Decides when the next change of a plan may begin.
pub trait StepControl: Sync {
    /// Waits until the next change may begin.
    ///
    /// # Errors
    /// Says why no other one may.
    fn may_begin(&self) -> impl Future<Output = Result<(), Halt>> + Send;
}

/// Changes follow each other until the token is cancelled.
impl StepControl for CancellationToken {
    async fn may_begin(&self) -> Result<(), Halt> {
        if self.is_cancelled() { Err(Halt::Interrupted) } else { Ok(()) }
    }
}

/// Carries the plan out.
///
/// Everything is read and compared before the first thing is written, so that a stale plan changes nothing.
/// What already is as planned is not written and counts as applied; so do phones that `told_before` names by the
/// numbers of their changes, unless something else about them is changed now. Before each change `steps` may let it
/// wait; once it allows none, the change in progress is finished and read back, and no other one begins.
///
/// # Errors
/// When something is not what the plan expects, cannot be read, or may not be written, and nothing has been
/// written yet. Once something has been written, the results tell what became of every change.
pub async fn apply<S: ClusterApi, B: ChangeLog, P: StepControl>(
    site: &S,
    change_log: &B,
    plan: &Plan,
    told_before: &HashSet<u32>,
    steps: &P,
    observer: &dyn Observer,
) -> Result<Applied, ApplyError<S::Error>> {
    check_all(site, plan, observer).await?;
    let mut applied = Applied::default();
    let mut news = News::default();
    observer.observe(&started(plan));
    for change in &plan.changes {
        if applied.halt.is_none() {
            applied.halt = steps.may_begin().await.err();
        }
        let done = match &applied.halt {
            Some(Halt::Interrupted) => {
                Outcome::not_applied(format!("not tried, because {}", Halt::Interrupted))
            }
            Some(halt) => Outcome::not_applied(format!("not tried: {halt}")),
            None if told_before.contains(&change.id) && !news.is_about(&change.action) => {
                Outcome::before()
            }
            None => match carry_out(site, change_log, change).await {
                Ok(done) => done,
                Err(error) if applied.results.is_empty() => return Err(error),
                Err(error) => {
                    applied.halt = error.halt::<S>();
                    Outcome::not_applied(error_chain(&error))
                }
            },
        };
        if done.sent {
            applied.sent.push(change.id);
            news.note(&change.action);
        }
        applied.take(change, done, observer);
    }
    observer.observe(&Event::Finished { stage: Stage::Apply });
    Ok(applied)
}

/// The phones and profiles about which something was written in this call, which phones must apply.
#[derive(Default)]
struct News {
    phones: HashSet<String>,
    profiles: HashSet<String>,
}

impl News {
    fn note(&mut self, action: &Action) {
        match action.configures() {
            Some((ConfigLevel::Phone, name)) => drop(self.phones.insert(name.to_owned())),
            Some((ConfigLevel::Profile, name)) => drop(self.profiles.insert(name.to_owned())),
            None => {}
        }
    }

    /// Returns whether phones must be sent the command. Which phones a profile has is unknown here, so a phone that was
    /// changed can be one of its.
    fn is_about(&self, action: &Action) -> bool {
        match action.told() {
            Some((ConfigLevel::Phone, name)) => self.phones.contains(name),
            Some((ConfigLevel::Profile, name)) => {
                self.profiles.contains(name) || !self.phones.is_empty()
            }
            None => true,
        }
    }
}

impl Applied {
    fn take(&mut self, change: &Change, done: Outcome, observer: &dyn Observer) {
        let Outcome { state, message, list, sent, unrecorded } = done;
        // An earlier run had these phones apply their configuration.
        if state == ChangeState::Applied && (sent || change.action.told().is_none()) {
            observer.observe(&Event::Changed(Box::new(change.clone())));
            self.read_back.push((change.clone(), list));
        }
        if let Some(why) = unrecorded {
            self.halt.get_or_insert(Halt::Unrecorded(why));
        }
        self.results.push(ChangeResult { change: change.clone(), state, message });
        let done = self.results.len() as u64;
        observer.observe(&Event::Progress { stage: Stage::Apply, done });
    }
}

impl Outcome {
    fn not_applied(why: String) -> Self {
        Self { message: Some(why), ..Self::of(ChangeState::NotApplied) }
    }

    fn before() -> Self {
        Self { message: Some(BEFORE.to_owned()), ..Self::of(ChangeState::Applied) }
    }
}

fn started(plan: &Plan) -> Event {
    Event::Started { stage: Stage::Apply, total: Some(plan.changes.len() as u64) }
}

/// Compares everything that the plan is about with what it expects. Writes nothing.
///
/// # Errors
/// When something is not what the plan expects, or cannot be read.
pub async fn check_all<S: ClusterApi>(
    site: &S,
    plan: &Plan,
    observer: &dyn Observer,
) -> Result<(), ApplyError<S::Error>> {
    observer
        .observe(&Event::Started { stage: Stage::Check, total: Some(plan.changes.len() as u64) });
    // A list, because an iterator with a closure would keep this future from being sent to another thread.
    let looks: Vec<_> = plan.changes.iter().map(|change| as_found(site, change)).collect();
    let mut looks = futures::stream::iter(looks).buffered(READS_AT_ONCE);
    let mut done = 0;
    while looks.try_next().await?.is_some() {
        done += 1;
        observer.observe(&Event::Progress { stage: Stage::Check, done });
    }
    observer.observe(&Event::Finished { stage: Stage::Check });
    Ok(())
}

/// Checks one change; returns whether everything is as planned already.
async fn as_found<S: ClusterApi>(site: &S, change: &Change) -> Result<bool, ApplyError<S::Error>> {
    let what = || change.action.subject();
    match check(site, &change.action).await {
        Ok(Found::AsExpected) => Ok(false),
        Ok(Found::AsPlanned) => Ok(true),
        Ok(Found::Moved(how)) => Err(ApplyError::Stale { what: what(), how }),
        Err(source) => Err(ApplyError::Unreadable { what: what(), source }),
    }
}

async fn carry_out<S: ClusterApi, B: ChangeLog>(
    site: &S,
    change_log: &B,
    change: &Change,
) -> Result<Outcome, ApplyError<S::Error>> {
    let what = || change.action.subject();
    if as_found(site, change).await? {
        let there = read_back(site, &change.action, None).await;
        return Ok(Outcome { message: Some(BEFORE.to_owned()), ..there });
    }
    let unrecorded = |source| ApplyError::Unrecorded { what: what(), source };
    change_log.intend(change).await.map_err(unrecorded)?;
    let (written, mut done) = write_until_known(site, &change.action).await;
    let (state, message) = (done.state, done.message.clone());
    let result = ChangeResult { change: change.clone(), state, message };
    if let Err(error) = change_log.changed(&result).await {
        let known = done.message.take().map(|text| text + "; ").unwrap_or_default();
        let why =
            format!("its result could not be written to the journal: {}", error_chain(&error));
        done.message = Some(format!("{known}{why}"));
        done.unrecorded = Some(error_chain(&error));
    }
    match written {
        Err(WriteError::Call(source)) if S::is_refusal(&source) => {
            Err(ApplyError::Refused { what: what(), source })
        }
        Err(WriteError::Moved(how)) => Err(ApplyError::Stale { what: what(), how }),
        Ok(()) | Err(WriteError::Call(_)) => Ok(Outcome { sent: true, ..done }),
    }
}

/// Writes, and reads back what came of it.
///
/// A write whose connection or server went away may have been carried out or not. It is read back, and only where
/// everything is as it was before is it written again: never blindly, and never after a time limit, because the
/// server may still work on it then.
async fn write_until_known<S: ClusterApi>(
    site: &S,
    action: &Action,
) -> (Result<(), WriteError<S::Error>>, Outcome) {
    let mut lost: Option<String> = None;
    let mut sent = 0;
    loop {
        sent += 1;
        let written = write(site, action).await;
        let mut done = match &written {
            Ok(()) => read_back(site, action, None).await,
            Err(WriteError::Call(error)) if S::is_refusal(error) => {
                Outcome::not_applied(format!("the cluster refused it: {}", error_chain(error)))
            }
            Err(WriteError::Call(error)) => read_back(site, action, Some(error)).await,
            Err(WriteError::Moved(how)) => Outcome::not_applied(how.clone()),
        };
        let cut_off = match &written {
            Err(WriteError::Call(error)) if S::is_cut_off(error) => Some(error_chain(error)),
            Ok(()) | Err(_) => None,
        };
        // What cannot be read back is never known to be as it was before.
        let undone = done.state == ChangeState::NotApplied && action.told().is_none();
        match cut_off.filter(|_| undone && sent < MOST_WRITES) {
            Some(why) => lost = Some(why),
            None => {
                if let (None, Some(why)) = (&done.message, lost) {
                    done.message = Some(format!(
                        "{why}; the cluster showed that nothing had been written, so it was written again"
                    ));
                }
                return (written, done);
            }
        }
    }
}

const BEFORE: &str = "it was carried out before; nothing was written";

/// A change is written this often at most where connections break under it.
const MOST_WRITES: u32 = 3;

/// AXL bears two reads at a time.
const READS_AT_ONCE: usize = 2;

#[cfg(test)]
mod tests;
