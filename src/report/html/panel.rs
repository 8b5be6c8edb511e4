//! A run as a part of another page: how it stands while it works or how it ended, what to do, and its phones with trouble.

use askama::Template;
use jiff::{SignedDuration, Timestamp};

use crate::domain::push_action::PushAction;
use crate::domain::text::grouped;
use crate::event::{ChangeState, ControlStep, Outcome, PhoneResult};
use crate::journal::{EventKind, EventRow, RunState};
use crate::report::clock::Clock;
use crate::report::html::charts::{Count, GroupTable, by_device_pool};
use crate::report::html::findings::{ToDo, to_do};
use crate::report::html::headline::{Headline, Level, headline};
use crate::report::html::section::{HtmlError, RunSection, TextPart, action_and_proof, clean};
use crate::report::html::{Fact, facts, section, title};
use crate::report::run_report::RunReport;
use crate::report::wording;

/// A run for the pages of the console.
#[derive(Clone, Debug)]
pub(crate) struct RunPanel {
    pub(crate) title: String,
    /// How it stands or ended, in one or two words.
    pub(crate) state: &'static str,
    /// The CSS class of the state.
    pub(crate) level: &'static str,
    /// How many of the phones show what was pushed, in words.
    pub(crate) coverage: Option<String>,
    /// What it waits for, in words.
    pub(crate) waits: Vec<Vec<TextPart>>,
    /// Whether a wave waits for an approval.
    pub(crate) has_gate: bool,
    pub(crate) is_paused: bool,
    /// How many phones failed.
    pub(crate) failed: usize,
    /// Whether the cluster was changed, or may have been.
    pub(crate) has_changes: bool,
    /// Whether phones show what was pushed, by all that is known.
    pub(crate) has_pushed: bool,
    /// Everything else, as HTML. Its buttons belong to the form `again`.
    pub(crate) html: String,
}

#[derive(Template)]
#[template(path = "panel.html", config = "src/report/html/askama.toml")]
struct Panel {
    headline: Headline,
    is_running: bool,
    pace: Option<String>,
    remedies_title: &'static str,
    to_do: Vec<ToDo>,
    more_to_do: usize,
    /// Whether a run can push to the phones of a cause again.
    may_retry: bool,
    pools: Option<GroupTable>,
    messages: Vec<Message>,
    more_messages: usize,
    failed: Vec<FailedPhone>,
    more_failed: usize,
    facts: Vec<Fact>,
    zone: String,
}

struct Message {
    at: String,
    text: String,
}

struct FailedPhone {
    name: String,
    about: String,
    place: String,
    outcome: &'static str,
    title: &'static str,
    reason: String,
}

/// Makes the panel of a run as it is `now`.
///
/// # Errors
/// When memory runs out.
pub(crate) fn run_panel(report: &RunReport, now: Timestamp) -> Result<RunPanel, HtmlError> {
    let reports = std::slice::from_ref(report);
    let runs = &RunSection::all(reports, 0);
    let (action, proof) = action_and_proof(runs);
    let clock = Clock::of(&report.run);
    let mut headline = headline(runs, &[]);
    let is_running = report.run.state == RunState::Running;
    let waits: Vec<&EventRow> = report.waits_for().filter(|_| is_running).collect();
    let (state, level) = match is_running {
        true => (running(&waits), if waits.is_empty() { "good" } else { "warn" }),
        false => (headline.state, level(&headline)),
    };
    if is_running {
        // These are about the end of a run.
        (headline.alert, headline.cause) = (None, None);
    }
    let open = |phone: &&PhoneResult| is_running && phone.outcome.is_open();
    let failed: Vec<&PhoneResult> = report.failures().filter(|phone| !open(phone)).collect();
    let causes = failed.iter().map(|phone| ("", *phone));
    let (to_do, more_to_do) = to_do(action, causes);
    let pools = by_device_pool(runs);
    let told = report.events.iter().rev().filter(|event| {
        matches!(event.kind, EventKind::Remark | EventKind::PhoneTls | EventKind::Control(_))
    });
    let messages: Vec<Message> = told
        .clone()
        .take(MOST_MESSAGES)
        .map(|event| Message { at: clock.time_of_day(event.at), text: clean(&event.text) })
        .collect();
    let is_pushed =
        |phone: &PhoneResult| matches!(phone.outcome, Outcome::Verified | Outcome::Accepted);
    let has_pushed = action == PushAction::Picture && report.phones.iter().any(is_pushed);
    let has_changes =
        report.changes.iter().any(|change| change.state != Some(ChangeState::NotApplied));
    let number_of_failed = failed.len();
    let panel = Panel {
        is_running,
        pace: is_running.then(|| pace(report, now)).flatten(),
        remedies_title: wording::remedies_title(action, proof),
        to_do,
        more_to_do,
        pools: Some(pools).filter(|pools| !pools.first.is_empty()),
        more_messages: told.count() - messages.len(),
        messages,
        may_retry: !is_running && action == PushAction::Picture && !report.run.is_about_addresses(),
        more_failed: failed.len().saturating_sub(MOST_PHONES),
        failed: failed.into_iter().take(MOST_PHONES).map(|one| failed_phone(action, one)).collect(),
        facts: facts(runs, &clock),
        zone: clock.describe(),
        headline,
    };
    Ok(RunPanel {
        title: title(runs, &[]),
        state,
        level,
        coverage: report.coverage_text(),
        failed: number_of_failed,
        has_changes,
        has_pushed,
        has_gate: waits.iter().any(|event| event.control_step() == Some(ControlStep::GateReached)),
        is_paused: waits.iter().any(|event| event.control_step() == Some(ControlStep::Paused)),
        waits: waits.iter().map(|event| section::parts(&clean(&event.text))).collect(),
        html: panel.render().map_err(HtmlError::Template)?,
    })
}

