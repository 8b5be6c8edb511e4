//! `listCommonPhoneConfig`: all Common Phone Profiles with their personalization.

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
pub struct ListCommonPhoneConfig(ListRequest<Criteria>);

impl ListCommonPhoneConfig {
    /// Asks for those that match.
    pub fn matching(criteria: Criteria) -> Self {
        Self(ListRequest::new(criteria, TAGS))
    }

    /// Asks for all of them.
    pub fn all() -> Self {
        Self::matching(Criteria { name: Some("%".to_owned()) })
    }
}

impl Operation for ListCommonPhoneConfig {
    const NAME: &'static str = "listCommonPhoneConfig";
    type Output = ListCommonPhoneConfigAnswer;
}

impl PagedOperation for ListCommonPhoneConfig {
    type Row = CommonPhoneConfigRow;

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
    /// The name of the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The answer: one page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ListCommonPhoneConfigAnswer(Return<Rows>);

impl Answer for ListCommonPhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["listCommonPhoneConfigResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
struct Rows {
    #[serde(default, rename = "commonPhoneConfig")]
    rows: Vec<CommonPhoneConfigRow>,
}

/// A Common Phone Profile, as a list shows it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct CommonPhoneConfigRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name. It is always asked for, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    /// What an administrator wrote about it.
    #[serde(deserialize_with = "scalar::text")]
    pub description: Option<String>,
    /// Whether users may choose a background image themselves.
    #[serde(rename = "backgroundImage", deserialize_with = "scalar::boolean")]
    pub background_image: Option<bool>,
    /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
    #[serde(rename = "phonePersonalization", deserialize_with = "scalar::text")]
    pub phone_personalization: Option<String>,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags =
    ReturnedTags(&["name", "description", "backgroundImage", "phonePersonalization"]);
