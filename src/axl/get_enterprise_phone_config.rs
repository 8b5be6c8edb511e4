//! `getEnterprisePhoneConfig`: the settings of the page Enterprise Phone Configuration.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::vendor_config::VendorConfig;

use super::operation::Operation;
use super::request::Return;

/// Asks for them. There is one such page in a cluster.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GetEnterprisePhoneConfig {}

impl Operation for GetEnterprisePhoneConfig {
    const NAME: &'static str = "getEnterprisePhoneConfig";
    type Output = GetEnterprisePhoneConfigAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct GetEnterprisePhoneConfigAnswer(Return<Content>);

impl GetEnterprisePhoneConfigAnswer {
    /// Takes the settings out.
    pub fn into_vendor_config(self) -> VendorConfig {
        self.0.content.config.vendor_config
    }
}

impl Answer for GetEnterprisePhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["getEnterprisePhoneConfigResponse"];
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct Content {
    #[serde(rename = "enterprisePhoneConfig")]
    config: Config,
}

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
struct Config {
    #[serde(rename = "vendorConfig")]
    vendor_config: VendorConfig,
}
