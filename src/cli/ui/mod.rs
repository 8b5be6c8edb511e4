//! The only place that writes to the terminal.

mod console;
mod progress;
mod prompt;
mod terminal;

pub use console::{
    SAID, TOLD, put, put_text, put_with, say, say_error, speak_json, speaks_unicode, stderr_layout,
    stdout_layout, write_stderr,
};
pub use progress::Progress;
pub use prompt::{confirm_yes, line};
pub use terminal::Terminal;
