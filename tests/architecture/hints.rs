//! Texts for people name only options that the command has which shows them.
//!
//! Options and commands are those of `docs/reference.md`, which another test compares with the program.

use std::collections::{BTreeMap, BTreeSet};

/// The options of each command, by its name without `axlpaper`.
pub type Options = BTreeMap<String, BTreeSet<String>>;

/// Reads the options of all commands from the reference.
pub fn options(reference: &str) -> Options {
    let mut options = Options::new();
    let mut command = None;
    for line in reference.lines() {
        let heading = line.trim_start_matches('#').trim().strip_prefix("`axlpaper ");
        if let Some(name) = heading.and_then(|name| name.strip_suffix('`')) {
            command = Some(name.to_owned());
            options.entry(name.to_owned()).or_default().insert("--help".to_owned());
        } else if let (Some(command), Some(entry)) = (&command, line.strip_prefix("- `-")) {
            let entry = entry.split('`').next().unwrap();
            options.get_mut(command).unwrap().extend(named_options(&format!("-{entry}")));
        }
    }
    options
}

/// Returns what is wrong with a text that these commands show; without them it may name no options but those of the
/// commands that it names itself.
pub fn problems(text: &str, audience: Option<Vec<&str>>, options: &Options) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |command: &str, named: Vec<String>| match options.get(command) {
        Some(known) => {
            let lacking = named.into_iter().filter(|option| !known.contains(option));
            problems.extend(lacking.map(|option| format!("`axlpaper {command}` has no {option}")));
        }
        None => problems.push(format!("there is no command `axlpaper {command}`")),
    };
    let mut rest = String::new();
    let command_line = text.strip_prefix("axlpaper ").and_then(|words| words.split(' ').next());
    let is_command_line = command_line.is_some_and(|command| options.contains_key(command));
    for (at, span) in text.split('`').enumerate() {
        let program = span.split_once(' ').filter(|_| is_command_line || at % 2 == 1);
        let words = program.filter(|(program, _)| program.rsplit('/').next() == Some("axlpaper"));
        match words {
            Some((_, words)) if words.starts_with(|c: char| c.is_ascii_lowercase()) => {
                let words: Vec<&str> = words.split_whitespace().collect();
                let first = |count| words.iter().take(count).copied().collect::<Vec<_>>().join(" ");
                let longest = [3, 2].map(first).into_iter().find(|one| options.contains_key(one));
                check(longest.as_deref().unwrap_or(words[0]), named_options(span));
            }
            Some(_) | None => rest.push_str(span),
        }
    }
    let named = named_options(&rest);
    if named.is_empty() {
        return problems;
    }
    match audience {
        Some(commands) => commands.into_iter().for_each(|command| check(command, named.clone())),
        None => problems.push("tests/architecture/hints.rs has no row for it".to_owned()),
    }
    problems
}

/// The options that a text names.
fn named_options(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back();
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let name: String = text[at + 2..].chars().take_while(|c| is_word(*c)).collect();
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && c != '-');
        if begins && name.starts_with(|c: char| c.is_ascii_lowercase()) {
            named.push(format!("--{}", name.trim_end_matches('-')));
        }
    }
    named
}

/// The string literals of a file, without those of its tests.
pub fn literals(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap();
    let chars: Vec<char> = code.chars().collect();
    let at = |n: usize| chars.get(n).copied().unwrap_or_default();
    let (mut found, mut n) = (Vec::new(), 0);
    while n < chars.len() {
        match (at(n), at(n + 1)) {
            ('/', '/') => n += chars[n..].iter().take_while(|c| **c != '\n').count(),
            // A character, not a lifetime.
            ('\'', '\\') => n += 3 + chars[n + 3..].iter().take_while(|c| **c != '\'').count(),
            ('\'', _) if at(n + 2) == '\'' => n += 3,
            ('r', '"' | '#') if !(n > 0 && (at(n - 1).is_alphanumeric() || at(n - 1) == '_')) => {
                let hashes = chars[n + 1..].iter().take_while(|c| **c == '#').count();
                if at(n + 1 + hashes) != '"' {
                    n += 1;
                    continue;
                }
                let end: Vec<char> =
                    std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                let from = n + hashes + 2;
                let length = chars[from..].windows(end.len()).position(|part| part == end).unwrap();
                found.push(chars[from..from + length].iter().collect());
                n = from + length + end.len();
            }
            ('"', _) => {
                let mut text = String::new();
                n += 1;
                while at(n) != '"' {
                    match (at(n), at(n + 1)) {
                        ('\\', '\n') => {
                            n += 1;
                            n += chars[n..].iter().take_while(|c| c.is_whitespace()).count();
                        }
                        ('\\', escaped) => {
                            text.push(if escaped == 'n' { '\n' } else { escaped });
                            n += 2;
                        }
                        (c, _) => {
                            text.push(c);
                            n += 1;
                        }
                    }
                }
                found.push(text);
            }
            _ => {}
        }
        n += 1;
    }
    found
}

