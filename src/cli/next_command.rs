//! The command that finishes what a run left undone, ready to be typed.

use crate::connect::journal;
use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::path::Path;

use clap::Args as _;

use crate::cli::args::phones::PhoneArgs;
use crate::cli::args::push::{PicturePushArgs, PushArgs};
use crate::cli::args::{ConnectionArgs, WaitArgs};
use crate::cli::definition::definition;
use crate::cli::settings;
use crate::cli::ui;
use crate::config::ConfigError;
use crate::error::AppError;
use crate::journal::{JournalError, JournalReader, RunId, RunRef, RunRow};
use crate::report::{self, RunReport, printable_lines};
use crate::rollout::options::SavedOptions;
use crate::rollout::resume::OtherCluster;

/// Returns the command that finishes what a run left undone, with the options that say how its cluster and its phones
/// are reached.
pub fn step(history: &JournalReader, run: &RunRow) -> Result<Option<String>, JournalError> {
    let next = report::next_step(history, run)?;
    let Some(next) = next else { return Ok(None) };
    if next == run.command_line {
        return Ok(Some(next));
    }
    let report = RunReport::read(history, run.clone())?;
    let has_begun = !report.changes.is_empty() || report.phones.iter().any(|one| one.attempts > 0);
    let no_downloads = report.ending.is_some_and(|ending| ending.no_downloads);
    Ok(Some(with_options(&next, run, no_downloads, has_begun)))
}

/// Returns the command that finishes what a run left undone here, with --yes where there is no terminal; nothing where
/// the journal cannot be read.
pub fn step_here(journal: &Path, run: RunId) -> Option<String> {
    let history = journal::history_if_any(journal).ok()??;
    let run = history.run(RunRef::Number(run)).ok()??;
    Some(answered(step(&history, &run).ok()??))
}

/// Adds --yes to a command that asks, where there is no terminal.
fn answered(command: String) -> String {
    let is_told = command.split(' ').any(|word| word == "--yes") || !asks(&command);
    if is_told || std::io::stdin().is_terminal() { command } else { command + " --yes" }
}

