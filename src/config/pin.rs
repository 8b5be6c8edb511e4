//! Writes values of a cluster into the text of a config file, and leaves everything else as it is.

use crate::domain::text::quoted;
use toml_edit::{DocumentMut, Item, Table, value};

use super::resolve::is_same_host;
use super::settings::KEYS;
use super::template::{Given, template};

/// A config file with new values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edited {
    pub text: String,
    /// The pin that was there before.
    pub old_pin: Option<String>,
}

/// Why values cannot be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EditError {
    #[error("the config file cannot be changed, because it is no TOML: {0}")]
    NoToml(String),
    /// The cluster is not a table.
    #[error("`cluster.{0}` in the config file is no cluster")]
    NoCluster(String),
    /// What holds a list of tables is something else.
    #[error("`{0}` in the config file is no list of tables")]
    NoList(&'static str),
    /// The cluster of that name has another host, or another user.
    #[error(
        "the cluster {} in the config file has the {key} {}, not {}",
        quoted(name),
        quoted(has),
        quoted(wanted)
    )]
    OtherValue {
        name: String,
        key: &'static str,
        /// The value in the file.
        has: String,
        wanted: String,
    },
}

/// Puts values into the table of a cluster, and makes the table where there is none. A pin replaces another one; any
/// other value must not differ from the one that is there. Comments and order stay.
///
/// A file without any value, as `axlpaper init` writes it, becomes the template with these values.
///
/// # Errors
/// When the file cannot be understood, or has another value.
pub fn with_cluster(text: &str, given: &Given) -> Result<Edited, EditError> {
    let name = given.name();
    let templates = [None, Some(name.to_owned())];
    let mut templates = templates.map(|cluster| Given { cluster, values: Vec::new() }).into_iter();
    if text.trim().is_empty() || templates.any(|given| template(KEYS, &given) == text) {
        return Ok(Edited { text: template(KEYS, given), old_pin: None });
    }
    let mut document: DocumentMut =
        // In full, the error repeats a line of the file.
        text.parse().map_err(|error: toml_edit::TomlError| EditError::NoToml(error.message().to_owned()))?;
    let has_only_comments = document.is_empty();
    let no_cluster = || EditError::NoCluster(name.to_owned());
    if has_only_comments {
        document = DocumentMut::new();
    }
    let clusters = document
        .entry("cluster")
        .or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        })
        .as_table_like_mut()
        .ok_or_else(no_cluster)?;
    if clusters.get(name).is_none() {
        clusters.insert(name, Item::Table(Table::new()));
    }
    let section =
        clusters.get_mut(name).and_then(Item::as_table_like_mut).ok_or_else(no_cluster)?;
    let old_pin = section.get(PIN).and_then(Item::as_str).map(str::to_owned);
    for (key, new) in &given.values {
        let is_same = |has: &str| has == new || *key == HOST && is_same_host(has, new);
        match section.get_mut(key) {
            None => drop(section.insert(key, value(new))),
            Some(has) if has.as_str().is_some_and(is_same) => {}
            Some(there) => match there.as_value_mut() {
                // The comment behind the old one stays.
                Some(there) if *key == PIN => {
                    let decor = there.decor().clone();
                    *there = new.into();
                    *there.decor_mut() = decor;
                }
                has => {
                    let has = has.and_then(|has| has.as_str()).unwrap_or_default().to_owned();
                    let (name, wanted) = (name.to_owned(), new.clone());
                    return Err(EditError::OtherValue { name, key, has, wanted });
                }
            },
        }
    }
    // Below comments, because some of them can be keys that are switched off.
    let text = match has_only_comments {
        true => format!("{}\n\n{document}", text.trim_end()),
        false => document.to_string(),
    };
    Ok(Edited { text, old_pin })
}

