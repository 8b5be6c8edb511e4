//! `addCommonPhoneConfig`: makes a Common Phone Profile.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;
use crate::soap::vendor_markup::{MarkupError, VendorMarkup};

use super::get_common_phone_config::CommonPhoneConfig;
use super::operation::Operation;
use super::request::Return;
use super::standard_return::StandardReturn;

/// Makes a profile.
#[derive(Clone, Debug, Serialize)]
pub struct AddCommonPhoneConfig {
    #[serde(rename = "commonPhoneConfig")]
    profile: Profile,
    #[serde(skip)]
    settings: VendorMarkup,
}

/// The fields of a profile that can be read and written, in the order of the AXL schema.
///
/// The passwords for unlocking and for SSH are not among them: no server gives them out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dnd_option: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dnd_alerting_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background_image: Option<bool>,
    phone_personalization: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_service_display: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_user_id: Option<String>,
    /// Only marks the place; see [`Operation::settings`].
    vendor_config: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    always_use_prime_line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    always_use_prime_line_for_voice_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpn_group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpn_profile_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_control_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wifi_hotspot_profile: Option<String>,
}

impl AddCommonPhoneConfig {
    /// Copies a profile under another name and with another Phone Personalization, by the word that AXL uses.
    ///
    /// # Errors
    /// When its product-specific settings could not be copied as they are.
    pub fn copy_of(
        source: &CommonPhoneConfig,
        name: impl Into<String>,
        personalization: &'static str,
    ) -> Result<Self, MarkupError> {
        let settings = source.settings.clone()?;
        let profile = Profile {
            name: name.into(),
            description: source.description.clone(),
            dnd_option: source.dnd_option.clone(),
            dnd_alerting_type: source.dnd_alerting_type.clone(),
            background_image: source.background_image,
            phone_personalization: personalization,
            phone_service_display: source.phone_service_display.clone(),
            ssh_user_id: source.ssh_user_id.clone(),
            vendor_config: (),
            always_use_prime_line: source.always_use_prime_line.clone(),
            always_use_prime_line_for_voice_message: source
                .always_use_prime_line_for_voice_message
                .clone(),
            vpn_group_name: source.vpn_group.name.clone(),
            vpn_profile_name: source.vpn_profile.name.clone(),
            feature_control_policy: source.feature_control_policy.name.clone(),
            wifi_hotspot_profile: source.wifi_hotspot_profile.name.clone(),
        };
        Ok(Self { profile, settings })
    }
}

impl Operation for AddCommonPhoneConfig {
    const NAME: &'static str = "addCommonPhoneConfig";
    const INTENT: Intent = Intent::Write;
    type Output = AddCommonPhoneConfigAnswer;

    fn settings(&self) -> Option<&VendorMarkup> {
        Some(&self.settings)
    }
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct AddCommonPhoneConfigAnswer(Return<StandardReturn>);

impl Answer for AddCommonPhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["addCommonPhoneConfigResponse"];
}
