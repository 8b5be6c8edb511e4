//! `listUser`: end users.

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
pub struct ListUser(ListRequest<Criteria>);

impl ListUser {
    /// Asks for those that match.
    pub fn matching(criteria: Criteria) -> Self {
        Self(ListRequest::new(criteria, TAGS))
    }

    /// Asks for all of them.
    pub fn all() -> Self {
        Self::matching(Criteria { userid: Some("%".to_owned()), ..Criteria::default() })
    }
}

impl Operation for ListUser {
    const NAME: &'static str = "listUser";
    type Output = ListUserAnswer;
}

impl PagedOperation for ListUser {
    type Row = UserRow;

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
    /// The first name.
    #[serde(rename = "firstName", skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(rename = "lastName", skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userid: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
}

/// The answer: one page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ListUserAnswer(Return<Rows>);

impl Answer for ListUserAnswer {
    const ELEMENTS: &'static [&'static str] = &["listUserResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
struct Rows {
    #[serde(default, rename = "user")]
    rows: Vec<UserRow>,
}

/// An end user, as a list shows it; its devices are only in `getUser`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct UserRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The first name.
    #[serde(rename = "firstName", deserialize_with = "scalar::text")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(rename = "lastName", deserialize_with = "scalar::text")]
    pub last_name: Option<String>,
    /// The user's name. It is always asked for, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub userid: String,
    /// 1 means active; others cannot log in anywhere.
    #[serde(deserialize_with = "scalar::number")]
    pub status: Option<i64>,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags = ReturnedTags(&["firstName", "lastName", "userid", "status"]);
