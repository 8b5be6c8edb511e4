//! What is pushed, from what was typed to the way to the phones.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::audit::Audit;
use crate::domain::model::PushSchema;
use crate::domain::payload_kind::{AcceptedFormat, ObjectKind, ToneFormat};
use crate::domain::picture_rules::PictureRules;
use crate::domain::push_action::PushAction;
use crate::domain::selector::LimitCounts;
use crate::domain::text::pluralize;
use crate::error::{AppError, ErrorKind};
use crate::event::{Event, Observer, PhoneResult, Proof, Stage};
use crate::image_server::external_url::Template;
use crate::media::{Audio, Decoder, Options, Picture, PreparedSet, ToneError, ToneSet, blocking};
use crate::push::delivery::external::{ExternalImage, ExternalPush};
use crate::push::key_script::KeyScript;
use crate::push::{Digests, Target, cannot_remove, no_step};
use crate::rollout::{external_image, images};

/// A picture and the file that it comes from.
#[derive(Clone, Debug)]
pub struct SourceImage {
    /// The picture.
    pub picture: Arc<Picture>,
    /// Its file, as it is.
    pub bytes: Vec<u8>,
}

impl SourceImage {
    /// Reads a picture's file.
    ///
    /// # Errors
    /// When it is missing, cannot be read or is no picture.
    pub async fn read(path: &Path) -> Result<Self, AppError> {
        Self::of(path, images::read(path)?).await
    }

    /// Understands a picture's file; `name` is what errors call it.
    ///
    /// # Errors
    /// When it is no picture.
    pub async fn of(name: &Path, bytes: Vec<u8>) -> Result<Self, AppError> {
        let picture = images::decode(name, bytes.clone()).await?;
        Ok(Self { picture: Arc::new(picture), bytes })
    }
}

/// What the journal keeps of what was done to phones; the picture's file is kept apart.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedPayload {
    /// They got a picture. Earlier releases knew nothing else.
    #[default]
    Picture,
    /// They got pictures that stand elsewhere.
    Elsewhere {
        /// Where the backgrounds are.
        image_url: String,
        /// Where the small pictures are.
        icon_url: String,
    },
    /// They got pictures by rules.
    Gallery {
        /// Which was for whom.
        rules: PictureRules,
    },
    /// Their picture was taken off.
    Removal,
}

/// What is to be pushed, as typed.
#[derive(Clone, Debug)]
pub enum PayloadSource {
    /// A picture.
    Picture {
        /// Its file.
        path: PathBuf,
        /// The file of the picture for key expansion modules.
        kem: Option<PathBuf>,
        /// How it is made to fit.
        options: Options,
    },
    /// The pictures of the config file's rules.
    ByRules {
        /// Which is for whom.
        rules: PictureRules,
        /// How they are made to fit.
        options: Options,
    },
    /// Pictures that stand elsewhere.
    Elsewhere {
        /// Where the backgrounds are.
        image: Template,
        /// Where the small pictures are.
        icon: Template,
    },
    /// No picture any more: the pushed one is taken off.
    Removal,
    /// A sound's file, which becomes a ring tone.
    Tone {
        /// The file.
        path: PathBuf,
        /// The format for all phones; by model otherwise.
        format: Option<ToneFormat>,
    },
    /// The name of a sound on the phones' TFTP server.
    Sound(String),
    /// The file of a key script.
    Keys {
        /// The file.
        path: PathBuf,
        /// Whether it may do harm.
        allow_destructive: bool,
    },
}

/// What is to be pushed, understood.
#[derive(Debug)]
pub enum Payload {
    /// A picture.
    Picture {
        /// The picture.
        picture: SourceImage,
        /// The one for key expansion modules.
        kem: Option<SourceImage>,
        /// How it is made to fit.
        options: Options,
    },
    /// Pictures, and who gets which.
    Gallery {
        /// The pictures by name.
        pictures: Vec<(String, SourceImage)>,
        /// Which is for whom.
        rules: PictureRules,
        /// How they are made to fit.
        options: Options,
    },
    /// Pictures that stand elsewhere.
    Elsewhere {
        /// Where the backgrounds are.
        image: Template,
        /// Where the small pictures are.
        icon: Template,
    },
    /// No picture any more: the pushed one is taken off.
    Removal,
    /// A ring tone.
    Tone {
        /// The sound.
        audio: Arc<Audio>,
        /// The format for all phones; by model otherwise.
        format: Option<ToneFormat>,
    },
    /// Keys, or a sound that is played once.
    Script(Arc<KeyScript>),
}