const SELECT: &[&str] = &["inventory", "audit", "plan"];
const PUSH: &[&str] = &["push", "rollout", "ringtone", "play", "keys"];
const PICTURE: &[&str] = &["push", "rollout"];
const BY_ADDRESS: &[&str] = &["push", "ringtone", "play", "keys"];
const CHANGES: &[&str] = &["apply", "revert"];
const RUNS: &[&str] = &["runs", "show", "report", "control"];
const CHECK: &[&str] = &["config check"];
const FILES: &[&str] = &["image prepare", "image tftp", "ringtone prepare"];
const CLUSTER: &[&str] = &[
    "inventory",
    "audit",
    "plan",
    "push",
    "rollout",
    "ringtone",
    "play",
    "keys",
    "apply",
    "revert",
    "trust",
    "doctor",
    "config show",
];

/// Which commands can show the texts of a file below `src/`, or those of its texts that contain some words. The first
/// row that fits counts.
const AUDIENCES: &[(&str, &str, &[&[&str]])] = &[
    ("cli/commands/rollout_common.rs", "", &[&["rollout"]]),
    ("cli/commands/watch.rs", "", &[&["watch"]]),
    ("cli/commands/console.rs", "", &[&["console"]]),
    ("console/", "", &[&["console"]]),
    ("watch/control.rs", "", &[&["control"]]),
    ("watch/", "", &[&["watch"]]),
    ("cli/commands/push_only.rs", "--text", &[&["push"]]),
    ("cli/commands/push_only.rs", "", &[BY_ADDRESS]),
    ("cli/commands/image/phones.rs", "", &[&["image prepare"]]),
    ("cli/commands/image/prepare.rs", "", &[&["image prepare"]]),
    ("cli/commands/image/", "", &[&["image prepare", "image tftp"]]),
    ("cli/commands/ringtone/prepare.rs", "", &[&["ringtone prepare"]]),
    ("cli/commands/config/keyring.rs", "", &[&["config keyring"]]),
    ("cli/commands/watch.rs", "", &[&["watch"]]),
    ("cli/commands/config.rs", "no cluster of", &[&["config show"]]),
    ("cli/commands/config.rs", "", &[CHECK]),
    ("doctor/", "", &[&["doctor"]]),
    ("cli/output_dir.rs", "", &[FILES]),
    ("cli/args/address_list.rs", "", &[BY_ADDRESS]),
    ("cli/args/name_list.rs", "", &[SELECT, PUSH]),
    ("cli/args/payload.rs", "", &[PICTURE]),
    ("cli/args/picture.rs", "", &[PICTURE, &["image prepare", "image tftp"]]),
    ("cli/args/schedule.rs", "", &[PUSH]),
    ("cli/args/simulator.rs", "", &[&["demo", "sim"]]),
    ("cli/args/mod.rs", "-cluster", &[CLUSTER]),
    ("cli/args/mod.rs", "", &[&["audit", "plan", "rollout"]]),
    ("cli/present/list.rs", "", &[SELECT, PUSH, CHANGES, &["runs", "show"]]),
    ("cli/present/clusters.rs", "", &[SELECT, &["rollout"]]),
    ("cli/present/run_result.rs", "", &[PUSH]),
    ("cli/settings.rs", "", &[CLUSTER]),
    // It shows whole command lines.
    ("cli/commands/sim.rs", "export CUCM_HOST", &[]),
    ("cli/commands/man_markdown.rs", "", &[]),
    ("cli/ui/prompt.rs", "--dry-run", &[PUSH, CHANGES]),
    ("cli/ui/prompt.rs", "", &[PUSH, CHANGES, &["trust"]]),
    ("error/hints.rs", "or select phones by --device", &[SELECT, PUSH]),
    ("survey/error.rs", "--dn", &[SELECT, PUSH]),
    ("error/hints.rs", "--state", &[PUSH, CHANGES, RUNS, SELECT]),
    ("error/hints.rs", "--cluster names", &[CLUSTER, &["config keyring"]]),
    ("error/hints.rs", "", &[CLUSTER]),
    ("error/mod.rs", "", &[]),
    ("connect/journal.rs", "", &[PUSH, CHANGES, RUNS]),
    ("connect/image_server.rs", "", &[PUSH, &["host"]]),
    ("connect/phone_tls.rs", "run {run}", &[&["rollout"]]),
    ("connect/phone_tls.rs", "put the file back", &[&["rollout"]]),
    ("connect/phone_tls.rs", "", &[SELECT, PUSH, &["doctor", "config show"]]),
    ("connect/push_access.rs", "--push-user", &[CLUSTER]),
    ("connect/push_access.rs", "", &[PUSH]),
    ("connect/keyring/", "", &[&["config keyring"]]),
    ("connect/", "", &[CLUSTER]),
    ("watch/", "", &[&["watch"]]),
    ("config/settings.rs", "for --window", &[PUSH]),
    ("config/", "", &[CLUSTER]),
    ("domain/selector", "", &[SELECT, PUSH]),
    ("cli/args/words.rs", "", &[PICTURE, &["watch", "image prepare"]]),
    ("domain/words.rs", "", &[PICTURE, &["watch", "image prepare"]]),
    ("survey/mod.rs", "", &[SELECT, PUSH]),
    ("audit/rules/model.rs", "", &[SELECT, PUSH]),
    ("audit/rules/personalization.rs", "", &[SELECT, PUSH]),
    ("image_server/error.rs", "", &[PUSH, &["host"]]),
    ("media/picture_quality.rs", "", &[PICTURE, &["image prepare", "image tftp"]]),
    ("media/", "", &[FILES]),
    ("rollout/repair.rs", "", &[&["plan", "rollout"]]),
    ("rollout/maintenance_window.rs", "", &[&["rollout"]]),
    ("rollout/run.rs", "", &[PUSH, CHANGES]),
    ("rollout/control_requests.rs", "", &[PUSH]),
    ("rollout/push_common.rs", "--picture-name", &[PICTURE]),
    ("rollout/by_address/", "", &[BY_ADDRESS]),
    ("rollout/payload/key_script.rs", "", &[&["keys"]]),
    ("rollout/payload/", "", &[PICTURE]),
    ("rollout/", "", &[PUSH]),
    ("push/scheduler/phone_task.rs", "--addresses-from", &[&["play", "keys"]]),
    ("push/", "", &[PUSH]),
    ("report/", "--verify", &[PICTURE]),
    ("report/", "", &[PUSH]),
    ("net/phone_tls_problem.rs", "", &[SELECT, PUSH]),
    ("net/", "", &[CLUSTER]),
    ("survey/", "", &[CLUSTER]),
    ("audit/", "", &[CLUSTER]),
    ("watch/control.rs", "", &[&["control"]]),
];

/// Returns the commands that can show a text of a file; nothing where no row is about it.
pub fn audience(file: &str, text: &str) -> Option<Vec<&'static str>> {
    let row = AUDIENCES.iter().find(|row| file.starts_with(row.0) && text.contains(row.1));
    if let Some((_, _, groups)) = row {
        return Some(groups.concat());
    }
    let command = file.strip_prefix("cli/commands/")?.split(['.', '/']).next()?;
    // The command's own file.
    COMMANDS.iter().find(|known| **known == command).map(|known| vec![*known])
}

const COMMANDS: &[&str] = &[
    "apply", "demo", "init", "phone", "plan", "revert", "show", "sim", "trust", "rollout", "watch",
];
