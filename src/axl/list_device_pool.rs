//! `listDevicePool`: all device pools.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::reference::Reference;
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

use super::operation::{Operation, PagedOperation};
use super::paging::Page;
use super::request::{ListRequest, Return};

/// Asks for a list, page by page.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ListDevicePool(ListRequest<Criteria>);

impl ListDevicePool {
    /// Asks for those that match.
    pub fn matching(criteria: Criteria) -> Self {
        Self(ListRequest::new(criteria, TAGS))
    }

    /// Asks for all of them.
    pub fn all() -> Self {
        Self::matching(Criteria { name: Some("%".to_owned()), ..Criteria::default() })
    }
}

impl Operation for ListDevicePool {
    const NAME: &'static str = "listDevicePool";
    type Output = ListDevicePoolAnswer;
}

impl PagedOperation for ListDevicePool {
    type Row = DevicePoolRow;

    fn turn_to(&mut self, page: Page) {
        self.0.turn_to(page);
    }

    fn rows(answer: Self::Output) -> Vec<Self::Row> {
        answer.0.content.rows
    }

    fn key(row: &Self::Row) -> Option<&str> {
        row.uuid.as_deref().or_else(|| (!row.name.is_empty()).then_some(&row.name))
    }
}

/// Which ones; `%` stands for any text. AXL wants at least one criterion.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Criteria {
    /// The name of the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The group of call managers.
    #[serde(rename = "callManagerGroupName", skip_serializing_if = "Option::is_none")]
    pub call_manager_group: Option<String>,
    /// The region.
    #[serde(rename = "regionName", skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// The answer: one page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ListDevicePoolAnswer(Return<Rows>);

impl Answer for ListDevicePoolAnswer {
    const ELEMENTS: &'static [&'static str] = &["listDevicePoolResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
struct Rows {
    #[serde(default, rename = "devicePool")]
    rows: Vec<DevicePoolRow>,
}

/// A device pool, as a list shows it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct DevicePoolRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name. It is always asked for, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    /// Its group of call managers.
    #[serde(rename = "callManagerGroupName")]
    pub call_manager_group: Reference,
    /// Its region.
    #[serde(rename = "regionName")]
    pub region: Reference,
    /// Its location.
    #[serde(rename = "locationName")]
    pub location: Reference,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags =
    ReturnedTags(&["name", "callManagerGroupName", "regionName", "locationName"]);
