//! What a command pushes, as its arguments name it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::args::picture::PictureArgs;
use crate::cli::args::words::{WordsArgs, with_data};
use crate::connect::journal;
use crate::domain::payload_kind::ToneFormat;
use crate::domain::picture_rules::PictureRules;
use crate::domain::words::WordsTemplate;
use crate::error::{AppError, ErrorKind};
use crate::event::Proof;
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
use crate::rollout::payload::verification::ScreenVerification;

/// What is pushed, before its files are read.
#[derive(Clone, Debug)]
pub enum PayloadSource {
    Picture {
        path: PathBuf,
        kem: Option<PathBuf>,
        options: Options,
        words: WordsTemplate,
        /// The file with the data of the words.
        data: Option<PathBuf>,
    },
    /// A picture whose file was not read from a path.
    Uploaded {
        /// The name of its file.
        name: String,
        picture: SourceImage,
        options: Options,
        words: WordsTemplate,
    },
    ByRules {
        rules: PictureRules,
        options: Options,
    },
    External(ExternalPicture),
    Removal,
    RingTone {
        path: PathBuf,
        format: Option<ToneFormat>,
    },
    /// What phones of these clusters are proven to show, from this journal.
    Proven {
        journal: PathBuf,
        clusters: Vec<String>,
    },
    /// The name of a sound on the phones' TFTP server.
    Sound(String),
    Keys {
        path: PathBuf,
        allow_destructive: bool,
    },
}

impl PayloadSource {
    /// Reads the files. Returns the payload with its name in reports. Rules choose for the time when the push begins.
    ///
    /// # Errors
    /// When a file cannot be read, is not what it should be, or is destructive and that is not allowed.
    pub async fn load(self, start: Timestamp) -> Result<(Arc<dyn Payload>, String), AppError> {
        Ok(match self {
            Self::Picture { path, kem, options, words, data } => {
                let words = with_data(words, data.as_deref())?;
                let picture = SourceImage::read(&path).await?;
                let kem = match kem {
                    Some(path) => Some(SourceImage::read(&path).await?),
                    None => None,
                };
                (Arc::new(PicturePayload { picture, kem, options, words }), file_name(&path))
            }
            Self::Uploaded { name, picture, options, words } => {
                let words = with_data(words, None)?;
                (Arc::new(PicturePayload { picture, kem: None, options, words }), name)
            }
            Self::ByRules { rules, options } => {
                let rules = rules.with_words(with_data).map_err(|(error, number)| {
                    error.context(format_args!("[[image]] rule {number}"))
                })?;
                let payload = PicturesByRules::read(rules.at(start), options).await?;
                let names: Vec<&str> = payload.pictures.iter().map(|(name, _)| &**name).collect();
                let name = names.join(", ");
                (Arc::new(payload), name)
            }
            Self::External(payload) => {
                let name = payload.image.to_string();
                (Arc::new(payload), name)
            }
            Self::Proven { journal, clusters } => {
                let history = journal::history(&journal)?;
                let payload = ScreenVerification::read(&history, &clusters).await?;
                (Arc::new(payload), "screens".to_owned())
            }
            Self::Removal => (Arc::new(Removal), "(the pushed picture is removed)".to_owned()),
            Self::RingTone { path, format } => {
                let audio = Arc::new(read_audio(&path).await?.0);
                (Arc::new(RingTone { audio, format }), file_name(&path))
            }
            Self::Sound(name) => {
                let payload = KeyScriptPayload::play(&name)?;
                (Arc::new(payload), name.trim_start_matches("Play:").to_owned())
            }
            Self::Keys { path, allow_destructive } => {
                (Arc::new(KeyScriptPayload::read(&path, allow_destructive)?), file_name(&path))
            }
        })
    }
}

/// Returns the file name of a path, for reports.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// What can be done instead of pushing a picture of this machine.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Instead of PICTURE")]
pub struct PayloadArgs {
    /// Let phones download from this address, not from us, such as http://cucm:6970/{dir}/spring.png; {size}, {dir}
    /// and {model} differ from model to model. Each file is downloaded once beforehand and looked at
    #[arg(long, value_name = "URL", requires = "icon_url", conflicts_with_all = ["picture", "remove"])]
    pub image_url: Option<Template>,
    /// Where the small picture for the phone's menu is; {size} is its size
    #[arg(long, value_name = "URL", requires = "image_url")]
    pub icon_url: Option<Template>,
    /// Beside PICTURE, one for key expansion modules of 98xx phones, PNG or JPEG; it becomes 480x800
    #[arg(long, value_name = "FILE", requires = "picture", conflicts_with_all = ["image_url", "remove"])]
    pub kem_picture: Option<PathBuf>,
    /// Take the pushed picture off, where the model knows how (8875, 98xx)
    #[arg(long, conflicts_with = "picture")]
    pub remove: bool,
}

impl PayloadArgs {
    /// Returns what was typed, or the pictures of the config file's rules.
    ///
    /// # Errors
    /// When nothing was typed and there are no rules.
    pub fn wanted(
        self,
        picture: Option<PathBuf>,
        options: PictureArgs,
        words: WordsArgs,
        rules: PictureRules,
    ) -> Result<PayloadSource, AppError> {
        let (template, data) = (words.template()?, words.data);
        match (picture, self) {
            (_, Self { remove: true, .. } | Self { image_url: Some(_), .. })
                if !template.is_empty() =>
            {
                let error = "words are drawn on a PICTURE or on those of [[image]] rules";
                Err(AppError::new(ErrorKind::Usage, error).hint("leave --text and --qr out"))
            }
            (_, Self { remove: true, .. }) => Ok(PayloadSource::Removal),
            (_, Self { image_url: Some(image), icon_url: Some(icon), .. }) => {
                Ok(PayloadSource::External(ExternalPicture { image, icon }))
            }
            (Some(path), Self { kem_picture: kem, .. }) => {
                let (options, words) = (options.options()?, template);
                Ok(PayloadSource::Picture { path, kem, options, words, data })
            }
            (None, _) if !rules.is_empty() => {
                let rules = rules.or_words(&template, data.as_deref());
                Ok(PayloadSource::ByRules { rules, options: options.options()? })
            }
            (None, _) => {
                let hint = "give a PICTURE, or --image-url and --icon-url, or --remove, or write [[image]] rules into the \
                            config file";
                Err(AppError::new(ErrorKind::Usage, "no picture is named").hint(hint))
            }
        }
    }
}

/// How a push is proven, as typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum VerifyArg {
    /// The phone downloads everything completely (with PICTURE)
    Fetch,
    /// Its screen came to show the picture, and with PICTURE it downloads everything too
    Screenshot,
    /// Nothing is checked and nothing waited for: `accepted` at best
    None,
}

impl From<VerifyArg> for Proof {
    fn from(typed: VerifyArg) -> Self {
        match typed {
            VerifyArg::Fetch => Self::Fetch,
            VerifyArg::Screenshot => Self::Screenshot,
            VerifyArg::None => Self::None,
        }
    }
}
