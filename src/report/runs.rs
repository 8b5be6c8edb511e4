//! The journal's runs, as a list and one by one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::changes::changes_summary;
use super::json::Document;
use super::other_downloads::{OtherFetcher, other_fetchers};
use super::text::printable;
use crate::domain::control::{ControlAction, ControlResult};
use crate::domain::finding::Code;
use crate::domain::plan::Change;
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::event::{ChangeState, Download, Outcome, PhoneResult};
use crate::journal::{
    AttemptRow, ControlRequest, EventKind, EventRow, RunId, RunRow, RunState, Subject, WatchRow,
    WatchStatus,
};
use crate::report::row::Row;
use crate::report::run_report::{RolloutSummary, RunReport};
use crate::report::summary::run_recap;
use crate::report::table::Layout;
use crate::report::text::moment;
use crate::report::wording;

/// A run in the list of runs.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct RunRecord {
    /// Its number.
    run: i64,
    /// When it began.
    began_at: Timestamp,
    /// When it ended; nothing while it runs, or when it was killed.
    ended_at: Option<Timestamp>,
    /// `running`; `waiting` for the time of `--start`; `killed` where its process is gone; or how it ended.
    state: String,
    /// The exit code of its program.
    exit_code: Option<i64>,
    /// Who ran it.
    os_user: String,
    /// On which machine.
    machine: String,
    /// The name of the cluster, or `addresses`.
    cluster: String,
    /// The publisher, as `host:port`.
    host: String,
    /// The command.
    command: String,
    /// All that was typed.
    command_line: String,
    /// The version of axlpaper.
    program: String,
    /// The run that it went on with.
    continues: Option<i64>,
    /// The run that it took back.
    reverts: Option<i64>,
    /// What it did to phones, where it was about phones.
    action: Option<PushAction>,
    /// The name of what it pushed: mostly that of its file.
    pushed: Option<String>,
    /// How many phones ended how.
    outcomes: BTreeMap<String, i64>,
}

impl From<&RunRow> for RunRecord {
    fn from(run: &RunRow) -> Self {
        Self {
            run: run.id,
            began_at: run.began_at,
            ended_at: run.ended_at,
            state: if run.is_waiting { "waiting" } else { run.state.as_str() }.to_owned(),
            exit_code: run.exit_code,
            os_user: run.os_user.clone(),
            machine: run.machine.clone(),
            cluster: run.cluster.clone(),
            host: run.host.clone(),
            command: run.command.clone(),
            command_line: run.command_line.clone(),
            program: run.program.clone(),
            continues: run.continues,
            reverts: run.reverts,
            action: run.subject.as_ref().map(Subject::action),
            pushed: run.subject.as_ref().map(|subject| subject.file.clone()),
            outcomes: run.outcomes.iter().cloned().collect(),
        }
    }
}

impl RunRecord {
    /// What it pushed, in the words of reports.
    pub(crate) fn what(&self) -> Option<String> {
        Some(wording::title(self.action?, self.pushed.as_deref()?))
    }

    /// How many phones ended how, the best first, so that a narrow table keeps what matters most.
    fn counts(&self) -> String {
        let mut outcomes: Vec<(&String, &i64)> = self.outcomes.iter().collect();
        let rank = |word: &str| Outcome::ALL.iter().position(|outcome| outcome.as_str() == word);
        outcomes.sort_by_key(|(word, _)| rank(word).unwrap_or(Outcome::ALL.len()));
        let parts = outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Row for RunRecord {
    const COLUMNS: &'static [&'static str] =
        &["run", "began_at", "who", "cluster", "command", "state", "exit", "phones", "what"];
    const ONE_LINE: bool = true;
    const FIXED: &'static [&'static str] = &["run", "began_at", "state", "exit"];
    const DROPPED: &'static [&'static str] = &["cluster", "who", "exit", "command"];
    const PATHS: &'static [(&'static str, &'static str)] = &[
        ("exit", "exit_code"),
        ("phones", "outcomes"),
        ("ended_at", "ended_at"),
        ("action", "action"),
        ("pushed", "pushed"),
        ("host", "host"),
        ("os_user", "os_user"),
        ("machine", "machine"),
        ("command_line", "command_line"),
        ("program", "program"),
        ("continues", "continues"),
        ("reverts", "reverts"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.run.to_string(),
            self.began_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            format!("{}@{}", self.os_user, self.machine),
            self.cluster.clone(),
            self.command.clone(),
            self.state.clone(),
            self.exit_code.map(|code| code.to_string()).unwrap_or_default(),
            self.counts(),
            self.what().unwrap_or_default(),
        ]
    }
}

