//! Pushes ring tones.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};

use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::AcceptedFormat;
use crate::image_server::{ImageHost, PublishedTone};
use crate::media::ToneSet;
use crate::phone::{PhoneError, SetRingTone};
use crate::push::delivery::connector::PhoneConnector;
use crate::push::delivery::picture::GRACE;
use crate::push::delivery::reply::with_downloads;
use crate::push::delivery::session::check_objects;
use crate::push::{AttemptReply, Delivery, DownloadStatus, ReplyKind, Target};

/// Pushes ring tones that phones download from our own server.
#[derive(Debug)]
pub struct RingToneDelivery {
    phones: PhoneConnector,
    host: ImageHost,
    tones: ToneSet,
    verify_timeout: Duration,
    published: Mutex<HashMap<DeviceName, PublishedTone>>,
}

impl RingToneDelivery {
    /// `verify_timeout` is how long to wait for a download after the phone accepted.
    pub fn new(
        phones: PhoneConnector,
        host: ImageHost,
        tones: ToneSet,
        verify_timeout: Duration,
    ) -> Self {
        Self { phones, host, tones, verify_timeout, published: Mutex::default() }
    }

    /// Returns the phone's own URL: the same one for every attempt, so that a late download counts.
    fn published(&self, target: &Target) -> Result<PublishedTone, ReplyKind> {
        let AcceptedFormat::Tone(format) = target.accepts else {
            return Err(ReplyKind::NotSent(format!("a {} takes no ring tone", target.model)));
        };
        let tone = self.tones.get(format);
        let tone = tone.ok_or_else(|| {
            ReplyKind::NotSent(format!("no ring tone was made for {}", target.model))
        })?;
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tone) = published.get(&target.name) {
            self.host.readdress(&tone.token, target.recipient());
            return Ok(tone.clone());
        }
        let tone = self.host.publish_tone(target.recipient(), tone);
        let tone = tone.map_err(|error| ReplyKind::NotSent(error.to_string()))?;
        published.insert(target.name.clone(), tone.clone());
        drop(published);
        Ok(tone)
    }

    async fn attempt(&self, target: &Target) -> Result<ReplyKind, ReplyKind> {
        let mut phone = self.phones.connect(target).await?;
        let PublishedTone { url, token } = self.published(target)?;
        let reply = self.phones.send(&mut phone, target, &SetRingTone { url }).await;
        Ok(with_downloads(reply, self.host.fetched(&token).complete(), "the ring tone"))
    }

    async fn downloaded(&self, target: &Target) -> DownloadStatus {
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

impl Delivery for RingToneDelivery {
    fn push<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, AttemptReply> {
        self.attempt(target).map(AttemptReply::from).boxed()
    }

    fn downloads<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, DownloadStatus> {
        self.downloaded(target).boxed()
    }

    fn check(&self, targets: &[Target]) -> Result<(), PhoneError> {
        check_objects(targets, |target| Ok(SetRingTone { url: self.published(target)?.url }))
    }

    fn base_url(&self) -> Option<&str> {
        Some(self.host.base().as_str())
    }

    fn was_requested(&self) -> Option<bool> {
        Some(self.host.was_requested())
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.host.shutdown(GRACE).boxed()
    }
}
