//! `axlpaper runs`

use crate::connect::journal;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::args::value::at_least_one;
use crate::cli::present::list;
use crate::cli::settings;
use crate::cli::ui;
use crate::error::{AppError, Exit};
use crate::report::{RunRecord, printable_lines, runs_json};
use crate::watch::control::records;

/// List what was run against clusters, the newest first
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The journal [default: axlpaper/journal.sqlite3 in the user's folder for state]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_STATE")]
    state: Option<PathBuf>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = at_least_one::<usize>())]
    limit: usize,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    list::check_list::<RunRecord>(&args.output)?;
    let path = journal::path(args.state.as_deref())?;
    let (runs, watches) = match settings::history(args.state.as_deref())? {
        Some(history) => (history.runs(args.limit)?, records(&history, &path)?),
        None => (Vec::new(), Vec::new()),
    };
    if runs.is_empty() {
        ui::say(&format!("no runs yet in {}", path.display()));
    }
    let mut rows: Vec<RunRecord> = runs.iter().map(RunRecord::from).collect();
    list::sort(&args.output.list, &mut rows)?;
    let text = list::list(&args.output, &rows, || runs_json(&rows, &watches, Timestamp::now()))?;
    list::write(&args.output, &text)?;
    if args.output.is_recap() {
        for watch in watches.iter().filter(|watch| watch.alive) {
            ui::say(&printable_lines(&watch.describe()));
        }
    }
    Ok(Exit::Done)
}
