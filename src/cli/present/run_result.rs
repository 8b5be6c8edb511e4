//! What a run tells at its end, whatever it can be told through.

use crate::connect::journal;
use crate::rollout::result::exit_of;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::next_command;
use crate::cli::present::list;
use crate::cli::ui;
use crate::error::{AppError, ErrorKind, Exit};
use crate::event::PhoneResult;
use crate::journal::{JournalReader, RunId, RunRef, RunRow};
use crate::report::{RunReport, html, printable_lines, rollout_json, rollout_recap};

/// Makes sure that the answer and the report can be written, before anything is changed.
///
/// # Errors
/// Says which place cannot be written.
pub fn check(output: &OutputArgs, report: Option<&Path>) -> Result<(), AppError> {
    list::check_list::<PhoneResult>(output)?;
    check_report(report)
}

/// Makes sure that the report can be written, before anything is changed.
///
/// # Errors
/// Says which place cannot be written.
pub fn check_report(report: Option<&Path>) -> Result<(), AppError> {
    list::check_writable(report.unwrap_or_else(|| Path::new("axlpaper-report.html")))
}

/// Shows a run: the recap, the answer and the report file. Returns the exit code that the run deserves.
///
/// What cannot be written is told, and the rest is shown all the same: phones have been changed, and
/// somebody must learn which.
pub fn tell(run: &RunReport, state: &Path, output: &OutputArgs, report: Option<&Path>) -> Exit {
    let recap = rollout_recap(run);
    let mut failures = Vec::new();
    if output.is_recap() && output.output.is_none() {
        failures.extend(ui::put(&recap).err());
    } else {
        ui::say(&recap);
        failures.extend(answer(run, output, &recap).err());
    }
    failures.extend(write_report(&[run.run.id], state, report).err());
    for failure in &failures {
        ui::say(&printable_lines(&failure.to_string()));
    }
    next_command::say(next_command::step_here(state, run.run.id).as_deref());
    let exit = exit_of(run);
    if exit == Exit::Done && !failures.is_empty() { Exit::Failed } else { exit }
}

/// Writes the answer: the recap again where no list was asked for.
fn answer(run: &RunReport, output: &OutputArgs, recap: &str) -> Result<(), AppError> {
    if output.is_recap() {
        return list::write(output, recap);
    }
    let mut run = Cow::Borrowed(run);
    if !output.list.sort.is_empty() {
        list::sort(&output.list, &mut run.to_mut().phones)?;
    }
    let json = || rollout_json(&run, Timestamp::now());
    list::write(output, &list::list(output, &run.phones, json)?)
}

/// Writes the report of runs from what the journal has about them, so that it is the same as the one that
/// `axlpaper report` writes later, and says where it is.
///
/// # Errors
/// When the journal cannot be read, or the file cannot be written.
pub fn write_report(runs: &[RunId], journal: &Path, file: Option<&Path>) -> Result<(), AppError> {
    let page = journal::history(journal).and_then(|history| {
        let find = |run: &RunId| journal::find(&history, RunRef::Number(*run));
        let runs = runs.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let path = file.map(Path::to_owned).or_else(|| runs.first().map(report_path));
        Ok((path.unwrap_or_default(), report_of(&history, runs)?))
    });
    let (path, page) = page.map_err(|error| {
        let runs = runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        error.hint(format!(
            "what was to be done is done; `axlpaper report {runs}` writes its report"
        ))
    })?;
    list::write_file(&path, &page)?;
    say_where(&path);
    Ok(())
}

/// Says where a report is.
pub fn say_where(path: &Path) {
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    ui::say(&format!("Report: {}", shown.display()));
}

/// Renders the report of a run, or one of several.
///
/// # Errors
/// When the journal cannot be read, or the runs did different things.
pub fn report_of(history: &JournalReader, runs: Vec<RunRow>) -> Result<String, AppError> {
    let read = |run| RunReport::read(history, run)?.with_screenshots(history);
    let reports = runs.into_iter().map(read).collect::<Result<Vec<_>, _>>();
    let reports = reports?;
    if let [first, others @ ..] = &reports[..]
        && let Some(other) = others.iter().find(|other| other.action != first.action)
    {
        let (one, two) = (first.run.id, other.run.id);
        let error = format!(
            "runs {one} and {two} did different things to phones, so one report cannot tell of both"
        );
        return Err(AppError::new(ErrorKind::Usage, error)
            .hint("`axlpaper runs` says what each run did; write a report of each"));
    }
    html(&reports).map_err(|error| AppError::from_error(ErrorKind::Failed, error))
}

/// Where the report of a run goes unless a file is named.
pub fn report_path(run: &RunRow) -> PathBuf {
    PathBuf::from(format!("axlpaper-report-{}.html", run.began_at.strftime("%Y%m%d-%H%M%S-%3f")))
}
