//! `axlpaper plan`

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::audit;
use crate::cli::args::{ConnectionArgs, TargetArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::ui::{self, Progress};
use crate::cli::{open, output, pipeline, target};
use crate::domain::association::UserKind;
use crate::domain::plan::{Action, Plan};
use crate::domain::selector::LimitCounts;
use crate::plan::plan;
use crate::report::{Format, ListError, Record, csv, ndjson, plan_diff, plan_json, plan_recap};

/// Show the changes that would make phones ready
///
/// Reads only. With -o the plan goes into a file that `axlpaper apply` carries out exactly.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Write the plan into this file
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Format of the answer: a diff, the plan itself, or a row for every added device
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// End with exit code 6 when the plan holds a change
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Runs the command.
///
/// # Errors
/// When the cluster cannot be read or the plan cannot be written.
pub async fn run(args: Args) -> Result<Exit, CliError> {
    target::check_stdin(&args.connection, &args.target)?;
    args.output.as_deref().map_or(Ok(()), output::check_writable)?;
    let connection = open::connection(&args.connection, None)?;
    open::need_push_user(&connection)?;
    let counts = LimitCounts::PhonesWithPictures;
    let inventory =
        pipeline::survey(&connection, &args.target, counts, &Progress::shared()).await?;
    pipeline::push_user_found(&inventory)?;
    let audit = audit(&inventory);
    let plan = plan(&inventory, &audit);
    let json = plan_json(&plan, Timestamp::now())
        .map_err(|error| CliError::from_error(Exit::Failed, &error))?;
    if let Some(path) = &args.output {
        output::write_file(path, &json)?;
        ui::say(&format!(
            "Plan {} is in {}; carry it out with `axlpaper apply`.",
            plan.id,
            path.display()
        ));
    }
    let shown = match if args.json { Format::Json } else { args.format } {
        Format::Table => format!("{}\n{}", plan_diff(&plan), plan_recap(&plan, &audit)),
        Format::Json => json,
        Format::Ndjson => ndjson(&added(&plan)).map_err(unlisted)?,
        Format::Csv => csv(&added(&plan)).map_err(unlisted)?,
    };
    ui::put(&shown)?;
    Ok(if args.detailed_exitcode && !plan.changes.is_empty() { Exit::WorkToDo } else { Exit::Done })
}

/// A device that the plan adds to a user's list.
#[derive(Serialize)]
struct Added {
    user: String,
    user_kind: UserKind,
    name: String,
}

impl Record for Added {
    const COLUMNS: &'static [&'static str] = &["user", "user_kind", "name"];

    fn cells(&self) -> Vec<String> {
        vec![self.user.clone(), self.user_kind.to_string(), self.name.clone()]
    }
}

fn added(plan: &Plan) -> Vec<Added> {
    let rows = plan.changes.iter().flat_map(|change| {
        let Action::AssociateDevices { target, adds, .. } = &change.action;
        adds.iter().map(|name| Added {
            user: target.user.clone(),
            user_kind: target.kind,
            name: name.clone(),
        })
    });
    rows.collect()
}

fn unlisted(error: ListError) -> CliError {
    CliError::from_error(Exit::Failed, &error)
}
