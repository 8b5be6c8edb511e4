//! Everything that the journal has about one run: the document behind the HTML report.
//!
//! The run itself and `axlpaper report` read it in the same way, so both write the same report. A run that was
//! killed has a chronicle too; whatever its end would have told is missing, and the report says so.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Finding, Severity, Verdict};
use crate::domain::inventory::ClusterInfo;
use crate::domain::personalization::Personalization;
use crate::domain::push_action::Deed;
use crate::domain::registration::Registration;
use crate::event::{Outcome, PhoneResult, Proof};
use crate::journal::{
    AttemptRow, ChangeRow, Ending, EventRow, History, JournalError, RunRow, Screen, SentPicture,
    SentPictures, SentTone, SentTones, Together,
};
use crate::report::wording;

/// One run, as the journal has it.
#[derive(Clone, Debug)]
pub struct Chronicle {
    /// The run.
    pub run: RunRow,
    /// The name of the file that was pushed, where there was one.
    pub file: Option<String>,
    /// What was done to phones.
    pub deed: Deed,
    /// What it was begun together with, where several clusters were worked on at once.
    pub together: Option<Together>,
    /// How it came to its end; nothing where it was killed, or goes on.
    pub ending: Option<Ending>,
    /// The audit that it was decided by; nothing where no cluster was asked.
    pub audit: Option<AuditSeen>,
    /// What it meant to change on the cluster, and what came of it.
    pub changes: Vec<ChangeRow>,
    /// Every attempt at a phone, in the order in which they were begun.
    pub attempts: Vec<AttemptRow>,
    /// What a person was told, and when stages began and ended.
    pub events: Vec<EventRow>,
    /// How phones ended, by name; those too of which the run did not come to write an end.
    pub phones: Vec<PhoneResult>,
    /// The pictures as they were made for the phones.
    pub pictures: Vec<SentPicture>,
    /// The ring tone as it was made for the phones.
    pub tones: Vec<SentTone>,
    /// What phones showed, where that was looked at: of some phones, those with trouble before all others.
    pub screenshots: Vec<Screenshot>,
    /// How many more phones have screenshots in the journal.
    pub more_screenshots: usize,
}

/// A picture of what a phone showed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Screenshot {
    /// The device name.
    pub phone: String,
    /// Whether it was taken before the push, or after it.
    pub after: bool,
    /// The file, as the phone gave it.
    pub bytes: Vec<u8>,
}

/// The audit of a run, as far as its report needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct AuditSeen {
    /// Which cluster.
    pub cluster: ClusterInfo,
    /// Every selected phone, sorted by name.
    pub phones: Vec<PhoneSeen>,
    /// What could not be read, in sentences for a person.
    pub remarks: Vec<String>,
}

/// A phone as the audit saw it.
#[derive(Clone, Debug, Deserialize)]
pub struct PhoneSeen {
    /// Its device name.
    pub name: DeviceName,
    /// Its description.
    pub description: String,
    /// Its model.
    pub model: String,
    /// Its device pool.
    pub device_pool: String,
    /// Its Common Phone Profile.
    pub common_phone_profile: Option<String>,
    /// Its location.
    pub location: Option<String>,
    /// Its owner's user ID.
    pub owner: Option<String>,
    /// Its registration.
    pub registration: Registration,
    /// Phone Personalization at every level.
    pub personalization: Personalization,
    /// The worst of its findings.
    pub verdict: Verdict,
    /// All its findings.
    pub findings: Vec<Finding>,
    /// The picture that it takes, if any.
    #[serde(default)]
    pub image: Option<ImageSeen>,
}

/// The picture that a phone takes, as far as a report needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct ImageSeen {
    /// Which of several pictures is for it, where there were rules for that.
    #[serde(default)]
    pub picture: Option<String>,
}

impl PhoneSeen {
    /// Returns why the run was to leave it as it is, where it was.
    pub fn left_alone(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.code == Code::LeftAlone)
    }

    /// Returns the finding that decided the verdict: of the heaviest, the first.
    pub fn worst(&self) -> Option<&Finding> {
        let heaviest: Severity = self.findings.iter().map(|finding| finding.severity).max()?;
        self.findings.iter().find(|finding| finding.severity == heaviest)
    }
}