/// What is in a `runs` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct RunsBody<'a> {
    /// The runs, the newest first unless another order was asked for.
    runs: &'a [RunRecord],
    /// The last watch of each cluster.
    watches: &'a [WatchRecord],
}

/// A watch in the `runs` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct WatchRecord {
    /// The name of its cluster.
    pub cluster: String,
    /// Whether its process works.
    pub alive: bool,
    /// Who started it.
    pub os_user: String,
    /// On which machine.
    pub machine: String,
    /// Its process.
    pub process: u32,
    /// Since when it watches.
    pub began_at: Timestamp,
    /// When its last pass ended.
    pub passed_at: Option<Timestamp>,
    /// How it is doing.
    #[serde(flatten)]
    pub status: WatchStatus,
}

impl WatchRecord {
    /// Makes it of a row of the journal, and whether its process works.
    pub fn of(row: WatchRow, alive: bool) -> Self {
        let WatchRow { cluster, os_user, machine, process, began_at, passed_at, status, .. } = row;
        Self { cluster, alive, os_user, machine, process, began_at, passed_at, status }
    }

    /// Describes it in a line.
    pub fn describe(&self) -> String {
        let Self { cluster, status, .. } = self;
        let state = if self.alive { "works" } else { "does not work" };
        let mut parts = vec![format!(
            "watch of {cluster}: {state} (process {} of {} on {}), {} of {} show their picture",
            self.process,
            self.os_user,
            self.machine,
            status.shown,
            pluralize(status.capable, "capable phone"),
        )];
        let counts =
            [(status.offline, "offline"), (status.failing, "failing"), (status.drifted, "drifted")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        parts.extend(counts.map(|(count, what)| format!("{count} {what}")));
        let held = || pluralize(status.held, "phone");
        let troubles = [
            self.passed_at.map(|at| format!("last pass {}", moment(at))),
            (status.held > 0)
                .then(|| format!("{} wait for `axlpaper control watch approve`", held())),
            status.stopped.as_ref().map(|why| format!("pushes to no phone: {why}")),
            status.error.as_ref().map(|why| format!("its last pass failed: {why}")),
            status
                .without_changes
                .as_ref()
                .map(|why| format!("finds changes by surveys alone: {why}")),
        ];
        let troubles: Vec<String> = troubles.into_iter().flatten().collect();
        [vec![parts.join(", ")], troubles].concat().join("; ")
    }
}

/// The `runs` document. It belongs to no cluster.
pub fn runs_json<'a>(
    runs: &'a [RunRecord],
    watches: &'a [WatchRecord],
    generated_at: Timestamp,
) -> Document<'static, impl Serialize> {
    Document::new("runs", generated_at, None, RunsBody { runs, watches })
}

/// What is in a `show` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct ShowBody<'a> {
    #[serde(flatten)]
    run: RunRecord,
    /// The command that finishes what it left undone; nothing where nothing is left, or a later run has continued it.
    next: Option<&'a str>,
    /// The last run that continued it.
    continued_by: Option<RunId>,
    /// Counts of its phones by outcome.
    summary: RolloutSummary,
    /// What it changed on the cluster, or was about to.
    changes: Vec<ChangeBody<'a>>,
    /// Every attempt at a phone.
    attempts: &'a [AttemptRow],
    /// The remarks.
    events: &'a [EventRow],
    /// What was downloaded from the image server.
    downloads: &'a [Download],
    /// Addresses that asked for files of phones whose address they are not.
    other_fetchers: Vec<OtherFetcher<'a>>,
    /// How its phones ended.
    phones: &'a [PhoneResult],
}

