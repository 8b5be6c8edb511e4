//! One picture for all phones.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::FutureExt as _;

use crate::domain::audit::Audit;
use crate::domain::model::{KEM, Size};
use crate::domain::push_action::PushAction;
use crate::domain::text::hex;
use crate::domain::words::{Words, WordsTemplate};
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, PhoneResult, Proof};
use crate::journal::{
    JournalError, JournalReader, KeptPicture, Recorder, RunId, ScreenCheckRecord, SentFile,
    SentPicture, SentPictures, file_digest,
};
use crate::media::{
    Compression, EncodedPicture, Options, Picture, PreparedImage, PreparedSet, Preview, Shape,
    WordsCanvas, blocking, png_size, prepare, qr_problem,
};
use crate::push::delivery::picture::PictureDelivery;
use crate::push::{Delivery, Digests, Target, no_room_for_words};
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
    /// The words that phones get on it.
    pub words: WordsTemplate,
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
        let words = history.snapshot(run, WORDS)?.unwrap_or_default();
        Ok(Some(Arc::new(Self { picture, kem, options: saved_options(history, run)?, words })))
    }
}

impl Payload for PicturePayload {
    fn action(&self) -> PushAction {
        PushAction::Picture
    }

    fn is_served(&self) -> bool {
        true
    }

    fn needs_extensions(&self) -> bool {
        self.words.needs_extensions()
    }

    fn apply_to_audit(&self, _: &str, audit: Audit) -> Audit {
        if self.words.is_empty() { audit } else { audit.with_words(&self.words) }
    }

    fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        with_room_for_words(targets)
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
            if !self.words.is_empty() {
                recorder.snapshot(WORDS, &self.words).await?;
            }
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
            let base = digests.get(&made)?;
            Some(format.words.as_ref().map_or_else(|| base.clone(), |words| words.digest_on(base)))
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
            delivery = delivery.observed(Arc::clone(context.observer));
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

/// Returns the targets with room for their QR codes, and the results of the others.
pub(crate) fn with_room_for_words(targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
    let (mut able, mut others) = (Vec::new(), Vec::new());
    for target in targets {
        let shape = target.accepts.image().map(Shape::from);
        let problem =
            target.words.as_deref().zip(shape).and_then(|(words, shape)| qr_problem(words, shape));
        match problem {
            None => able.push(target),
            Some(problem) => others.push(no_room_for_words(&target, &problem.to_string())),
        }
    }
    (able, others)
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

/// Returns the background that a digest of an attempt names, with its words; nothing where the journal does not have it.
///
/// # Errors
/// When the journal cannot be read.
pub fn background(
    history: &JournalReader,
    digest: &str,
) -> Result<Option<(Vec<u8>, Size)>, JournalError> {
    let words = history.words(digest)?;
    let below = words.as_ref().map_or(digest, |with| &with.base);
    let Some(kept) = history.picture(below)? else { return Ok(None) };
    let file = match words {
        Some(with) => drawn(kept, &with.words).map(|image| image.background.png.to_vec()),
        None => Some(kept.background),
    };
    Ok(file.and_then(|file| png_size(&file).map(|size| (file, size))))
}

/// Draws words on a picture of the journal; nothing where its files are not what had its digest, or the words have no room.
pub(crate) fn drawn(kept: KeptPicture, words: &Words) -> Option<PreparedImage> {
    let KeptPicture { digest, depth, background, thumbnail, .. } = kept;
    let shape =
        Shape { background: png_size(&background)?, thumbnail: png_size(&thumbnail)?, depth };
    let (background, thumbnail) = (background.into(), thumbnail.into());
    let decode = |name: &str, file: &[u8]| Picture::decode(name, file);
    let base = PreparedImage::again(shape, &background, &thumbnail, &digest, decode)?;
    let canvas = WordsCanvas::new(Arc::new(base)).ok()?;
    canvas.draw(words, Compression::OnDemand).ok().map(|(image, _)| image)
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
    SentFile {
        size: file.size,
        bytes: file.png.len(),
        sha256: hex(&file.sha256),
        look: look(&Preview::of(file)),
    }
}

/// Returns how reports show a file.
pub(crate) fn look(preview: &Preview) -> ScreenCheckRecord {
    ScreenCheckRecord {
        exact: preview.exact,
        media_type: preview.media_type.to_owned(),
        base64: STANDARD.encode(&preview.bytes),
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
const WORDS: &str = "words";
const KEM_PICTURE: &str = "kem";
