//! Everything about one run: what recap, `show`, CSV, JSON and the HTML report read.
//!
//! A run builds it while it works ([`RunReportBuilder`]); afterwards it is read from the journal
//! ([`RunReport::read`]), and both give the same document. A run that was killed has a report too: what only its end
//! would have written is missing, and the report states that.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::audit::{Audit, AuditedPhone, Summary};
use crate::domain::device_name::DeviceName;
use crate::domain::finding::Verdict;
use crate::domain::inventory::{ClusterInfo, Phone};
use crate::domain::model::Size;
use crate::domain::push_action::PushAction;
use crate::domain::words::Words;
use crate::event::{
    ChangeResult, ChangeState, ControlStep, Download, Event, Outcome, PhoneResult, Proof,
};
use crate::journal::{
    AttemptRow, ChangeEnd, ChangeRow, Coverage, EventRow, JournalError, JournalReader,
    RESUME_RECORD, RunEnd, RunGroup, RunId, RunRow, RunState, Screen, ScreenCheckRecord,
    SentPicture, SentPictures, SentTone, SentTones, Subject,
};
use crate::report::causes::causes;
use crate::report::clock::Clock;
use crate::report::past_runs::{PastRun, past_runs};
use crate::report::wording;

#[derive(Clone, Debug)]
pub struct RunReport {
    pub run: RunRow,
    /// The name of what was pushed: that of its file, of a sound the name that phones know it by.
    pub file: Option<String>,
    pub action: PushAction,
    /// The last run that continued it.
    pub continued_by: Option<RunId>,
    /// What it was begun together with, where several clusters were worked on at once.
    pub together: Option<RunGroup>,
    /// How it came to its end; nothing where it was killed, or goes on.
    pub ending: Option<RunEnd>,
    /// The audit that it was decided by; nothing where no cluster was asked.
    pub audit: Option<Audit>,
    /// What it meant to change on the cluster, and what came of it.
    pub changes: Vec<ChangeRow>,
    /// Every attempt at a phone, in the order in which they were begun. Only the journal has them.
    pub attempts: Vec<AttemptRow>,
    /// Remarks, and when stages began and ended.
    pub events: Vec<EventRow>,
    /// What was downloaded from the image server, where that was read: see [`Self::with_downloads`].
    pub downloads: Vec<Download>,
    /// Every selected phone, sorted by name; those too of which the run did not come to write an end.
    pub phones: Vec<PhoneResult>,
    /// The pictures as they were made for the phones.
    pub pictures: Vec<SentPicture>,
    /// The ring tone as it was made for the phones.
    pub tones: Vec<SentTone>,
    /// Pictures of some of the phones that have words of their own, where they were drawn.
    pub phone_pictures: Vec<PhonePicture>,
    /// How many more phones have words of their own.
    pub more_phone_pictures: usize,
    /// What phones showed, where that was read: of some phones, those with trouble before all others. See
    /// [`Self::with_screenshots`].
    pub screenshots: Vec<Screenshot>,
    /// How many more phones have screenshots in the journal.
    pub more_screenshots: usize,
    /// Earlier runs that pushed the same to the same phones, the oldest first, where they were read: see [`Self::with_past_runs`].
    pub past_runs: Vec<PastRun>,
    /// Phones that were proven to show one of the pictures when the run ended, of a run that did not write down how many are.
    pub proven_to_show: HashSet<DeviceName>,
}

/// The picture of a phone with words of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhonePicture {
    pub name: String,
    pub words: Words,
    pub size: Size,
    /// How it looks.
    pub look: ScreenCheckRecord,
}

/// A picture of what a phone showed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Screenshot {
    pub phone: String,
    /// Whether it was taken before the push, or after it.
    pub after: bool,
    /// The file, as the phone gave it.
    pub bytes: Vec<u8>,
}

/// Builds the report of a run from its events while it works.
#[derive(Debug)]
pub struct RunReportBuilder {
    run: RunRow,
    events: Mutex<Vec<EventRow>>,
}

impl RunReportBuilder {
    /// Begins with the row of the run.
    pub fn new(run: RunRow) -> Self {
        Self { run, events: Mutex::default() }
    }

    /// Takes note of an event. Returns its row for the journal, where it has one.
    pub fn observe(&self, event: &Event, at: Timestamp) -> Option<EventRow> {
        let row = EventRow::of(event, at)?;
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(row.clone());
        Some(row)
    }

