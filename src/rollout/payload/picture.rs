//! One picture for all phones.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::FutureExt as _;

use crate::domain::model::KEM;
use crate::domain::push_action::PushAction;
use crate::domain::text::hex;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, Proof};
use crate::journal::{
    JournalReader, KeptPicture, Recorder, RunId, ScreenCheckRecord, SentFile, SentPicture,
    SentPictures, file_digest,
};
use crate::media::{
    EncodedPicture, Options, PreparedImage, PreparedSet, Preview, Shape, blocking, prepare,
};
use crate::push::delivery::picture::PictureDelivery;
use crate::push::{Delivery, Digests};
use crate::rollout::payload::delivery_context::DeliveryContext;
use crate::rollout::payload::source_image::SourceImage;
use crate::rollout::payload::{
    DeliverFuture, ModelFormat, Payload, PrepareFuture, PreparedPayload, SaveFuture, SavedPayload,
};

/// A picture that phones download from our image server.
#[derive(Debug)]
pub struct PicturePayload {
    /// The picture.
    pub picture: SourceImage,
    /// The picture for key expansion modules, where there is one.
    pub kem: Option<SourceImage>,
    /// How the picture is rendered.
    pub options: Options,
}

impl PicturePayload {
    /// Reads the picture of an earlier run; nothing where that run pushed none.
    ///
    /// # Errors
    /// When the journal cannot be read, or its file is not a picture.
    pub async fn from_journal(
        history: &JournalReader,
        run: RunId,
        file: &str,
    ) -> Result<Option<Arc<dyn Payload>>, AppError> {
        let kept = |name| history.kept(run, name);
        let Some(bytes) = kept(PICTURE)? else { return Ok(None) };
        let picture = SourceImage::of(Path::new(file), bytes).await?;
        let kem = match kept(KEM_PICTURE)? {
            Some(bytes) => Some(SourceImage::of(Path::new("the KEM picture"), bytes).await?),
            None => None,
        };
        Ok(Some(Arc::new(Self { picture, kem, options: saved_options(history, run)? })))
    }
}

impl Payload for PicturePayload {
    fn action(&self) -> PushAction {
        PushAction::Picture
    }

    fn is_served(&self) -> bool {
        true
    }

    fn prepare<'a>(
        &'a self,
        models: Vec<ModelFormat>,
        observer: &'a dyn Observer,
    ) -> PrepareFuture<'a> {
        async move {
            let specs = models.iter().filter_map(|model| model.accepts.image().copied()).collect();
            let pictures =
                self.picture.prepare(specs, self.options, "the picture", observer).await?;
            let kem = match &self.kem {
                Some(kem) => {
                    let picture = Arc::clone(&kem.picture);
                    Some(blocking(move || prepare(&picture, &KEM)).await.map_err(failed)?)
                }
                None => None,
            };
            Ok(Box::new(PreparedPictures { pictures, kem }) as Box<dyn PreparedPayload>)
        }
        .boxed()
    }

    fn source_digest(&self) -> Option<String> {
        Some(file_digest(&self.picture.bytes))
    }

    fn saved(&self) -> Option<SavedPayload> {
        Some(SavedPayload::Picture)
    }

    fn save_files<'a>(&'a self, recorder: &'a Recorder) -> SaveFuture<'a> {
        async move {
            recorder.snapshot(PICTURE_OPTIONS, &self.options).await?;
            if let Some(kem) = &self.kem {
                recorder.keep_file(KEM_PICTURE.to_owned(), kem.bytes.clone()).await?;
            }
            recorder.keep_file(PICTURE.to_owned(), self.picture.bytes.clone()).await
        }
        .boxed()
    }
}

/// Rendered pictures for our image server.
#[derive(Debug)]
pub(crate) struct PreparedPictures {
    pub(crate) pictures: PreparedSet,
    pub(crate) kem: Option<PreparedImage>,
}

impl PreparedPayload for PreparedPictures {
    fn digests(&self) -> Digests {
        let digests = self.pictures.digests();
        Digests::new(move |format| {
            let made = (format.picture.clone(), Shape::from(format.accepts.image()?));
            digests.get(&made).cloned()
        })
    }

    fn save_summary<'a>(&'a self, recorder: &'a Recorder, file: &'a str) -> SaveFuture<'a> {
        let pictures = self.pictures.clone();
        async move {
            for ((name, _), prepared) in pictures.each() {
                let name = if name.is_empty() { file } else { name };
                recorder.keep_picture(kept(prepared, name)).await?;
            }
            let sent = blocking(move || summary(&pictures)).await;
            recorder.snapshot(SentPictures::KIND, &sent).await
        }
        .boxed()
    }

    fn deliver<'a>(self: Box<Self>, context: &'a DeliveryContext<'a>) -> DeliverFuture<'a> {
        async move {
            let Self { pictures, kem } = *self;
            let host = context.image_server().await?;
            let session = context.session()?;
            let name = context.picture_name(context.file);
            let wait = context.options.verify_timeout;
            let mut delivery =
                PictureDelivery::new(session, host, pictures, name, wait).map_err(failed)?;
            if let Some(kem) = &kem {
                delivery = delivery.with_kem(kem).map_err(failed)?;
            }
            if context.proof == Proof::None {
                delivery = delivery.without_proof();
            }
            Ok(Box::new(delivery) as Box<dyn Delivery>)
        }
        .boxed()
    }
}

/// Returns what the journal keeps of the files that phones get, to push them again.
pub(crate) fn kept(prepared: &PreparedImage, name: &str) -> KeptPicture {
    KeptPicture {
        digest: prepared.digest(),
        name: name.to_owned(),
        depth: prepared.shape.depth,
        background: prepared.background.png.to_vec(),
        thumbnail: prepared.thumbnail.png.to_vec(),
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> AppError {
    AppError::from_error(ErrorKind::Failed, error)
}

fn summary(pictures: &PreparedSet) -> SentPictures {
    let pictures = pictures.each().into_iter();
    SentPictures { pictures: pictures.map(|((name, _), prepared)| sent(name, prepared)).collect() }
}

/// Returns what the journal keeps of a picture, so that reports show it and screens can be compared with it.
pub(crate) fn sent(name: &str, prepared: &PreparedImage) -> SentPicture {
    SentPicture {
        digest: prepared.digest(),
        name: name.to_owned(),
        grey: prepared.shape.is_grey(),
        background: file(&prepared.background),
        thumbnail: file(&prepared.thumbnail),
    }
}

fn file(file: &EncodedPicture) -> SentFile {
    let preview = Preview::of(file);
    SentFile {
        size: file.size,
        bytes: file.png.len(),
        sha256: hex(&file.sha256),
        look: ScreenCheckRecord {
            exact: preview.exact,
            media_type: preview.media_type.to_owned(),
            base64: STANDARD.encode(&preview.bytes),
        },
    }
}

/// Returns how an earlier run rendered its pictures.
pub(crate) fn saved_options(history: &JournalReader, run: RunId) -> Result<Options, AppError> {
    let options = history.snapshot(run, PICTURE_OPTIONS);
    Ok(options?.unwrap_or_default())
}

/// The journal's names of a picture's options and files.
pub(crate) const PICTURE_OPTIONS: &str = "picture options";
pub(crate) const PICTURE: &str = "picture";
const KEM_PICTURE: &str = "kem";
