//! One answer about several clusters: rows with the cluster's name in front, and a document of documents.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::json::Document;
use super::text::printable;
use crate::domain::text::pluralize;
use crate::event::Outcome;
use crate::journal::Coverage;
use crate::report::row::{Row, TestCase};
use crate::report::run_report::RunReport;
use crate::report::wording;

/// A row, and the cluster that it is about.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OfCluster<'a, T> {
    /// The cluster's name, as in the config file.
    pub cluster: &'a str,
    #[serde(flatten)]
    pub record: &'a T,
}

impl<T: Row> OfCluster<'_, T> {
    const ALL: [&'static str; MOST] = with_first("cluster", T::COLUMNS);
    const SHOWN: [&'static str; MOST] = with_first("cluster", T::TABLE);
    const KEPT: [&'static str; MOST] = with_first("cluster", T::FIXED);
}

impl<T: Row> Row for OfCluster<'_, T> {
    const COLUMNS: &'static [&'static str] = Self::ALL.split_at(T::COLUMNS.len() + 1).0;
    const TABLE: &'static [&'static str] = Self::SHOWN.split_at(T::TABLE.len() + 1).0;
    const ONE_LINE: bool = T::ONE_LINE;
    const FIXED: &'static [&'static str] = Self::KEPT.split_at(T::FIXED.len() + 1).0;
    const DROPPED: &'static [&'static str] = T::DROPPED;
    // The record's own fields stand beside the cluster's name.
    const PATHS: &'static [(&'static str, &'static str)] = T::PATHS;
    const TEST_SUITE: Option<&'static str> = T::TEST_SUITE;

    fn cells(&self) -> Vec<String> {
        let mut cells = self.record.cells();
        cells.insert(0, self.cluster.to_owned());
        cells
    }

    fn without_screen(&self) -> Option<&'static str> {
        self.record.without_screen()
    }

    fn test_case(&self) -> Option<TestCase> {
        let case = self.record.test_case()?;
        Some(TestCase { class: format!("{}: {}", self.cluster, case.class), ..case })
    }
}

/// No list has more columns; one that has does not compile.
const MOST: usize = 64;

const fn with_first(first: &'static str, rest: &'static [&'static str]) -> [&'static str; MOST] {
    let mut all = [""; MOST];
    all[0] = first;
    let mut at = 0;
    while at < rest.len() {
        all[at + 1] = rest[at];
        at += 1;
    }
    all
}

/// A cluster that gave no answer.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct ClusterFailure {
    /// Its name in the config file.
    pub cluster: String,
    /// The number of its run in the journal, where it came so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
    /// The exit code that this alone would have.
    pub exit_code: u8,
    /// What went wrong.
    pub message: String,
    /// What to do next.
    pub hints: Vec<String>,
}

/// How a run on one of several clusters ended.
#[derive(Clone, Debug)]
pub struct ClusterEnd<'a> {
    /// Its name in the config file.
    pub cluster: &'a str,
    /// The number of its run, where it has one.
    pub run: Option<i64>,
    /// What came of it, or why nothing did.
    pub result: Result<&'a RunReport, &'a str>,
    /// The command that finishes what it left undone.
    pub next: Option<String>,
}

impl ClusterEnd<'_> {
    fn line(&self) -> String {
        let name = printable(self.cluster);
        let run = self.run.map(|run| format!(" (run {run})")).unwrap_or_default();
        let report = match self.result {
            Ok(report) => report,
            Err(why) => return format!("{name}{run}: FAILED: {}", printable(why)),
        };
        let mut line = format!("{name}{run}: {}", outcomes([report].into_iter()));
        if report.ending.as_ref().is_some_and(|ending| ending.interrupted) {
            line.push_str("; interrupted");
        } else if report.stopped().is_some() {
            line.push_str("; stopped early");
        }
        if let Some(next) = &self.next {
            let _unfailing = write!(line, "; continue with `{}`", printable(next));
        }
        line
    }
}

