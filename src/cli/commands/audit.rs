//! `axlpaper audit`

use jiff::Timestamp;

use crate::audit::audit;
use crate::cli::args::{ConnectionArgs, OutputArgs, RepairArgs, ResetArgs, TargetArgs};
use crate::cli::error::{CliError, Exit};
use crate::cli::ui::{self, Progress};
use crate::cli::{open, output, pipeline, target};
use crate::domain::audit::AuditedPhone;
use crate::domain::finding::Verdict;
use crate::domain::selector::LimitCounts;
use crate::report::{audit_json, audit_recap};

/// Say for every phone whether it can take a push, and if not why
///
/// Reads only. The recap goes to standard error, the phones to standard output.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    repair: RepairArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// End with exit code 6 when a phone is fixable, blocked or offline
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Runs the command.
///
/// # Errors
/// When the cluster cannot be read or the answer cannot be written.
pub async fn run(args: Args) -> Result<Exit, CliError> {
    target::check_stdin(&args.connection, &args.target)?;
    output::check_list::<AuditedPhone>(&args.output)?;
    let repairs = args.repair.repairs(ResetArgs::default())?;
    let connection = open::connection(&args.connection, None)?;
    let (counts, progress) = (LimitCounts::AllPhones, Progress::shared());
    let inventory =
        pipeline::survey(&connection, &args.target, counts, &repairs, &progress).await?;
    let mut audit = audit(&inventory, &repairs);
    output::sort(&args.output.list, &mut audit.phones)?;
    let text = output::list(&args.output, &audit.phones, || audit_json(&audit, Timestamp::now()))?;
    output::write(&args.output, &text)?;
    ui::say(&format!("\n{}", audit_recap(&audit)));
    // Nothing can be done for a phone that takes no picture.
    let is_work =
        |verdict| matches!(verdict, Verdict::Fixable | Verdict::Blocked | Verdict::Offline);
    let work = audit.phones.iter().any(|phone| is_work(phone.verdict));
    Ok(if args.detailed_exitcode && work { Exit::WorkToDo } else { Exit::Done })
}
