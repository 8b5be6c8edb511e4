//! `getCommonPhoneConfig`: one Common Phone Profile with its product-specific settings.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::reference::Reference;
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;
use crate::soap::vendor_config::VendorConfig;
use crate::soap::vendor_markup::{MarkupError, VendorMarkup};

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

    fn keep(&mut self, document: &str) {
        self.0.content.profile.settings = VendorMarkup::find(document);
    }
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Content {
    #[serde(rename = "commonPhoneConfig")]
    profile: CommonPhoneConfig,
}

/// A Common Phone Profile.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct CommonPhoneConfig {
    /// The UUID as AXL writes it.
    #[serde(default, rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The name. It is always asked for, so an empty one means that the server left it out.
    #[serde(default, deserialize_with = "scalar::text_or_empty")]
    pub name: String,
    /// What an administrator wrote about it.
    #[serde(default, deserialize_with = "scalar::text")]
    pub description: Option<String>,
    /// Whether users may choose a background image themselves.
    #[serde(default, rename = "backgroundImage", deserialize_with = "scalar::boolean")]
    pub background_image: Option<bool>,
    /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
    #[serde(default, rename = "phonePersonalization", deserialize_with = "scalar::text")]
    pub phone_personalization: Option<String>,
    /// What Do Not Disturb does.
    #[serde(default, rename = "dndOption", deserialize_with = "scalar::text")]
    pub dnd_option: Option<String>,
    /// How Do Not Disturb tells of a call.
    #[serde(default, rename = "dndAlertingType", deserialize_with = "scalar::text")]
    pub dnd_alerting_type: Option<String>,
    /// Where services are shown.
    #[serde(default, rename = "phoneServiceDisplay", deserialize_with = "scalar::text")]
    pub phone_service_display: Option<String>,
    /// The user for SSH.
    #[serde(default, rename = "sshUserId", deserialize_with = "scalar::text")]
    pub ssh_user_id: Option<String>,
    /// The product-specific settings, such as a picture that the profile forces on its phones.
    #[serde(default, rename = "vendorConfig")]
    pub vendor_config: VendorConfig,
    /// Whether the prime line is always used.
    #[serde(default, rename = "alwaysUsePrimeLine", deserialize_with = "scalar::text")]
    pub always_use_prime_line: Option<String>,
    /// The same for voice messages.
    #[serde(
        default,
        rename = "alwaysUsePrimeLineForVoiceMessage",
        deserialize_with = "scalar::text"
    )]
    pub always_use_prime_line_for_voice_message: Option<String>,
    /// Its VPN group.
    #[serde(default, rename = "vpnGroupName")]
    pub vpn_group: Reference,
    /// Its VPN profile.
    #[serde(default, rename = "vpnProfileName")]
    pub vpn_profile: Reference,
    /// Its feature control policy.
    #[serde(default, rename = "featureControlPolicy")]
    pub feature_control_policy: Reference,
    /// Its profile for a hotspot.
    #[serde(default, rename = "wifiHotspotProfile")]
    pub wifi_hotspot_profile: Reference,
    /// The product-specific settings again, exactly as they were written.
    #[serde(skip, default = "VendorMarkup::none")]
    pub settings: Result<VendorMarkup, MarkupError>,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags = ReturnedTags(&[
    "name",
    "description",
    "dndOption",
    "dndAlertingType",
    "backgroundImage",
    "phonePersonalization",
    "phoneServiceDisplay",
    "sshUserId",
    "vendorConfig",
    "alwaysUsePrimeLine",
    "alwaysUsePrimeLineForVoiceMessage",
    "vpnGroupName",
    "vpnProfileName",
    "featureControlPolicy",
    "wifiHotspotProfile",
]);
