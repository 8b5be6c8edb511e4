//! The phones as data for the script of the page, and the first ones as a table for browsers without a script.
//!
//! Each text is in the data once and rows have its index, which makes the page of a large fleet a fifth as long.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::audit::AuditedPhone;
use crate::domain::device_name::DeviceName;
use crate::domain::finding::{Code, Verdict};
use crate::domain::payload_kind::ToneFormat;
use crate::event::{Outcome, PhoneResult};
use crate::journal::AttemptRow;
use crate::report::clock::Clock;
use crate::report::html::csp::script_safe;
use crate::report::html::pictures::in_one_line;
use crate::report::html::section::{
    HtmlError, RunSection, TextPart, action_and_proof, clean, parts,
};
use crate::report::html::time_format::{between, took};
use crate::report::row::Row as _;
use crate::report::text::printable;
use crate::report::wording;

/// A phone in the table that needs no script.
#[derive(Clone, Debug)]
pub(super) struct PlainRow {
    pub(super) cluster: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) model: String,
    pub(super) device_pool: String,
    pub(super) ip: String,
    pub(super) picture: String,
    pub(super) verdict: &'static str,
    pub(super) findings: String,
    pub(super) outcome: &'static str,
    pub(super) outcome_title: &'static str,
    pub(super) reason: String,
    pub(super) answered: String,
    pub(super) remedy: Vec<TextPart>,
}

/// The script reads fields by these names, and the parts of rows by position.
#[derive(Serialize)]
struct Data {
    outcomes: Vec<&'static str>,
    titles: Vec<&'static str>,
    verdicts: Vec<&'static str>,
    codes: Vec<&'static str>,
    /// What failures are called.
    failed: &'static str,
    /// The columns of CSV, the same as of `show --format csv`.
    columns: &'static [&'static str],
    labels: &'static [&'static str],
    texts: Vec<String>,
    rows: Vec<Row>,
}

/// Index into `Data::texts`; 0 is the empty text.
type Text = usize;

#[derive(Serialize)]
struct Row(
    /// Name.
    String,
    /// Description.
    String,
    /// Address.
    String,
    Text,
    Text,
    /// Verdict.
    Option<usize>,
    /// Outcome.
    usize,
    u8,
    Text,
    Text,
    Text,
    u32,
    /// Time from the first attempt to the end, in milliseconds.
    Option<u64>,
    /// What else is known, as `LABELS`.
    Vec<Text>,
    /// Code, message and remedy of each finding.
    Vec<(usize, Text, Text)>,
    /// Time of day, address, end and what was said, of each of several attempts.
    Vec<[Text; 4]>,
    Text,
    Text,
    Text,
    /// Extension, owner, and the error's or finding's code.
    [Text; 3],
    /// Whether it has no screen.
    u8,
);

const LABELS: [&str; 6] = [
    "Registration",
    "Load",
    "Common Phone Profile",
    "Phone Personalization",
    "Location",
    "Its words",
];

#[derive(Default)]
struct Texts {
    known: HashMap<String, Text>,
    texts: Vec<String>,
}

impl Texts {
    fn new() -> Self {
        let mut texts = Self::default();
        texts.of("");
        texts
    }

    fn of(&mut self, text: &str) -> Text {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let number = self.texts.len();
        self.known.insert(text.to_owned(), number);
        self.texts.push(printable(text).into_owned());
        number
    }

    fn maybe(&mut self, text: Option<&str>) -> Text {
        self.of(text.unwrap_or_default())
    }
}

