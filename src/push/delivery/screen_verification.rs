//! Looks at the screens of phones and compares them with what they were proven to show. Pushes nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::domain::device_name::DeviceName;
use crate::domain::model::PushSchema;
use crate::event::{Outcome, Stage};
use crate::journal::Moment;
use crate::media::{ExpectedScreen, blocking};
use crate::phone::Screenshot;
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::screenshots::{ScreenshotCheck, refusal, take};
use crate::push::policy::verification::shows;
use crate::push::{AttemptReply, Delivery, Evidence, ReplyKind, ScreenCheck, Target};

/// The pictures that phones should show, by the name of the picture and the model.
pub type ExpectedScreens = HashMap<(String, String), Arc<ExpectedScreen>>;

/// Takes one screenshot of each phone.
#[derive(Debug)]
pub struct VerificationDelivery {
    connector: PhoneConnector,
    screenshots: ScreenshotCheck,
    expected: ExpectedScreens,
    looks: Mutex<HashMap<DeviceName, ScreenCheck>>,
}

impl VerificationDelivery {
    pub fn new(
        connector: PhoneConnector,
        screenshots: ScreenshotCheck,
        expected: ExpectedScreens,
    ) -> Self {
        Self { connector, screenshots, expected, looks: Mutex::default() }
    }

    async fn look(&self, target: &Target) -> Result<ReplyKind, ReplyKind> {
        let key = (target.picture.clone(), target.model.clone());
        let Some(expected) = self.expected.get(&key).cloned() else {
            return Err(ReplyKind::NotSent("there is no picture to compare with".to_owned()));
        };
        let SeenScreen { file, like } = look_at(&self.connector, target, Some(expected)).await?;
        let (look, bytes) = (ScreenCheck::Current { like: like.unwrap_or_default() }, file.len());
        // Screenshots of all phones would fill the journal; a person needs those that differ.
        if !shows(&look)
            && let Err(error) = self.screenshots.keep(target, Moment::After, file).await
        {
            tracing::debug!(phone = %target.name, error, "the screenshot is not in the journal");
        }
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.insert(target.name.clone(), look);
        drop(looks);
        Ok(ReplyKind::Accepted(format!("a screenshot of {bytes} bytes")))
    }
}

impl Delivery for VerificationDelivery {
    fn stage(&self) -> Stage {
        Stage::Screens
    }

    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        self.look(target).map(AttemptReply::from).boxed()
    }

    fn evidence<'a>(&'a self, target: &'a Target, _: bool) -> BoxFuture<'a, Evidence> {
        let look = {
            let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
            looks.remove(&target.name)
        };
        const NOT_TAKEN: &str = "no screenshot was taken";
        ready(Evidence::without_downloads(look, NOT_TAKEN)).boxed()
    }
}

/// Takes one screenshot of a phone that has identified itself, and compares it with what the phone should show.
///
/// # Errors
/// Returns the reply of the attempt where there is no screenshot.
pub async fn look_at(
    connector: &PhoneConnector,
    target: &Target,
    expected: Option<Arc<ExpectedScreen>>,
) -> Result<SeenScreen, ReplyKind> {
    let mut phone = connector.connect_for_screenshot(target).await?;
    let (screen, file) = match take(&mut phone, target, Moment::After).await {
        Ok(taken) => taken,
        Err(Screenshot::AuthRefused(reply)) => return Err(refusal(&reply)),
        Err(Screenshot::None(why)) => return Err(not_verifiable(target, why)),
        Err(Screenshot::File(_)) => {
            return Err(not_verifiable(target, "its screenshot cannot be read".to_owned()));
        }
    };
    let like = match expected {
        Some(expected) => Some(blocking(move || expected.similarity(&screen)).await),
        None => None,
    };
    Ok(SeenScreen { file, like })
}

/// A phone's screen.
#[derive(Debug)]
pub struct SeenScreen {
    pub file: Vec<u8>,
    /// How much of it looks like the expected picture, from 0 to 1; nothing where there is none.
    pub like: Option<f64>,
}

impl SeenScreen {
    /// Tells whether it shows the expected picture, where there is one.
    pub fn shows_picture(&self) -> Option<bool> {
        self.like.map(|like| shows(&ScreenCheck::Current { like }))
    }
}

fn not_verifiable(target: &Target, why: String) -> ReplyKind {
    let is_phoneos =
        target.accepts.image().is_some_and(|image| image.schema == PushSchema::PhoneOs);
    let remedy = if is_phoneos && !target.https {
        "phones of the 8875 and 9800 series send screenshots over HTTPS only: --phone-ca-file FILE, or --phone-tls \
         pin-first-use; what was proven still counts"
    } else {
        "what was proven still counts; check the phone's screen, or push again with --force"
    };
    ReplyKind::Blocked { outcome: Outcome::NotVerifiable, why, remedy: remedy.to_owned() }
}
