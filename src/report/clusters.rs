//! One answer about several clusters: rows with the cluster's name in front, and a document of documents.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::json::envelope;
use super::list::ListError;
use super::record::Record;

/// A row, and the cluster that it is about.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OfCluster<'a, T> {
    /// The cluster's name, as in the config file.
    pub cluster: &'a str,
    /// The row.
    #[serde(flatten)]
    pub record: &'a T,
}

impl<T: Record> OfCluster<'_, T> {
    const ALL: [&'static str; MOST] = with_first("cluster", T::COLUMNS);
    const KEPT: [&'static str; MOST] = with_first("cluster", T::FIXED);
}

impl<T: Record> Record for OfCluster<'_, T> {
    const COLUMNS: &'static [&'static str] = Self::ALL.split_at(T::COLUMNS.len() + 1).0;
    const FIXED: &'static [&'static str] = Self::KEPT.split_at(T::FIXED.len() + 1).0;
    const DROPPED: &'static [&'static str] = T::DROPPED;

    fn cells(&self) -> Vec<String> {
        let mut cells = self.record.cells();
        cells.insert(0, self.cluster.to_owned());
        cells
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
#[derive(Clone, Debug, Serialize)]
pub struct ClusterFailure {
    /// Its name in the config file.
    pub cluster: String,
    /// The exit code that this alone would have.
    pub exit_code: u8,
    /// What went wrong.
    pub message: String,
    /// What to do next.
    pub hints: Vec<String>,
}

/// The `clusters` document: one document for each cluster that answered, and why others did not.
///
/// # Errors
/// When a document is no JSON.
pub fn clusters_json(
    documents: Vec<String>,
    failures: &[ClusterFailure],
    generated_at: Timestamp,
) -> Result<String, ListError> {
    #[derive(Serialize)]
    struct Body<'a> {
        documents: Vec<Box<RawValue>>,
        failures: &'a [ClusterFailure],
    }
    let documents = documents.into_iter().map(RawValue::from_string);
    let documents = documents.collect::<Result<_, _>>().map_err(ListError::new)?;
    envelope("clusters", generated_at, None, Body { documents, failures })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{csv, ndjson, table};

    #[derive(Serialize)]
    struct Row {
        name: &'static str,
    }

    impl Record for Row {
        const COLUMNS: &'static [&'static str] = &["name"];

        fn cells(&self) -> Vec<String> {
            vec![self.name.to_owned()]
        }
    }

    #[test]
    fn the_cluster_is_the_first_column_of_every_format() {
        let row = Row { name: "SEP1" };
        let rows = [OfCluster { cluster: "=lab", record: &row }];
        assert_eq!(csv(&rows).unwrap(), "cluster,name\n'=lab,SEP1\n");
        assert_eq!(ndjson(&rows).unwrap(), "{\"cluster\":\"=lab\",\"name\":\"SEP1\"}\n");
        assert_eq!(table(&rows, None), "cluster  name\n=lab     SEP1\n");
        assert_eq!(csv::<OfCluster<'_, Row>>(&[]).unwrap(), "cluster,name\n");
    }

    #[test]
    fn documents_stay_what_they_are() {
        let failure = ClusterFailure {
            cluster: "b".into(),
            exit_code: 1,
            message: "gone".into(),
            hints: vec![],
        };
        let one = "{\n  \"schema\": \"axlpaper.x/v1\",\n  \"z\": 1,\n  \"a\": 2\n}\n".to_owned();
        let text = clusters_json(vec![one], &[failure], Timestamp::UNIX_EPOCH).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], "axlpaper.clusters/v1");
        assert_eq!(document["documents"][0]["schema"], "axlpaper.x/v1");
        assert_eq!(document["failures"][0]["exit_code"], 1);
        assert!(text.find("\"z\"").unwrap() < text.find("\"a\": 2").unwrap());
        clusters_json(vec!["no json".into()], &[], Timestamp::UNIX_EPOCH).unwrap_err();
    }
}
