//! The outcome of runs: recap, answer and report file.

use crate::connect::journal;
use crate::rollout::page_report::page_report;
use crate::rollout::result::exit_of;
use std::path::{Path, PathBuf};

use crate::cli::args::OutputArgs;
use crate::cli::args::push::ReportPlace;
use crate::cli::next_command;
use crate::cli::present::{clusters, list};
use crate::cli::ui;
use crate::error::{AppError, ErrorKind, Exit};
use crate::journal::{JournalReader, RunId, RunRef, RunRow};
use crate::report::{
    ClusterEnd, Layout, RunReport, clusters_recap, html, printable_lines, rollout_recap,
};
use crate::rollout::multi_cluster::ClusterResult;

/// Makes sure that the answer and the report can be written, before anything is changed.
pub fn check(
    output: &OutputArgs,
    several: bool,
    state: &Path,
    report: ReportPlace<'_>,
) -> Result<(), AppError> {
    clusters::check_list::<RunReport>(output, several)?;
    check_report(state, report)
}

/// Makes sure that the report can be written. A folder that is not there yet is made with the report.
pub fn check_report(state: &Path, report: ReportPlace<'_>) -> Result<(), AppError> {
    let folder = folder(state);
    match report {
        ReportPlace::File(path) => list::check_answer(path),
        ReportPlace::BesideJournal if folder.exists() => {
            list::check_writable(&folder.join("axlpaper-report.html"))
        }
        ReportPlace::BesideJournal | ReportPlace::Nowhere => Ok(()),
    }
}

/// Shows the outcome of a run, or of the runs on `several` clusters: the recap, the answer and the report file. Returns
/// the exit code, the worst of all clusters.
///
/// If one of them cannot be written, the error is shown and the rest still is: phones have been changed, and the user
/// has to learn which.
pub fn tell(
    ended: &mut [ClusterResult<RunReport>],
    several: bool,
    state: &Path,
    output: &OutputArgs,
    report: ReportPlace<'_>,
) -> Exit {
    let recap = |layout| recap(ended, several, state, layout);
    let mut failures = Vec::new();
    if output.is_recap() && output.output.is_none() {
        failures.extend(list::write_text(output, recap).err());
    } else {
        ui::say(&recap(ui::stderr_layout()));
        let answer = match output.is_recap() {
            true => list::write_text(output, recap),
            false => clusters::answer(output, several, ended),
        };
        failures.extend(answer.err());
    }
    let runs: Vec<RunId> = ended.iter().filter_map(|one| one.run).collect();
    if !runs.is_empty() {
        failures.extend(write_report(&runs, state, report).err());
    }
    for failure in &failures {
        ui::say(&printable_lines(&failure.to_string()));
    }
    let exit = clusters::worst(ended, exit_of);
    if exit == Exit::Done && !failures.is_empty() { Exit::Failed } else { exit }
}

fn recap(
    ended: &[ClusterResult<RunReport>],
    several: bool,
    state: &Path,
    layout: Layout,
) -> String {
    let next = |run: RunId| next_command::step_here(state, run);
    let recaps = ended.iter().filter_map(|one| {
        let report = one.result.as_ref().ok()?;
        // The line of each cluster has its command.
        let next = if several { None } else { next(report.run.id) };
        Some(rollout_recap(report, next.as_deref(), layout))
    });
    let recaps = recaps.collect::<Vec<_>>().join("\n");
    if !several {
        return recaps;
    }
    let ends = ended.iter().map(|one| ClusterEnd {
        cluster: &one.name,
        run: one.run,
        result: one.result.as_ref().map_err(|error| error.message()),
        next: one.run.and_then(next),
    });
    format!("{recaps}\n{}", clusters_recap(&ends.collect::<Vec<_>>()))
}

/// Writes the report of runs from what the journal has about them, so that it is the same as the one that
/// `axlpaper report` writes later, and says where it is.
pub fn write_report(
    runs: &[RunId],
    journal: &Path,
    place: ReportPlace<'_>,
) -> Result<(), AppError> {
    let file = match place {
        ReportPlace::File(path) => Some(path.to_owned()),
        ReportPlace::BesideJournal => None,
        ReportPlace::Nowhere => return Ok(()),
    };
    let page = journal::history(journal).and_then(|history| {
        let find = |run: &RunId| journal::find(&history, RunRef::Number(*run));
        let runs = runs.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let path = file.or_else(|| runs.first().map(|run| report_path(journal, run)));
        Ok((path.unwrap_or_default(), report_of(&history, runs)?))
    });
    let written = page.and_then(|(path, page)| {
        make_folder(journal, &path)?;
        list::write_file(&path, &page)?;
        Ok(path)
    });
    let path = written.map_err(|error| {
        let runs = runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        error.hint(format!(
            "what was to be done is done; `axlpaper report {runs}` writes its report"
        ))
    })?;
    say_where(&path);
    Ok(())
}

/// Makes the folder of the reports where a report goes into it.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(state: &Path, report: &Path) -> Result<(), AppError> {
    let folder = folder(state);
    if report.parent() != Some(&folder) {
        return Ok(());
    }
    list::private_folder(&folder).map_err(|error| {
        AppError::from_error(ErrorKind::Failed, error)
            .context(format_args!("cannot make the folder {}", folder.display()))
    })
}

pub fn say_where(path: &Path) {
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    ui::say(&format!("Report: {}", shown.display()));
}

/// Renders the report of a run, or one of several.
pub fn report_of(history: &JournalReader, runs: Vec<RunRow>) -> Result<String, AppError> {
    let read = |run| {
        let next = next_command::step(history, &run)?;
        page_report(history, run, next.as_deref())
    };
    let reports = runs.into_iter().map(read).collect::<Result<Vec<_>, AppError>>()?;
    if let [first, others @ ..] = &reports[..]
        && let Some(other) = others.iter().find(|other| other.action != first.action)
    {
        let (one, two) = (first.run.id, other.run.id);
        let error = format!(
            "runs {one} and {two} did different things to phones, so one report cannot show both"
        );
        return Err(AppError::new(ErrorKind::Usage, error)
            .hint("`axlpaper runs` shows what each run did; write a report for each"));
    }
    html(&reports).map_err(|error| AppError::from_error(ErrorKind::Failed, error))
}

/// Where the report of a run goes unless a file is named.
pub fn report_path(state: &Path, run: &RunRow) -> PathBuf {
    let name = format!("axlpaper-report-{}.html", run.began_at.strftime("%Y%m%d-%H%M%S-%3f"));
    folder(state).join(name)
}

/// The folder of the reports of a journal.
fn folder(state: &Path) -> PathBuf {
    state.with_file_name("reports")
}
