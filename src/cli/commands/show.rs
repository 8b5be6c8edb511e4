//! `axlpaper show`

use crate::connect::journal;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::next_command;
use crate::cli::present::list;
use crate::error::{AppError, Exit};
use crate::event::PhoneResult;
use crate::journal::RunRef;
use crate::report::{RunReport, show_json, show_recap};

/// Show everything about one run: every change with what was before and after, every phone with its attempts
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A number, or `last`
    #[arg(value_name = "RUN")]
    run: RunRef,
    /// The journal [default: axlpaper/journal.sqlite3 in the user's folder for state]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_STATE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    list::check_list::<PhoneResult>(&args.output)?;
    let history = journal::history(&journal::path(args.state.as_deref())?)?;
    let run = journal::find(&history, args.run)?;
    let next = next_command::step(&history, &run)?;
    let report = RunReport::read(&history, run).and_then(|run| run.with_downloads(&history));
    let mut report = report?;
    if args.output.is_recap() {
        list::write_text(&args.output, |layout| show_recap(&report, next.as_deref(), layout))?;
    } else {
        list::sort(&args.output.list, &mut report.phones)?;
        let json = || show_json(&report, next.as_deref(), Timestamp::now());
        list::write(&args.output, &list::list(&args.output, &report.phones, json)?)?;
    }
    Ok(Exit::Done)
}