/// What phones get, made for their models.
#[derive(Debug)]
pub enum PreparedPayload {
    /// Pictures.
    Pictures(PreparedSet),
    /// Pictures that stand elsewhere, by the model's name.
    Elsewhere(HashMap<String, ExternalImage>),
    /// Nothing is needed.
    Removal,
    /// Ring tones.
    Tones(ToneSet),
    /// The same script for all.
    Script(Arc<KeyScript>),
}

impl PayloadSource {
    /// Reads and understands it; returns it with the name that reports call it by.
    ///
    /// # Errors
    /// When its file cannot be read, is something else, or may do harm that is not allowed.
    pub async fn read(&self) -> Result<(Payload, String), AppError> {
        match self {
            Self::Picture { path, kem, options } => {
                let picture = SourceImage::read(path).await?;
                let kem = match kem {
                    Some(path) => Some(SourceImage::read(path).await?),
                    None => None,
                };
                Ok((Payload::Picture { picture, kem, options: *options }, file_name(path)))
            }
            Self::ByRules { rules, options } => {
                let mut pictures = Vec::new();
                for (name, path) in rules.pictures() {
                    pictures.push((name.to_owned(), SourceImage::read(path).await?));
                }
                let rules = rules.clone();
                let names: Vec<&str> = pictures.iter().map(|(name, _)| name.as_str()).collect();
                let name = names.join(", ");
                Ok((Payload::Gallery { pictures, rules, options: *options }, name))
            }
            Self::Elsewhere { image, icon } => {
                let name = image.to_string();
                Ok((Payload::Elsewhere { image: image.clone(), icon: icon.clone() }, name))
            }
            Self::Removal => Ok((Payload::Removal, REMOVAL.to_owned())),
            Self::Tone { path, format } => {
                let audio = Arc::new(audio(path).await?);
                Ok((Payload::Tone { audio, format: *format }, file_name(path)))
            }
            Self::Sound(name) => {
                let script = KeyScript::play(name).map_err(|error| {
                    AppError::from_error(ErrorKind::Usage, error)
                        .hint("phones play files that their TFTP server has; upload it there first")
                })?;
                let name = name.trim_start_matches("Play:").to_owned();
                Ok((Payload::Script(Arc::new(script)), name))
            }
            Self::Keys { path, allow_destructive } => {
                let script = keys(path, *allow_destructive)?;
                Ok((Payload::Script(Arc::new(script)), file_name(path)))
            }
        }
    }
}

/// Reads a sound's file.
///
/// # Errors
/// When it cannot be read or is no sound.
pub async fn audio(path: &Path) -> Result<Audio, AppError> {
    let unusable = |error: ToneError| {
        let is_ours = matches!(error, ToneError::Decoder { .. });
        AppError::from_error(if is_ours { ErrorKind::Failed } else { ErrorKind::Usage }, error)
    };
    let bytes = Audio::read(path).map_err(unusable)?;
    let name = path.display().to_string();
    let decode = move || Decoder::this_program().sound(&name, &bytes);
    blocking(decode).await.map_err(unusable)
}

fn keys(path: &Path, allow_destructive: bool) -> Result<KeyScript, AppError> {
    let shown = path.display();
    let text = read_text(path).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("cannot read the key script {shown}"))
            .hint("give the path of a script; `axlpaper keys --help` shows what stands in it")
    })?;
    let script = KeyScript::read(&text).map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("the key script {shown}"))
            .hint("nothing was sent; `axlpaper keys --help` shows what stands in a script")
    })?;
    let dangers = script.dangers();
    if dangers.is_empty() || allow_destructive {
        return Ok(script);
    }
    let told: Vec<String> = dangers.iter().map(ToString::to_string).collect();
    Err(AppError::new(
        ErrorKind::Refused,
        format!("the key script {shown} can do harm: {}", told.join("; ")),
    )
    .hint("nothing was sent; --allow-destructive lets it through"))
}

