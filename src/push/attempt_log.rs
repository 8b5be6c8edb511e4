//! The record of attempts: written before an attempt is made, and completed before its result is reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::device_name::DeviceName;
use crate::event::PhoneResult;
use crate::journal::{Attempt, AttemptEnd, AttemptWords, JournalError, Recorder};
use crate::push::policy::outcome::PhoneOutcome;
use crate::push::{Digests, ModelFormat, Target};

/// A record of attempts that outlives this process.
pub trait AttemptLog: Send + Sync {
    /// Records that an attempt at a phone begins now; returns its row.
    ///
    /// # Errors
    /// When it cannot be written. Then the phone must not be tried.
    fn begin_attempt(
        &self,
        target: &Target,
        attempt: u32,
    ) -> impl Future<Output = Result<i64, JournalError>> + Send;

    /// Records the reply of a phone that accepted. The caller does not wait; the reply is there before the end of the attempt.
    fn record_reply(&self, entry: i64, raw: &str);

    /// Records the end of an attempt that is followed by another one.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end_attempt(
        &self,
        entry: i64,
        outcome: &PhoneOutcome,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Records the result of a phone, and the end of its last attempt.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish_phone(
        &self,
        entry: Option<i64>,
        result: &PhoneResult,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// The attempts of one run in the journal.
#[derive(Clone, Debug)]
pub struct JournalAttemptLog {
    recorder: Recorder,
    digests: Digests,
    shown_before: Arc<BTreeMap<DeviceName, String>>,
}

impl JournalAttemptLog {
    /// Makes the log of a run whose payloads have these digests; `shown_before` has the digests that phones were proven
    /// to show before the run.
    pub fn new(
        recorder: Recorder,
        digests: Digests,
        shown_before: BTreeMap<DeviceName, String>,
    ) -> Self {
        Self { recorder, digests, shown_before: Arc::new(shown_before) }
    }
}

impl AttemptLog for JournalAttemptLog {
    async fn begin_attempt(&self, target: &Target, attempt: u32) -> Result<i64, JournalError> {
        let format = ModelFormat::from(target);
        let digest = self.digests.of(&format).unwrap_or_default();
        let base = self.digests.below_words(&format);
        let attempt = Attempt {
            phone: target.name.clone(),
            ip: target.ip,
            object: target.object(),
            digest,
            attempt,
            earlier: self.shown_before.get(&target.name).cloned(),
            words: base.zip(format.words).map(|(base, words)| AttemptWords { base, words }),
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

/// Records nothing, for benchmarks and tests.
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
