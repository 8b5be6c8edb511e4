//! Compares screenshots of a phone from before and after a push, and keeps both in the journal.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::device_name::DeviceName;
use crate::domain::error_chain::error_chain;
use crate::event::PhoneError;
use crate::journal::{Moment, Recorder};
use crate::media::{Picture, Screen, blocking, changed, similarity};
use crate::phone::{PhoneSession, Reply, Screenshot};
use crate::push::delivery::connector::PhoneConnector;
use crate::push::policy::verification::shows;
use crate::push::{ReplyKind, ScreenCheck, Target};

#[derive(Debug)]
pub struct ScreenshotCheck {
    recorder: Recorder,
    /// How long a phone may take until its screen shows the result.
    wait: Duration,
    before: Mutex<HashMap<DeviceName, Result<Screen, String>>>,
}

impl ScreenshotCheck {
    /// Takes screenshots for at most `wait` after each push.
    pub fn new(recorder: Recorder, wait: Duration) -> Self {
        Self { recorder, wait, before: Mutex::default() }
    }

    /// Takes the screenshot before the push. Returns the reply of the attempt where the phone must not be pushed to.
    ///
    /// A phone that refuses the push user here will refuse the push too, and every refusal can count against the
    /// account. So the refusal is the reply, and no second request is sent.
    pub(crate) async fn before(
        &self,
        phone: &mut PhoneSession,
        target: &Target,
    ) -> Option<ReplyKind> {
        let screen = match take(phone, target, Moment::Before).await {
            Ok((screen, file)) => self.keep(target, Moment::Before, file).await.map(|()| screen),
            Err(Screenshot::AuthRefused(reply)) => return Some(refusal(&reply)),
            Err(Screenshot::None(why)) => Err(why),
            Err(Screenshot::File(_)) => Err("its screenshot cannot be read".to_owned()),
        };
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        before.insert(target.name.clone(), screen);
        None
    }

    /// Takes screenshots until one shows the result of the push, or until the time for it has passed. `wanted` is the
    /// picture, or nothing where one was removed.
    pub(crate) async fn after(
        &self,
        phones: &PhoneConnector,
        target: &Target,
        wanted: Option<&Arc<Picture>>,
    ) -> ScreenCheck {
        let before = {
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            before.remove(&target.name)
        };
        let before = match before {
            Some(Ok(screen)) => Arc::new(screen),
            Some(Err(why)) => return ScreenCheck::None(format!("{why} (before the push)")),
            None => return ScreenCheck::None("no screenshot was taken before the push".to_owned()),
        };
        let (begun, pause) = (Instant::now(), (self.wait / MOST_SCREENSHOTS).max(SHORTEST_PAUSE));
        loop {
            let look = match self.look(phones, target, wanted, &before).await {
                // Every refusal can count against the account, so no second request is sent.
                Err(Screenshot::AuthRefused(reply)) => {
                    return ScreenCheck::Refused(format!("after the push {reply}"));
                }
                Err(Screenshot::None(why)) => Err(why),
                Err(Screenshot::File(_)) => Err("its screenshot cannot be read".to_owned()),
                Ok(look) => Ok(look),
            };
            let over = begun.elapsed() + pause > self.wait;
            match look {
                Ok((look, file)) if over || shows(&look) => {
                    return match self.keep(target, Moment::After, file).await {
                        Ok(()) => look,
                        Err(why) => ScreenCheck::None(why),
                    };
                }
                Err(why) if over => return ScreenCheck::None(format!("{why} (after the push)")),
                Ok(_) | Err(_) => tokio::time::sleep(pause).await,
            }
        }
    }

    /// Takes and compares one screenshot. The request has the password, so the phone is identified each time.
    async fn look(
        &self,
        phones: &PhoneConnector,
        target: &Target,
        wanted: Option<&Arc<Picture>>,
        before: &Arc<Screen>,
    ) -> Result<(ScreenCheck, Vec<u8>), Screenshot> {
        let mut phone = phones
            .connect_for_screenshot(target)
            .await
            .map_err(|_| Screenshot::None("could not reconnect to the phone".to_owned()))?;
        let (screen, file) = take(&mut phone, target, Moment::After).await?;
        let (wanted, before) = (wanted.cloned(), Arc::clone(before));
        let compare = move || match wanted {
            Some(picture) => ScreenCheck::Picture(similarity(&picture, &before, &screen)),
            None => ScreenCheck::Removal { changed: changed(&before, &screen) },
        };
        let look = blocking(compare).await;
        Ok((look, file))
    }

    /// Writes a screenshot to the journal. One that is missing in the report later proves nothing.
    pub(crate) async fn keep(
        &self,
        target: &Target,
        moment: Moment,
        file: Vec<u8>,
    ) -> Result<(), String> {
        let kept = self.recorder.keep_screen(&target.name, moment, file).await;
        kept.map_err(|error| format!("its screenshot could not be kept: {}", error_chain(&error)))
    }
}

/// Requests a screenshot and decodes it. Any other reply is the error.
pub(crate) async fn take(
    phone: &mut PhoneSession,
    target: &Target,
    moment: Moment,
) -> Result<(Screen, Vec<u8>), Screenshot> {
    match phone.screenshot().await {
        Screenshot::File(file) => match blocking(move || (Screen::read(&file), file)).await {
            (Ok(screen), file) => Ok((screen, file)),
            (Err(error), _) => {
                tracing::debug!(phone = %target.name, ?moment, %error, "no usable screenshot");
                Err(Screenshot::None(format!("its screenshot cannot be used ({error})")))
            }
        },
        other @ (Screenshot::AuthRefused(_) | Screenshot::None(_)) => Err(other),
    }
}

/// Returns the reply of an attempt whose phone refused the push user when it was asked for its screen.
pub(crate) fn refusal(reply: &Reply) -> ReplyKind {
    let text = format!("{reply} (asked for a screenshot)");
    ReplyKind::AuthRefused(PhoneError { number: None, text, raw: String::new() })
}

const MOST_SCREENSHOTS: u32 = 6;
/// Phones need a moment to draw and to send a screenshot.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
