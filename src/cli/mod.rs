//! The command line: one file a command, and the one place where errors become exit codes.

mod args;
mod commands;
mod doctor;
mod error;
mod errors;
mod images;
mod open;
mod output;
mod pipeline;
mod simulated;
mod state;
mod subject;
mod target;
mod tell;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::{CliError, Exit};

/// Put one background picture on every Cisco IP phone of a Unified CM cluster, and prove it
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    propagate_version = true,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(commands::demo::Args),
    Sim(commands::sim::Args),
    Inventory(commands::inventory::Args),
    Audit(commands::audit::Args),
    Plan(commands::plan::Args),
    Apply(commands::apply::Args),
    Push(commands::push::Args),
    Rollout(commands::rollout::Args),
    Trust(commands::trust::Args),
    Doctor(commands::doctor::Args),
    Runs(commands::runs::Args),
    Show(commands::show::Args),
    Models(commands::models::Args),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
    tracing::debug!(command = open::command_line(), "started");
    let result =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            CliError::new(Exit::Failed, format!("cannot start the async runtime: {error}"))
        });
    let result = result.and_then(|runtime| runtime.block_on(dispatch(cli.command)));
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            ui::say(&crate::report::printable_lines(&error.to_string()));
            error.exit().into()
        }
    }
}

async fn dispatch(command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Demo(args) => commands::demo::run(args).await,
        Command::Sim(args) => commands::sim::run(args).await,
        Command::Inventory(args) => commands::inventory::run(args).await,
        Command::Audit(args) => commands::audit::run(args).await,
        Command::Plan(args) => commands::plan::run(args).await,
        Command::Apply(args) => commands::apply::run(args).await,
        Command::Push(args) => commands::push::run(args).await,
        Command::Rollout(args) => commands::rollout::run(args).await,
        Command::Trust(args) => commands::trust::run(args).await,
        Command::Doctor(args) => commands::doctor::run(args).await,
        Command::Runs(args) => commands::runs::run(&args),
        Command::Show(args) => commands::show::run(&args),
        Command::Models(args) => commands::models::run(&args),
    }
}

/// Sends the log to standard error; `RUST_LOG` chooses what, and by default only warnings show.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("axlpaper=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second start in one process, as in tests, keeps the first log.
    let _already_started = log.try_init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
