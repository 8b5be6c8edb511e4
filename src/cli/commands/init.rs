//! `axlpaper init`

use crate::cli::settings;
use crate::domain::text::{host_of_url, quoted};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::args::ConnectionArgs;
use crate::cli::present::list;
use crate::cli::ui;
use crate::config::{FileConfig, Given, KEYS, template, with_cluster};
use crate::domain::text_encoding;
use crate::error::{AppError, ErrorKind, Exit};
use crate::net::endpoint::Endpoint;

/// Write a config file with every key in it, with its meaning and default
///
/// All are switched off except for those that are given as options or typed: on a terminal, host and users are asked for.
/// Passwords are never written. Only its owner can read the file. In a file that is there already, such as that of
/// `axlpaper trust`, only what is missing is added.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The file to write [default: axlpaper/config.toml in the user's config folder]
    #[arg(long, value_name = "FILE", env = "AXLPAPER_CONFIG")]
    config: Option<PathBuf>,
    /// Name of the first cluster [default: lab]
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Its publisher
    #[arg(long, value_name = "HOST[:PORT]")]
    host: Option<String>,
    /// Its AXL user
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    /// The user whose name and password go to its phones
    #[arg(long, value_name = "USER")]
    push_user: Option<String>,
    /// Print it instead of writing a file
    #[arg(long, visible_alias = "dry-run")]
    print: bool,
}

pub fn run(args: &Args) -> Result<Exit, AppError> {
    if args.print {
        ui::put(&template(KEYS, &given(args)))?;
        return Ok(Exit::Done);
    }
    let named = ConnectionArgs { config: args.config.clone(), ..ConnectionArgs::default() };
    let path = settings::config_path(&named).ok_or_else(|| {
        AppError::new(ErrorKind::Usage, "there is no folder for a config file")
            .hint("name a file with --config")
    })?;
    if path.exists() {
        return complete(args, &path);
    }
    let mut given = given(args);
    let missing = ASKED.iter().filter(|key| !given.values.iter().any(|(has, _)| has == &key.name));
    let missing: Vec<&Asked> = missing.collect();
    given.values.extend(ask(&missing, ui::line)?);
    // In the order of the template's keys, whatever was given and what was typed.
    given.values.sort_by_key(|(key, _)| ASKED.iter().position(|asked| asked.name == *key));
    write_new(&path, &template(KEYS, &given)).map_err(|error| refused(&path, error))?;
    let next = if given.values.iter().any(|(key, _)| *key == "host") {
        "Set the sources of the passwords there; then run `axlpaper trust` and `axlpaper doctor`."
    } else {
        "Switch host, username and push_user of a [cluster.NAME] on; then run `axlpaper trust` and `axlpaper doctor`."
    };
    ui::say(&format!("Wrote {}: every key with its meaning.\n{next}", path.display()));
    Ok(Exit::Done)
}

/// Adds to a file what its cluster lacks.
fn complete(args: &Args, path: &Path) -> Result<Exit, AppError> {
    let shown = path.display();
    let file = FileConfig::load(path)?;
    let known = args.cluster.as_deref().filter(|name| file.clusters().all(|has| has != *name));
    let section = match known {
        // A cluster that is not there yet.
        Some(_) => None,
        None => file.section(args.cluster.as_deref())?,
    };
    let has = |key: &str| {
        let values = section.iter().flat_map(|section| section.layer.values());
        values.filter(|(_, value)| value.is_some()).any(|(name, _)| name == key)
    };
    let mut given = given(args);
    given.cluster = given.cluster.or_else(|| section.as_ref().map(|section| section.name.clone()));
    let missing: Vec<&Asked> = ASKED
        .iter()
        .filter(|key| !has(key.name) && !given.values.iter().any(|(has, _)| has == &key.name))
        .collect();
    given.values.extend(ask(&missing, ui::line)?);
    if given.values.is_empty() {
        let there = AppError::new(
            ErrorKind::Refused,
            format!("{shown} is there already; nothing was written"),
        );
        let options = missing.iter().map(|key| format!("--{}", key.name.replace('_', "-")));
        let options = options.collect::<Vec<_>>().join(", ");
        return Err(match options.as_str() {
            "" => there.hint("it names host, username and push user of its cluster"),
            options => there.hint(format!("{options} add what its cluster lacks")),
        }
        .hint("`axlpaper init --print` shows what would be written; or name another file with --config"));
    }
    let bytes = std::fs::read(path)
        .map_err(|error| AppError::from_error(ErrorKind::Failed, error).context(&shown))?;
    let text = text_encoding::decode_utf8(&bytes)
        .map_err(|error| AppError::from_error(ErrorKind::Usage, error).context(&shown))?;
    let edited = with_cluster(&text, &given).map_err(|error| {
        AppError::from_error(ErrorKind::Refused, error).hint(format!(
            "nothing was changed in {shown}; change it there, or name another --cluster"
        ))
    })?;
    list::write_file(path, &edited.text)?;
    let keys: Vec<&str> = given.values.iter().map(|(key, _)| *key).collect();
    let trust = if has("pin_sha256") || has("ca_file") { "" } else { "`axlpaper trust` and " };
    ui::say(&format!(
        "Wrote {} of cluster {} into {shown}.\nThen run {trust}`axlpaper doctor`.",
        keys.join(", "),
        quoted(given.name())
    ));
    Ok(Exit::Done)
}

