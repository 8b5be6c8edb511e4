//! The way to one phone: who lives there, what it shows, and then the push.

use super::line::{judge, other_device};
use super::screens::Screens;
use super::{Answer, Target};
use crate::phone::{IdentityError, PhoneClient, PushObject};

/// Speaks to phones, and only to those that are meant.
#[derive(Debug)]
pub(super) struct Contact {
    pub(super) phones: PhoneClient,
    /// Whether what does not say who it is gets nothing.
    pub(super) identity_check: bool,
    /// Looks at the phones' screens, where that is asked for.
    pub(super) screens: Option<Screens>,
}

impl Contact {
    pub(super) fn new(phones: PhoneClient) -> Self {
        Self { phones, identity_check: true, screens: None }
    }

    /// Finds out whether the phone may be pushed to, and what it shows before; returns why it may not.
    pub(super) async fn greet(&self, target: &Target) -> Option<Answer> {
        // Addresses are leased. The password must not go to whoever lives there now.
        match self.phones.device_information(target.ip).await {
            Ok(found) => {
                if let Some(other) = other_device(&found, &target.name) {
                    return Some(Answer::WrongDevice(other));
                }
            }
            // A phone with web access offers the page. Whatever else answers here gets no password.
            Err(IdentityError::NotThere { status }) if self.identity_check => {
                let what = format!("something that is no phone (HTTP {status})");
                return Some(Answer::WrongDevice(what));
            }
            Err(IdentityError::NotThere { .. }) => {}
            Err(IdentityError::Unreachable(why)) => {
                return Some(Answer::Unreachable(why.to_string()));
            }
        }
        match &self.screens {
            Some(screens) => screens.before(&self.phones, target).await,
            None => None,
        }
    }

    /// Sends an object to a phone that was greeted.
    pub(super) async fn send(&self, target: &Target, object: &impl PushObject) -> Answer {
        match self.phones.push(target.ip, object).await {
            Ok(answer) => judge(answer),
            Err(error) => Answer::NotSent(error.to_string()),
        }
    }
}
