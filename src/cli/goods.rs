//! What is pushed, from what was typed to the way to the phones.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::{CliError, Exit};
use super::images::{self, Sending};
use super::open;
use super::picture_args::PictureArgs;
use crate::domain::object::{ObjectKind, Takes, ToneFormat};
use crate::domain::selector::LimitCounts;
use crate::domain::text::counted;
use crate::event::{Observer, PhoneResult};
use crate::media::{Audio, Options, Picture, PreparedSet, ToneError, ToneSet};
use crate::push::any_line::AnyLine;
use crate::push::script::Script;
use crate::push::{Digests, KeysLine, Target, ToneLine, no_step};

/// What is to be pushed, as typed.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// A picture.
    Picture {
        /// Its file.
        path: PathBuf,
        /// How it is made to fit.
        options: PictureArgs,
    },
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
pub enum Goods {
    /// A picture.
    Picture {
        /// The picture.
        picture: Picture,
        /// Its file, as it is.
        bytes: Vec<u8>,
        /// How it is made to fit.
        options: Options,
    },
    /// A ring tone.
    Tone {
        /// The sound.
        audio: Audio,
        /// The format for all phones; by model otherwise.
        format: Option<ToneFormat>,
    },
    /// Keys, or a sound that is played once.
    Script(Arc<Script>),
}

/// What phones get, made for their models.
#[derive(Debug)]
pub enum Prepared {
    /// Pictures.
    Pictures(PreparedSet),
    /// Ring tones.
    Tones(ToneSet),
    /// The same script for all.
    Script(Arc<Script>),
}

impl Wanted {
    /// Reads and understands it; returns it with the name that reports call it by.
    ///
    /// # Errors
    /// When its file cannot be read, is something else, or may do harm that is not allowed.
    pub fn read(&self) -> Result<(Goods, String), CliError> {
        match self {
            Self::Picture { path, options } => {
                let options = options.options()?;
                let bytes = images::read(path)?;
                let picture = images::decode(path, &bytes)?;
                Ok((Goods::Picture { picture, bytes, options }, open::file_name(path)))
            }
            Self::Tone { path, format } => {
                let audio = audio(path)?;
                Ok((Goods::Tone { audio, format: *format }, open::file_name(path)))
            }
            Self::Sound(name) => {
                let script = Script::play(name).map_err(|error| {
                    CliError::from_error(Exit::Usage, &error)
                        .hint("phones play files that their TFTP server has; upload it there first")
                })?;
                let name = name.trim_start_matches("Play:").to_owned();
                Ok((Goods::Script(Arc::new(script)), name))
            }
            Self::Keys { path, allow_destructive } => {
                let script = keys(path, *allow_destructive)?;
                Ok((Goods::Script(Arc::new(script)), open::file_name(path)))
            }
        }
    }
}

/// Reads a sound's file.
///
/// # Errors
/// When it cannot be read or is no sound.
pub fn audio(path: &Path) -> Result<Audio, CliError> {
    let unusable = |error: ToneError| CliError::from_error(Exit::Usage, &error);
    let bytes = Audio::read(path).map_err(unusable)?;
    Audio::decode(&path.display().to_string(), bytes).map_err(unusable)
}

