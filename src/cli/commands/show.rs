//! `axlpaper show`

use crate::connect::journal;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::next_command;
use crate::cli::present::list;
use crate::domain::selector::{Pattern, near};
use crate::domain::text::{pluralize, quoted};
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::PhoneResult;
use crate::journal::RunRef;
use crate::report::{RunReport, show_json, show_recap};

/// Show everything about one run: every change with what was before and after, every phone with its attempts
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A number, or `last`
    #[arg(value_name = "RUN")]
    run: RunRef,
    /// Only phones that failed, or whose push is not verified
    #[arg(long)]
    failed: bool,
    /// Only these phones; * matches any characters
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', value_parser = Pattern::of_device)]
    device: Vec<Pattern>,
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
    let report = RunReport::read(&history, run)?.with_downloads(&history)?;
    let report = report.with_next(next.as_deref());
    let all = report.phones.len();
    let is_filtered = args.failed || !args.device.is_empty();
    let mut report = if is_filtered { args.filtered(report)? } else { report };
    let part = format!("{} of {}", report.phones.len(), pluralize(all, "phone"));
    let part = Some(part.as_str()).filter(|_| is_filtered);
    if args.output.is_recap() {
        list::write_text(&args.output, |layout| {
            show_recap(&report, next.as_deref(), layout, part)
        })?;
    } else {
        list::sort(&args.output.list, &mut report.phones)?;
        let json = || show_json(&report, next.as_deref(), Timestamp::now());
        list::write(&args.output, &list::list(&args.output, &report.phones, json)?)?;
    }
    Ok(Exit::Done)
}

impl Args {
    /// Leaves the phones that were asked for.
    fn filtered(&self, report: RunReport) -> Result<RunReport, AppError> {
        let names = || report.phones.iter().map(|phone| phone.name.as_str());
        for pattern in &self.device {
            if !names().any(|name| pattern.matches(name)) {
                let message = format!(
                    "--device {} matches no phone of run {}",
                    quoted(pattern.as_str()),
                    report.run.id
                );
                let hint = match near(pattern.as_str(), names()).as_slice() {
                    [] => format!("`axlpaper show {}` lists its phones", report.run.id),
                    near => format!("did you mean {}?", near.join(" or ")),
                };
                return Err(AppError::new(ErrorKind::Usage, message).hint(hint));
            }
        }
        Ok(report.of_phones(|phone| {
            let name = phone.name.as_str();
            let is_named = self.device.iter().any(|pattern| pattern.matches(name));
            (is_named || self.device.is_empty()) && (phone.is_failure() || !self.failed)
        }))
    }
}
