//! `axlpaper runs`

use crate::connect::journal;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::args::value::at_least_one;
use crate::cli::present::list;
use crate::error::{AppError, Exit};
use crate::report::{RunRecord, runs_json};

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
    let runs = match journal::history_if_any(&path)? {
        Some(history) => history.runs(args.limit)?,
        None => Vec::new(),
    };
    let mut rows: Vec<RunRecord> = runs.iter().map(RunRecord::from).collect();
    list::sort(&args.output.list, &mut rows)?;
    let text = list::list(&args.output, &rows, || runs_json(&rows, Timestamp::now()))?;
    list::write(&args.output, &text)?;
    Ok(Exit::Done)
}