/// Reads a text of a size that a person writes.
fn read_text(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST_SCRIPT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_SCRIPT {
        let why = format!("it has more than {LONGEST_SCRIPT} bytes");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
    }
    Ok(text)
}

impl Payload {
    /// Returns what is done with it.
    pub fn action(&self) -> PushAction {
        match self {
            Self::Picture { .. } | Self::Gallery { .. } => PushAction::Picture,
            Self::Elsewhere { .. } => PushAction::PictureElsewhere,
            Self::Removal => PushAction::Removal,
            Self::Tone { .. } => PushAction::RingTone,
            Self::Script(script) => script.kind().into(),
        }
    }

    /// Returns what it is.
    pub fn kind(&self) -> ObjectKind {
        self.action().object()
    }

    /// Makes sure that one name can be given to it, where one was typed.
    ///
    /// # Errors
    /// When there are several pictures: each has a name of its own then.
    pub fn check_name(&self, typed: Option<&str>) -> Result<(), AppError> {
        match (self, typed) {
            (Self::Gallery { .. }, Some(name)) => {
                let error = format!(
                    "--picture-name {name:?} is for one picture, and here the [[image]] rules of the config file choose"
                );
                Err(AppError::new(ErrorKind::Usage, error).hint(
                    "nothing was changed or sent; leave it out, and each picture is called after its file on phones that \
                     show names, or name one PICTURE for all",
                ))
            }
            (_, _) => Ok(()),
        }
    }

    /// Leaves the phones alone that it is not for, and says which picture the others get, where there are several.
    pub fn apply_to_audit(&self, audit: Audit) -> Audit {
        match self {
            Self::Gallery { rules, .. } => audit.with_pictures(rules),
            Self::Removal => audit.for_removal(),
            Self::Picture { .. } | Self::Elsewhere { .. } | Self::Tone { .. } | Self::Script(_) => {
                audit
            }
        }
    }

    /// Returns which phones a limit counts.
    pub fn limit_counts(&self) -> LimitCounts {
        match self {
            Self::Picture { .. }
            | Self::Gallery { .. }
            | Self::Elsewhere { .. }
            | Self::Removal => LimitCounts::PhonesWithPictures,
            Self::Tone { .. } | Self::Script(_) => LimitCounts::PhonesThatTake(self.kind()),
        }
    }

    /// Sorts out who takes it as it is: a script may say nothing about a model, and the format of a ring tone may
    /// have been named for all. Returns those that are pushed to, and those that are left alone.
    pub fn partition_targets(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        match self {
            Self::Picture { .. }
            | Self::Gallery { .. }
            | Self::Elsewhere { .. }
            | Self::Tone { format: None, .. } => (targets, Vec::new()),
            Self::Removal => {
                let (some, none): (Vec<_>, Vec<_>) = targets.into_iter().partition(can_remove);
                (some, none.iter().map(cannot_remove).collect())
            }
            Self::Tone { format: Some(format), .. } => {
                let accepts = AcceptedFormat::Tone(*format);
                (
                    targets.into_iter().map(|target| Target { accepts, ..target }).collect(),
                    Vec::new(),
                )
            }
            Self::Script(script) => {
                let (some, none): (Vec<_>, Vec<_>) =
                    targets.into_iter().partition(|target| script.steps(&target.model).is_some());
                (some, none.iter().map(no_step).collect())
            }
        }
    }

