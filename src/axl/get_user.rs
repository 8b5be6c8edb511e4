//! `getUser`: an end user and the devices that it controls.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::reference::{DeviceNames, Reference};
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

use super::operation::Operation;
use super::password_credentials::PasswordCredentials;
use super::request::{Return, UserRequest};

/// Asks for one of them by name.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct GetUser(UserRequest);

impl GetUser {
    /// Asks for the user with this name.
    pub fn named(userid: impl Into<String>) -> Self {
        Self(UserRequest { userid: userid.into(), tags: TAGS })
    }
}

impl GetUser {
    /// Asks only whether the user with this name may log in.
    pub fn standing(userid: impl Into<String>) -> Self {
        Self(UserRequest { userid: userid.into(), tags: STANDING_TAGS })
    }
}

impl Operation for GetUser {
    const NAME: &'static str = "getUser";
    type Output = GetUserAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct GetUserAnswer(Return<Content>);

impl GetUserAnswer {
    /// Takes the user out.
    pub fn into_user(self) -> User {
        self.0.content.user
    }
}

impl Answer for GetUserAnswer {
    const ELEMENTS: &'static [&'static str] = &["getUserResponse"];
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Content {
    user: User,
}

/// An end user and its devices.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct User {
    /// The UUID as AXL writes it.
    #[serde(rename = "@uuid", deserialize_with = "scalar::uuid")]
    pub uuid: Option<String>,
    /// The user's name. It is always asked for, so an empty one means that the server left it out.
    #[serde(deserialize_with = "scalar::text_or_empty")]
    pub userid: String,
    /// The devices that the user controls. Nothing when the server left the list out, which is not the
    /// same as an empty list: what was not seen must not be replaced.
    #[serde(rename = "associatedDevices")]
    pub associated_devices: Option<DeviceNames>,
    /// 1 means active; others cannot log in anywhere.
    #[serde(deserialize_with = "scalar::number")]
    pub status: Option<i64>,
    /// The directory that the user comes from; nothing for a local user.
    #[serde(rename = "ldapDirectoryName")]
    pub ldap_directory: Reference,
    /// What is known of its password.
    #[serde(rename = "passwordCredentials")]
    pub password_credentials: PasswordCredentials,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags =
    ReturnedTags(&["userid", "associatedDevices", "status", "ldapDirectoryName"]);

/// Where the credentials stand in the AXL schema.
const STANDING_TAGS: ReturnedTags = ReturnedTags(&["userid", "passwordCredentials", "status"]);
