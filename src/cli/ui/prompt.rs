//! Questions, asked only on a terminal.

use std::io::{BufRead as _, IsTerminal as _};

use secrecy::SecretString;

use super::console::say;
use crate::error::{AppError, ErrorKind};

/// Asks before something is written that touches phones: their number has to be typed, so that thousands of
/// them are not confirmed by habit.
pub fn confirm(what: &str, phones: usize, yes: bool) -> Result<(), AppError> {
    let prompt = format!(
        "{what}.\nThis touches {}. Type that number to continue:",
        crate::domain::text::pluralize(phones, "phone")
    );
    let hint = "--dry-run shows what would be done and changes nothing; then add --yes";
    ask(what, &prompt, &phones.to_string(), yes, hint)
}

/// Asks for a confirmation before something is written that touches no phone.
pub fn confirm_yes(what: &str, yes: bool) -> Result<(), AppError> {
    ask(what, &format!("{what}.\nType yes to continue:"), "yes", yes, "add --yes")
}

fn ask(
    what: &str,
    prompt: &str,
    expected: &str,
    yes: bool,
    unattended: &'static str,
) -> Result<(), AppError> {
    if yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || !std::io::stderr().is_terminal() {
        return Err(AppError::new(
            ErrorKind::Refused,
            format!("{what}: this needs a confirmation, and there is no terminal to ask on"),
        )
        .hint(unattended));
    }
    say(prompt);
    loop {
        let mut answer = String::new();
        let read = stdin.lock().read_line(&mut answer);
        match (read, answer.trim().to_lowercase().as_str()) {
            (Ok(1..), answer) if answer == expected => return Ok(()),
            (Ok(0) | Err(_), _) | (_, "" | "n" | "no" | "q" | "quit") => {
                return Err(AppError::new(ErrorKind::Declined, "declined; nothing was changed"));
            }
            (Ok(_), _) => say(&format!("Type {expected} to continue, or no to stop:")),
        }
    }
}

/// Asks for a line on the terminal; nothing where there is none. Blanks around it do not count.
///
/// # Errors
/// When the terminal is closed instead.
pub fn line(question: &str) -> Result<Option<String>, AppError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    say(question);
    let mut answer = String::new();
    match stdin.lock().read_line(&mut answer) {
        Ok(0) => Err(AppError::new(ErrorKind::Interrupted, "interrupted; nothing was written")),
        Ok(_) => Ok(Some(answer.trim().to_owned())),
        Err(error) => {
            Err(AppError::from_error(ErrorKind::Usage, error).context("cannot read the answer"))
        }
    }
}

/// Asks for a password on the terminal.
pub fn password(whose: &str, other_ways: &str) -> Result<SecretString, AppError> {
    if !std::io::stdin().is_terminal() {
        return Err(AppError::new(ErrorKind::Usage, format!("the password of {whose} is missing"))
            .hint(other_ways));
    }
    let failed = |error: std::io::Error| {
        AppError::from_error(ErrorKind::Usage, error)
            .context(format_args!("cannot ask for the password of {whose}"))
            .hint(other_ways)
    };
    match hidden_line(&format!("Password of {whose}: ")) {
        Ok(line) => Ok(line),
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
            Err(AppError::new(ErrorKind::Interrupted, "interrupted; nothing was sent or changed"))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(not(unix))]
fn hidden_line(prompt: &str) -> std::io::Result<SecretString> {
    rpassword::prompt_password(prompt).map(SecretString::from)
}

/// Reads a line from the terminal without showing it.
///
/// The terminal sends no signal meanwhile: Ctrl-C comes as a character, so that the terminal is always put
/// back before the program ends.
#[cfg(unix)]
fn hidden_line(prompt: &str) -> std::io::Result<SecretString> {
    use std::io::{Read as _, Write as _};

    let _hidden = hidden::Hidden::begin()?;
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{prompt}").and_then(|()| stderr.flush())?;
    let mut line = hidden::Line::default();
    let mut typed = std::io::stdin().lock().bytes();
    let ended = loop {
        match typed.next() {
            None => break line.finish(),
            Some(Err(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Some(Err(error)) => break Err(error),
            Some(Ok(byte)) => {
                if let Some(ended) = line.take(byte) {
                    break ended;
                }
            }
        }
    };
    writeln!(stderr)?;
    ended
}

#[cfg(unix)]
mod hidden {
    use std::io;

    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };
    use secrecy::SecretString;
    use secrecy::zeroize::Zeroizing;

    /// The terminal shows nothing for as long as this lives.
    pub struct Hidden {
        original: Termios,
    }

    impl Hidden {
        pub fn begin() -> io::Result<Self> {
            let original = tcgetattr(io::stdin())?;
            let mut quiet = original.clone();
            let shown = LocalModes::ECHO | LocalModes::ECHONL;
            quiet.local_modes.remove(shown | LocalModes::ICANON | LocalModes::ISIG);
            quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
            quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
            let hidden = Self { original };
            tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
            Ok(hidden)
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            // The terminal is gone if this fails.
            let _ignored = tcsetattr(io::stdin(), OptionalActions::Now, &self.original);
        }
    }

    /// A line that is being typed. Its bytes are zeroed after use.
    pub struct Line {
        bytes: Zeroizing<Vec<u8>>,
    }

    impl Default for Line {
        fn default() -> Self {
            // A buffer that grows leaves copies behind; longer passwords are rare.
            Self { bytes: Zeroizing::new(Vec::with_capacity(1024)) }
        }
    }

    impl Line {
        /// Takes a key; returns how the line ended, when it did.
        pub fn take(&mut self, byte: u8) -> Option<io::Result<SecretString>> {
            match byte {
                b'\r' | b'\n' => return Some(self.finish()),
                CTRL_C => return Some(Err(io::ErrorKind::Interrupted.into())),
                CTRL_D if self.bytes.is_empty() => {
                    return Some(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                CTRL_D => {}
                CTRL_U => self.bytes.clear(),
                BACKSPACE | DELETE => {
                    // The bytes of one character go together: all but its first begin with 10.
                    while self.bytes.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
                }
                other => self.bytes.push(other),
            }
            None
        }

        pub fn finish(&self) -> io::Result<SecretString> {
            std::str::from_utf8(&self.bytes)
                .map(SecretString::from)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
        }
    }

    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const BACKSPACE: u8 = 8;
    const CTRL_U: u8 = 21;
    const DELETE: u8 = 127;

    #[cfg(test)]
    mod tests {
        use secrecy::ExposeSecret as _;

        use super::*;

        fn typed(keys: &[u8]) -> Option<io::Result<String>> {
            let mut line = Line::default();
            let ended = keys.iter().find_map(|key| line.take(*key));
            ended.map(|ended| ended.map(|text| text.expose_secret().to_owned()))
        }

        #[test]
        fn keys_become_a_line() {
            assert_eq!(typed(b"abc\n").unwrap().unwrap(), "abc");
            assert_eq!(typed("aé\u{7f}b\r".as_bytes()).unwrap().unwrap(), "ab");
            assert_eq!(typed(b"ab\x15c\n").unwrap().unwrap(), "c");
            assert!(typed(b"abc").is_none());
        }

        #[test]
        fn ctrl_c_ends_the_line() {
            let error = typed(b"abc\x03").unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Interrupted);
            assert!(typed(b"\x04").unwrap().is_err());
            let error = typed(b"s3cret\xff\n").unwrap().unwrap_err();
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }
}
