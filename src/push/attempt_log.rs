//! Where attempts are written down before they are made, and what came of them before it is told.

use crate::event::PhoneResult;
use crate::journal::{Attempt, AttemptEnd, JournalError, Recorder};
use crate::push::policy::outcome::PhoneOutcome;
use crate::push::{Digests, Target};

/// A record of attempts that outlives this process.
pub trait AttemptLog: Send + Sync {
    /// Says that a phone will now be tried; returns where that stands.
    ///
    /// # Errors
    /// When it cannot be written. Then the phone must not be tried.
    fn begin_attempt(
        &self,
        target: &Target,
        attempt: u32,
    ) -> impl Future<Output = Result<i64, JournalError>> + Send;

    /// Notes what a phone said that accepted. Nobody waits for it: it is there before the attempt's end is.
    fn record_reply(&self, entry: i64, raw: &str);

    /// Says how an attempt ended that is followed by another one.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end_attempt(
        &self,
        entry: i64,
        outcome: &PhoneOutcome,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Says how a phone ended, and with it its last attempt.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish_phone(
        &self,
        entry: Option<i64>,
        result: &PhoneResult,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// The book of one run: its part of the journal.
#[derive(Clone, Debug)]
pub struct JournalAttemptLog {
    recorder: Recorder,
    digests: Digests,
}

impl JournalAttemptLog {
    /// Makes the book of a run that pushes what has these digests.
    pub fn new(recorder: Recorder, digests: Digests) -> Self {
        Self { recorder, digests }
    }
}

impl AttemptLog for JournalAttemptLog {
    async fn begin_attempt(&self, target: &Target, attempt: u32) -> Result<i64, JournalError> {
        let digest = self.digests.of(target).unwrap_or_default();
        let attempt = Attempt {
            phone: target.name.clone(),
            ip: target.ip,
            object: target.object(),
            digest,
            attempt,
        };
        self.recorder.trying(attempt).await
    }

    fn record_reply(&self, entry: i64, raw: &str) {
        self.recorder.replied(entry, raw.to_owned());
    }

    async fn end_attempt(&self, entry: i64, outcome: &PhoneOutcome) -> Result<(), JournalError> {
        let end = AttemptEnd { outcome: outcome.outcome, said: outcome.phone_error.clone() };
        self.recorder.tried(entry, end).await
    }

    async fn finish_phone(
        &self,
        entry: Option<i64>,
        result: &PhoneResult,
    ) -> Result<(), JournalError> {
        self.recorder.ended(entry, result).await
    }
}

/// A book that forgets everything, for measurements and for tests of other things.
#[derive(Clone, Copy, Debug)]
pub struct NullLog;

impl AttemptLog for NullLog {
    async fn begin_attempt(&self, _: &Target, _: u32) -> Result<i64, JournalError> {
        Ok(0)
    }

    fn record_reply(&self, _: i64, _: &str) {}

    async fn end_attempt(&self, _: i64, _: &PhoneOutcome) -> Result<(), JournalError> {
        Ok(())
    }

    async fn finish_phone(&self, _: Option<i64>, _: &PhoneResult) -> Result<(), JournalError> {
        Ok(())
    }
}
