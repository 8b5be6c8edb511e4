//! The page of a phone or of a Common Phone Profile, as far as a change must know it.

use crate::domain::personalization::Setting;
use crate::domain::plan::Now;
use crate::domain::repair_policy::PageSettings;
use crate::domain::text::digest;
use crate::soap::vendor_markup::{MarkupError, VendorMarkup};

use super::get_common_phone_config::CommonPhoneConfig;
use super::get_phone::Phone;
use super::update_phone::UpdatePhone;

/// The name of the setting (seen in published device files).
pub const WEB_ACCESS: &str = "webAccess";

/// The page of a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhonePage {
    /// The device name.
    pub name: String,
    /// Its own Phone Personalization; nothing when AXL used an unknown word.
    pub personalization: Option<Setting>,
    /// Its Common Phone Profile.
    pub profile: Option<String>,
    /// Its product-specific settings, where they can be written back.
    pub settings: Result<VendorMarkup, MarkupError>,
}

impl From<Phone> for PhonePage {
    fn from(phone: Phone) -> Self {
        Self {
            name: phone.name,
            personalization: phone.phone_suite.as_deref().and_then(Setting::parse),
            profile: phone.common_phone_config.into_name(),
            settings: phone.settings,
        }
    }
}

impl PhonePage {
    /// Makes a page from what stands on it; `document` holds its `vendorConfig`.
    pub fn new(
        name: impl Into<String>,
        personalization: Option<Setting>,
        profile: Option<&str>,
        document: &str,
    ) -> Self {
        let settings = VendorMarkup::find(document);
        let profile = profile.map(str::to_owned);
        Self { name: name.into(), personalization, profile, settings }
    }

    /// Returns its product-specific settings as plans know them.
    ///
    /// # Errors
    /// When they could not be written back as they are.
    pub fn settings(&self) -> Result<PageSettings, MarkupError> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        Ok(PageSettings {
            web_access: settings.get(WEB_ACCESS).map(str::to_owned),
            others: digest(settings.others(WEB_ACCESS)),
        })
    }

    /// Makes the request that sets `webAccess`, or takes it out, and leaves every other setting as it is.
    ///
    /// # Errors
    /// When the other settings could not be written back as they are.
    pub fn with_web_access(&self, value: Option<&str>) -> Result<UpdatePhone, MarkupError> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let settings = match value {
            Some(value) => settings.with(WEB_ACCESS, value),
            None => settings.without(WEB_ACCESS),
        };
        Ok(UpdatePhone::settings(self.name.clone(), settings))
    }

    /// Says what stands there.
    pub fn now(&self) -> Now {
        Now::Phone {
            personalization: self.personalization,
            profile: self.profile.clone(),
            settings: self.settings().map_err(|error| error.to_string()),
        }
    }
}

impl CommonPhoneConfig {
    /// Returns its Phone Personalization; nothing when AXL used an unknown word.
    pub fn personalization(&self) -> Option<Setting> {
        self.phone_personalization.as_deref().and_then(Setting::parse)
    }

    /// Returns a digest of everything that a copy of it has too, but for its name and its Phone
    /// Personalization.
    ///
    /// # Errors
    /// When its product-specific settings could not be copied as they are.
    pub fn digest(&self) -> Result<String, MarkupError> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        let background = self.background_image.map(|on| on.to_string());
        let texts = [
            &self.description,
            &self.dnd_option,
            &self.dnd_alerting_type,
            &background,
            &self.phone_service_display,
            &self.ssh_user_id,
            &self.always_use_prime_line,
            &self.always_use_prime_line_for_voice_message,
            &self.vpn_group.name,
            &self.vpn_profile.name,
            &self.feature_control_policy.name,
            &self.wifi_hotspot_profile.name,
        ];
        let texts = texts.into_iter().map(|text| text.as_deref().unwrap_or_default());
        // No setting has an empty name, so this leaves none out.
        Ok(digest(texts.chain(settings.others(""))))
    }

    /// Says what stands there.
    pub fn now(&self) -> Now {
        Now::Profile {
            personalization: self.personalization(),
            page: self.digest().map_err(|error| error.to_string()),
        }
    }
}
