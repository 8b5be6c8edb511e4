//! What a run on several clusters tells at its end: each cluster's recap, one answer and one report.

use crate::rollout::result::exit_of;
use std::path::Path;

use jiff::Timestamp;

use crate::cli::args::OutputArgs;
use crate::cli::next_command;
use crate::cli::present::clusters;
use crate::cli::present::{list, run_result};
use crate::cli::ui;
use crate::error::{AppError, Exit};
use crate::event::PhoneResult;
use crate::journal::RunId;
use crate::report::{
    ClusterEnd, OfCluster, RunReport, clusters_recap, printable_lines, rollout_json, rollout_recap,
};
use crate::rollout::multi_cluster::ClusterResult;

/// Makes sure that the answer and the report can be written, before anything is changed.
///
/// # Errors
/// Says which place cannot be written.
pub fn check(output: &OutputArgs, report: Option<&Path>) -> Result<(), AppError> {
    list::check_list::<OfCluster<'_, PhoneResult>>(output)?;
    run_result::check_report(report)
}

/// Shows what came of all clusters: recaps, the answer and the report file. Returns the worst exit code.
///
/// As with one cluster, what cannot be written is told, and the rest is shown all the same.
pub fn tell(
    mut ended: Vec<ClusterResult<RunReport>>,
    state: &Path,
    output: &OutputArgs,
    report: Option<&Path>,
) -> Exit {
    let recap = recap(&ended, state);
    let mut failures = Vec::new();
    if output.is_recap() && output.output.is_none() {
        failures.extend(ui::put(&recap).err());
    } else {
        ui::say(&recap);
        failures.extend(answer(&mut ended, output, &recap).err());
    }
    let runs: Vec<RunId> = ended.iter().filter_map(|one| one.run).collect();
    if !runs.is_empty() {
        failures.extend(run_result::write_report(&runs, state, report).err());
    }
    for failure in &failures {
        ui::say(&printable_lines(&failure.to_string()));
    }
    let exit = clusters::worst(&ended, exit_of);
    if exit == Exit::Done && !failures.is_empty() { Exit::Failed } else { exit }
}

fn recap(ended: &[ClusterResult<RunReport>], state: &Path) -> String {
    let recaps = ended.iter().filter_map(|one| Some(rollout_recap(one.result.as_ref().ok()?)));
    let ends: Vec<ClusterEnd<'_>> = ended
        .iter()
        .map(|one| ClusterEnd {
            cluster: &one.name,
            run: one.run,
            result: one.result.as_ref().map_err(|error| error.message()),
            next: one.run.and_then(|run| next_command::step_here(state, run)),
        })
        .collect();
    format!("{}\n{}", recaps.collect::<Vec<_>>().join("\n"), clusters_recap(&ends))
}

/// Writes the answer: the recaps again where no list was asked for.
fn answer(
    ended: &mut [ClusterResult<RunReport>],
    output: &OutputArgs,
    recap: &str,
) -> Result<(), AppError> {
    if output.is_recap() {
        return list::write(output, recap);
    }
    clusters::sort(output, ended, |run| &mut run.phones)?;
    let json = |run| rollout_json(run, Timestamp::now());
    clusters::write(output, ended, |run| &run.phones, json)
}
