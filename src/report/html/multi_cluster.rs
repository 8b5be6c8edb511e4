//! What only the report of several runs has: how each cluster fared, and what is wrong with some of them.

use crate::domain::text::counted;
use crate::event::Outcome;
use crate::journal::LeftOut;
use crate::report::html::charts::{Bar, grouped, outcomes, verdicts};
use crate::report::html::headline;
use crate::report::html::headline::{Headline, Number};
use crate::report::html::{Of, Part, done, parts};
use crate::report::run_report::RunReport;
use crate::report::text::printable;
use crate::report::wording;

/// The clusters side by side.
#[derive(Clone, Debug)]
pub(crate) struct Together {
    /// What nobody may overlook, worst first.
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) rows: Vec<ClusterRow>,
}

/// A cluster that is not done with.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    pub(crate) cluster: String,
    /// How it ended, in one or two words.
    pub(crate) state: &'static str,
    /// `warn` or `bad`.
    pub(crate) mood: &'static str,
    pub(crate) text: String,
    pub(crate) remedies: Vec<Vec<Part>>,
}

/// How a cluster fared.
#[derive(Clone, Debug)]
pub(crate) struct ClusterRow {
    pub(crate) name: String,
    /// Whether the table has phones of it.
    pub(crate) has_phones: bool,
    /// The number of its run.
    pub(crate) run: String,
    pub(crate) state: &'static str,
    /// `good`, `warn` or `bad`.
    pub(crate) mood: &'static str,
    pub(crate) number: String,
    pub(crate) verdicts: Bar,
    pub(crate) outcomes: Bar,
}

/// Returns the clusters for which no run could be begun beside any of these.
pub(crate) fn left_out(runs: &[RunReport]) -> Vec<&LeftOut> {
    let mut all: Vec<&LeftOut> = Vec::new();
    for one in runs.iter().filter_map(|run| run.together.as_ref()).flat_map(|one| &one.left_out) {
        let known = all.iter().any(|other| other.cluster == one.cluster);
        // A run of another time can be about it.
        if !known && runs.iter().all(|run| run.run.cluster != one.cluster) {
            all.push(one);
        }
    }
    all
}

impl Together {
    pub(crate) fn of(runs: &[Of<'_>], left_out: &[&LeftOut]) -> Self {
        let mut alarms: Vec<Alarm> = left_out.iter().map(|one| Alarm::of_left_out(one)).collect();
        alarms.extend(runs.iter().filter_map(Alarm::of));
        alarms.sort_by_key(|alarm| alarm.mood != "bad");
        let mut rows: Vec<ClusterRow> = runs.iter().map(ClusterRow::of).collect();
        rows.extend(left_out.iter().map(|one| ClusterRow::of_left_out(one)));
        Self { alarms, rows }
    }
}

impl Alarm {
    /// Whatever kept a run from coming to its end.
    fn of(of: &Of<'_>) -> Option<Self> {
        let (state, mood) = state(of);
        let text = headline::because(of.run)?;
        let hints = of.run.ending.iter().flat_map(|ending| &ending.hints);
        let remedies = hints.map(|hint| parts(&printable(hint))).collect();
        Some(Self { cluster: of.cluster.clone(), state, mood, text, remedies })
    }

    fn of_left_out(one: &LeftOut) -> Self {
        Self {
            cluster: printable(&one.cluster).into_owned(),
            state: NOT_BEGUN,
            mood: "bad",
            text: printable(&one.error).into_owned(),
            remedies: one.hints.iter().map(|hint| parts(&printable(hint))).collect(),
        }
    }
}

impl ClusterRow {
    fn of(of: &Of<'_>) -> Self {
        let (state, mood) = state(of);
        Self {
            name: of.cluster.clone(),
            has_phones: !of.run.phones.is_empty(),
            run: of.run.run.id.to_string(),
            state,
            mood,
            number: grouped(of.run.phones.len()),
            verdicts: Bar::of(&verdicts(of.seen())),
            outcomes: Bar::of(&outcomes(&of.run.phones)),
        }
    }

