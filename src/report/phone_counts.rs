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
    const ALL: [Self; 4] = [Self::DevicePool, Self::Model, Self::Profile, Self::Load];

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
    const fn field(self) -> &'static str {
        match self {
            Self::DevicePool => "device_pool",
            Self::Model => "model",
            Self::Profile => "profile",
            Self::Load => "load",
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

    fn named(self, value: Option<String>) -> CountValue {
        match self {
            Self::DevicePool => CountValue::DevicePool(value),
            Self::Model => CountValue::Model(value),
            Self::Profile => CountValue::Profile(value),
            Self::Load => CountValue::Load(value),
        }
    }
}

/// A value with the name of its field; nothing where the phones have none, or it is not known.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
enum CountValue {
    DevicePool(Option<String>),
    Model(Option<String>),
    Profile(Option<String>),
    Load(Option<String>),
}

/// Phones that have one value of a field; `BY` is the [`CountBy`].
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(rename = "PhoneCount")]
pub struct PhoneCount<const BY: usize> {
    #[serde(flatten)]
    value: CountValue,
    /// How many phones have it.
    phones: usize,
    /// How many of them are registered.
    registered: usize,
    /// How many of them are of a model that shows pushed pictures.
    capable: usize,
}

/// The counts of a cluster.
#[derive(Clone, Debug)]
pub struct PhoneCounts<const BY: usize> {
    pub cluster: ClusterInfo,
    taken_at: Timestamp,
    /// The counts, the largest first.
    pub rows: Vec<PhoneCount<BY>>,
    /// How many phones were counted.
    pub phones: usize,
}

impl<const BY: usize> PhoneCounts<BY> {
    /// The field by which phones are counted.
    pub const BY: CountBy = CountBy::ALL[BY];

    /// Counts the phones of an inventory.
    pub fn of(inventory: &Inventory) -> Self {
        let mut counts: BTreeMap<Option<&str>, PhoneCount<BY>> = BTreeMap::new();
        for phone in &inventory.phones {
            let value = Self::BY.value(phone);
            let new = || PhoneCount {
                value: Self::BY.named(value.map(str::to_owned)),
                phones: 0,
                registered: 0,
                capable: 0,
            };
            let count = counts.entry(value).or_insert_with(new);
            let is_capable = phone.catalogue_entry().is_some_and(|model| model.image.is_some());
            count.phones += 1;
            count.registered += usize::from(phone.registration.status.is_registered());
            count.capable += usize::from(is_capable);
        }
        let mut rows: Vec<PhoneCount<BY>> = counts.into_values().collect();
        rows.sort_by_key(|count| Reverse(count.phones));
        let (cluster, taken_at) = (inventory.cluster.clone(), inventory.taken_at);
        Self { cluster, taken_at, rows, phones: inventory.phones.len() }
    }
}

impl<const BY: usize> Row for PhoneCount<BY> {
    const COLUMNS: &'static [&'static str] =
        &[CountBy::ALL[BY].field(), "phones", "registered", "capable"];
    const FIXED: &'static [&'static str] = &["phones", "registered", "capable"];

    fn cells(&self) -> Vec<String> {
        let Self { value, phones, registered, capable } = self;
        let (CountValue::DevicePool(value)
        | CountValue::Model(value)
        | CountValue::Profile(value)
        | CountValue::Load(value)) = value;
        let value = value.clone().unwrap_or_else(|| "(none)".to_owned());
        vec![value, phones.to_string(), registered.to_string(), capable.to_string()]
    }
}

/// What is in a `counts` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct CountsBody<'a, const BY: usize> {
    /// When the survey ended.
    taken_at: Timestamp,
    /// The field by which phones are counted.
    by: CountBy,
    /// A count for each value, the largest first unless another order was asked for.
    counts: &'a [PhoneCount<BY>],
}

/// The `counts` document, which `inventory --by` writes.
pub fn counts_json<const BY: usize>(
    counts: &PhoneCounts<BY>,
    generated_at: Timestamp,
) -> Document<'_, impl Serialize + use<'_, BY>> {
    let by = PhoneCounts::<BY>::BY;
    let body = CountsBody { taken_at: counts.taken_at, by, counts: &counts.rows };
    Document::new("counts", generated_at, Some(Cow::Borrowed(&counts.cluster)), body)
}
