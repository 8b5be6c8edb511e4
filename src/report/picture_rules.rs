//! Which picture is for how many phones, where the config file has rules for that.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Cell, CellAlignment};

use super::text::printable;
use crate::domain::audit::Audit;
use crate::domain::text::names;
use crate::report::table::{finished, plain_table};

/// A row for every picture: how many of the phones that show pictures get it, and in which device pools.
/// Empty where no rule chose anything.
pub(super) fn pictures(audit: &Audit) -> String {
    let mut by_picture: BTreeMap<Option<&str>, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for phone in &audit.phones {
        let Some(image) = &phone.image else { continue };
        let (count, pools) = by_picture.entry(image.picture.as_deref()).or_default();
        *count += 1;
        pools.insert(&phone.phone.device_pool);
    }
    if by_picture.keys().all(Option::is_none) {
        return String::new();
    }
    let mut table = plain_table(None);
    table.set_header(["By picture", "phones", "device pools"]);
    for (picture, (count, pools)) in by_picture.iter().rev() {
        let pools: Vec<&str> = pools.iter().copied().collect();
        table.add_row([
            Cell::new(printable(picture.unwrap_or("none: no rule is for them"))),
            Cell::new(count).set_alignment(CellAlignment::Right),
            Cell::new(printable(&names(&pools))),
        ]);
    }
    format!("\n{}", finished(table))
}
