//! Several pictures; the `[[image]]` rules of the config file say which phone gets which.

use std::path::Path;
use std::sync::Arc;

use futures::future::FutureExt as _;

use crate::domain::audit::Audit;
use crate::domain::picture_rules::PictureRules;
use crate::domain::push_action::PushAction;
use crate::domain::text::{names, quoted};
use crate::domain::words::WordsTemplate;
use crate::error::{AppError, ErrorKind};
use crate::event::{Observer, PhoneResult};
use crate::journal::{JournalReader, Recorder, RunId};
use crate::media::{Options, PreparedSet};
use crate::push::Target;
use crate::rollout::payload::picture::{
    PICTURE, PICTURE_OPTIONS, PreparedPictures, saved_options, with_room_for_words,
};
use crate::rollout::payload::source_image::SourceImage;
use crate::rollout::payload::{
    ModelFormat, Payload, PrepareFuture, PreparedPayload, SaveFuture, SavedPayload,
};

/// Pictures that phones download from our image server, chosen by rules.
#[derive(Debug)]
pub struct PicturesByRules {
    /// The pictures by name.
    pub pictures: Vec<(String, SourceImage)>,
    /// Which picture is for which phone.
    pub rules: PictureRules,
    /// How the pictures are rendered.
    pub options: Options,
}

impl PicturesByRules {
    /// Reads the files of the rules that can apply at their time.
    ///
    /// # Errors
    /// When there is no such rule, or a file cannot be read or is not a picture.
    pub async fn read(rules: PictureRules, options: Options) -> Result<Self, AppError> {
        if rules.pictures().is_empty() {
            let later =
                rules.pictures_from_now_on().into_iter().map(|(rule, _)| quoted(rule.picture));
            let hint = match names(&later.collect::<Vec<_>>()) {
                later if later.is_empty() => "every rule is over".to_owned(),
                later => format!("{later} will apply later"),
            };
            let error = "no [[image]] rule of the config file applies at this time";
            return Err(AppError::new(ErrorKind::Usage, error).hint(format!(
                "nothing was changed or sent; {hint}; an [[image]] without times applies always"
            )));
        }
        let mut pictures = Vec::new();
        for (name, path) in rules.pictures() {
            pictures.push((name.to_owned(), SourceImage::read(path).await?));
        }
        Ok(Self { pictures, rules, options })
    }

    /// Reads the pictures of an earlier run; nothing where the journal lacks one.
    ///
    /// # Errors
    /// When the journal cannot be read, or a file is not a picture.
    pub async fn from_journal(
        history: &JournalReader,
        run: RunId,
        rules: &PictureRules,
    ) -> Result<Option<Arc<dyn Payload>>, AppError> {
        let mut pictures = Vec::new();
        for (name, _) in rules.pictures() {
            let kept = history.kept_named(run, PICTURE, name);
            let Some(bytes) = kept? else {
                return Ok(None);
            };
            pictures.push((name.to_owned(), SourceImage::of(Path::new(name), bytes).await?));
        }
        let options = saved_options(history, run)?;
        Ok(Some(Arc::new(Self { pictures, rules: rules.clone(), options })))
    }
}

impl Payload for PicturesByRules {
    fn action(&self) -> PushAction {
        PushAction::Picture
    }

    fn check_name(&self, typed: Option<&str>) -> Result<(), AppError> {
        let Some(name) = typed else { return Ok(()) };
        let error = format!(
            "--picture-name {} is for one picture, and here the [[image]] rules of the config file choose",
            quoted(name)
        );
        Err(AppError::new(ErrorKind::Usage, error).hint(
            "nothing was changed or sent; leave it out, and each picture is called after its file on phones that \
             show names, or name one PICTURE for all",
        ))
    }

    fn is_served(&self) -> bool {
        true
    }

    fn needs_extensions(&self) -> bool {
        let rules = (1..).map_while(|number| self.rules.words(number));
        rules.into_iter().any(WordsTemplate::needs_extensions)
    }

    fn apply_to_audit(&self, _: &str, audit: Audit) -> Audit {
        audit.with_pictures(&self.rules)
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
            let mut pictures = PreparedSet::default();
            for (name, picture) in &self.pictures {
                let models = models.iter().filter(|model| model.picture == *name);
                let specs: Vec<_> =
                    models.filter_map(|model| model.accepts.image().copied()).collect();
                if specs.is_empty() {
                    continue;
                }
                let prepared =
                    picture.prepare(specs, self.options, &quoted(name), observer).await?;
                pictures.add(prepared.named(name));
            }
            Ok(Box::new(PreparedPictures { pictures, kem: None }) as Box<dyn PreparedPayload>)
        }
        .boxed()
    }

    fn saved(&self) -> Option<SavedPayload> {
        Some(SavedPayload::ByRules { rules: self.rules.clone() })
    }

    fn save_files<'a>(&'a self, recorder: &'a Recorder) -> SaveFuture<'a> {
        async move {
            recorder.snapshot(PICTURE_OPTIONS, &self.options).await?;
            for (name, picture) in &self.pictures {
                recorder.keep_file(format!("{PICTURE} {name}"), picture.bytes.clone()).await?;
            }
            Ok(())
        }
        .boxed()
    }
}
