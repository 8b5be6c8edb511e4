//! Lists of rules of which the first that matches counts.

use std::collections::BTreeSet;

use super::text::names;

/// Says that a rule of a list never counts, because of earlier ones; places count from 0.
pub fn never_counts(list: &str, at: usize, earlier: &BTreeSet<usize>) -> String {
    let earlier: Vec<String> = earlier.iter().map(|at| format!("rule {}", at + 1)).collect();
    format!(
        "[[{list}]] rule {} never counts: an earlier rule counts for all of its phones: {}",
        at + 1,
        names(&earlier)
    )
}
