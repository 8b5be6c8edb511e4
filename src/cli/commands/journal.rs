//! `axlpaper journal`

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::args::value::age;
use crate::cli::ui;
use crate::connect::journal;
use crate::domain::text::{grouped, pluralize};
use crate::error::{AppError, ErrorKind, Exit};
use crate::journal::{self as record, JournalError, KeptBecause, Pruned, RunId};

/// Look after the journal
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(clap::Subcommand, Debug)]
enum JournalCommand {
    Prune(PruneArgs),
}

/// Remove old runs, and the pictures that only they need
///
/// Kept whatever their age: what proves that phones show a picture, so that they are still skipped, with the picture itself,
/// so that a later run can still be taken back; the certificates that phones are pinned to; runs that can be resumed; the
/// last finished run of each kind on each cluster; changes that phones have not applied yet; and whatever a run that is kept
/// continues or reverts. A removed run cannot be shown, resumed or reverted any more.
#[derive(clap::Args, Debug)]
struct PruneArgs {
    /// Remove runs that ended so long ago, such as 90d, 12w or 1y
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Timestamp,
    /// The journal [default: axlpaper/journal.sqlite3 in the user's folder for state]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_STATE")]
    state: Option<PathBuf>,
    /// Show what would be removed, and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// When the journal cannot be written, a run works with it, or the answer is no.
pub async fn run(args: &Args) -> Result<Exit, AppError> {
    match &args.command {
        JournalCommand::Prune(args) => prune(args).await,
    }
}

async fn prune(args: &PruneArgs) -> Result<Exit, AppError> {
    let path = journal::path(args.state.as_deref())?;
    drop(journal::history(&path)?);
    let found = pruned(&path, args.older_than, true).await?;
    if let [run, ..] = found.working[..] {
        let error = format!("run {run} works with this journal; nothing was removed");
        return Err(AppError::new(ErrorKind::Refused, error)
            .hint("`axlpaper runs` shows which runs work; prune when they have ended"));
    }
    if args.dry_run || found.runs.is_empty() {
        ui::put(&describe(&found, "Would remove"))?;
        return Ok(Exit::Done);
    }
    ui::say(&describe(&found, "Would remove"));
    let what = format!(
        "This will remove {} from the journal {}",
        pluralize(found.runs.len(), "run"),
        path.display()
    );
    ui::confirm_yes(&what, args.yes)?;
    let done = pruned(&path, args.older_than, false).await?;
    ui::put(&removed(&done, "Removed"))?;
    Ok(Exit::Done)
}

async fn pruned(path: &Path, before: Timestamp, dry_run: bool) -> Result<Pruned, AppError> {
    let path = path.to_owned();
    let pruned = tokio::task::spawn_blocking(move || record::prune(&path, before, dry_run)).await;
    let pruned: Result<Pruned, JournalError> =
        pruned.map_err(|error| AppError::new(ErrorKind::Failed, error.to_string()))?;
    pruned.map_err(Into::into)
}

fn describe(found: &Pruned, verb: &str) -> String {
    let kept = found.kept.iter().flat_map(|(because, runs)| {
        let line = format!("  {}: {}\n", pluralize(runs.len(), "run"), reason(*because));
        [line, format!("    {}\n", numbers(runs.iter().copied()))]
    });
    let title = (!found.kept.is_empty()).then(|| "Older, and kept:\n".to_owned());
    std::iter::once(removed(found, verb)).chain(title).chain(kept).collect()
}

fn removed(found: &Pruned, verb: &str) -> String {
    if found.runs.is_empty() {
        return "No run is removed: none that old can be spared.\n".to_owned();
    }
    let (runs, kilobytes) = (found.runs.len(), found.picture_bytes.div_ceil(1_000));
    let proofs = (found.proofs > 0).then(|| {
        let phones = pluralize(found.proofs, "phone");
        format!("Kept of them: the proofs of {phones}, with their pictures.\n")
    });
    let lines = [
        format!("{verb} {}: {}\n", pluralize(runs, "run"), numbers(found.runs.iter().copied())),
        format!(
            "{verb} {}, {} KB, that no other run needs.\n",
            pluralize(found.pictures, "picture"),
            grouped(usize::try_from(kilobytes).unwrap_or(usize::MAX))
        ),
    ];
    lines.into_iter().chain(proofs).collect()
}

fn reason(because: KeptBecause) -> &'static str {
    match because {
        KeptBecause::Unfinished => {
            "not finished, and no run has continued it: `axlpaper show RUN` names the command"
        }
        KeptBecause::Last => "the last finished run of its kind on its cluster",
        KeptBecause::PendingApplies => "phones have not applied all changes on its cluster",
        KeptBecause::Needed => {
            "a run that is kept continues or reverts it, or completes its changes"
        }
        KeptBecause::OnlyCopy => {
            "an earlier release wrote it, and only it has a picture that phones show"
        }
    }
}

/// Lists numbers in order, consecutive ones as a range.
fn numbers(runs: impl Iterator<Item = RunId>) -> String {
    let mut runs: Vec<RunId> = runs.collect();
    runs.sort_unstable();
    let ranges = runs.chunk_by(|one, next| one + 1 == *next).map(|range| match range {
        [first, .., last] => format!("{first} to {last}"),
        one => one.iter().map(ToString::to_string).collect(),
    });
    ranges.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_runs_are_ranges() {
        assert_eq!(numbers([5, 1, 2, 3, 9, 8].into_iter()), "1 to 3, 5, 8 to 9");
        assert_eq!(numbers(std::iter::empty()), "");
    }
}
