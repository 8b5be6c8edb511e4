//! `doAuthenticateUser`: whether a user's password is right. A wrong one counts towards a lockout (believed).

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::net::session::Intent;
use crate::soap::read::Answer;
use crate::soap::scalar;

use super::operation::Operation;
use super::request::Return;

/// Asks whether this is the user's password. It shows neither in logs nor in errors.
#[derive(Clone)]
pub struct DoAuthenticateUser {
    userid: String,
    password: SecretString,
}

impl DoAuthenticateUser {
    /// Asks about one user.
    pub fn of(userid: impl Into<String>, password: SecretString) -> Self {
        Self { userid: userid.into(), password }
    }
}

impl fmt::Debug for DoAuthenticateUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoAuthenticateUser").field("userid", &self.userid).finish_non_exhaustive()
    }
}

impl Serialize for DoAuthenticateUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("userid", &self.userid)?;
        map.serialize_entry("password", self.password.expose_secret())?;
        map.end()
    }
}

impl Operation for DoAuthenticateUser {
    const NAME: &'static str = "doAuthenticateUser";
    // It changes nothing, but a wrong password counts, so it is not sent twice for one answer.
    const INTENT: Intent = Intent::Write;
    type Output = DoAuthenticateUserAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct DoAuthenticateUserAnswer(Return<Authentication>);

impl DoAuthenticateUserAnswer {
    /// Takes the verdict out.
    pub fn into_authentication(self) -> Authentication {
        self.0.content
    }
}

impl Answer for DoAuthenticateUserAnswer {
    const ELEMENTS: &'static [&'static str] = &["doAuthenticateUserResponse"];
}

/// Whether a password was right.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Authentication {
    /// Whether it was; nothing when the answer does not say.
    #[serde(rename = "userAuthenticated", deserialize_with = "scalar::boolean")]
    pub authenticated: Option<bool>,
    /// A number that says why; which one means what was not published.
    #[serde(deserialize_with = "scalar::number")]
    pub code: Option<i64>,
    /// Days until the password expires.
    #[serde(rename = "daysToExpiry", deserialize_with = "scalar::number")]
    pub days_to_expiry: Option<i64>,
}
