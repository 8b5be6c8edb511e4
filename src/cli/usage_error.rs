//! What is wrong with the arguments, in words that help.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};

use crate::cli::whole_definition;
use crate::domain::text::names;

/// Returns the error that the arguments alone have: a usage line names options of environment variables as if they had been
/// typed. Help keeps the variables.
pub(super) fn without_environment(error: clap::Error, arguments: Vec<OsString>) -> clap::Error {
    fn reset(command: clap::Command) -> clap::Command {
        command.mut_args(|arg| arg.env(None)).mut_subcommands(reset)
    }
    if !error.use_stderr() {
        return error;
    }
    reset(whole_definition()).try_get_matches_from(arguments).err().unwrap_or(error)
}

/// Names the commands that have an option which the typed one does not have.
pub(super) fn with_owners(mut error: clap::Error) -> clap::Error {
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
    if error.kind() != clap::error::ErrorKind::UnknownArgument {
        return error;
    }
    let mut found = Vec::new();
    owners(&whole_definition(), "", &option, &mut found);
    // No option is meant as the name of a file, which is what the library proposes.
    error.remove(ContextKind::Suggested);
    if !found.is_empty() {
        error.remove(ContextKind::SuggestedArg);
        let tip = format!("this command has no --{option}; these have it: {}", names(&found));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}
