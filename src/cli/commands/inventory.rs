//! `axlpaper inventory`

use jiff::Timestamp;

use crate::cli::args::name_list;
use crate::cli::args::{ConnectionArgs, OutputArgs, TargetArgs};
use crate::cli::commands::rollout_common::{observers, survey};
use crate::cli::present::clusters;
use crate::cli::present::clusters::Chosen;
use crate::cli::present::list;
use crate::cli::ui::{self, Progress, Terminal};
use crate::connect::cluster::ClusterSettings;
use crate::domain::inventory::{Inventory, Phone};
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::{LimitCounts, Selector};
use crate::error::{AppError, Exit};
use crate::report::{OfCluster, inventory_json};
use crate::rollout::assess::survey_of;
use crate::rollout::multi_cluster::for_each;

/// List every phone that the selection matches, with its registration
///
/// Reads only.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// When the cluster cannot be read or the answer cannot be written.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    name_list::check_stdin(&args.connection, &args.target)?;
    match clusters::chosen(&args.connection, None)? {
        Chosen::One(connection) => one(&connection, &args).await,
        Chosen::Several(connections) => several(connections, &args).await,
    }
}

async fn one(connection: &ClusterSettings, args: &Args) -> Result<Exit, AppError> {
    list::check_list::<Phone>(&args.output)?;
    let (counts, progress) = (LimitCounts::AllPhones, Progress::shared());
    let mut inventory =
        survey(connection, &args.target, counts, &Repairs::default(), &progress).await?;
    list::sort(&args.output.list, &mut inventory.phones)?;
    let text = list::list(&args.output, &inventory.phones, || {
        inventory_json(&inventory, Timestamp::now())
    })?;
    list::write(&args.output, &text)?;
    ui::say(&recap(&inventory));
    Ok(Exit::Done)
}

async fn several(connections: Vec<ClusterSettings>, args: &Args) -> Result<Exit, AppError> {
    list::check_list::<OfCluster<'_, Phone>>(&args.output)?;
    let selector =
        Selector { limit_counts: LimitCounts::AllPhones, ..name_list::selector(&args.target)? };
    let (nothing, interaction) = (Repairs::default(), Terminal::shared(false));
    let mut ended = for_each(
        connections,
        true,
        &interaction,
        &*observers(true),
        async |connection, observer| {
            let interaction = interaction.as_ref();
            survey_of(&connection, interaction, &selector, &nothing, &observer).await
        },
    )
    .await;
    clusters::sort(&args.output, &mut ended, |inventory| &mut inventory.phones)?;
    clusters::write(
        &args.output,
        &ended,
        |inventory| &inventory.phones,
        |inventory| inventory_json(inventory, Timestamp::now()),
    )?;
    for inventory in ended.iter().filter_map(|one| one.result.as_ref().ok()) {
        ui::say(&recap(inventory));
    }
    ui::say(&clusters::recap(&ended));
    Ok(clusters::worst(&ended, |_| Exit::Done))
}

fn recap(inventory: &Inventory) -> String {
    format!(
        "{} of {} phones on {}",
        inventory.phones.len(),
        inventory.phones_on_cluster,
        inventory.cluster.name
    )
}
