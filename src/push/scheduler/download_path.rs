//! Whether phones can reach our image server.
//!
//! A phone that cannot needs as long for its answer as its download times out, and every phone after it does. So until
//! something was requested from the image server only a few phones are pushed to at once, and after as many in vain the
//! push stops.

use crate::event::{Outcome, Proof};
use crate::push::attempt_log::AttemptLog;
use crate::push::scheduler::Scheduler;
use crate::push::scheduler::phone_task::PhoneTask;
use crate::push::scheduler::queues::VainPushes;
use crate::push::settings::StopReason;
use crate::push::{ReplyKind, Target};

impl<B: AttemptLog> Scheduler<'_, B> {
    /// Returns how many phones may be pushed to at once, also until their downloads are complete.
    pub(crate) fn download_path_limit(&self) -> usize {
        match self.delivery.was_requested() {
            Some(false) => self.sample().saturating_sub(self.vain.accepted + self.vain.refused),
            Some(true) | None => usize::MAX,
        }
    }

    /// Returns how many phones have to answer before the push can stop.
    fn sample(&self) -> usize {
        SAMPLE.max(self.settings.min_sample)
    }

    /// Has the first phones of a wave come from different device pools, as long as nothing was requested.
    pub(crate) fn spread_over_pools(&self, targets: &mut [Target]) {
        if self.delivery.was_requested() != Some(false) {
            return;
        }
        // Recently changed phones come last in any case.
        let is_first = |target: &Target| !target.recently_changed;
        for at in 0..SAMPLE.min(targets.len()) {
            let (taken, rest) = targets.split_at_mut(at);
            let is_new = |target: &Target| {
                is_first(target)
                    && taken.iter().all(|other| other.device_pool != target.device_pool)
            };
            if let Some(found) = rest.iter().position(is_new) {
                rest[..=found].rotate_right(1);
            }
        }
    }

    /// Takes note of a reply after which a phone downloads nothing any more.
    pub(crate) fn note_reply(&mut self, task: &PhoneTask, reply: &ReplyKind) {
        let tells = match reply {
            // Without a number it has no push at all, and errors 1 and 2 are about the object: no download was tried.
            ReplyKind::Refused(error) => error.number.is_some_and(|number| number > 2),
            ReplyKind::NoReply(_) => true,
            ReplyKind::Accepted(_)
            | ReplyKind::AuthRefused(_)
            | ReplyKind::NotFound(_)
            | ReplyKind::Unreachable(_)
            | ReplyKind::Unreadable(_)
            | ReplyKind::WrongDevice(_)
            | ReplyKind::NotSent(_)
            | ReplyKind::Blocked { .. } => false,
        };
        self.vain.refused += usize::from(tells && !task.is_set_aside);
    }

    /// Takes note of a phone that accepted, once the time for its downloads is over.
    pub(crate) fn note_verified(&mut self, task: &PhoneTask) {
        // Without proof the downloads are not waited for.
        if !task.is_set_aside && self.settings.proof != Proof::None {
            self.vain.accepted += 1;
        }
    }

    /// Stops when the first phones have answered and no phone has requested anything.
    pub(crate) fn no_requests(&self) -> Option<StopReason> {
        let VainPushes { accepted, refused } = self.vain;
        let is_enough = accepted + refused >= self.sample();
        let is_unreached = is_enough && self.delivery.was_requested() == Some(false);
        is_unreached.then(|| self.no_downloads(accepted, refused, false))
    }

    /// Stops between two waves when phones accepted, and none of them requested anything, or only other addresses did.
    pub(crate) fn only_vain_pushes(&self) -> Option<StopReason> {
        let of = |outcome| self.results.iter().filter(move |result| result.outcome == outcome);
        // Without proof (`--verify none`) a missing download means nothing.
        let accepted = of(Outcome::Accepted).filter(|result| result.is_failure()).count();
        if accepted == 0 || of(Outcome::Verified).count() > 0 {
            return None;
        }
        let by_others = self.results.iter().any(|result| !result.downloads.fetched_by.is_empty());
        // Phones whose downloads break off do reach it.
        if self.delivery.was_requested() == Some(true) && !by_others {
            return None;
        }
        Some(self.no_downloads(accepted, of(Outcome::Rejected).count(), by_others))
    }

    fn no_downloads(&self, accepted: usize, refused: usize, by_others: bool) -> StopReason {
        let url = self.delivery.base_url().unwrap_or_default().to_owned();
        StopReason::NoDownloads { accepted, refused, url, by_others }
    }
}

/// How many phones test the path to our image server.
const SAMPLE: usize = 3;
