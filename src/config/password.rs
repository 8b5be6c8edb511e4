//! Where a password comes from. Nothing here reads one.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// Why the text that a source gives cannot be a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordError {
    /// Two bytes for each character, as Windows editors and PowerShell can write files.
    #[error("is UTF-16 text, which no password is sent as")]
    Utf16,
    #[error("is no UTF-8 text")]
    NotUtf8,
    /// A control character: the server would refuse the password, and count that.
    #[error("holds the control character U+{0:04X}")]
    Control(u32),
}

/// Returns the password that a text gives, wherever it comes from. A byte order mark in front and a line end behind
/// are no part of it, blanks are.
///
/// # Errors
/// When the text cannot be a password. Nothing may be sent then, because servers count failed logins.
pub fn password_of(text: &[u8]) -> Result<SecretString, PasswordError> {
    if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") || text.contains(&0) {
        return Err(PasswordError::Utf16);
    }
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|_| PasswordError::NotUtf8)?;
    match text.chars().find(|c| c.is_control() || *c == '\u{feff}') {
        Some(c) => Err(PasswordError::Control(c.into())),
        None => Ok(SecretString::from(text)),
    }
}

#[derive(Clone, Debug)]
pub enum PasswordSource {
    File(PathBuf),
    Stdin,
    /// It is here already, from the environment.
    Given(SecretString),
    /// The value of an environment variable that the config file names.
    Variable(String),
    /// The first line that a command prints.
    Command(PasswordCommand),
    /// An entry of the operating system's keyring.
    Keyring(KeyringEntry),
}

impl PasswordSource {
    /// Marks an entry of the keyring as the push user's.
    #[must_use]
    pub(super) fn of_push_user(mut self) -> Self {
        if let Self::Keyring(entry) = &mut self
            && let KeyringOwner::Axl { cluster } = &mut entry.owner
        {
            entry.owner = KeyringOwner::Push { cluster: std::mem::take(cluster) };
        }
        self
    }
}

/// An entry of the operating system's keyring: the password of one user of one cluster, or of the mail server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyringEntry {
    owner: KeyringOwner,
    account: Option<String>,
}

/// Whose password an entry is.
#[derive(Clone, Debug, Eq, PartialEq)]
enum KeyringOwner {
    Axl {
        /// Its table of the config file.
        cluster: String,
    },
    Push {
        cluster: String,
    },
    /// The user that sends notifications by mail.
    Mail,
}

impl KeyringEntry {
    /// Takes its table of the config file, and which of its two users it is for.
    pub fn new(cluster: impl Into<String>, is_push_user: bool) -> Self {
        let cluster = cluster.into();
        let owner = match is_push_user {
            true => KeyringOwner::Push { cluster },
            false => KeyringOwner::Axl { cluster },
        };
        Self { owner, account: None }
    }

    /// Takes the entry of the user that sends mails.
    pub fn of_mail(account: Option<String>) -> Self {
        Self { owner: KeyringOwner::Mail, account }
    }

    /// Says whose password it is, once user and host are resolved: see [`super::account`].
    #[must_use]
    pub fn of(self, account: Option<String>) -> Self {
        Self { account, ..self }
    }

    /// Returns whose password it is, where user and host are known.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    pub fn command(&self) -> String {
        // Only a null byte cannot be quoted, and no key of a TOML file is typed with one.
        let quoted = |cluster: &str| match shlex::try_quote(cluster) {
            Ok(quoted) => quoted.into_owned(),
            Err(_) => cluster.to_owned(),
        };
        match &self.owner {
            KeyringOwner::Axl { cluster } => {
                format!("axlpaper config keyring --cluster {}", quoted(cluster))
            }
            KeyringOwner::Push { cluster } => {
                format!("axlpaper config keyring --cluster {} --push", quoted(cluster))
            }
            KeyringOwner::Mail => "axlpaper config keyring --mail".to_owned(),
        }
    }
}

/// A command that prints a password: a program and its arguments, for no shell.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordCommand {
    program: PathBuf,
    arguments: Vec<String>,
}

