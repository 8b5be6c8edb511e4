//! Ctrl-C, SIGTERM and SIGHUP while something is changed; on Windows Ctrl-C, Ctrl-Break, a closed window and a shutdown.

use std::io;

use tokio::task::JoinSet;

use super::ui;
use crate::error::{AppError, ErrorKind, Exit};
use crate::rollout::control::RolloutHandle;

/// Stops softly at the first signal and hard at the second, for as long as the returned set lives.
pub fn watch(handle: &RolloutHandle) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let handle = handle.clone();
    // Signals that arrive before the task runs count too.
    let signals = Signals::new(!ignores_hangup());
    tasks.spawn(async move {
        let Ok(mut signals) = signals else { return };
        let signal = signals.next().await;
        ui::say(&format!(
            "{signal}: finishing pushes in flight, starting no others; press Ctrl-C again to stop at once"
        ));
        handle.interrupt();
        signals.next().await;
        handle.cut_off();
    });
    tasks
}

/// What a signal asks of a program that runs for a long time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signal {
    /// Read the config file again.
    Reload,
    /// End, with this exit code.
    End(Exit),
}

/// The signals of a program that runs for a long time.
pub struct WatchSignals(Signals);

impl WatchSignals {
    /// Takes signals over from now on.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn new() -> Result<Self, AppError> {
        // It ends no watch, so one that `nohup` started takes it too.
        let signals = Signals::new(true).map_err(|error| {
            AppError::from_error(ErrorKind::Failed, error).context("cannot receive signals")
        })?;
        Ok(Self(signals))
    }

    /// Waits for one.
    pub async fn next(&mut self) -> Signal {
        match self.0.next().await {
            HANGUP => Signal::Reload,
            TERMINATED => Signal::End(Exit::Done),
            _ => Signal::End(Exit::Interrupted),
        }
    }
}

#[cfg(unix)]
const TERMINATED: &str = "terminated (SIGTERM)";
#[cfg(not(unix))]
const TERMINATED: &str = "the system shuts down";
const HANGUP: &str = "the terminal is gone (SIGHUP)";

/// The signals that end a program.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// Nothing where it ends no program that was started with this signal ignored, as `nohup` does.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new(takes_hangup: bool) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangup = if takes_hangup { Some(signal(SignalKind::hangup())?) } else { None };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// Waits for one of them and says which.
    async fn next(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => TERMINATED,
            _ = hangup => HANGUP,
        }
    }
}

/// Returns whether SIGHUP was ignored when the program began. To handle it would undo what `nohup` does.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    // Only Linux has the file. Elsewhere the signal is handled.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Bit 0 is signal 1, SIGHUP.
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// The events of the console that end a program.
#[cfg(not(unix))]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    stop: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(not(unix))]
fn ignores_hangup() -> bool {
    false
}

#[cfg(not(unix))]
impl Signals {
    fn new(_: bool) -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        let (interrupt, stop) = (ctrl_c()?, ctrl_break()?);
        Ok(Self { interrupt, stop, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    /// Waits for one of them and says which. After the window is closed the system allows five seconds.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.stop.recv() => "interrupted (Ctrl-Break)",
            _ = self.close.recv() => "the window is closed",
            _ = self.shutdown.recv() => TERMINATED,
        }
    }
}
