//! `axlpaper doctor`

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::args::{ConnectionArgs, PushArgs};
use crate::cli::doctor::{self, Check};
use crate::cli::error::{CliError, Exit};
use crate::cli::ui;
use crate::report::printable_lines;

/// Check everything that a rollout needs, and say what to do about what is missing
///
/// Changes nothing on the cluster. The push user's password is tested once, and only when one is given: a
/// wrong one counts as one failed attempt.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    push: PushArgs,
    /// Print the checks as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command. It fails when a check does.
///
/// # Errors
/// When the answer cannot be written.
pub async fn run(args: Args) -> Result<Exit, CliError> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: &'static str,
        generated_at: Timestamp,
        checks: &'a [Check],
    }
    let checks = doctor::run(&args.connection, &args.push).await;
    let text = if args.json {
        let (schema, generated_at) = ("axlpaper.doctor/v1", Timestamp::now());
        let document = Document { schema, generated_at, checks: &checks };
        serde_json::to_string_pretty(&document)
            .map_err(|error| CliError::from_error(Exit::Failed, &error))?
            + "\n"
    } else {
        printable_lines(&doctor::shown(&checks, ui::speaks_unicode()))
    };
    ui::put(&text)?;
    Ok(doctor::exit_of(&checks))
}
