//! `axlpaper push`

use std::path::PathBuf;

use crate::cli::args::payload::PayloadArgs;
use crate::cli::args::picture::PictureArgs;
use crate::cli::args::push::PicturePushArgs;
use crate::cli::args::words::WordsArgs;
use crate::cli::commands::push_only;
use crate::cli::commands::push_only::SendArgs;
use crate::error::{AppError, Exit};

/// Push a picture to the phones that are ready, and change nothing on the cluster
///
/// With --address or --addresses-from no cluster is asked at all: only the push user and its password are
/// needed, and everything else is as ever.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Picture: PNG, JPEG, WebP, GIF, BMP, TIFF or SVG; without one, the [[image]] rules of the config file say who
    /// gets which
    #[arg(value_name = "PICTURE")]
    picture: Option<PathBuf>,
    #[command(flatten)]
    what: PayloadArgs,
    #[command(flatten)]
    options: PictureArgs,
    #[command(flatten)]
    words: WordsArgs,
    #[command(flatten)]
    send: SendArgs,
    #[command(flatten)]
    picture_push: PicturePushArgs,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let Args { picture, what, options, words, send, picture_push } = args;
    send.check_words(&words)?;
    let wanted = what.wanted(picture, options, words, send.rules()?)?;
    push_only::anything("push", wanted, picture_push, send).await
}
