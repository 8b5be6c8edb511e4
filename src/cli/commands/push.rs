//! `axlpaper push`

use std::path::PathBuf;

use crate::cli::addresses::{self, AddressArgs};
use crate::cli::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs, WaitArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::picture_args::PictureArgs;
use crate::cli::pipeline::{self, Job};
use crate::cli::subject::Source;
use crate::cli::what::WhatArgs;

/// Push a picture to the phones that are ready, and change nothing on the cluster
///
/// With --address or --addresses-from no cluster is asked at all: only the push user and its password are
/// needed, and everything else is as ever.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Picture: PNG, JPEG, WebP, GIF, BMP, TIFF or SVG
    #[arg(value_name = "PICTURE", required_unless_present_any = ["image_url", "remove"])]
    picture: Option<PathBuf>,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    options: PictureArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    addresses: AddressArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    push: PushArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// When nothing can be pushed at all; a phone's failure is in the answer and the exit code.
pub async fn run(args: Args) -> Result<Exit, CliError> {
    let Args { picture, what, options, connection, addresses, target, push, output, yes } = args;
    let wanted = what.wanted(picture, options)?;
    if addresses.any() {
        let command = "push";
        let job =
            addresses::Job { command, wanted, addresses, target, connection, push, output, yes };
        return addresses::run(job).await;
    }
    pipeline::run(Job {
        command: "push",
        source: Source::Typed { wanted, target: Box::new(target) },
        connection,
        push,
        output,
        yes,
        repair: None,
        wait: WaitArgs::default(),
        dry_run: false,
    })
    .await
}
