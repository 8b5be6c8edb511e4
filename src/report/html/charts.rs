//! Bars that show shares, and tables of them by device pool and by model. Every part links to its phones.

use std::collections::BTreeMap;

use crate::domain::audit::AuditedPhone;
use crate::domain::finding::Verdict;
use crate::domain::push_action::PushAction;
use crate::domain::text::grouped;
use crate::event::{Outcome, PhoneResult};
use crate::report::html::filter_link::filter_link;
use crate::report::html::section::{RunSection, action_and_proof};
use crate::report::text::printable;
use crate::report::wording;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Count {
    /// The filter that has `word` as a value: `outcome` or `verdict`.
    pub(crate) filter: &'static str,
    /// Names the colour and the pattern too.
    pub(crate) word: &'static str,
    pub(crate) title: &'static str,
    pub(crate) count: usize,
}

impl Count {
    pub(crate) fn number(&self) -> String {
        grouped(self.count)
    }

    pub(crate) fn link(&self) -> String {
        filter_link(&[(self.filter, self.word)])
    }
}

/// A bar, cut into shares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bar {
    pub(crate) parts: Vec<BarPart>,
}

#[derive(Clone, Debug)]
pub(crate) struct BarPart {
    pub(crate) word: &'static str,
    /// Start, in percent of the bar.
    pub(crate) x: String,
    /// In percent of the bar.
    pub(crate) width: String,
    pub(crate) label: String,
    /// The filters that select its phones.
    pub(crate) link: String,
}

impl Bar {
    /// Cuts a bar of the phones that `filters` select. Every part is wide enough to be seen.
    pub(crate) fn of(counts: &[Count], filters: &[(&str, &str)]) -> Self {
        let total = counts.iter().map(|count| count.count).sum::<usize>().max(1) as f64;
        let share = |count: usize| (count as f64 / total).max(LEAST);
        let sum: f64 = counts.iter().map(|count| share(count.count)).sum();
        let mut x = 0.0;
        let parts = counts.iter().map(|count| {
            let width = share(count.count) / sum * 100.0;
            let part = BarPart {
                word: count.word,
                x: format!("{x:.2}%"),
                width: format!("{width:.2}%"),
                label: format!("{} {}", grouped(count.count), lower_first(count.title)),
                link: filter_link(&[filters, &[(count.filter, count.word)]].concat()),
            };
            x += width;
            part
        });
        Self { parts: parts.collect() }
    }
}

/// A title in the middle of a sentence.
fn lower_first(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// The least share of a part.
const LEAST: f64 = 0.008;

/// A device pool or a model; of one cluster if the page has several.
#[derive(Clone, Debug)]
pub(crate) struct GroupRow {
    pub(crate) cluster: String,
    pub(crate) name: String,
    /// The filters that select its phones.
    pub(crate) link: String,
    total: usize,
    pub(crate) verdicts: Bar,
    pub(crate) outcomes: Bar,
    failed: usize,
}

impl GroupRow {
    pub(crate) fn number(&self) -> String {
        grouped(self.total)
    }
}

/// Rows: the first ones are shown, the others can be opened.
#[derive(Clone, Debug)]
pub(crate) struct GroupTable {
    pub(crate) what: &'static str,
    pub(crate) first: Vec<GroupRow>,
    pub(crate) others: Vec<GroupRow>,
    /// How many rows are in neither list.
    pub(crate) more: usize,
}

/// Counts phones by outcome, best first, without zeros.
pub(crate) fn outcomes<'a>(
    action: PushAction,
    phones: impl IntoIterator<Item = &'a PhoneResult>,
) -> Vec<Count> {
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    phones.into_iter().for_each(|phone| *counts.entry(phone.outcome).or_default() += 1);
    let count = |(outcome, count): (Outcome, usize)| Count {
        filter: "outcome",
        word: outcome.as_str(),
        title: wording::outcome_title(action, outcome),
        count,
    };
    counts.into_iter().map(count).collect()
}

