//! `axlpaper inventory`

use clap::ValueEnum;

use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::{AllClustersArgs, ConnectionArgs, OutputArgs, TargetArgs};
use crate::cli::commands::rollout_common::list_phones;
use crate::connect::cluster::ClusterSettings;
use crate::domain::inventory::Inventory;
use crate::domain::repair_policy::Repairs;
use crate::domain::text::pluralize;
use crate::error::{AppError, Exit};
use crate::report::{CountBy, PhoneCounts};

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
    /// Count the phones by this field instead of listing them
    #[arg(long, value_name = "FIELD", help_heading = "Output")]
    by: Option<ByArg>,
    #[command(flatten)]
    output: OutputArgs,
}

/// The field by which phones are counted, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ByArg {
    /// Device pool.
    #[value(alias = "device_pool")]
    DevicePool,
    /// Model.
    Model,
    /// Common Phone Profile.
    Profile,
    /// Firmware load that phones registered with.
    Load,
}

pub async fn run(args: Args) -> Result<Exit, AppError> {
    let connection = args.connection.or_all(args.all).with_phones(args.phones);
    let what = (&connection, &args.target, &args.output);
    match args.by {
        None => list_phones(what, no_repairs, |found, _| found, recap, |_| Exit::Done).await,
        Some(ByArg::DevicePool) => count::<{ CountBy::DevicePool as usize }>(what).await,
        Some(ByArg::Model) => count::<{ CountBy::Model as usize }>(what).await,
        Some(ByArg::Profile) => count::<{ CountBy::Profile as usize }>(what).await,
        Some(ByArg::Load) => count::<{ CountBy::Load as usize }>(what).await,
    }
}

async fn count<const BY: usize>(
    what: (&ConnectionArgs, &TargetArgs, &OutputArgs),
) -> Result<Exit, AppError> {
    let count = |found: Inventory, _: &_| PhoneCounts::<BY>::of(&found);
    list_phones(what, no_repairs, count, counts_recap, |_| Exit::Done).await
}

fn no_repairs(_: &ClusterSettings) -> Repairs {
    Repairs::default()
}

fn counts_recap<const BY: usize>(counts: &PhoneCounts<BY>) -> String {
    let (phones, values) =
        (pluralize(counts.phones, "phone"), pluralize(counts.rows.len(), "value"));
    let by = PhoneCounts::<BY>::BY.name();
    format!("{phones} on {} by {by}: {values}", counts.cluster.name)
}

fn recap(inventory: &Inventory) -> String {
    format!(
        "{} of {} phones on {}",
        inventory.phones.len(),
        inventory.phones_on_cluster,
        inventory.cluster.name
    )
}
