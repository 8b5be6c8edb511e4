//! The way to one phone: who lives there, what it shows, and then the push.

use super::evidence::Look;
use super::line::judge;
use super::meeting::Meeting;
use super::screens::Screens;
use super::{Answer, Target};
use crate::domain::model::PushSchema;
use crate::media::Picture;
use crate::phone::{PhoneClient, PushObject};

/// Speaks to phones, and only to those that are meant.
#[derive(Debug)]
pub(super) struct Contact {
    meeting: Meeting,
    /// Looks at the phones' screens, where that is asked for.
    pub(super) screens: Option<Screens>,
}

impl Contact {
    pub(super) fn new(meeting: Meeting) -> Self {
        Self { meeting, screens: None }
    }

    /// Looks at the phones' screens. Every request has a connection of its own then: a screenshot that is lost with a
    /// connection which the phone ends without a word would not be asked for again, and prove nothing.
    pub(super) fn look_at_screens(&mut self, screens: Screens) {
        self.meeting.close_connections();
        self.screens = Some(screens);
    }

    /// Finds out whether the phone may be pushed to, and what it shows before; returns the client for it, or why it
    /// may not.
    pub(super) async fn greet(&self, target: &Target) -> Result<PhoneClient, Answer> {
        let phone = self.meet(target).await?;
        let refused = match &self.screens {
            Some(screens) => screens.before(&phone, target).await,
            None => None,
        };
        refused.map_or(Ok(phone), Err)
    }

    /// Meets the phone. A PhoneOS phone gives screenshots over HTTPS only (seen in a published tool), so it is met there
    /// when one is wanted and something says by what its certificate is believed.
    async fn meet(&self, target: &Target) -> Result<PhoneClient, Answer> {
        let phoneos = target.takes.image().is_some_and(|image| image.schema == PushSchema::PhoneOs);
        if phoneos && self.screens.is_some() && self.meeting.speaks_https() {
            return self.meeting.moved(target).await;
        }
        self.meeting.meet(target).await
    }

    /// Sends an object to a phone that was greeted.
    pub(super) async fn send(
        &self,
        phone: &PhoneClient,
        target: &Target,
        object: &impl PushObject,
    ) -> Answer {
        match self.meeting.send(phone, target, object).await {
            Ok(answer) => judge(answer, target),
            Err(answer) => answer,
        }
    }

    /// Looks at the phone's screen after a push, where that is asked for. The password goes along, so the phone has to
    /// say again who it is.
    pub(super) async fn look(&self, target: &Target, wanted: Option<&Picture>) -> Option<Look> {
        let screens = self.screens.as_ref()?;
        Some(match self.meet(target).await {
            Ok(phone) => screens.after(&phone, target, wanted).await,
            Err(_) => Look::None("after the push it could not be met again".to_owned()),
        })
    }
}