    /// Returns the report as far as events tell it. What the run alone knows is still to be put in: the audit, the
    /// changes, the phones and the ending.
    pub fn report(&self, action: PushAction, file: &str, repairs: bool) -> RunReport {
        let subject = Subject::new(action, file, repairs);
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let run = RunRow { subject: Some(subject), ..self.run.clone() };
        RunReport { file: Some(file.to_owned()), action, events, ..RunReport::new(run) }
    }
}

impl RunReport {
    /// Returns the report of a run of which nothing else is known.
    pub fn new(run: RunRow) -> Self {
        Self {
            run,
            file: None,
            action: PushAction::default(),
            continued_by: None,
            together: None,
            ending: None,
            audit: None,
            changes: Vec::new(),
            attempts: Vec::new(),
            events: Vec::new(),
            downloads: Vec::new(),
            phones: Vec::new(),
            pictures: Vec::new(),
            tones: Vec::new(),
            phone_pictures: Vec::new(),
            more_phone_pictures: 0,
            screenshots: Vec::new(),
            more_screenshots: 0,
            past_runs: Vec::new(),
            proven_to_show: HashSet::new(),
        }
    }

    /// Reads the report of a run from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn read(history: &JournalReader, run: RunRow) -> Result<Self, JournalError> {
        /// What journals of earlier releases have in place of a subject.
        #[derive(Deserialize)]
        struct Job {
            picture_file: Option<String>,
        }
        let id = run.id;
        let (file, action) = match &run.subject {
            Some(subject) => (Some(subject.file.clone()), subject.action()),
            None => {
                let job = history.snapshot::<Job>(id, RESUME_RECORD)?;
                (job.and_then(|job| job.picture_file), PushAction::Picture)
            }
        };
        let pictures = history.snapshot::<SentPictures>(id, SentPictures::KIND)?;
        let tones = history.snapshot::<SentTones>(id, SentTones::KIND)?;
        let mut report = Self {
            file,
            action,
            continued_by: history.continued_by(&run)?,
            together: history.snapshot(id, RunGroup::KIND)?,
            ending: history.snapshot(id, RunEnd::KIND)?,
            audit: history.snapshot(id, "audit")?,
            changes: history.changes(id)?,
            attempts: history.attempts(id)?,
            events: history.events(id)?,
            phones: history.phones(id)?,
            pictures: pictures.map(|sent| sent.pictures).unwrap_or_default(),
            tones: tones.map(|sent| sent.tones).unwrap_or_default(),
            ..Self::new(run)
        };
        report.complete_changes(history)?;
        report.complete_phones();
        report.complete_coverage(history)?;
        Ok(report.with_labels())
    }

    /// Adds which phones are proven to show a picture of the run, where it did not write down how many do.
    fn complete_coverage(&mut self, history: &JournalReader) -> Result<(), JournalError> {
        let is_known = self.ending.as_ref().is_some_and(|ending| ending.coverage.is_some());
        if is_known || self.pictures.is_empty() {
            return Ok(());
        }
        let digests: HashSet<&str> =
            self.pictures.iter().map(|picture| picture.digest.as_str()).collect();
        let proven = history.proven_by(&self.run, self.action.object())?.into_iter();
        let mut shown = HashSet::new();
        for (name, proven) in proven {
            let words = history.words(&proven.digest)?;
            let digest = words.map_or(proven.digest, |words| words.base);
            if digests.contains(digest.as_str()) {
                shown.insert(name);
            }
        }
        self.proven_to_show = shown;
        Ok(())
    }

    /// Reads the image server's access log too.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn with_downloads(mut self, history: &JournalReader) -> Result<Self, JournalError> {
        self.downloads = history.downloads(self.run.id)?;
        Ok(self)
    }

    /// Reads earlier runs over the same phones too.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn with_past_runs(mut self, history: &JournalReader) -> Result<Self, JournalError> {
        self.past_runs = past_runs(history, &self.run)?;
        Ok(self)
    }

    /// Reads screenshots too, of as many phones as a page that goes by mail can hold.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn with_screenshots(mut self, history: &JournalReader) -> Result<Self, JournalError> {
        let mut phones: BTreeMap<String, Vec<Screen>> = BTreeMap::new();
        for screen in history.screens(self.run.id)? {
            phones.entry(screen.phone.clone()).or_default().push(screen);
        }
        let failed: HashSet<&str> = self.failures().map(|phone| phone.name.as_str()).collect();
        let mut phones: Vec<(String, Vec<Screen>)> = phones.into_iter().collect();
        phones.sort_by_key(|(name, _)| !failed.contains(name.as_str()));
        let shown = how_many_fit(&phones);
        self.more_screenshots = phones.len() - shown;
        for screen in phones.into_iter().take(shown).flat_map(|(_, screens)| screens) {
            if let Some(bytes) = history.kept(self.run.id, &screen.kind)? {
                let Screen { phone, after, .. } = screen;
                self.screenshots.push(Screenshot { phone, after, bytes });
            }
        }
        Ok(self)
    }

    /// Adds the changes of the plan that were never begun, and what the run itself knew of how the others ended.
    fn complete_changes(&mut self, history: &JournalReader) -> Result<(), JournalError> {
        let Some(ending) = self.ending.as_ref().filter(|ending| !ending.changes.is_empty()) else {
            return Ok(());
        };
        let mut known: HashMap<u32, ChangeRow> =
            self.changes.drain(..).map(|row| (row.change.id, row)).collect();
        let plan = history.plan(self.run.id)?;
        let planned = plan.map(|plan| plan.changes).unwrap_or_default();
        let mut planned: HashMap<u32, _> =
            planned.into_iter().map(|change| (change.id, change)).collect();
        for ChangeEnd { id, state, message } in &ending.changes {
            let begun = known.remove(id);
            let times = begun.as_ref().map(|row| (row.intended_at, row.ended_at));
            let Some(change) = begun.map(|row| row.change).or_else(|| planned.remove(id)) else {
                continue;
            };
            let (intended_at, ended_at) = times.unwrap_or_default();
            let (state, message) = (Some(*state), message.clone());
            self.changes.push(ChangeRow { change, intended_at, ended_at, state, message });
        }
        Ok(())
    }

    /// Adds the phones of which the run did not come to write an end, and sorts all of them by name.
    fn complete_phones(&mut self) {
        let known: HashSet<&DeviceName> = self.phones.iter().map(|phone| &phone.name).collect();
        let begun: HashMap<&str, &AttemptRow> =
            self.attempts.iter().map(|attempt| (attempt.phone.as_str(), attempt)).collect();
        let seen = self.audit.iter().flat_map(|audit| &audit.phones);
        let missing = seen.filter(|phone| !known.contains(phone.name()));
        let missing: Vec<PhoneResult> = missing
            .map(|phone| without_end(self, phone, begun.get(phone.name().as_str()).copied()))
            .collect();
        self.phones.extend(missing);
        self.phones.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Adds to the phones that the run did not finish what finishes them: `next` is the command that continues the run, with
    /// the options that only its command line has.
    #[must_use]
    pub fn with_next(mut self, next: Option<&str>) -> Self {
        // The same command again is what their remedy says.
        let next = next.filter(|next| *next != self.run.command_line);
        if let Some(remedy) = wording::continuation(next, self.continued_by) {
            let open = self.phones.iter_mut().filter(|phone| phone.outcome.is_open());
            open.for_each(|phone| phone.remedy = Some(remedy.clone()));
        }
        self
    }

    /// Reads all that the HTML report shows; `next` is the command that continues the run.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn read_for_page(
        history: &JournalReader,
        run: RunRow,
        next: Option<&str>,
    ) -> Result<Self, JournalError> {
        let report = Self::read(history, run)?.with_next(next);
        report.with_screenshots(history)?.with_past_runs(history)
    }

    /// Keeps only some of the phones, with their attempts, downloads and findings; what is said about the phones of the run
    /// is about these from then on.
    #[must_use]
    pub fn of_phones(mut self, keep: impl Fn(&PhoneResult) -> bool) -> Self {
        self.phones.retain(keep);
        let kept: HashSet<DeviceName> =
            self.phones.iter().map(|phone| phone.name.clone()).collect();
        self.attempts.retain(|attempt| {
            DeviceName::of_cluster(&attempt.phone).is_ok_and(|name| kept.contains(&name))
        });
        self.downloads.retain(|one| one.phone.as_ref().is_some_and(|phone| kept.contains(phone)));
        if let Some(audit) = &mut self.audit {
            audit.phones.retain(|phone| kept.contains(phone.name()));
            audit.summary = Summary::of(&audit.phones);
        }
        if let Some(ending) = &mut self.ending {
            ending.coverage = None;
        }
        self
    }

    /// Tells whether the run was to push to phones of this verdict: only some runs repair what they can.
    fn was_to_push(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Ready => true,
            Verdict::Fixable => self.run.subject.as_ref().is_some_and(|subject| subject.repairs),
            Verdict::Offline | Verdict::Blocked | Verdict::Unsupported => false,
        }
    }

    /// Returns how its phones were to be proven.
    pub(crate) fn proof(&self) -> Proof {
        wording::proof_of(&self.phones)
    }

    pub(crate) fn has_several_pictures(&self) -> bool {
        self.phones.iter().any(|phone| phone.picture.is_some())
    }

    /// Returns the phones that are still to be served: those that failed, and those that were to be pushed to and
    /// were not.
    pub fn unserved(&self) -> Vec<DeviceName> {
        self.failures().map(|phone| phone.name.clone()).collect()
    }

    /// Returns the phones whose push is not proven, in the order of names.
    pub fn failures(&self) -> impl Iterator<Item = &PhoneResult> {
        self.phones.iter().filter(|phone| phone.is_failure())
    }

    /// Returns the phones that failed for one cause, counted from 0 in the order in which pages show causes.
    pub(crate) fn failed_for(&self, cause: usize) -> Option<Vec<DeviceName>> {
        let causes = causes(self.failures().map(|phone| ("", phone)));
        let cause = causes.into_iter().nth(cause)?;
        Some(cause.phones.into_iter().map(|phone| phone.name.clone()).collect())
    }

    /// Tells whether every push is proven and every change is on the cluster.
    pub fn is_success(&self) -> bool {
        self.failures().next().is_none()
            && self.stopped().is_none()
            && self.changes.iter().all(|change| change.state == Some(ChangeState::Applied))
    }

    /// Returns why the run ended before its time.
    pub fn stopped(&self) -> Option<&str> {
        self.ending.as_ref()?.stopped.as_deref()
    }

    /// Returns how many phones show what was pushed, of those that could; nothing where that cannot be known. A run that
    /// was killed did not write it down: then its own phones count, and those that other runs have proven.
    pub fn coverage(&self) -> Option<Coverage> {
        if !self.action.object().is_downloaded() {
            return None;
        }
        let capable = || self.phones.iter().filter(|phone| phone.is_capable());
        let known = self.ending.as_ref().and_then(|ending| ending.coverage);
        Some(known.unwrap_or_else(|| {
            Coverage {
                shown: capable()
                    .filter(|phone| {
                        phone.outcome.is_proven() || self.proven_to_show.contains(&phone.name)
                    })
                    .count(),
                capable: capable().count(),
            }
        }))
    }

    /// Says how many phones show what was pushed, such as "3,532 of 3,635 capable phones show it (97 %)". Where no more
    /// than an acceptance is to be had, that counts.
    pub(crate) fn coverage_text(&self) -> Option<String> {
        self.coverage()?;
        wording::coverage(self.action, self.proof(), self.coverage_or_acceptances())
    }

    /// Returns how many phones show what was pushed. Where no more than an acceptance is to be had, that counts.
    pub(crate) fn coverage_or_acceptances(&self) -> Coverage {
        let capable = || self.phones.iter().filter(|phone| phone.is_capable());
        let known = self.coverage();
        let mut coverage =
            known.unwrap_or_else(|| Coverage { shown: 0, capable: capable().count() });
        if wording::unverifiable(self.action, self.proof()).is_some() {
            coverage.shown += capable().filter(|one| one.outcome == Outcome::Accepted).count();
        }
        coverage
    }

    /// Adds what the audit knows of phones and the push does not: extension, description and owner.
    #[must_use]
    pub fn with_labels(mut self) -> Self {
        let seen = self.audit.iter().flat_map(|audit| &audit.phones);
        let seen: HashMap<&DeviceName, &Phone> =
            seen.map(|audited| (audited.name(), &audited.phone)).collect();
        for phone in &mut self.phones {
            let Some(known) = seen.get(&phone.name) else { continue };
            phone.extension.clone_from(&known.extension);
            phone.description.clone_from(&known.description);
            phone.owner.clone_from(&known.owner);
        }
        drop(seen);
        self
    }

    /// Returns the events about how the run was controlled: pauses, approvals, soak periods.
    pub fn control_events(&self) -> impl Iterator<Item = &EventRow> {
        self.events.iter().filter(|event| event.control_step().is_some())
    }

    /// Returns what the run waits for at its last event: an end of its pause, an approval, the end of a soak period.
    pub fn waits_for(&self) -> impl Iterator<Item = &EventRow> {
        let (mut pause, mut wave) = (None, None);
        for event in self.control_events() {
            match event.control_step() {
                Some(ControlStep::Paused) => pause = Some(event),
                Some(ControlStep::Continued) => pause = None,
                Some(
                    ControlStep::GateReached
                    | ControlStep::SoakStarted
                    | ControlStep::StartAwaited
                    | ControlStep::QuestionAsked,
                ) => wave = Some(event),
                Some(
                    ControlStep::Approved
                    | ControlStep::SoakEnded
                    | ControlStep::StartReached
                    | ControlStep::QuestionAnswered,
                ) => wave = None,
                Some(ControlStep::Aborted) => (pause, wave) = (None, None),
                None => {}
            }
        }
        wave.into_iter().chain(pause)
    }

    /// Returns what the survey could not read.
    pub fn remarks(&self) -> &[String] {
        self.audit.as_ref().map_or(&[], |audit| &audit.remarks)
    }

    /// Counts the phones.
    pub fn summary(&self) -> RolloutSummary {
        RolloutSummary::of(&self.phones, self.coverage())
    }

    /// Returns the cluster; without versions where only addresses were pushed to.
    pub fn cluster(&self) -> Cow<'_, ClusterInfo> {
        match &self.audit {
            Some(audit) => Cow::Borrowed(&audit.cluster),
            None => Cow::Owned(ClusterInfo {
                name: self.run.cluster.clone(),
                host: self.run.host.clone(),
                version: String::new(),
                axl_version: String::new(),
            }),
        }
    }

    /// Returns when the work of the run ended, as far as that is known.
    pub fn finished_at(&self) -> Timestamp {
        let ended = self.ending.as_ref().and_then(|ending| ending.finished_at);
        ended.unwrap_or_else(|| self.last_known())
    }

    /// Tells whether the run wrote down that it ended.
    pub fn has_ended(&self) -> bool {
        self.run.ended_at.is_some()
    }

    /// Returns the last moment that is known of it.
    pub fn last_known(&self) -> Timestamp {
        let attempts = self.attempts.iter().map(|row| row.ended_at.unwrap_or(row.began_at));
        let changes = self.changes.iter().map(|row| row.ended_at.or(row.intended_at));
        let events = self.events.iter().map(|row| row.at);
        let known =
            attempts.chain(changes.flatten()).chain(events).chain([self.run.began_at]).max();
        self.run.ended_at.or(known).unwrap_or(self.run.began_at)
    }
}

