//! Phones, and the page of a phone as far as a change must know it.

use serde::Serialize;

use super::operation::Operation;
use super::request::{Get, List, StandardReturn, change_by_name, record};
use crate::domain::personalization::Setting;
use crate::domain::phone_page::PageSettings;
use crate::domain::plan::CurrentState;
use crate::domain::text::digest;
use crate::net::session::Intent;
use crate::soap::reference::{LoadInformation, Reference};
use crate::soap::tags::ReturnedTags;
use crate::soap::vendor_config::VendorConfig;
use crate::soap::vendor_markup::{MarkupError, VendorMarkup};

impl ListPhone {
    /// Requests only names and UUIDs of all phones, which are small enough for one response.
    pub fn names() -> Self {
        Self::all().with_tags(ReturnedTags(&["name"]))
    }

    /// Requests the phone of this name. AXL takes `_` and `%` in it for wildcards (believed), so others
    /// can come too.
    pub fn named(name: &str) -> Self {
        Self::matching(name)
    }
}

record! {
    /// A phone, as a list shows it. Its `vendorConfig` is only in `getPhone`.
    #[derive(Default)]
    row PhoneRow = List ListPhone "listPhone", "phone" by name {
        /// The name. It is always asked for, so an empty one means that the server left it out.
        name: String = "name",
        description: Option<String> = "description",
        /// The product, such as `Cisco 8841`.
        product: Option<String> = "product",
        /// The model, such as `Cisco 8841`; for desk phones the same text as the product.
        model: Option<String> = "model",
        /// `Phone`, or `Phone Template` and others that are no phones.
        class: Option<String> = "class",
        /// `SIP` or `SCCP`.
        protocol: Option<String> = "protocol",
        device_pool: Reference = "devicePoolName",
        common_phone_config: Reference = "commonPhoneConfigName",
        location: Reference = "locationName",
        /// The firmware that it is configured to run.
        load_information: LoadInformation = "loadInformation",
        /// Its own authentication URL; nothing when it uses the cluster's.
        authentication_url: Option<String> = "authenticationUrl",
        owner: Reference = "ownerUserName",
        /// Whether it is active: only then it may register.
        is_active: Option<bool> = "isActive",
        /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
        phone_suite: Option<String> = "phoneSuite",
        /// Its own secure authentication URL; nothing when it uses the cluster's.
        secure_authentication_url: Option<String> = "secureAuthenticationUrl",
    }
}

record! {
    object Phone = Get GetPhone "getPhone", "phone" by name {
        /// The name. It is always asked for, so an empty one means that the server left it out.
        name: String = "name",
        /// The product, such as `Cisco 8841`.
        product: Option<String> = "product",
        /// The model, such as `Cisco 8841`; for desk phones the same text as the product.
        model: Option<String> = "model",
        /// `Phone`, or `Phone Template` and others that are no phones.
        class: Option<String> = "class",
        /// `SIP` or `SCCP`.
        protocol: Option<String> = "protocol",
        device_pool: Reference = "devicePoolName",
        common_phone_config: Reference = "commonPhoneConfigName",
        /// The firmware that it is configured to run.
        load_information: LoadInformation = "loadInformation",
        /// The settings that only its product has, such as `webAccess` (0 enabled, 1 disabled).
        vendor_config: VendorConfig = "vendorConfig",
        /// Changes with every change of its configuration.
        version_stamp: Option<String> = "versionStamp",
        /// Its Phone Personalization setting: `Disabled`, `Enabled`, `HTTPS Only` or `Default`.
        phone_suite: Option<String> = "phoneSuite",
    }
    keeps settings
}

/// `updatePhone`: changes one thing of a phone. What is left out stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdatePhone {
    name: String,
    #[serde(rename = "commonPhoneConfigName", skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// Only marks the place; see [`Operation::settings`].
    #[serde(rename = "vendorConfig", skip_serializing_if = "Option::is_none")]
    settings_mark: Option<()>,
    #[serde(rename = "phoneSuite", skip_serializing_if = "Option::is_none")]
    personalization: Option<&'static str>,
    #[serde(skip)]
    settings: Option<VendorMarkup>,
}

impl UpdatePhone {
    /// Sets its own Phone Personalization, written as AXL writes it.
    pub fn personalization(name: impl Into<String>, setting: &'static str) -> Self {
        Self { name: name.into(), personalization: Some(setting), ..Self::default() }
    }

    /// Moves it to another Common Phone Profile.
    pub fn profile(name: impl Into<String>, profile: impl Into<String>) -> Self {
        Self { name: name.into(), profile: Some(profile.into()), ..Self::default() }
    }

    /// Replaces its product-specific settings **as a whole** (believed; this code relies on it).
    pub fn settings(name: impl Into<String>, settings: VendorMarkup) -> Self {
        let settings = Some(settings);
        Self { name: name.into(), settings_mark: Some(()), settings, ..Self::default() }
    }
}

impl Operation for UpdatePhone {
    const NAME: &'static str = "updatePhone";
    const INTENT: Intent = Intent::Write;
    type Output = StandardReturn;

    fn settings(&self) -> Option<&VendorMarkup> {
        self.settings.as_ref()
    }
}

change_by_name! {
    /// `applyPhone`: the phone reads its configuration again, and restarts only where a setting needs that (believed;
    /// 10.0 and later).
    ApplyPhone, "applyPhone"
}

change_by_name! {
    /// `resetPhone`: restarts the phone, which ends every call of it.
    ResetPhone, "resetPhone"
}

/// The name of the setting (seen in published device files).
pub const WEB_ACCESS: &str = "webAccess";

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhonePage {
    pub name: String,
    /// Its own Phone Personalization; nothing when AXL used an unknown value.
    pub personalization: Option<Setting>,
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
    /// Makes a page; `document` holds its `vendorConfig`.
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
    pub fn settings(&self) -> Result<PageSettings, MarkupError> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        Ok(PageSettings {
            web_access: settings.get(WEB_ACCESS).map(str::to_owned),
            others: digest(settings.others(WEB_ACCESS)),
        })
    }

    /// Makes the request that sets `webAccess`, or removes it, and leaves every other setting as it is.
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

    pub fn now(&self) -> CurrentState {
        CurrentState::Phone {
            personalization: self.personalization,
            profile: self.profile.clone(),
            settings: self.settings().map_err(|error| error.to_string()),
        }
    }
}
