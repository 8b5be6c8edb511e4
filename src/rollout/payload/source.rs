//! What is to be pushed, as the command line names it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::payload_kind::ToneFormat;
use crate::domain::picture_rules::PictureRules;
use crate::error::AppError;
use crate::image_server::external_url::Template;
use crate::media::Options;
use crate::rollout::payload::Payload;
use crate::rollout::payload::external_picture::ExternalPicture;
use crate::rollout::payload::key_script::KeyScriptPayload;
use crate::rollout::payload::picture::PicturePayload;
use crate::rollout::payload::pictures_by_rules::PicturesByRules;
use crate::rollout::payload::removal::Removal;
use crate::rollout::payload::ring_tone::{RingTone, read_audio};
use crate::rollout::payload::source_image::SourceImage;

/// What is to be pushed. [`Self::load`] makes a [`Payload`] of it.
#[derive(Clone, Debug)]
pub enum PayloadSource {
    /// A picture.
    Picture {
        /// Its file.
        path: PathBuf,
        /// The file of the picture for key expansion modules.
        kem: Option<PathBuf>,
        /// How the picture is rendered.
        options: Options,
    },
    /// The pictures of the config file's rules.
    ByRules {
        /// Which picture is for which phone.
        rules: PictureRules,
        /// How the pictures are rendered.
        options: Options,
    },
    /// Pictures on another web server.
    External {
        /// The URL of the backgrounds.
        image: Template,
        /// The URL of the thumbnails.
        icon: Template,
    },
    /// The pushed picture is removed.
    Removal,
    /// A ring tone.
    RingTone {
        /// The file of the sound.
        path: PathBuf,
        /// The format for all phones; nothing where the model decides.
        format: Option<ToneFormat>,
    },
    /// A sound of the phones' TFTP server, by its name.
    Sound(String),
    /// A key script.
    Keys {
        /// Its file.
        path: PathBuf,
        /// Whether it may be destructive.
        allow_destructive: bool,
    },
}

impl PayloadSource {
    /// Reads the files, and returns the payload with its name in reports.
    ///
    /// # Errors
    /// When a file cannot be read, is not what it should be, or is destructive and that is not allowed.
    pub async fn load(&self) -> Result<(Arc<dyn Payload>, String), AppError> {
        Ok(match self {
            Self::Picture { path, kem, options } => {
                let picture = SourceImage::read(path).await?;
                let kem = match kem {
                    Some(path) => Some(SourceImage::read(path).await?),
                    None => None,
                };
                (Arc::new(PicturePayload { picture, kem, options: *options }), file_name(path))
            }
            Self::ByRules { rules, options } => {
                let payload = PicturesByRules::read(rules, *options).await?;
                let names: Vec<&str> = rules.pictures().into_iter().map(|(name, _)| name).collect();
                (Arc::new(payload), names.join(", "))
            }
            Self::External { image, icon } => {
                let payload = ExternalPicture { image: image.clone(), icon: icon.clone() };
                (Arc::new(payload), image.to_string())
            }
            Self::Removal => (Arc::new(Removal), REMOVAL.to_owned()),
            Self::RingTone { path, format } => {
                let audio = Arc::new(read_audio(path).await?);
                (Arc::new(RingTone { audio, format: *format }), file_name(path))
            }
            Self::Sound(name) => {
                let payload = KeyScriptPayload::play(name)?;
                (Arc::new(payload), name.trim_start_matches("Play:").to_owned())
            }
            Self::Keys { path, allow_destructive } => {
                (Arc::new(KeyScriptPayload::read(path, *allow_destructive)?), file_name(path))
            }
        })
    }
}

/// Returns the file name of a path, for reports.
pub fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The name in reports where the pushed picture is removed.
const REMOVAL: &str = "(the pushed picture is taken off)";
