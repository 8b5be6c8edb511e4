//! `getPhone`: one phone with the settings that only its product has.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::reference::{LoadInformation, Reference};
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;
use crate::soap::vendor_config::VendorConfig;
use crate::soap::vendor_markup::{MarkupError, VendorMarkup};

use super::operation::Operation;
use super::request::{NamedRequest, Return};

/// Asks for one of them by name.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct GetPhone(NamedRequest);

impl GetPhone {
    /// Asks for the object with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(NamedRequest { name: name.into(), tags: TAGS })
    }
}

impl Operation for GetPhone {
    const NAME: &'static str = "getPhone";
    type Output = GetPhoneAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct GetPhoneAnswer(Return<Content>);

impl GetPhoneAnswer {
    /// Takes the phone out.
    pub fn into_phone(self) -> Phone {
        self.0.content.phone
    }
}

impl Answer for GetPhoneAnswer {
    const ELEMENTS: &'static [&'static str] = &["getPhoneResponse"];

    fn keep(&mut self, document: &str) {
        self.0.content.phone.settings = VendorMarkup::find(document);
    }
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Content {
    phone: Phone,
}

/// A phone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Phone {
    /// The UUID as AXL writes it.
    #[serde(default, rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name. It is always asked for, so an empty one means that the server left it out.
    #[serde(default, deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    /// The product, such as `Cisco 8841`.
    #[serde(default, deserialize_with = "scalar::text")]
    pub product: Option<String>,
    /// The model, such as `Cisco 8841`; for desk phones the same text as the product.
    #[serde(default, deserialize_with = "scalar::text")]
    pub model: Option<String>,
    /// `Phone`, or `Phone Template` and others that are no phones.
    #[serde(default, deserialize_with = "scalar::text")]
    pub class: Option<String>,
    /// `SIP` or `SCCP`.
    #[serde(default, deserialize_with = "scalar::text")]
    pub protocol: Option<String>,
    /// Its device pool.
    #[serde(default, rename = "devicePoolName")]
    pub device_pool: Reference,
    /// Its Common Phone Profile.
    #[serde(default, rename = "commonPhoneConfigName")]
    pub common_phone_config: Reference,
    /// The firmware that it is configured to run.
    #[serde(default, rename = "loadInformation")]
    pub load_information: LoadInformation,
    /// The settings that only its product has, such as `webAccess` (0 enabled, 1 disabled).
    #[serde(default, rename = "vendorConfig")]
    pub vendor_config: VendorConfig,
    /// Changes with every change of its configuration.
    #[serde(default, rename = "versionStamp", deserialize_with = "scalar::text")]
    pub version_stamp: Option<String>,
    /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
    #[serde(default, rename = "phoneSuite", deserialize_with = "scalar::text")]
    pub phone_suite: Option<String>,
    /// The product-specific settings again, exactly as they were written.
    #[serde(skip, default = "VendorMarkup::none")]
    pub settings: Result<VendorMarkup, MarkupError>,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags = ReturnedTags(&[
    "name",
    "product",
    "model",
    "class",
    "protocol",
    "devicePoolName",
    "commonPhoneConfigName",
    "loadInformation",
    "vendorConfig",
    "versionStamp",
    "phoneSuite",
]);
