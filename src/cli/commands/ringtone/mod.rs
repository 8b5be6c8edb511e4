//! `axlpaper ringtone`

mod prepare;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::cli::args::payload::PayloadSource;
use crate::cli::commands::push_only;
use crate::cli::commands::push_only::SendArgs;
use crate::domain::payload_kind::ToneFormat;
use crate::error::{AppError, Exit};

/// Push a ring tone to the phones that are ready, and change nothing on the cluster
///
/// Any sound will do: its first two seconds, or ten, become a ring tone in the format of each model. A phone is
/// `verified` when it accepted and downloaded its tone completely. It rings with it where its ring tone is set to
/// the default one; elsewhere it only plays it once, as published tools found. Phone Personalization must be
/// enabled, as for pictures.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The sound: a WAV, MP3, FLAC or OGG file
    #[arg(value_name = "AUDIO", required = true)]
    audio: Option<PathBuf>,
    /// Send this format to all phones [default: by model, as `axlpaper models` shows]
    #[arg(long, value_name = "FORMAT")]
    tone_format: Option<FormatArg>,
    #[command(flatten)]
    send: SendArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Prepare(prepare::Args),
}

/// How a ring tone is written, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatArg {
    /// 8 kHz, µ-law, 2 seconds at most.
    Classic,
    /// 16 kHz, 16 bits, 10 seconds at most.
    Wideband,
}

impl From<FormatArg> for ToneFormat {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Classic => Self::Classic,
            FormatArg::Wideband => Self::Wideband,
        }
    }
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    if let Some(Command::Prepare(args)) = &args.command {
        return prepare::run(args).await;
    }
    let path = args.audio.unwrap_or_default();
    let format = args.tone_format.map(ToneFormat::from);
    push_only::run("ringtone", PayloadSource::RingTone { path, format }, args.send).await
}
