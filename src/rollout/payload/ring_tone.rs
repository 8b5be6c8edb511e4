//! A ring tone that is made from a sound's file.

use std::path::Path;
use std::sync::Arc;

use futures::future::FutureExt as _;

use crate::domain::payload_kind::{AcceptedFormat, ToneFormat};
use crate::domain::push_action::PushAction;
use crate::domain::text::pluralize;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, PhoneResult, Proof};
use crate::journal::{Recorder, SentTone, SentTones};
use crate::media::{Audio, Decoder, ToneError, ToneSet, blocking};
use crate::push::delivery::ring_tone::RingToneDelivery;
use crate::push::{Delivery, Digests, Target};
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::payload::{
    DeliverFuture, ModelFormat, Payload, PrepareFuture, PreparedPayload, SaveFuture,
};

/// A ring tone that phones download from our image server.
#[derive(Debug)]
pub struct RingTone {
    /// The sound.
    pub audio: Arc<Audio>,
    /// The format for all phones; nothing where the model decides.
    pub format: Option<ToneFormat>,
}

/// Reads and decodes a sound's file, and returns the file as well.
///
/// # Errors
/// When it cannot be read or is not a sound.
pub async fn read_audio(path: &Path) -> Result<(Audio, Vec<u8>), AppError> {
    let unusable = |error: ToneError| {
        let internal = matches!(error, ToneError::Decoder { .. });
        AppError::from_error(if internal { ErrorKind::Failed } else { ErrorKind::Usage }, error)
    };
    let bytes = Audio::read(path).map_err(unusable)?;
    let name = path.display().to_string();
    let decode = move || Decoder::this_program().sound(&name, &bytes).map(|audio| (audio, bytes));
    blocking(decode).await.map_err(unusable)
}

impl Payload for RingTone {
    fn action(&self) -> PushAction {
        PushAction::RingTone
    }

    fn describe(&self, name: &str, phones: usize) -> String {
        format!("push the ring tone {name} to {}", pluralize(phones, "phone"))
    }

    /// There is no choice: `--verify` is about pictures.
    fn proof(&self, _: Option<Proof>) -> Result<Proof, AppError> {
        Ok(Proof::default())
    }

    fn is_served(&self) -> bool {
        true
    }

    fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        let Some(format) = self.format else { return (targets, Vec::new()) };
        let accepts = AcceptedFormat::Tone(format);
        (targets.into_iter().map(|target| Target { accepts, ..target }).collect(), Vec::new())
    }

    fn prepare<'a>(&'a self, models: Vec<ModelFormat>, _: &'a dyn Observer) -> PrepareFuture<'a> {
        let formats = models.iter().filter_map(|model| model.accepts.tone());
        let formats: Vec<_> = formats.map(|by_model| self.format.unwrap_or(by_model)).collect();
        let audio = Arc::clone(&self.audio);
        async move {
            let made = blocking(move || ToneSet::make(&audio, formats)).await;
            let tones = made.map_err(|error| AppError::from_error(ErrorKind::Usage, error))?;
            Ok(Box::new(PreparedTones(tones)) as Box<dyn PreparedPayload>)
        }
        .boxed()
    }
}

#[derive(Debug)]
struct PreparedTones(ToneSet);

impl PreparedPayload for PreparedTones {
    fn digests(&self) -> Digests {
        let digests = self.0.digests();
        Digests::new(move |format| digests.get(&format.accepts.tone()?).cloned())
    }

    fn save_summary<'a>(&'a self, recorder: &'a Recorder, _: &'a str) -> SaveFuture<'a> {
        let tones = ToneFormat::ALL.iter().filter_map(|format| self.0.get(*format));
        let tones = tones.map(|tone| SentTone {
            digest: tone.digest(),
            format: tone.format,
            bytes: tone.bytes.len(),
            ms: tone.samples as u64 * 1000 / u64::from(tone.format.rate()),
            cut: tone.cut,
        });
        let sent = SentTones { tones: tones.collect() };
        async move { recorder.snapshot(SentTones::KIND, &sent).await }.boxed()
    }

    fn deliver<'a>(self: Box<Self>, context: &'a DeliveryContext<'a>) -> DeliverFuture<'a> {
        async move {
            let phones = context.phone_connector(context.options.phone_timeout)?.resend_safe();
            let host = context.image_server().await?;
            let wait = context.options.verify_timeout;
            Ok(Box::new(RingToneDelivery::new(phones, host, self.0, wait)) as Box<dyn Delivery>)
        }
        .boxed()
    }
}
