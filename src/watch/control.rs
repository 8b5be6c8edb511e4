//! The approval of another process, through the journal that both have open.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::connect::journal::history;
use crate::domain::control::ControlResult;
use crate::domain::text::quoted;
use crate::error::{AppError, ErrorKind};
use crate::journal::{Journal, JournalReader, LockOwner, WatchRow};
use crate::report::WatchRecord;

/// Lets the phones go on that a watch holds until an approval, in the name of `by`, and waits until the watch has taken that
/// up. `cluster` is needed where several watches work. Returns the watch.
///
/// # Errors
/// When no watch works, when it waits for no approval, when the journal cannot be used, or when the watch has not taken
/// the approval up in time.
pub async fn approve(
    journal: &Path,
    cluster: Option<&str>,
    by: &LockOwner,
) -> Result<WatchRow, AppError> {
    let reader = history(journal)?;
    let watch = find(&reader, journal, cluster)?;
    let writer = Journal::open(journal)?;
    let id = writer.approve_watch(&watch.cluster_id, by).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let result = reader.approval(id)?.and_then(|approval| approval.result);
        match result {
            Some(ControlResult::Done | ControlResult::Unchanged) => return Ok(watch),
            Some(ControlResult::NotWaiting) => {
                let message = format!("the watch of {} waits for no approval", watch.cluster);
                return Err(AppError::new(ErrorKind::Refused, message)
                    .hint("nothing was changed; `axlpaper runs` shows what it does"));
            }
            None if !watch.is_alive(journal).map_err(unusable)? => {
                return Err(not_alive(&watch));
            }
            None if Instant::now() >= deadline => {
                let message = format!(
                    "the watch of {} has not taken the approval up within {} s",
                    watch.cluster,
                    PATIENCE.as_secs()
                );
                return Err(AppError::new(ErrorKind::Failed, message).hint(
                    "it takes approvals up between two passes, so this one still counts; `axlpaper runs` shows what it \
                     does",
                ));
            }
            None => sleep(BETWEEN_ANSWERS).await,
        }
    }
}

/// Returns the watches that work.
///
/// # Errors
/// When the journal or the lock files cannot be read.
pub fn alive(reader: &JournalReader, journal: &Path) -> Result<Vec<WatchRow>, AppError> {
    let mut alive = Vec::new();
    for watch in reader.watches()? {
        if watch.is_alive(journal).map_err(unusable)? {
            alive.push(watch);
        }
    }
    Ok(alive)
}

/// Returns the last watch of each cluster, whether it works or not.
///
/// # Errors
/// When the journal or the lock files cannot be read.
pub fn records(reader: &JournalReader, journal: &Path) -> Result<Vec<WatchRecord>, AppError> {
    let of = |watch: WatchRow| {
        let alive = watch.is_alive(journal).map_err(unusable)?;
        Ok(WatchRecord::of(watch, alive))
    };
    reader.watches()?.into_iter().map(of).collect()
}

fn find(
    reader: &JournalReader,
    journal: &Path,
    cluster: Option<&str>,
) -> Result<WatchRow, AppError> {
    let mut alive = alive(reader, journal)?;
    let names = alive.iter().map(|watch| quoted(&watch.cluster)).collect::<Vec<_>>().join(", ");
    if let Some(cluster) = cluster {
        alive.retain(|watch| watch.cluster.eq_ignore_ascii_case(cluster));
    }
    let mut alive = alive.into_iter();
    match (alive.next(), alive.next()) {
        (Some(watch), None) => Ok(watch),
        (Some(_), Some(_)) => {
            let error = AppError::new(ErrorKind::Usage, "several watches work");
            Err(error.hint(format!("name one, such as `watch:NAME`: {names}")))
        }
        (None, _) if names.is_empty() => {
            Err(AppError::new(ErrorKind::Refused, "no watch works with this journal")
                .hint("`axlpaper watch` starts one; --state names another journal"))
        }
        (None, _) => {
            let message = format!("no watch works on {}", quoted(cluster.unwrap_or_default()));
            Err(AppError::new(ErrorKind::Refused, message).hint(format!("one works on {names}")))
        }
    }
}

fn not_alive(watch: &WatchRow) -> AppError {
    let message = format!("the watch of {} has ended", watch.cluster);
    AppError::new(ErrorKind::Refused, message).hint("`axlpaper watch` starts it again")
}

fn unusable(error: crate::journal::LockError) -> AppError {
    AppError::from_error(ErrorKind::Failed, error)
}

const BETWEEN_ANSWERS: Duration = Duration::from_millis(100);

/// How long to wait for the watch.
const PATIENCE: Duration = Duration::from_secs(5);
