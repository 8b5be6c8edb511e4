//! Fetches passwords from the source that the settings name.
//!
//! No text of a password, and nothing that a password command prints, goes into an error or a log.

use std::fs::File;
use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use tokio::io::AsyncReadExt as _;

use crate::config::{PasswordCommand, PasswordError, PasswordSource, password_of};
use crate::connect::keyring;
use crate::error::{AppError, ErrorKind};
use crate::interaction::Interaction;

/// How long a password command may take: long enough for a person to unlock a store.
const LIMIT: Duration = Duration::from_secs(60);

/// Nothing that gives a password is longer, in bytes.
const MOST: u64 = 64 * 1024;

/// The size of the buffers that passwords are read into, in bytes.
const ROOM: usize = MOST as usize + 64;

/// Returns a password; asks for it on the terminal where nothing else gives it.
///
/// # Errors
/// When it is missing, empty or cannot be read, or when others can read its file.
pub async fn read(
    source: Option<&PasswordSource>,
    whose: &str,
    other_ways: &str,
    interaction: &dyn Interaction,
) -> Result<SecretString, AppError> {
    let given =
        |password: SecretString| SecretSlice::from(password.expose_secret().as_bytes().to_vec());
    let text = match source {
        None => given(interaction.password(whose, other_ways).await?),
        Some(PasswordSource::Given(secret)) => given(secret.clone()),
        Some(PasswordSource::File(path)) => file(path)?,
        Some(PasswordSource::Stdin) => stdin().await?,
        Some(PasswordSource::Variable(name)) => given(variable(name, whose)?),
        Some(PasswordSource::Command(command)) => {
            printed(command, LIMIT).await.map_err(|trouble| trouble.told(command, whose))?
        }
        Some(PasswordSource::Keyring(entry)) => {
            given(keyring::read(entry, whose, interaction).await?)
        }
    };
    let password = password_of(text.expose_secret()).map_err(|error| {
        let place = source.map_or_else(|| "what was typed".to_owned(), ToString::to_string);
        unusable(error, whose, &place)
    })?;
    crate::net::trace::hide(password.expose_secret());
    if password.expose_secret().is_empty() {
        let place = source.map(|source| format!(": {source} is")).unwrap_or_default();
        let empty = format!("the password of {whose} is empty{place}");
        return Err(AppError::new(ErrorKind::Usage, empty.trim_end_matches(" is")).hint(other_ways));
    }
    Ok(password)
}

/// Returns a password that is to be kept: asked for twice on a terminal, else the first line of standard input.
///
/// # Errors
/// When it is empty or no text, or the two are not the same.
pub async fn new(whose: &str, interaction: &dyn Interaction) -> Result<SecretString, AppError> {
    let is_terminal = std::io::stdin().is_terminal();
    let text = if is_terminal {
        SecretSlice::from(
            interaction.password(whose, "").await?.expose_secret().as_bytes().to_vec(),
        )
    } else {
        stdin().await?
    };
    let password = password_of(text.expose_secret())
        .map_err(|error| unusable(error, whose, "what was given"))?;
    crate::net::trace::hide(password.expose_secret());
    let wrong =
        |what: &str| Err(AppError::new(ErrorKind::Usage, format!("{what}; nothing was stored")));
    if password.expose_secret().is_empty() {
        return wrong("the password is empty");
    }
    if is_terminal {
        let again = interaction.password(&format!("{whose}, again"), "").await?;
        if again.expose_secret() != password.expose_secret() {
            return wrong("the two are not the same");
        }
    }
    Ok(password)
}

/// Says why a text is no password, and how it becomes one; nothing of it is repeated.
fn unusable(error: PasswordError, whose: &str, place: &str) -> AppError {
    AppError::new(ErrorKind::Usage, format!("the password of {whose} cannot be used: {place} {error}"))
        .hint(match error {
            PasswordError::Utf16 | PasswordError::NotUtf8 => {
                "nothing was sent; save the file as UTF-8 (Notepad: Save as, Encoding: UTF-8; PowerShell: \
                 Set-Content -Encoding utf8), with the password as its first line"
            }
            PasswordError::Control(_) => {
                "nothing was sent; write the password again, as one line of UTF-8 text without tabs or other \
                 control characters"
            }
        })
}