impl Chronicle {
    /// Reads it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn read(history: &History, run: RunRow) -> Result<Self, JournalError> {
        /// What journals of earlier releases have in place of a subject.
        #[derive(Deserialize)]
        struct Job {
            picture_file: Option<String>,
        }
        let id = run.id;
        let (file, deed) = match &run.subject {
            Some(subject) => (Some(subject.file.clone()), subject.deed()),
            None => {
                let job = history.snapshot::<Job>(id, "job")?;
                (job.and_then(|job| job.picture_file), Deed::Picture)
            }
        };
        let pictures = history.snapshot::<SentPictures>(id, SentPictures::KIND)?;
        let tones = history.snapshot::<SentTones>(id, SentTones::KIND)?;
        let mut chronicle = Self {
            file,
            deed,
            together: history.snapshot(id, Together::KIND)?,
            ending: history.snapshot(id, Ending::KIND)?,
            audit: history.snapshot(id, "audit")?,
            changes: history.changes(id)?,
            attempts: history.attempts(id)?,
            events: history.events(id)?,
            phones: history.phones(id)?,
            pictures: pictures.map(|sent| sent.pictures).unwrap_or_default(),
            tones: tones.map(|sent| sent.tones).unwrap_or_default(),
            screenshots: Vec::new(),
            more_screenshots: 0,
            run,
        };
        chronicle.complete();
        chronicle.look_at_screens(history)?;
        Ok(chronicle)
    }

    /// Reads screenshots of as many phones as a page that goes by mail can hold.
    fn look_at_screens(&mut self, history: &History) -> Result<(), JournalError> {
        let mut phones: BTreeMap<String, Vec<Screen>> = BTreeMap::new();
        for screen in history.screens(self.run.id)? {
            phones.entry(screen.phone.clone()).or_default().push(screen);
        }
        let failed: HashSet<&str> =
            self.phones.iter().filter(|one| is_failure(one)).map(|one| one.name.as_str()).collect();
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
        Ok(())
    }

    /// Adds the phones of which the run did not come to write an end, and sorts all of them by name.
    fn complete(&mut self) {
        let known: HashSet<&DeviceName> = self.phones.iter().map(|phone| &phone.name).collect();
        let begun: HashMap<&str, &AttemptRow> =
            self.attempts.iter().map(|attempt| (attempt.phone.as_str(), attempt)).collect();
        let seen = self.audit.iter().flat_map(|audit| &audit.phones);
        let missing = seen.filter(|phone| !known.contains(&phone.name));
        let missing: Vec<PhoneResult> = missing
            .map(|phone| without_end(self, phone, begun.get(phone.name.as_str()).copied()))
            .collect();
        self.phones.extend(missing);
        self.phones.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Tells whether the run was to push to phones of this verdict: only some commands repair what they can.
    fn was_to_push(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Ready => true,
            Verdict::Fixable => matches!(self.run.command.as_str(), "rollout" | "demo"),
            Verdict::Offline | Verdict::Blocked | Verdict::Unsupported => false,
        }
    }

    /// Returns how its phones were to be proven.
    pub(crate) fn proof(&self) -> Proof {
        wording::proof_of(&self.phones)
    }

    /// Tells whether phones got different pictures.
    pub(crate) fn has_several_pictures(&self) -> bool {
        self.phones.iter().any(|phone| phone.picture.is_some())
    }

    /// Returns the phones that are still to be served: those that failed, and those that were to be pushed to and
    /// were not.
    pub fn unserved(&self) -> Vec<DeviceName> {
        let unserved = self.phones.iter().filter(|phone| phone.is_failure());
        unserved.map(|phone| phone.name.clone()).collect()
    }

    /// Tells whether the run wrote down that it ended.
    pub fn has_ended(&self) -> bool {
        self.run.ended_at.is_some()
    }

    /// Returns the last moment that is known of it.
    pub fn last_known(&self) -> Timestamp {
        let attempts = self.attempts.iter().map(|row| row.ended_at.unwrap_or(row.began_at));
        let changes = self.changes.iter().map(|row| row.ended_at.unwrap_or(row.intended_at));
        let events = self.events.iter().map(|row| row.at);
        let known = attempts.chain(changes).chain(events).chain([self.run.began_at]).max();
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

/// Tells whether a push was tried, or should have been, and is not known to have worked.
pub(crate) fn is_failure(phone: &PhoneResult) -> bool {
    phone.is_failure()
}

/// The result of a phone of which the journal has no end.
fn without_end(run: &Chronicle, phone: &PhoneSeen, begun: Option<&AttemptRow>) -> PhoneResult {
    let again = wording::go_on(run.deed, run.run.id, begun.is_some());
    let (to_push, reason) = match phone.left_alone() {
        Some(alone) => (false, Some(alone)),
        None => (run.was_to_push(phone.verdict), phone.worst()),
    };
    let tone = begun.and_then(|begun| run.tones.iter().find(|tone| tone.digest == begun.digest));
    let (outcome, reason, remedy) = match (begun, to_push, reason) {
        (Some(attempt), _, _) => {
            let at = attempt.began_at.strftime("%H:%M:%S UTC");
            let reason = format!("it was tried at {at}, and its end is not known");
            (Outcome::Pending, reason, again)
        }
        (None, true, _) | (None, false, None) => {
            let reason = "the run has no end for it in the journal".to_owned();
            (Outcome::Pending, reason, again)
        }
        (None, false, Some(worst)) => {
            (Outcome::Skipped, worst.message.clone(), worst.remedy.clone())
        }
    };
    PhoneResult {
        name: phone.name.clone(),
        model: phone.model.clone(),
        device_pool: phone.device_pool.clone(),
        ip: phone.registration.ip,
        object: run.deed.object(),
        proof: Proof::default(),
        image: None,
        picture: phone.image.as_ref().and_then(|image| image.picture.clone()),
        ring_tone: tone.map(|tone| tone.format),
        outcome,
        phone_error: None,
        reason: Some(reason),
        remedy: Some(remedy),
        downloads: crate::event::Downloads::default(),
        attempts: begun.map_or(0, |attempt| attempt.attempt),
        first_attempt_at: begun.map(|attempt| attempt.began_at),
        finished_at: None,
        duration_ms: None,
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