/// A key that is asked for.
struct Asked {
    name: &'static str,
    question: &'static str,
    check: fn(&str) -> Result<(), String>,
}

const ASKED: [Asked; 3] = [
    Asked { name: "host", question: "Publisher, as HOST or HOST:PORT", check: host },
    Asked { name: "username", question: "AXL user", check: user },
    Asked {
        name: "push_user",
        question: "Push user, whose name and password go to the phones (not the AXL user)",
        check: user,
    },
];

/// Asks for the values of keys, as long as there is somebody to answer; an empty answer leaves a key out.
fn ask(
    keys: &[&Asked],
    mut answer: impl FnMut(&str) -> Result<Option<String>, AppError>,
) -> Result<Vec<(&'static str, String)>, AppError> {
    let mut values = Vec::new();
    for key in keys {
        let mut question = format!("{} [Enter leaves it out]:", key.question);
        while let Some(typed) = answer(&question)?.filter(|typed| !typed.is_empty()) {
            match (key.check)(&typed) {
                Ok(()) => {
                    values.push((key.name, tidy(key.name, typed)));
                    break;
                }
                Err(why) => question = format!("{why}. {} [Enter leaves it out]:", key.question),
            }
        }
    }
    Ok(values)
}

fn host(text: &str) -> Result<(), String> {
    Endpoint::parse(text, Endpoint::CUCM_PORT).map(drop).map_err(|error| error.to_string())
}

/// Returns what the file is to have: of an address of the publisher its host and port.
fn tidy(key: &str, value: String) -> String {
    if key == "host" { host_of_url(&value).to_owned() } else { value }
}

fn user(text: &str) -> Result<(), String> {
    if text.contains(':') {
        return Err(format!("a user name cannot hold a colon: {}", quoted(text)));
    }
    Ok(())
}

fn given(args: &Args) -> Given {
    let values = [
        ("host", args.host.clone()),
        ("username", args.username.clone()),
        ("push_user", args.push_user.clone()),
    ];
    let values = values.into_iter().filter_map(|(key, value)| Some((key, tidy(key, value?))));
    let values = values.collect();
    Given { cluster: args.cluster.clone(), values }
}

fn refused(path: &Path, error: io::Error) -> AppError {
    let shown = path.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return AppError::new(ErrorKind::Refused,
            format!("{shown} is there already; nothing was written"),
        )
        .hint("`axlpaper init --print` shows what would be written; or name another file with --config");
    }
    AppError::from_error(ErrorKind::Failed, error)
        .context(format_args!("cannot write {shown}"))
        .hint("check that the folder may be written to")
}

/// Writes a config file, whether it was there or not. Returns whether it is new.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(path: &Path, text: &str) -> Result<bool, AppError> {
    if path.exists() {
        return list::write_file(path, text).map(|()| false);
    }
    let written = write_new(path, text).map_err(|error| {
        AppError::from_error(ErrorKind::Failed, error)
            .context(format_args!("cannot write {}", path.display()))
    });
    written.map(|()| true)
}

/// Writes a file that was not there, for its owner only. A link that leads nowhere counts as there.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        list::private_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // An incomplete file is removed; the first error is the one to report.
        let _ignored = std::fs::remove_file(path);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(answers: &[&str]) -> (Vec<(&'static str, String)>, Vec<String>) {
        let mut answers = answers.iter();
        let mut questions = Vec::new();
        let keys: Vec<&Asked> = ASKED.iter().collect();
        let values = ask(&keys, |question| {
            questions.push(question.to_owned());
            Ok(answers.next().map(|answer| (*answer).to_owned()))
        });
        (values.unwrap(), questions)
    }

    #[test]
    fn what_is_typed_is_checked_and_asked_again() {
        let (values, questions) =
            typed(&["not a host!", "https://cucm:8443/", "axl:admin", "axladmin", ""]);
        assert_eq!(values, [("host", "cucm:8443".to_owned()), ("username", "axladmin".to_owned())]);
        assert_eq!(questions.len(), 5);
        assert!(questions[1].contains("not a host!"), "{questions:?}");
        assert!(questions[3].starts_with("a user name cannot hold a colon"), "{questions:?}");
    }

    #[test]
    fn without_a_terminal_nothing_is_typed() {
        assert_eq!(typed(&[]).0, []);
    }
}
