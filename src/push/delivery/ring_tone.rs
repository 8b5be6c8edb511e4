//! The way to a phone that gets a ring tone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::AcceptedFormat;
use crate::image_server::{ImageHost, PublishedTone};
use crate::media::ToneSet;
use crate::phone::{PhoneError, PushObject as _, SetRingTone};
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::picture::GRACE;
use crate::push::delivery::reply::{judge, with_downloads};
use crate::push::{AttemptReply, Delivery, DownloadStatus, ReplyKind, Target};

/// Pushes ring tones and lets phones download them from our own server.
#[derive(Debug)]
pub struct RingToneDelivery {
    phones: PhoneConnector,
    host: ImageHost,
    tones: ToneSet,
    verify_timeout: Duration,
    published: Mutex<HashMap<DeviceName, PublishedTone>>,
}

impl RingToneDelivery {
    /// Puts a line together; `verify_timeout` is how long a download is waited for after an acceptance.
    pub fn new(
        phones: PhoneConnector,
        host: ImageHost,
        tones: ToneSet,
        verify_timeout: Duration,
    ) -> Self {
        Self { phones, host, tones, verify_timeout, published: Mutex::default() }
    }

    /// Makes sure that what would be sent to these targets is not too long for phones.
    ///
    /// # Errors
    /// Says which part is too long, before anything has been sent.
    pub fn check(&self, targets: &[Target]) -> Result<(), PhoneError> {
        for target in targets {
            let Ok(PublishedTone { url, .. }) = self.published(target) else { continue };
            SetRingTone { url }.to_xml()?;
        }
        Ok(())
    }

    /// Returns the URL that phones are told.
    pub fn base_url(&self) -> &str {
        self.host.base().as_str()
    }

    /// Stops the server once its transfers have ended.
    pub async fn shutdown(self) {
        self.host.shutdown(GRACE).await;
    }

    /// Returns the phone's own path: the same one for every attempt, so that a late download counts.
    fn published(&self, target: &Target) -> Result<PublishedTone, String> {
        let AcceptedFormat::Tone(format) = target.accepts else {
            return Err(format!("a {} takes no ring tone", target.model));
        };
        let tone = self.tones.get(format);
        let tone = tone.ok_or_else(|| format!("no ring tone was made for {}", target.model))?;
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tone) = published.get(&target.name) {
            self.host.readdress(&tone.token, target.recipient());
            return Ok(tone.clone());
        }
        let tone =
            self.host.publish_tone(target.recipient(), tone).map_err(|error| error.to_string())?;
        published.insert(target.name.clone(), tone.clone());
        drop(published);
        Ok(tone)
    }
}

impl Delivery for RingToneDelivery {
    async fn push(&self, target: &Target) -> AttemptReply {
        let mut phone = match self.phones.connect(target).await {
            Ok(phone) => phone,
            Err(kind) => return kind.into(),
        };
        let PublishedTone { url, token } = match self.published(target) {
            Ok(found) => found,
            Err(why) => return ReplyKind::NotSent(why).into(),
        };
        match self.phones.send(&mut phone, target, &SetRingTone { url }).await {
            Ok(answer) => {
                let complete = self.host.fetched(&token).complete();
                with_downloads(judge(answer, target), complete, "the ring tone").into()
            }
            Err(kind) => kind.into(),
        }
    }

    async fn downloads(&self, target: &Target) -> DownloadStatus {
        let token = {
            let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            published.remove(&target.name).map(|tone| tone.token)
        };
        let Some(token) = token else { return DownloadStatus::default() };
        let seen = self.host.wait_complete(&token, self.verify_timeout).await;
        self.host.retire(&token);
        seen.into()
    }
}
