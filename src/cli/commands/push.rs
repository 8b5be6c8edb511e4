//! `axlpaper push`

use std::path::PathBuf;

use crate::cli::addresses::{self, AddressArgs};
use crate::cli::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs, WaitArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::goods::Wanted;
use crate::cli::picture_args::PictureArgs;
use crate::cli::pipeline::{self, Job};
use crate::cli::subject::Source;

/// Push a picture to the phones that are ready, and change nothing on the cluster
///
/// With --address or --addresses-from no cluster is asked at all: only the push user and its password are
/// needed, and everything else is as ever.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Picture: PNG, JPEG, WebP, GIF, BMP, TIFF or SVG
    #[arg(value_name = "PICTURE")]
    picture: PathBuf,
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
    let Args { picture, options, connection, addresses, target, push, output, yes } = args;
    if addresses.any() {
        let (command, wanted) = ("push", Wanted::Picture { path: picture, options });
        let job =
            addresses::Job { command, wanted, addresses, target, connection, push, output, yes };
        return addresses::run(job).await;
    }
    pipeline::run(Job {
        command: "push",
        source: Source::Typed {
            wanted: Wanted::Picture { path: picture, options },
            target: Box::new(target),
        },
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
