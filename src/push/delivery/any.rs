//! The way to phones, whatever is pushed.

use crate::phone::PhoneError;
use crate::push::delivery::external::ExternalDelivery;
use crate::push::delivery::picture::PictureDelivery;
use crate::push::{
    AttemptReply, Delivery, DownloadStatus, Evidence, KeyScriptDelivery, RingToneDelivery, Target,
};

#[derive(Debug)]
pub enum AnyLine {
    Picture(Box<PictureDelivery>),
    /// For pictures that stand elsewhere, and for taking pictures off.
    Direct(Box<ExternalDelivery>),
    Tone(Box<RingToneDelivery>),
    Keys(Box<KeyScriptDelivery>),
}

impl AnyLine {
    /// Makes sure that what would be sent to these targets is not too long for phones.
    ///
    /// # Errors
    /// Says which part is too long, before anything has been sent or changed.
    pub fn check(&self, targets: &[Target]) -> Result<(), PhoneError> {
        match self {
            Self::Picture(delivery) => delivery.check(targets),
            Self::Direct(delivery) => delivery.check(targets),
            Self::Tone(delivery) => delivery.check(targets),
            // A script is read only when all its steps fit.
            Self::Keys(_) => Ok(()),
        }
    }

    /// Returns the URL under which phones download; nothing when they download nothing from us.
    pub fn base_url(&self) -> Option<&str> {
        match self {
            Self::Picture(delivery) => Some(delivery.base_url()),
            Self::Tone(delivery) => Some(delivery.base_url()),
            Self::Direct(_) | Self::Keys(_) => None,
        }
    }

    /// Stops the server, where there is one, once its transfers have ended.
    pub async fn shutdown(self) {
        match self {
            Self::Picture(delivery) => delivery.shutdown().await,
            Self::Tone(delivery) => delivery.shutdown().await,
            Self::Direct(_) | Self::Keys(_) => {}
        }
    }
}

impl Delivery for AnyLine {
    async fn push(&self, target: &Target) -> AttemptReply {
        match self {
            Self::Picture(delivery) => delivery.push(target).await,
            Self::Direct(delivery) => delivery.push(target).await,
            Self::Tone(delivery) => delivery.push(target).await,
            Self::Keys(delivery) => delivery.push(target).await,
        }
    }

    async fn downloads(&self, target: &Target) -> DownloadStatus {
        match self {
            Self::Picture(delivery) => delivery.downloads(target).await,
            Self::Direct(delivery) => delivery.downloads(target).await,
            Self::Tone(delivery) => delivery.downloads(target).await,
            Self::Keys(delivery) => delivery.downloads(target).await,
        }
    }

    async fn evidence(&self, target: &Target, fetched: &DownloadStatus) -> Evidence {
        match self {
            Self::Picture(delivery) => delivery.evidence(target, fetched).await,
            Self::Direct(delivery) => delivery.evidence(target, fetched).await,
            Self::Tone(delivery) => delivery.evidence(target, fetched).await,
            Self::Keys(delivery) => delivery.evidence(target, fetched).await,
        }
    }
}
