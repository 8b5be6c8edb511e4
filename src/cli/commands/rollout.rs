//! `axlpaper rollout`

use std::path::PathBuf;

use crate::cli::args::{ConnectionArgs, OutputArgs, PushArgs, TargetArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::pipeline::{self, Job};

/// Survey, audit, repair associations, push a picture and prove it
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Picture, PNG or JPEG
    #[arg(value_name = "PICTURE")]
    picture: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    push: PushArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Stop after the plan; change nothing and push nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// When nothing can be done at all; a phone's failure is in the answer and the exit code.
pub async fn run(args: Args) -> Result<Exit, CliError> {
    let Args { picture, connection, target, push, output, dry_run, yes } = args;
    pipeline::run(Job { picture, connection, target, push, output, yes, repair: true, dry_run })
        .await
}