const HOST: &str = "host";
const PIN: &str = "pin_sha256";

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, values: &[(&'static str, &str)]) -> Given {
        let values = values.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Given { cluster: Some(name.to_owned()), values }
    }

    fn pinned(text: &str, name: &str, host: &str, pin: &str) -> Result<Edited, EditError> {
        with_cluster(text, &given(name, &[(HOST, host), (PIN, pin)]))
    }

    #[test]
    fn a_file_without_values_becomes_the_template() {
        let none = Given::default();
        let whole = template(KEYS, &given("lab", &[(HOST, "cucm:8443"), (PIN, "AA:BB")]));
        let named = template(KEYS, &given("lab", &[]));
        for text in ["", "\n", &template(KEYS, &none), &named] {
            let edited = pinned(text, "lab", "cucm:8443", "AA:BB").unwrap();
            assert_eq!((edited.text.as_str(), edited.old_pin), (whole.as_str(), None));
        }
        let own = format!("# ours\n{}", template(KEYS, &none));
        let edited = pinned(&own, "lab", "cucm", "AA").unwrap();
        let (comments, table) = edited.text.split_once("\n\n[cluster.lab]\n").unwrap();
        assert_eq!((comments, table), (own.trim_end(), "host = \"cucm\"\npin_sha256 = \"AA\"\n"));
    }

    #[test]
    fn comments_order_and_other_clusters_stay() {
        let text = "# ours\ndefault_cluster = \"b\"\n\n[cluster.a] # first\nhost = \"a\"\n\n[cluster.b]\n# second\nhost = \"B.example\"\npin_sha256 = \"old\" # of May\nusername = \"x\"\n";
        let edited = pinned(text, "b", "b.example:8443", "new").unwrap();
        assert_eq!(edited.text, text.replace("\"old\"", "\"new\""));
        assert_eq!(edited.old_pin.as_deref(), Some("old"));
        let edited = pinned(text, "a", "a", "new").unwrap();
        assert_eq!(
            edited.text,
            text.replace("host = \"a\"\n", "host = \"a\"\npin_sha256 = \"new\"\n")
        );
        let more = given("a", &[("username", "x"), ("push_user", "y")]);
        let edited = with_cluster(text, &more).unwrap();
        let added = "host = \"a\"\nusername = \"x\"\npush_user = \"y\"\n";
        assert_eq!(edited.text, text.replace("host = \"a\"\n", added));
    }

    #[test]
    fn a_template_with_values_gets_more() {
        let first = template(KEYS, &given("lab", &[(HOST, "cucm"), (PIN, "AA")]));
        let edited = with_cluster(&first, &given("lab", &[("username", "x")])).unwrap();
        let table: toml::Table = edited.text.parse().unwrap();
        assert_eq!(table["cluster"]["lab"].as_table().unwrap().len(), 3);
        assert_eq!(edited.text, first.replace("\"AA\"\n", "\"AA\"\nusername = \"x\"\n"));
    }

    #[test]
    fn other_values_and_rubbish_are_refused() {
        let text = "[cluster.a]\nhost = \"a\"\nusername = 7\n";
        let other = |key| {
            Err(EditError::OtherValue {
                name: "a".into(),
                key,
                has: if key == HOST { "a".into() } else { String::new() },
                wanted: "b".into(),
            })
        };
        assert_eq!(pinned(text, "a", "b", "p"), other(HOST));
        assert_eq!(with_cluster(text, &given("a", &[("username", "b")])), other("username"));
        assert!(matches!(pinned("[cluster", "a", "b", "p"), Err(EditError::NoToml(_))));
        assert!(matches!(pinned("cluster = 1\n", "a", "b", "p"), Err(EditError::NoCluster(_))));
    }

    #[test]
    fn strange_names_are_only_names() {
        let name = "a.b\"] \n[x";
        for text in ["", "[cluster.z]\n"] {
            let edited = pinned(text, name, "h", "p").unwrap();
            let parsed: toml::Table = edited.text.parse().unwrap();
            assert_eq!(parsed["cluster"][name]["pin_sha256"].as_str(), Some("p"));
        }
    }
}
