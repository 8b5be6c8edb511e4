//! The outcome of runs: recap, answer and report file.

use crate::connect::journal;
use crate::rollout::result::exit_of;
use std::path::{Path, PathBuf};

use crate::cli::args::OutputArgs;
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
pub fn check(output: &OutputArgs, several: bool, report: Option<&Path>) -> Result<(), AppError> {
    clusters::check_list::<RunReport>(output, several)?;
    check_report(report)
}

/// Makes sure that the report can be written.
pub fn check_report(report: Option<&Path>) -> Result<(), AppError> {
    list::check_writable(report.unwrap_or_else(|| Path::new("axlpaper-report.html")))
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
    report: Option<&Path>,
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

pub fn say_where(path: &Path) {
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    ui::say(&format!("Report: {}", shown.display()));
}

/// Renders the report of a run, or one of several.
pub fn report_of(history: &JournalReader, runs: Vec<RunRow>) -> Result<String, AppError> {
    let read =
        |run| RunReport::read(history, run)?.with_screenshots(history)?.with_past_runs(history);
    let reports = runs.into_iter().map(read).collect::<Result<Vec<_>, _>>();
    let reports = reports?;
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
pub fn report_path(run: &RunRow) -> PathBuf {
    PathBuf::from(format!("axlpaper-report-{}.html", run.began_at.strftime("%Y%m%d-%H%M%S-%3f")))
}
