//! `updateCommonPhoneConfig`: changes a Common Phone Profile.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::Return;
use super::standard_return::StandardReturn;

/// Sets a profile's Phone Personalization. Everything else stays as it is.
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
    type Output = UpdateCommonPhoneConfigAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct UpdateCommonPhoneConfigAnswer(Return<StandardReturn>);

impl Answer for UpdateCommonPhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["updateCommonPhoneConfigResponse"];
}
