//! Everything that is known of one phone, over all runs of the journal.

mod panel;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::json::Document;
use super::text::{moment, printable};
use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::picture_rules::{Decision, PictureRules};
use crate::domain::plan::Change;
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::domain::time_zone::shown_in;
use crate::event::{ChangeState, PhoneResult, Proof};
use crate::journal::{
    AttemptRow, JournalError, JournalReader, RunId, RunRef, RunRow, RunState, Subject,
};
use crate::report::run_report::RunReport;
use crate::report::table::Layout;
use crate::report::wording;

pub(crate) use self::panel::phone_panel;

/// What is in a `phone` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct PhoneHistory {
    /// The device name.
    name: DeviceName,
    /// The phone with its verdict, as the cluster shows it now or as the newest run saw it; nothing where no audit has it.
    seen: Option<PhoneSeen>,
    /// The picture that it should show; nothing where neither rules nor runs say so.
    expected: Option<ExpectedPicture>,
    /// What it is proven to show and to ring with, per cluster.
    proven: Vec<ProvenContent>,
    /// The runs that were about it, the newest first.
    runs: Vec<PhoneRun>,
    /// What runs changed on the cluster for it, the newest first.
    changes: Vec<PhoneChange>,
    /// Every attempt at it, the newest first.
    attempts: Vec<PhoneAttempt>,
}

/// An audited phone, and where the audit is from.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct PhoneSeen {
    /// The run whose audit it is; nothing where the cluster was asked now.
    pub run: Option<RunId>,
    /// The name of the cluster.
    pub cluster: String,
    /// When the cluster was read.
    pub taken_at: Timestamp,
    /// The phone.
    pub phone: AuditedPhone,
}

/// The picture that a phone should show.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct ExpectedPicture {
    /// Its name; nothing where the phone should show no pushed picture.
    picture: Option<String>,
    /// The rule or the run that says so.
    because: String,
}

/// What a phone is proven to have.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct ProvenContent {
    /// `background` or `ring_tone`.
    object: ObjectKind,
    /// What the run did.
    action: PushAction,
    /// The name of what it pushed.
    pushed: Option<String>,
    /// The digest of the pushed content.
    digest: String,
    /// The name of the cluster.
    cluster: String,
    /// The run that proved it.
    run: RunId,
    /// When it was proven.
    at: Option<Timestamp>,
    /// How it was proven.
    proof: Proof,
    /// How, in words.
    how: String,
}

/// A run that was about a phone.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct PhoneRun {
    /// Its number.
    run: RunId,
    /// When it began.
    began_at: Timestamp,
    /// The command.
    command: String,
    /// The name of the cluster, or `addresses`.
    cluster: String,
    /// What it did to phones.
    action: Option<PushAction>,
    /// The name of what it pushed.
    pushed: Option<String>,
    /// The phone's result; nothing where the run has none yet.
    result: Option<PhoneResult>,
}

/// A change on the cluster that was made for a phone.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct PhoneChange {
    /// The run that made it.
    run: RunId,
    /// What it did, such as `associate_devices`.
    kind: String,
    /// What was changed, in words.
    target: String,
    /// When it was about to be made.
    intended_at: Option<Timestamp>,
    /// How it ended; nothing where that is unknown.
    state: Option<ChangeState>,
    /// What went wrong, or what else a person should know.
    message: Option<String>,
}

/// An attempt at a phone with its run.
#[derive(Clone, Debug, JsonSchema, Serialize)]
struct PhoneAttempt {
    /// The run.
    run: RunId,
    #[serde(flatten)]
    attempt: AttemptRow,
}

/// Returns the command that finishes what a run left undone.
type NextCommand<'a> = &'a dyn Fn(&JournalReader, &RunRow) -> Result<Option<String>, JournalError>;

