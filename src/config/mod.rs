//! Flags, environment and config file become one checked set of values.
//!
//! Each layer is a [`Layer`]; the upper one wins key by key. Nothing here opens a socket, and no
//! password is ever read from the config file itself.

mod check;
mod console_user;
#[cfg(test)]
mod docs;
mod file;
mod keys;
mod layer;
mod origin;
mod password;
mod pin;
mod resolve;
mod settings;
mod template;
mod value;

pub use check::Problem;
pub use console_user::with_console_user;
pub use file::{
    ConfigError, ConsoleUser, ConsoleUsers, FileConfig, MailSettings, NotifySettings,
    WebhookSettings,
};
pub use keys::{Key, ValuePlace};
pub use origin::{Origin, Table, option};
pub use password::{KeyringEntry, PasswordCommand, PasswordError, PasswordSource, password_of};
pub use pin::{EditError, Edited, with_cluster};
pub use resolve::{Section, account, resolve, resolve_without_cluster, with_accounts};
pub use settings::{KEYS, Layer, environment};
pub use template::{Given, template};
