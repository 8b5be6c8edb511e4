//! `applyCommonPhoneConfig`: lets all phones of a profile take their configuration over.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::{ByName, Return};
use super::standard_return::StandardReturn;

/// Names the profile.
///
/// It touches **every** phone of the profile, whoever selected what.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ApplyCommonPhoneConfig(ByName);

impl ApplyCommonPhoneConfig {
    /// Names the profile.
    pub fn named(name: impl Into<String>) -> Self {
        Self(ByName { name: name.into() })
    }
}

impl Operation for ApplyCommonPhoneConfig {
    const NAME: &'static str = "applyCommonPhoneConfig";
    const INTENT: Intent = Intent::Write;
    type Output = ApplyCommonPhoneConfigAnswer;
}

/// The answer: the server has taken the request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ApplyCommonPhoneConfigAnswer(Return<StandardReturn>);

impl Answer for ApplyCommonPhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["applyCommonPhoneConfigResponse"];
}
