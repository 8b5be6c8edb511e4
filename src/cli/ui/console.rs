//! Data to standard output, everything else to standard error.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use crate::cli::error::{CliError, Exit};

/// Writes data to standard output.
///
/// # Errors
/// When it cannot be written. A reader that has gone away is no error: it has what it wanted.
pub fn put(data: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(data.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::new(Exit::Failed, format!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tells a person something, on standard error.
pub fn say(text: &str) {
    // When nobody can be told, there is nobody to tell that either.
    let _ignored = writeln!(std::io::stderr().lock(), "{text}");
}

/// Tells whether standard error is a terminal.
pub fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Returns the width of the terminal behind standard output, in characters.
pub fn terminal_width() -> Option<u16> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns)
}

/// Tells whether the terminal shows more than ASCII, as far as the locale says.
pub fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}
