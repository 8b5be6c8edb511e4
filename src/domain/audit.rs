//! The audit: a verdict and all findings for every phone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::association::UserKind;
use super::device_name::DeviceName;
use super::finding::{Code, Finding, Verdict};
use super::inventory::{ClusterInfo, Phone};
use super::model::{ImageSpec, Model, PushSchema, Size};
use super::personalization::Personalization;
use super::picture_rules::Keep;
use super::registration::Registration;
use super::words::Words;

/// Whether the push user controls a phone.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct AssociationState {
    /// The push user's ID, when one was named.
    pub user: Option<String>,
    /// End user or application user, when it was found.
    pub kind: Option<UserKind>,
    /// Whether the phone is among its controlled devices.
    pub associated: bool,
}

/// The picture that a phone takes.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct ImageInfo {
    /// Background size in pixels.
    pub size: Size,
    /// Thumbnail size in pixels.
    pub thumbnail: Size,
    /// Bits of colour of its panel.
    pub depth: u8,
    /// The push object it understands.
    pub schema: PushSchema,
    /// The picture that the config file's rules choose for it; nothing where there are no rules, or none is for
    /// this phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The number of the config file's rule that chooses it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
    /// What a watch does when the phone shows another picture later; nothing where no rule chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// What the rules choose next; nothing where that never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NextPicture>,
    /// The words that the phone gets on its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Words>,
}

/// What the config file's rules choose for a phone later.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub struct NextPicture {
    /// From when on.
    pub at: Timestamp,
    /// The number of the rule, from 1; nothing where none is for this phone then.
    pub rule: Option<usize>,
    /// The picture.
    pub picture: Option<String>,
}

impl From<ImageSpec> for ImageInfo {
    fn from(spec: ImageSpec) -> Self {
        Self {
            size: spec.background,
            thumbnail: spec.thumbnail,
            depth: spec.depth,
            schema: spec.schema,
            picture: None,
            rule: None,
            keep: None,
            next: None,
            words: None,
        }
    }
}

/// One phone with its verdict.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct AuditedPhone {
    /// What the survey saw.
    #[serde(flatten, deserialize_with = "deserialize_phone", serialize_with = "serialize_phone")]
    #[schemars(with = "PhoneFields<'static>")]
    pub phone: Phone,
    /// The catalogue's entry for its model.
    #[serde(skip)]
    pub model: Option<&'static Model>,
    /// Personalization at every level.
    pub personalization: Personalization,
    /// Association with the push user.
    pub association: AssociationState,
    /// The picture it takes, if any.
    pub image: Option<ImageInfo>,
    /// The worst of its findings.
    pub verdict: Verdict,
    /// All its findings.
    pub findings: Vec<Finding>,
}

impl AuditedPhone {
    pub fn name(&self) -> &DeviceName {
        &self.phone.name
    }

    pub fn worst(&self) -> Option<&Finding> {
        let heaviest = self.findings.iter().map(|finding| finding.severity).max()?;
        self.findings.iter().find(|finding| finding.severity == heaviest)
    }

    pub fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }
}

/// A phone in the `audit` document.
#[derive(JsonSchema, Serialize)]
struct PhoneFields<'a> {
    /// Its device name.
    name: &'a DeviceName,
    /// The directory number of its first line; nothing where it has none, or where it could not be read.
    extension: Option<&'a str>,
    /// Its description.
    description: &'a str,
    /// The model, as AXL names it.
    model: &'a str,
    /// The model's number, where the catalogue has it.
    model_enum: Option<u32>,
    /// SIP or SCCP.
    protocol: &'a str,
    /// Its device pool.
    device_pool: &'a str,
    /// Its Common Phone Profile.
    common_phone_profile: Option<&'a str>,
    /// Its location.
    location: Option<&'a str>,
    /// Its owner's user ID.
    owner: Option<&'a str>,
    /// Its registration.
    registration: &'a Registration,
}

/// Reads the phone of an `audit` document back. What no document has stays unknown.
fn deserialize_phone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Phone, D::Error> {
    #[derive(Deserialize)]
    struct Fields {
        name: DeviceName,
        #[serde(default)]
        extension: Option<String>,
        description: String,
        model: String,
        #[serde(default)]
        protocol: String,
        device_pool: String,
        common_phone_profile: Option<String>,
        location: Option<String>,
        owner: Option<String>,
        registration: Registration,
    }
    let fields = Fields::deserialize(deserializer)?;
    Ok(Phone {
        extension: fields.extension,
        description: fields.description,
        model: fields.model,
        protocol: fields.protocol,
        device_pool: fields.device_pool,
        common_phone_profile: fields.common_phone_profile,
        location: fields.location,
        owner: fields.owner,
        ..Phone::unknown(fields.name, fields.registration)
    })
}

