//! The Secret Service, over the D-Bus of the user's session.
//!
//! Entries have the attributes `service` and `username`, as other programs write them:
//! `secret-tool lookup service axlpaper username USER@HOST` finds them. Secrets are encrypted on the bus.

use std::collections::HashMap;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use secret_service::{EncryptionType, Error, Item, SearchItemsResult, SecretService};

use crate::connect::keyring::error::{KeyringError, SERVICE};
use crate::interaction::{Interaction, Notice};

type Result<T> = std::result::Result<T, KeyringError>;

/// Reads the password of an entry.
pub async fn read(
    account: &str,
    limit: Duration,
    interaction: &dyn Interaction,
) -> Result<SecretString> {
    within(limit, async {
        let service = connect().await?;
        let items = readable(&service, account, interaction).await?;
        let secret = Zeroizing::new(only(&items)?.get_secret().await.map_err(failed)?);
        let text = std::str::from_utf8(&secret).map_err(|_| KeyringError::NoText)?;
        Ok(SecretString::from(text))
    })
    .await
}

/// Looks whether the entry is there and can be read.
pub async fn look(account: &str, limit: Duration) -> Result<()> {
    within(limit, async {
        let service = connect().await?;
        let found = search(&service, account).await?;
        if found.unlocked.is_empty() && (!found.locked.is_empty() || is_locked(&service).await?) {
            return Err(KeyringError::Locked);
        }
        only(&found.unlocked).map(drop)
    })
    .await
}

/// Stores an entry in the default keyring.
pub async fn store(
    account: &str,
    password: &SecretString,
    limit: Duration,
    interaction: &dyn Interaction,
) -> Result<()> {
    within(limit, async {
        let service = connect().await?;
        let keyring = match service.get_default_collection().await {
            Err(Error::NoResult) => return Err(KeyringError::NoDefault),
            found => found.map_err(failed)?,
        };
        if keyring.is_locked().await.map_err(failed)? {
            say_locked(interaction);
            keyring.unlock().await.map_err(failed)?;
        }
        let (label, secret) = (format!("axlpaper: {account}"), password.expose_secret());
        let stored =
            keyring.create_item(&label, attributes(account), secret.as_bytes(), true, "text/plain");
        stored.await.map(drop).map_err(failed)
    })
    .await
}

/// Removes the entry, as often as it is there.
pub async fn delete(account: &str, limit: Duration, interaction: &dyn Interaction) -> Result<()> {
    within(limit, async {
        let service = connect().await?;
        let found = search(&service, account).await?;
        let mut items = found.unlocked;
        if !found.locked.is_empty() {
            items.extend(unlocked(&service, found.locked, interaction).await?);
        } else if items.is_empty() {
            items = readable(&service, account, interaction).await?;
        }
        for item in &items {
            item.delete().await.map_err(failed)?;
        }
        Ok(())
    })
    .await
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(KeyringError::Late(limit)))
}

/// Whatever goes wrong before there is a session is about the service, not about an entry.
async fn connect() -> Result<SecretService<'static>> {
    let connected = SecretService::connect(EncryptionType::Dh).await;
    connected.map_err(|error| KeyringError::NoService(words(&error)))
}

async fn search<'a>(
    service: &'a SecretService<'a>,
    account: &str,
) -> Result<SearchItemsResult<Item<'a>>> {
    service.search_items(attributes(account)).await.map_err(failed)
}

/// Returns the entries of an account; where there is none that is unlocked, a person may be asked first.
async fn readable<'a>(
    service: &'a SecretService<'a>,
    account: &str,
    interaction: &dyn Interaction,
) -> Result<Vec<Item<'a>>> {
    let found = search(service, account).await?;
    if !found.unlocked.is_empty() {
        return Ok(found.unlocked);
    }
    if !found.locked.is_empty() {
        return unlocked(service, found.locked, interaction).await;
    }
    // Some services do not list the entries of a locked keyring.
    if !is_locked(service).await? {
        return Err(KeyringError::NoEntry);
    }
    say_locked(interaction);
    let keyring = service.get_default_collection().await.map_err(failed)?;
    keyring.unlock().await.map_err(failed)?;
    let found = search(service, account).await?.unlocked;
    if found.is_empty() { Err(KeyringError::NoEntry) } else { Ok(found) }
}

async fn unlocked<'a>(
    service: &'a SecretService<'a>,
    items: Vec<Item<'a>>,
    interaction: &dyn Interaction,
) -> Result<Vec<Item<'a>>> {
    say_locked(interaction);
    service.unlock_all(&items.iter().collect::<Vec<_>>()).await.map_err(failed)?;
    Ok(items)
}

/// Tells whether there is a default keyring that is locked.
async fn is_locked(service: &SecretService<'_>) -> Result<bool> {
    match service.get_default_collection().await {
        Ok(keyring) => keyring.is_locked().await.map_err(failed),
        Err(Error::NoResult) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn say_locked(interaction: &dyn Interaction) {
    interaction.notice(&Notice::Text(
        "The keyring is locked: its own window may ask for its password now, for a minute at most.",
    ));
}

fn only<'items, 'a>(items: &'items [Item<'a>]) -> Result<&'items Item<'a>> {
    match items {
        [] => Err(KeyringError::NoEntry),
        [item] => Ok(item),
        several => Err(KeyringError::Several(several.len())),
    }
}

fn attributes(account: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", account)])
}

fn failed(error: Error) -> KeyringError {
    // What asked for the keyring's password was sent away, or there is nothing that could ask.
    if matches!(error, Error::Locked | Error::Prompt) {
        return KeyringError::Locked;
    }
    KeyringError::Failed(words(&error))
}

/// The cause is more useful than the name of the library.
fn words(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_keyring_that_does_not_answer_is_not_waited_for_for_ever() {
        let limit = Duration::from_millis(5);
        let late = within(limit, std::future::pending::<Result<()>>()).await;
        assert!(matches!(late, Err(KeyringError::Late(told)) if told == limit), "{late:?}");
    }
}
