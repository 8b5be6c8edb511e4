//! Phones of an inventory, counted by one of their fields.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::json::Document;
use crate::domain::inventory::{ClusterInfo, Inventory, Phone};
use crate::report::row::Row;

/// The field by which phones are counted.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CountBy {
    /// The device pool.
    DevicePool,
    /// The model.
    Model,
    /// The Common Phone Profile.
    Profile,
    /// The firmware load that the phone registered with.
    Load,
}

impl CountBy {
    /// Returns the name of the field, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::DevicePool => "device pool",
            Self::Model => "model",
            Self::Profile => "profile",
            Self::Load => "load",
        }
    }

    /// Returns the name of the field, as lists of phones have it.
    fn field(self) -> &'static str {
        match self {
            Self::DevicePool => "device_pool",
            Self::Model | Self::Profile | Self::Load => self.name(),
        }
    }

    fn value(self, phone: &Phone) -> Option<&str> {
        let value = match self {
            Self::DevicePool => Some(phone.device_pool.as_str()),
            Self::Model => Some(phone.model.as_str()),
            Self::Profile => phone.common_phone_profile.as_deref(),
            Self::Load => phone.registration.active_load.as_deref(),
        };
        value.filter(|value| !value.is_empty())
    }
}

/// Phones that have one value of a field.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct PhoneCount {
    /// The value; nothing where the phones have none, or it is not known.
    value: Option<String>,
    /// How many phones have it.
    phones: usize,
    /// How many of them are registered.
    registered: usize,
    /// How many of them are of a model that shows pushed pictures.
    capable: usize,
    #[serde(skip)]
    by: CountBy,
}

/// The counts of a cluster.
#[derive(Clone, Debug)]
pub struct PhoneCounts {
    pub cluster: ClusterInfo,
    taken_at: Timestamp,
    pub by: CountBy,
    /// The counts, the largest first.
    pub rows: Vec<PhoneCount>,
    /// How many phones were counted.
    pub phones: usize,
}

impl PhoneCounts {
    /// Counts the phones of an inventory.
    pub fn of(inventory: &Inventory, by: CountBy) -> Self {
        let mut counts: BTreeMap<Option<&str>, PhoneCount> = BTreeMap::new();
        for phone in &inventory.phones {
            let value = by.value(phone);
            let new = || PhoneCount {
                value: value.map(str::to_owned),
                phones: 0,
                registered: 0,
                capable: 0,
                by,
            };
            let count = counts.entry(value).or_insert_with(new);
            let is_capable = phone.catalogue_entry().is_some_and(|model| model.image.is_some());
            count.phones += 1;
            count.registered += usize::from(phone.registration.status.is_registered());
            count.capable += usize::from(is_capable);
        }
        let mut rows: Vec<PhoneCount> = counts.into_values().collect();
        rows.sort_by_key(|count| Reverse(count.phones));
        let (cluster, taken_at) = (inventory.cluster.clone(), inventory.taken_at);
        Self { cluster, taken_at, by, rows, phones: inventory.phones.len() }
    }
}

impl Row for PhoneCount {
    const COLUMNS: &'static [&'static str] = &["value", "phones", "registered", "capable"];
    const FIXED: &'static [&'static str] = &["phones", "registered", "capable"];

    fn heading(&self, column: &'static str) -> &'static str {
        if column == "value" { self.by.field() } else { column }
    }

    fn cells(&self) -> Vec<String> {
        let Self { value, phones, registered, capable, .. } = self;
        let value = value.clone().unwrap_or_else(|| "(none)".to_owned());
        vec![value, phones.to_string(), registered.to_string(), capable.to_string()]
    }
}

/// What is in a `counts` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct CountsBody<'a> {
    /// When the survey ended.
    taken_at: Timestamp,
    /// The field by which phones are counted.
    by: CountBy,
    /// A count for each value, the largest first unless another order was asked for.
    counts: &'a [PhoneCount],
}

/// The `counts` document, which `inventory --by` writes.
pub fn counts_json(
    counts: &PhoneCounts,
    generated_at: Timestamp,
) -> Document<'_, impl Serialize + use<'_>> {
    let body = CountsBody { taken_at: counts.taken_at, by: counts.by, counts: &counts.rows };
    Document::new("counts", generated_at, Some(Cow::Borrowed(&counts.cluster)), body)
}
