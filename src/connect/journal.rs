//! Where the journal is, and opening it for reading.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use crate::error::{AppError, ErrorKind};
use crate::journal::{JournalReader, RunRef, RunRow};

/// Returns where the journal is: what was asked for, or the platform's folder for state.
pub fn path(asked: Option<&Path>) -> Result<PathBuf, AppError> {
    if let Some(path) = asked {
        return Ok(path.to_owned());
    }
    let folders = etcetera::choose_base_strategy().map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context("there is no folder for the journal")
            .hint("name a file with --state or AXLPAPER_STATE")
    })?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Ok(folder.join("axlpaper").join("journal.sqlite3"))
}

/// Opens the journal for reading, where there is one.
pub fn history_if_any(path: &Path) -> Result<Option<JournalReader>, AppError> {
    JournalReader::open(path).map_err(Into::into)
}

/// Opens the journal for reading.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn history(path: &Path) -> Result<JournalReader, AppError> {
    history_if_any(path)?.ok_or_else(|| {
        AppError::new(ErrorKind::Usage, format!("there is no journal at {}", path.display()))
            .hint("the first rollout, push or apply makes it; --state names another file")
    })
}

/// Finds a run.
///
/// # Errors
/// When there is none of that number, or the journal cannot be read.
pub fn find(history: &JournalReader, which: RunRef) -> Result<RunRow, AppError> {
    if let Some(run) = history.run(which)? {
        return Ok(run);
    }
    let error = match which {
        RunRef::Number(run) if history.was_begun(run)? => {
            format!("the journal has no run {run} any more: `axlpaper journal prune` removed it")
        }
        RunRef::Number(run) => format!("the journal has no run {run}"),
        RunRef::Last => "the journal has no run".to_owned(),
    };
    Err(AppError::new(ErrorKind::Usage, error).hint("`axlpaper runs` lists the runs that it has"))
}
