//! Everything about one run that changes phones: the document behind recap, JSON and HTML.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::audit::Audit;
use crate::domain::inventory::ClusterInfo;
use crate::domain::push_action::Deed;
use crate::event::{ChangeResult, Outcome, PhoneResult};

/// One run of `rollout`, `push`, `ringtone`, `play`, `keys` or `demo`.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// Its number in the journal.
    pub run: i64,
    /// The command line, without secrets.
    pub command: String,
    /// What was done to phones.
    pub deed: Deed,
    /// Its name: the name of its file, of a sound the name that phones know it by.
    pub picture: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The cluster; without versions and host where only addresses were pushed to.
    pub cluster: ClusterInfo,
    /// The audit that the run was decided by; nothing where no cluster was asked.
    pub audit: Option<Audit>,
    /// What was changed on the cluster.
    pub changes: Vec<ChangeResult>,
    /// Every selected phone, sorted by name: those that were left alone too.
    pub phones: Vec<PhoneResult>,
    /// How many of them were left alone because they are proven to show the picture already.
    pub already: usize,
    /// Why the run ended before its time.
    pub stopped: Option<String>,
    /// Whether somebody interrupted it.
    pub interrupted: bool,
    /// Whether the cluster refused the account, or the push user's password, in the middle of it, which ended it.
    pub refused: bool,
}

/// Counts of a run.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RolloutSummary {
    /// All selected phones.
    pub total: usize,
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
        let required: Vec<&str> = ["total", "by_device_pool"].into_iter().chain(outcomes).collect();
        let count = || json!({"type": "integer", "minimum": 0});
        let mut properties: Map<String, Value> =
            required.iter().map(|name| ((*name).to_owned(), count())).collect();
        properties.insert("by_device_pool".to_owned(), by_pool.to_value());
        schemars::json_schema!({
            "description": "How many phones there are, and how many ended how; the same by device pool.",
            "type": "object",
            "properties": properties,
            "required": required
        })
    }
}

impl RolloutSummary {
    /// Counts phones.
    pub fn of(phones: &[PhoneResult]) -> Self {
        let mut outcomes: BTreeMap<Outcome, usize> =
            Outcome::ALL.iter().map(|outcome| (*outcome, 0)).collect();
        let mut by_device_pool: BTreeMap<String, BTreeMap<Outcome, usize>> = BTreeMap::new();
        for phone in phones {
            *outcomes.entry(phone.outcome).or_default() += 1;
            if phone.device_pool.is_empty() {
                // Where no cluster was asked, nobody knows the pool.
                continue;
            }
            *by_device_pool
                .entry(phone.device_pool.clone())
                .or_default()
                .entry(phone.outcome)
                .or_default() += 1;
        }
        Self { total: phones.len(), outcomes, by_device_pool }
    }
}

impl Rollout {
    /// Returns what the survey could not read.
    pub fn remarks(&self) -> &[String] {
        self.audit.as_ref().map_or(&[], |audit| &audit.remarks)
    }

    /// Counts the phones.
    pub fn summary(&self) -> RolloutSummary {
        RolloutSummary::of(&self.phones)
    }

    /// Returns the phones whose push is not proven, in the order of names.
    pub fn failures(&self) -> impl Iterator<Item = &PhoneResult> {
        self.phones.iter().filter(|phone| phone.is_failure())
    }

    /// Tells whether every push is proven and every change is on the cluster.
    pub fn is_success(&self) -> bool {
        self.failures().next().is_none()
            && self.stopped.is_none()
            && self.changes.iter().all(|change| change.state == crate::event::ChangeState::Applied)
    }
}