/// Counts phones by verdict, best first, without zeros.
pub(crate) fn verdicts<'a>(phones: impl IntoIterator<Item = &'a AuditedPhone>) -> Vec<Count> {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    phones.into_iter().for_each(|phone| *counts.entry(phone.verdict).or_default() += 1);
    let count = |(verdict, count): (Verdict, usize)| Count {
        filter: "verdict",
        word: verdict.as_str(),
        title: verdict.as_str(),
        count,
    };
    counts.into_iter().map(count).collect()
}

pub(crate) fn by_device_pool(runs: &[RunSection<'_>]) -> GroupTable {
    rows(
        ("Device pool", "pool"),
        runs,
        |phone| &phone.device_pool,
        |phone| &phone.phone.device_pool,
    )
}

pub(crate) fn by_model(runs: &[RunSection<'_>]) -> GroupTable {
    rows(("Model", "model"), runs, |phone| &phone.model, |phone| &phone.phone.model)
}

#[derive(Default)]
struct Group<'a> {
    results: Vec<&'a PhoneResult>,
    seen: Vec<&'a AuditedPhone>,
}

fn rows(
    (what, filter): (&'static str, &str),
    runs: &[RunSection<'_>],
    of_result: impl Fn(&PhoneResult) -> &String,
    of_seen: impl Fn(&AuditedPhone) -> &String,
) -> GroupTable {
    let (action, _) = action_and_proof(runs);
    // Two clusters can have device pools of the same name.
    let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
    for of in runs {
        for phone in &of.run.phones {
            groups.entry((&of.cluster, of_result(phone))).or_default().results.push(phone);
        }
        for phone in of.audited() {
            groups.entry((&of.cluster, of_seen(phone))).or_default().seen.push(phone);
        }
    }
    let mut rows: Vec<GroupRow> = groups
        .into_iter()
        .filter(|((_, name), _)| !name.is_empty())
        .map(|((cluster, name), Group { results, seen })| {
            let name = printable(name).into_owned();
            let filters = [("cluster", cluster), (filter, &*name)];
            GroupRow {
                cluster: cluster.to_owned(),
                link: filter_link(&filters),
                total: results.len().max(seen.len()),
                failed: results.iter().filter(|phone| phone.is_failure()).count(),
                outcomes: Bar::of(&outcomes(action, results), &filters),
                verdicts: Bar::of(&verdicts(seen), &filters),
                name,
            }
        })
        .collect();
    // Most failures first.
    rows.sort_by_key(|row| std::cmp::Reverse((row.failed, row.total)));
    let mut others = rows.split_off(rows.len().min(FIRST));
    let more = others.split_off(others.len().min(MOST_OTHERS)).len();
    GroupTable { what, first: rows, others, more }
}

/// How many rows are shown.
const FIRST: usize = 20;

/// How many more rows can be opened: a cluster can have thousands of device pools.
const MOST_OTHERS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(bar: &Bar) -> Vec<f64> {
        bar.parts.iter().map(|part| part.width.trim_end_matches('%').parse().unwrap()).collect()
    }

    #[test]
    fn one_of_very_many_is_seen() {
        let count = |word, title, count| Count { filter: "outcome", word, title, count };
        let counts = [count("verified", "Verified", 39_999), count("rejected", "Push refused", 1)];
        let bar = Bar::of(&counts, &[("cluster", ""), ("pool", "R&D = #1")]);
        let widths = widths(&bar);
        assert!(widths[1] > 0.7 && (widths.iter().sum::<f64>() - 100.0).abs() < 0.1, "{widths:?}");
        let labels: Vec<&str> = bar.parts.iter().map(|part| part.label.as_str()).collect();
        assert_eq!(labels, ["39,999 verified", "1 push refused"]);
        assert_eq!(bar.parts[1].link, "pool=R%26D+%3D+%231&outcome=rejected");
        assert!(Bar::of(&[], &[]).parts.is_empty());
    }
}