    fn of_left_out(one: &LeftOut) -> Self {
        Self {
            name: printable(&one.cluster).into_owned(),
            has_phones: false,
            run: String::new(),
            state: NOT_BEGUN,
            mood: "bad",
            number: grouped(0),
            verdicts: Bar::default(),
            outcomes: Bar::default(),
        }
    }
}

fn state(of: &Of<'_>) -> (&'static str, &'static str) {
    let phones = &of.run.phones;
    let pushed = phones.iter().filter(|phone| phone.outcome != Outcome::Skipped).count();
    headline::state(of.run, pushed, phones.iter().filter(|phone| phone.is_failure()).count())
}

/// Says what a reader should know after ten seconds, over all clusters.
pub(crate) fn headline(runs: &[Of<'_>], left_out: &[&LeftOut]) -> Headline {
    let phones = || runs.iter().flat_map(|of| &of.run.phones);
    let count = |is: fn(Outcome) -> bool| phones().filter(|phone| is(phone.outcome)).count();
    let all = phones().count();
    let left = count(|outcome| outcome == Outcome::Skipped);
    let pending = count(|outcome| outcome == Outcome::Pending);
    let verified = count(|outcome| outcome == Outcome::Verified);
    let failed = phones().filter(|phone| phone.is_failure()).count();
    let (pushed, clusters) = (all - left, runs.len() + left_out.len());
    let come_to_phones = runs.iter().filter(|of| !is_broken(of)).count();
    let on = match counted(clusters, "cluster") {
        all if come_to_phones == clusters => format!("on {all}"),
        all => format!("on {come_to_phones} of {all}"),
    };
    let already = runs.iter().map(|of| of.run.already()).sum::<usize>().min(left);
    let (state, mood) = overall(runs, left_out);
    let number = |what, number, besides| Number { what, number: grouped(number), besides };
    let share = |percent| format!("{percent} % of {} to be pushed to", grouped(pushed));
    let untried = format!("{} of them pending", grouped(pending));
    let (deed, proof) = done(runs);
    let shown = format!("{} of them {}", grouped(already), wording::already(deed));
    let (word, good) = headline::good(deed, proof, verified, pushed - failed);
    let outcomes = outcomes(phones());
    Headline {
        state,
        mood,
        sentence: sentence(&on, pushed, verified, failed),
        because: None,
        numbers: vec![
            // Rounded down, so that only all of them are 100.
            number(word, good, (good * 100).checked_div(pushed).map(share)),
            number(wording::failed(deed, proof), failed, (pending > 0).then_some(untried)),
            number("left alone", left, (already > 0).then_some(shown)),
            number("selected", all, Some(on)),
        ],
        bar: Bar::of(&outcomes),
        outcomes,
    }
}

/// The state of all of them: that of the worst.
fn overall(runs: &[Of<'_>], left_out: &[&LeftOut]) -> (&'static str, &'static str) {
    let states: Vec<_> = runs.iter().map(state).collect();
    let with = |mood| states.iter().find(|(_, its)| *its == mood).copied();
    match with("bad") {
        _ if !left_out.is_empty() || runs.iter().any(is_broken) => {
            ("not done on every cluster", "bad")
        }
        Some(state) => state,
        None => with("warn").or_else(|| with("good")).unwrap_or(("finished", "warn")),
    }
}

/// Tells whether a run could not go on at all.
fn is_broken(of: &Of<'_>) -> bool {
    of.run.run.state == "failed"
}

fn sentence(on: &str, pushed: usize, verified: usize, failed: usize) -> String {
    match (pushed, pushed - failed - verified.min(pushed - failed)) {
        (0, _) => format!("No phone was pushed to {on}."),
        (pushed, 0) if pushed == verified => {
            format!("All {} that were pushed to {on} are verified.", counted(pushed, "phone"))
        }
        (pushed, accepted) => {
            let accepted = match accepted {
                0 => String::new(),
                some => format!("; {} accepted, and nobody was to look further", grouped(some)),
            };
            format!(
                "{} of {} that were pushed to {on} are verified{accepted}. {} failed or are not proven.",
                grouped(verified),
                counted(pushed, "phone"),
                grouped(failed)
            )
        }
    }
}

/// The state of a cluster for which no run could be begun.
const NOT_BEGUN: &str = "not begun";
