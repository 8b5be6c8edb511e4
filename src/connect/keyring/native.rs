//! The Keychain of macOS and the Credential Manager of Windows. Their calls block, so they run on a thread
//! that is left alone when its time is over.

use std::sync::mpsc;
use std::time::Duration;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
#[cfg(windows)]
use windows_native_keyring_store::Store;

use crate::connect::keyring::{KeyringError, SERVICE};

type Result<T> = std::result::Result<T, KeyringError>;

/// Reads the password of an entry.
pub fn read(account: &str, limit: Duration) -> Result<SecretString> {
    within(limit, account, |entry| {
        let password = Zeroizing::new(entry.get_password()?);
        Ok(SecretString::from(password.as_str()))
    })
}

/// Looks whether the entry is there: there is no other way to tell than to read it.
pub fn look(account: &str, limit: Duration) -> Result<()> {
    read(account, limit).map(drop)
}

/// Stores an entry.
pub fn store(account: &str, password: &SecretString, limit: Duration) -> Result<()> {
    let password = password.clone();
    within(limit, account, move |entry| entry.set_password(password.expose_secret()))
}

/// Removes the entry.
pub fn delete(account: &str, limit: Duration) -> Result<()> {
    within(limit, account, Entry::delete_credential)
}

fn within<T: Send + 'static>(
    limit: Duration,
    account: &str,
    work: impl FnOnce(&Entry) -> std::result::Result<T, Error> + Send + 'static,
) -> Result<T> {
    let (told, answer) = mpsc::channel();
    let account = account.to_owned();
    std::thread::spawn(move || {
        let done = Store::new()
            .map_err(|error| KeyringError::NoService(error.to_string()))
            .and_then(|store| store.build(SERVICE, &account, None).map_err(failed))
            .and_then(|entry| work(&entry).map_err(failed));
        // Nobody listens any more when the time is over.
        let _ignored = told.send(done);
    });
    answer.recv_timeout(limit).unwrap_or(Err(KeyringError::Late(limit)))
}

/// The error of an entry that is no text holds its bytes, so it must not be passed on.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum belongs to another crate and grows; the rest shares one answer"
)]
fn failed(error: Error) -> KeyringError {
    match error {
        Error::NoEntry => KeyringError::NoEntry,
        Error::NoStorageAccess(_) => KeyringError::Locked,
        Error::Ambiguous(entries) => KeyringError::Several(entries.len()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyringError::NoText,
        other => KeyringError::Failed(other.to_string()),
    }
}
