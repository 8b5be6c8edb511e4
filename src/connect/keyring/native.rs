//! The Keychain of macOS and the Credential Manager of Windows. Their calls block, so they run on a thread
//! that is left alone when its time is over.

use std::time::Duration;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
#[cfg(windows)]
use windows_native_keyring_store::Store;

use crate::connect::keyring::error::{KeyringError, SERVICE};
use crate::interaction::Interaction;

type Result<T> = std::result::Result<T, KeyringError>;

/// Reads the password of an entry.
pub async fn read(account: &str, limit: Duration, _: &dyn Interaction) -> Result<SecretString> {
    within(limit, account, |entry| {
        let password = Zeroizing::new(entry.get_password()?);
        Ok(SecretString::from(password.as_str()))
    })
    .await
}

/// Looks whether the entry is there: the only test is to read it.
pub async fn look(account: &str, limit: Duration) -> Result<()> {
    within(limit, account, |entry| entry.get_password().map(|text| drop(Zeroizing::new(text))))
        .await
}

/// Stores an entry.
pub async fn store(
    account: &str,
    password: &SecretString,
    limit: Duration,
    _: &dyn Interaction,
) -> Result<()> {
    let password = password.clone();
    within(limit, account, move |entry| entry.set_password(password.expose_secret())).await
}

/// Removes the entry.
pub async fn delete(account: &str, limit: Duration, _: &dyn Interaction) -> Result<()> {
    within(limit, account, Entry::delete_credential).await
}

async fn within<T: Send + 'static>(
    limit: Duration,
    account: &str,
    work: impl FnOnce(&Entry) -> std::result::Result<T, Error> + Send + 'static,
) -> Result<T> {
    let account = account.to_owned();
    let blocking = tokio::task::spawn_blocking(move || {
        Store::new()
            .map_err(|error| KeyringError::NoService(error.to_string()))
            .and_then(|store| store.build(SERVICE, &account, None).map_err(failed))
            .and_then(|entry| work(&entry).map_err(failed))
    });
    match tokio::time::timeout(limit, blocking).await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => Err(KeyringError::Failed(error.to_string())),
        Err(_) => Err(KeyringError::Late(limit)),
    }
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
