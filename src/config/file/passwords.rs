//! The keys of a table that give one user's password, of which only one may stand there.

use std::path::Path;

use crate::config::origin::Table;
use crate::config::password::{KeyringEntry, PasswordCommand, PasswordSource};

/// What the keys of one user's password say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'config> {
    pub is_push_user: bool,
    pub file: Option<&'config Path>,
    pub variable: Option<&'config str>,
    pub command: Option<&'config [String]>,
    pub keyring: bool,
}

impl Sources<'_> {
    fn keys(self) -> [&'static str; 4] {
        if self.is_push_user {
            [
                "push_password_file",
                "push_password_env",
                "push_password_command",
                "push_password_keyring",
            ]
        } else {
            ["password_file", "password_env", "password_command", "password_keyring"]
        }
    }

    /// Returns where the password comes from; which of several counts does not matter, because they are
    /// refused. File names count from the folder of the config file.
    pub fn source(self, folder: &Path, table: &Table) -> Option<PasswordSource> {
        let command = |words: &[String]| PasswordCommand::new(words.to_vec(), folder);
        let keyring = || match table {
            Table::Cluster(name) if self.keyring => {
                Some(PasswordSource::Keyring(KeyringEntry::new(name.as_str(), self.is_push_user)))
            }
            Table::Cluster(_) | Table::Defaults => None,
        };
        self.file
            .map(|path| PasswordSource::File(folder.join(path)))
            .or_else(|| self.variable.map(|name| PasswordSource::Variable(name.to_owned())))
            .or_else(|| self.command.and_then(command).map(PasswordSource::Command))
            .or_else(keyring)
    }

    /// Returns what is wrong, with the key that it is about.
    pub fn problems(self) -> Vec<(&'static str, String)> {
        let keys = self.keys();
        let given =
            [self.file.is_some(), self.variable.is_some(), self.command.is_some(), self.keyring];
        let given: Vec<&str> = keys
            .into_iter()
            .zip(given)
            .filter(|(_, is_given)| *is_given)
            .map(|(key, _)| key)
            .collect();
        let mut problems = Vec::new();
        if let [first, second, ..] = given[..] {
            let what =
                format!("`{first}` and `{second}` give the same password: leave one of them out");
            problems.push((second, what));
        }
        if self.file.is_some_and(|path| path.as_os_str().is_empty()) {
            problems.push((keys[0], format!("`{}` names no file", keys[0])));
        }
        if self.variable.is_some_and(|name| name.trim().is_empty() || name.contains(['=', '\0'])) {
            problems.push((keys[1], format!("`{}` is not the name of a variable", keys[1])));
        }
        if self.command.is_some_and(|words| words.first().is_none_or(|word| word.trim().is_empty()))
        {
            problems.push((keys[2], format!("`{}` names no program", keys[2])));
        }
        problems
    }
}