/// Adds the command that works to an error that another cluster than that of a run was named, or none of several.
pub fn with_cluster_of(
    error: AppError,
    command: &str,
    run: &RunRow,
    args: &ConnectionArgs,
) -> AppError {
    let source = std::error::Error::source(&error);
    let is_about_cluster = source.is_some_and(|source| {
        source.is::<OtherCluster>()
            || matches!(source.downcast_ref(), Some(ConfigError::NoneChosen { .. }))
    });
    if !is_about_cluster {
        return error;
    }
    let mut command = with_options(command, run, false, true);
    let names_cluster = |word: &str| {
        ["--cluster", "--host"].iter().any(|option| {
            word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    if !command.split(' ').any(names_cluster) {
        let [option, value] = settings::cluster_option(args, &run.host);
        let value = shlex::try_quote(&value).map_or_else(|_| value.clone(), Into::into);
        command = format!("{command} {option} {value}");
    }
    error.hint(format!("run {} is about {}: `{}`", run.id, run.cluster, answered(command)))
}

/// Returns whether a command asks before it does something.
fn asks(command: &str) -> bool {
    let definition = definition();
    let command = command.split(' ').nth(1).and_then(|name| definition.find_subcommand(name));
    command.is_some_and(|command| command.get_arguments().any(|arg| arg.get_long() == Some("yes")))
}

/// Adds the command that finishes the run which an error ended, where something is left to do.
pub fn with_next(error: AppError) -> AppError {
    let unfinished = error.unfinished_run();
    match unfinished.and_then(|run| step_here(&run.journal, run.run)) {
        Some(next) => error.hint(format!("continue with `{next}`")),
        None => error,
    }
}

/// Says which command continues a run, where something is left to do.
pub fn say(next: Option<&str>) {
    if let Some(next) = next {
        ui::say(&printable_lines(&format!("continue with `{next}`")));
    }
}

/// Returns the command that pushes back what the phones of a run showed before it.
pub fn revert_pictures(run: &RunRow) -> String {
    with_options(&format!("axlpaper revert {} --pictures", run.id), run, false, true)
}

/// Adds the options of a run that say how its cluster and its phones are reached, but the address of the image server where
/// no phone reached it, and the time of the start where it has begun.
pub fn with_options(next: &str, run: &RunRow, no_downloads: bool, has_begun: bool) -> String {
    let words = shlex::split(&run.command_line).unwrap_or_default();
    let command = next.split(' ').nth(1).unwrap_or_default();
    // The journal keeps the options of a run that is resumed.
    let is_saved = |id: &str| next.contains(" --resume ") && SavedOptions::NAMES.contains(&id);
    let is_wrong = |id: &str| {
        (no_downloads && ["advertise", "listen"].contains(&id)) || (has_begun && id == "start")
    };
    let mut kept = options_of(command, &words, |id| is_saved(id) || is_wrong(id));
    let names_one = |word: &String| {
        word == "--all-clusters" || word == "--cluster" || word.starts_with("--cluster=")
    };
    if words.iter().any(names_one) {
        kept.extend(["--cluster".to_owned(), run.cluster.clone()]);
    }
    let quoted = kept.iter().map(|word| {
        // Only a null byte cannot be quoted, and no argument has one.
        shlex::try_quote(word).map_or_else(|_| word.clone(), Into::into)
    });
    std::iter::once(next.to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// Returns those of the words that a command takes too, and that say how to reach the cluster and the phones.
fn options_of(command: &str, words: &[String], is_saved: impl Fn(&str) -> bool) -> Vec<String> {
    let definition = definition();
    let Some(command) = definition.find_subcommand(command) else { return Vec::new() };
    let reach = PushArgs::augment_args(ConnectionArgs::augment_args(clap::Command::new("reach")));
    let reach = PhoneArgs::augment_args(PicturePushArgs::augment_args(reach));
    let reach = WaitArgs::augment_args(reach);
    let ids: HashSet<&str> = reach.get_arguments().map(|arg| arg.get_id().as_str()).collect();
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--") else { continue };
        let (long, value) = option.split_once('=').map_or((option, None), |(a, b)| (a, Some(b)));
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long));
        let id = arg.map(|arg| arg.get_id().as_str());
        let goes_on = |id: &str| ids.contains(id) && !ONCE.contains(&id) && !is_saved(id);
        let Some(arg) = arg.filter(|_| id.is_some_and(goes_on)) else {
            continue;
        };
        kept.push(word.clone());
        if value.is_none() && arg.get_action().takes_values() {
            kept.extend(words.next().cloned());
        }
    }
    kept
}

/// Options among them that were meant for that one run.
const ONCE: [&str; 6] = ["cluster", "force", "window", "until", "report", "no_report"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_how_to_reach_phones_goes_on() {
        let typed = "axlpaper rollout --host pub:8443 a.png --device SEP1 --phone-port=80 --force --insecure \
                     --ca-file 'a b.pem' --until 05:00 --yes --state j --repair personalization";
        crate::cli::definition::set(crate::cli::whole_definition);
        let words = shlex::split(typed).unwrap();
        let kept = ["--host", "pub:8443", "--phone-port=80", "--insecure", "--ca-file", "a b.pem"];
        let state = ["--state", "j"];
        let none = |_: &str| false;
        assert_eq!(options_of("rollout", &words, none), [&kept[..], &state].concat());
        let saved = |id: &str| id == "phone_port";
        assert!(!options_of("rollout", &words, saved).contains(&"--phone-port=80".to_owned()));
        // `apply` sends nothing to phones.
        let kept = ["--host", "pub:8443", "--insecure", "--ca-file", "a b.pem", "--state", "j"];
        assert_eq!(options_of("apply", &words, none), kept);
    }
}
