//! The audit: a verdict and all findings for every phone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::association::UserKind;
use super::device_name::DeviceName;
use super::finding::{Code, Finding, Verdict};
use super::inventory::{ClusterInfo, Phone};
use super::model::{ImageSpec, Model, PushSchema, Size};
use super::personalization::Personalization;
use super::picture::PictureRules;
use super::text::counted;

/// Whether the push user controls a phone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct AssociationState {
    /// The push user's ID, when one was named.
    pub user: Option<String>,
    /// End user or application user, when it was found.
    pub kind: Option<UserKind>,
    /// Whether the phone is among its controlled devices.
    pub associated: bool,
}

/// The picture that a phone takes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
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
        }
    }
}

/// One phone with its verdict.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct AuditedPhone {
    /// What the survey saw.
    #[serde(flatten, serialize_with = "serialize_phone")]
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
    /// Returns the device name.
    pub fn name(&self) -> &DeviceName {
        &self.phone.name
    }

    /// Returns the finding that decided the verdict: of the heaviest, the first.
    pub fn worst(&self) -> Option<&Finding> {
        let heaviest = self.findings.iter().map(|finding| finding.severity).max()?;
        self.findings.iter().find(|finding| finding.severity == heaviest)
    }

    /// Tells whether the phone has a finding of this code.
    pub fn has(&self, code: Code) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }
}

/// The fields of a phone in the order and with the names of the `audit` document.
fn serialize_phone<S: serde::Serializer>(phone: &Phone, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap as _;

    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("name", &phone.name)?;
    map.serialize_entry("description", &phone.description)?;
    map.serialize_entry("model", &phone.model)?;
    map.serialize_entry("model_enum", &phone.catalogue_entry().map(|model| model.number))?;
    map.serialize_entry("protocol", &phone.protocol)?;
    map.serialize_entry("device_pool", &phone.device_pool)?;
    map.serialize_entry("common_phone_profile", &phone.common_phone_profile)?;
    map.serialize_entry("location", &phone.location)?;
    map.serialize_entry("owner", &phone.owner)?;
    map.serialize_entry("registration", &phone.registration)?;
    map.end()
}

/// How many phones have each verdict and each finding.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// All phones.
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
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
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

/// The whole document.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Audit {
    /// Which cluster.
    pub cluster: ClusterInfo,
    /// When the survey behind it ended.
    pub taken_at: Timestamp,
    /// The counts.
    pub summary: Summary,
    /// Every phone, sorted by name.
    pub phones: Vec<AuditedPhone>,
    /// What could not be read, in sentences for a person.
    pub remarks: Vec<String>,
}

impl Audit {
    /// Says of every phone which picture it gets, where there are rules, and how many get none.
    #[must_use]
    pub fn with_pictures(mut self, rules: &PictureRules) -> Self {
        let mut without = 0;
        for phone in &mut self.phones {
            if let Some(image) = &mut phone.image {
                image.picture = rules.picture_of(&phone.phone).map(str::to_owned);
                without += usize::from(image.picture.is_none());
            }
        }
        if without > 0 && !rules.is_empty() {
            self.remarks.push(format!(
                "{} could show a picture, and no rule of the config file has one for them; a last [[image]] with \
                 nothing but `file` is for all others",
                counted(without, "phone")
            ));
        }
        self
    }
}
