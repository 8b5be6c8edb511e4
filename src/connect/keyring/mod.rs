//! Passwords in the keyring of the operating system: the Secret Service of Linux and the BSDs (GNOME Keyring,
//! `KWallet`, `KeePassXC`), the Keychain of macOS, the Credential Manager of Windows.
//!
//! No answer of a keyring goes into an error but its own words about what went wrong.

#[cfg(any(target_os = "macos", windows))]
#[path = "native.rs"]
mod system;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "secret_service.rs"]
mod system;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::KeyringEntry;
use crate::error::{AppError, ErrorKind};
use crate::interaction::Interaction;

/// What all entries of this program are filed under.
const SERVICE: &str = "axlpaper";

/// How long a keyring may take: long enough for a person to unlock it.
const LIMIT: Duration = Duration::from_secs(60);

/// How long it may take where nobody is asked anything.
const QUIET: Duration = Duration::from_secs(10);

/// Why a keyring did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is none, or it cannot be reached.
    #[error("no keyring answers on this machine: {0}")]
    NoService(String),
    /// There is a service, but no keyring that new entries go to.
    #[error("there is a keyring service, but no default keyring that an entry could go to")]
    NoDefault,
    /// It is locked, and whoever could unlock it did not.
    #[error("the keyring is locked")]
    Locked,
    /// It does not have the entry.
    #[error("the keyring has no such entry")]
    NoEntry,
    /// It has the entry several times, and nothing says which one counts.
    #[error("the keyring has {0} entries of that name")]
    Several(usize),
    /// It did not answer in time.
    #[error("the keyring did not answer within {} s; perhaps a window of it waits for an answer", .0.as_secs())]
    Late(Duration),
    /// The entry is no password.
    #[error("the entry is no UTF-8 text")]
    NoText,
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

impl KeyringError {
    /// Says which entry it is about, and what to do.
    fn told(&self, entry: &KeyringEntry, account: &str, whose: &str) -> AppError {
        let message =
            format!("the entry {account} of the keyring, for the password of {whose}: {self}");
        let store = entry.command();
        let hint = match self {
            Self::NoService(_) => "a machine without a desktop session has none, as a rule (no D-Bus session, no \
                 gnome-keyring or KWallet); give the password by a file, a variable or a command instead"
                .to_owned(),
            Self::NoDefault => "make one with the keyring's own program, such as Passwords and Keys (seahorse), or log in \
                 to the desktop once"
                .to_owned(),
            Self::Locked => "unlock it: log in to the desktop, or open its own program; where nobody can do that, give the \
                 password by a file, a variable or a command"
                .to_owned(),
            Self::NoEntry => format!("`{store}` stores it"),
            Self::Several(_) | Self::NoText => {
                format!("`{store} --delete` removes what is there, then `{store}` stores it")
            }
            Self::Late(_) => "unlock the keyring first and try again; where nobody can do that, give the password by a \
                 file, a variable or a command"
                .to_owned(),
            Self::Failed(_) => "look at it with the keyring's own program".to_owned(),
        };
        AppError::new(ErrorKind::Usage, message).hint(hint)
    }
}

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
///
/// # Errors
/// As [`read`].
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