/// How many of these phones' screenshots a page can hold.
fn how_many_fit(phones: &[(String, Vec<Screen>)]) -> usize {
    let mut bytes = 0_usize;
    let fits = |(_, screens): &&(String, Vec<Screen>)| {
        bytes = screens.iter().fold(bytes, |sum, screen| sum.saturating_add(screen.bytes));
        bytes <= MOST_SCREEN_BYTES
    };
    phones.iter().take(MOST_SCREENS).take_while(fits).count()
}

/// Of how many phones a page shows screenshots.
const MOST_SCREENS: usize = 24;

/// How many bytes of screenshots a page holds.
const MOST_SCREEN_BYTES: usize = 4 * 1024 * 1024;

/// Counts of a run.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RolloutSummary {
    pub total: usize,
    /// How many phones show what was pushed, of those that could; nothing where that cannot be known.
    pub coverage: Option<Coverage>,
    /// Phones by outcome; every outcome is there.
    #[serde(flatten)]
    pub outcomes: BTreeMap<Outcome, usize>,
    /// The same by device pool, where there are any.
    pub by_device_pool: BTreeMap<String, BTreeMap<Outcome, usize>>,
}

impl JsonSchema for RolloutSummary {
    fn schema_name() -> Cow<'static, str> {
        "RolloutSummary".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let by_pool = generator.subschema_for::<BTreeMap<String, BTreeMap<String, usize>>>();
        let outcomes = Outcome::ALL.iter().map(|outcome| outcome.as_str());
        let required: Vec<&str> =
            ["total", "coverage", "by_device_pool"].into_iter().chain(outcomes).collect();
        let count = || json!({"type": "integer", "minimum": 0});
        let mut properties: Map<String, Value> =
            required.iter().map(|name| ((*name).to_owned(), count())).collect();
        properties.insert("by_device_pool".to_owned(), by_pool.to_value());
        let coverage = generator.subschema_for::<Option<Coverage>>();
        properties.insert("coverage".to_owned(), coverage.to_value());
        schemars::json_schema!({
            "description": "How many phones there are, how many show what was pushed, and how many ended how; outcomes also by device pool.",
            "type": "object",
            "properties": properties,
            "required": required
        })
    }
}