async fn stdin() -> Result<SecretSlice<u8>, AppError> {
    let read = || {
        let mut line = buffer();
        std::io::stdin().lock().read_until(b'\n', &mut line).map(|_| line)
    };
    let read = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(error.into()));
    first_line(read, "standard input")
}

/// Looks whether a password could be fetched, without running a command.
///
/// # Errors
/// When a file cannot be read or others can read it, a variable is not set, a program is not there, or the
/// keyring does not have it.
pub async fn look(
    source: &PasswordSource,
    whose: &str,
    interaction: &dyn Interaction,
) -> Result<(), AppError> {
    match source {
        PasswordSource::Given(_) | PasswordSource::Stdin => Ok(()),
        PasswordSource::File(_) | PasswordSource::Variable(_) => {
            read(Some(source), whose, "its first line is the password", interaction).await.map(drop)
        }
        PasswordSource::Keyring(entry) => keyring::look(entry, whose).await,
        PasswordSource::Command(command) if is_there(command.program()) => Ok(()),
        PasswordSource::Command(command) => {
            Err(Trouble::Unstartable(std::io::ErrorKind::NotFound.into()).told(command, whose))
        }
    }
}

/// Returns whether a program is where it is named, or in `PATH`.
pub fn is_there(program: &Path) -> bool {
    if program.components().count() > 1 {
        return program.is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = [program.to_owned(), program.with_extension("exe")];
    std::env::split_paths(&path).any(|folder| names.iter().any(|name| folder.join(name).is_file()))
}

/// Reads the first line of a file that others cannot read.
fn file(path: &Path) -> Result<SecretSlice<u8>, AppError> {
    let place = path.display().to_string();
    // What is looked at is the opened file, so that it cannot be replaced meanwhile.
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return first_line(Err(error), &place),
    };
    let open_to = file.metadata().ok().and_then(|metadata| open_to_all(&metadata));
    if let Some(may) = open_to {
        return Err(AppError::new(
            ErrorKind::Usage,
            format!("every user may {may} the file with the password, {place}"),
        )
        .hint(format!(
            "take that away with `chmod 600 {}`, or 640 for a group; where that cannot be done, \
             password_command = [\"cat\", \"FILE\"] takes it as it is",
            shlex::try_quote(&place).map_or_else(|_| place.clone(), Into::into)
        )));
    }
    let mut text = buffer();
    let read = (&mut file).take(MOST).read_to_end(&mut text).map(|_| text);
    first_line(read, &place)
}

/// Returns what people who are neither the owner nor in the group may do with a file, if that is anything.
///
/// A group is allowed to read: services are given their passwords so. Devices and pipes have other rules.
#[cfg(unix)]
fn open_to_all(metadata: &std::fs::Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    match metadata.mode() & 0o006 {
        _ if !metadata.is_file() => None,
        0 => None,
        0o004 => Some("read"),
        _ => Some("write into"),
    }
}

/// The permissions of other systems are not checked.
#[cfg(not(unix))]
fn open_to_all(_: &std::fs::Metadata) -> Option<&'static str> {
    None
}

/// Returns a buffer that is zeroed after use. It has room for every password: one that grows leaves copies behind.
fn buffer() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(ROOM))
}

fn first_line(
    read: std::io::Result<Zeroizing<Vec<u8>>>,
    place: &str,
) -> Result<SecretSlice<u8>, AppError> {
    let text = read.map_err(|error| {
        AppError::from_error(ErrorKind::Usage, error).context(format_args!("cannot read the password from {place}"))
            .hint("the password is the first line, as UTF-8 text; check the name and the mode of the file")
    })?;
    Ok(first_line_of(&text))
}

