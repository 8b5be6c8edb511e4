//! The way to phones, for whatever is pushed.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::model::KEM;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, Proof};
use crate::media::{PreparedImage, blocking, prepare};
use crate::push::delivery::external::ExternalDelivery;
use crate::push::delivery::picture::PictureDelivery;
use crate::push::delivery::removal::RemovalDelivery;
use crate::push::delivery::screenshots::ScreenshotCheck;
use crate::push::delivery::session::DeliverySession;
use crate::push::{Delivery, KeyScriptDelivery, RingToneDelivery};
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
) -> Result<Box<dyn Delivery>, AppError> {
    let wait = sending.push.verify_timeout;
    let patience = payload.reply_timeout(sending.push.phone_timeout);
    let named = || payload.picture_name(sending.picture_file);
    let name = sending.push.picture_name.clone().unwrap_or_else(named);
    Ok(match prepared {
        PreparedPayload::Pictures(pictures) => {
            let failed =
                |error: &dyn std::error::Error| AppError::from_error(ErrorKind::Failed, error);
            let host = sending.push_access.image_server.start(phone_side_ip, observer).await?;
            let session = session(sending)?;
            let mut delivery = PictureDelivery::new(session, host, pictures, name, wait)
                .map_err(|error| failed(&error))?;
            if let Payload::Picture { kem: Some(kem), .. } = payload {
                delivery = delivery
                    .with_kem(&*made_for_kem(kem).await?)
                    .map_err(|error| failed(&error))?;
            }
            Box::new(if sending.proof == Proof::None { delivery.without_proof() } else { delivery })
        }
        PreparedPayload::Tones(tones) => {
            let phones = images::phone_connector(sending, patience)?.resend_safe();
            let host = sending.push_access.image_server.start(phone_side_ip, observer).await?;
            Box::new(RingToneDelivery::new(phones, host, tones, wait))
        }
        PreparedPayload::Script(script) => {
            let phones = images::phone_connector(sending, patience)?;
            Box::new(KeyScriptDelivery::new(phones, script))
        }
        PreparedPayload::Elsewhere(models) => {
            Box::new(ExternalDelivery::new(session(sending)?, models, name))
        }
        PreparedPayload::Removal => Box::new(RemovalDelivery::new(session(sending)?, name)),
    })
}

/// Connects to phones, and takes screenshots where they prove pushes.
fn session(sending: &DeliveryContext<'_>) -> Result<DeliverySession, AppError> {
    let connector = images::phone_connector(sending, sending.push.phone_timeout)?;
    if sending.proof != Proof::Screenshot {
        return Ok(DeliverySession::new(connector));
    }
    let screenshots = ScreenshotCheck::new(sending.recorder.clone(), sending.push.verify_timeout);
    Ok(DeliverySession::with_screenshots(connector, screenshots))
}

/// Makes the picture for key expansion modules.
async fn made_for_kem(kem: &SourceImage) -> Result<Arc<PreparedImage>, AppError> {
    let picture = Arc::clone(&kem.picture);
    let made = blocking(move || prepare(&picture, &KEM)).await;
    made.map(Arc::new).map_err(|error| AppError::from_error(ErrorKind::Failed, &error))
}
