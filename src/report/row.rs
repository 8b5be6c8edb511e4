//! What a row of a list shows, the same in tables and CSV.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::audit::AuditedPhone;
use crate::domain::finding::{Severity, Verdict};
use crate::domain::inventory::Phone;
use crate::domain::model::{self, Model};
use crate::domain::payload_kind::ToneFormat;
use crate::event::{ChangeResult, Outcome, PhoneResult};

/// Something that can stand in a row.
pub trait Row: Serialize {
    const COLUMNS: &'static [&'static str];

    /// The columns that a table for people has; the others are for CSV, and for those who ask for them.
    const TABLE: &'static [&'static str] = Self::COLUMNS;

    /// Whether a row of a table has one line, so that long cells are shortened and not broken into several lines.
    const ONE_LINE: bool = false;

    /// Columns that a table neither shortens nor breaks.
    const FIXED: &'static [&'static str] = &["name"];

    /// Columns that a table leaves out on a narrow terminal, the first one first.
    const DROPPED: &'static [&'static str] = &[];

    /// Where fields stand in the row's JSON object, as a path with dots, where that is not their own name;
    /// those that are no column are shown only when they are asked for.
    const PATHS: &'static [(&'static str, &'static str)] = &[];

    /// The name of the test suite that the rows make, where they are tests.
    const TEST_SUITE: Option<&'static str> = None;

    /// The texts of the columns, as they are: the writer escapes them.
    fn cells(&self) -> Vec<String>;

    fn test_case(&self) -> Option<TestCase> {
        None
    }

    /// What kind of device without a screen the row is about: tables count those and do not list them.
    fn without_screen(&self) -> Option<&'static str> {
        None
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TestCase {
    pub name: String,
    pub class: String,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    pub result: TestResult,
    /// What else should be known, several lines or none.
    pub output: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TestResult {
    Passed,
    /// Not well.
    Failed {
        kind: String,
        /// In one sentence.
        message: String,
        details: String,
    },
    /// It is neither good nor bad.
    Skipped {
        message: String,
    },
}

impl Row for Phone {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "extension",
        "description",
        "owner",
        "model",
        "protocol",
        "device_pool",
        "profile",
        "status",
        "ip",
        "node",
        "load",
        "web",
    ];
    const ONE_LINE: bool = true;
    const FIXED: &'static [&'static str] = &["name", "extension", "status", "ip"];
    const DROPPED: &'static [&'static str] =
        &["load", "node", "protocol", "profile", "web", "owner", "description", "model"];
    const PATHS: &'static [(&'static str, &'static str)] = &[
        ("profile", "common_phone_profile"),
        ("status", "registration.status"),
        ("ip", "registration.ip"),
        ("node", "registration.node"),
        ("load", "registration.active_load"),
        ("web", "registration.httpd"),
        ("location", "location"),
        ("personalization", "personalization"),
        ("configured_load", "configured_load"),
        ("registered_at", "registration.timestamp"),
        ("source", "registration.source"),
        ("model_number", "registration.model_number"),
    ];

    fn cells(&self) -> Vec<String> {
        let registration = &self.registration;
        vec![
            self.name.to_string(),
            self.extension.clone().unwrap_or_default(),
            self.description.clone(),
            self.owner.clone().unwrap_or_default(),
            self.model.clone(),
            self.protocol.clone(),
            self.device_pool.clone(),
            self.common_phone_profile.clone().unwrap_or_default(),
            word(registration.status),
            registration.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            registration.node.clone().unwrap_or_default(),
            registration.active_load.clone().unwrap_or_default(),
            word(registration.httpd),
        ]
    }

    fn without_screen(&self) -> Option<&'static str> {
        self.catalogue_entry()?.kind.without_screen()
    }
}

