//! `removeCommonPhoneConfig`: removes a Common Phone Profile.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::{ByName, Return};
use super::standard_return::StandardReturn;

/// Names the profile.
///
/// The server refuses that while a phone uses it (believed).
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct RemoveCommonPhoneConfig(ByName);

impl RemoveCommonPhoneConfig {
    /// Names the profile.
    pub fn named(name: impl Into<String>) -> Self {
        Self(ByName { name: name.into() })
    }
}

impl Operation for RemoveCommonPhoneConfig {
    const NAME: &'static str = "removeCommonPhoneConfig";
    const INTENT: Intent = Intent::Write;
    type Output = RemoveCommonPhoneConfigAnswer;
}

/// The answer: the server has taken the request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct RemoveCommonPhoneConfigAnswer(Return<StandardReturn>);

impl Answer for RemoveCommonPhoneConfigAnswer {
    const ELEMENTS: &'static [&'static str] = &["removeCommonPhoneConfigResponse"];
}
