//! Passwords in the keyring of the operating system: the Secret Service of Linux and the BSDs (GNOME Keyring,
//! `KWallet`, `KeePassXC`), the Keychain of macOS, the Credential Manager of Windows.
//!
//! No answer of a keyring goes into an error but its own words about what went wrong.

mod error;
#[cfg(any(target_os = "macos", windows))]
#[path = "native.rs"]
mod system;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "secret_service.rs"]
mod system;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::KeyringEntry;
pub use crate::connect::keyring::error::KeyringError;
use crate::error::{AppError, ErrorKind};
use crate::interaction::Interaction;

/// How long a keyring may take: long enough for a person to unlock it.
const LIMIT: Duration = Duration::from_secs(60);

/// How long it may take without a question to the user.
const QUIET: Duration = Duration::from_secs(10);

/// Returns a password; a locked keyring may ask its user first.
///
/// # Errors
/// When there is no keyring, no entry, no answer in time, or it stays locked.
pub async fn read(
    entry: &KeyringEntry,
    whose: &str,
    interaction: &dyn Interaction,
) -> Result<SecretString, AppError> {
    let account = account(entry, whose)?;
    system::read(account, LIMIT, interaction)
        .await
        .map_err(|error| error.told(entry, account, whose))
}

/// Looks whether an entry is there and can be read, without a question to anybody.
///
/// An entry of a user or a host that only the command line names cannot be looked for.
///
/// # Errors
/// When there is no keyring, it is locked, or has no such entry.
pub async fn look(entry: &KeyringEntry, whose: &str) -> Result<(), AppError> {
    let Some(account) = entry.account() else { return Ok(()) };
    system::look(account, QUIET).await.map_err(|error| error.told(entry, account, whose))
}

/// Makes sure that there is a keyring, before anybody is asked for something to put into it.
///
/// # Errors
/// When there is none, or it does not answer.
pub async fn reach(entry: &KeyringEntry, whose: &str) -> Result<(), AppError> {
    let account = account(entry, whose)?;
    match system::look(account, QUIET).await {
        Err(error @ (KeyringError::NoService(_) | KeyringError::Late(_))) => {
            Err(error.told(entry, account, whose))
        }
        // What is in there does not matter yet.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Stores a password in place of what was there, and makes sure that it can be read.
///
/// # Errors
/// As [`read`], and when another password is read than was stored.
pub async fn store(
    entry: &KeyringEntry,
    whose: &str,
    password: &SecretString,
    interaction: &dyn Interaction,
) -> Result<(), AppError> {
    let account = account(entry, whose)?;
    let stored = async {
        system::store(account, password, LIMIT, interaction).await?;
        let read_back = system::read(account, LIMIT, interaction).await?;
        if read_back.expose_secret() == password.expose_secret() {
            return Ok(());
        }
        Err(KeyringError::Failed("another password is read than was stored".to_owned()))
    };
    stored.await.map_err(|error| error.told(entry, account, whose))
}

/// Removes an entry.
pub async fn delete(
    entry: &KeyringEntry,
    whose: &str,
    interaction: &dyn Interaction,
) -> Result<(), AppError> {
    let account = account(entry, whose)?;
    system::delete(account, LIMIT, interaction)
        .await
        .map_err(|error| error.told(entry, account, whose))
}

fn account<'a>(entry: &'a KeyringEntry, whose: &str) -> Result<&'a str, AppError> {
    entry.account().ok_or_else(|| {
        let message =
            format!("whose entry of the keyring gives the password of {whose} is not known");
        AppError::new(ErrorKind::Usage, message)
            .hint("the entry is called USER@HOST: name host and user in the cluster's table")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::Silent;

    #[test]
    fn what_is_wrong_is_told_with_what_to_do() {
        let entry = KeyringEntry::new("lab", true).of(Some("bgpush@pub".into()));
        for (error, words) in [
            (KeyringError::NoService("no bus".into()), ["no bus", "by a file, a variable"]),
            #[cfg(all(unix, not(target_os = "macos")))]
            (KeyringError::NoDefault, ["no default keyring", "seahorse"]),
            (KeyringError::Locked, ["is locked", "unlock it"]),
            (
                KeyringError::NoEntry,
                ["no such entry", "`axlpaper config keyring --cluster lab --push` stores"],
            ),
            (KeyringError::Several(2), ["2 entries", "--push --delete`"]),
            (KeyringError::Late(LIMIT), ["within 60 s", "unlock"]),
            (KeyringError::NoText, ["no UTF-8", "--delete"]),
            (KeyringError::Failed("disk full".into()), ["disk full", "own program"]),
        ] {
            let told = error.told(&entry, "bgpush@pub", "the push user bgpush").to_string();
            assert!(told.contains("entry bgpush@pub of the keyring"), "{told}");
            assert!(words.iter().all(|word| told.contains(word)), "{words:?}: {told}");
        }
    }

    #[tokio::test]
    async fn an_entry_of_nobody_is_not_asked_for() {
        let entry = KeyringEntry::new("lab", false);
        look(&entry, "the AXL user").await.unwrap();
        let error = delete(&entry, "the AXL user", &Silent).await.unwrap_err().to_string();
        assert!(error.contains("USER@HOST"), "{error}");
    }
}
