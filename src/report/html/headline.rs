//! The head of the report: how a run ended, its result, and the results of clusters if there are several.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;

use crate::domain::push_action::PushAction;
use crate::domain::text::{grouped, pluralize};
use crate::event::{ChangeState, Outcome, PhoneResult, Proof};
use crate::journal::{RunState, SkippedCluster};
use crate::report::html::charts::{Bar, Count, outcomes, verdicts};
use crate::report::html::filter_link::filter_link;
use crate::report::html::findings::{ToDo, to_do};
use crate::report::html::ring::Ring;
use crate::report::html::section::{RunSection, TextPart, action_and_proof, clean, parts};
use crate::report::run_report::RunReport;
use crate::report::text::printable;
use crate::report::wording;

#[derive(Clone, Debug)]
pub(super) struct Headline {
    /// How the run ended, in one or two words.
    pub(super) state: &'static str,
    pub(super) level: Level,
    /// `None` if no phone was capable.
    pub(super) ring: Option<Ring>,
    /// The result, in a sentence.
    pub(super) sentence: String,
    /// Why the only run stopped early, or what is not known of it.
    pub(super) alert: Option<Alert>,
    /// The most frequent cause, if no phone has what was pushed. Of phones that were not tried, the alert names it.
    pub(super) cause: Option<ToDo>,
    pub(super) outcomes: Vec<Count>,
    pub(super) bar: Bar,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    pushed: usize,
    verified: usize,
    failed: usize,
    capable: usize,
    /// Phones that have what was pushed, from this run or an earlier one, as far as that can be verified.
    good: usize,
    /// Phones whose screens could not be verified.
    unknown: usize,
}

impl Tally {
    fn of<'a>(phones: impl IntoIterator<Item = &'a PhoneResult>) -> Self {
        let mut tally = Self::default();
        for phone in phones {
            tally.pushed += usize::from(!phone.outcome.is_skipped());
            tally.verified += usize::from(phone.outcome == Outcome::Verified);
            tally.failed += usize::from(phone.is_failure());
            tally.capable += usize::from(phone.is_capable());
            tally.good += usize::from(is_good(phone));
            tally.unknown += usize::from(phone.outcome == Outcome::NotVerifiable);
        }
        tally
    }

    /// Returns whether there were capable phones and none has what was pushed.
    fn is_in_vain(self) -> bool {
        self.capable > 0 && self.good == 0
    }
}

/// Returns whether a phone has what was pushed, as far as that can be verified.
fn is_good(phone: &PhoneResult) -> bool {
    phone.outcome.is_proven() || (phone.outcome == Outcome::Accepted && !phone.is_failure())
}

