//! `axlpaper inventory`

use jiff::Timestamp;

use crate::cli::args::{ConnectionArgs, OutputArgs, TargetArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::ui::{self, Progress};
use crate::cli::{open, output, pipeline, target};
use crate::domain::inventory::Phone;
use crate::domain::repair::Repairs;
use crate::domain::selector::LimitCounts;
use crate::report::inventory_json;

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
pub async fn run(args: Args) -> Result<Exit, CliError> {
    target::check_stdin(&args.connection, &args.target)?;
    output::check_list::<Phone>(&args.output)?;
    let connection = open::connection(&args.connection, None)?;
    let (counts, progress) = (LimitCounts::AllPhones, Progress::shared());
    let mut inventory =
        pipeline::survey(&connection, &args.target, counts, &Repairs::default(), &progress).await?;
    output::sort(&args.output.list, &mut inventory.phones)?;
    let text = output::list(&args.output, &inventory.phones, || {
        inventory_json(&inventory, Timestamp::now())
    })?;
    output::write(&args.output, &text)?;
    ui::say(&format!(
        "{} of {} phones on {}",
        inventory.phones.len(),
        inventory.phones_on_cluster,
        inventory.cluster.name
    ));
    Ok(Exit::Done)
}
