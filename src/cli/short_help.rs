//! What `-h` shows: the most used options of a command. `--help` shows all of them.

use std::collections::HashSet;

use clap::Command;

/// Options in the order in which they are shown where a command has more than [`MOST`]. What is required is always shown.
const MOST_USED: &[&str] = &[
    "pictures",
    "cluster",
    "device_pool",
    "model",
    "device",
    "limit",
    "sample",
    "address",
    "repair",
    "canary",
    "waves",
    "window",
    "resume",
    "interval",
    "once",
    "max_change",
    "dry_run",
    "yes",
    "format",
    "output",
    "host",
    "allow_destructive",
    "tone_format",
    "name",
    "phones",
    "port",
    "seed",
    "timeline",
    "life",
    "speed",
    "record",
    "ca_out",
    "picture",
    "fit",
    "reset",
    "detailed_exitcode",
    "username",
    "push_user",
    "subnet",
    "devices_from",
    "all_clusters",
    "report",
    "fields",
    "sort",
];

const MOST: usize = 15;

/// The log's options, which every command has, are not counted.
const OF_THE_LOG: &[&str] = &["log_format", "log_file", "trace_dir"];

/// Hides the rarely used options of every command from `-h`.
pub fn shorten(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let is_rare = OF_THE_LOG.contains(&arg.get_id().as_str());
        arg.hide_short_help(is_rare)
    });
    command.mut_subcommands(of_one)
}

fn of_one(command: Command) -> Command {
    let options = || command.get_arguments().filter(|arg| !arg.is_positional());
    let ids = |required: bool| {
        let ids = options().filter(move |arg| arg.is_required_set() == required);
        ids.map(|arg| arg.get_id().as_str().to_owned())
    };
    let optional: HashSet<String> = ids(false).collect();
    let ranked = MOST_USED.iter().filter(|id| optional.contains(**id));
    let shown: HashSet<String> =
        ids(true).chain(ranked.map(|id| (*id).to_owned())).take(MOST).collect();
    let is_long = options().count() > MOST;
    let command = command.mut_args(|arg| {
        let is_rare = is_long && !arg.is_positional() && !shown.contains(arg.get_id().as_str());
        arg.hide_short_help(is_rare)
    });
    command.mut_subcommands(of_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &Command, seen: &mut HashSet<String>) {
        let options: Vec<_> = command.get_arguments().filter(|arg| !arg.is_positional()).collect();
        let shown = options.iter().filter(|arg| !arg.is_hide_short_help_set()).count();
        assert!(shown <= MOST, "{}: {shown}", command.get_name());
        assert!(options.len() <= MOST || shown > 5, "{}: only {shown}", command.get_name());
        seen.extend(options.iter().map(|arg| arg.get_id().as_str().to_owned()));
        command.get_subcommands().for_each(|command| check(command, seen));
    }

    #[test]
    fn no_command_shows_more_than_the_most_used_options() {
        let mut seen = HashSet::new();
        check(&crate::cli::whole_definition(), &mut seen);
        let unknown = MOST_USED.iter().chain(OF_THE_LOG).filter(|id| !seen.contains(**id));
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}
