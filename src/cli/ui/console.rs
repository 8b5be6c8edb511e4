//! Data to standard output, everything else to standard error.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::MultiProgress;

use crate::error::{AppError, ErrorKind};
use crate::report::Layout;

/// Writes data to standard output.
///
/// # Errors
/// When it cannot be written. A reader that has gone away is no error: it has what it wanted.
pub fn put(data: &str) -> Result<(), AppError> {
    put_with(|out| out.write_all(data.as_bytes()).map_err(|error| error.to_string()))
}

/// Writes text for people to standard output, broken at blanks where that is a terminal.
///
/// # Errors
/// As [`put`].
pub fn put_text(text: &str) -> Result<(), AppError> {
    put(&stdout_layout().wrapped(text))
}

/// Writes data to standard output as it is made; the error of `write` is a sentence.
pub fn put_with(
    write: impl FnOnce(&mut dyn io::Write) -> Result<(), String>,
) -> Result<(), AppError> {
    let mut out =
        BufWriter::with_capacity(BUFFER, Reader { out: io::stdout().lock(), gone: false });
    let written = write(&mut out).and_then(|()| out.flush().map_err(|error| error.to_string()));
    // The reader is gone, so the rest of the buffer is dropped.
    let (reader, _unwritten) = out.into_parts();
    match written {
        Err(why) if !reader.gone => {
            Err(AppError::new(ErrorKind::Failed, format!("cannot write to standard output: {why}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The reader of standard output, and whether it has closed it.
struct Reader<W> {
    out: W,
    gone: bool,
}

impl<W: io::Write> io::Write for Reader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.gone |= written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.gone |= flushed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        flushed
    }
}

/// How many bytes go to standard output at once.
const BUFFER: usize = 64 * 1024;

/// Tells a person something, on standard error.
pub fn say(text: &str) {
    if JSON.load(Ordering::SeqCst) {
        tracing::info!(target: SAID, "{}", text.trim());
    } else {
        write_stderr(format!("{}\n", stderr_layout().wrapped(text)).as_bytes());
    }
}

/// Tells a person why a command could not do its work, on standard error.
pub fn say_error(text: &str) {
    if JSON.load(Ordering::SeqCst) {
        tracing::error!(target: SAID, "{text}");
        return;
    }
    let style = console::Style::new().for_stderr().red().bold();
    match text.strip_prefix(ERROR) {
        Some(rest) => say(&format!("{}{rest}", style.apply_to(ERROR))),
        None => say(text),
    }
}

/// Writes to standard error, above the progress bars.
pub fn write_stderr(bytes: &[u8]) {
    // An error here cannot be shown anywhere.
    let write = || drop(io::stderr().lock().write_all(bytes));
    if is_terminal() { BARS.suspend(write) } else { write() }
}

/// Makes all of standard error JSON: what is said becomes lines of the log.
pub fn speak_json() {
    JSON.store(true, Ordering::SeqCst);
}

/// Tells whether standard error is a terminal on which lines can be drawn anew.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
        && !JSON.load(Ordering::SeqCst)
        && std::env::var_os("TERM").is_none_or(|kind| kind != "dumb")
}

/// Tells whether the terminal behind standard error has no room for a bar.
pub(super) fn is_narrow() -> bool {
    console::Term::stderr().size_checked().is_some_and(|(_, columns)| columns < 60)
}

/// The bars on standard error: whatever else is written there makes room for them.
pub(super) static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

static JSON: AtomicBool = AtomicBool::new(false);

/// What lines of the log are called that were said.
pub const SAID: &str = "axlpaper::said";

/// The target of log lines that repeat what the screen shows.
pub const TOLD: &str = "axlpaper::told";

/// How the message of an error begins.
const ERROR: &str = "error:";

/// Returns how text for people looks on standard output.
pub fn stdout_layout() -> Layout {
    layout(&console::Term::stdout(), console::colors_enabled())
}

/// Returns how text for people looks on standard error.
pub fn stderr_layout() -> Layout {
    layout(&console::Term::stderr(), console::colors_enabled_stderr())
}

fn layout(terminal: &console::Term, color: bool) -> Layout {
    let columns = terminal.size_checked().map(|(_, columns)| columns.into());
    Layout { width: columns.or_else(|| typed_width(std::env::var("COLUMNS").ok()?)), color }
}

/// Returns the width that a program which shows our output asks for, as `watch` does.
fn typed_width(columns: String) -> Option<usize> {
    columns.trim().parse().ok().filter(|columns| *columns > 0)
}

/// Returns whether the locale is one with UTF-8, so that the terminal shows more than ASCII.
pub fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}
