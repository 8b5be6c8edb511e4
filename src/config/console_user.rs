//! Writes a user of the console into the text of a config file, and leaves everything else as it is.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::file::ConsoleUser;
use super::pin::EditError;
use super::settings::{CONSOLE_USER, KEYS};
use super::template::{Given, template};

/// Adds a user, or gives the one of that name another role and password. Comments and order stay.
///
/// # Errors
/// When the file cannot be understood.
pub fn with_console_user(text: &str, user: &ConsoleUser) -> Result<String, EditError> {
    let text = match text.trim().is_empty() {
        true => template(KEYS, &Given::default()),
        false => text.to_owned(),
    };
    let mut document: DocumentMut =
        // In full, the error repeats a line of the file.
        text.parse().map_err(|error: toml_edit::TomlError| EditError::NoToml(error.message().to_owned()))?;
    let has_only_comments = document.is_empty();
    if has_only_comments {
        document = DocumentMut::new();
    }
    let console = document
        .entry("console")
        .or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        })
        .as_table_mut()
        .ok_or(EditError::NoList(CONSOLE_USER))?;
    let users = console
        .entry("user")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or(EditError::NoList(CONSOLE_USER))?;
    let is_same = |table: &Table| {
        let name = table.get("name").and_then(Item::as_str);
        name.is_some_and(|name| name.to_lowercase() == user.name.to_lowercase())
    };
    let known = users.iter().position(is_same);
    if known.is_none() {
        users.push(Table::new());
    }
    let at = known.unwrap_or(users.len() - 1);
    if let Some(table) = users.get_mut(at) {
        table.insert("name", value(&user.name));
        table.insert("role", value(user.role.as_str()));
        table.insert("password_hash", value(&user.password_hash));
    }
    // Below comments, because some of them can be keys that are switched off.
    Ok(match has_only_comments {
        true => format!("{}\n\n{document}", text.trim_end()),
        false => document.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::FileConfig;
    use crate::domain::console_role::ConsoleRole;

    fn user(name: &str, role: ConsoleRole) -> ConsoleUser {
        ConsoleUser { name: name.to_owned(), role, password_hash: "$argon2id$x".to_owned() }
    }

    #[test]
    fn a_user_is_added_and_comments_stay() {
        let text = "# mine\n[cluster.lab]\nhost = \"a\" # here\n";
        let one = with_console_user(text, &user("a\"]\nb", ConsoleRole::Viewer)).unwrap();
        assert!(one.starts_with(text), "{one}");
        let two = with_console_user(&one, &user("Bob", ConsoleRole::Approver)).unwrap();
        let again = with_console_user(&two, &user("bob", ConsoleRole::Operator)).unwrap();
        let users = FileConfig::parse(&again, Path::new("c.toml")).unwrap().console().users;
        assert_eq!(
            users,
            [user("a\"]\nb", ConsoleRole::Viewer), user("bob", ConsoleRole::Operator)]
        );
    }

    #[test]
    fn an_empty_file_becomes_the_template() {
        let text = with_console_user("", &user("eve", ConsoleRole::Operator)).unwrap();
        assert!(text.contains("\n#[cluster.lab]\n"), "{text}");
        let config = FileConfig::parse(&text, Path::new("c.toml")).unwrap();
        assert_eq!(config.console().users.len(), 1);
        assert!(with_console_user("console = 1", &user("eve", ConsoleRole::Viewer)).is_err());
        assert!(
            with_console_user("[console]\nuser = 1", &user("eve", ConsoleRole::Viewer)).is_err()
        );
    }
}