impl PhoneHistory {
    /// Reads what the journal has about a phone. `seen` is the phone as the cluster shows it now; without it the newest
    /// audit of the journal counts. `rules` are those of the config file; `next` returns the command that finishes a run.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn read(
        history: Option<&JournalReader>,
        name: &DeviceName,
        seen: Option<PhoneSeen>,
        rules: &PictureRules,
        next: NextCommand<'_>,
    ) -> Result<Self, JournalError> {
        let mut this = Self {
            name: name.clone(),
            seen,
            expected: None,
            proven: Vec::new(),
            runs: Vec::new(),
            changes: Vec::new(),
            attempts: Vec::new(),
        };
        if let Some(history) = history {
            this.read_runs(history, next)?;
        }
        if let Some(seen) = &this.seen {
            this.name = seen.phone.name().clone();
        }
        this.expected = this.expected_by(rules);
        Ok(this)
    }

    /// Tells whether nothing at all is known of the phone.
    pub fn is_unknown(&self) -> bool {
        self.seen.is_none() && self.runs.is_empty() && self.attempts.is_empty()
    }

    fn read_runs(
        &mut self,
        history: &JournalReader,
        next: NextCommand<'_>,
    ) -> Result<(), JournalError> {
        let mut results = history.results_of(&self.name)?;
        self.add_results_of_killed(history, &mut results)?;
        let mut attempts = history.attempts_of(&self.name)?;
        let mut ids: Vec<RunId> = results.iter().map(|(run, _)| *run).collect();
        ids.extend(attempts.iter().map(|(run, _)| *run));
        ids.sort_unstable();
        ids.dedup();
        let mut rows = Vec::new();
        for id in ids.into_iter().rev() {
            rows.extend(history.run(RunRef::Number(id))?);
        }
        self.read_proofs(history, &rows, &results)?;
        for row in &rows {
            if self.seen.is_none() {
                self.seen = seen_by(history, row, &self.name)?;
            }
            self.read_changes(history, row.id)?;
        }
        for row in rows {
            let at = results.iter().position(|(run, _)| *run == row.id);
            let mut result = at.map(|at| results.swap_remove(at).1);
            if let Some(result) = result.as_mut().filter(|result| result.outcome.is_open()) {
                let next = next(history, &row)?;
                let remedy = wording::continuation(next.as_deref(), history.continued_by(&row)?);
                result.remedy = remedy.or_else(|| result.remedy.take());
            }
            self.runs.push(PhoneRun::of(row, result));
        }
        attempts.reverse();
        let attempts = attempts.into_iter().map(|(run, attempt)| PhoneAttempt { run, attempt });
        self.attempts = attempts.collect();
        Ok(())
    }

    /// Adds the results of runs that were killed before they wrote them.
    fn add_results_of_killed(
        &self,
        history: &JournalReader,
        results: &mut Vec<(RunId, PhoneResult)>,
    ) -> Result<(), JournalError> {
        let mut ids = history.without_end()?;
        ids.retain(|id| results.iter().all(|(run, _)| run != id));
        for id in ids {
            let run = history.run(RunRef::Number(id))?;
            let Some(run) = run.filter(|run| run.state == RunState::Killed) else { continue };
            let phones = RunReport::read(history, run)?.phones.into_iter();
            results.extend(phones.filter(|phone| phone.name == self.name).map(|phone| (id, phone)));
        }
        Ok(())
    }

    fn read_proofs(
        &mut self,
        history: &JournalReader,
        rows: &[RunRow],
        results: &[(RunId, PhoneResult)],
    ) -> Result<(), JournalError> {
        let mut clusters: Vec<&str> = rows.iter().map(|row| row.cluster_id.as_str()).collect();
        clusters.sort_unstable();
        clusters.dedup();
        for (cluster, object) in clusters
            .iter()
            .flat_map(|cluster| OBJECTS.into_iter().map(move |object| (*cluster, object)))
        {
            let Some(proven) = history.proven(cluster, object)?.remove(&self.name) else {
                continue;
            };
            let Some(row) = rows.iter().find(|row| row.id == proven.run) else { continue };
            let result = results.iter().find(|(run, _)| *run == proven.run);
            let action = row.subject.as_ref().map_or_else(|| object.into(), Subject::action);
            let proof = result.map(|(_, result)| result.proof).unwrap_or_default();
            let seen = result.and_then(|(_, result)| result.reason.as_ref());
            let seen = seen.map(|reason| format!(" ({reason})")).unwrap_or_default();
            let how = format!("the phone {}{seen}", wording::verified(action, proof));
            self.proven.push(ProvenContent {
                object,
                action,
                pushed: pushed_by(row, result.map(|(_, result)| result)),
                digest: proven.digest,
                cluster: row.cluster.clone(),
                run: row.id,
                at: result.and_then(|(_, result)| result.finished_at),
                proof,
                how,
            });
        }
        Ok(())
    }

    fn read_changes(&mut self, history: &JournalReader, run: RunId) -> Result<(), JournalError> {
        let profile =
            self.seen.as_ref().and_then(|seen| seen.phone.phone.common_phone_profile.clone());
        let is_for_it =
            |change: &Change| change.action.is_about(self.name.as_str(), profile.as_deref());
        let changes = history.changes(run)?.into_iter().filter(|row| is_for_it(&row.change));
        let changes = changes.map(|row| PhoneChange {
            run,
            kind: row.change.action.kind().to_owned(),
            target: row.change.action.subject(),
            intended_at: row.intended_at,
            state: row.state,
            message: row.message,
        });
        self.changes.extend(changes);
        Ok(())
    }

    /// Finds out which picture the phone should show: the rules of the config file decide; without rules the last run that
    /// pushed a picture to it, or removed one.
    fn expected_by(&self, rules: &PictureRules) -> Option<ExpectedPicture> {
        if self.seen.as_ref().is_some_and(|seen| seen.phone.image.is_none()) {
            let because = "its model or firmware shows no pushed background".to_owned();
            return Some(ExpectedPicture { picture: None, because });
        }
        if !rules.is_empty()
            && let Some(seen) = &self.seen
        {
            let Decision { rule, next } = rules.decision(&seen.phone.phone);
            let mut because = match rule {
                Some(rule) => rules.describe(rule.number),
                None => "no [[image]] rule of the config file is for it".to_owned(),
            };
            if let Some((at, next)) = next {
                let zone = rules.zone_of(&seen.phone.phone);
                let then = next.map_or_else(|| "none".to_owned(), |rule| rule.to_string());
                because = format!("{because}; from {} on {then}", shown_in(at, zone));
            }
            return Some(ExpectedPicture {
                picture: rule.map(|rule| rule.picture.to_owned()),
                because,
            });
        }
        self.runs.iter().find_map(|run| {
            let was_meant = run.result.as_ref().is_none_or(|result| result.outcome.is_capable());
            let action = run.action.filter(|_| was_meant)?;
            let shown = match action {
                PushAction::Picture | PushAction::PictureElsewhere => run.pushed.clone(),
                PushAction::Removal => None,
                PushAction::RingTone
                | PushAction::Sound
                | PushAction::Keys
                | PushAction::Verification => return None,
            };
            let did = if shown.is_some() { "picture for it" } else { "removal from it" };
            let because =
                format!("run {} ({}) was the last run with a {did}", run.run, run.command);
            Some(ExpectedPicture { picture: shown, because })
        })
    }
}

