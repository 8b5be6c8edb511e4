//! What a reader should know after ten seconds; of several runs also how each cluster fared.

use std::cmp::Reverse;
use std::fmt;

use crate::domain::push_action::PushAction;
use crate::domain::text::{grouped, pluralize};
use crate::event::{ChangeState, Outcome, PhoneResult, Proof};
use crate::journal::{Coverage, RunState, SkippedCluster};
use crate::report::html::charts::{Bar, Count, outcomes, verdicts};
use crate::report::html::section::{RunSection, TextPart, action_and_proof, clean, parts};
use crate::report::run_report::RunReport;
use crate::report::text::printable;
use crate::report::wording;

#[derive(Clone, Debug)]
pub(super) struct Headline {
    /// How the run ended, in one or two words.
    pub(super) state: &'static str,
    pub(super) level: Level,
    /// What came of it, in a sentence.
    pub(super) sentence: String,
    /// Why it ended before its time, or what is not known.
    pub(super) because: Option<String>,
    pub(super) numbers: Vec<Number>,
    pub(super) outcomes: Vec<Count>,
    pub(super) bar: Bar,
}

/// A number with what it counts.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) what: &'static str,
    pub(super) number: String,
    pub(super) besides: Option<String>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    selected: usize,
    pushed: usize,
    verified: usize,
    failed: usize,
    pending: usize,
}

impl Tally {
    fn of<'a>(phones: impl IntoIterator<Item = &'a PhoneResult>) -> Self {
        let mut tally = Self::default();
        for phone in phones {
            tally.selected += 1;
            tally.pushed += usize::from(!phone.outcome.is_skipped());
            tally.verified += usize::from(phone.outcome == Outcome::Verified);
            tally.pending += usize::from(phone.outcome == Outcome::Pending);
            tally.failed += usize::from(phone.is_failure());
        }
        tally
    }
}

/// Says it of a run, or of all of several.
pub(super) fn headline(runs: &[RunSection<'_>], left_out: &[&SkippedCluster]) -> Headline {
    let phones = || runs.iter().flat_map(|of| &of.run.phones);
    let tally = Tally::of(phones());
    let Tally { selected, pushed, verified, failed, pending } = tally;
    let left = selected - pushed;
    let coverage = runs.iter().filter_map(|of| of.run.coverage()).reduce(Coverage::and);
    let (action, proof) = action_and_proof(runs);
    let alone = runs.first().map(|of| of.run).filter(|_| runs.len() + left_out.len() == 1);
    let on = alone.is_none().then(|| cluster_count(runs, left_out));
    let (state, level) = alone.map_or_else(|| overall(runs, left_out), state);
    let coverage = match alone {
        Some(run) => run.coverage_text(),
        None => coverage.and_then(|coverage| wording::coverage(action, proof, coverage)),
    };
    let sentence = match (alone, &on) {
        (Some(run), _) => sentence(run, tally),
        (None, on) => sentence_of_all(on.as_deref().unwrap_or_default(), tally),
    };
    let number = |what, number, besides| Number { what, number: grouped(number), besides };
    // Rounded down, so that only all of them are 100.
    let share = |percent| format!("{percent} % of {}{}", grouped(pushed), wording::meant(action));
    let untried = format!("{} of them pending", grouped(pending));
    // Where no more than an acceptance was to be seen, that is the best there is.
    let (word, good) = match wording::unverifiable(action, proof) {
        Some(_) => ("accepted", pushed - failed),
        None => ("verified", verified),
    };
    let outcomes = outcomes(action, phones());
    Headline {
        state,
        level,
        sentence: match coverage {
            Some(coverage) => format!("{coverage}. {sentence}"),
            None => sentence,
        },
        because: alone.and_then(ended_early),
        numbers: vec![
            number(word, good, (good * 100).checked_div(pushed).map(share)),
            number(wording::failed(action, proof), failed, (pending > 0).then_some(untried)),
            number(wording::left(action), left, None),
            number("selected", selected, on),
        ],
        bar: Bar::of(&outcomes),
        outcomes,
    }
}

fn cluster_count(runs: &[RunSection<'_>], left_out: &[&SkippedCluster]) -> String {
    let clusters = runs.len() + left_out.len();
    let come_to_phones = runs.iter().filter(|of| !has_failed(of)).count();
    match pluralize(clusters, "cluster") {
        all if come_to_phones == clusters => format!("on {all}"),
        all => format!("on {come_to_phones} of {all}"),
    }
}

/// How well something ended: the class of its text in the page.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Level {
    Good,
    Warn,
    Bad,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        })
    }
}

