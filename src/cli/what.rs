//! What is done to phones: a picture of ours, one that stands elsewhere, or none any more.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::error::{CliError, Exit};
use super::{images, open};
use crate::event::Proof;
use crate::host::elsewhere::Template;
use crate::media::Picture;

/// What can be done instead of pushing a picture of this machine.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Instead of PICTURE")]
pub struct WhatArgs {
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

/// What is done to phones, as typed.
#[derive(Clone, Debug)]
pub enum Typed {
    /// They get the picture of a file.
    Picture {
        /// The file.
        path: PathBuf,
        /// The file of the picture for key expansion modules.
        kem: Option<PathBuf>,
    },
    /// They get pictures that stand elsewhere.
    Elsewhere {
        /// Where the backgrounds are.
        image: Template,
        /// Where the small pictures are.
        icon: Template,
    },
    /// Their picture is taken off.
    Removal,
}

impl Typed {
    /// Puts together what was typed.
    ///
    /// # Errors
    /// When nothing was.
    pub fn of(picture: Option<PathBuf>, what: WhatArgs) -> Result<Self, CliError> {
        match (picture, what) {
            (_, WhatArgs { remove: true, .. }) => Ok(Self::Removal),
            (_, WhatArgs { image_url: Some(image), icon_url: Some(icon), .. }) => {
                Ok(Self::Elsewhere { image, icon })
            }
            (Some(path), WhatArgs { kem_picture: kem, .. }) => Ok(Self::Picture { path, kem }),
            (None, _) => Err(CliError::new(Exit::Usage, "no picture is named")
                .hint("give a PICTURE, or --image-url and --icon-url, or --remove")),
        }
    }

    /// Reads the picture, where it is one of this machine's.
    ///
    /// # Errors
    /// When it is missing, cannot be read or is no picture.
    pub fn read(self) -> Result<Wanted, CliError> {
        match self {
            Self::Picture { path, kem } => {
                let picture = Source::read(&path)?;
                let kem = kem.map(|path| Source::read(&path)).transpose()?;
                Ok(Wanted::Picture { picture, kem, file: open::file_name(&path) })
            }
            Self::Elsewhere { image, icon } => Ok(Wanted::Elsewhere { image, icon }),
            Self::Removal => Ok(Wanted::Removal),
        }
    }
}

/// A picture and the file that it comes from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The picture.
    pub picture: Picture,
    /// Its file, as it is.
    pub bytes: Vec<u8>,
}

impl Source {
    /// Reads a picture's file.
    ///
    /// # Errors
    /// When it is missing, cannot be read or is no picture.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        Self::of(path, images::read(path)?)
    }

    /// Understands a picture's file; `name` is what errors call it.
    ///
    /// # Errors
    /// When it is no picture.
    pub fn of(name: &Path, bytes: Vec<u8>) -> Result<Self, CliError> {
        Ok(Self { picture: images::decode(name, &bytes)?, bytes })
    }
}

/// What is done to phones, with everything that is needed for it.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// They get this picture.
    Picture {
        /// The picture.
        picture: Source,
        /// The one for key expansion modules.
        kem: Option<Source>,
        /// The file's name.
        file: String,
    },
    /// They get pictures that stand elsewhere.
    Elsewhere {
        /// Where the backgrounds are.
        image: Template,
        /// Where the small pictures are.
        icon: Template,
    },
    /// Their picture is taken off.
    Removal,
}

impl Wanted {
    /// Returns what stands in reports as the picture.
    pub fn title(&self) -> String {
        match self {
            Self::Picture { file, .. } => file.clone(),
            Self::Elsewhere { image, .. } => image.to_string(),
            Self::Removal => "(the pushed picture is taken off)".to_owned(),
        }
    }

    /// Says in words what is done to so many phones.
    pub fn done_to(&self, phones: &str) -> String {
        match self {
            Self::Picture { file, .. } => format!("push {file} to {phones}"),
            Self::Elsewhere { image, .. } => format!("push {image} to {phones}"),
            Self::Removal => format!("take the pushed picture off {phones}"),
        }
    }

    /// Returns the name under which phones that keep a list show the picture.
    pub fn picture_name(&self) -> String {
        let file = match self {
            Self::Picture { file, .. } => file.as_str(),
            Self::Elsewhere { image, .. } => {
                let (text, places) = (image.text(), ['{', '}']);
                let last = text.rsplit('/').next().unwrap_or_default();
                // A name with a place in it would be another one for each model.
                if last.contains(places) { "" } else { last }
            }
            Self::Removal => "",
        };
        stem(file)
    }

    /// Returns what the journal keeps of it.
    pub fn kept(&self) -> Kept {
        match self {
            Self::Picture { .. } => Kept::Picture,
            Self::Elsewhere { image, icon } => {
                Kept::Elsewhere { image_url: image.to_string(), icon_url: icon.to_string() }
            }
            Self::Removal => Kept::Removal,
        }
    }

    /// Returns how pushes are proven, as `typed`, or as it is usual.
    ///
    /// # Errors
    /// When downloads are to prove it that nobody here sees.
    pub fn proof(&self, typed: Option<Proof>) -> Result<Proof, CliError> {
        match (self, typed) {
            (Self::Picture { .. }, typed) => Ok(typed.unwrap_or_default()),
            (Self::Elsewhere { .. }, Some(Proof::Fetch)) => Err(CliError::new(
                Exit::Usage,
                "nobody here sees what phones download from --image-url",
            )
            .hint("use --verify screenshot or --verify none")),
            (Self::Removal, Some(Proof::Fetch)) => {
                Err(CliError::new(Exit::Usage, "nothing is downloaded when a picture is taken off")
                    .hint("use --verify screenshot or --verify none"))
            }
            (Self::Elsewhere { .. } | Self::Removal, typed) => Ok(typed.unwrap_or(Proof::None)),
        }
    }
}

/// What the journal keeps of what was done to phones; the picture's file is kept apart.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
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
    /// Their picture was taken off.
    Removal,
}

/// How a push is to be proven, as typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum VerifyArg {
    /// The phone downloads everything completely (with PICTURE)
    Fetch,
    /// Its screen came to show the picture, and with PICTURE it downloads everything too
    Screenshot,
    /// Nothing is looked at and nobody is waited for: `accepted` at best
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

/// A file's name without its ending.
fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "wallpaper".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elsewhere(url: &str) -> Wanted {
        Wanted::Elsewhere { image: url.parse().unwrap(), icon: "http://h/i".parse().unwrap() }
    }

    #[test]
    fn downloads_prove_only_what_is_downloaded_from_here() {
        for wanted in [elsewhere("http://h/x.png"), Wanted::Removal] {
            assert_eq!(wanted.proof(None).unwrap(), Proof::None);
            assert_eq!(wanted.proof(Some(Proof::Screenshot)).unwrap(), Proof::Screenshot);
            assert!(wanted.proof(Some(Proof::Fetch)).is_err());
        }
    }

    #[test]
    fn a_picture_elsewhere_is_named_after_its_file() {
        assert_eq!(elsewhere("http://h/{dir}/spring.png").picture_name(), "spring");
        assert_eq!(elsewhere("http://h/spring-{size}.png").picture_name(), "wallpaper");
        assert_eq!(Wanted::Removal.picture_name(), "wallpaper");
    }
}
