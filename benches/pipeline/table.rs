//! What was measured, in rows.

use std::fmt;

/// Rows of what was measured, and notes below them.
#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
    notes: Vec<String>,
}

/// What the design asks of a ratio.
#[derive(Clone, Copy)]
pub enum Bound {
    /// It must not be larger.
    AtMost(f64),
    /// It must not be smaller.
    AtLeast(f64),
    /// Nothing: the row explains others.
    None,
}

impl Table {
    /// Adds a ratio, with what it was made of.
    pub fn ratio(&mut self, what: impl Into<String>, ratio: f64, bound: Bound, made_of: &str) {
        let (bound, held) = match bound {
            Bound::AtMost(most) => (format!("<= {most:.2}"), held(ratio <= most)),
            Bound::AtLeast(least) => (format!(">= {least:.2}"), held(ratio >= least)),
            Bound::None => (String::new(), ""),
        };
        let bound = if held.is_empty() { bound } else { format!("{bound} {held}") };
        self.rows.push([what.into(), format!("{ratio:.2}"), bound, made_of.to_owned()]);
    }

    /// Adds a sentence below the rows.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "ratio", "bound", "made of"].map(str::to_owned);
        let rows = || std::iter::once(&head).chain(&self.rows);
        let width =
            |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [what, ratio, bound] = [0, 1, 2].map(width);
        for row in rows() {
            let [a, b, c, d] = row;
            writeln!(f, "{a:what$}  {b:>ratio$}  {c:bound$}  {d}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "- {note}"))
    }
}

fn held(held: bool) -> &'static str {
    if held { "yes" } else { "NO" }
}
