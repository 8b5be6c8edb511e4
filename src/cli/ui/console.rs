//! Data to standard output, everything else to standard error.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write as _};

use crate::cli::error::{CliError, Exit};

/// Writes data to standard output.
///
/// # Errors
/// When it cannot be written. A reader that has gone away is no error: it has what it wanted.
pub fn put(data: &str) -> Result<(), CliError> {
    put_with(|out| out.write_all(data.as_bytes()).map_err(|error| error.to_string()))
}

/// Writes data to standard output as it is made; `write` tells in words what went wrong.
///
/// # Errors
/// As [`put`].
pub fn put_with(
    write: impl FnOnce(&mut dyn io::Write) -> Result<(), String>,
) -> Result<(), CliError> {
    let mut out =
        BufWriter::with_capacity(BUFFER, Reader { out: io::stdout().lock(), gone: false });
    let written = write(&mut out).and_then(|()| out.flush().map_err(|error| error.to_string()));
    // What the buffer still holds has nobody to go to any more.
    let (reader, _unwritten) = out.into_parts();
    match written {
        Err(why) if !reader.gone => {
            Err(CliError::new(Exit::Failed, format!("cannot write to standard output: {why}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whoever reads standard output, and whether it has gone away.
struct Reader<W> {
    out: W,
    gone: bool,
}

impl<W: io::Write> io::Write for Reader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.gone |= written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.gone |= flushed.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        flushed
    }
}

/// How many bytes go to standard output at once.
const BUFFER: usize = 64 * 1024;

/// Tells a person something, on standard error.
pub fn say(text: &str) {
    // When nobody can be told, there is nobody to tell that either.
    let _ignored = writeln!(io::stderr().lock(), "{text}");
}

/// Tells whether standard error is a terminal.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
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
