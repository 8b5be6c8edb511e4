//! How many phones showed the payload at the end of earlier runs of it over the same phones, and of this one.

use crate::domain::text::grouped;
use crate::journal::{Coverage, RunId};
use crate::report::clock::Clock;
use crate::report::html::section::{RunSection, clean};
use crate::report::wording;

/// A drawing of columns, a run each, the oldest first; all lengths are its units.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) cluster: String,
    /// What all of its runs pushed.
    pub(super) payload: &'static str,
    pub(super) width: usize,
    pub(super) columns: Vec<Column>,
    /// All of it in words.
    pub(super) summary: String,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) run: RunId,
    pub(super) x: usize,
    /// The middle of the column.
    pub(super) middle: usize,
    pub(super) y: usize,
    pub(super) height: usize,
    pub(super) percent: usize,
    pub(super) day: String,
    pub(super) began: String,
    pub(super) file: String,
    pub(super) shown: String,
}

/// Draws the history of each run that has one.
pub(super) fn history(runs: &[RunSection<'_>], clock: &Clock) -> Vec<History> {
    runs.iter().filter_map(|of| history_of(of, clock)).collect()
}

fn history_of(of: &RunSection<'_>, clock: &Clock) -> Option<History> {
    let this = of.run;
    let coverage = this.coverage()?;
    let past = this.past_runs.iter();
    let past = past.map(|run| (run.id, run.began_at, run.file.as_str(), run.coverage));
    let file = this.file.as_deref().unwrap_or_default();
    let all = past.chain([(this.run.id, this.run.began_at, file, coverage)]);
    let columns = all.enumerate().map(|(at, (run, began, file, coverage))| {
        let Coverage { shown, capable } = coverage;
        let percent = coverage.percent()?;
        let height = HEIGHT * percent / 100;
        let x = at * STEP;
        Some(Column {
            run,
            x,
            middle: x + WIDTH / 2,
            y: TOP + HEIGHT - height,
            height,
            percent,
            day: clock.day(began),
            began: clock.moment(began),
            file: clean(file),
            shown: format!("{} of {}", grouped(shown), grouped(capable)),
        })
    });
    let columns = columns.collect::<Option<Vec<_>>>().filter(|columns| columns.len() > 1)?;
    let summary = columns.iter().map(|one| format!("run {} {} %", one.run, one.percent));
    let summary = summary.collect::<Vec<_>>().join(", ");
    Some(History {
        cluster: of.cluster.clone(),
        payload: wording::same_payload(this.action),
        width: columns.len() * STEP,
        summary: format!("Capable phones that show what was pushed: {summary}"),
        columns,
    })
}

const STEP: usize = 64;
const WIDTH: usize = 48;
const TOP: usize = 16;
const HEIGHT: usize = 72;
