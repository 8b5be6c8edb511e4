//! The folders of `src/` are layers, and this is the table of who may use whom.
//!
//! The same table stands in `docs/architecture.md`, in words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[path = "architecture/imports.rs"]
mod imports;

#[path = "architecture/hints.rs"]
mod hints;

use imports::Sources;

/// What each folder of `src/` may name as `crate::…`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("net", &["domain"]),
    ("soap", &["domain"]),
    ("axl", &["soap", "net", "domain"]),
    ("ris", &["soap", "net", "domain"]),
    ("phone", &["net", "domain"]),
    ("survey", &["axl", "ris", "phone", "event", "domain"]),
    ("audit", &["domain"]),
    ("plan", &["domain"]),
    ("event", &["domain"]),
    ("journal", &["domain", "event"]),
    ("apply", &["axl", "journal", "event", "domain"]),
    ("media", &["domain"]),
    ("image_server", &["media", "net", "event", "domain"]),
    ("push", &["phone", "image_server", "media", "journal", "event", "domain"]),
    ("report", &["domain", "event", "journal"]),
    ("sim", &["domain", "net"]),
    ("config", &["domain"]),
    ("error", &["apply", "axl", "config", "domain", "journal", "net", "ris", "soap", "survey"]),
    ("interaction", &["domain", "error"]),
    (
        "connect",
        &[
            "axl",
            "config",
            "domain",
            "error",
            "event",
            "image_server",
            "interaction",
            "journal",
            "net",
            "phone",
            "push",
            "ris",
        ],
    ),
    (
        "rollout",
        &[
            "apply",
            "audit",
            "axl",
            "connect",
            "domain",
            "error",
            "event",
            "image_server",
            "interaction",
            "journal",
            "media",
            "net",
            "phone",
            "plan",
            "push",
            "report",
            "survey",
        ],
    ),
    (
        "watch",
        &[
            "axl",
            "config",
            "connect",
            "domain",
            "error",
            "event",
            "interaction",
            "journal",
            "net",
            "push",
            "report",
            "rollout",
            "survey",
        ],
    ),
    (
        "doctor",
        &[
            "audit",
            "axl",
            "config",
            "connect",
            "domain",
            "error",
            "event",
            "interaction",
            "journal",
            "net",
            "report",
            "ris",
            "rollout",
            "survey",
            "watch",
        ],
    ),
    (
        "console",
        &[
            "config",
            "connect",
            "doctor",
            "domain",
            "error",
            "event",
            "interaction",
            "journal",
            "net",
            "report",
            "rollout",
            "watch",
        ],
    ),
    (
        "cli",
        &[
            "apply",
            "audit",
            "axl",
            "config",
            "connect",
            "console",
            "doctor",
            "domain",
            "error",
            "event",
            "image_server",
            "interaction",
            "journal",
            "media",
            "net",
            "phone",
            "plan",
            "push",
            "report",
            "ris",
            "rollout",
            "sim",
            "soap",
            "survey",
            "watch",
        ],
    ),
];

/// Folders that decide and render, and so may touch neither files, sockets, clocks nor randomness.
const PURE: &[&str] = &["domain", "soap", "audit", "plan", "report"];

/// What a pure folder may not name.
const EFFECTS: &[&str] = &[
    "tokio",
    "reqwest",
    "rusqlite",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "getrandom",
    "std::env",
];

/// What reads from or writes to the terminal.
const TERMINAL: &[&str] = &[
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::io::Stdin",
    "std::io::Stdout",
    "std::io::Stderr",
    "console::Term",
    "indicatif",
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
];

/// Files outside of `cli/` that name these today. The list may only get shorter.
const OUTSIDE_OF_CLI: &[(&str, &str)] = &[
    // `--password-stdin`, and whether a password command may ask its user something.
    ("connect/password.rs", "std::io::IsTerminal"),
    ("connect/password.rs", "std::io::stdin"),
    ("media/decoder/worker.rs", "std::io::stdin"),
    ("media/decoder/worker.rs", "std::io::stdout"),
    ("report/table.rs", "clap"),
    ("report/table.rs", "console"),
];

/// Files of `cli/` that read from or write to the terminal besides `ui` and `present` today. The list may only get
/// shorter.
const PRINTING: &[(&str, &str)] =
    &[("cli/args/device_list.rs", "std::io::stdin"), ("cli/next_command.rs", "std::io::stdin")];

/// Files that import each other in a circle today. The list may only get shorter.
const KNOWN_CIRCLES: &[&[&str]] = &[];

