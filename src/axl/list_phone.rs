//! `listPhone`: all phones, with what personalization depends on.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::reference::{LoadInformation, Reference};
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

use super::operation::{Operation, PagedOperation};
use super::paging::Page;
use super::request::{ListRequest, Return};

/// Asks for a list, page by page.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ListPhone(ListRequest<Criteria>);

impl ListPhone {
    /// Asks for those that match.
    pub fn matching(criteria: Criteria) -> Self {
        Self(ListRequest::new(criteria, TAGS))
    }

    /// Asks for all of them.
    pub fn all() -> Self {
        Self::matching(Criteria::named("%"))
    }

    /// Asks only who is there: all names and UUIDs, which are small enough for one answer.
    pub fn names() -> Self {
        Self(ListRequest::new(Criteria::named("%"), ReturnedTags(&["name"])))
    }

    /// Asks for the one of this name. AXL takes `_` and `%` in it for wildcards (believed), so others
    /// can come too.
    pub fn named(name: &str) -> Self {
        Self::matching(Criteria::named(name))
    }
}

impl Operation for ListPhone {
    const NAME: &'static str = "listPhone";
    type Output = ListPhoneAnswer;
}

impl PagedOperation for ListPhone {
    type Row = PhoneRow;

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
    /// The device name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `SIP` or `SCCP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The calling search space.
    #[serde(rename = "callingSearchSpaceName", skip_serializing_if = "Option::is_none")]
    pub calling_search_space: Option<String>,
    /// The device pool.
    #[serde(rename = "devicePoolName", skip_serializing_if = "Option::is_none")]
    pub device_pool: Option<String>,
    /// The security profile.
    #[serde(rename = "securityProfileName", skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<String>,
}

impl Criteria {
    fn named(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }
}

/// The answer: one page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ListPhoneAnswer(Return<Rows>);

impl Answer for ListPhoneAnswer {
    const ELEMENTS: &'static [&'static str] = &["listPhoneResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
struct Rows {
    #[serde(default, rename = "phone")]
    rows: Vec<PhoneRow>,
}

/// A phone, as a list shows it. Its `vendorConfig` is only in `getPhone`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct PhoneRow {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name. It is always asked for, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    /// What an administrator wrote about it.
    #[serde(deserialize_with = "scalar::text")]
    pub description: Option<String>,
    /// The product, such as `Cisco 8841`.
    #[serde(deserialize_with = "scalar::text")]
    pub product: Option<String>,
    /// The model, such as `Cisco 8841`; for desk phones the same text as the product.
    #[serde(deserialize_with = "scalar::text")]
    pub model: Option<String>,
    /// `Phone`, or `Phone Template` and others that are no phones.
    #[serde(deserialize_with = "scalar::text")]
    pub class: Option<String>,
    /// `SIP` or `SCCP`.
    #[serde(deserialize_with = "scalar::text")]
    pub protocol: Option<String>,
    /// Its device pool.
    #[serde(rename = "devicePoolName")]
    pub device_pool: Reference,
    /// Its Common Phone Profile.
    #[serde(rename = "commonPhoneConfigName")]
    pub common_phone_config: Reference,
    /// Its location.
    #[serde(rename = "locationName")]
    pub location: Reference,
    /// The firmware that it is configured to run.
    #[serde(rename = "loadInformation")]
    pub load_information: LoadInformation,
    /// Its owner.
    #[serde(rename = "ownerUserName")]
    pub owner: Reference,
    /// Its own authentication URL; nothing when it uses the cluster's.
    #[serde(rename = "authenticationUrl", deserialize_with = "scalar::text")]
    pub authentication_url: Option<String>,
    /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
    #[serde(rename = "phoneSuite", deserialize_with = "scalar::text")]
    pub phone_suite: Option<String>,
    /// Whether it is active: only then it may register.
    #[serde(rename = "isActive", deserialize_with = "scalar::boolean")]
    pub is_active: Option<bool>,
    /// Its own secure authentication URL; nothing when it uses the cluster's.
    #[serde(rename = "secureAuthenticationUrl", deserialize_with = "scalar::text")]
    pub secure_authentication_url: Option<String>,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags = ReturnedTags(&[
    "name",
    "description",
    "product",
    "model",
    "class",
    "protocol",
    "devicePoolName",
    "commonPhoneConfigName",
    "locationName",
    "loadInformation",
    "authenticationUrl",
    "ownerUserName",
    "isActive",
    "phoneSuite",
    "secureAuthenticationUrl",
]);
