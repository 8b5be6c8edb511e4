//! The reference of every command, made from the definitions that the program itself reads its arguments by.

use std::fmt::Write as _;

use clap::{Arg, Command};

use crate::error::Exit;

/// Returns the reference as Markdown. The definitions must be built.
pub fn markdown(program: &Command) -> String {
    let mut text = "# Reference\n\n\
        Made by `axlpaper man --markdown` from the definitions of the commands. `axlpaper COMMAND --help` shows the \
        same.\n"
        .to_owned();
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        section(&mut text, command, 2);
    }
    text.push_str("\n## Exit codes\n\n| exit | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "| {} | {} |", exit as u8, exit.meaning());
    }
    text
}

fn section(text: &mut String, command: &Command, level: usize) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).replace('\n', "\n    ");
    let _ = write!(text, "\n{} `{name}`\n\n{}\n\n    {usage}\n", "#".repeat(level), plain(&about));
    options(text, command);
    for below in command.get_subcommands().filter(|command| command.get_name() != "help") {
        section(text, below, level + 1);
    }
}

/// Writes a list for each heading, in the order in which they are defined.
fn options(text: &mut String, command: &Command) {
    let all: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()))
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in &all {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    // What belongs to this command alone comes first.
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        text.push('\n');
        if let Some(heading) = heading {
            let _ = write!(text, "{}:\n\n", plain(heading));
        }
        for arg in all.iter().filter(|arg| arg.get_help_heading() == heading) {
            let _ = writeln!(text, "- `{}`: {}", typed(arg), explained(arg));
        }
    }
}

fn typed(arg: &Arg) -> String {
    let values = || arg.get_value_names().unwrap_or_default().join(" ");
    let takes_value = arg.get_action().takes_values();
    match (arg.get_short(), arg.get_long()) {
        (None, None) if arg.is_required_set() => values(),
        (None, None) => format!("[{}]", values()),
        (short, long) => {
            let short = short.map(|short| format!("-{short}"));
            let long = long.map(|long| format!("--{long}"));
            let names = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
            let is_optional = arg.get_num_args().is_some_and(|number| number.min_values() == 0);
            match (takes_value, is_optional) {
                (false, _) => names,
                (true, false) => format!("{names} {}", values()),
                (true, true) => format!("{names} [{}]", values()),
            }
        }
    }
}

fn explained(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut text = plain(&help.replace("\n\n", ". "));
    let possible = arg.get_possible_values();
    let shown: Vec<&str> = possible
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(clap::builder::PossibleValue::get_name)
        .collect();
    if arg.get_action().takes_values() && !shown.is_empty() {
        let _ = write!(text, " [{}]", shown.join(", "));
    }
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    // Some describe their default, because it is no fixed value.
    if arg.get_action().takes_values() && !defaults.is_empty() && !text.contains("[default") {
        let _ = write!(text, " [default: {}]", defaults.join(", "));
    }
    if let Some(name) = arg.get_env() {
        let _ = write!(text, " [env: {}]", name.to_string_lossy());
    }
    text
}

/// Keeps a text on its lines, and what could be markup what it is.
fn plain(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*").replace('|', "\\|")
}
