//! The payload of a push: a picture of this machine, one on another server, or its removal.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::picture::PictureArgs;
use crate::domain::picture_rules::PictureRules;
use crate::error::{AppError, ErrorKind};
use crate::event::Proof;
use crate::image_server::external_url::Template;
use crate::rollout::payload::PayloadSource;

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
    pub fn wanted(
        self,
        picture: Option<PathBuf>,
        options: PictureArgs,
        rules: PictureRules,
    ) -> Result<PayloadSource, AppError> {
        match (picture, self) {
            (_, Self { remove: true, .. }) => Ok(PayloadSource::Removal),
            (_, Self { image_url: Some(image), icon_url: Some(icon), .. }) => {
                Ok(PayloadSource::Elsewhere { image, icon })
            }
            (Some(path), Self { kem_picture: kem, .. }) => {
                Ok(PayloadSource::Picture { path, kem, options: options.options()? })
            }
            (None, _) if !rules.is_empty() => {
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
