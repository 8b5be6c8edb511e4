//! Documents tell the truth: every command line that one of them shows is run against the simulated cluster, and
//! every option that one of them mentions exists.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "cli/lab.rs"]
mod lab;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axlpaper::sim::{Limits, PUSH_USER, SimConfig};

use lab::{Ended, Lab, bare, end, fleet_of};

/// The documents, from the top of the project.
fn documents() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![top.join("README.md")];
    for entry in std::fs::read_dir(top.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        // That one is made by the program, and compared with it as a whole.
        if is_page && path.file_name().is_some_and(|name| name != "reference.md") {
            documents.push(path);
        }
    }
    documents.sort();
    documents
}

/// The lines of a document that stand in blocks of code.
fn code_lines(text: &str) -> Vec<String> {
    let (mut fenced, mut lines) = (false, Vec::<String>::new());
    let mut goes_on = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            let line = line.trim().trim_start_matches("$ ");
            let (line, more) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
            match lines.last_mut().filter(|_| goes_on) {
                Some(last) => last.push_str(line),
                None => lines.push(line.to_owned()),
            }
            goes_on = more;
        }
    }
    lines
}

/// The words of every command line of a document's blocks, without comments.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let lines = code_lines(text).into_iter().filter(|line| line.starts_with("axlpaper "));
    lines.map(|line| shlex::split(&line).unwrap_or_else(|| panic!("{line:?}"))).collect()
}

/// Code between backticks in running text.
fn spans(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with("    ") && !line.contains("```"));
    let joined = lines.collect::<Vec<_>>().join(" ");
    joined.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What stands for something else in documents, and what stands there when they are tested.
fn meant(lab: &Lab, word: &str) -> String {
    let phone = |n: u32| fleet_of(n).phones[n as usize - 1].address.v4().unwrap().to_string();
    word.replace("10.1.2.3", &phone(1))
        .replace("10.1.2.4", &phone(2))
        .replace("cucm-pub.example.com", &lab.cluster.axl_addr().to_string())
}

fn lab_for_documents() -> Lab {
    let mut fleet = fleet_of(12);
    for phone in &mut fleet.phones {
        phone.device_pool = "HQ-Berlin".to_owned();
    }
    fleet.push_devices = fleet.phones.iter().take(3).map(|phone| phone.name.clone()).collect();
    let lab = Lab::with(SimConfig { limits: Limits::off(), ..SimConfig::new(fleet) });
    lab.picture();
    let config = format!(
        "[cluster.lab]\nhost = \"{}\"\npin_sha256 = \"{}\"\nphone_port = {}\n",
        lab.cluster.axl_addr(),
        lab.cluster.cert_sha256(),
        lab.cluster.phone_port()
    );
    std::fs::write(lab.path("config.toml"), config).unwrap();
    let addresses = lab.cluster.record();
    assert!(!addresses.phones.is_empty());
    let list: Vec<String> = (1..=2)
        .map(|n| format!("{},8841", meant(&lab, if n == 1 { "10.1.2.3" } else { "10.1.2.4" })))
        .collect();
    std::fs::write(lab.path("phones.csv"), format!("address,model\n{}\n", list.join("\n")))
        .unwrap();
    lab
}

/// Runs a command line of a document as somebody would who has typed the lines before it.
fn run(lab: &Lab, words: &[String]) -> Ended {
    let mut arguments: Vec<String> = words[1..].iter().map(|word| meant(lab, word)).collect();
    if arguments[0] == "sim" {
        return until_it_listens(&arguments);
    }
    // What asks a person is answered beforehand.
    let asks = ["apply", "push", "rollout", "revert", "trust", "ringtone", "play", "keys"];
    let dry = ["--dry-run", "prepare"].iter().any(|word| arguments.iter().any(|arg| arg == word));
    if asks.contains(&arguments[0].as_str()) && !dry {
        arguments.push("--yes".to_owned());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut program = lab.program(&arguments);
    program.env("AXLPAPER_CONFIG", lab.path("config.toml"));
    end(program)
}

/// Runs a command that only ends when it is stopped, until it has said where it is.
fn until_it_listens(arguments: &[String]) -> Ended {
    let mut child = std::process::Command::new(bare().get_program())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    Ended { code: if line.is_empty() { 1 } else { 0 }, stdout: line, stderr: String::new() }
}

#[test]
fn every_command_line_of_a_document_works() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let lab = lab_for_documents();
        for words in command_lines(&text) {
            let ended = run(&lab, &words);
            let shown = format!("{}: {}", document.display(), words.join(" "));
            // Nothing is interrupted here, and the program says so.
            if words.iter().any(|word| word == "--resume") {
                ended.fails(2, &["came to its end"]);
                continue;
            }
            assert_eq!(ended.code, 0, "{shown}\n{ended:?}");
        }
        let record = lab.record();
        let others = record.devices(PUSH_USER).len();
        assert!(others >= 3, "{}: an association was lost", document.display());
    }
}

/// Every option of every command, from the reference that the program makes of itself.
fn known_options(reference: &str) -> BTreeSet<String> {
    let words = reference.split(|c: char| c.is_whitespace() || "`,[]=".contains(c));
    words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn every_option_that_a_document_mentions_exists() {
    let reference = reference();
    let known = known_options(&reference);
    let commands: BTreeSet<&str> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("## `axlpaper ")?.strip_suffix('`'))
        .collect();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for span in spans(&text) {
            let words: Vec<&str> = span.split_whitespace().collect();
            if let ["axlpaper", command, ..] = words[..]
                && command.starts_with(|c: char| c.is_ascii_lowercase())
            {
                assert!(commands.contains(command), "{}: `{span}`", document.display());
            }
            // Other programs have options too; of those only whole command lines are shown.
            let ours = words.first().is_some_and(|word| {
                *word == "axlpaper" || word.starts_with("--") || commands.contains(word)
            });
            for option in words.iter().filter(|word| ours && word.starts_with("--")) {
                let option = option.split(['=', ',', '|']).next().unwrap();
                assert!(
                    known.contains(option) || option == "--help",
                    "{}: {option} in `{span}`",
                    document.display()
                );
            }
        }
    }
}

fn reference() -> String {
    let mut program = bare();
    program.args(["man", "--markdown"]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout
}

/// `AXLPAPER_UPDATE_DOCS=1 cargo test --test docs` writes the page anew.
#[test]
fn the_reference_is_what_the_program_says_of_itself() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let reference = reference();
    if std::env::var_os("AXLPAPER_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &reference).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference,
        "docs/reference.md is out of date: AXLPAPER_UPDATE_DOCS=1 cargo test --test docs"
    );
}
