//! `updatePhone`: changes settings of a phone.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;
use crate::soap::vendor_markup::VendorMarkup;

use super::operation::Operation;
use super::request::Return;
use super::standard_return::StandardReturn;

/// Changes one thing of a phone. What is left out stays as it is.
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
    /// Sets its own Phone Personalization, by the word that AXL uses.
    pub fn personalization(name: impl Into<String>, setting: &'static str) -> Self {
        Self { name: name.into(), personalization: Some(setting), ..Self::default() }
    }

    /// Moves it to another Common Phone Profile.
    pub fn profile(name: impl Into<String>, profile: impl Into<String>) -> Self {
        Self { name: name.into(), profile: Some(profile.into()), ..Self::default() }
    }

    /// Replaces its product-specific settings **as a whole** (believed, so it is taken for certain).
    pub fn settings(name: impl Into<String>, settings: VendorMarkup) -> Self {
        let settings = Some(settings);
        Self { name: name.into(), settings_mark: Some(()), settings, ..Self::default() }
    }
}

impl Operation for UpdatePhone {
    const NAME: &'static str = "updatePhone";
    const INTENT: Intent = Intent::Write;
    type Output = UpdatePhoneAnswer;

    fn settings(&self) -> Option<&VendorMarkup> {
        self.settings.as_ref()
    }
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct UpdatePhoneAnswer(Return<StandardReturn>);

impl Answer for UpdatePhoneAnswer {
    const ELEMENTS: &'static [&'static str] = &["updatePhoneResponse"];
}