fn first_line_of(text: &[u8]) -> SecretSlice<u8> {
    let end = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
    SecretSlice::from(text[..end].to_vec())
}

fn variable(name: &str, whose: &str) -> Result<SecretString, AppError> {
    let why = match std::env::var(name) {
        Ok(value) => return Ok(SecretString::from(Zeroizing::new(value).as_str())),
        Err(std::env::VarError::NotPresent) => "is not set",
        Err(std::env::VarError::NotUnicode(_)) => "holds no UTF-8 text",
    };
    let message = format!("the variable {name}, which gives the password of {whose}, {why}");
    Err(AppError::new(ErrorKind::Usage, message)
        .hint("the config file names it; set it in the environment of this program"))
}

/// Why a password command gave nothing.
#[derive(Debug)]
enum Trouble {
    /// It could not be started.
    Unstartable(std::io::Error),
    /// It said that it failed.
    Failed(ExitStatus),
    /// It did not end.
    Late(Duration),
    /// What it printed could not be read.
    Unreadable(std::io::Error),
    /// It printed too much, or nothing can be read from it.
    Unusable(&'static str),
}

impl Trouble {
    fn told(self, command: &PasswordCommand, whose: &str) -> AppError {
        let program = command.program().display();
        let which = format!("{program}, which gives the password of {whose},");
        let (message, hint) = match self {
            Self::Unstartable(error) => (
                format!("{which} cannot be run: {error}"),
                "the config file names a program and its arguments, for no shell; check that it is in PATH",
            ),
            Self::Failed(status) => (
                format!("{which} failed: {status}"),
                "its output is above; run the command of the config file by hand",
            ),
            Self::Late(limit) => (
                format!("{which} did not end within {} s, and was stopped", limit.as_secs()),
                "unlock the store of passwords first, or run the command of the config file by hand",
            ),
            Self::Unreadable(error) => (
                format!("{which} could not be read: {error}"),
                "run the command of the config file by hand",
            ),
            Self::Unusable(why) => {
                (format!("{which} {why}"), "its first line has to be the password, as UTF-8 text")
            }
        };
        AppError::new(ErrorKind::Usage, message).hint(hint)
    }
}

async fn printed(command: &PasswordCommand, limit: Duration) -> Result<SecretSlice<u8>, Trouble> {
    // A person may have to type something for it, but it must not eat what is piped to us.
    let stdin = if std::io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() };
    let mut child = tokio::process::Command::new(command.program())
        .args(command.arguments())
        // Other passwords are not its business.
        .env_remove("CUCM_PASSWORD")
        .env_remove("PHONE_PASSWORD")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(Trouble::Unstartable)?;
    let stdout = child.stdout.take().ok_or(Trouble::Unusable("has no standard output"))?;
    let both = async {
        let mut bytes = buffer();
        let read = stdout.take(MOST + 1).read_to_end(&mut bytes).await;
        read.map_err(Trouble::Unreadable)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST) {
            return Err(Trouble::Unusable("prints more than a password"));
        }
        match child.wait().await {
            Ok(status) if status.success() => Ok(first_line_of(&bytes)),
            Ok(status) => Err(Trouble::Failed(status)),
            Err(error) => Err(Trouble::Unreadable(error)),
        }
    };
    let ended = tokio::time::timeout(limit, both).await;
    if ended.is_err() {
        // It is killed; one that has ended meanwhile is no trouble.
        let _ignored = child.kill().await;
    }
    ended.unwrap_or(Err(Trouble::Late(limit)))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::interaction::Silent;

    fn command(words: &[&str]) -> PasswordCommand {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        PasswordCommand::new(words, Path::new("/")).unwrap()
    }

    async fn told(script: &str) -> String {
        let limit = Duration::from_secs(20);
        let trouble = printed(&command(&["/bin/sh", "-c", script]), limit).await.unwrap_err();
        trouble.told(&command(&["/bin/sh"]), "axl on pub").to_string()
    }

    #[tokio::test]
    async fn the_first_line_that_a_command_prints_counts() {
        let line = async |script| {
            let source = PasswordSource::Command(command(&["/bin/sh", "-c", script]));
            read(Some(&source), "axl on pub", "", &Silent)
                .await
                .map(|read| read.expose_secret().to_owned())
        };
        assert_eq!(line("printf 's3cret\\r\\nsecond\\n'").await.unwrap(), "s3cret");
        assert_eq!(line("printf ' with blanks '").await.unwrap(), " with blanks ");
        let error = line("printf 's3\\377cret'").await.unwrap_err().to_string();
        assert!(error.contains("UTF-8") && !error.contains("cret'"), "{error}");
        let source = PasswordSource::Command(command(&["/bin/sh", "-c", "echo; echo second"]));
        let error =
            read(Some(&source), "axl on pub", "type it", &Silent).await.unwrap_err().to_string();
        assert!(error.contains("is empty") && error.contains("/bin/sh prints"), "{error}");
    }

    #[tokio::test]
    async fn a_command_that_fails_gives_nothing_and_shows_nothing() {
        let error = told("echo s3cret; exit 3").await;
        assert!(error.contains("/bin/sh") && error.contains("exit status: 3"), "{error}");
        assert!(!error.contains("s3cret"));
        assert!(told("head -c 70000 /dev/zero").await.contains("more than a password"));
        assert!(told("kill -9 $$").await.contains("signal: 9"));
        let missing = command(&["/nonexistent/pass"]);
        let error =
            printed(&missing, LIMIT).await.unwrap_err().told(&missing, "axl on pub").to_string();
        assert!(error.contains("cannot be run") && error.contains("hint:"), "{error}");
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("echo $$ > '{}'; exec sleep 600", pid.display());
        let late = printed(&command(&["/bin/sh", "-c", &script]), Duration::from_millis(500)).await;
        assert!(matches!(late, Err(Trouble::Late(_))), "{late:?}");
        // On a busy machine it can be stopped before it has said its number.
        if let Some(pid) = std::fs::read_to_string(pid).ok().filter(|pid| !pid.is_empty()) {
            assert!(!Path::new("/proc").join(pid.trim()).exists(), "it still runs");
        }
    }

    #[test]
    fn others_cannot_read_the_file_with_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's a password");
        std::fs::write(&path, "s3cret\nsecond\n").unwrap();
        for (mode, refused) in [
            (0o600, None),
            (0o400, None),
            (0o640, None),
            (0o644, Some("every user may read")),
            (0o604, Some("every user may read")),
            (0o606, Some("every user may write")),
            (0o602, Some("every user may write")),
        ] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match (file(&path), refused) {
                (Ok(secret), None) => assert_eq!(secret.expose_secret(), b"s3cret\n"),
                (Err(error), Some(word)) => {
                    let text = error.to_string();
                    assert!(text.contains(word) && text.contains("chmod 600"), "{text}");
                    assert!(text.contains("it's a password") && !text.contains("s3cret"), "{text}");
                }
                (read, _) => panic!("{mode:o}: {read:?}"),
            }
        }
        // A link is judged by what it leads to, and a device is none.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        file(&link).unwrap_err();
        assert!(file(Path::new("/dev/null")).unwrap().expose_secret().is_empty());
    }

    #[tokio::test]
    async fn a_variable_that_is_not_set_is_named() {
        let source = PasswordSource::Variable("AXLPAPER_NOWHERE_SET".into());
        let error = read(Some(&source), "axl on pub", "", &Silent).await.unwrap_err().to_string();
        assert!(error.contains("AXLPAPER_NOWHERE_SET") && error.contains("not set"), "{error}");
        look(&source, "axl on pub", &Silent).await.unwrap_err();
        look(&PasswordSource::Command(command(&["sh"])), "axl on pub", &Silent).await.unwrap();
        look(&PasswordSource::Command(command(&["no-such-program-here"])), "x", &Silent)
            .await
            .unwrap_err();
    }
}
