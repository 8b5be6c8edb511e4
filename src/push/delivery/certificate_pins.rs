//! Pins of phone certificates: the certificate of the first HTTPS connection is the only one accepted later.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::device_name::DeviceName;
use crate::domain::selector::Pattern;
use crate::journal::{EventKind, JournalError, Recorder};
use crate::phone::{Believed, Fingerprint};

/// The pins, and the recorder that writes new ones to the journal.
#[derive(Debug, Default)]
pub struct CertificatePins {
    known: Mutex<HashMap<DeviceName, Fingerprint>>,
    noted: Mutex<HashSet<DeviceName>>,
    recorder: Option<Recorder>,
}

/// A certificate was not pinned, so it must not be accepted.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "its certificate is not pinned yet: the first rollout, push or `axlpaper verify` that connects to it pins it"
    )]
    NoRun,
}

impl CertificatePins {
    /// Takes the pins of earlier runs, without those of phones that match `forget`.
    pub fn new(
        mut known: HashMap<DeviceName, Fingerprint>,
        forget: &[Pattern],
        recorder: Recorder,
    ) -> Self {
        known.retain(|phone, _| !forget.iter().any(|pattern| pattern.matches(phone.as_str())));
        Self { known: Mutex::new(known), noted: Mutex::default(), recorder: Some(recorder) }
    }

    /// Takes the pins of earlier runs. Where no run is recorded, no certificate is pinned.
    pub fn known(known: HashMap<DeviceName, Fingerprint>) -> Self {
        Self { known: Mutex::new(known), ..Self::default() }
    }

    pub fn of(&self, phone: &DeviceName) -> Option<Fingerprint> {
        locked(&self.known).get(phone).copied()
    }

    /// Pins a certificate. It is in the journal when this returns.
    ///
    /// # Errors
    /// When it cannot be written, or no run is recorded. Then the certificate must not be accepted.
    pub async fn keep(&self, phone: &DeviceName, shown: Fingerprint) -> Result<(), PinError> {
        let Some(recorder) = &self.recorder else { return Err(PinError::NoRun) };
        recorder.pin(phone, shown.to_string()).await?;
        locked(&self.known).insert(phone.clone(), shown);
        Ok(())
    }

    /// Notes why a phone's certificate was accepted, once per phone.
    pub fn note(&self, phone: &DeviceName, believed: Believed) {
        let Some(recorder) = &self.recorder else { return };
        if locked(&self.noted).insert(phone.clone()) {
            let Believed { fingerprint, why } = believed;
            let text = format!("{phone} over HTTPS, certificate {fingerprint}: {}", why.as_str());
            recorder.note_deferred(EventKind::PhoneTls, text);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under the lock is one step, so a panic elsewhere leaves nothing half-done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
