//! Why a keyring did not do what it was asked for.

use std::time::Duration;

use crate::config::KeyringEntry;
use crate::error::{AppError, ErrorKind};

/// What all entries of this program are filed under.
pub(super) const SERVICE: &str = "axlpaper";

/// Why a keyring did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is none, or it cannot be reached.
    #[error("no keyring answers on this machine: {0}")]
    NoService(String),
    /// There is a service, but no keyring that new entries go to.
    #[cfg(all(unix, not(target_os = "macos")))]
    #[error("there is a keyring service, but no default keyring that an entry could go to")]
    NoDefault,
    /// It is locked, and was not unlocked.
    #[error("the keyring is locked")]
    Locked,
    /// It does not have the entry.
    #[error("the keyring has no such entry")]
    NoEntry,
    /// It has the entry several times, and it is not known which one counts.
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
    pub(super) fn told(&self, entry: &KeyringEntry, account: &str, whose: &str) -> AppError {
        let message =
            format!("the entry {account} of the keyring, for the password of {whose}: {self}");
        let store = entry.command();
        let hint = match self {
            Self::NoService(_) => "a machine without a desktop session has none, as a rule (no D-Bus session, no \
                 gnome-keyring or KWallet); give the password by a file, a variable or a command instead"
                .to_owned(),
            #[cfg(all(unix, not(target_os = "macos")))]
            Self::NoDefault => "make one with the keyring's own program, such as Passwords and Keys (seahorse), or log in \
                 to the desktop once"
                .to_owned(),
            Self::Locked => "unlock it: log in to the desktop, or open its own program; on an unattended machine, give \
             the password by a file, a variable or a command"
                .to_owned(),
            Self::NoEntry => format!("`{store}` stores it"),
            Self::Several(_) | Self::NoText => {
                format!("`{store} --delete` removes what is there, then `{store}` stores it")
            }
            Self::Late(_) => "unlock the keyring first and try again; on an unattended machine, give the password by a \
             file, a variable or a command"
                .to_owned(),
            Self::Failed(_) => "check it with the keyring's own program".to_owned(),
        };
        AppError::new(ErrorKind::Usage, message).hint(hint)
    }
}