impl PasswordCommand {
    /// Takes the words of the config file; nothing when there are none, or the first is empty.
    ///
    /// A program with a folder in its name counts from the folder of the config file, as all files do; one
    /// without is looked for in `PATH`.
    pub fn new(words: Vec<String>, folder: &Path) -> Option<Self> {
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.trim().is_empty())?;
        let has_folder = Path::new(&program).components().count() > 1;
        let program = if has_folder { folder.join(program) } else { program.into() };
        Some(Self { program, arguments: words.collect() })
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

/// Only the program is shown: the arguments may contain a secret.
impl fmt::Debug for PasswordCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordCommand({:?})", self.program)
    }
}

/// Says where it comes from, and nothing about what it is.
impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the first line of {}", path.display()),
            Self::Stdin => f.write_str("the first line of standard input"),
            Self::Given(_) => f.write_str("the value of the variable"),
            Self::Variable(name) => write!(f, "the value of the variable {name}"),
            Self::Command(command) => {
                write!(f, "the first line that {} prints", command.program.display())
            }
            Self::Keyring(KeyringEntry { account: Some(account), .. }) => {
                write!(f, "the entry {account} of the keyring")
            }
            Self::Keyring(_) => f.write_str("the entry USER@HOST of the keyring"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(text: &[u8]) -> Result<String, PasswordError> {
        password_of(text).map(|password| password.expose_secret().to_owned())
    }

    #[test]
    fn a_byte_order_mark_and_a_line_end_are_no_part_of_it() {
        for text in ["pw", "pw\n", "pw\r\n", "\u{feff}pw", "\u{feff}pw\r\n", "pw\r"] {
            assert_eq!(read(text.as_bytes()).as_deref(), Ok("pw"), "{text:?}");
        }
        assert_eq!(read(" p w \n".as_bytes()).as_deref(), Ok(" p w "));
        assert_eq!(read("\u{feff}".as_bytes()).as_deref(), Ok(""));
    }

    #[test]
    fn control_characters_are_refused() {
        let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| {
            text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        for text in [
            wide("\u{feff}pw\n", u16::to_le_bytes),
            wide("\u{feff}pw", u16::to_be_bytes),
            wide("pw", u16::to_le_bytes),
        ] {
            assert_eq!(read(&text), Err(PasswordError::Utf16));
        }
        assert_eq!(read(b"m\xFCnchen"), Err(PasswordError::NotUtf8));
        for (text, code) in [
            ("p\tw", 9),
            ("a\nb", 10),
            ("a\rb", 13),
            ("pw\n\n", 10),
            ("p\u{1b}w", 0x1b),
            ("p\u{85}w", 0x85),
            ("p\u{feff}w", 0xfeff),
        ] {
            assert_eq!(read(text.as_bytes()), Err(PasswordError::Control(code)), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_typed_arrives(typed in r"[^\p{Cc}\u{feff}]{0,40}", mark in any::<bool>(), end in "(\n|\r\n|\r|)") {
            let text = format!("{}{typed}{end}", if mark { "\u{feff}" } else { "" });
            prop_assert_eq!(read(text.as_bytes()), Ok(typed));
        }
    }

    fn command(words: &[&str]) -> Option<PasswordCommand> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        PasswordCommand::new(words, Path::new("/etc/axlpaper"))
    }

    #[test]
    fn a_program_with_a_folder_is_relative_to_the_config_file() {
        assert_eq!(command(&["pass", "show"]).unwrap().program(), Path::new("pass"));
        assert_eq!(command(&["bin/pw"]).unwrap().program(), Path::new("/etc/axlpaper/bin/pw"));
        assert_eq!(command(&["/bin/pw"]).unwrap().program(), Path::new("/bin/pw"));
        assert!(command(&[]).is_none() && command(&[" "]).is_none());
    }

    #[test]
    fn an_entry_names_the_command_that_stores_it() {
        let entry = KeyringEntry::new("the lab", true);
        assert_eq!(entry.command(), "axlpaper config keyring --cluster 'the lab' --push");
        assert_eq!(
            KeyringEntry::new("lab", false).command(),
            "axlpaper config keyring --cluster lab"
        );
        let source = PasswordSource::Keyring(entry.of(Some("bgpush@pub".into())));
        assert_eq!(source.to_string(), "the entry bgpush@pub of the keyring");
    }

    #[test]
    fn arguments_are_not_shown() {
        let source = PasswordSource::Command(command(&["echo", "hunter2"]).unwrap());
        for shown in [format!("{source}"), format!("{source:?}")] {
            assert!(shown.contains("echo") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
