//! `axlpaper phone`

use std::path::PathBuf;

use clap::ValueEnum;
use jiff::Timestamp;

use crate::audit::audit;
use crate::cli::args::{ConnectionArgs, device_list};
use crate::cli::commands::rollout_common::observers;
use crate::cli::next_command;
use crate::cli::present::list;
use crate::cli::settings;
use crate::cli::ui::{self, Terminal};
use crate::connect::cluster::{self, ClusterSettings};
use crate::connect::journal;
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Inventory;
use crate::domain::picture_rules::PictureRules;
use crate::domain::repair_policy::Repairs;
use crate::domain::selector::{Selector, SelectorError};
use crate::error::{AppError, ErrorKind, Exit};
use crate::interaction::Interaction;
use crate::journal::JournalReader;
use crate::report::{Layout, PhoneHistory, PhoneSeen, phone_json, phone_text};
use crate::rollout::assess::survey_of;

/// Show everything about one phone: what it should show, what is proven, its verdict, and every attempt of all runs
///
/// The cluster is asked what the phone is now, where one is configured; everything else is from the journal. Reads only.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A device name or a MAC address
    #[arg(value_name = "PHONE", value_parser = device_list::device_name)]
    phone: DeviceName,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Show what the journal has, and ask no cluster
    #[arg(long)]
    offline: bool,
    /// Format of the answer
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: PhoneFormat,
    /// Short for --format json
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    json: bool,
    /// Write the answer into a file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum PhoneFormat {
    /// Text for people
    Table,
    /// One JSON document
    Json,
}

/// Runs the command. Where the cluster cannot be asked, the answer is that of the journal, and the error follows it.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    args.output.as_deref().map_or(Ok(()), list::check_answer)?;
    let rules = settings::pictures(&args.connection)?;
    let history = history(&args)?;
    let (seen, failure) = match now(&args, &rules).await {
        Ok(seen) => (seen, None),
        Err(error) => (None, Some(error)),
    };
    let phone =
        PhoneHistory::read(history.as_ref(), &args.phone, seen, &rules, &next_command::step)?;
    if phone.is_unknown() {
        return Err(failure.unwrap_or_else(|| unknown(&args.phone)));
    }
    if args.json || args.format == PhoneFormat::Json {
        let document = phone_json(&phone, Timestamp::now());
        match &args.output {
            Some(path) => list::write_file(path, &document)?,
            None => list::put(&document)?,
        }
    } else {
        match &args.output {
            Some(path) => list::write_file(path, &phone_text(&phone, Layout::default()))?,
            None => ui::put_text(&phone_text(&phone, ui::stdout_layout()))?,
        }
    }
    match failure {
        Some(error) => Err(error.hint("the answer is from the journal; --offline asks no cluster")),
        None => Ok(Exit::Done),
    }
}

/// Opens the journal. Where no cluster is asked, there has to be one.
fn history(args: &Args) -> Result<Option<JournalReader>, AppError> {
    let state = args.connection.state.as_deref();
    if args.offline {
        let history = journal::history(&journal::path(state)?);
        return history
            .map(Some)
            .map_err(|error| error.hint("without --offline, the cluster is asked"));
    }
    settings::history(state)
}

/// Reads the phone from the cluster; nothing where none is configured or is to be asked, or where it has no such phone.
async fn now(args: &Args, rules: &PictureRules) -> Result<Option<PhoneSeen>, AppError> {
    if args.offline {
        return Ok(None);
    }
    let (name, layer) = settings::settings(&args.connection, None)?;
    if layer.host.is_none() {
        return Ok(None);
    }
    let mut connection = cluster::from_layer(name, layer)?;
    let interaction = Terminal::shared(false);
    connection.fetch_password(interaction.as_ref()).await?;
    let surveyed = read_phone(&connection, args, rules, interaction.as_ref()).await;
    let is_missing = |error: &AppError| {
        let source = std::error::Error::source(error);
        source.is_some_and(|source| source.is::<SelectorError>())
    };
    let (inventory, repairs) = match surveyed {
        Ok(found) => found,
        Err(error) if is_missing(&error) => {
            ui::say(&format!("note: {} has no phone {}", connection.name, args.phone));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let taken_at = inventory.taken_at;
    let audit = audit(&inventory, &repairs).with_pictures(rules);
    let cluster = connection.name.clone();
    let phone = audit.phones.into_iter().next();
    Ok(phone.map(|phone| PhoneSeen { run: None, cluster, taken_at, phone }))
}

async fn read_phone(
    connection: &ClusterSettings,
    args: &Args,
    rules: &PictureRules,
    interaction: &dyn Interaction,
) -> Result<(Inventory, Repairs), AppError> {
    let selector = Selector { listed: Some(vec![args.phone.clone()]), ..Selector::default() };
    let repairs = Repairs { https: connection.may_use_https(), ..Repairs::default() };
    let observer = observers(false)(&connection.name);
    let inventory =
        survey_of(connection, interaction, &selector, &repairs, rules, &observer).await?;
    Ok((inventory, repairs))
}

fn unknown(phone: &DeviceName) -> AppError {
    AppError::new(ErrorKind::Usage, format!("nothing is known of a phone {phone}"))
        .hint("`axlpaper inventory` lists the phones of the cluster, `axlpaper runs` the runs of the journal")
}