#[test]
fn folders_use_only_what_their_row_allows() {
    let table: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(folder, uses)| (*folder, uses.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for (folder, path, code) in sources() {
        let allowed = table
            .get(folder.as_str())
            .unwrap_or_else(|| panic!("src/{folder} has no row in the table"));
        for used in crate_names(&code) {
            if used != folder && !allowed.contains(used.as_str()) {
                wrong.push(format!("{} uses crate::{used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the table:\n{}", wrong.join("\n"));
}

#[test]
fn pure_folders_have_no_effects() {
    let mut wrong = Vec::new();
    for (folder, path, code) in sources() {
        if PURE.contains(&folder.as_str()) {
            wrong.extend(
                EFFECTS
                    .iter()
                    .filter(|effect| code.contains(**effect))
                    .map(|effect| format!("{} names {effect}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "effects in pure folders:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for (folder, _) in MAY_USE {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = table[folder].to_vec();
        while let Some(next) = open.pop() {
            assert_ne!(next, *folder, "{folder} can reach itself");
            if seen.insert(next) {
                open.extend(table[next]);
            }
        }
    }
}

#[test]
fn the_reader_of_names_sees_every_spelling() {
    let code =
        "use crate::net::{a, b};\nuse crate::{domain::x, ris};\nfn f() { crate::cli::run() }";
    let names: Vec<String> = crate_names(code).into_iter().collect();
    assert_eq!(names, ["cli", "domain", "net", "ris"]);
    assert_eq!(without_comments("a // crate::cli\nb"), "a \nb");
    let code = without_comments("let url = \"http://x\"; let y = crate::cli::z();");
    assert!(crate_names(&code).contains("cli"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = Sources::read(&root());
    let found = sources.circles();
    let known: BTreeSet<Vec<&str>> = KNOWN_CIRCLES.iter().map(|files| files.to_vec()).collect();
    let new: Vec<String> = found.difference(&known).map(|files| sources.describe(files)).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "circles that KNOWN_CIRCLES does not have:\n{}\n\ncircles of KNOWN_CIRCLES that are gone:\n{gone:#?}",
        new.join("\n"),
    );
}

/// Checks that files name these things of other crates exactly where a list of exceptions says so.
fn only_where_listed(applies: impl Fn(&str) -> bool, banned: &[&str], exceptions: &[(&str, &str)]) {
    let sources = Sources::read(&root());
    let mut found = BTreeSet::new();
    for (file, names) in sources.foreign.iter().filter(|(file, _)| applies(file)) {
        for ban in banned {
            let is = |name: &String| name == ban || name.starts_with(&format!("{ban}::"));
            if names.iter().any(is) {
                found.insert((file.as_str(), *ban));
            }
        }
    }
    let listed: BTreeSet<(&str, &str)> = exceptions.iter().copied().collect();
    let new: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "not listed: {new:#?}\nlisted, but gone: {gone:#?}");
}

#[test]
fn only_the_command_line_knows_clap_the_terminal_and_exit() {
    let banned =
        [TERMINAL, &["clap", "console", "std::process::exit", "std::io::IsTerminal"]].concat();
    only_where_listed(|file| !file.starts_with("cli/"), &banned, OUTSIDE_OF_CLI);
}

#[test]
fn no_task_is_blocked_in_place() {
    only_where_listed(|_| true, &["tokio::task::block_in_place"], &[]);
}

#[test]
fn only_ui_and_present_print() {
    let elsewhere = |file: &str| !file.starts_with("cli/ui/") && !file.starts_with("cli/present/");
    let prints = |file: &str| file.starts_with("cli/") && elsewhere(file);
    only_where_listed(prints, TERMINAL, PRINTING);
}

#[test]
fn the_reader_of_imports_follows_every_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a; mod b; mod c;");
    write("a/mod.rs", "mod inner; mod other; pub use inner::Thing;");
    write("a/inner.rs", "pub struct Thing; fn f() { super::other::g() }");
    write("a/other.rs", "pub fn g() { println!(\"{}\", crate::b::h()) }");
    write("b.rs", "use crate::{a::Thing as T, c}; pub fn h() { c::x(); std::io::stdout(); }");
    write(
        "c.rs",
        "pub fn x() {} #[cfg(test)] mod tests { use crate::b::h; } fn y() { use std::io; io::stdin(); }",
    );
    let sources = Sources::read(folder.path());
    let imports: Vec<String> = (sources.imports.iter())
        .flat_map(|(from, to)| to.iter().map(move |(to, items)| format!("{from} {to} {items:?}")))
        .collect();
    assert_eq!(
        imports,
        [
            "a/inner.rs a/other.rs {\"g\"}",
            "a/other.rs b.rs {\"h\"}",
            "b.rs a/inner.rs {\"Thing\"}",
            "b.rs c.rs {\"x\"}",
        ]
    );
    let circles: Vec<_> = sources.circles().into_iter().collect();
    assert_eq!(circles, [["a/inner.rs", "a/other.rs", "b.rs"]]);
    assert!(sources.foreign["b.rs"].contains("std::io::stdout"));
    assert!(sources.foreign["c.rs"].contains("std::io::stdin"));
    assert!(sources.foreign["a/other.rs"].contains("println!"));
}

#[test]
fn a_text_names_only_options_that_its_commands_have() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = std::fs::read_to_string(top.join("docs/reference.md")).unwrap();
    let options = hints::options(&reference);
    let mut files = Vec::new();
    collect(&root(), &mut files);
    let (mut checked, mut wrong) = (0, Vec::new());
    for path in files {
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        if file.starts_with("sim/") || file.contains("tests") {
            continue;
        }
        for text in hints::literals(&std::fs::read_to_string(&path).unwrap()) {
            // An option alone is compared or completed, and not shown.
            if (text.contains("--") || text.contains("axlpaper ")) && text.trim().contains(' ') {
                checked += 1;
                let problems = hints::problems(&text, hints::audience(&file, &text), &options);
                wrong.extend(
                    problems.into_iter().map(|problem| format!("{file}: {text:?}: {problem}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 100, "only {checked} texts were found");
}

#[test]
fn an_option_that_a_command_lacks_is_found() {
    let reference = "## `axlpaper push`\n\n- `--limit N`: x\n- `-o, --output FILE`: see --frobnicate\n\
                     ## `axlpaper rollout`\n- `--limit N`: x\n- `--output FILE`: x\n- `--frobnicate`\n\
                     ### `axlpaper config keyring`\n- `--push`\n";
    let options = hints::options(reference);
    let problems = |text: &str| hints::problems(text, Some(vec!["push"]), &options);
    let none = Vec::<String>::new();
    assert_eq!(problems("use --limit 1, or --output; `axlpaper config keyring --push`"), none);
    assert_eq!(problems("use --frobnicate"), ["`axlpaper push` has no --frobnicate"]);
    let problem = "`axlpaper config keyring` has no --limit";
    assert_eq!(problems("`axlpaper config keyring --limit 1` helps"), [problem]);
    assert_eq!(problems("try `axlpaper fly`"), ["there is no command `axlpaper fly`"]);
    assert_eq!(problems("axlpaper rollout --resume {}"), ["`axlpaper rollout` has no --resume"]);
    let code = "fn f<'a>() { g(\"a \\\"b\\\" \\\n   c\", '\"', r#\"d \"e\"\"#); } // \"x\"\n#[cfg(test)]\nmod t { \"y\" }";
    assert_eq!(hints::literals(code), ["a \"b\" c", "d \"e\""]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file under `src/`, with the folder it belongs to and its code without comments and tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &mut found);
    let sources: Vec<_> = found
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&root).ok()?;
            let first = inside.components().next()?.as_os_str().to_str()?;
            let folder = first.trim_end_matches(".rs").to_owned();
            if folder == "lib" || folder == "main" || inside.ends_with("tests.rs") {
                return None;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            Some((folder, inside.to_owned(), without_comments(code)))
        })
        .collect();
    assert!(sources.len() > 30, "only {} files were found", sources.len());
    sources
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Drops line comments; a `//` behind a colon belongs to a URL.
fn without_comments(code: &str) -> String {
    let lines = code.lines().map(|line| match line.find("//") {
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        Some(_) | None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn crate_names(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(top_level_names(list)),
            None => names.extend(first_name(rest)),
        }
    }
    names
}

fn top_level_names(list: &str) -> Vec<String> {
    let (mut depth, mut names, mut start) = (0_u32, Vec::new(), true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && depth == 0 && !c.is_whitespace() => {
                names.extend(first_name(&list[at..]));
                start = false;
            }
            _ => {}
        }
    }
    names
}

fn first_name(code: &str) -> Option<String> {
    let name: String = code.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    // A name that begins with a capital is a type or a macro of the crate's root, not a folder.
    (name.starts_with(|c: char| c.is_ascii_lowercase())).then_some(name)
}
