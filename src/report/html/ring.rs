//! One number as a ring: how many of the phones that could show what was pushed do.

use std::collections::HashSet;

use crate::domain::text::grouped;
use crate::event::Outcome;
use crate::journal::Coverage;
use crate::report::html::section::{RunSection, action_and_proof};
use crate::report::wording;

#[derive(Clone, Debug)]
pub(crate) struct Ring {
    pub(crate) percent: usize,
    pub(crate) shown: String,
    pub(crate) capable: String,
    /// What they do, such as "capable phones show it".
    pub(crate) phrase: String,
    /// All of it in words.
    pub(crate) label: String,
    pub(crate) arcs: Vec<Arc>,
}

/// A part of the ring, in hundredths of it.
#[derive(Clone, Debug)]
pub(crate) struct Arc {
    /// The outcome that names its colour.
    pub(crate) word: &'static str,
    pub(crate) length: String,
    pub(crate) start: String,
}

impl Ring {
    /// Draws the ring of runs; nothing where no phone could show anything, or where several runs are about the same phones.
    pub(crate) fn of(runs: &[RunSection<'_>]) -> Option<Self> {
        let clusters: HashSet<&str> =
            runs.iter().map(|of| of.run.run.cluster_id.as_str()).collect();
        if clusters.len() < runs.len() {
            return None;
        }
        let (action, proof) = action_and_proof(runs);
        let coverage = runs.iter().map(|of| of.run.coverage_or_acceptances());
        let coverage = coverage.reduce(Coverage::and).unwrap_or_default();
        let phones = runs.iter().flat_map(|of| &of.run.phones);
        let own = phones.filter(|phone| phone.outcome == Outcome::Verified).count();
        let own = own.min(coverage.shown);
        // What this run did not prove was proven before, or no proof was to be had.
        let others = match wording::unverifiable(action, proof) {
            Some(_) => Outcome::Accepted,
            None => Outcome::Already,
        };
        let parts = [(Outcome::Verified, own), (others, coverage.shown - own)];
        let share = |count: usize| count as f64 * 100.0 / coverage.capable as f64;
        let mut start = 0.0;
        let arcs = parts.into_iter().filter(|(_, count)| *count > 0).map(|(outcome, count)| {
            let (length, begins) = (share(count), start);
            start += length;
            let number = |number: f64| format!("{number:.2}");
            Arc { word: outcome.as_str(), length: number(length), start: number(-begins) }
        });
        Some(Self {
            percent: coverage.percent()?,
            shown: grouped(coverage.shown),
            capable: grouped(coverage.capable),
            phrase: wording::covered(action, proof, coverage.capable),
            label: wording::coverage(action, proof, coverage)?,
            arcs: arcs.collect(),
        })
    }
}
