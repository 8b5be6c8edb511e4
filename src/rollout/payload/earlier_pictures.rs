//! What phones showed before a run, pushed back from the journal: the files that they got then, byte for byte.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::FutureExt as _;

use crate::domain::audit::{Audit, AuditedPhone};
use crate::domain::device_name::DeviceName;
use crate::domain::finding::Code;
use crate::domain::model::{ImageSpec, by_name};
use crate::domain::payload_kind::ObjectKind;
use crate::domain::push_action::PushAction;
use crate::domain::text::{pluralize, quoted};
use crate::domain::words::Words;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, PhoneResult, Stage};
use crate::journal::{JournalReader, KeptPicture, PushedPhone, RunId, RunRef, RunRow, Subject};
use crate::media::{
    Compression, Decoder, PreparedImage, PreparedSet, Shape, blocking, png_size, prepare_all,
};
use crate::push::delivery::removal::REMOVAL_DIGEST;
use crate::push::{Target, not_pushed_back};
use crate::rollout::payload::picture::{PICTURE, PreparedPictures, kept, saved_options};
use crate::rollout::payload::source_image::SourceImage;
use crate::rollout::payload::{ModelFormat, Payload, PrepareFuture, PreparedPayload, SavedPayload};
use crate::rollout::push_common::chain;

/// The pictures that phones showed before a run, and the runs that it continues, pushed to them.
#[derive(Debug)]
pub struct EarlierPictures {
    run: RunId,
    /// The digests of what the phones of the run showed, or why nothing is pushed back to them.
    phones: BTreeMap<DeviceName, Result<ShownEarlier, NotPushedBack>>,
    /// By digest, without words.
    pictures: HashMap<String, EarlierPicture>,
}

/// What a phone showed.
#[derive(Debug)]
struct ShownEarlier {
    /// The digest of its picture, without words.
    digest: String,
    words: Option<Arc<Words>>,
}

/// Why a phone does not get an earlier picture, and what to do.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct NotPushedBack {
    code: Code,
    why: String,
    remedy: String,
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
    /// When the journal cannot be read, or has a file that is no picture.
    pub async fn from_journal(history: &JournalReader, run: &RunRow) -> Result<Self, AppError> {
        let mut runs = chain(history, Some(run.id))?;
        runs.reverse();
        let pushed = history.pushed(&run.cluster_id, &runs, ObjectKind::Background)?;
        let mut words = HashMap::new();
        for digest in pushed.values().filter_map(|phone| phone.earlier.as_ref()) {
            if let Some(with) = history.words(digest)? {
                words.insert(digest.clone(), with);
            }
        }
        let below = |digest: &String| words.get(digest).map_or(digest, |with| &with.base).clone();
        let digests: BTreeSet<String> =
            pushed.values().filter_map(|phone| phone.earlier.as_ref()).map(below).collect();
        let (mut pictures, mut names) = (HashMap::new(), BTreeSet::new());
        for digest in digests {
            let picture = match history.picture(&digest)?.and_then(EarlierPicture::of) {
                Some(picture) => picture,
                None => match EarlierPicture::of_earlier_release(history, &digest).await? {
                    Some(picture) => picture,
                    None => continue,
                },
            };
            let mut number = 1;
            let mut name = picture.name.clone();
            while !names.insert((name.clone(), picture.shape)) {
                number += 1;
                name = numbered(&picture.name, number);
            }
            pictures.insert(digest, EarlierPicture { name, ..picture });
        }
        let mut removed = BTreeSet::new();
        for run in pushed.values().filter_map(|phone| phone.pushed_since) {
            if history.run(RunRef::Number(run))?.is_none() {
                removed.insert(run);
            }
        }
        let earlier = |phone: PushedPhone| match (phone.pushed_since, phone.earlier) {
            (Some(run), _) => Err(NotPushedBack {
                code: Code::Excluded,
                why: format!("run {run} has pushed another picture to it since"),
                remedy: if removed.contains(&run) {
                    PUSH_IT.to_owned()
                } else {
                    format!("`axlpaper revert {run} --pictures` takes that one back first")
                },
            }),
            (None, None) => Err(NotPushedBack::new(NONE_KNOWN, NONE_KNOWN_REMEDY)),
            (None, Some(digest)) if digest == REMOVAL_DIGEST => {
                Err(NotPushedBack::new(REMOVED, REMOVED_REMEDY))
            }
            (None, Some(digest)) if pictures.contains_key(&below(&digest)) => Ok(ShownEarlier {
                words: words.get(&digest).map(|with| Arc::clone(&with.words)),
                digest: below(&digest),
            }),
            (None, Some(_)) => Err(NotPushedBack::new(NOT_KEPT, PUSH_IT)),
        };
        let phones = pushed.into_iter().map(|(name, phone)| (name, earlier(phone))).collect();
        Ok(Self { run: run.id, phones, pictures })
    }

    /// Returns the phones that the run pushed a picture to.
    pub fn phones(&self) -> impl ExactSizeIterator<Item = &DeviceName> {
        self.phones.keys()
    }

    /// Returns why no phone gets an earlier picture, where none does.
    pub fn nothing(&self) -> Option<String> {
        let mut reasons: BTreeMap<&NotPushedBack, usize> = BTreeMap::new();
        for phone in self.phones.values() {
            *reasons.entry(phone.as_ref().err()?).or_default() += 1;
        }
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(reason, count)| format!("{}: {}", pluralize(*count, "phone"), reason.why))
            .collect();
        Some(reasons.join("; "))
    }

    /// Returns what reports call it.
    pub fn name(&self) -> String {
        format!("pictures before run {}", self.run)
    }

    /// Returns the name of the picture that a phone gets, or why it gets none and what to do.
    fn picture_of(
        &self,
        phone: &DeviceName,
        takes: Option<&ImageSpec>,
    ) -> Result<&str, (Code, &str, &str)> {
        let none = |why, remedy| Err((Code::NotReverted, why, remedy));
        let digest = match self.phones.get(phone) {
            Some(Ok(shown)) => &shown.digest,
            Some(Err(NotPushedBack { code, why, remedy })) => return Err((*code, why, remedy)),
            None => return none(NONE_KNOWN, NONE_KNOWN_REMEDY),
        };
        let Some(picture) = self.pictures.get(digest) else { return none(NOT_KEPT, PUSH_IT) };
        if takes.map(Shape::from) == Some(picture.shape) {
            Ok(&picture.name)
        } else {
            none(OTHER_SIZE, PUSH_IT)
        }
    }
}

