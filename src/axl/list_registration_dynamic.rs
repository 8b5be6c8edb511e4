//! `listRegistrationDynamic`: what the database remembers of registrations.
//!
//! It needs no RisPort70, but what it tells is what was last known, however long ago. AXL has it from 11.5
//! on; whether a phone is registered (`risStatus`) stands there only from 12.5 on (AXL schema).

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
pub struct ListRegistrationDynamic(ListRequest<Criteria>);

impl ListRegistrationDynamic {
    /// Asks for all devices, with their state.
    pub fn all() -> Self {
        Self(ListRequest::new(Criteria { device: "%" }, TAGS))
    }
}

impl Operation for ListRegistrationDynamic {
    const NAME: &'static str = "listRegistrationDynamic";
    type Output = ListRegistrationDynamicAnswer;
}

impl PagedOperation for ListRegistrationDynamic {
    type Row = RegistrationRow;

    fn turn_to(&mut self, page: Page) {
        self.0.turn_to(page);
    }

    fn rows(answer: Self::Output) -> Vec<Self::Row> {
        answer.0.content.rows
    }

    fn key(row: &Self::Row) -> Option<&str> {
        row.uuid.as_deref().or(row.device.name.as_deref())
    }
}

#[derive(Clone, Debug, Serialize)]
struct Criteria {
    device: &'static str,
}

/// The answer: one page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ListRegistrationDynamicAnswer(Return<Rows>);

impl Answer for ListRegistrationDynamicAnswer {
    const ELEMENTS: &'static [&'static str] = &["listRegistrationDynamicResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
struct Rows {
    #[serde(default, rename = "registrationDynamic")]
    rows: Vec<RegistrationRow>,
}

/// What was last known of one device.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct RegistrationRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The device.
    pub device: Reference,
    /// Its last address, in the words of the cluster.
    #[serde(rename = "lastKnownIpAddress", deserialize_with = "scalar::text")]
    pub ip: Option<String>,
    /// The server that it was last registered with.
    #[serde(rename = "lastKnownUcm", deserialize_with = "scalar::text")]
    pub node: Option<String>,
    /// When it was last seen, in seconds since 1970; copies of the schema disagree about its type.
    #[serde(rename = "lastSeen", deserialize_with = "scalar::number")]
    pub last_seen: Option<i64>,
    /// `Registered`, `Unregistered`, `Rejected`, `Partial Registered` or `Unknown`.
    #[serde(rename = "risStatus", deserialize_with = "scalar::text")]
    pub status: Option<String>,
}

/// The fields that are asked for, in the order of the AXL schema. Published copies of 12.5 disagree about the
/// last one; 14.0 has it.
const TAGS: ReturnedTags =
    ReturnedTags(&["device", "lastKnownIpAddress", "lastKnownUcm", "lastSeen", "risStatus"]);
