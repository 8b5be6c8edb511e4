//! Common Phone Profiles.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::operation::Operation;
use super::request::{Get, List, Object as _, StandardReturn, change_by_name, record};
use crate::domain::personalization::Setting;
use crate::domain::plan::CurrentState;
use crate::domain::text::{digest, is_readable};
use crate::net::session::Intent;
use crate::soap::reference::Reference;
use crate::soap::vendor_config::VendorConfig;
use crate::soap::vendor_markup::{MarkupError, VendorMarkup};

record! {
    /// A Common Phone Profile, as a list shows it.
    #[derive(Default)]
    row CommonPhoneConfigRow = List ListCommonPhoneConfig "listCommonPhoneConfig", "commonPhoneConfig" by name {
        /// The name. It is always asked for, so an empty one means that the server left it out.
        name: String = "name",
        description: Option<String> = "description",
        /// Whether users may choose a background image themselves.
        background_image: Option<bool> = "backgroundImage",
        /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
        phone_personalization: Option<String> = "phonePersonalization",
    }
}

record! {
    object CommonPhoneConfig = Get GetCommonPhoneConfig "getCommonPhoneConfig", "commonPhoneConfig" by name {
        /// The name. It is always asked for, so an empty one means that the server left it out.
        name: String = "name",
        description: Option<String> = "description",
        /// What Do Not Disturb does.
        dnd_option: Option<String> = "dndOption",
        /// How Do Not Disturb announces a call.
        dnd_alerting_type: Option<String> = "dndAlertingType",
        /// Whether users may choose a background image themselves.
        background_image: Option<bool> = "backgroundImage",
        /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
        phone_personalization: Option<String> = "phonePersonalization",
        phone_service_display: Option<String> = "phoneServiceDisplay",
        ssh_user_id: Option<String> = "sshUserId",
        /// The product-specific settings, such as a picture that the profile forces on its phones.
        vendor_config: VendorConfig = "vendorConfig",
        /// Whether the prime line is always used.
        always_use_prime_line: Option<String> = "alwaysUsePrimeLine",
        always_use_prime_line_for_voice_message: Option<String> = "alwaysUsePrimeLineForVoiceMessage",
        vpn_group: Reference = "vpnGroupName",
        vpn_profile: Reference = "vpnProfileName",
        feature_control_policy: Reference = "featureControlPolicy",
        wifi_hotspot_profile: Reference = "wifiHotspotProfile",
    }
    keeps settings
}

impl CommonPhoneConfig {
    /// Returns its Phone Personalization; nothing when AXL used an unknown value.
    pub fn personalization(&self) -> Option<Setting> {
        self.phone_personalization.as_deref().and_then(Setting::parse)
    }

    /// Returns a digest of everything that a copy of it has too, but for its name and its Phone
    /// Personalization.
    ///
    /// # Errors
    /// When something of it could not be copied as it is.
    pub fn digest(&self) -> Result<String, MarkupError> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let texts = self.copied_fields();
        let is_broken =
            |text: &Option<Cow<'_, str>>| text.as_deref().is_some_and(|text| !is_readable(text));
        if let Some((field, _)) = texts.iter().find(|(_, text)| is_broken(text)) {
            return Err(MarkupError::Unreadable((*field).to_owned()));
        }
        let texts = texts.iter().map(|(_, text)| text.as_deref().unwrap_or_default());
        // No setting has an empty name, so this leaves none out.
        Ok(digest(texts.chain(settings.others(""))))
    }

    /// Returns every field that a copy has too, but for the product-specific settings.
    fn copied_fields(&self) -> [(&'static str, Option<Cow<'_, str>>); 12] {
        [
            ("description", self.description.as_deref().map(Cow::from)),
            ("dndOption", self.dnd_option.as_deref().map(Cow::from)),
            ("dndAlertingType", self.dnd_alerting_type.as_deref().map(Cow::from)),
            ("backgroundImage", self.background_image.map(|on| on.to_string().into())),
            ("phoneServiceDisplay", self.phone_service_display.as_deref().map(Cow::from)),
            ("sshUserId", self.ssh_user_id.as_deref().map(Cow::from)),
            ("alwaysUsePrimeLine", self.always_use_prime_line.as_deref().map(Cow::from)),
            (
                "alwaysUsePrimeLineForVoiceMessage",
                self.always_use_prime_line_for_voice_message.as_deref().map(Cow::from),
            ),
            ("vpnGroupName", self.vpn_group.name.as_deref().map(Cow::from)),
            ("vpnProfileName", self.vpn_profile.name.as_deref().map(Cow::from)),
            ("featureControlPolicy", self.feature_control_policy.name.as_deref().map(Cow::from)),
            ("wifiHotspotProfile", self.wifi_hotspot_profile.name.as_deref().map(Cow::from)),
        ]
    }

    pub fn now(&self) -> CurrentState {
        CurrentState::Profile {
            personalization: self.personalization(),
            page: self.digest().map_err(|error| error.to_string()),
        }
    }
}

