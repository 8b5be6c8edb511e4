//! The way to one phone: who lives there, what it shows, and then the push.

use crate::media::Picture;
use crate::phone::{PhoneSession, PushObject};
use crate::push::ScreenCheck;
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::reply::judge;
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::{ReplyKind, Target};
use std::sync::Arc;

/// Speaks to phones, and only to those that are meant.
#[derive(Debug)]
pub(crate) struct DeliverySession {
    connector: PhoneConnector,
    /// Looks at the phones' screens, where that is asked for.
    pub(crate) screenshots: Option<ScreenshotCheck>,
}

impl DeliverySession {
    pub(crate) fn new(connector: PhoneConnector) -> Self {
        Self { connector, screenshots: None }
    }

    /// Looks at the phones' screens. A screenshot that is lost with a connection which the phone ends without saying so
    /// would not be asked for again, and prove nothing.
    pub(crate) fn look_at_screens(&mut self, screenshots: ScreenshotCheck) {
        self.connector.not_resend_safe();
        self.screenshots = Some(screenshots);
    }

    /// Finds out whether the phone may be pushed to, and what it shows before; returns the session with it, or why it
    /// may not.
    pub(crate) async fn open(&self, target: &Target) -> Result<PhoneSession, ReplyKind> {
        let Some(screenshots) = &self.screenshots else {
            return self.connector.connect(target).await;
        };
        let mut phone = self.connector.connect_for_screenshot(target).await?;
        screenshots.before(&mut phone, target).await.map_or(Ok(phone), Err)
    }

    /// Sends an object to a phone that was greeted.
    pub(crate) async fn send(
        &self,
        phone: &mut PhoneSession,
        target: &Target,
        object: &impl PushObject,
    ) -> ReplyKind {
        match self.connector.send(phone, target, object).await {
            Ok(answer) => judge(answer, target),
            Err(answer) => answer,
        }
    }

    /// Looks at the phone's screen after a push, where that is asked for.
    pub(crate) async fn look(
        &self,
        target: &Target,
        wanted: Option<&Arc<Picture>>,
    ) -> Option<ScreenCheck> {
        let screenshots = self.screenshots.as_ref()?;
        Some(screenshots.after(&self.connector, target, wanted).await)
    }
}
