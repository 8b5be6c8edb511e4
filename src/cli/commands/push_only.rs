//! What `push`, `ringtone`, `play` and `keys` have in common: they push to phones that a cluster or a list names,
//! and change nothing on the cluster.

use crate::cli::settings;
use clap::Args;

use crate::cli::args::address::AddressArgs;
use crate::cli::args::payload::PayloadSource;
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::push::{PicturePushArgs, PushArgs};
use crate::cli::args::words::WordsArgs;
use crate::cli::args::{ConfirmArgs, ConnectionArgs, OutputArgs, TargetArgs, WaitArgs};
use crate::cli::commands::rollout_common::{self, Job, Source};
use crate::domain::picture_rules::PictureRules;
use crate::error::{AppError, ErrorKind, Exit};

/// To whom, and how.
#[derive(Args, Debug)]
pub struct SendArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    addresses: AddressArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    push: PushArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl SendArgs {
    /// Returns which picture is for whom; addresses have no device pools, and so no rules.
    pub fn rules(&self) -> Result<PictureRules, AppError> {
        if self.addresses.any() {
            Ok(PictureRules::default())
        } else {
            settings::pictures(&self.connection)
        }
    }
}

impl SendArgs {
    /// Makes sure that there is a cluster that knows what is written on pictures.
    ///
    /// # Errors
    /// When phones are named by their addresses.
    pub fn check_words(&self, words: &WordsArgs) -> Result<(), AppError> {
        if !self.addresses.any() || words.template()?.is_empty() {
            return Ok(());
        }
        let error = "--text and --qr are filled in with what a cluster knows of its phones, and --address asks none";
        Err(AppError::new(ErrorKind::Usage, error)
            .hint("choose phones with --device or --subnet, or leave --text and --qr out"))
    }
}

/// Pushes something else than a picture.
///
/// # Errors
/// When nothing can be pushed at all; a phone's failure is in the answer and the exit code.
pub async fn run(
    command: &'static str,
    wanted: PayloadSource,
    args: SendArgs,
) -> Result<Exit, AppError> {
    // On the heap, because two calls deep it is a large future.
    Box::pin(anything(command, wanted, PicturePushArgs::default(), args)).await
}

pub async fn anything(
    command: &'static str,
    wanted: PayloadSource,
    picture: PicturePushArgs,
    args: SendArgs,
) -> Result<Exit, AppError> {
    args.connection.one_cluster()?;
    let SendArgs { connection, phones, addresses, target, push, output, confirm } = args;
    let job = Job {
        command,
        source: Source::Typed { wanted: Box::new(wanted), target: Box::new(target), addresses },
        connection: connection.with_phones(phones),
        push,
        picture,
        output,
        repair: None,
        wait: WaitArgs::default(),
        confirm,
    };
    // The future is too large for the stack.
    Box::pin(rollout_common::run(job)).await
}
