//! `listProcessNode`: the servers of the cluster.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

use super::operation::{Operation, PagedOperation};
use super::paging::Page;
use super::request::{ListRequest, Return};

/// Asks for a list, page by page.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ListProcessNode(ListRequest<Criteria>);

impl ListProcessNode {
    /// Asks for those that match.
    pub fn matching(criteria: Criteria) -> Self {
        Self(ListRequest::new(criteria, TAGS))
    }

    /// Asks for all of them.
    pub fn all() -> Self {
        Self::matching(Criteria { name: Some("%".to_owned()), ..Criteria::default() })
    }
}

impl Operation for ListProcessNode {
    const NAME: &'static str = "listProcessNode";
    type Output = ListProcessNodeAnswer;
}

impl PagedOperation for ListProcessNode {
    type Row = ProcessNodeRow;

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
    /// The name or the address of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The role.
    #[serde(rename = "processNodeRole", skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// The answer: one page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ListProcessNodeAnswer(Return<Rows>);

impl Answer for ListProcessNodeAnswer {
    const ELEMENTS: &'static [&'static str] = &["listProcessNodeResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
struct Rows {
    #[serde(default, rename = "processNode")]
    rows: Vec<ProcessNodeRow>,
}

/// A server of the cluster. Release 11.5 answers these fields out of their order.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ProcessNodeRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name. It is always asked for, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    /// What an administrator wrote about it.
    #[serde(deserialize_with = "scalar::text")]
    pub description: Option<String>,
    /// Its IPv6 name or address.
    #[serde(rename = "ipv6Name", deserialize_with = "scalar::text")]
    pub ipv6_name: Option<String>,
    /// `Publisher` or `Subscriber`.
    #[serde(rename = "nodeUsage", deserialize_with = "scalar::text")]
    pub usage: Option<String>,
    /// Its role, such as `CUCM Voice/Video`.
    #[serde(rename = "processNodeRole", deserialize_with = "scalar::text")]
    pub role: Option<String>,
}

impl ProcessNodeRow {
    /// Tells whether this is `EnterpriseWideData`: an entry for settings of the whole cluster, which
    /// is in the list but is no server.
    pub fn is_virtual(&self) -> bool {
        let zero = |uuid: &str| uuid.eq_ignore_ascii_case(VIRTUAL_UUID);
        self.name.eq_ignore_ascii_case(ENTERPRISE_WIDE_DATA)
            || self.uuid.as_deref().is_some_and(zero)
    }
}

/// The name of the entry for settings of the whole cluster.
pub const ENTERPRISE_WIDE_DATA: &str = "EnterpriseWideData";

/// The UUID of that entry, the same in every cluster.
const VIRTUAL_UUID: &str = "{00000000-1111-0000-0000-000000000000}";

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags =
    ReturnedTags(&["name", "description", "ipv6Name", "nodeUsage", "processNodeRole"]);