/// Counts phones by outcome where only numbers are known, best first. `outcomes` are words of the journal.
pub(crate) fn tally(action: PushAction, outcomes: &[(String, i64)]) -> Vec<Count> {
    let of = |outcome: Outcome| {
        let (_, count) = outcomes.iter().find(|(word, _)| word == outcome.as_str())?;
        let title = wording::outcome_title(action, outcome);
        let count = usize::try_from(*count).ok().filter(|count| *count > 0)?;
        Some(Count { filter: "outcome", word: outcome.as_str(), title, count })
    };
    Outcome::ALL.into_iter().filter_map(of).collect()
}

/// Says what a run does that works. A pause comes last, and counts more than what it would wait for besides.
fn running(waits: &[&EventRow]) -> &'static str {
    match waits.last().and_then(|event| event.control_step()) {
        Some(ControlStep::GateReached) => "waits for approval",
        Some(ControlStep::Paused) => "paused",
        Some(ControlStep::SoakStarted) => "observes a wave",
        Some(ControlStep::StartAwaited) => "waits for its start",
        Some(ControlStep::QuestionAsked) => "waits for an answer",
        Some(
            ControlStep::Continued
            | ControlStep::Approved
            | ControlStep::Aborted
            | ControlStep::SoakEnded
            | ControlStep::StartReached
            | ControlStep::QuestionAnswered,
        )
        | None => "running",
    }
}

fn level(headline: &Headline) -> &'static str {
    match headline.level {
        Level::Good => "good",
        Level::Warn => "warn",
        Level::Bad => "bad",
    }
}

/// How many phones were completed in the last minute, and how many are left.
fn pace(report: &RunReport, now: Timestamp) -> Option<String> {
    let minute = now.saturating_sub(SignedDuration::from_mins(1)).ok()?;
    let ended = report.attempts.iter().filter_map(|attempt| attempt.ended_at);
    let recent = ended.filter(|at| *at >= minute).count();
    let left = report.phones.iter().filter(|phone| phone.outcome.is_open()).count();
    Some(format!(
        "{} attempts ended in the last minute; {} phones are left",
        grouped(recent),
        grouped(left)
    ))
}

fn failed_phone(action: PushAction, phone: &PhoneResult) -> FailedPhone {
    let about = [phone.extension.as_deref().unwrap_or_default(), &phone.description];
    let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
    let address = phone.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let place = if phone.device_pool.is_empty() { address } else { phone.device_pool.clone() };
    FailedPhone {
        name: phone.name.to_string(),
        about: clean(&about.join(" ")),
        place: clean(&place),
        outcome: phone.outcome.as_str(),
        title: wording::outcome_title(action, phone.outcome),
        reason: clean(phone.reason.as_deref().unwrap_or_default()),
    }
}

/// How many messages are shown, the newest ones.
const MOST_MESSAGES: usize = 40;

/// How many phones with trouble are shown; the report has them all.
const MOST_PHONES: usize = 100;