impl NotPushedBack {
    fn new(why: &str, remedy: &str) -> Self {
        Self { code: Code::NotReverted, why: why.to_owned(), remedy: remedy.to_owned() }
    }
}

impl EarlierPicture {
    fn of(kept: KeptPicture) -> Option<Self> {
        let KeptPicture { name, depth, background, thumbnail, .. } = kept;
        let shape =
            Shape { background: png_size(&background)?, thumbnail: png_size(&thumbnail)?, depth };
        Some(Self { name, shape, background: background.into(), thumbnail: thumbnail.into() })
    }

    /// Renders a picture that an earlier release pushed, which kept only the file that it was made of; nothing where the
    /// file is not there, or this release renders it differently.
    async fn of_earlier_release(
        history: &JournalReader,
        digest: &str,
    ) -> Result<Option<Self>, AppError> {
        let Some((run, phone)) = history.run_with_file(digest)? else { return Ok(None) };
        let phone = history.phones(run)?.into_iter().find(|result| result.name == phone);
        let Some(phone) = phone else { return Ok(None) };
        let file = match &phone.picture {
            Some(name) => history.kept_named(run, PICTURE, name)?,
            None => history.kept(run, PICTURE)?,
        };
        let spec = by_name(&phone.model).and_then(|model| model.image);
        let (Some(file), Some(spec)) = (file, spec) else { return Ok(None) };
        let subject = history.snapshot::<Subject>(run, Subject::KIND)?.unwrap_or_default();
        let name = phone.picture.unwrap_or(subject.file);
        let picture = SourceImage::of(Path::new(&name), file).await?.picture;
        let options = saved_options(history, run)?;
        let rendered =
            blocking(move || prepare_all(&picture, [&spec], &options, Compression::Quick)).await;
        let rendered = rendered.map_err(|error| AppError::from_error(ErrorKind::Failed, error))?;
        let same = rendered.iter().find(|image| image.digest() == digest);
        Ok(same.and_then(|image| Self::of(kept(image, &name))))
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

    fn apply_to_audit(&self, _: &str, audit: Audit) -> Audit {
        let takes = |phone: &AuditedPhone| phone.model.and_then(|model| model.image.as_ref());
        let mut audit =
            audit.with_earlier_pictures(|phone| self.picture_of(phone.name(), takes(phone)));
        for phone in &mut audit.phones {
            let shown = self.phones.get(&phone.phone.name).and_then(|shown| shown.as_ref().ok());
            if let (Some(image), Some(shown)) = (&mut phone.image, shown) {
                image.words = shown.words.as_deref().cloned();
            }
        }
        audit
    }

    fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        let (mut able, mut others) = (Vec::new(), Vec::new());
        for target in targets {
            match self.picture_of(&target.name, target.accepts.image()) {
                Ok(picture) => {
                    let shown = self.phones.get(&target.name).and_then(|shown| shown.as_ref().ok());
                    let words = shown.and_then(|shown| shown.words.clone());
                    able.push(Target { picture: picture.to_owned(), words, ..target });
                }
                Err(why) => others.push(not_pushed_back(&target, why)),
            }
        }
        (able, others)
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