impl RolloutSummary {
    /// Counts phones.
    pub fn of(phones: &[PhoneResult], coverage: Option<Coverage>) -> Self {
        let mut outcomes: BTreeMap<Outcome, usize> =
            Outcome::ALL.iter().map(|outcome| (*outcome, 0)).collect();
        let mut by_device_pool: BTreeMap<String, BTreeMap<Outcome, usize>> = BTreeMap::new();
        for phone in phones {
            *outcomes.entry(phone.outcome).or_default() += 1;
            if phone.device_pool.is_empty() {
                // Where no cluster was asked, the pool is unknown.
                continue;
            }
            *by_device_pool
                .entry(phone.device_pool.clone())
                .or_default()
                .entry(phone.outcome)
                .or_default() += 1;
        }
        Self { total: phones.len(), coverage, outcomes, by_device_pool }
    }
}

/// The changes of a run that ended, before they are read from the journal.
pub fn change_rows(results: Vec<ChangeResult>) -> Vec<ChangeRow> {
    let rows = results.into_iter().map(|ChangeResult { change, state, message }| ChangeRow {
        change,
        intended_at: None,
        ended_at: None,
        state: Some(state),
        message,
    });
    rows.collect()
}

/// The result of a phone of which the journal has no end.
fn without_end(run: &RunReport, audited: &AuditedPhone, begun: Option<&AttemptRow>) -> PhoneResult {
    let again = if run.run.state == RunState::Running {
        format!("`axlpaper show {}` has its result when the run has ended", run.run.id)
    } else {
        wording::next_step(run.action, run.run.id, begun.is_some())
    };
    let (to_push, reason) = match audited.excluded() {
        Some(alone) => (false, Some(alone)),
        None => (run.was_to_push(audited.verdict), audited.worst()),
    };
    let finding = reason.filter(|_| begun.is_none() && !to_push).map(|worst| worst.code);
    let tone = begun.and_then(|begun| run.tones.iter().find(|tone| tone.digest == begun.digest));
    let (outcome, reason, remedy) = match (begun, to_push, reason) {
        (Some(attempt), _, _) => {
            let at = Clock::of(&run.run).moment(attempt.began_at);
            let (outcome, reason) = match (run.run.state, &attempt.outcome) {
                (RunState::Running, _) => {
                    (Outcome::Pending, format!("it is being tried since {at}"))
                }
                (_, None) => (
                    Outcome::Interrupted,
                    format!(
                        "it was being tried at {at} when the run was killed; what came of it is not known"
                    ),
                ),
                (_, Some(ended)) => (
                    Outcome::Interrupted,
                    format!(
                        "its last attempt, at {at}, ended as {ended}, and the run was killed before the next one"
                    ),
                ),
            };
            (outcome, reason, again)
        }
        (None, true, _) | (None, false, None) => {
            let reason = match run.run.state {
                RunState::Running => "not tried yet",
                RunState::Killed => "not tried: the run was killed",
                RunState::Finished
                | RunState::Interrupted
                | RunState::Declined
                | RunState::Failed => "the run has no end for it in the journal",
            };
            (Outcome::Pending, reason.to_owned(), again)
        }
        (None, false, Some(worst)) => (
            Outcome::of_skipped(audited, run.action.object()),
            worst.message.clone(),
            worst.remedy.clone(),
        ),
    };
    PhoneResult {
        ring_tone: tone.map(|tone| tone.format),
        finding,
        reason: Some(reason),
        remedy: Some(remedy),
        attempts: begun.map_or(0, |attempt| attempt.attempt),
        first_attempt_at: begun.map(|attempt| attempt.began_at),
        ..PhoneResult::of_audited(audited, run.action.object(), outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stays_small_however_large_screenshots_are() {
        let phone = |bytes| {
            let screen = Screen { kind: String::new(), phone: String::new(), after: true, bytes };
            (String::new(), vec![screen])
        };
        assert_eq!(how_many_fit(&vec![phone(1_000); 100]), 24);
        assert_eq!(how_many_fit(&vec![phone(1024 * 1024); 100]), 4);
        assert_eq!(how_many_fit(&[phone(usize::MAX), phone(1)]), 0);
    }
}