/// Writes the data as JSON for a script element.
///
/// # Errors
/// When a value cannot be written as JSON.
pub(super) fn data(runs: &[RunSection<'_>], clock: &Clock) -> Result<String, HtmlError> {
    let seen = seen(runs);
    let mut attempts: HashMap<(usize, &str), Vec<&AttemptRow>> = HashMap::new();
    for (at, of) in runs.iter().enumerate() {
        for attempt in &of.run.attempts {
            attempts.entry((at, &attempt.phone)).or_default().push(attempt);
        }
    }
    let (action, proof) = action_and_proof(runs);
    let mut texts = Texts::new();
    let rows = ordered(runs)
        .into_iter()
        .map(|(at, phone)| {
            let tries = attempts.get(&(at, phone.name.as_str()));
            let tries = tries.map(Vec::as_slice).unwrap_or_default();
            let cluster = texts.of(&runs[at].cluster);
            row(phone, seen.get(&(at, &phone.name)).copied(), (tries, clock), cluster, &mut texts)
        })
        .collect();
    let data = Data {
        outcomes: Outcome::ALL.map(Outcome::as_str).to_vec(),
        titles: Outcome::ALL.map(|one| wording::outcome_title(action, one)).to_vec(),
        verdicts: Verdict::ALL.map(Verdict::as_str).to_vec(),
        codes: Code::ALL.iter().map(|code| code.as_str()).collect(),
        failed: wording::failed(action, proof),
        columns: PhoneResult::COLUMNS,
        labels: if runs.iter().any(|of| of.run.audit.is_some()) { &LABELS } else { &[] },
        texts: texts.texts,
        rows,
    };
    serde_json::to_string(&data).map(|json| script_safe(&json)).map_err(HtmlError::Data)
}

/// Indexes audited phones by run and name: phones of two clusters can have the same name.
fn seen<'a>(runs: &[RunSection<'a>]) -> HashMap<(usize, &'a DeviceName), &'a AuditedPhone> {
    let each = runs.iter().enumerate();
    each.flat_map(|(at, of)| of.audited().map(move |phone| ((at, phone.name()), phone))).collect()
}

/// Orders phones: failures first, then by run and name.
fn ordered<'a>(runs: &[RunSection<'a>]) -> Vec<(usize, &'a PhoneResult)> {
    let each = runs.iter().enumerate();
    let phones = each.flat_map(|(at, of)| of.run.phones.iter().map(move |phone| (at, phone)));
    let mut phones: Vec<_> = phones.collect();
    phones.sort_by_key(|(_, phone)| (!phone.is_failure(), phone.outcome == Outcome::Verified));
    phones
}

fn row(
    phone: &PhoneResult,
    seen: Option<&AuditedPhone>,
    (tries, clock): (&[&AttemptRow], &Clock),
    cluster: Text,
    texts: &mut Texts,
) -> Row {
    let place = |word: &str, words: &[&str]| words.iter().position(|known| *known == word);
    let outcomes = Outcome::ALL.map(Outcome::as_str);
    let verdicts = Verdict::ALL.map(Verdict::as_str);
    let findings = seen.into_iter().flat_map(|seen| &seen.findings);
    let findings = findings
        .map(|finding| {
            let code = Code::ALL.iter().position(|code| *code == finding.code).unwrap_or_default();
            (code, texts.of(&finding.message), texts.of(&finding.remedy))
        })
        .collect();
    Row(
        clean(phone.name.as_str()),
        clean(&phone.description),
        phone.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        texts.of(&phone.model),
        texts.of(&phone.device_pool),
        seen.and_then(|seen| place(seen.verdict.as_str(), &verdicts)),
        place(phone.outcome.as_str(), &outcomes).unwrap_or_default(),
        u8::from(phone.is_failure()),
        texts.maybe(phone.reason.as_deref()),
        texts.maybe(phone.phone_error.as_ref().map(|error| error.raw.as_str())),
        texts.maybe(phone.remedy.as_deref()),
        phone.attempts,
        phone.duration_ms,
        more(seen, texts),
        findings,
        attempts(tries, clock, texts),
        texts.maybe(phone.picture.as_deref()),
        texts.maybe(phone.ring_tone.map(ToneFormat::as_str)),
        cluster,
        [
            texts.maybe(phone.extension.as_deref()),
            texts.maybe(phone.owner.as_deref()),
            texts.of(&phone.code()),
        ],
        u8::from(phone.without_screen().is_some()),
    )
}

