//! `axlpaper rollout`

use crate::cli::settings;
use std::path::PathBuf;

use crate::cli::args::address::AddressArgs;
use crate::cli::args::payload::PayloadArgs;
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::picture::PictureArgs;
use crate::cli::args::push::{PicturePushArgs, PushArgs};
use crate::cli::args::words::WordsArgs;
use crate::cli::args::{
    AllClustersArgs, ConfirmArgs, ConnectionArgs, OutputArgs, RepairArgs, ResetArgs, TargetArgs,
    WaitArgs,
};
use crate::cli::commands::rollout_common::{self, Job, Source};
use crate::error::{AppError, Exit};
use crate::journal::RunRef;
use crate::rollout::resume::RunSource;

/// Survey, audit, repair what may be repaired, push a picture and prove it
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Picture: PNG, JPEG, WebP, GIF, BMP, TIFF or SVG; without one, the [[image]] rules of the config file say who
    /// gets which
    #[arg(value_name = "PICTURE")]
    picture: Option<PathBuf>,
    #[command(flatten)]
    what: PayloadArgs,
    /// Do what a run left undone: its picture, its selection, its repairs; RUN is a number or `last`
    #[arg(long, value_name = "RUN", help_heading = "Run", conflicts_with_all = ["picture", "only_failed", "PictureArgs", "WordsArgs", "PayloadArgs", "TargetArgs", "RepairArgs", "ResetArgs"])]
    resume: Option<RunRef>,
    /// Push its picture to the phones that a run did not serve: failed, pending, or without an end
    #[arg(long, value_name = "RUN", help_heading = "Run", conflicts_with_all = ["picture", "PictureArgs", "WordsArgs", "PayloadArgs", "TargetArgs"])]
    only_failed: Option<RunRef>,
    #[command(flatten)]
    options: PictureArgs,
    #[command(flatten)]
    words: WordsArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    all: AllClustersArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    repair: RepairArgs,
    #[command(flatten)]
    reset: ResetArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    push: PushArgs,
    #[command(flatten)]
    picture_push: PicturePushArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    Box::pin(rollout_common::run(args.job()?)).await
}

impl Args {
    /// Returns what was typed as a job.
    pub(super) fn job(self) -> Result<Job, AppError> {
        let args = self;
        let repairs = args.repair.repairs(args.reset)?;
        let source = match (args.resume, args.only_failed, args.picture) {
            (Some(run), ..) => Source::Earlier(RunSource::Resume(run)),
            (None, Some(run), _) => Source::Earlier(RunSource::OnlyFailed(run)),
            (None, None, picture) => {
                let rules = settings::pictures(&args.connection)?;
                let wanted = args.what.wanted(picture, args.options, args.words, rules)?;
                let (target, addresses) = (Box::new(args.target), AddressArgs::default());
                Source::Typed { wanted: Box::new(wanted), target, addresses }
            }
        };
        Ok(Job {
            command: "rollout",
            source,
            connection: args.connection.or_all(args.all).with_phones(args.phones),
            push: args.push,
            picture: args.picture_push,
            output: args.output,
            repair: Some(repairs),
            wait: args.wait,
            confirm: args.confirm,
        })
    }
}
