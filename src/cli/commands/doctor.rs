//! `axlpaper doctor`

use jiff::Timestamp;

use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::push::PushAccessArgs;
use crate::cli::args::{ConnectionArgs, OutputArgs};
use crate::cli::doctor::{self, Check, DoctorBody};
use crate::cli::present::list;
use crate::cli::ui::{self, Progress};
use crate::error::{AppError, Exit};
use crate::event::{Event, Stage};
use crate::report::{Document, printable_lines};

/// Check everything that a rollout needs, and say what to do about what is missing
///
/// Changes nothing on the cluster. The push user's password is tested once, and only when one is given: a
/// wrong one counts as one failed attempt.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    phones: PhoneArgs,
    #[command(flatten)]
    push: PushAccessArgs,
    /// Send a test to every channel of `[notify]` in the config file
    #[arg(long)]
    notify: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command. It fails when a check does.
pub async fn run(args: Args) -> Result<Exit, AppError> {
    list::check_list::<Check>(&args.output)?;
    let connection = args.connection.with_phones(args.phones);
    let progress = Progress::shared();
    progress.observe(&Event::Started { stage: Stage::Checks, total: None });
    let mut checks = doctor::run(&connection, &args.push, args.notify).await;
    progress.observe(&Event::Finished { stage: Stage::Checks });
    let exit = doctor::exit_of(&checks);
    if args.output.is_recap() {
        let shown = printable_lines(&doctor::shown(&checks, ui::speaks_unicode()));
        list::write(&args.output, &shown)?;
        return Ok(exit);
    }
    list::sort(&args.output.list, &mut checks)?;
    let body = DoctorBody { checks: &checks };
    let json = || Document::new("doctor", Timestamp::now(), None, body);
    list::write(&args.output, &list::list(&args.output, &checks, json)?)?;
    Ok(exit)
}