/// The values of `LABELS`.
fn more(seen: Option<&AuditedPhone>, texts: &mut Texts) -> Vec<Text> {
    let Some(seen) = seen else { return Vec::new() };
    let registration = &seen.phone.registration;
    let on_picture = seen.image.as_ref().and_then(|image| image.words.as_ref());
    let status = format!("{:?}", registration.status);
    let registered = match &registration.node {
        Some(node) => format!("{} ({node})", words(&status)),
        None => words(&status),
    };
    vec![
        texts.of(&registered),
        texts.maybe(registration.active_load.as_deref()),
        texts.maybe(seen.phone.common_phone_profile.as_deref()),
        texts.of(&seen.personalization.effective.to_string()),
        texts.maybe(seen.phone.location.as_deref()),
        texts.maybe(on_picture.map(in_one_line).as_deref()),
    ]
}

/// `PartiallyRegistered` → `partially registered`
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// Attempts where there were several; of one alone the phone's own row tells everything.
fn attempts(tries: &[&AttemptRow], clock: &Clock, texts: &mut Texts) -> Vec<[Text; 4]> {
    if tries.len() < 2 {
        return Vec::new();
    }
    let summary = tries.iter().map(|attempt| {
        let end = attempt.outcome.as_deref().unwrap_or("end unknown");
        let spent = attempt.ended_at.map(|ended| took(between(attempt.began_at, ended)));
        let end = match spent {
            Some(spent) => format!("{end} after {spent}"),
            None => end.to_owned(),
        };
        let at = clock.time_of_day(attempt.began_at);
        let [at, ip, end] = [&at, &attempt.ip, &end].map(|text| texts.of(text));
        [at, ip, end, texts.maybe(attempt.said.as_deref())]
    });
    summary.collect()
}

/// The first phones with a screen for browsers without a script, and how many there are beyond.
pub(super) fn plain(runs: &[RunSection<'_>]) -> (Vec<PlainRow>, usize) {
    let seen = seen(runs);
    let mut phones = ordered(runs);
    if phones.iter().any(|(_, phone)| phone.without_screen().is_none()) {
        phones.retain(|(_, phone)| phone.without_screen().is_none());
    }
    let more = phones.len().saturating_sub(MOST_PLAIN);
    let rows = phones
        .into_iter()
        .take(MOST_PLAIN)
        .map(|(at, phone)| plain_row(&runs[at], phone, seen.get(&(at, &phone.name)).copied()));
    (rows.collect(), more)
}

/// Extension and description.
fn label(phone: &PhoneResult) -> String {
    let parts = [phone.extension.as_deref().unwrap_or_default(), &phone.description];
    let parts = parts.into_iter().filter(|part| !part.is_empty()).map(clean);
    parts.collect::<Vec<_>>().join(" · ")
}

fn plain_row(of: &RunSection<'_>, phone: &PhoneResult, seen: Option<&AuditedPhone>) -> PlainRow {
    let action = of.run.action;
    let option = |text: Option<&str>| text.map(clean).unwrap_or_default();
    let codes = seen.into_iter().flat_map(|seen| &seen.findings);
    let codes: Vec<&str> = codes.map(|finding| finding.code.as_str()).collect();
    PlainRow {
        cluster: of.cluster.clone(),
        name: clean(phone.name.as_str()),
        description: label(phone),
        model: clean(&phone.model),
        device_pool: clean(&phone.device_pool),
        ip: phone.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        picture: option(phone.picture.as_deref()),
        verdict: seen.map_or("", |seen| seen.verdict.as_str()),
        findings: codes.join(" "),
        outcome: phone.outcome.as_str(),
        outcome_title: wording::outcome_title(action, phone.outcome),
        reason: option(phone.reason.as_deref()),
        answered: option(phone.phone_error.as_ref().map(|error| error.raw.as_str())),
        remedy: parts(&option(phone.remedy.as_deref())),
    }
}

/// How many phones a browser without a script shows.
const MOST_PLAIN: usize = 300;
