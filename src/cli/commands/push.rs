//! `axlpaper push`

use std::path::PathBuf;

use crate::cli::addresses::{self, AddressArgs};
use crate::cli::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs, WaitArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::open;
use crate::cli::picture_args::PictureArgs;
use crate::cli::pipeline::{self, Job};
use crate::cli::subject::Source;
use crate::cli::what::WhatArgs;
use crate::domain::picture::PictureRules;

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
    // Nobody knows the device pools of addresses.
    let by_rules = !addresses.any();
    let rules = if by_rules { open::pictures(&connection)? } else { PictureRules::default() };
    let wanted = what.wanted(picture, options, rules)?;
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
