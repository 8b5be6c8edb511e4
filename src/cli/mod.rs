//! The command line: one file a command, and the one place where errors become exit codes.

pub(crate) mod args;
mod build_info;
mod commands;
mod definition;
pub(crate) mod interrupt;
mod log;
mod next_command;
mod output_dir;
pub(crate) mod present;
mod protection;
mod schemas;
mod settings;
mod short_help;
mod systemd;
pub(crate) mod ui;
mod usage_error;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::cli::args::value::NUMBERS;
use crate::cli::usage_error::explain;
use crate::error::{AppError, ErrorKind, Exit};
use crate::net::trace::{without_login, without_secrets};

pub use schemas::schemas;

/// The parsers of the lists that users give, for the fuzz targets; no part of the interface.
#[doc(hidden)]
pub mod lists {
    use crate::domain::device_name::DeviceName;

    /// Reads a list of device names as `--devices-from` does.
    pub fn devices(text: &str, may_quote: bool) -> Result<Vec<DeviceName>, String> {
        let list = super::args::device_list::names(text, may_quote);
        list.map(|list| list.entries).map_err(|error| error.to_string())
    }

    /// Reads a list of addresses as `--addresses-from` does, and returns how many phones it names.
    pub fn addresses(text: &str, may_quote: bool) -> Result<usize, String> {
        let list = super::args::device_list::addresses(text, may_quote);
        list.map(|list| list.entries.len()).map_err(|error| error.to_string())
    }
}

/// Put one background picture on every Cisco IP phone of a Unified CM cluster, and prove it
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    propagate_version = true,
    max_term_width = 100,
    arg_required_else_help = true,
    // A command that the program names can be given other options at its end.
    args_override_self = true
)]
struct Cli {
    #[command(flatten)]
    log: log::LogArgs,
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
    Watch(commands::watch::Args),
    Verify(commands::verify::Args),
    Ringtone(commands::ringtone::Args),
    Play(commands::play::Args),
    Keys(commands::keys::Args),
    Revert(commands::revert::Args),
    Image(commands::image::Args),
    Trust(commands::trust::Args),
    Doctor(commands::doctor::Args),
    Init(commands::init::Args),
    Config(commands::config::Args),
    Runs(commands::runs::Args),
    Journal(commands::journal::Args),
    Show(commands::show::Args),
    Phone(commands::phone::Args),
    Host(commands::host::Args),
    Report(commands::report::Args),
    Control(commands::control::Args),
    Console(commands::console::Args),
    Models(commands::models::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    protection::begin();
    definition::set(whole_definition);
    if let Some(exit) = crate::media::decode_worker(std::env::args_os()) {
        return exit;
    }
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let result = log::start(&cli.log).and_then(|()| run(cli.command));
    log::finish();
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            let error = next_command::with_next(error);
            ui::say_error(&crate::report::printable_lines(&error.to_string()));
            error.exit().into()
        }
    }
}

/// Says what is wrong with the arguments. A password in an address is not repeated.
fn refuse(error: &clap::Error) -> ExitCode {
    if error.kind() == clap::error::ErrorKind::DisplayVersion
        && build_info::is_asked_for(std::env::args_os())
    {
        let printed = ui::put(&build_info::describe());
        return printed.map_or(Exit::Failed, |()| Exit::Done).into();
    }
    let code = u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8);
    let plain = error.to_string();
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        Some(_) | None => "",
    };
    let safe = match value {
        "" => without_secrets(&plain),
        value => without_secrets(&plain.replace(value, &without_login(value))),
    };
    if safe == plain {
        // Help goes to standard output, and both can be in colours.
        if error.print().is_err() {
            return Exit::Failed.into();
        }
    } else {
        ui::say_error(&crate::report::printable_lines(safe.trim_end()));
    }
    code.into()
}

fn run(command: Command) -> Result<Exit, AppError> {
    tracing::debug!(command = settings::command_line(), "started");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            AppError::from_error(ErrorKind::Failed, error).context("cannot start the async runtime")
        });
    runtime.and_then(|runtime| runtime.block_on(dispatch(command)))
}

