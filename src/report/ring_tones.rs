//! Which version of a ring tone went to how many phones.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Cell, CellAlignment};

use super::text::printable;
use crate::domain::payload_kind::ToneFormat;
use crate::domain::text::names;
use crate::event::PhoneResult;
use crate::report::table::{finished, plain_table};

/// A row for every version that was pushed: to how many phones, and of which models. Empty where none was.
pub(super) fn ring_tones(phones: &[PhoneResult]) -> String {
    let mut versions: BTreeMap<ToneFormat, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for phone in phones.iter().filter(|phone| phone.attempts > 0) {
        let Some(format) = phone.ring_tone else { continue };
        let (count, models) = versions.entry(format).or_default();
        *count += 1;
        models.insert(&phone.model);
    }
    if versions.is_empty() {
        return String::new();
    }
    let mut table = plain_table(None);
    table.set_header(["By ring tone", "phones", "models"]);
    for (format, (count, models)) in versions {
        let models: Vec<&str> = models.into_iter().collect();
        table.add_row([
            Cell::new(format!("{} (.{})", format.as_str(), format.extension())),
            Cell::new(count).set_alignment(CellAlignment::Right),
            Cell::new(printable(&names(&models))),
        ]);
    }
    format!("\n{}", finished(table))
}
