//! `axlpaper verify`

use crate::cli::args::address::AddressArgs;
use crate::cli::args::payload::PayloadSource;
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::push::PicturePushArgs;
use crate::cli::args::verify::VerifyArgs;
use crate::cli::args::{
    AllClustersArgs, ConfirmArgs, ConnectionArgs, OutputArgs, TargetArgs, WaitArgs,
};
use crate::cli::commands::rollout_common::{self, Job, Source};
use crate::cli::present::clusters;
use crate::connect::cluster::cluster_id;
use crate::connect::journal;
use crate::error::{AppError, Exit};
use crate::journal::VERIFY;

/// Look at the screens of phones that are proven to show a picture, and push nothing
///
/// A phone whose screen does not show its picture is no longer proven to show it: the next rollout pushes to it again. One
/// that gives no screenshot keeps what was proven. Phones send screenshots for the push user's password only.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    all: AllClustersArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    verify: VerifyArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Say how many phones would be looked at, and ask none
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let Args { connection, all, phones, target, verify, output, dry_run } = args;
    let connection = connection.or_all(all).with_phones(phones);
    let push = verify.push();
    let chosen = clusters::chosen(&connection, Some(&push.access))?;
    let wanted = PayloadSource::Proven {
        journal: journal::path(connection.state.as_deref())?,
        clusters: chosen.iter().map(cluster_id).collect(),
    };
    let (target, addresses) = (Box::new(target), AddressArgs::default());
    let job = Job {
        command: VERIFY,
        source: Source::Typed { wanted: Box::new(wanted), target, addresses },
        connection,
        push,
        picture: PicturePushArgs::default(),
        output,
        repair: None,
        wait: WaitArgs::default(),
        // Nothing is changed, so nothing is asked.
        confirm: ConfirmArgs { dry_run, yes: true },
    };
    Box::pin(rollout_common::run(job)).await
}
