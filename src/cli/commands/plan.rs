//! `axlpaper plan`

use crate::cli::settings;
use crate::connect::journal;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::audit;
use crate::cli::args::name_list;
use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::{ConnectionArgs, ListArgs, RepairArgs, ResetArgs, TargetArgs};
use crate::cli::commands::rollout_common::survey;
use crate::cli::present::list;
use crate::cli::ui::{self, Progress};
use crate::domain::plan::Plan;
use crate::domain::repair_policy::Repairs;
use crate::error::{AppError, ErrorKind, Exit};
use crate::report::{Format, Row, plan_diff, plan_json, plan_recap};
use crate::rollout::assess::push_user_found;
use crate::rollout::repair;

/// Show the changes that would make phones ready
///
/// Reads only. With -o the plan goes into a file that `axlpaper apply` carries out exactly.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    repair: RepairArgs,
    #[command(flatten)]
    reset: ResetArgs,
    /// Write the plan into this file
    #[arg(short = 'o', long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Format of the answer: a diff, the plan itself, or a row for every device of every change
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Output")]
    format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    list: ListArgs,
    /// End with exit code 6 when the plan holds a change
    #[arg(long)]
    detailed_exitcode: bool,
}

pub async fn run(mut args: Args) -> Result<Exit, AppError> {
    args.connection = args.connection.with_phones(args.phones);
    name_list::check_stdin(&args.connection, &args.target)?;
    let format = if args.json { Format::Json } else { args.format };
    list::check_format::<PlannedRow>(format, &args.list)?;
    if format == Format::Json && args.list.fields.is_empty() && !args.list.sort.is_empty() {
        let order = "the changes of a plan are listed in the order in which they are made";
        return Err(AppError::new(ErrorKind::Usage, order)
            .hint("--sort is for its rows: use --format table, csv or ndjson, or add --fields"));
    }
    args.output.as_deref().map_or(Ok(()), list::check_answer)?;
    let repairs = args.repair.repairs(args.reset)?;
    let connection = settings::connection(&args.connection, None)?;
    let pictures = settings::pictures(&args.connection)?;
    let repairs = Repairs { https: connection.may_use_https(), ..repairs };
    connection.push_access.need_push_user()?;
    let inventory =
        survey(&connection, &args.target, &repairs, &pictures, &Progress::shared()).await?;
    push_user_found(&inventory)?;
    let audit = audit(&inventory, &repairs).with_pictures(&pictures);
    let pending_applies =
        repair::pending_applies(&journal::path(args.connection.state.as_deref())?, &connection)?;
    let plan = repair::plan(&inventory, &audit, &repairs, &pending_applies)?;
    let json = plan_json(&plan, Timestamp::now());
    if let Some(path) = &args.output {
        list::write_file(path, &json)?;
        ui::say(&format!(
            "Plan {} is in {}; carry it out with `axlpaper apply`.",
            plan.id,
            path.display()
        ));
    }
    if format == Format::Table && args.list.fields.is_empty() && args.list.sort.is_empty() {
        ui::put_text(&format!(
            "{}\n{}",
            plan_diff(&plan, "--format csv"),
            plan_recap(&plan, &audit)
        ))?;
    } else {
        let mut rows = rows(&plan);
        list::sort(&args.list, &mut rows)?;
        list::put(&list::list_as(format, &args.list, ui::stdout_layout(), &rows, || json)?)?;
    }
    Ok(if args.detailed_exitcode && !plan.changes.is_empty() { Exit::WorkToDo } else { Exit::Done })
}

#[derive(Serialize)]
struct PlannedRow {
    change: u32,
    kind: &'static str,
    target: String,
    /// Where the change is about a list of devices, one of them.
    device: Option<String>,
}

impl Row for PlannedRow {
    const COLUMNS: &'static [&'static str] = &["change", "kind", "target", "device"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.change.to_string(),
            self.kind.to_owned(),
            self.target.clone(),
            self.device.clone().unwrap_or_default(),
        ]
    }
}

fn rows(plan: &Plan) -> Vec<PlannedRow> {
    let rows = plan.changes.iter().flat_map(|change| {
        let row = |device: Option<&String>| PlannedRow {
            change: change.id,
            kind: change.action.kind(),
            target: change.action.subject(),
            device: device.cloned(),
        };
        let action = &change.action;
        let devices = action.added_devices().iter().chain(action.removed_devices());
        let rows: Vec<PlannedRow> = devices.map(|device| row(Some(device))).collect();
        if rows.is_empty() { vec![row(None)] } else { rows }
    });
    rows.collect()
}