    /// Makes what phones get that take this, or finds it where it stands.
    ///
    /// # Errors
    /// When it cannot be made, or what stands elsewhere is not what phones can show. Nothing has been sent to a phone
    /// or changed then.
    pub async fn prepare(
        &self,
        models: Vec<ModelFormat>,
        observer: &dyn Observer,
    ) -> Result<PreparedPayload, AppError> {
        match self {
            Self::Picture { picture, options, .. } => {
                let specs = models.iter().filter_map(|model| model.accepts.image());
                images::prepare(&picture.picture, specs, options, observer)
                    .await
                    .map(PreparedPayload::Pictures)
            }
            Self::Gallery { pictures, options, .. } => {
                let mut all = PreparedSet::default();
                for (name, source) in pictures {
                    let theirs = models.iter().filter(|model| model.picture == *name);
                    let specs = theirs.filter_map(|model| model.accepts.image());
                    let made = images::prepare(&source.picture, specs, options, observer).await?;
                    all.add(made.named(name));
                }
                Ok(PreparedPayload::Pictures(all))
            }
            Self::Elsewhere { image, icon } => {
                observer.observe(&Event::Started { stage: Stage::Pictures, total: None });
                let images = models.into_iter();
                let images =
                    images.filter_map(|of| Some((of.model, *of.accepts.image()?))).collect();
                let found = external_image::find(image, icon, images).await?;
                observer.observe(&Event::Finished { stage: Stage::Pictures });
                Ok(PreparedPayload::Elsewhere(found))
            }
            Self::Removal => Ok(PreparedPayload::Removal),
            Self::Tone { audio, format } => {
                let formats = models.iter().filter_map(|model| match &model.accepts {
                    AcceptedFormat::Tone(by_model) => Some(format.unwrap_or(*by_model)),
                    AcceptedFormat::Picture(_) | AcceptedFormat::Sound | AcceptedFormat::Keys => {
                        None
                    }
                });
                let (audio, formats) = (Arc::clone(audio), formats.collect::<Vec<_>>());
                let made = blocking(move || ToneSet::make(&audio, formats)).await;
                made.map(PreparedPayload::Tones)
                    .map_err(|error| AppError::from_error(ErrorKind::Usage, error))
            }
            Self::Script(script) => Ok(PreparedPayload::Script(script.clone())),
        }
    }

    /// Tells whether phones download it from this machine.
    pub fn is_served(&self) -> bool {
        match self {
            Self::Picture { .. } | Self::Gallery { .. } | Self::Tone { .. } => true,
            Self::Elsewhere { .. } | Self::Removal | Self::Script(_) => false,
        }
    }

    /// Returns what the journal keeps of it, where a run can be gone on with.
    pub fn saved(&self) -> Option<SavedPayload> {
        match self {
            Self::Picture { .. } => Some(SavedPayload::Picture),
            Self::Gallery { rules, .. } => Some(SavedPayload::Gallery { rules: rules.clone() }),
            Self::Elsewhere { image, icon } => Some(SavedPayload::Elsewhere {
                image_url: image.to_string(),
                icon_url: icon.to_string(),
            }),
            Self::Removal => Some(SavedPayload::Removal),
            Self::Tone { .. } | Self::Script(_) => None,
        }
    }

    /// Returns how pushes are proven, as `typed`, or as it is usual.
    ///
    /// # Errors
    /// When it cannot be proven that way.
    pub fn proof(&self, typed: Option<Proof>) -> Result<Proof, AppError> {
        let refuse = |why: &str, hint: &str| Err(AppError::new(ErrorKind::Usage, why).hint(hint));
        const OTHERS: &str = "use --verify screenshot or --verify none";
        match (self, typed) {
            (Self::Picture { .. } | Self::Gallery { .. }, typed) => Ok(typed.unwrap_or_default()),
            (Self::Elsewhere { .. }, Some(Proof::Fetch)) => {
                refuse("nobody here sees what phones download from --image-url", OTHERS)
            }
            (Self::Removal, Some(Proof::Fetch)) => {
                refuse("nothing is downloaded when a picture is taken off", OTHERS)
            }
            (Self::Elsewhere { .. } | Self::Removal, typed) => Ok(typed.unwrap_or(Proof::None)),
            (Self::Tone { .. } | Self::Script(_), None) => Ok(Proof::default()),
            (Self::Tone { .. } | Self::Script(_), Some(_)) => refuse(
                "--verify is about pictures",
                "leave it out: ring tones are proven by their downloads, keys and sounds by nothing",
            ),
        }
    }

