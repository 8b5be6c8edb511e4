//! `axlpaper play`

use crate::cli::args::payload::PayloadSource;
use crate::cli::commands::push_only;
use crate::cli::commands::push_only::SendArgs;
use crate::error::{AppError, Exit};

/// Play a sound on phones once, aloud
///
/// Phones take the sound from their TFTP server, so the file must be there, at the root, in the format of ring
/// tones. A phone answers when the sound is over, and nothing shows whether it was heard: `accepted` is the best
/// outcome there is, and it is no failure. A phone whose answer is lost is not asked again, because it may have
/// played.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The name of the file, such as Chime.raw or Play:Chime.raw; Stop ends what is playing
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    send: SendArgs,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    push_only::run("play", PayloadSource::Sound(args.name), args.send).await
}