/// A change in a `show` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct ChangeBody<'a> {
    #[serde(flatten)]
    change: &'a Change,
    /// When it was about to be made.
    intended_at: Timestamp,
    /// When it ended; nothing when that is unknown.
    ended_at: Option<Timestamp>,
    /// How it ended.
    state: Option<ChangeState>,
    /// What went wrong, or what else a person should know.
    message: Option<&'a str>,
}

/// The `show` document; `next` is the command that finishes what the run left undone.
pub fn show_json<'a>(
    report: &'a RunReport,
    next: Option<&'a str>,
    generated_at: Timestamp,
) -> Document<'a, impl Serialize> {
    let changes = report.changes.iter().filter_map(|row| {
        Some(ChangeBody {
            change: &row.change,
            intended_at: row.intended_at?,
            ended_at: row.ended_at,
            state: row.state,
            message: row.message.as_deref(),
        })
    });
    let body = ShowBody {
        run: RunRecord::from(&report.run),
        next,
        continued_by: report.continued_by,
        summary: report.summary(),
        changes: changes.collect(),
        attempts: &report.attempts,
        events: &report.events,
        downloads: &report.downloads,
        other_fetchers: other_fetchers(&report.phones),
        phones: &report.phones,
    };
    Document::new("show", generated_at, None, body)
}

/// What is in a `control` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct ControlBody {
    /// The number of the run; nothing where a watch was controlled.
    run: Option<i64>,
    /// The name of the watch's cluster.
    watch: Option<String>,
    /// What was asked of it.
    action: ControlAction,
    /// What the run made of it.
    result: Option<ControlResult>,
    /// When it was asked.
    requested_at: Timestamp,
    /// When the run took it up.
    taken_at: Option<Timestamp>,
}

/// The `control` document.
pub fn control_json(
    request: &ControlRequest,
    generated_at: Timestamp,
) -> Document<'static, impl Serialize> {
    let ControlRequest { run, action, result, requested_at, taken_at, .. } = request.clone();
    let run = Some(run);
    let body = ControlBody { run, watch: None, action, result, requested_at, taken_at };
    Document::new("control", generated_at, None, body)
}

/// The `control` document of a watch that took an approval up.
pub fn watch_approved_json(
    cluster: &str,
    generated_at: Timestamp,
) -> Document<'static, impl Serialize> {
    let body = ControlBody {
        run: None,
        watch: Some(cluster.to_owned()),
        action: ControlAction::Approve,
        result: Some(ControlResult::Done),
        requested_at: generated_at,
        taken_at: Some(generated_at),
    };
    Document::new("control", generated_at, None, body)
}

