//! `axlpaper image`: pictures as files, for people and for the TFTP service.

mod make;
mod phones;
mod prepare;
mod tftp;
mod wanted;

use clap::Subcommand;

use crate::error::{AppError, Exit};

/// Make pictures for phones as files
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Prepare(prepare::Args),
    Tftp(tftp::Args),
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    match args.command {
        Command::Prepare(args) => prepare::run(args).await,
        Command::Tftp(args) => tftp::run(args).await,
    }
}