impl PhoneRun {
    fn of(row: RunRow, result: Option<PhoneResult>) -> Self {
        Self {
            pushed: pushed_by(&row, result.as_ref()),
            action: row.subject.as_ref().map(Subject::action),
            run: row.id,
            began_at: row.began_at,
            command: row.command,
            cluster: row.cluster,
            result,
        }
    }
}

/// The kinds of objects that can be proven.
const OBJECTS: [ObjectKind; 2] = [ObjectKind::Background, ObjectKind::RingTone];

/// The name of what a run pushed to a phone: of several pictures the one that is for it.
fn pushed_by(row: &RunRow, result: Option<&PhoneResult>) -> Option<String> {
    let own = result.and_then(|result| result.picture.clone());
    own.or_else(|| row.subject.as_ref().map(|subject| subject.file.clone()))
}

/// Returns a phone as a run saw it.
fn seen_by(
    history: &JournalReader,
    row: &RunRow,
    name: &DeviceName,
) -> Result<Option<PhoneSeen>, JournalError> {
    let Some(audit) = history.snapshot::<Audit>(row.id, "audit")? else { return Ok(None) };
    let taken_at = audit.taken_at;
    let phone = audit.phones.into_iter().find(|phone| phone.name() == name);
    let cluster = row.cluster.clone();
    Ok(phone.map(|phone| PhoneSeen { run: Some(row.id), cluster, taken_at, phone }))
}

