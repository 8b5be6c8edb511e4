//! `updateAppUser`: replaces the devices that an application user controls.

use serde::{Deserialize, Serialize};

use crate::net::session::Intent;
use crate::soap::read::Answer;

use super::operation::Operation;
use super::request::{DevicesOfUser, Return};
use super::standard_return::StandardReturn;

/// Replaces the list of devices of a user **as a whole**; no version of AXL can add to it (AXL schema).
///
/// Nothing but the list is sent: fields that are left out stay as they are, and those that a directory
/// owns must not be written.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct UpdateAppUser(DevicesOfUser);

impl UpdateAppUser {
    /// Makes `devices` the whole list. Returns nothing when there are none: an empty list takes every
    /// device away, and that has to be asked for with [`Self::clearing`].
    pub fn replacing(userid: impl Into<String>, devices: Vec<String>) -> Option<Self> {
        DevicesOfUser::replacing(userid.into(), devices).map(Self)
    }

    /// Takes every device away, to go back to a list that was empty before.
    pub fn clearing(userid: impl Into<String>) -> Self {
        Self(DevicesOfUser::clearing(userid.into()))
    }
}

impl Operation for UpdateAppUser {
    const NAME: &'static str = "updateAppUser";
    const INTENT: Intent = Intent::Write;
    type Output = UpdateAppUserAnswer;
}

/// The answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct UpdateAppUserAnswer(Return<StandardReturn>);

impl UpdateAppUserAnswer {
    /// Returns the UUID of the user, when the server tells it.
    pub fn uuid(&self) -> Option<&str> {
        self.0.content.uuid.as_deref()
    }
}

impl Answer for UpdateAppUserAnswer {
    const ELEMENTS: &'static [&'static str] = &["updateAppUserResponse"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_never_an_accident() {
        assert!(UpdateAppUser::replacing("pusher", Vec::new()).is_none());
        assert!(UpdateAppUser::replacing("pusher", vec![" ".to_owned()]).is_none());
        assert!(UpdateAppUser::replacing("pusher", vec!["SEP1".to_owned()]).is_some());
    }
}
