//! The config file that `axlpaper init` and `axlpaper trust` write: every key, switched off, with its meaning and default.
//!
//! Prose begins with `# `, a key or a table that can be switched on with `#` and no blank, so that a test can
//! switch them all on.

use super::keys::{Key, ValuePlace};

#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The name of the cluster; `lab` where none is given.
    pub cluster: Option<String>,
    /// Keys of its table and their values, which are texts.
    pub values: Vec<(&'static str, String)>,
}

impl Given {
    /// Returns the name of the cluster.
    pub fn name(&self) -> &str {
        self.cluster.as_deref().unwrap_or("lab")
    }
}

/// Returns the config file for a list of keys: all of them switched off, except for what is given.
pub fn template(keys: &[Key], given: &Given) -> String {
    let mut text = prose(HEAD) + "\n";
    let of = |place: ValuePlace| keys.iter().filter(move |key| key.place == place);
    of(ValuePlace::Top).for_each(|key| text += &entry(key));
    text += &titled("Every cluster", DEFAULTS, "#[defaults]");
    of(ValuePlace::Shared).for_each(|key| text += &entry(key));
    text += &titled("One cluster", CLUSTER, &header(given));
    given.values.iter().for_each(|(key, value)| text += &switched_on(key, value));
    text += if given.values.is_empty() { "" } else { "\n" };
    let is_given = |key: &&Key| given.values.iter().any(|(given, _)| *given == key.name);
    of(ValuePlace::Cluster).filter(|key| !is_given(key)).for_each(|key| text += &entry(key));
    text += &prose("The keys of [defaults], for this cluster alone:");
    of(ValuePlace::Shared).filter(|key| !is_given(key)).for_each(|key| text += &switched_off(key));
    for (name, place) in tables(keys) {
        let header = place.header();
        let about = match place {
            ValuePlace::Table(_) => format!("One {header}, for all clusters."),
            ValuePlace::Each(_) | ValuePlace::Top | ValuePlace::Cluster | ValuePlace::Shared => {
                format!("As many {header} as are needed.")
            }
        };
        text += &titled(name, &about, &format!("#{header}"));
        of(place).for_each(|key| text += &entry(key));
    }
    text
}

fn header(given: &Given) -> String {
    // A name that is no bare word is put between quotes.
    let name = toml_edit::Key::new(given.name());
    let name = name.display_repr();
    let off = if given.cluster.is_none() && given.values.is_empty() { "#" } else { "" };
    format!("{off}[cluster.{name}]")
}

fn switched_on(key: &str, value: &str) -> String {
    format!("{key} = {}\n", toml::Value::from(value))
}

const HEAD: &str = "The configuration of axlpaper. It has every key, switched off: remove the `#` in front of a key to \
    switch it on, and the `#` in front of its [table].\n\
    Options of the command line override environment variables, and those override this file. `axlpaper config show` \
    lists the effective settings with their sources; `axlpaper config check` finds mistakes. File names are relative to \
    the folder of this file.";

const DEFAULTS: &str = "Settings of every cluster of this file that its own table does not set. No password is allowed \
    here, so that none goes to another cluster.";

const CLUSTER: &str = "A table [cluster.NAME] for each cluster; --cluster NAME selects it. It needs a host and a user. \
    A password has one source: a file, a variable, a command or the keyring.";

fn titled(title: &str, about: &str, table: &str) -> String {
    format!("\n# ---- {title} ----\n#\n{}{table}\n\n", prose(about))
}

fn entry(key: &Key) -> String {
    let meaning = format!("{} Default: {}.", key.meaning, key.default);
    format!("{}{}\n", prose(&meaning), switched_off(key))
}

fn switched_off(key: &Key) -> String {
    format!("#{} = {}\n", key.name, key.example)
}

/// Returns the tables that are not those of clusters, with their names and in order.
pub(super) fn tables(keys: &[Key]) -> Vec<(&'static str, ValuePlace)> {
    let mut tables = Vec::new();
    for key in keys {
        if let Some(name) = key.place.table()
            && !tables.contains(&(name, key.place))
        {
            tables.push((name, key.place));
        }
    }
    tables
}

/// Writes text as comment lines of a width that every terminal has.
fn prose(text: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.lines() {
        let mut line = "#".to_owned();
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > WIDTH && line != "#" {
                lines += &line;
                lines.push('\n');
                "#".clone_into(&mut line);
            }
            line.push(' ');
            line += word;
        }
        lines += &line;
        lines.push('\n');
    }
    lines
}

const WIDTH: usize = 100;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::KEYS;

    /// Switches every key and table of a template on, but of the keys that exclude each other only the `nth`.
    pub fn switched_on(template: &str, nth: usize) -> String {
        let is_off = |line: &str| line.starts_with('#') && !line[1..].starts_with([' ', '#']);
        let excluded = |line: &str| {
            let name = line[1..].split(' ').next().unwrap_or_default();
            let key = KEYS.iter().find(|key| key.name == name);
            key.is_some_and(|key| {
                let same: Vec<_> =
                    KEYS.iter().filter(|k| k.setting == key.setting).map(|k| k.name).collect();
                key.is_one_of_several() && same[nth % same.len()] != name
            })
        };
        let on = |line: &str| match line {
            line if line.len() > 1 && is_off(line) && !excluded(line) => line[1..].to_owned(),
            line => line.to_owned(),
        };
        template.lines().map(|line| on(line) + "\n").collect()
    }

    #[test]
    fn as_it_is_written_it_says_nothing() {
        let table: toml::Table = template(KEYS, &Given::default()).parse().unwrap();
        assert!(table.is_empty(), "{table:?}");
        assert!(template(KEYS, &Given::default()).lines().all(|line| line.chars().count() <= 120));
    }

    #[test]
    fn what_is_given_is_switched_on_and_stays_text() {
        let hostile = "a\"]\n[x] \\ #";
        let given = Given {
            cluster: Some(hostile.to_owned()),
            values: vec![("host", hostile.to_owned()), ("username", "me".to_owned())],
        };
        let text = template(KEYS, &given);
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["cluster"][hostile]["host"].as_str(), Some(hostile));
        assert_eq!(table["cluster"][hostile].as_table().unwrap().len(), 2);
        assert_eq!(text.matches("\n#host = ").count(), 0, "{text}");
    }

    #[test]
    fn every_key_stands_there_with_its_meaning_and_default() {
        let text = template(KEYS, &Given::default());
        let words = text.lines().map(|line| line.trim_start_matches("# ")).collect::<Vec<_>>();
        let flowing = words.join(" ");
        for key in KEYS {
            assert!(text.contains(&format!("\n#{} = {}\n", key.name, key.example)), "{}", key.name);
            let said = format!("{} Default: {}.", key.meaning, key.default);
            assert!(flowing.contains(&said), "{said}");
        }
    }
}
