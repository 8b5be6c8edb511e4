//! Flags, environment and config file become one checked set of values.
//!
//! Each layer is a [`Layer`]; the upper one wins key by key. Nothing here opens a socket, and no
//! password is ever read from the config file itself.

mod file;
mod layer;
mod pin;
mod settle;

pub use file::{ConfigError, FileConfig};
pub use layer::{Layer, PasswordSource, environment, option};
pub use pin::{PinError, Pinned, with_pin};
pub use settle::{Section, settle, settle_alone};
