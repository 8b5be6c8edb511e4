//! Shared by the sections of the report: a run with the name of its cluster, texts, errors.

use jiff::Timestamp;

use crate::domain::audit::AuditedPhone;
use crate::domain::push_action::PushAction;
use crate::event::Proof;
use crate::report::clock::Clock;
use crate::report::other_downloads::download_warnings;
use crate::report::run_report::RunReport;
use crate::report::text::printable;
use crate::report::wording;

/// The report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// The template failed, which it does only if memory runs out.
    #[error("failed to render the report")]
    Template(#[source] askama::Error),
    /// The phones could not be written as JSON.
    #[error("failed to write the phones of the report")]
    Data(#[source] serde_json::Error),
}

/// A piece of a text: code, or words.
#[derive(Clone, Debug)]
pub(crate) struct TextPart {
    pub(crate) code: bool,
    pub(crate) text: String,
}

/// A run with the name that distinguishes it from others on the page.
#[derive(Clone, Debug)]
pub(super) struct RunSection<'a> {
    /// The name of its cluster; empty if the page has one run.
    pub(super) cluster: String,
    pub(super) run: &'a RunReport,
}

impl<'a> RunSection<'a> {
    /// Names the runs; `without_a_run` counts skipped clusters.
    pub(super) fn all(runs: &'a [RunReport], without_a_run: usize) -> Vec<Self> {
        let alone = runs.len() + without_a_run < 2;
        let name = |run: &RunReport| {
            let twice =
                runs.iter().filter(|other| other.run.cluster == run.run.cluster).count() > 1;
            let cluster = clean(&run.run.cluster);
            // A run and the one that resumes it are on the same cluster.
            if twice { format!("{cluster}, run {}", run.run.id) } else { cluster }
        };
        let of = |run| RunSection { cluster: if alone { String::new() } else { name(run) }, run };
        runs.iter().map(of).collect()
    }

    /// Returns the phones as the audit saw them.
    pub(super) fn audited(&self) -> impl Iterator<Item = &'a AuditedPhone> + use<'a> {
        self.run.audit.iter().flat_map(|audit| &audit.phones)
    }

    /// Returns what the survey could not read, and downloads by other addresses.
    pub(super) fn remarks(&self) -> impl Iterator<Item = String> {
        let remarks =
            self.run.audit.iter().flat_map(|audit| audit.remarks.iter().chain(&audit.rule_changes));
        let remarks = remarks.cloned().chain(download_warnings(&self.run.phones));
        remarks.map(|remark| format!("{}{}", self.prefix(), printable(&remark)))
    }

    /// Returns the prefix of a line about it.
    pub(super) fn prefix(&self) -> String {
        if self.cluster.is_empty() { String::new() } else { format!("{}: ", self.cluster) }
    }
}

/// Returns the action and the proof of the page. All its runs have one action; if one of them verified and others did not,
/// its wording counts for all, because an acceptance is never called verified.
pub(super) fn action_and_proof(runs: &[RunSection<'_>]) -> (PushAction, Proof) {
    let mut all = runs.iter().map(|of| (of.run.action, of.run.proof()));
    let looked =
        all.clone().find(|(action, proof)| wording::unverifiable(*action, *proof).is_none());
    looked.or_else(|| all.next()).unwrap_or_default()
}

/// Returns the clock of the first run, which is used for the whole page.
pub(super) fn clock(runs: &[RunSection<'_>]) -> Option<Clock> {
    runs.first().map(|of| Clock::of(&of.run.run))
}

/// When the first of the runs began.
pub(super) fn began(runs: &[RunSection<'_>]) -> Timestamp {
    runs.iter().map(|of| of.run.run.began_at).min().unwrap_or_default()
}

/// The last moment that is known of any of them.
pub(super) fn last_known(runs: &[RunSection<'_>]) -> Timestamp {
    runs.iter().map(|of| of.run.last_known()).max().unwrap_or_default()
}

/// Splits a text at its backticks: every other part is code.
pub(crate) fn parts(text: &str) -> Vec<TextPart> {
    text.split('`')
        .enumerate()
        .filter(|(_, text)| !text.is_empty())
        .map(|(at, text)| TextPart { code: at % 2 == 1, text: text.to_owned() })
        .collect()
}

pub(super) fn clean(text: &str) -> String {
    printable(text).into_owned()
}
