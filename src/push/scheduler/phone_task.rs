//! The state of one phone during a push, and its result.

use jiff::Timestamp;
use tokio::time::Instant;

use crate::domain::payload_kind::ObjectKind;
use crate::event::{Downloads, Outcome, PhoneResult};
use crate::push::policy::lockout::LoginTicket;
use crate::push::policy::outcome::{LOOK_FIRST, PhoneOutcome};
use crate::push::settings::StopReason;
use crate::push::{LoginCheck, Target};

/// The state of one phone during a push.
#[derive(Clone)]
pub(crate) struct PhoneTask {
    pub(crate) target: Target,
    /// When its wave began.
    pub(crate) since: Instant,
    /// Whether its first attempt has ended.
    pub(crate) is_set_aside: bool,
    pub(crate) attempts: u32,
    /// Attempts that the phone refused because a change had not reached it yet.
    pub(crate) put_off: u32,
    /// Whether this is the repeated push after one that was accepted and followed by no download.
    pub(crate) repeated: bool,
    /// Whether it moved, so that this is the attempt at its newer address.
    pub(crate) address_checked: bool,
    /// Whether another device answered at the address.
    pub(crate) is_address_taken: bool,
    /// Whether it refused the push user while the password was right.
    pub(crate) has_refused: bool,
    pub(crate) first_attempt: Option<(Timestamp, Instant)>,
    /// The row of the next attempt, or of the one in progress, in the attempt log.
    pub(crate) entry: Option<i64>,
    /// The login in progress, where it can fail.
    pub(crate) ticket: Option<LoginTicket>,
    /// The outcome if there is no retry.
    pub(crate) last: Option<PhoneOutcome>,
    /// Other addresses that downloaded the files of the phone.
    pub(crate) downloads: Downloads,
}

impl PhoneTask {
    /// Makes the state of a phone of a wave that begins `since`.
    pub(crate) fn new(target: Target, since: Instant) -> Self {
        Self {
            target,
            since,
            is_set_aside: false,
            attempts: 0,
            put_off: 0,
            repeated: false,
            address_checked: false,
            is_address_taken: false,
            has_refused: false,
            first_attempt: None,
            entry: None,
            ticket: None,
            last: None,
            downloads: Downloads::default(),
        }
    }

    /// Tells whether a push to the phone is a login at the cluster, or may be one.
    pub(crate) fn logs_in(&self) -> bool {
        self.target.login_check != LoginCheck::Elsewhere
    }

    /// Tells whether its acceptance proves the password. Before a repeated push it was proven already.
    pub(crate) fn proves(&self) -> bool {
        self.target.login_check == LoginCheck::Cluster && !self.repeated
    }

    /// Returns whether a refusal of the push user has a likely reason that is not the password.
    pub(crate) fn expects_refusal(&self) -> bool {
        self.has_refused || self.target.recently_changed
    }

    /// Returns how many attempts count for the limit of attempts.
    pub(crate) fn counted_attempts(&self) -> u32 {
        // A push that was ignored was no failure of the network.
        self.attempts - self.put_off - u32::from(self.repeated)
    }

    /// Makes the result of a phone that was skipped because the push was stopped.
    pub(crate) fn stopped(mut self, stopped: &StopReason) -> PhoneResult {
        let last = self.last.take();
        let object = self.target.object();
        let outcome = last
            .map_or_else(|| not_tried(object, stopped), |last| not_again(object, last, stopped));
        self.ended(outcome, None)
    }

    /// Makes the result of a phone whose push was in progress when the run was cut off.
    pub(crate) fn cut_off(self) -> PhoneResult {
        let why = "it was being pushed to when the run was cut off, so its state is not known";
        let object = self.target.object();
        let interrupted =
            PhoneOutcome { outcome: Outcome::Interrupted, ..pending(object, why.to_owned()) };
        let outcome = match object {
            ObjectKind::Background | ObjectKind::RingTone => interrupted,
            // It may have been done, and nothing can show it.
            ObjectKind::Play | ObjectKind::Keys => {
                PhoneOutcome { remedy: Some(LOOK_FIRST.to_owned()), ..interrupted }
            }
        };
        self.ended(outcome, None)
    }

    pub(crate) fn ended(
        self,
        outcome: PhoneOutcome,
        finished_at: Option<Timestamp>,
    ) -> PhoneResult {
        let Self { target, attempts, first_attempt, downloads, .. } = self;
        let picture = target.picture();
        let object = target.accepts.kind();
        PhoneResult {
            model: target.model,
            device_pool: target.device_pool,
            ip: Some(target.ip),
            image: target.accepts.image().map(|image| image.background),
            picture,
            words: target.words.map(std::sync::Arc::unwrap_or_clone),
            ring_tone: target.accepts.tone(),
            phone_error: outcome.phone_error,
            reason: outcome.reason,
            remedy: outcome.remedy,
            downloads,
            attempts,
            first_attempt_at: first_attempt.map(|(at, _)| at),
            finished_at,
            duration_ms: first_attempt
                .filter(|_| finished_at.is_some())
                .map(|(_, since)| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)),
            ..PhoneResult::not_tried(target.name, object, outcome.outcome)
        }
    }
}

fn not_tried(object: ObjectKind, stopped: &StopReason) -> PhoneOutcome {
    pending(object, format!("not tried: {}", stopped.brief()))
}

fn not_again(object: ObjectKind, last: PhoneOutcome, stopped: &StopReason) -> PhoneOutcome {
    // Why is the run's to say.
    let reason = format!("{}; not tried again", last.reason.unwrap_or_default());
    // A refusal while the change was still awaited decides nothing.
    let undecided = match stopped {
        StopReason::Interrupted
        | StopReason::PageDown { .. }
        | StopReason::TimeOver { .. }
        | StopReason::Unrecorded(_) => last.outcome == Outcome::AuthFailed,
        StopReason::AuthRefusals { .. }
        | StopReason::Failures { .. }
        | StopReason::NoDownloads { .. }
        | StopReason::PasswordRefused { .. } => false,
    };
    if undecided {
        PhoneOutcome { phone_error: last.phone_error, ..pending(object, reason) }
    } else {
        PhoneOutcome { reason: Some(reason), ..last }
    }
}

fn pending(object: ObjectKind, reason: String) -> PhoneOutcome {
    let remedy = if object.is_downloaded() {
        "run the same command again; phones that are done already are skipped"
    } else {
        // These are never proven, so the same command would send them to all phones again.
        "send it again to the phones that are still pending: list them with --devices-from or --addresses-from"
    };
    PhoneOutcome {
        outcome: Outcome::Pending,
        phone_error: None,
        reason: Some(reason),
        remedy: Some(remedy.to_owned()),
    }
}
