//! Where a password comes from. Nothing here reads one.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// Where a password comes from.
#[derive(Clone, Debug)]
pub enum PasswordSource {
    /// The first line of a file.
    File(PathBuf),
    /// The first line of standard input.
    Stdin,
    /// It is here already, from the environment.
    Given(SecretString),
    /// The value of an environment variable that the config file names.
    Variable(String),
    /// The first line that a command prints.
    Command(PasswordCommand),
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

    /// Returns the program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns its arguments.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }
}

/// Only the program is shown: somebody may have put a secret among the arguments.
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Option<PasswordCommand> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        PasswordCommand::new(words, Path::new("/etc/axlpaper"))
    }

    #[test]
    fn a_program_with_a_folder_stands_beside_the_config_file() {
        assert_eq!(command(&["pass", "show"]).unwrap().program(), Path::new("pass"));
        assert_eq!(command(&["bin/pw"]).unwrap().program(), Path::new("/etc/axlpaper/bin/pw"));
        assert_eq!(command(&["/bin/pw"]).unwrap().program(), Path::new("/bin/pw"));
        assert!(command(&[]).is_none() && command(&[" "]).is_none());
    }

    #[test]
    fn arguments_are_not_shown() {
        let source = PasswordSource::Command(command(&["echo", "hunter2"]).unwrap());
        for shown in [format!("{source}"), format!("{source:?}")] {
            assert!(shown.contains("echo") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