/// What came of several clusters: a line for each, and one over all.
pub fn clusters_recap(ends: &[ClusterEnd<'_>]) -> String {
    let lines = ends.iter().map(ClusterEnd::line).collect::<Vec<_>>();
    let mut text = lines.join("\n") + "\n";
    let done = || ends.iter().filter_map(|end| end.result.ok());
    let count = pluralize(ends.len(), "cluster");
    let failed = match ends.len() - done().count() {
        0 => String::new(),
        failed => format!("; {failed} of {count} failed"),
    };
    let _unfailing = writeln!(text, "All of {count}: {}{failed}", outcomes(done()));
    if let Some(coverage) = coverage(done()) {
        let _unfailing = writeln!(text, "{coverage}.");
    }
    text
}

/// Says how many phones of all clusters show what was pushed.
fn coverage<'a>(mut runs: impl Iterator<Item = &'a RunReport> + Clone) -> Option<String> {
    let all = runs.clone().filter_map(RunReport::coverage).reduce(Coverage::and)?;
    let first = runs.next()?;
    wording::coverage(first.action, first.proof(), all)
}

fn outcomes<'a>(runs: impl Iterator<Item = &'a RunReport>) -> String {
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    for phone in runs.flat_map(|report| &report.phones) {
        *counts.entry(phone.outcome).or_default() += 1;
    }
    let mut told = pluralize(counts.values().sum(), "phone");
    for (at, (outcome, count)) in counts.iter().enumerate() {
        // Writing to a String cannot fail.
        let _unfailing =
            write!(told, "{} {count} {}", if at == 0 { ":" } else { "," }, outcome.as_str());
    }
    told
}

/// What is in a `clusters` document.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(super) struct ClustersBody<D> {
    /// One document for each cluster that answered.
    documents: Vec<D>,
    /// The clusters that did not.
    failures: Vec<ClusterFailure>,
}

/// The `clusters` document: one document for each cluster that answered, and why others did not.
pub fn clusters_json<D: Serialize>(
    documents: Vec<D>,
    failures: Vec<ClusterFailure>,
    generated_at: Timestamp,
) -> Document<'static, impl Serialize> {
    Document::new("clusters", generated_at, None, ClustersBody { documents, failures })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FieldSelection, Layout, csv, ndjson, table};

    #[derive(Serialize)]
    struct Item {
        name: &'static str,
    }

    impl Row for Item {
        const COLUMNS: &'static [&'static str] = &["name"];

        fn cells(&self) -> Vec<String> {
            vec![self.name.to_owned()]
        }
    }

    fn written(
        write: impl FnOnce(&mut dyn std::io::Write) -> Result<(), crate::report::ListError>,
    ) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_cluster_is_the_first_column_of_every_format() {
        let (row, view) = (Item { name: "SEP1" }, FieldSelection::default());
        let rows = [OfCluster { cluster: "=lab", record: &row }];
        assert_eq!(written(|out| csv(&rows, &view, out)), "cluster,name\n'=lab,SEP1\n");
        assert_eq!(
            written(|out| ndjson(&rows, &view, out)),
            "{\"cluster\":\"=lab\",\"name\":\"SEP1\"}\n"
        );
        for width in [None, Some(80)] {
            let layout = Layout { width, color: false };
            let told = written(|out| table(&rows, &view, layout, out));
            assert_eq!(told, "cluster  name\n=lab     SEP1\n");
        }
        assert_eq!(written(|out| csv::<OfCluster<'_, Item>>(&[], &view, out)), "cluster,name\n");
    }

    #[test]
    fn documents_stay_what_they_are() {
        let failure = ClusterFailure {
            cluster: "b".into(),
            run: None,
            exit_code: 1,
            message: "gone".into(),
            hints: vec![],
        };
        #[derive(Serialize)]
        struct Body {
            z: u8,
            a: u8,
        }
        let at = Timestamp::UNIX_EPOCH;
        let one = Document::new("x", at, None, Body { z: 1, a: 2 });
        let text = clusters_json(vec![one], vec![failure], at).text().unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], "axlpaper.clusters/v1");
        assert_eq!(document["documents"][0]["schema"], "axlpaper.x/v1");
        assert_eq!(document["failures"][0]["exit_code"], 1);
        assert!(text.find("\"z\"").unwrap() < text.find("\"a\": 2").unwrap());
    }
}
