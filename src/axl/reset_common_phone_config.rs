//! `resetCommonPhoneConfig`: restarts all phones of a profile.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::{ByName, Return};
use super::standard_return::StandardReturn;

/// Names the profile.
///
/// It ends every call of **every** phone of the profile, whoever selected what.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ResetCommonPhoneConfig(ByName);

impl ResetCommonPhoneConfig {
    /// Names the profile.
    pub fn named(name: impl Into<String>) -> Self {
        Self(ByName { name: name.into() })
    }
}

impl Operation for ResetCommonPhoneConfig {
    const NAME: &'static str = "resetCommonPhoneConfig";
    const INTENT: Intent = Intent::Write;
    type Output = ResetCommonPhoneConfigAnswer;
}

/// The answer: the server has taken the request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ResetCommonPhoneConfigAnswer(Return<StandardReturn>);

impl Answer for ResetCommonPhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["resetCommonPhoneConfigResponse"];
}
