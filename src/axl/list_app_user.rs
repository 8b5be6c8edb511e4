//! `listAppUser`: application users.

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
pub struct ListAppUser(ListRequest<Criteria>);

impl ListAppUser {
    /// Asks for those that match.
    pub fn matching(criteria: Criteria) -> Self {
        Self(ListRequest::new(criteria, TAGS))
    }

    /// Asks for all of them.
    pub fn all() -> Self {
        Self::matching(Criteria { userid: Some("%".to_owned()) })
    }
}

impl Operation for ListAppUser {
    const NAME: &'static str = "listAppUser";
    type Output = ListAppUserAnswer;
}

impl PagedOperation for ListAppUser {
    type Row = AppUserRow;

    fn turn_to(&mut self, page: Page) {
        self.0.turn_to(page);
    }

    fn rows(answer: Self::Output) -> Vec<Self::Row> {
        answer.0.content.rows
    }

    fn key(row: &Self::Row) -> Option<&str> {
        row.uuid.as_deref().or_else(|| (!row.userid.is_empty()).then_some(&row.userid))
    }
}

/// Which ones; `%` stands for any text. AXL wants at least one criterion.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Criteria {
    /// The user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userid: Option<String>,
}

/// The answer: one page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ListAppUserAnswer(Return<Rows>);

impl Answer for ListAppUserAnswer {
    const ELEMENTS: &'static [&'static str] = &["listAppUserResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
struct Rows {
    #[serde(default, rename = "appUser")]
    rows: Vec<AppUserRow>,
}

/// An application user, as a list shows it; its devices are only in `getAppUser`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct AppUserRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The user's name. It is always asked for, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub userid: String,
    /// Whether it came with the product.
    #[serde(rename = "isStandard", deserialize_with = "scalar::boolean")]
    pub is_standard: Option<bool>,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags = ReturnedTags(&["userid", "isStandard"]);
