//! The only place that writes to the terminal.

mod console;
mod progress;
mod prompt;

pub use console::{put, put_with, say, speaks_unicode, terminal_width};
pub use progress::Progress;
pub use prompt::{confirm, confirm_yes, password};
