//! `getAppUser`: an application user and the devices that it controls.

use serde::{Deserialize, Serialize};

use crate::soap::read::Answer;
use crate::soap::reference::DeviceNames;
use crate::soap::scalar;
use crate::soap::tags::ReturnedTags;

use super::operation::Operation;
use super::password_credentials::PasswordCredentials;
use super::request::{Return, UserRequest};

/// Asks for one of them by name.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct GetAppUser(UserRequest);

impl GetAppUser {
    /// Asks for the user with this name.
    pub fn named(userid: impl Into<String>) -> Self {
        Self(UserRequest { userid: userid.into(), tags: TAGS })
    }
}

impl GetAppUser {
    /// Asks only whether the user with this name may log in.
    pub fn standing(userid: impl Into<String>) -> Self {
        Self(UserRequest { userid: userid.into(), tags: STANDING_TAGS })
    }
}

impl Operation for GetAppUser {
    const NAME: &'static str = "getAppUser";
    type Output = GetAppUserAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct GetAppUserAnswer(Return<Content>);

impl GetAppUserAnswer {
    /// Takes the user out.
    pub fn into_user(self) -> AppUser {
        self.0.content.user
    }
}

impl Answer for GetAppUserAnswer {
    const ELEMENTS: &'static [&'static str] = &["getAppUserResponse"];
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Content {
    #[serde(rename = "appUser")]
    user: AppUser,
}

/// An application user and its devices.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct AppUser {
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
    /// What is known of its password.
    #[serde(rename = "passwordCredentials")]
    pub password_credentials: PasswordCredentials,
}

/// The fields that are asked for, in the order of the AXL schema; every version has them.
const TAGS: ReturnedTags = ReturnedTags(&["userid", "associatedDevices"]);

/// Where the credentials stand in the AXL schema.
const STANDING_TAGS: ReturnedTags = ReturnedTags(&["userid", "passwordCredentials"]);
