//! Holds docs/configuration.md against the list of keys.

use std::path::Path;

use super::keys::{Key, ValuePlace};
use super::settings::KEYS;
use super::template::tables;

const BEGIN: &str = "<!-- keys: made from src/config/settings.rs, do not edit by hand -->\n";
const END: &str = "<!-- end of keys -->\n";

fn reference(keys: &[Key]) -> String {
    let mut text = String::new();
    let shared = "In `[defaults]`, or in `[cluster.NAME]`, which counts more";
    let mut places = vec![
        ("Above all tables".to_owned(), ValuePlace::Top),
        (shared.to_owned(), ValuePlace::Shared),
        ("In `[cluster.NAME]` only".to_owned(), ValuePlace::Cluster),
    ];
    places.extend(tables(keys).into_iter().map(|(_, place)| match place {
        ValuePlace::Each(_) => (format!("In each `{}`", place.header()), place),
        ValuePlace::Table(_) | ValuePlace::Top | ValuePlace::Cluster | ValuePlace::Shared => {
            (format!("In `{}`", place.header()), place)
        }
    }));
    for (title, place) in places {
        let head = "| key | meaning | default | example |\n|---|---|---|---|";
        text.extend(["\n### ", &title, "\n\n", head, "\n"]);
        for key in keys.iter().filter(|key| key.place == place) {
            let Key { name, meaning, default, example, .. } = key;
            // A bar would end the cell.
            let row = format!("| `{name}` | {meaning} | {default} | `{example}` |\n");
            assert_eq!(row.matches('|').count(), 5, "{row}");
            text += &row;
        }
    }
    text + "\n"
}

/// With `AXLPAPER_WRITE_DOCS` set the page is written, otherwise it is only compared.
#[test]
fn the_page_about_the_configuration_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}{}{END}{after}", reference(KEYS));
    if std::env::var_os("AXLPAPER_WRITE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(
        page == wanted,
        "docs/configuration.md is not what the keys say; AXLPAPER_WRITE_DOCS=1 cargo test the_page_about writes it"
    );
}