impl Row for AuditedPhone {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "extension",
        "description",
        "owner",
        "model",
        "device_pool",
        "status",
        "ip",
        "verdict",
        "code",
        "findings",
        "message",
        "remedy",
    ];
    const TABLE: &'static [&'static str] =
        &["name", "extension", "description", "device_pool", "model", "verdict", "code"];
    const ONE_LINE: bool = true;
    const FIXED: &'static [&'static str] = &["name", "extension", "verdict", "code"];
    const DROPPED: &'static [&'static str] = &["description", "model", "device_pool"];
    const PATHS: &'static [(&'static str, &'static str)] = &[
        ("status", "registration.status"),
        ("ip", "registration.ip"),
        ("protocol", "protocol"),
        ("profile", "common_phone_profile"),
        ("location", "location"),
        ("node", "registration.node"),
        ("load", "registration.active_load"),
        ("web", "registration.httpd"),
        ("personalization", "personalization.effective"),
        ("decided_by", "personalization.decided_by"),
        ("associated", "association.associated"),
        ("size", "image.size"),
        ("thumbnail", "image.thumbnail"),
        ("schema", "image.schema"),
        ("picture", "image.picture"),
    ];
    const TEST_SUITE: Option<&'static str> = Some("audit");

    fn cells(&self) -> Vec<String> {
        let codes: Vec<&str> = self.findings.iter().map(|finding| finding.code.as_str()).collect();
        let worst = self.worst();
        vec![
            self.phone.name.to_string(),
            self.phone.extension.clone().unwrap_or_default(),
            self.phone.description.clone(),
            self.phone.owner.clone().unwrap_or_default(),
            self.phone.model.clone(),
            self.phone.device_pool.clone(),
            word(self.phone.registration.status),
            self.phone.registration.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            self.verdict.to_string(),
            worst.map(|finding| finding.code.to_string()).unwrap_or_default(),
            codes.join(" "),
            worst.map(|finding| finding.message.clone()).unwrap_or_default(),
            worst.map(|finding| finding.remedy.clone()).unwrap_or_default(),
        ]
    }

    fn without_screen(&self) -> Option<&'static str> {
        self.phone.without_screen()
    }

    /// A phone fails that can be made ready; one that is not registered, or shows no pictures, is skipped.
    fn test_case(&self) -> Option<TestCase> {
        let said = |wanted: fn(Severity) -> bool| {
            let these = self.findings.iter().filter(|finding| wanted(finding.severity));
            let lines =
                these.map(|one| format!("{}: {}\n  -> {}", one.code, one.message, one.remedy));
            lines.collect::<Vec<_>>().join("\n")
        };
        let worst = self.worst();
        let message = worst.map(|finding| finding.message.clone()).unwrap_or_default();
        let warnings = said(|severity| severity == Severity::Warning);
        if let Some(alone) = self.excluded() {
            let message = format!("{}: {}", alone.code, alone.message);
            return Some(self.as_test(TestResult::Skipped { message }, said(|_| true)));
        }
        let (result, output) = match self.verdict {
            Verdict::Ready => (TestResult::Passed, warnings),
            Verdict::Fixable | Verdict::Blocked => {
                let kind =
                    worst.map_or_else(|| self.verdict.to_string(), |one| one.code.to_string());
                let message = format!("{}: {message}", self.verdict);
                let details = said(|severity| severity != Severity::Warning);
                (TestResult::Failed { kind, message, details }, warnings)
            }
            Verdict::Offline | Verdict::Unsupported => {
                let message = format!("{}: {message}", self.verdict);
                (TestResult::Skipped { message }, said(|_| true))
            }
        };
        Some(self.as_test(result, output))
    }
}

impl AuditedPhone {
    fn as_test(&self, result: TestResult, output: String) -> TestCase {
        TestCase {
            name: self.phone.name.to_string(),
            class: self.phone.device_pool.clone(),
            took_ms: None,
            result,
            output,
        }
    }
}

impl Row for PhoneResult {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "extension",
        "description",
        "owner",
        "model",
        "device_pool",
        "ip",
        "outcome",
        "code",
        "attempts",
        "duration_ms",
        "reason",
        "remedy",
    ];
    const TABLE: &'static [&'static str] =
        &["name", "extension", "description", "device_pool", "model", "outcome", "code"];
    const ONE_LINE: bool = true;
    const FIXED: &'static [&'static str] = &["name", "extension", "outcome", "code"];
    const DROPPED: &'static [&'static str] = &["description", "model", "device_pool"];
    const PATHS: &'static [(&'static str, &'static str)] = &[
        ("object", "object"),
        ("proof", "proof"),
        ("size", "image"),
        ("picture", "picture"),
        ("ring_tone", "ring_tone"),
        ("error", "phone_error.text"),
        ("error_number", "phone_error.number"),
        ("first_attempt_at", "first_attempt_at"),
        ("finished_at", "finished_at"),
    ];
    const TEST_SUITE: Option<&'static str> = Some("push");

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.to_string(),
            self.extension.clone().unwrap_or_default(),
            self.description.clone(),
            self.owner.clone().unwrap_or_default(),
            self.model.clone(),
            self.device_pool.clone(),
            self.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            self.outcome.as_str().to_owned(),
            self.code(),
            self.attempts.to_string(),
            self.duration_ms.map(|ms| ms.to_string()).unwrap_or_default(),
            self.reason.clone().unwrap_or_default(),
            self.remedy.clone().unwrap_or_default(),
        ]
    }

    fn without_screen(&self) -> Option<&'static str> {
        model::by_name(&self.model)?.kind.without_screen()
    }

    /// A phone fails whose push is not proven as far as it can be; one that was not to be pushed to is skipped, unless it
    /// is proven to show the picture already.
    fn test_case(&self) -> Option<TestCase> {
        let reason = self.reason.clone().unwrap_or_default();
        let word = self.outcome.as_str();
        // What is not known of a phone that passes, where it passes with less than a proof.
        let unproven = self.outcome == Outcome::Accepted && !self.is_failure();
        let told = unproven || self.outcome == Outcome::Already;
        let output = if told { reason.clone() } else { String::new() };
        let result = match self.outcome {
            Outcome::Verified | Outcome::Already => TestResult::Passed,
            Outcome::Accepted if !self.is_failure() => TestResult::Passed,
            Outcome::NeedsWork
            | Outcome::Offline
            | Outcome::Excluded
            | Outcome::NoBackground
            | Outcome::NotVerifiable => {
                TestResult::Skipped { message: format!("{word}: {reason}") }
            }
            Outcome::Accepted
            | Outcome::Rejected
            | Outcome::AuthFailed
            | Outcome::Unreachable
            | Outcome::BadReply
            | Outcome::WrongDevice
            | Outcome::NotShown
            | Outcome::Interrupted
            | Outcome::Pending => TestResult::Failed {
                kind: word.to_owned(),
                message: format!("{word}: {reason}"),
                details: self.remedy.as_ref().map(|text| format!("-> {text}")).unwrap_or_default(),
            },
        };
        let class =
            if self.device_pool.is_empty() { &self.model } else { &self.device_pool }.clone();
        Some(TestCase {
            name: self.name.to_string(),
            class,
            took_ms: self.duration_ms,
            result,
            output,
        })
    }
}

