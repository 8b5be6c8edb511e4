//! A run as pages show it.

use jiff::Timestamp;

use crate::console::settings::NextCommand;
use crate::domain::text::printable;
use crate::error::{AppError, ErrorKind};
use crate::journal::{JournalReader, RunRow, RunState};
use crate::report::{RunPanel, RunReport, run_panel};

#[derive(Clone, Debug)]
pub(crate) struct RunView {
    pub(crate) run: RunRow,
    pub(crate) panel: RunPanel,
    /// The command that finishes what it left undone.
    pub(crate) next: Option<String>,
    pub(crate) continued_by: Option<i64>,
}

impl RunView {
    pub(crate) fn read(
        history: &JournalReader,
        run: RunRow,
        next: &NextCommand,
    ) -> Result<Self, AppError> {
        let next = match run.state {
            RunState::Running => None,
            RunState::Finished
            | RunState::Interrupted
            | RunState::Declined
            | RunState::Failed
            | RunState::Killed => next(history, &run)?,
        };
        let report = RunReport::read(history, run)?.with_next(next.as_deref());
        let panel = run_panel(&report, Timestamp::now())
            .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        let next = next.map(|next| printable(&next).into_owned());
        Ok(Self { panel, next, continued_by: report.continued_by, run: report.run })
    }

    /// Returns the CSS class of a note about it.
    pub(crate) fn note(&self) -> &'static str {
        match self.is_running() {
            true if self.panel.waits.is_empty() => "",
            true => "warn",
            false => self.panel.level,
        }
    }

    /// Tells whether it did not come to its end, and another run can go on with it.
    pub(crate) fn can_resume(&self) -> bool {
        self.is_resumable() && self.run.state != RunState::Finished
    }

    /// Tells whether it came to its end, and the phones that failed can be pushed to again.
    pub(crate) fn can_retry(&self) -> bool {
        self.is_resumable() && self.run.state == RunState::Finished
    }

    fn is_resumable(&self) -> bool {
        self.next.as_deref().is_some_and(|next| next.contains(" --resume "))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.run.state == RunState::Running
    }
}
