//! `getCommonPhoneConfig`: one Common Phone Profile with its product-specific settings.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;
use crate::soap::vendor_config::VendorConfig;

use super::operation::Operation;
use super::request::{NamedRequest, Return};

/// Asks for one of them by name.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct GetCommonPhoneConfig(NamedRequest);

impl GetCommonPhoneConfig {
    /// Asks for the object with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(NamedRequest { name: name.into(), tags: TAGS })
    }
}

impl Operation for GetCommonPhoneConfig {
    const NAME: &'static str = "getCommonPhoneConfig";
    type Output = GetCommonPhoneConfigAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct GetCommonPhoneConfigAnswer(Return<Content>);

impl GetCommonPhoneConfigAnswer {
    /// Takes the profile out.
    pub fn into_profile(self) -> CommonPhoneConfig {
        self.0.content.profile
    }
}

impl Answer for GetCommonPhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["getCommonPhoneConfigResponse"];
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Content {
    #[serde(rename = "commonPhoneConfig")]
    profile: CommonPhoneConfig,
}

/// A Common Phone Profile.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct CommonPhoneConfig {
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
    /// The product-specific settings, such as a picture that the profile forces on its phones.
    #[serde(rename = "vendorConfig")]
    pub vendor_config: VendorConfig,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags = ReturnedTags(&[
    "name",
    "description",
    "backgroundImage",
    "phonePersonalization",
    "vendorConfig",
]);
