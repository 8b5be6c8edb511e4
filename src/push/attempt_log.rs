//! Where attempts are written down before they are made, and what came of them before it is told.

use crate::event::PhoneResult;
use crate::journal::{Attempt, AttemptEnd, JournalError, Recorder};
use crate::push::policy::outcome::Ending;
use crate::push::{Digests, Target};

/// A record of attempts that outlives this process.
pub trait Book: Send + Sync {
    /// Says that a phone will now be tried; returns where that stands.
    ///
    /// # Errors
    /// When it cannot be written. Then the phone must not be tried.
    fn trying(
        &self,
        target: &Target,
        attempt: u32,
    ) -> impl Future<Output = Result<i64, JournalError>> + Send;

    /// Notes what a phone said that accepted. Nobody waits for it: it is there before the attempt's end is.
    fn replied(&self, entry: i64, raw: &str);

    /// Says how an attempt ended that is followed by another one.
    ///
    /// # Errors
    /// When it cannot be written.
    fn tried(
        &self,
        entry: i64,
        ending: &Ending,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;

    /// Says how a phone ended, and with it its last attempt.
    ///
    /// # Errors
    /// When it cannot be written.
    fn ended(
        &self,
        entry: Option<i64>,
        result: &PhoneResult,
    ) -> impl Future<Output = Result<(), JournalError>> + Send;
}

/// The book of one run: its part of the journal.
#[derive(Clone, Debug)]
pub struct RunBook {
    recorder: Recorder,
    digests: Digests,
}

impl RunBook {
    /// Makes the book of a run that pushes what has these digests.
    pub fn new(recorder: Recorder, digests: Digests) -> Self {
        Self { recorder, digests }
    }
}

impl Book for RunBook {
    async fn trying(&self, target: &Target, attempt: u32) -> Result<i64, JournalError> {
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

    fn replied(&self, entry: i64, raw: &str) {
        self.recorder.replied(entry, raw.to_owned());
    }

    async fn tried(&self, entry: i64, ending: &Ending) -> Result<(), JournalError> {
        let end = AttemptEnd { outcome: ending.outcome, said: ending.phone_error.clone() };
        self.recorder.tried(entry, end).await
    }

    async fn ended(&self, entry: Option<i64>, result: &PhoneResult) -> Result<(), JournalError> {
        self.recorder.ended(entry, result).await
    }
}

/// A book that forgets everything, for measurements and for tests of other things.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl Book for Forgetful {
    async fn trying(&self, _: &Target, _: u32) -> Result<i64, JournalError> {
        Ok(0)
    }

    fn replied(&self, _: i64, _: &str) {}

    async fn tried(&self, _: i64, _: &Ending) -> Result<(), JournalError> {
        Ok(())
    }

    async fn ended(&self, _: Option<i64>, _: &PhoneResult) -> Result<(), JournalError> {
        Ok(())
    }
}
