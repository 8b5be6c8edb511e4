//! What a watch tells those who follow it.

use std::fmt;
use std::time::Duration;

use crate::domain::device_name::DeviceName;
use crate::domain::text::{names, pluralize};
use crate::journal::{RunId, WatchStatus};
use crate::report::RunReport;
use crate::rollout::push_common::shortly;
use crate::watch::replaced::Replaced;
use crate::watch::state::WatchCounts;

/// What happened on one cluster. Each condition is told once, when it begins, and once, when it is over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WatchEvent {
    /// All phones were looked at.
    Surveyed(WatchCounts),
    /// These phones do not show what they should, or lack something, and are served now.
    Changed(Vec<DeviceName>),
    /// A new phone took the place of one that is gone.
    Replaced(Replaced),
    /// A run ended.
    Ran {
        /// Its number.
        run: Option<RunId>,
        /// Phones that show what they should now.
        shown: usize,
        /// Phones that it could not serve.
        failed: usize,
        /// Phones that could not be served at last, by this run or by earlier ones.
        failing: usize,
        /// Why it ended before its time, in words.
        stopped: Option<String>,
    },
    /// A run looked at screens of phones that are proven to show their picture.
    Screens {
        /// Its number.
        run: Option<RunId>,
        /// Phones that show it.
        verified: usize,
        /// Phones that show another one.
        drifted: Vec<DeviceName>,
        /// Phones whose screens were not seen.
        unknown: usize,
    },
    /// More phones would be touched than was agreed.
    ApprovalNeeded {
        /// The phones.
        phones: usize,
        /// How many may be touched without an approval.
        limit: usize,
    },
    /// The phones that waited were approved.
    Approved {
        /// Who approved.
        by: String,
    },
    /// No phone is pushed to any more, until that is repaired.
    PushStopped(String),
    /// No phone is pushed to for a while, because a run stopped by itself.
    PushPaused {
        /// Why, in words.
        why: String,
        /// How long.
        delay: Duration,
    },
    /// Passes fail: the cluster cannot be reached, another run works on it, or the journal cannot be written.
    Failed(String),
    /// Passes work again.
    Recovered,
    /// The watch ends with this error.
    Ended(String),
    /// The last pass of the previous process failed with this error.
    EndedBefore(String),
    /// The cluster does not say what changed.
    WithoutChanges {
        /// Why, in words.
        why: String,
        /// How often all phones are looked at instead.
        survey_every: Duration,
    },
    /// The cluster says again what changed.
    WithChanges,
    /// Changes may have been missed, so all phones are looked at.
    ChangesLost(String),
    /// The pictures could not be read again; those that were read before count.
    PictureKept(String),
    /// The pictures can be read again.
    PictureRead,
}

impl fmt::Display for WatchEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Surveyed(counts) => write!(f, "{counts}"),
            Self::Changed(phones) => {
                write!(f, "{} to serve: {}", pluralize(phones.len(), "phone"), names(phones))
            }
            Self::Replaced(Replaced { new, old }) => write!(f, "{new} replaces {old}"),
            Self::Ran { run, shown, failed, stopped, .. } => {
                if let Some(run) = run {
                    write!(f, "run {run}: ")?;
                }
                write!(f, "{} verified, {failed} failed", pluralize(*shown, "phone"))?;
                match stopped {
                    Some(why) => write!(f, "; stopped: {why}"),
                    None => Ok(()),
                }
            }
            Self::Screens { run, verified, drifted, unknown } => {
                if let Some(run) = run {
                    write!(f, "run {run}: ")?;
                }
                let phones = verified + drifted.len() + unknown;
                write!(f, "{} looked at: {verified} verified", pluralize(phones, "screen"))?;
                if !drifted.is_empty() {
                    let drifted_names = names(drifted);
                    write!(f, ", {} drifted ({drifted_names})", drifted.len())?;
                }
                match unknown {
                    0 => Ok(()),
                    unknown => write!(f, ", {unknown} unknown"),
                }
            }
            Self::ApprovalNeeded { phones, limit } => write!(
                f,
                "{} would be changed or pushed to, and --max-change allows {limit}: nothing is done until `axlpaper \
                 control watch approve`",
                pluralize(*phones, "phone")
            ),
            Self::Approved { by } => write!(f, "approved by {by}"),
            Self::PushStopped(why) => write!(
                f,
                "no phone is pushed to any more: {why}; repair that, and then `axlpaper control watch approve`"
            ),
            Self::PushPaused { why, delay } => {
                write!(f, "no phone is pushed to for {}: {why}", shortly(*delay))
            }
            Self::Failed(why) => write!(f, "cannot work, and tries again: {why}"),
            Self::Recovered => f.write_str("works again"),
            Self::Ended(why) => write!(f, "ended: {why}"),
            Self::EndedBefore(why) => write!(f, "the last pass before this start failed: {why}"),
            Self::WithoutChanges { why, survey_every } => write!(
                f,
                "the cluster does not say what changed, so all phones are looked at every {}: {why}",
                shortly(*survey_every)
            ),
            Self::WithChanges => f.write_str("the cluster says again what changed"),
            Self::ChangesLost(why) => write!(f, "all phones are looked at: {why}"),
            Self::PictureKept(why) => {
                write!(f, "the pictures cannot be read, so those from before still count: {why}")
            }
            Self::PictureRead => f.write_str("the pictures can be read again"),
        }
    }
}

impl fmt::Display for WatchCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} show their picture",
            self.shown,
            pluralize(self.capable, "capable phone")
        )?;
        let others = [
            (self.offline, "offline"),
            (self.failing, "failing"),
            (self.drifted, "drifted"),
            (self.held, "waiting for an approval"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

/// Receives the events of watches; `cluster` is the cluster's name. Must not block.
pub trait WatchObserver: Send + Sync {
    /// Takes note of an event.
    fn observe(&self, cluster: &str, event: &WatchEvent);

    /// Takes note of a pass that has ended, also of one that failed.
    fn passed(&self, cluster: &str, status: &WatchStatus, counts: WatchCounts);

    /// Takes note of what a run did.
    fn ran(&self, cluster: &str, report: &RunReport);
}