/// The `phone` document.
pub fn phone_json(
    phone: &PhoneHistory,
    generated_at: Timestamp,
) -> Document<'_, impl Serialize + use<'_>> {
    Document::new("phone", generated_at, None, phone)
}

/// The same for a person.
pub fn phone_text(phone: &PhoneHistory, layout: Layout) -> String {
    let mut text = String::new();
    let out = &mut text;
    let words = phone.seen.iter().flat_map(|seen| {
        let about = &seen.phone.phone;
        [
            Some(about.model.as_str()),
            about.extension.as_deref(),
            Some(about.description.as_str()),
            about.owner.as_deref(),
        ]
    });
    let words = words.flatten().filter(|word| !word.is_empty());
    let words: Vec<&str> = std::iter::once(phone.name.as_str()).chain(words).collect();
    line(out, &words.join("  "));
    match &phone.seen {
        Some(seen) => seen_lines(out, seen, layout),
        None => line(out, "  not on a cluster that was asked, and in no audit of the journal"),
    }
    if let Some(ExpectedPicture { picture, because }) = &phone.expected {
        let picture = picture.as_deref().unwrap_or("no pushed picture");
        line(out, &format!("  should show: {picture}"));
        line(out, &format!("    because {because}"));
    }
    if phone.proven.is_empty() {
        line(out, "  proven: nothing");
    }
    for proven in &phone.proven {
        let what = proven.pushed.as_deref().unwrap_or(&proven.digest);
        let what = wording::title(proven.action, what);
        let at = proven.at.map(|at| format!(" at {}", moment(at))).unwrap_or_default();
        line(out, &format!("  proven: {what} on {}, by run {}{at}", proven.cluster, proven.run));
        line(out, &format!("    {}", proven.how));
    }
    line(out, "");
    line(out, &format!("Runs: {}", phone.runs.len()));
    for run in &phone.runs {
        run_lines(out, run, layout);
    }
    if !phone.changes.is_empty() {
        line(out, "");
        line(out, &format!("Changes on the cluster: {}", phone.changes.len()));
    }
    for change in &phone.changes {
        let state = change.state.map_or("its result is not known", state_word);
        let at = change.intended_at.map(|at| format!(", {}", moment(at))).unwrap_or_default();
        let kind = change.kind.replace('_', " ");
        line(out, &format!("  run {}{at}: {kind}: {}: {state}", change.run, change.target));
        change.message.iter().for_each(|message| line(out, &format!("    {message}")));
    }
    line(out, "");
    line(out, &format!("Attempts: {}", phone.attempts.len()));
    for PhoneAttempt { run, attempt } in &phone.attempts {
        let how = attempt.outcome.as_deref().unwrap_or("its end is not known");
        let said = attempt.said.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
        let AttemptRow { attempt: number, ip, began_at, object, .. } = attempt;
        let at = moment(*began_at);
        let looks =
            |one: &PhoneRun| one.run == *run && one.action == Some(PushAction::Verification);
        let what = if phone.runs.iter().any(looks) { "screen" } else { object.as_str() };
        line(out, &format!("  run {run}, attempt {number}, {at}: {what} at {ip}: {how}{said}"));
        attempt
            .raw
            .iter()
            .filter(|raw| !raw.is_empty())
            .for_each(|raw| line(out, &format!("    {raw}")));
    }
    text
}

