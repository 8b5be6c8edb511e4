//! The way to phones, for whatever is pushed.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::model::KEM;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, Proof};
use crate::media::{PreparedImage, PreparedSet, blocking, prepare};
use crate::push::delivery::any::AnyLine;
use crate::push::delivery::external::{ExternalDelivery, ExternalPush};
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::{KeyScriptDelivery, RingToneDelivery};
use crate::rollout::images;
use crate::rollout::images::DeliveryContext;
use crate::rollout::payload::SourceImage;
use crate::rollout::payload::{Payload, PreparedPayload};

/// Puts the way to the phones together, and starts the server where they download from us; `phone_side_ip` is where
/// these are.
///
/// # Errors
/// When the server cannot listen, or when phones could not reach it.
pub async fn delivery(
    sending: &DeliveryContext<'_>,
    phone_side_ip: Option<IpAddr>,
    payload: &Payload,
    prepared: PreparedPayload,
    observer: &Arc<dyn Observer>,
) -> Result<AnyLine, AppError> {
    let wait = sending.push.verify_timeout;
    let patience = payload.reply_timeout(sending.push.phone_timeout);
    let named = || payload.picture_name(sending.picture_file);
    let name = sending.push.picture_name.clone().unwrap_or_else(named);
    let what = match prepared {
        PreparedPayload::Pictures(pictures) => {
            return pictures_line(sending, phone_side_ip, payload, (pictures, name), observer)
                .await;
        }
        PreparedPayload::Tones(tones) => {
            let phones = images::phone_connector(sending, patience)?.resend_safe();
            let host = sending.push_access.image_server.start(phone_side_ip, observer).await?;
            return Ok(AnyLine::Tone(Box::new(RingToneDelivery::new(phones, host, tones, wait))));
        }
        PreparedPayload::Script(script) => {
            let phones = images::phone_connector(sending, patience)?;
            return Ok(AnyLine::Keys(Box::new(KeyScriptDelivery::new(phones, script))));
        }
        PreparedPayload::Elsewhere(models) => ExternalPush::Show(models),
        PreparedPayload::Removal => ExternalPush::Remove,
    };
    let phones = images::phone_connector(sending, patience)?.resend_safe();
    let delivery = ExternalDelivery::new(phones, what, name);
    let delivery = match screenshots(sending) {
        Some(screenshots) => delivery.with_screens(screenshots),
        None => delivery,
    };
    Ok(AnyLine::Direct(Box::new(delivery)))
}

async fn pictures_line(
    sending: &DeliveryContext<'_>,
    phone_side_ip: Option<IpAddr>,
    payload: &Payload,
    (pictures, name): (PreparedSet, String),
    observer: &Arc<dyn Observer>,
) -> Result<AnyLine, AppError> {
    let mut delivery = images::delivery(sending, phone_side_ip, pictures, name, observer).await?;
    if let Payload::Picture { kem: Some(kem), .. } = payload {
        delivery = delivery
            .with_kem(&made_for_kem(kem).await?)
            .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
    }
    if sending.proof == Proof::None {
        delivery = delivery.without_proof();
    }
    if let Some(screenshots) = screenshots(sending) {
        delivery = delivery
            .with_screens(screenshots)
            .map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
    }
    Ok(AnyLine::Picture(Box::new(delivery)))
}

/// Looks at screens, where that is how pushes are proven.
fn screenshots(sending: &DeliveryContext<'_>) -> Option<ScreenshotCheck> {
    let wait = sending.push.verify_timeout;
    (sending.proof == Proof::Screenshot)
        .then(|| ScreenshotCheck::new(sending.recorder.clone(), wait))
}

/// Makes the picture for key expansion modules.
async fn made_for_kem(kem: &SourceImage) -> Result<Arc<PreparedImage>, AppError> {
    let picture = Arc::clone(&kem.picture);
    let made = blocking(move || prepare(&picture, &KEM)).await;
    made.map(Arc::new).map_err(|error| AppError::from_error(ErrorKind::Failed, error))
}
