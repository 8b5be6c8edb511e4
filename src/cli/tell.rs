//! What a run tells at its end, whatever it can be told through.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::args::OutputArgs;
use super::error::{CliError, Exit};
use super::{output, ui};
use crate::event::{Outcome, PhoneResult};
use crate::report::{Rollout, html, printable_lines, rollout_json, rollout_recap};

/// Makes sure that the answer and the report can be written, before anything is changed.
///
/// # Errors
/// Says which place cannot be written.
pub fn check(output: &OutputArgs, report: Option<&Path>) -> Result<(), CliError> {
    output::check_list::<PhoneResult>(output)?;
    output::check_writable(report.unwrap_or_else(|| Path::new("axlpaper-report.html")))
}

/// Shows a run: the recap, the answer and the report file. Returns the exit code that the run deserves.
///
/// What cannot be written is told, and the rest is shown all the same: phones have been changed, and
/// somebody must learn which.
pub fn tell(rollout: &Rollout, output: &OutputArgs, report: Option<&Path>) -> Exit {
    let recap = rollout_recap(rollout);
    let mut failures = Vec::new();
    if output.is_recap() && output.output.is_none() {
        failures.extend(ui::put(&recap).err());
    } else {
        ui::say(&recap);
        failures.extend(answer(rollout, output, &recap).err());
    }
    let path = report.map_or_else(|| report_path(rollout), Path::to_owned);
    let page = html(rollout).map_err(|error| CliError::from_error(Exit::Failed, &error));
    match page.and_then(|page| output::write_file(&path, &page)) {
        Ok(()) => {
            let shown = std::path::absolute(&path).unwrap_or(path);
            ui::say(&format!("Report: {}", shown.display()));
        }
        Err(error) => failures.push(error),
    }
    for failure in &failures {
        ui::say(&printable_lines(&failure.to_string()));
    }
    let exit = exit_of(rollout);
    if exit == Exit::Done && !failures.is_empty() { Exit::Failed } else { exit }
}

/// Writes the answer: the recap again where no list was asked for.
fn answer(rollout: &Rollout, output: &OutputArgs, recap: &str) -> Result<(), CliError> {
    if output.is_recap() {
        return output::write(output, recap);
    }
    let mut rollout = Cow::Borrowed(rollout);
    if !output.list.sort.is_empty() {
        output::sort(&output.list, &mut rollout.to_mut().phones)?;
    }
    let json = || rollout_json(&rollout, Timestamp::now());
    output::write(output, &output::list(output, &rollout.phones, json)?)
}

fn report_path(rollout: &Rollout) -> PathBuf {
    PathBuf::from(format!(
        "axlpaper-report-{}.html",
        rollout.started_at.strftime("%Y%m%d-%H%M%S-%3f")
    ))
}

/// Returns the exit code that a run deserves. One that was meant to push and reached nobody is no
/// success either, unless there was nobody left to reach.
pub fn exit_of(rollout: &Rollout) -> Exit {
    let pushed =
        rollout.already > 0 || rollout.phones.iter().any(|phone| phone.outcome != Outcome::Skipped);
    if rollout.interrupted {
        Exit::Interrupted
    } else if rollout.is_success() && pushed {
        Exit::Done
    } else {
        Exit::SomeFailed
    }
}