/// How a run ended, in one or two words, and how well.
fn state(run: &RunReport) -> (&'static str, Level) {
    let tally = Tally::of(&run.phones);
    let changes_failed =
        run.changes.iter().any(|change| change.state != Some(ChangeState::Applied));
    match run.run.state {
        RunState::Killed if !run.has_ended() => ("killed", Level::Bad),
        _ if !run.has_ended() => ("end unknown", Level::Bad),
        RunState::Interrupted => ("interrupted", Level::Warn),
        RunState::Declined => ("declined", Level::Warn),
        RunState::Failed => ("failed", Level::Bad),
        _ if run.stopped().is_some() => ("stopped early", Level::Bad),
        _ if tally.failed > 0 || changes_failed => ("finished with failures", Level::Warn),
        _ if tally.pushed == 0 && run.changes.is_empty() => ("finished", Level::Warn),
        RunState::Running | RunState::Finished | RunState::Killed => ("finished", Level::Good),
    }
}

fn sentence(run: &RunReport, tally: Tally) -> String {
    let (action, proof) = (run.action, run.proof());
    let Tally { pushed, verified, failed, .. } = tally;
    match (pushed, wording::unverifiable(action, proof)) {
        (0, _) if run.phones.is_empty() => "This run pushed to no phone.".to_owned(),
        (0, _) => format!(
            "{}: {} skipped.",
            wording::no_phone(action),
            match run.phones.len() {
                1 => "the only one was".to_owned(),
                count => format!("all {} were", grouped(count)),
            }
        ),
        (_, Some(unknown)) => accepted(action, proof, pushed, failed, unknown),
        (1, None) if verified == 1 => format!("The phone {}.", wording::verified(action, proof)),
        (1, None) => wording::only_failed(action),
        (_, None) if pushed == verified => {
            format!("All {} phones {}.", grouped(pushed), wording::verified(action, proof))
        }
        (_, None) => format!(
            "{} of {} phones {}. {}",
            grouped(verified),
            grouped(pushed),
            wording::verified(action, proof),
            wording::failed_sentence(action, proof, &grouped(failed))
        ),
    }
}

/// Says how a run ended of which acceptances are all that can be known.
fn accepted(
    action: PushAction,
    proof: Proof,
    pushed: usize,
    failed: usize,
    unknown: &str,
) -> String {
    let accepted = wording::accepted(action);
    match (pushed, failed) {
        (1, 0) => format!("The phone {accepted}. {unknown}"),
        (1, _) => format!("The only phone {}.", wording::failed(action, proof)),
        (_, 0) => format!("All {} phones {accepted}. {unknown}", grouped(pushed)),
        (_, _) => format!(
            "{} of {} phones {accepted}. {unknown} {}",
            grouped(pushed - failed),
            grouped(pushed),
            wording::failed_sentence(action, proof, &grouped(failed))
        ),
    }
}

fn ended_early(run: &RunReport) -> Option<String> {
    if !run.has_ended() {
        let killed = run.run.state == RunState::Killed;
        let how =
            if killed { "This run was killed" } else { "This run is still running, or was killed" };
        return Some(format!(
            "{how}: the journal has no end of it. What was under way at its last moment is not known; everything \
             else here is as it was written down."
        ));
    }
    let ending = run.ending.as_ref()?;
    let why = ending.error.as_ref().or(ending.stopped.as_ref())?;
    Some(clean(why))
}

/// The clusters side by side.
#[derive(Clone, Debug)]
pub(super) struct ClusterTable {
    pub(super) alerts: Vec<Alert>,
    pub(super) rows: Vec<ClusterRow>,
}

/// A cluster that is not done with.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    pub(super) cluster: String,
    /// How it ended, in one or two words.
    pub(super) state: &'static str,
    pub(super) level: Level,
    pub(super) text: String,
    pub(super) remedies: Vec<Vec<TextPart>>,
}

#[derive(Clone, Debug)]
pub(super) struct ClusterRow {
    pub(super) name: String,
    /// Whether the table has phones of it.
    pub(super) has_phones: bool,
    pub(super) run: String,
    pub(super) state: &'static str,
    pub(super) level: Level,
    pub(super) number: String,
    pub(super) verdicts: Bar,
    pub(super) outcomes: Bar,
}