fn seen_lines(out: &mut String, seen: &PhoneSeen, layout: Layout) {
    let (phone, taken_at) = (&seen.phone, moment(seen.taken_at));
    let about = &phone.phone;
    let source = match seen.run {
        Some(run) => format!("as run {run} saw it at {taken_at}"),
        None => format!("as the cluster shows it at {taken_at}"),
    };
    line(out, &format!("  cluster {}, {source}", seen.cluster));
    let registration = &about.registration;
    let places = [
        Some(format!("device pool {}", about.device_pool)),
        about.common_phone_profile.as_ref().map(|profile| format!("profile {profile}")),
        about.location.as_ref().map(|location| format!("location {location}")),
        registration.ip.map(|ip| ip.to_string()),
        registration.active_load.clone(),
    ];
    line(out, &format!("  {}", places.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    let verdict = phone.verdict.as_str();
    out.extend(["  verdict: ", &layout.paint(verdict, verdict), "\n"]);
    for finding in &phone.findings {
        line(out, &format!("    {}: {}", finding.code, finding.message));
        if !finding.remedy.is_empty() {
            line(out, &format!("      -> {}", finding.remedy));
        }
    }
}

fn run_lines(out: &mut String, run: &PhoneRun, layout: Layout) {
    let action = run.action.unwrap_or_default();
    let what = match run.pushed.as_deref().filter(|_| action != PushAction::Verification) {
        Some(pushed) => format!(" of {}", wording::title(action, pushed)),
        None => String::new(),
    };
    let (began, command, cluster) = (moment(run.began_at), &run.command, &run.cluster);
    let head = format!("  run {}, {began}: {command}{what} on {cluster}: ", run.run);
    out.push_str(&printable(&head));
    match &run.result {
        Some(result) => {
            let word = result.outcome.as_str();
            // Colours are control characters, which `printable` replaces.
            out.push_str(&layout.paint(word, wording::outcome_title(action, result.outcome)));
            let attempts = match result.attempts {
                0 => String::new(),
                attempts => format!(", {}", pluralize(attempts as usize, "attempt")),
            };
            line(out, &format!(" ({word}){attempts}"));
        }
        None => line(out, "no result yet"),
    }
    if let Some(result) = &run.result {
        result.reason.iter().for_each(|reason| line(out, &format!("    {reason}")));
        result.remedy.iter().for_each(|remedy| line(out, &format!("    -> {remedy}")));
    }
}

fn state_word(state: ChangeState) -> &'static str {
    match state {
        ChangeState::Applied => "applied",
        ChangeState::NotApplied => "not applied",
        ChangeState::Unproven => "not proven",
    }
}

fn line(out: &mut String, text: &str) {
    out.extend([&*printable(text), "\n"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::pushed;

    #[test]
    fn outcomes_are_coloured_and_hostile_text_is_not() {
        let result = PhoneResult { reason: Some("a\u{1b}[31mb".into()), ..pushed("SEP1") };
        let run = PhoneRun {
            run: 3,
            began_at: Timestamp::UNIX_EPOCH,
            command: "rollout".into(),
            cluster: "lab".into(),
            action: Some(PushAction::Picture),
            pushed: Some("a.png".into()),
            result: Some(result),
        };
        let phone = PhoneHistory {
            name: "SEP1".parse().unwrap(),
            seen: None,
            expected: None,
            proven: Vec::new(),
            runs: vec![run],
            changes: Vec::new(),
            attempts: Vec::new(),
        };
        let text = phone_text(&phone, Layout { width: None, color: true });
        assert!(
            text.contains("rollout of a.png on lab: \u{1b}[32mVerified\u{1b}[0m (verified)"),
            "{text}"
        );
        assert!(text.contains("a\u{fffd}[31mb"), "{text}");
        assert!(!phone_text(&phone, Layout::default()).contains('\u{1b}'));
    }
}