/// Makes the definition of every command and option.
fn whole_definition() -> clap::Command {
    fn with_hyphens(command: clap::Command) -> clap::Command {
        let is_number = |arg: &clap::Arg| {
            let names = arg.get_value_names().unwrap_or_default();
            !arg.is_positional() && names.iter().any(|name| NUMBERS.contains(&name.as_str()))
        };
        let command = command.mut_args(|arg| {
            let is_number = is_number(&arg);
            if is_number { arg.allow_hyphen_values(true) } else { arg }
        });
        command.mut_subcommands(with_hyphens)
    }
    with_hyphens(short_help::shorten(Cli::command()))
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let arguments = with_scope_joined(arguments);
    let mut definition = whole_definition();
    let matches = definition.try_get_matches_from_mut(&arguments);
    let matches = matches.map_err(|error| explain(error, &arguments))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut definition))
}

/// Joins `--scope new-profile NAME` to one value: no other option takes a name only after some word, and a
/// file name that follows `--scope phone` must stay what it is.
fn with_scope_joined(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some(mut argument) = arguments.next() {
        let opens = argument == "--scope=new-profile"
            || argument == "new-profile" && joined.last().is_some_and(|last| last == "--scope");
        if opens
            && let Some(name) = arguments.next_if(|next| !next.to_string_lossy().starts_with('-'))
        {
            argument.push("=");
            argument.push(name);
        }
        joined.push(argument);
    }
    joined
}

async fn dispatch(command: Command) -> Result<Exit, AppError> {
    match command {
        Command::Demo(args) => Box::pin(commands::demo::run(args)).await,
        Command::Sim(args) => commands::sim::run(args).await,
        Command::Inventory(args) => commands::inventory::run(args).await,
        Command::Audit(args) => commands::audit::run(args).await,
        Command::Plan(args) => commands::plan::run(args).await,
        Command::Apply(args) => commands::apply::run(args).await,
        Command::Push(args) => commands::push::run(args).await,
        Command::Rollout(args) => commands::rollout::run(args).await,
        Command::Watch(args) => Box::pin(commands::watch::run(args)).await,
        Command::Verify(args) => commands::verify::run(args).await,
        Command::Ringtone(args) => commands::ringtone::run(args).await,
        Command::Play(args) => commands::play::run(args).await,
        Command::Keys(args) => commands::keys::run(args).await,
        Command::Revert(args) => commands::revert::run(args).await,
        Command::Image(args) => commands::image::run(args).await,
        Command::Trust(args) => commands::trust::run(args).await,
        Command::Doctor(args) => Box::pin(commands::doctor::run(args)).await,
        Command::Init(args) => commands::init::run(&args),
        Command::Config(args) => Box::pin(commands::config::run(args)).await,
        Command::Runs(args) => commands::runs::run(&args),
        Command::Journal(args) => commands::journal::run(&args).await,
        Command::Show(args) => commands::show::run(&args),
        Command::Phone(args) => commands::phone::run(args).await,
        Command::Host(args) => commands::host::run(args).await,
        Command::Report(args) => commands::report::run(&args),
        Command::Control(args) => commands::control::run(&args).await,
        Command::Console(args) => Box::pin(commands::console::run(args)).await,
        Command::Models(args) => commands::models::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_scope_with_a_name_is_one_value() {
        let joined = |typed: &[&str]| {
            let arguments = typed.iter().map(|text| (*text).into());
            super::with_scope_joined(arguments)
        };
        assert_eq!(
            joined(&["--scope", "new-profile", "Lobby 2", "a.png"]),
            ["--scope", "new-profile=Lobby 2", "a.png"]
        );
        assert_eq!(joined(&["--scope=new-profile", "L"]), ["--scope=new-profile=L"]);
        assert_eq!(joined(&["--scope", "phone", "a.png"]), ["--scope", "phone", "a.png"]);
        assert_eq!(
            joined(&["--scope", "new-profile", "--yes"]),
            ["--scope", "new-profile", "--yes"]
        );
        assert_eq!(joined(&["new-profile", "b"]), ["new-profile", "b"]);
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::whole_definition().debug_assert();
    }
}