/// One run for a person: the recap that the run ended with, and every attempt and download. `part` says which of its phones
/// are shown where those are not all; devices that were changed are not listed then.
pub fn show_recap(
    report: &RunReport,
    next: Option<&str>,
    layout: Layout,
    part: Option<&str>,
) -> String {
    let run = &RunRecord::from(&report.run);
    let mut out = String::new();
    let mut line = |text: &str| out.extend([&*printable(text), "\n"]);
    let host = if run.host.is_empty() { String::new() } else { format!(" ({})", run.host) };
    line(&format!("Run {}: {} on {}{host}", run.run, run.command, run.cluster));
    let began = moment(run.began_at);
    line(&format!("  {began} by {} on {}, axlpaper {}", run.os_user, run.machine, run.program));
    line(&format!("  {}", run.command_line));
    if let Some(what) = run.what() {
        line(&format!("  {what}"));
    }
    line(&match (run.ended_at, run.exit_code) {
        (Some(at), Some(code)) => format!("  {} at {}, exit code {code}", run.state, moment(at)),
        _ if report.run.state == RunState::Running => "  still running".to_owned(),
        _ => "  killed, or crashed: no process works on it any more".to_owned(),
    });
    for event in report.waits_for().filter(|_| run.ended_at.is_none()) {
        line(&format!("  since {}: {}", moment(event.at), event.text));
    }
    if let Some(error) = report.ending.as_ref().and_then(|ending| ending.error.as_deref()) {
        line(&format!("  error: {error}"));
    }
    if let Some(other) = run.continues {
        line(&format!("  continues run {other}"));
    }
    if let Some(other) = run.reverts {
        line(&format!("  reverts run {other}"));
    }
    if let Some(other) = report.continued_by {
        line(&format!("  continued by run {other}"));
    }
    let next = next.filter(|_| report.run.state != RunState::Running);
    if let Some(next) = next {
        line(&format!("  continue with `{next}`"));
    }
    part.iter().for_each(|part| line(&format!("  shown: {part}")));
    line("");
    out.push_str(&match &report.run.subject {
        Some(_) if report.audit.is_some() || report.run.is_about_addresses() => {
            run_recap(report, next, layout, part.is_none())
        }
        Some(_) | None => changes_summary(&report.changes, part.is_none()),
    });
    let mut line = |text: &str| out.extend([&*printable(text), "\n"]);
    let told = |event: &&EventRow| {
        matches!(event.kind, EventKind::Remark | EventKind::PhoneTls | EventKind::Control(_))
    };
    let notes: Vec<_> = report.events.iter().filter(told).collect();
    if !notes.is_empty() {
        line("");
        line(&format!("Notes: {}", notes.len()));
    }
    notes.iter().for_each(|event| line(&format!("  {} {}", moment(event.at), event.text)));
    let is_excluded = |phone: &&PhoneResult| phone.finding.is_some_and(Code::excludes);
    let excluded: Vec<_> = report.phones.iter().filter(is_excluded).collect();
    if !excluded.is_empty() {
        line("");
        line(&format!("Excluded: {}", excluded.len()));
    }
    for PhoneResult { name, reason, .. } in excluded {
        line(&format!("  {name}: {}", reason.as_deref().unwrap_or_default()));
    }
    line("");
    line(&format!("Attempts: {}", report.attempts.len()));
    for attempt in &report.attempts {
        let how = attempt.outcome.as_deref().unwrap_or("its end is not known");
        let said = attempt.said.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
        let AttemptRow { phone, attempt, ip, began_at, .. } = attempt;
        line(&format!("  {} {phone} attempt {attempt} at {ip}: {how}{said}", moment(*began_at)));
    }
    line("");
    line(&format!("Downloads from the image server: {}", report.downloads.len()));
    for download in &report.downloads {
        line(&format!("  {} {}", moment(download.at), download_line(download)));
    }
    out
}

/// One line of the image server's access log, without its time.
pub fn download_line(download: &Download) -> String {
    let Download { phone, file, peer, head_only, status, bytes, length, complete, .. } = download;
    let whose = phone.as_ref().map(|phone| format!(" of {phone}")).unwrap_or_default();
    let how = match (head_only, complete, status) {
        (true, ..) => "only the header was asked for".to_owned(),
        (false, true, _) => format!("{bytes} bytes, complete"),
        (false, false, 200) if bytes == length => {
            format!("all {bytes} bytes sent, but the phone did not confirm that it has them")
        }
        (false, false, 200) => format!("{bytes} of {length} bytes, not complete"),
        (false, false, _) => "nothing was sent".to_owned(),
    };
    format!("{} {file}{whose}: HTTP {status}, {how}, {} ms", peer.ip(), download.duration_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::field_selection::FieldSelection;
    use crate::report::table::table;

    #[test]
    fn eighty_columns_have_the_picture_and_the_verified_phones() {
        let record = RunRecord {
            run: 2,
            began_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            state: "finished".into(),
            exit_code: Some(3),
            os_user: "administrator".into(),
            machine: "jump-host-1".into(),
            cluster: "headquarters".into(),
            host: "pub:8443".into(),
            command: "rollout".into(),
            command_line: String::new(),
            program: "0.1.0".into(),
            continues: None,
            reverts: None,
            action: Some(PushAction::Picture),
            pushed: Some("winter-campaign-2026.png".into()),
            outcomes: [("accepted", 3), ("no_background", 45), ("rejected", 2), ("verified", 73)]
                .map(|(word, count)| (word.to_owned(), count))
                .into(),
        };
        let mut out = Vec::new();
        let layout = Layout { width: Some(80), ..Layout::default() };
        table(&[record], &FieldSelection::default(), layout, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(
            text.contains("73 verified") && text.contains("winter-campaign-2026.png"),
            "{text}"
        );
    }
}
