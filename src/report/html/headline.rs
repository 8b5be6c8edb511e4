//! What a reader should know after ten seconds.

use crate::domain::push_action::Deed;
use crate::event::{Outcome, Proof};
use crate::report::html::charts::{Bar, Count, grouped, outcomes};
use crate::report::run_report::RunReport;
use crate::report::text::printable;
use crate::report::wording;

/// The first part of the page.
#[derive(Clone, Debug)]
pub(super) struct Headline {
    /// How the run ended, in one or two words.
    pub(super) state: &'static str,
    /// `good`, `warn` or `bad`.
    pub(super) mood: &'static str,
    /// What came of it, in a sentence.
    pub(super) sentence: String,
    /// Why it ended before its time, or what is not known.
    pub(super) because: Option<String>,
    /// The most important numbers.
    pub(super) numbers: Vec<Number>,
    pub(super) outcomes: Vec<Count>,
    pub(super) bar: Bar,
}

/// A number with what it counts.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) what: &'static str,
    pub(super) number: String,
    /// What else is known of it.
    pub(super) besides: Option<String>,
}

/// Says it.
pub(super) fn headline(chronicle: &RunReport) -> Headline {
    let phones = &chronicle.phones;
    let count = |outcome| phones.iter().filter(|phone| phone.outcome == outcome).count();
    let (verified, left) = (count(Outcome::Verified), count(Outcome::Skipped));
    let failed = phones.iter().filter(|phone| phone.is_failure()).count();
    let pushed = phones.len() - left;
    let outcomes = outcomes(phones);
    let (state, mood) = state(chronicle, pushed, failed);
    Headline {
        state,
        mood,
        sentence: sentence(chronicle, pushed, verified, failed),
        because: because(chronicle),
        numbers: numbers(chronicle, pushed, verified, failed),
        bar: Bar::of(&outcomes),
        outcomes,
    }
}

fn numbers(chronicle: &RunReport, pushed: usize, verified: usize, failed: usize) -> Vec<Number> {
    let phones = &chronicle.phones;
    let left = phones.len() - pushed;
    let pending = phones.iter().filter(|phone| phone.outcome == Outcome::Pending).count();
    let already = chronicle.already().min(left);
    let number = |what, number, besides| Number { what, number: grouped(number), besides };
    // Rounded down, so that only all of them are 100.
    let share = |percent| format!("{percent} % of {} to be pushed to", grouped(pushed));
    let untried = format!("{} of them pending", grouped(pending));
    let shown = format!("{} of them {}", grouped(already), wording::already(chronicle.deed));
    let proof = chronicle.proof();
    let (word, good) = good(chronicle.deed, proof, verified, pushed - failed);
    vec![
        number(word, good, (good * 100).checked_div(pushed).map(share)),
        number(wording::failed(chronicle.deed, proof), failed, (pending > 0).then_some(untried)),
        number("left alone", left, (already > 0).then_some(shown)),
        number("selected", phones.len(), None),
    ]
}

/// What is the best that there was to reach, and how many reached it.
pub(super) fn good(
    deed: Deed,
    proof: Proof,
    verified: usize,
    accepted: usize,
) -> (&'static str, usize) {
    match wording::unknown(deed, proof) {
        // Nobody was to see more than an acceptance.
        Some(_) => ("accepted", accepted),
        None => ("verified", verified),
    }
}

pub(super) fn state(
    chronicle: &RunReport,
    pushed: usize,
    failed: usize,
) -> (&'static str, &'static str) {
    let changes_failed = chronicle
        .changes
        .iter()
        .any(|change| change.state != Some(crate::event::ChangeState::Applied));
    match chronicle.run.state.as_str() {
        _ if !chronicle.has_ended() && chronicle.run.state == "killed" => ("killed", "bad"),
        _ if !chronicle.has_ended() => ("no end is known", "bad"),
        "interrupted" => ("interrupted", "warn"),
        "failed" => ("failed", "bad"),
        _ if chronicle.stopped().is_some() => ("stopped early", "bad"),
        _ if failed > 0 || changes_failed => ("finished, not all of it worked", "warn"),
        _ if pushed == 0 && chronicle.changes.is_empty() => ("finished", "warn"),
        _ => ("finished", "good"),
    }
}

fn sentence(chronicle: &RunReport, pushed: usize, verified: usize, failed: usize) -> String {
    let (deed, proof) = (chronicle.deed, chronicle.proof());
    match (pushed, wording::unknown(deed, proof)) {
        (0, _) if chronicle.phones.is_empty() => "This run pushed to no phone.".to_owned(),
        (0, _) => format!(
            "{}: {} left alone.",
            wording::nobody(deed),
            match chronicle.phones.len() {
                1 => "the only one was".to_owned(),
                count => format!("all {} were", grouped(count)),
            }
        ),
        (_, Some(unknown)) => accepted(deed, proof, pushed, failed, unknown),
        (1, None) if verified == 1 => format!("The phone {}.", wording::verified(deed, proof)),
        (1, None) => {
            format!("The {} to the only phone failed, or is not proven.", wording::noun(deed))
        }
        (_, None) if pushed == verified => {
            format!("All {} phones {}.", grouped(pushed), wording::verified(deed, proof))
        }
        (_, None) => format!(
            "{} of {} phones {}. {}",
            grouped(verified),
            grouped(pushed),
            wording::verified(deed, proof),
            wording::failed_too(deed, proof, &grouped(failed))
        ),
    }
}

/// Says how a run ended of which acceptances are all that can be known.
fn accepted(deed: Deed, proof: Proof, pushed: usize, failed: usize, unknown: &str) -> String {
    let accepted = wording::accepted(deed);
    match (pushed, failed) {
        (1, 0) => format!("The phone {accepted}. {unknown}"),
        (1, _) => format!("The only phone {}.", wording::failed(deed, proof)),
        (_, 0) => format!("All {} phones {accepted}. {unknown}", grouped(pushed)),
        (_, _) => format!(
            "{} of {} phones {accepted}. {unknown} {}",
            grouped(pushed - failed),
            grouped(pushed),
            wording::failed_too(deed, proof, &grouped(failed))
        ),
    }
}

pub(super) fn because(chronicle: &RunReport) -> Option<String> {
    if !chronicle.has_ended() {
        let killed = chronicle.run.state == "killed";
        let how = if killed { "This run was killed" } else { "This run goes on, or was killed" };
        return Some(format!(
            "{how}: the journal has no end of it. What was under way at its last moment is not known; everything \
             else here is as it was written down."
        ));
    }
    let ending = chronicle.ending.as_ref()?;
    let why = ending.error.as_ref().or(ending.stopped.as_ref())?;
    Some(printable(why).into_owned())
}
