//! What is wrong with the arguments, in words that help.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::definition::definition;
use crate::domain::text::names;

/// Returns the error that the arguments alone have, with advice that works: a usage line names options of environment
/// variables as if they had been typed. Help keeps the variables.
pub(super) fn explain(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    fn without_variables(command: clap::Command) -> clap::Command {
        command.mut_args(|arg| arg.env(None)).mut_subcommands(without_variables)
    }
    if !error.use_stderr() {
        return error;
    }
    let mut definition = without_variables(definition());
    let error = definition.try_get_matches_from_mut(arguments).err().unwrap_or(error);
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let mut error = with_value_advice(with_owners(error), arguments);
    if error.kind() == ErrorKind::UnknownArgument {
        // The library names options that it believes to be meant as if the command needed them.
        let usage = typed_command(&definition, arguments).clone().render_usage();
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    error
}

/// Returns the command that the arguments name.
fn typed_command<'a>(definition: &'a clap::Command, arguments: &[OsString]) -> &'a clap::Command {
    let mut command = definition;
    for word in arguments.iter().skip(1).filter_map(|word| word.to_str()) {
        match command.find_subcommand(word) {
            Some(named) => command = named,
            // Before the command there can be values of options.
            None if std::ptr::eq(command, definition) || word.starts_with('-') => {}
            None => break,
        }
    }
    command
}

/// Says how a value that begins with a hyphen is written: the library proposes `--` before it, which makes it no value of
/// an option. Where the value cannot be right, its own error is returned.
fn with_value_advice(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg).cloned() else {
        return error;
    };
    if typed.starts_with("--") || !typed.starts_with('-') {
        return error;
    }
    // Of several letters behind a hyphen the library names the first one.
    let is_value = |word: &OsString| {
        word.to_str().is_some_and(|word| word.starts_with(&typed) && !word.starts_with("--"))
    };
    let Some(at) = arguments.iter().position(is_value).filter(|at| *at > 0) else { return error };
    let (before, value, after) = (&arguments[..at], &arguments[at], &arguments[at + 1..]);
    let parsed = |before: &[OsString], new: OsString, after: &[OsString]| {
        definition().try_get_matches_from([before, &[new][..], after].concat())
    };
    if let [before @ .., option] = before
        && option.to_str().is_some_and(|option| option.starts_with('-') && !option.contains('='))
    {
        let mut joined = option.clone();
        joined.push("=");
        joined.push(value);
        let shown = joined.to_string_lossy().into_owned();
        match parsed(before, joined, after) {
            Ok(_) => {
                let tip = format!("a value that begins with a hyphen is written as '{shown}'");
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
                return error;
            }
            Err(other) if other.kind() == ErrorKind::ValueValidation => return other,
            Err(_) => {}
        }
    }
    if parsed(before, "--".into(), &arguments[at..]).is_err() {
        error.remove(ContextKind::Suggested);
    }
    error
}

/// Names the commands that have an option which the typed one does not have.
fn with_owners(mut error: clap::Error) -> clap::Error {
    /// Adds the commands with the option, as they are typed.
    fn owners(command: &clap::Command, path: &str, option: &str, found: &mut Vec<String>) {
        for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
            let name = format!("{path}{}", one.get_name());
            if one.get_arguments().any(|arg| arg.get_long() == Some(option)) {
                found.push(name.clone());
            }
            owners(one, &format!("{name} "), option, found);
        }
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let Some(option) = typed.strip_prefix("--").map(str::to_owned) else { return error };
    let mut found = Vec::new();
    owners(&definition(), "", &option, &mut found);
    // No option is meant as the name of a file, which is what the library proposes.
    error.remove(ContextKind::Suggested);
    if !found.is_empty() {
        error.remove(ContextKind::SuggestedArg);
        let tip = format!("this command has no --{option}; these have it: {}", names(&found));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}
