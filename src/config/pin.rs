//! Writes a server's fingerprint into the text of a config file, and leaves everything else as it is.

use toml_edit::{DocumentMut, Item, Table, value};

use super::resolve::is_same_host;

/// A config file with a new pin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pinned {
    pub text: String,
    /// The pin that was there before.
    pub old: Option<String>,
}

/// Why a pin cannot be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PinError {
    #[error("the config file cannot be changed, because it is no TOML: {0}")]
    NoToml(String),
    /// The cluster is not a table.
    #[error("`cluster.{0}` in the config file is no cluster")]
    NoCluster(String),
    /// The cluster of that name has another host.
    #[error("the cluster {name:?} in the config file has the host {has:?}, not {wanted:?}")]
    OtherHost {
        name: String,
        /// The value in the file.
        has: String,
        wanted: String,
    },
}

/// Puts the pin into the section of a cluster; makes the section, with its host, where there is none, and
/// names it as the default where the file has no cluster yet. Comments and order stay.
///
/// # Errors
/// When the file cannot be understood, or the section is about another host.
pub fn with_pin(text: &str, name: &str, host: &str, pin: &str) -> Result<Pinned, PinError> {
    let mut document: DocumentMut =
        // In full, the error repeats a line of the file.
        text.parse().map_err(|error: toml_edit::TomlError| PinError::NoToml(error.message().to_owned()))?;
    let no_cluster = || PinError::NoCluster(name.to_owned());
    let is_first = document.get("cluster").is_none();
    if is_first && document.get("default_cluster").is_none() {
        document["default_cluster"] = value(name);
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
    match section.get("host").map(|has| has.as_str()) {
        Some(Some(has)) if is_same_host(has, host) => {}
        Some(has) => {
            return Err(PinError::OtherHost {
                name: name.to_owned(),
                has: has.unwrap_or_default().to_owned(),
                wanted: host.to_owned(),
            });
        }
        None => drop(section.insert("host", value(host))),
    }
    let old = section.get("pin_sha256").and_then(Item::as_str).map(str::to_owned);
    match section.get_mut("pin_sha256").and_then(Item::as_value_mut) {
        // The comment behind the old one stays.
        Some(there) => {
            let decor = there.decor().clone();
            *there = pin.into();
            *there.decor_mut() = decor;
        }
        None => drop(section.insert("pin_sha256", value(pin))),
    }
    Ok(Pinned { text: document.to_string(), old })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_gets_a_section() {
        let pinned = with_pin("", "lab", "cucm:8443", "AA:BB").unwrap();
        assert_eq!(
            pinned.text,
            "default_cluster = \"lab\"\n\n[cluster.lab]\nhost = \"cucm:8443\"\npin_sha256 = \"AA:BB\"\n"
        );
        assert_eq!(pinned.old, None);
    }

    #[test]
    fn comments_order_and_other_clusters_stay() {
        let text = "# ours\ndefault_cluster = \"b\"\n\n[cluster.a] # first\nhost = \"a\"\n\n[cluster.b]\n# second\nhost = \"B.example\"\npin_sha256 = \"old\" # of May\nusername = \"x\"\n";
        let pinned = with_pin(text, "b", "b.example:8443", "new").unwrap();
        assert_eq!(pinned.text, text.replace("\"old\"", "\"new\""));
        assert_eq!(pinned.old.as_deref(), Some("old"));
        let pinned = with_pin(text, "a", "a", "new").unwrap();
        assert_eq!(
            pinned.text,
            text.replace("host = \"a\"\n", "host = \"a\"\npin_sha256 = \"new\"\n")
        );
    }

    #[test]
    fn another_host_and_rubbish_are_refused() {
        let text = "[cluster.a]\nhost = \"a\"\n";
        assert!(matches!(with_pin(text, "a", "b", "p"), Err(PinError::OtherHost { .. })));
        assert!(matches!(with_pin("[cluster", "a", "b", "p"), Err(PinError::NoToml(_))));
        assert!(matches!(with_pin("cluster = 1\n", "a", "b", "p"), Err(PinError::NoCluster(_))));
    }

    #[test]
    fn strange_names_are_only_names() {
        let name = "a.b\"] \n[x";
        let pinned = with_pin("", name, "h", "p").unwrap();
        let parsed: toml::Table = pinned.text.parse().unwrap();
        assert_eq!(parsed["cluster"][name]["pin_sha256"].as_str(), Some("p"));
    }
}
