//! `applyPhone`: lets a phone take its configuration over.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::{ByName, Return};
use super::standard_return::StandardReturn;

/// Names the phone.
///
/// The phone reads its configuration again, and restarts only where a setting needs that (believed; 10.0 and
/// later).
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ApplyPhone(ByName);

impl ApplyPhone {
    /// Names the phone.
    pub fn named(name: impl Into<String>) -> Self {
        Self(ByName { name: name.into() })
    }
}

impl Operation for ApplyPhone {
    const NAME: &'static str = "applyPhone";
    const INTENT: Intent = Intent::Write;
    type Output = ApplyPhoneAnswer;
}

/// The answer: the server has taken the request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ApplyPhoneAnswer(Return<StandardReturn>);

impl Answer for ApplyPhoneAnswer {
    const ELEMENTS: &'static [&'static str] = &["applyPhoneResponse"];
}
