//! The log and the trace: where they go, how detailed they are, and in which format.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::ui;
use crate::domain::text::{escaped_json, pluralize, printable_lines};
use crate::error::{AppError, ErrorKind};
use crate::net::trace::{self, without_secrets};

/// Log and trace, for all commands.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Tell more: -v every phone and every change, -vv every call, -vvv everything
    ///
    /// Without it RUST_LOG counts
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Format of the log; json makes all of standard error one JSON object a line, unless the log has a file
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Append the log to this file, with every phone and every change, instead of to standard error
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Keep every exchange with cluster, phones and web servers in a new folder in here, with secrets blanked
    #[arg(long, global = true, value_name = "DIR")]
    pub trace_dir: Option<PathBuf>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts log and trace.
///
/// # Errors
/// When the file or the folder cannot be made: better now than after something was changed.
pub fn start(args: &LogArgs) -> Result<(), AppError> {
    let registry = tracing_subscriber::registry();
    match &args.log_file {
        Some(path) => {
            let file = open(path).map_err(|error| unusable("log file", path, error))?;
            let filter = filter(args.verbose, LevelFilter::INFO);
            let file = layer(args.log_format, file).with_filter(filter);
            // What a person must see is not only in a file.
            let warnings = own_events(LevelFilter::WARN).with_target(ui::TOLD, LevelFilter::OFF);
            let stderr = layer(LogFormat::Text, Stderr).with_filter(warnings);
            install(registry.with(file).with(stderr));
        }
        None => {
            let json = args.log_format == LogFormat::Json;
            let default = if json { LevelFilter::INFO } else { LevelFilter::WARN };
            let mut filter = filter(args.verbose, default).with_target(ui::TOLD, LevelFilter::OFF);
            if json {
                ui::speak_json();
                filter = filter.with_target(ui::SAID, LevelFilter::INFO);
            }
            install(registry.with(layer(args.log_format, Stderr).with_filter(filter)));
        }
    }
    if let Some(folder) = &args.trace_dir {
        let path = trace::start(folder).map_err(|error| unusable("trace folder", folder, error))?;
        ui::say(&format!("Every exchange is kept in {}", path.display()));
    }
    Ok(())
}

/// Ends the trace, and reports what it lacks.
pub fn finish() {
    let Some(kept) = trace::finish(PATIENCE) else { return };
    let folder = kept.path.display();
    if let Some(why) = &kept.failure {
        ui::say(&format!(
            "WARNING: the trace in {folder} is incomplete: {why}; the run continued without it"
        ));
    } else if kept.missing > 0 {
        let missing = kept.missing;
        ui::say(&format!(
            "WARNING: the trace in {folder} lacks {missing} exchanges that the disk could not keep up with"
        ));
    }
    let count = usize::try_from(kept.exchanges).unwrap_or(usize::MAX);
    ui::say(&format!("Trace: {} in {folder}", pluralize(count, "exchange")));
}

fn unusable(what: &str, path: &Path, error: io::Error) -> AppError {
    AppError::from_error(ErrorKind::Failed, error)
        .context(format_args!("cannot use the {what} {}", path.display()))
        .hint("nothing was sent or changed; check that its folder exists and may be written to")
}

/// The filter of the log: the level of `-v`, else the targets and levels of `RUST_LOG`, else `default`.
fn filter(verbose: u8, default: LevelFilter) -> Targets {
    let from_environment =
        || std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty())?.parse().ok();
    match verbose {
        0 => from_environment().unwrap_or_else(|| own_events(default)),
        1 => own_events(LevelFilter::INFO),
        2 => own_events(LevelFilter::DEBUG),
        _ => own_events(LevelFilter::TRACE),
    }
}

fn own_events(level: LevelFilter) -> Targets {
    Targets::new().with_target("axlpaper", level)
}

/// A log in this format to that place, never in colour.
fn layer<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let writer = Safe { writer, format };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    match format {
        LogFormat::Text => layer.with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

fn install(log: impl Subscriber + Send + Sync + 'static) {
    // A second start in one process, as in tests, keeps the first log.
    let _already_started = log.try_init();
}

fn open(path: &Path) -> io::Result<LogFile> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // It names phones, users and addresses.
        options.mode(0o600);
    }
    let file = Arc::new(Mutex::new(options.open(path)?));
    Ok(LogFile { file, failed: Arc::default() })
}

/// A file that lines of the log are appended to. A disk that takes no more ends the log, not the run.
#[derive(Clone)]
struct LogFile {
    file: Arc<Mutex<File>>,
    failed: Arc<AtomicBool>,
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line);
        if let Err(error) = written
            && !self.failed.swap(true, Ordering::SeqCst)
        {
            ui::say(&format!(
                "WARNING: the log file cannot be written: {error}; the run continues"
            ));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}

/// A place for lines of the log, in which nothing steers a terminal or hides, and no address holds a password.
struct Safe<W> {
    writer: W,
    format: LogFormat,
}

impl<W: Write> Write for Safe<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = without_secrets(&match self.format {
            LogFormat::Text => printable_lines(&text),
            LogFormat::Json => escaped_json(&text).into_owned(),
        });
        self.writer.write_all(text.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Safe<W> {
    type Writer = Safe<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Safe { writer: self.writer.make_writer(), format: self.format }
    }
}

/// Standard error, above the progress bars.
struct Stderr;

/// A line of the log, written when it is complete.
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        ui::write_stderr(&self.0);
    }
}

impl MakeWriter<'_> for Stderr {
    type Writer = Line;

    fn make_writer(&self) -> Self::Writer {
        Line(Vec::new())
    }
}

/// How long the end of a program waits for a disk.
const PATIENCE: Duration = Duration::from_secs(10);
