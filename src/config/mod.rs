//! Flags, environment and config file become one checked set of values.
//!
//! Each layer is a [`Layer`]; the upper one wins key by key. Nothing here opens a socket, and no
//! password is ever read from the config file itself.

mod check;
#[cfg(test)]
mod docs;
mod file;
mod keys;
mod layer;
mod origin;
mod password;
mod pin;
mod sample;
mod settle;

pub use check::Problem;
pub use file::{ConfigError, FileConfig};
pub use keys::{KEYS, Key, Place};
pub use layer::{Layer, environment, option};
pub use origin::{Origin, Table};
pub use password::{KeyringEntry, PasswordCommand, PasswordError, PasswordSource, password_of};
pub use pin::{PinError, Pinned, with_pin};
pub use sample::{Given, sample};
pub use settle::{Section, account, settle, settle_alone, with_accounts};
