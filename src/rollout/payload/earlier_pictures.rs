//! What phones showed before a run, pushed back from the journal: the files that they got then, byte for byte.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use futures::future::FutureExt as _;

use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::device_name::DeviceName;
use crate::domain::payload_kind::ObjectKind;
use crate::domain::push_action::PushAction;
use crate::domain::text::{pluralize, quoted};
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, Stage};
use crate::journal::{JournalReader, KeptPicture, RunId, RunRow};
use crate::media::{Decoder, PreparedImage, PreparedSet, Shape, blocking, png_size};
use crate::push::delivery::removal::REMOVAL_DIGEST;
use crate::rollout::payload::picture::PreparedPictures;
use crate::rollout::payload::{ModelFormat, Payload, PrepareFuture, PreparedPayload, SavedPayload};
use crate::rollout::push_common::chain;

/// The pictures that phones showed before a run, and the runs that it continues, pushed to them.
#[derive(Debug)]
pub struct EarlierPictures {
    run: RunId,
    /// The digests that the phones of the run showed; nothing where none was known.
    phones: BTreeMap<DeviceName, Option<String>>,
    /// By digest.
    pictures: HashMap<String, EarlierPicture>,
}

/// A picture of the journal.
#[derive(Clone, Debug)]
struct EarlierPicture {
    /// The name of its file. Where several pictures of one shape have the same name, a number makes it different.
    name: String,
    shape: Shape,
    background: Bytes,
    thumbnail: Bytes,
}

impl EarlierPictures {
    /// Reads what the phones of a run showed before it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn from_journal(history: &JournalReader, run: &RunRow) -> Result<Self, AppError> {
        let mut runs = chain(history, Some(run.id))?;
        runs.reverse();
        let phones = history.shown_before(&run.cluster_id, &runs, ObjectKind::Background)?;
        let digests: BTreeSet<&String> = phones.values().flatten().collect();
        let (mut pictures, mut names) = (HashMap::new(), BTreeSet::new());
        for digest in digests {
            let Some(picture) = history.picture(digest)?.and_then(EarlierPicture::of) else {
                continue;
            };
            let mut number = 1;
            let mut name = picture.name.clone();
            while !names.insert((name.clone(), picture.shape)) {
                number += 1;
                name = numbered(&picture.name, number);
            }
            pictures.insert(digest.clone(), EarlierPicture { name, ..picture });
        }
        Ok(Self { run: run.id, phones, pictures })
    }

    /// Returns the phones that the run pushed a picture to.
    pub fn phones(&self) -> impl Iterator<Item = &DeviceName> {
        self.phones.keys()
    }

    /// Returns how many of them the journal has an earlier picture for.
    pub fn known(&self) -> usize {
        let digests = self.phones.values().flatten();
        digests.filter(|digest| self.pictures.contains_key(*digest)).count()
    }

    /// Returns what reports call it.
    pub fn name(&self) -> String {
        format!("pictures before run {}", self.run)
    }

    /// Returns the name of the picture that a phone gets, or why it gets none and what to do.
    fn picture_of(&self, phone: &AuditedPhone) -> Result<&str, (&str, &str)> {
        let Some(digest) = self.phones.get(phone.name()).and_then(Option::as_ref) else {
            return Err((NONE_KNOWN, NONE_KNOWN_REMEDY));
        };
        if digest == REMOVAL_DIGEST {
            return Err((REMOVED, REMOVED_REMEDY));
        }
        let Some(picture) = self.pictures.get(digest) else { return Err((NOT_KEPT, PUSH_IT)) };
        let takes = phone.model.and_then(|model| model.image.as_ref()).map(Shape::from);
        if takes == Some(picture.shape) { Ok(&picture.name) } else { Err((OTHER_SIZE, PUSH_IT)) }
    }
}

impl EarlierPicture {
    fn of(kept: KeptPicture) -> Option<Self> {
        let KeptPicture { name, depth, background, thumbnail, .. } = kept;
        let shape =
            Shape { background: png_size(&background)?, thumbnail: png_size(&thumbnail)?, depth };
        Some(Self { name, shape, background: background.into(), thumbnail: thumbnail.into() })
    }

    /// Makes sure that the files are those that were pushed.
    fn prepare(&self, digest: &str) -> Result<PreparedImage, AppError> {
        let Self { shape, background, thumbnail, .. } = self;
        let decode = |name: &str, file: &[u8]| Decoder::this_program().picture(name, file);
        PreparedImage::again(*shape, background, thumbnail, digest, decode).ok_or_else(|| {
            let error = format!(
                "the journal's copy of {} ({}x{}) is not what was pushed: its digest is another one",
                quoted(&self.name),
                shape.background,
                shape.depth
            );
            AppError::new(ErrorKind::Failed, error)
                .hint("nothing was changed or sent; the journal is damaged: push the picture from its file")
        })
    }
}

impl Payload for EarlierPictures {
    fn action(&self) -> PushAction {
        PushAction::Picture
    }

    fn describe(&self, _: &str, phones: usize) -> String {
        let phones = pluralize(phones, "phone");
        format!("push to {phones} the pictures that they showed before run {}", self.run)
    }

    fn check_name(&self, typed: Option<&str>) -> Result<(), AppError> {
        let Some(name) = typed else { return Ok(()) };
        let error = format!("--picture-name {} is for one picture", quoted(name));
        Err(AppError::new(ErrorKind::Usage, error).hint(
            "nothing was changed or sent; leave it out: each picture is called after its file",
        ))
    }

    fn is_served(&self) -> bool {
        true
    }

    fn apply_to_audit(&self, audit: Audit) -> Audit {
        audit.with_earlier_pictures(|phone| self.picture_of(phone))
    }

    fn prepare<'a>(
        &'a self,
        models: Vec<ModelFormat>,
        observer: &'a dyn Observer,
    ) -> PrepareFuture<'a> {
        async move {
            observer.observe(&Event::Started { stage: Stage::Pictures, total: None });
            let wanted: BTreeSet<(&str, Shape)> = models
                .iter()
                .filter_map(|model| Some((&*model.picture, Shape::from(model.accepts.image()?))))
                .collect();
            let mut pictures = PreparedSet::default();
            for (digest, picture) in &self.pictures {
                if wanted.contains(&(&*picture.name, picture.shape)) {
                    let (digest, kept) = (digest.clone(), picture.clone());
                    let prepared = blocking(move || kept.prepare(&digest)).await?;
                    pictures.insert(&picture.name, prepared);
                }
            }
            observer.observe(&Event::Finished { stage: Stage::Pictures });
            Ok(Box::new(PreparedPictures { pictures, kem: None }) as Box<dyn PreparedPayload>)
        }
        .boxed()
    }

    fn saved(&self) -> Option<SavedPayload> {
        Some(SavedPayload::Earlier { run: self.run })
    }
}

/// Puts a number before the extension of a file's name.
fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}-{number}.{extension}"),
        Some(_) | None => format!("{name}-{number}"),
    }
}

const NONE_KNOWN: &str =
    "no earlier picture is known: the journal has no verified push to it before that run";
const NONE_KNOWN_REMEDY: &str =
    "push the picture that it is to show, or --remove on models that can";
const REMOVED: &str = "it showed no pushed picture before that run: it had been removed";
const REMOVED_REMEDY: &str =
    "`axlpaper rollout --remove --device` with its name takes the picture off again";
const NOT_KEPT: &str = "the journal does not have the files of its earlier picture";
const OTHER_SIZE: &str = "its earlier picture has another size than its model takes";
const PUSH_IT: &str = "push the picture from its file";