    /// Returns the name under which phones that keep a list show a picture of this file.
    pub fn picture_name(&self, file: &str) -> String {
        let file = match self {
            Self::Elsewhere { image, .. } => {
                let last = image.text().rsplit('/').next().unwrap_or_default();
                // A name with a place in it would be another one for each model.
                if last.contains(['{', '}']) { "" } else { last }
            }
            Self::Picture { .. } | Self::Gallery { .. } | Self::Tone { .. } | Self::Script(_) => {
                file
            }
            Self::Removal => "",
        };
        let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "wallpaper".to_owned())
    }

    /// Says what is done with it, to so many phones.
    pub fn describe(&self, name: &str, phones: usize) -> String {
        let phones = pluralize(phones, "phone");
        match self {
            Self::Picture { .. } | Self::Gallery { .. } | Self::Elsewhere { .. } => {
                format!("push {name} to {phones}")
            }
            Self::Removal => format!("take the pushed picture off {phones}"),
            Self::Tone { .. } => format!("push the ring tone {name} to {phones}"),
            Self::Script(script) if script.kind() == ObjectKind::Play => {
                format!("play {name} aloud on {phones}")
            }
            Self::Script(script) => {
                let (steps, pauses) = (pluralize(script.longest(), "step"), script.pauses());
                format!(
                    "press the keys of {name} ({steps}, {:.1} s of pauses) on {phones}, blindly",
                    pauses.as_secs_f64()
                )
            }
        }
    }

    /// Says what a person should know before a yes, where acceptance is all that will ever be known.
    pub fn warning(&self) -> Option<&'static str> {
        match self.kind() {
            ObjectKind::Background | ObjectKind::RingTone => None,
            ObjectKind::Play => Some(
                "phones can only say that they accepted the sound; nothing will show whether it was heard",
            ),
            ObjectKind::Keys => Some(
                "phones can only say that they accepted keys; nothing will show what these did",
            ),
        }
    }

    /// How long a phone may take for an answer, where it usually takes at most this.
    pub fn reply_timeout(&self, usual: Duration) -> Duration {
        match self {
            Self::Script(script) if script.plays() => usual.max(PLAY_TIMEOUT),
            Self::Picture { .. }
            | Self::Gallery { .. }
            | Self::Elsewhere { .. }
            | Self::Removal
            | Self::Tone { .. }
            | Self::Script(_) => usual,
        }
    }
}

impl PreparedPayload {
    /// Returns what tells it from anything else of its kind.
    pub fn digests(&self) -> Digests {
        match self {
            Self::Pictures(pictures) => pictures.into(),
            Self::Elsewhere(models) => ExternalPush::Show(models.clone()).digests(),
            Self::Removal => ExternalPush::Remove.digests(),
            Self::Tones(tones) => tones.into(),
            Self::Script(script) => Digests::Script(script.clone()),
        }
    }
}

/// Returns what a target takes, with its model.
pub fn of_model(target: &Target) -> ModelFormat {
    let Target { model, accepts, picture, .. } = target;
    ModelFormat { model: model.clone(), accepts: *accepts, picture: picture.clone() }
}

fn can_remove(target: &Target) -> bool {
    target.accepts.image().is_some_and(|image| image.schema != PushSchema::Classic)
}

/// A model that something is pushed to.
#[derive(Clone, Debug)]
pub struct ModelFormat {
    /// Its name.
    pub model: String,
    /// What it takes.
    pub accepts: AcceptedFormat,
    /// Which of several pictures, by its name.
    pub picture: String,
}

/// What stands in reports where a picture is taken off.
const REMOVAL: &str = "(the pushed picture is taken off)";

/// A phone answers only when the sound is over ("IP Phone Services Application Development Notes", Play), and it
/// waits until the phone has stopped ringing.
const PLAY_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest script, in bytes.
const LONGEST_SCRIPT: u64 = 64 * 1024;

/// Returns the file name of a path, for a person.
pub fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elsewhere(url: &str) -> Payload {
        Payload::Elsewhere { image: url.parse().unwrap(), icon: "http://h/i".parse().unwrap() }
    }

    #[test]
    fn downloads_prove_only_what_is_downloaded_from_here() {
        for payload in [elsewhere("http://h/x.png"), Payload::Removal] {
            assert_eq!(payload.proof(None).unwrap(), Proof::None);
            assert_eq!(payload.proof(Some(Proof::Screenshot)).unwrap(), Proof::Screenshot);
            assert!(payload.proof(Some(Proof::Fetch)).is_err());
        }
    }

    #[test]
    fn a_picture_elsewhere_is_named_after_its_file() {
        assert_eq!(elsewhere("http://h/{dir}/spring.png").picture_name("x"), "spring");
        assert_eq!(elsewhere("http://h/spring-{size}.png").picture_name("x"), "wallpaper");
        assert_eq!(Payload::Removal.picture_name("x"), "wallpaper");
    }
}