fn serialize_phone<S: serde::Serializer>(phone: &Phone, serializer: S) -> Result<S::Ok, S::Error> {
    let fields = PhoneFields {
        name: &phone.name,
        extension: phone.extension.as_deref(),
        description: &phone.description,
        model: &phone.model,
        model_enum: phone.catalogue_entry().map(|model| model.number),
        protocol: &phone.protocol,
        device_pool: &phone.device_pool,
        common_phone_profile: phone.common_phone_profile.as_deref(),
        location: phone.location.as_deref(),
        owner: phone.owner.as_deref(),
        registration: &phone.registration,
    };
    fields.serialize(serializer)
}

/// How many phones have each verdict and each finding.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Counts {
    pub total: usize,
    /// Phones by verdict; every verdict is there.
    #[serde(flatten)]
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Phones by finding; every code is there.
    #[serde(flatten)]
    pub findings: BTreeMap<Code, usize>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            total: 0,
            verdicts: Verdict::ALL.iter().map(|verdict| (*verdict, 0)).collect(),
            findings: Code::ALL.iter().map(|code| (*code, 0)).collect(),
        }
    }
}

impl JsonSchema for Counts {
    fn schema_name() -> Cow<'static, str> {
        "Counts".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let verdicts = Verdict::ALL.iter().map(|verdict| verdict.as_str());
        let names = || verdicts.clone().chain(Code::ALL.iter().map(|code| code.as_str()));
        let required: Vec<&str> = std::iter::once("total").chain(names()).collect();
        let count = || serde_json::json!({"type": "integer", "minimum": 0});
        let properties: serde_json::Map<String, serde_json::Value> =
            required.iter().map(|name| ((*name).to_owned(), count())).collect();
        schemars::json_schema!({
            "description": "How many phones have each verdict and each finding, and how many there are.",
            "type": "object",
            "properties": properties,
            "required": required
        })
    }
}

impl Counts {
    fn add(&mut self, phone: &AuditedPhone) {
        self.total += 1;
        *self.verdicts.entry(phone.verdict).or_default() += 1;
        for finding in &phone.findings {
            *self.findings.entry(finding.code).or_default() += 1;
        }
    }
}

/// The counts of a whole audit, and the same by device pool and by model.
#[derive(Clone, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Summary {
    /// All phones.
    #[serde(flatten)]
    pub all: Counts,
    /// By device pool.
    pub by_device_pool: BTreeMap<String, Counts>,
    /// By model.
    pub by_model: BTreeMap<String, Counts>,
}

impl Summary {
    /// Counts the phones.
    pub fn of(phones: &[AuditedPhone]) -> Self {
        let mut summary = Self::default();
        for phone in phones {
            summary.all.add(phone);
            summary.by_device_pool.entry(phone.phone.device_pool.clone()).or_default().add(phone);
            summary.by_model.entry(phone.phone.model.clone()).or_default().add(phone);
        }
        summary
    }
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "AuditDocument")]
pub struct Audit {
    pub cluster: ClusterInfo,
    /// When the survey behind it ended.
    pub taken_at: Timestamp,
    /// The counts.
    pub summary: Summary,
    /// Every phone, sorted by name.
    pub phones: Vec<AuditedPhone>,
    /// What could not be read, in sentences for a person.
    pub remarks: Vec<String>,
    /// Which rule of the config file counts until when and which one is next, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule_changes: Vec<String>,
}

/// An `audit` document as it is read back: its counts are made again from its phones.
#[derive(Deserialize)]
struct AuditDocument {
    cluster: ClusterInfo,
    taken_at: Timestamp,
    phones: Vec<AuditedPhone>,
    remarks: Vec<String>,
    #[serde(default)]
    rule_changes: Vec<String>,
}

impl From<AuditDocument> for Audit {
    fn from(document: AuditDocument) -> Self {
        let AuditDocument { cluster, taken_at, phones, remarks, rule_changes } = document;
        let summary = Summary::of(&phones);
        Self { cluster, taken_at, summary, phones, remarks, rule_changes }
    }
}
