//! `executeSQLQuery`: a query on the database of the cluster.

use std::collections::BTreeMap;

use serde::{Deserializer, Serialize};

use super::operation::Operation;
use super::request::optional;
use crate::soap::scalar::Loose;

/// A `select`. Columns that occur twice must be given other names: a row is a set of elements named
/// after the columns.
#[derive(Clone, Debug, Serialize)]
pub struct ExecuteSqlQuery {
    sql: String,
}

impl ExecuteSqlQuery {
    /// Takes the text of the query; values in it must have gone through [`sql_literal`].
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into() }
    }
}

impl Operation for ExecuteSqlQuery {
    const NAME: &'static str = "executeSQLQuery";
    type Output = Vec<SqlRow>;

    fn read<'de, D: Deserializer<'de>>(content: D) -> Result<Vec<SqlRow>, D::Error> {
        let rows: Option<Vec<BTreeMap<String, Loose>>> = optional("row", content)?;
        let plain = |row: BTreeMap<String, Loose>| {
            let columns = row.into_iter().filter(|(name, _)| !name.starts_with(['@', '$']));
            columns.map(|(name, Loose(value))| (name.to_ascii_lowercase(), value)).collect()
        };
        Ok(rows.unwrap_or_default().into_iter().map(plain).collect())
    }
}

/// A row: the names of its columns in lower case, and their values. NULL is an empty text, a boolean is
/// `t` or `f`, a UUID is in lower case without braces.
pub type SqlRow = BTreeMap<String, String>;

/// Writes a text as an SQL literal: in single quotes, with those inside doubled.
pub fn sql_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes texts as a list of SQL literals, for `in (…)`.
pub fn sql_list(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    texts.into_iter().map(|text| sql_literal(text.as_ref())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_quotes() {
        assert_eq!(sql_literal("O'Brien"), "'O''Brien'");
        assert_eq!(sql_literal("'; delete"), ["'", "''", "; delete", "'"].concat());
    }

    proptest! {
        #[test]
        fn no_literal_ends_early(text in ".*") {
            let literal = sql_literal(&text);
            let inner = &literal[1..literal.len() - 1];
            prop_assert!(!inner.replace("''", "").contains('\''));
            prop_assert_eq!(inner.matches('\'').count(), 2 * text.matches('\'').count());
        }
    }
}
