//! What is done to phones: a picture of ours, one that stands elsewhere, or none any more.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cli::args::picture::PictureArgs;
use crate::domain::picture_rules::PictureRules;
use crate::error::{AppError, ErrorKind};
use crate::event::Proof;
use crate::image_server::external_url::Template;
use crate::media::Picture;
use crate::rollout::images;
use crate::rollout::payload::Wanted;

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

impl WhatArgs {
    /// Puts together what was typed. Where nothing was, the rules of the config file say who gets which picture.
    ///
    /// # Errors
    /// When nothing was typed, and there are no rules.
    pub fn wanted(
        self,
        picture: Option<PathBuf>,
        options: PictureArgs,
        rules: PictureRules,
    ) -> Result<Wanted, AppError> {
        match (picture, self) {
            (_, Self { remove: true, .. }) => Ok(Wanted::Removal),
            (_, Self { image_url: Some(image), icon_url: Some(icon), .. }) => {
                Ok(Wanted::Elsewhere { image, icon })
            }
            (Some(path), Self { kem_picture: kem, .. }) => {
                Ok(Wanted::Picture { path, kem, options })
            }
            (None, _) if !rules.is_empty() => Ok(Wanted::ByRules { rules, options }),
            (None, _) => {
                let hint = "give a PICTURE, or --image-url and --icon-url, or --remove, or write [[image]] rules into the \
                            config file";
                Err(AppError::new(ErrorKind::Usage, "no picture is named").hint(hint))
            }
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
    pub fn read(path: &Path) -> Result<Self, AppError> {
        Self::of(path, images::read(path)?)
    }

    /// Understands a picture's file; `name` is what errors call it.
    ///
    /// # Errors
    /// When it is no picture.
    pub fn of(name: &Path, bytes: Vec<u8>) -> Result<Self, AppError> {
        Ok(Self { picture: images::decode(name, &bytes)?, bytes })
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
    /// They got pictures by rules.
    Gallery {
        /// Which was for whom.
        rules: PictureRules,
    },
    /// Their picture was taken off.
    Removal,
}

/// How a push is to be proven, as typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum VerifyArg {
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