/// `addCommonPhoneConfig`: copies a profile.
#[derive(Clone, Debug, Serialize)]
pub struct AddCommonPhoneConfig {
    #[serde(rename = "commonPhoneConfig")]
    profile: ProfileCopy,
    #[serde(skip)]
    settings: VendorMarkup,
}

impl AddCommonPhoneConfig {
    /// Copies a profile under another name and with another Phone Personalization, written as AXL writes it.
    ///
    /// # Errors
    /// When its product-specific settings could not be copied as they are.
    pub fn copy_of(
        source: &CommonPhoneConfig,
        name: impl Into<String>,
        personalization: &'static str,
    ) -> Result<Self, MarkupError> {
        let settings = source.settings.clone()?;
        let profile = ProfileCopy { source: source.clone(), name: name.into(), personalization };
        Ok(Self { profile, settings })
    }
}

impl Operation for AddCommonPhoneConfig {
    const NAME: &'static str = "addCommonPhoneConfig";
    const INTENT: Intent = Intent::Write;
    type Output = StandardReturn;

    fn settings(&self) -> Option<&VendorMarkup> {
        Some(&self.settings)
    }
}

/// The fields of a profile that can be read and written, in the order of the AXL schema.
///
/// The passwords for unlocking and for SSH are not among them: no server returns them.
#[derive(Clone, Debug)]
struct ProfileCopy {
    source: CommonPhoneConfig,
    name: String,
    personalization: &'static str,
}

impl Serialize for ProfileCopy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let copied = self.source.copied_fields();
        let mut map = serializer.serialize_map(None)?;
        for field in CommonPhoneConfig::TAGS.0 {
            match *field {
                "name" => map.serialize_entry(field, &self.name)?,
                "phonePersonalization" => map.serialize_entry(field, self.personalization)?,
                // Only marks the place; see [`Operation::settings`].
                "vendorConfig" => map.serialize_entry(field, &())?,
                _ => {
                    let value = copied.iter().find(|(name, _)| name == field);
                    if let Some((_, Some(value))) = value {
                        map.serialize_entry(field, value)?;
                    }
                }
            }
        }
        map.end()
    }
}

/// `updateCommonPhoneConfig`: sets a profile's Phone Personalization. Everything else stays as it is.
#[derive(Clone, Debug, Serialize)]
pub struct UpdateCommonPhoneConfig {
    name: String,
    #[serde(rename = "phonePersonalization")]
    personalization: &'static str,
}

impl UpdateCommonPhoneConfig {
    /// Sets it by the word that AXL uses.
    pub fn personalization(name: impl Into<String>, setting: &'static str) -> Self {
        Self { name: name.into(), personalization: setting }
    }
}

impl Operation for UpdateCommonPhoneConfig {
    const NAME: &'static str = "updateCommonPhoneConfig";
    const INTENT: Intent = Intent::Write;
    type Output = StandardReturn;
}

change_by_name! {
    /// `removeCommonPhoneConfig`. The server refuses it while a phone uses the profile (believed).
    RemoveCommonPhoneConfig, "removeCommonPhoneConfig"
}

change_by_name! {
    /// `applyCommonPhoneConfig`: **every** phone of the profile applies its configuration, whichever phones were
    /// selected.
    ApplyCommonPhoneConfig, "applyCommonPhoneConfig"
}

change_by_name! {
    /// `resetCommonPhoneConfig`: restarts **every** phone of the profile, whichever phones were selected, and ends
    /// their calls.
    ResetCommonPhoneConfig, "resetCommonPhoneConfig"
}
