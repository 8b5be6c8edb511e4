//! `axlpaper report`

use crate::connect::journal;
use std::path::PathBuf;

use crate::cli::present::{list, run_result};
use crate::cli::ui;
use crate::error::{AppError, Exit};
use crate::journal::{RunRef, RunRow};

/// Write the report of a run: one HTML file that needs no network, the same that the run wrote at its end
///
/// A run that was killed, or that still goes on, has a report too: of what had been written down. Several runs make one
/// report, which tells their clusters apart.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A number, or `last`; several make one report
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<RunRef>,
    /// Where the report goes; - is standard output [default: reports/axlpaper-report-TIME.html beside the journal]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The journal [default: axlpaper/journal.sqlite3 in the user's folder for state]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_STATE")]
    state: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    let state = journal::path(args.state.as_deref())?;
    let history = journal::history(&state)?;
    let mut runs: Vec<RunRow> = Vec::new();
    for which in &args.runs {
        let run = journal::find(&history, *which)?;
        if runs.iter().all(|known| known.id != run.id) {
            runs.push(run);
        }
    }
    let first = runs.iter().min_by_key(|run| run.began_at);
    let usual = first.map(|run| run_result::report_path(&state, run));
    let path = args.output.clone().or(usual).unwrap_or_default();
    if let Some(path) = args.output.as_deref().filter(|path| path.as_os_str() != "-") {
        list::check_answer(path)?;
    }
    let page = run_result::report_of(&history, runs)?;
    if path.as_os_str() == "-" {
        ui::put(&page)?;
    } else {
        let written =
            run_result::make_folder(&state, &path).and_then(|()| list::write_file(&path, &page));
        written
            .map_err(|error| error.hint("-o FILE writes it elsewhere, -o - to standard output"))?;
        run_result::say_where(&path);
    }
    Ok(Exit::Done)
}
