//! `axlpaper inventory`

use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::{AllClustersArgs, ConnectionArgs, OutputArgs, TargetArgs};
use crate::cli::commands::rollout_common::list_phones;
use crate::domain::inventory::Inventory;
use crate::domain::repair_policy::Repairs;
use crate::error::{AppError, Exit};

/// List every phone that the selection matches, with its registration
///
/// Reads only.
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
    output: OutputArgs,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    list_phones(
        (&args.connection.or_all(args.all).with_phones(args.phones), &args.target, &args.output),
        |_| Repairs::default(),
        |inventory, _| inventory,
        recap,
        |_| Exit::Done,
    )
    .await
}

fn recap(inventory: &Inventory) -> String {
    format!(
        "{} of {} phones on {}",
        inventory.phones.len(),
        inventory.phones_on_cluster,
        inventory.cluster.name
    )
}
