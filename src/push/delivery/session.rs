//! The connection to a phone with a screenshot before the push and one after it, where screenshots prove pushes.

use std::sync::Arc;

use crate::domain::model::ImageSpec;
use crate::media::Picture;
use crate::phone::{PhoneError, PhoneSession, PushObject};
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::{ReplyKind, ScreenCheck, Target};

/// Connects to phones that show a background.
#[derive(Debug)]
pub struct DeliverySession {
    pub(crate) connector: PhoneConnector,
    pub(crate) screenshots: Option<ScreenshotCheck>,
}

impl DeliverySession {
    /// Takes no screenshots. A background is the same after a second push, so a push may be sent again.
    pub fn new(connector: PhoneConnector) -> Self {
        Self { connector: connector.resend_safe(), screenshots: None }
    }

    /// Takes screenshots. A connection that the phone closes without a reply would lose the first one, so the phone
    /// has to show beforehand that it keeps connections open.
    pub fn with_screenshots(connector: PhoneConnector, screenshots: ScreenshotCheck) -> Self {
        Self { connector, screenshots: Some(screenshots) }
    }

    /// Connects to the phone and takes the first screenshot. Returns as an error why nothing may be pushed.
    pub(crate) async fn open(&self, target: &Target) -> Result<PhoneSession, ReplyKind> {
        let Some(screenshots) = &self.screenshots else {
            return self.connector.connect(target).await;
        };
        let mut phone = self.connector.connect_for_screenshot(target).await?;
        screenshots.before(&mut phone, target).await.map_or(Ok(phone), Err)
    }

    /// Sends an object to the phone; an object that could not be built is returned as the reply.
    pub(crate) async fn push(
        &self,
        target: &Target,
        object: Result<impl PushObject, ReplyKind>,
    ) -> Result<ReplyKind, ReplyKind> {
        let object = object?;
        let mut phone = self.open(target).await?;
        Ok(self.connector.send(&mut phone, target, &object).await)
    }

    /// Compares the screen after the push; nothing where no screenshots are taken.
    pub(crate) async fn check_screen(
        &self,
        target: &Target,
        wanted: Option<&Arc<Picture>>,
    ) -> Option<ScreenCheck> {
        let screenshots = self.screenshots.as_ref()?;
        Some(screenshots.after(&self.connector, target, wanted).await)
    }
}

/// Returns the size of the picture for this phone.
pub(crate) fn image_of(target: &Target) -> Result<&ImageSpec, ReplyKind> {
    let none = || ReplyKind::NotSent(format!("a {} takes no picture", target.model));
    target.accepts.image().ok_or_else(none)
}

/// Checks that the objects for these targets are not too long for phones. Skips targets for which there is none.
pub(crate) fn check_objects<O: PushObject>(
    targets: &[Target],
    object: impl Fn(&Target) -> Result<O, ReplyKind>,
) -> Result<(), PhoneError> {
    targets.iter().filter_map(|target| object(target).ok()).try_for_each(|o| o.to_xml().map(drop))
}