/// Returns the clusters for which no run could be begun beside any of these.
pub(super) fn skipped_clusters(runs: &[RunReport]) -> Vec<&SkippedCluster> {
    let mut all: Vec<&SkippedCluster> = Vec::new();
    for one in runs.iter().filter_map(|run| run.together.as_ref()).flat_map(|one| &one.left_out) {
        let known = all.iter().any(|other| other.cluster == one.cluster);
        // A run of another time can be about it.
        if !known && runs.iter().all(|run| run.run.cluster != one.cluster) {
            all.push(one);
        }
    }
    all
}

impl ClusterTable {
    pub(super) fn of(runs: &[RunSection<'_>], left_out: &[&SkippedCluster]) -> Self {
        let mut alarms: Vec<Alert> = left_out.iter().map(|one| Alert::of_left_out(one)).collect();
        alarms.extend(runs.iter().filter_map(Alert::of));
        alarms.sort_by_key(|alarm| Reverse(alarm.level));
        let mut rows: Vec<ClusterRow> = runs.iter().map(ClusterRow::of).collect();
        rows.extend(left_out.iter().map(|one| ClusterRow::skipped(one)));
        Self { alerts: alarms, rows }
    }
}

impl Alert {
    /// Whatever kept a run from coming to its end.
    fn of(of: &RunSection<'_>) -> Option<Self> {
        let (state, level) = state(of.run);
        let text = ended_early(of.run)?;
        let hints = of.run.ending.iter().flat_map(|ending| &ending.hints);
        let remedies = hints.map(|hint| parts(&printable(hint))).collect();
        Some(Self { cluster: of.cluster.clone(), state, level, text, remedies })
    }

    fn of_left_out(one: &SkippedCluster) -> Self {
        Self {
            cluster: clean(&one.cluster),
            state: NOT_BEGUN,
            level: Level::Bad,
            text: clean(&one.error),
            remedies: one.hints.iter().map(|hint| parts(&printable(hint))).collect(),
        }
    }
}

impl ClusterRow {
    fn of(of: &RunSection<'_>) -> Self {
        let (state, level) = state(of.run);
        Self {
            name: of.cluster.clone(),
            has_phones: !of.run.phones.is_empty(),
            run: of.run.run.id.to_string(),
            state,
            level,
            number: grouped(of.run.phones.len()),
            verdicts: Bar::of(&verdicts(of.audited())),
            outcomes: Bar::of(&outcomes(of.run.action, &of.run.phones)),
        }
    }

    fn skipped(one: &SkippedCluster) -> Self {
        Self {
            name: clean(&one.cluster),
            has_phones: false,
            run: String::new(),
            state: NOT_BEGUN,
            level: Level::Bad,
            number: grouped(0),
            verdicts: Bar::default(),
            outcomes: Bar::default(),
        }
    }
}

/// The state of all of them: that of the worst.
fn overall(runs: &[RunSection<'_>], left_out: &[&SkippedCluster]) -> (&'static str, Level) {
    let states: Vec<_> = runs.iter().map(|of| state(of.run)).collect();
    let with = |level| states.iter().find(|(_, its)| *its == level).copied();
    match with(Level::Bad) {
        _ if !left_out.is_empty() || runs.iter().any(has_failed) => {
            ("not done on every cluster", Level::Bad)
        }
        Some(state) => state,
        None => {
            with(Level::Warn).or_else(|| with(Level::Good)).unwrap_or(("finished", Level::Warn))
        }
    }
}

/// Tells whether a run could not go on at all.
fn has_failed(of: &RunSection<'_>) -> bool {
    of.run.run.state == RunState::Failed
}

fn sentence_of_all(on: &str, tally: Tally) -> String {
    let Tally { pushed, verified, failed, .. } = tally;
    match (pushed, pushed - failed - verified.min(pushed - failed)) {
        (0, _) => format!("No phone was pushed to {on}."),
        (pushed, 0) if pushed == verified => {
            format!("All {} that were pushed to {on} are verified.", pluralize(pushed, "phone"))
        }
        (pushed, accepted) => {
            let accepted = match accepted {
                0 => String::new(),
                some => format!("; {} accepted, without verification", grouped(some)),
            };
            format!(
                "{} of {} that were pushed to {on} are verified{accepted}. {} failed or are not verified.",
                grouped(verified),
                pluralize(pushed, "phone"),
                grouped(failed)
            )
        }
    }
}

/// The state of a cluster for which no run could be begun.
const NOT_BEGUN: &str = "not begun";
