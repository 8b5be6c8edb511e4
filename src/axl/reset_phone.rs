//! `resetPhone`: restarts a phone.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::{ByName, Return};
use super::standard_return::StandardReturn;

/// Names the phone.
///
/// It ends every call of the phone.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ResetPhone(ByName);

impl ResetPhone {
    /// Names the phone.
    pub fn named(name: impl Into<String>) -> Self {
        Self(ByName { name: name.into() })
    }
}

impl Operation for ResetPhone {
    const NAME: &'static str = "resetPhone";
    const INTENT: Intent = Intent::Write;
    type Output = ResetPhoneAnswer;
}

/// The answer: the server has taken the request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct ResetPhoneAnswer(Return<StandardReturn>);

impl Answer for ResetPhoneAnswer {
    const ELEMENTS: &'static [&'static str] = &["resetPhoneResponse"];
}