/// Makes the head of a report of one run or several.
pub(super) fn headline(runs: &[RunSection<'_>], left_out: &[&SkippedCluster]) -> Headline {
    let phones = || runs.iter().flat_map(|of| &of.run.phones);
    let tally = Tally::of(phones());
    let (action, _) = action_and_proof(runs);
    let alone = runs.first().map(|of| of.run).filter(|_| runs.len() + left_out.len() == 1);
    let (state, level) = alone.map_or_else(|| overall(runs, left_out), state);
    let outcomes = outcomes(action, phones());
    let missed = runs.iter().flat_map(|of| {
        let missed = of.run.phones.iter().filter(|one| one.is_capable() && !is_good(one));
        missed.map(|phone| (of.cluster.as_str(), phone))
    });
    let alert = runs.first().filter(|_| alone.is_some()).and_then(Alert::of);
    let was_tried = |outcome: Outcome| outcome != Outcome::Pending && !outcome.is_skipped();
    let missed = missed.filter(|(_, phone)| alert.is_none() || was_tried(phone.outcome));
    Headline {
        state,
        level,
        ring: Ring::of(runs),
        sentence: match alone {
            Some(run) => sentence(run, tally),
            None => sentence_of_all(&cluster_count(runs, left_out), tally),
        },
        cause: tally.is_in_vain().then(|| to_do(action, missed).0.into_iter().next()).flatten(),
        alert,
        bar: Bar::of(&outcomes, &[]),
        outcomes,
    }
}

fn cluster_count(runs: &[RunSection<'_>], left_out: &[&SkippedCluster]) -> String {
    let distinct: HashSet<&str> = runs.iter().map(|of| of.run.run.cluster_id.as_str()).collect();
    if distinct.len() < runs.len() {
        return format!(
            "in {} on {}",
            pluralize(runs.len(), "run"),
            pluralize(distinct.len(), "cluster")
        );
    }
    let clusters = runs.len() + left_out.len();
    let come_to_phones = runs.iter().filter(|of| !has_failed(of)).count();
    match pluralize(clusters, "cluster") {
        all if come_to_phones == clusters => format!("on {all}"),
        all => format!("on {come_to_phones} of {all}"),
    }
}

/// The CSS class of a state.
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

/// Returns how a run ended, in one or two words.
fn state(run: &RunReport) -> (&'static str, Level) {
    let tally = Tally::of(&run.phones);
    let changes_failed =
        run.changes.iter().any(|change| change.state != Some(ChangeState::Applied));
    match run.run.state {
        RunState::Killed if !run.has_ended() => ("killed", Level::Bad),
        _ if !run.has_ended() => ("end unknown", Level::Bad),
        RunState::Declined => ("declined", Level::Warn),
        RunState::Interrupted if tally.is_in_vain() => ("interrupted", Level::Bad),
        RunState::Interrupted => ("interrupted", Level::Warn),
        RunState::Failed => ("failed", Level::Bad),
        _ if run.stopped().is_some() => ("stopped early", Level::Bad),
        _ if tally.is_in_vain() => ("nothing worked", Level::Bad),
        _ if tally.failed > 0 || changes_failed => ("finished with failures", Level::Warn),
        _ if tally.good == 0 && run.changes.is_empty() => ("finished", Level::Warn),
        _ if tally.unknown > 0 => ("not all verified", Level::Warn),
        RunState::Running | RunState::Finished | RunState::Killed => ("finished", Level::Good),
    }
}

fn sentence(run: &RunReport, tally: Tally) -> String {
    match tally.unknown {
        0 => sentence_of_pushed(run, tally),
        unknown => {
            format!("{} {}", sentence_of_pushed(run, tally), wording::not_verifiable(unknown))
        }
    }
}

fn sentence_of_pushed(run: &RunReport, tally: Tally) -> String {
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
            wording::failed_sentence(action, proof, failed)
        ),
    }
}

/// The result of a run whose phones can only accept, because the effect cannot be verified.
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
            wording::failed_sentence(action, proof, failed)
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

#[derive(Clone, Debug)]
pub(super) struct ClusterTable {
    pub(super) alerts: Vec<Alert>,
    pub(super) rows: Vec<ClusterRow>,
}

/// A cluster whose run failed or stopped early.
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
    pub(super) has_phones: bool,
    /// The filter that selects its phones.
    pub(super) link: String,
    pub(super) run: String,
    pub(super) state: &'static str,
    pub(super) level: Level,
    pub(super) number: String,
    pub(super) verdicts: Bar,
    pub(super) outcomes: Bar,
}

/// Returns the clusters that were skipped when these runs began.
pub(super) fn skipped_clusters(runs: &[RunReport]) -> Vec<&SkippedCluster> {
    let mut all: Vec<&SkippedCluster> = Vec::new();
    for one in runs.iter().filter_map(|run| run.together.as_ref()).flat_map(|one| &one.left_out) {
        let known = all.iter().any(|other| other.cluster == one.cluster);
        // A later run on that cluster can be among these.
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
        let filters = [("cluster", of.cluster.as_str())];
        Self {
            name: of.cluster.clone(),
            has_phones: !of.run.phones.is_empty(),
            run: of.run.run.id.to_string(),
            state,
            level,
            number: grouped(of.run.phones.len()),
            link: filter_link(&filters),
            verdicts: Bar::of(&verdicts(of.audited()), &filters),
            outcomes: Bar::of(&outcomes(of.run.action, &of.run.phones), &filters),
        }
    }

    fn skipped(one: &SkippedCluster) -> Self {
        Self {
            name: clean(&one.cluster),
            has_phones: false,
            link: String::new(),
            run: String::new(),
            state: NOT_BEGUN,
            level: Level::Bad,
            number: grouped(0),
            verdicts: Bar::default(),
            outcomes: Bar::default(),
        }
    }
}

/// Returns the worst state.
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

/// The state of a skipped cluster.
const NOT_BEGUN: &str = "not begun";