fn keys(path: &Path, allow_destructive: bool) -> Result<Script, CliError> {
    let shown = path.display();
    let text = read_text(path).map_err(|error| {
        CliError::new(Exit::Usage, format!("cannot read the key script {shown}: {error}"))
            .hint("give the path of a script; `axlpaper keys --help` shows what stands in it")
    })?;
    let script = Script::read(&text).map_err(|error| {
        CliError::new(Exit::Usage, format!("the key script {shown}: {error}"))
            .hint("nothing was sent; `axlpaper keys --help` shows what stands in a script")
    })?;
    let dangers = script.dangers();
    if dangers.is_empty() || allow_destructive {
        return Ok(script);
    }
    let told: Vec<String> = dangers.iter().map(ToString::to_string).collect();
    Err(CliError::new(
        Exit::Refused,
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

impl Goods {
    /// Returns what it is.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Picture { .. } => ObjectKind::Background,
            Self::Tone { .. } => ObjectKind::RingTone,
            Self::Script(script) => script.kind(),
        }
    }

    /// Returns which phones a limit counts.
    pub fn limit_counts(&self) -> LimitCounts {
        match self {
            Self::Picture { .. } => LimitCounts::PhonesWithPictures,
            Self::Tone { .. } | Self::Script(_) => LimitCounts::PhonesThatTake(self.kind()),
        }
    }

    /// Sorts out who takes it as it is: a script may say nothing about a model, and the format of a ring tone may
    /// have been named for all. Returns those that are pushed to, and those that are left alone.
    pub fn sort(&self, targets: Vec<Target>) -> (Vec<Target>, Vec<PhoneResult>) {
        match self {
            Self::Picture { .. } | Self::Tone { format: None, .. } => (targets, Vec::new()),
            Self::Tone { format: Some(format), .. } => {
                let takes = Takes::Tone(*format);
                (targets.into_iter().map(|target| Target { takes, ..target }).collect(), Vec::new())
            }
            Self::Script(script) => {
                let (some, none): (Vec<_>, Vec<_>) =
                    targets.into_iter().partition(|target| script.steps(&target.model).is_some());
                (some, none.iter().map(no_step).collect())
            }
        }
    }

    /// Makes what phones get that take this.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(&self, takes: &[Takes], observer: &dyn Observer) -> Result<Prepared, CliError> {
        match self {
            Self::Picture { picture, options, .. } => {
                let specs = takes.iter().filter_map(Takes::image);
                images::prepare(picture, specs, options, observer).map(Prepared::Pictures)
            }
            Self::Tone { audio, format } => {
                let formats = takes.iter().filter_map(|takes| match takes {
                    Takes::Tone(by_model) => Some(format.unwrap_or(*by_model)),
                    Takes::Picture(_) | Takes::Sound | Takes::Keys => None,
                });
                let made = tokio::task::block_in_place(|| ToneSet::make(audio, formats));
                made.map(Prepared::Tones).map_err(|error| CliError::from_error(Exit::Usage, &error))
            }
            Self::Script(script) => Ok(Prepared::Script(script.clone())),
        }
    }

    /// Says what is done with it, to so many phones.
    pub fn deed(&self, name: &str, phones: usize) -> String {
        let phones = counted(phones, "phone");
        match self {
            Self::Picture { .. } => format!("push {name} to {phones}"),
            Self::Tone { .. } => format!("push the ring tone {name} to {phones}"),
            Self::Script(script) if script.kind() == ObjectKind::Play => {
                format!("play {name} aloud on {phones}")
            }
            Self::Script(script) => {
                let (steps, pauses) = (counted(script.longest(), "step"), script.pauses());
                format!(
                    "press the keys of {name} ({steps}, {:.1} s of pauses) on {phones}, blindly",
                    pauses.as_secs_f64()
                )
            }
        }
    }

    /// Says what a person should know before a yes, where acceptance is all that will ever be known.
    pub fn caution(&self) -> Option<&'static str> {
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

    /// How long a phone may take for an answer.
    fn patience(&self) -> Duration {
        match self {
            Self::Script(script) if script.plays() => PLAY_TIMEOUT,
            Self::Picture { .. } | Self::Tone { .. } | Self::Script(_) => images::PHONE_TIMEOUT,
        }
    }
}

impl Prepared {
    /// Returns the pictures, where it is such.
    pub fn pictures(&self) -> Option<&PreparedSet> {
        match self {
            Self::Pictures(pictures) => Some(pictures),
            Self::Tones(_) | Self::Script(_) => None,
        }
    }

    /// Returns what tells it from anything else of its kind.
    pub fn digests(&self) -> Digests {
        match self {
            Self::Pictures(pictures) => pictures.into(),
            Self::Tones(tones) => tones.into(),
            Self::Script(script) => Digests::Script(script.clone()),
        }
    }
}

/// Puts the way to the phones together, and starts the server where they download from us; `toward` is where
/// these are.
///
/// # Errors
/// When the server cannot listen, or when phones could not reach it.
pub fn line(
    sending: &Sending<'_>,
    toward: Option<IpAddr>,
    goods: &Goods,
    prepared: Prepared,
    observer: &Arc<dyn Observer>,
) -> Result<AnyLine, CliError> {
    Ok(match prepared {
        Prepared::Pictures(pictures) => {
            AnyLine::Picture(Box::new(images::line(sending, toward, pictures, observer)?))
        }
        Prepared::Tones(tones) => {
            let phones = images::meeting(sending, goods.patience())?;
            let wait = Duration::from_secs(sending.push.verify_timeout);
            let host = sending.way.serving.start(toward, observer)?;
            AnyLine::Tone(Box::new(ToneLine::new(phones, host, tones, wait)))
        }
        Prepared::Script(script) => {
            let phones = images::meeting(sending, goods.patience())?;
            AnyLine::Keys(Box::new(KeysLine::new(phones, script)))
        }
    })
}

/// A phone answers only when the sound is over ("IP Phone Services Application Development Notes", Play), and it
/// waits until the phone has stopped ringing.
const PLAY_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest script, in bytes.
const LONGEST_SCRIPT: u64 = 64 * 1024;