impl PhoneResult {
    /// Returns the code of the finding that kept it from the push, or the number of the phone's error.
    pub(crate) fn code(&self) -> String {
        let number = self.phone_error.as_ref().and_then(|error| error.number);
        match (self.finding, number) {
            (Some(finding), _) => finding.to_string(),
            (None, Some(number)) => format!("error {number}"),
            (None, None) => String::new(),
        }
    }
}

impl Row for ChangeResult {
    const COLUMNS: &'static [&'static str] =
        &["change", "kind", "target", "state", "affects", "message"];
    const FIXED: &'static [&'static str] = &["change", "kind", "state"];
    const PATHS: &'static [(&'static str, &'static str)] = &[
        ("change", "change.id"),
        ("kind", "change.kind"),
        ("affects", "change.affects"),
        ("reason", "change.reason"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.change.id.to_string(),
            self.change.action.kind().to_owned(),
            self.change.action.subject(),
            word(self.state),
            self.change.affects.to_string(),
            self.message.clone().unwrap_or_default(),
        ]
    }
}

/// An entry of the model catalogue, flat enough for a row.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
#[serde(into = "ModelBody")]
pub struct ModelRecord(
    /// The entry.
    pub &'static Model,
);

/// An entry with what else the model takes.
#[derive(JsonSchema, Serialize)]
struct ModelBody {
    #[serde(flatten)]
    model: &'static Model,
    /// How its ring tones are written; nothing where it takes none.
    ring_tone: Option<ToneFormat>,
    /// Whether keys can be pressed from afar.
    keys: bool,
}

impl From<ModelRecord> for ModelBody {
    fn from(ModelRecord(model): ModelRecord) -> Self {
        Self { model, ring_tone: model.ring_tone(), keys: model.executes() }
    }
}

impl Row for ModelRecord {
    const COLUMNS: &'static [&'static str] = &[
        "model",
        "enum",
        "background",
        "thumbnail",
        "depth",
        "schema",
        "tftp_directory",
        "ring_tone",
        "keys",
        "note",
    ];
    const FIXED: &'static [&'static str] = &["model", "background", "thumbnail"];
    const DROPPED: &'static [&'static str] = &["note", "enum", "depth", "keys", "ring_tone"];
    const PATHS: &'static [(&'static str, &'static str)] = &[
        ("model", "name"),
        ("enum", "number"),
        ("background", "image.background"),
        ("thumbnail", "image.thumbnail"),
        ("depth", "image.depth"),
        ("schema", "image.schema"),
        ("tftp_directory", "image.tftp_directory"),
        ("kind", "kind"),
    ];

    fn cells(&self) -> Vec<String> {
        let model = self.0;
        let mut cells = vec![model.name.to_owned(), model.number.to_string()];
        match model.image {
            Some(image) => cells.extend([
                image.background.to_string(),
                image.thumbnail.to_string(),
                image.depth.to_string(),
                word(image.schema),
                image.tftp_directory.to_owned(),
            ]),
            None => cells.extend(["none", "", "", "", ""].map(str::to_owned)),
        }
        cells.push(model.ring_tone().map_or("none", ToneFormat::as_str).to_owned());
        cells.push(if model.executes() { "yes" } else { "no" }.to_owned());
        cells.push(model.note.to_owned());
        cells
    }
}

/// The word that JSON has for a value.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}
