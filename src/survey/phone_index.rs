//! An index of the cluster's phones, and which of them are missing from what was read.
//!
//! A list that is read in pages is no picture of one moment: when a phone is removed while it is read,
//! another one moves from the next page to the one before and is never seen; AXL does not even promise
//! an order. So the phones are counted first: their names alone, forty thousand of which fit one answer,
//! which is one moment. Then the pages are read, each phone kept once by its UUID, and a phone that was called
//! but did not come is asked for by name. One that cannot be found by name either has been removed
//! meanwhile. Nothing of this depends on the order of rows, and none of it needs SQL.

use std::collections::{HashMap, HashSet};

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::paging::Listing;
use crate::axl::phone::{ListPhone, PhoneRow};
use crate::axl::sql::ExecuteSqlQuery;
use crate::survey::error::{Incomplete, SurveyError};

/// All phones by key, with their names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct PhoneIndex(HashMap<String, String>);

impl PhoneIndex {
    fn of(rows: &[PhoneRow]) -> Self {
        Self(rows.iter().filter_map(|row| Some((key(row)?, row.name.clone()))).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the keys and names of those that are not among these keys, sorted by name.
    pub(crate) fn missing_from(&self, came: &HashSet<String>) -> Vec<(String, String)> {
        let missing = self.0.iter().filter(|(key, _)| !came.contains(*key));
        let mut missing: Vec<(String, String)> =
            missing.map(|(key, name)| (key.clone(), name.clone())).collect();
        missing.sort_by(|(_, a), (_, b)| a.cmp(b));
        missing
    }

    pub(crate) fn name_of(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<PhoneRow>,
    pub(crate) keys: HashSet<String>,
}

impl Rows {
    pub(crate) fn add(&mut self, row: PhoneRow) {
        // Rows that cannot be distinguished are reported later.
        if key(&row).is_none_or(|key| self.keys.insert(key)) {
            self.rows.push(row);
        }
    }
}

impl Extend<PhoneRow> for Rows {
    fn extend<I: IntoIterator<Item = PhoneRow>>(&mut self, rows: I) {
        rows.into_iter().for_each(|row| self.add(row));
    }
}

/// Reads the names of all phones.
///
/// Where the cluster does not give all names in one answer, the pages are read until two readings in a
/// row agree, because only then no phone moved between them.
pub(crate) async fn read(axl: &AxlClient) -> Result<PhoneIndex, SurveyError> {
    let mut last: Option<PhoneIndex> = None;
    for _ in 0..MOST_READINGS {
        let Listing { rows, complete, pages, .. } =
            axl.list_at_once(ListPhone::names(), ROWS_AT_ONCE).await?;
        if !complete {
            return Err(Incomplete { what: "phones" }.into());
        }
        let now = PhoneIndex::of(&rows);
        if pages == 1 || last.as_ref() == Some(&now) {
            return Ok(now);
        }
        last = Some(now);
    }
    Err(SurveyError::Restless)
}

/// Asks for a phone by its exact name; nothing when there is none any more.
pub(crate) async fn by_name(axl: &AxlClient, name: &str) -> Result<Option<PhoneRow>, SurveyError> {
    let listing = axl.list(ListPhone::named(name), |_| {}).await?;
    Ok(listing.rows.into_iter().find(|row| row.name.eq_ignore_ascii_case(name)))
}

/// Counts the phones of every Common Phone Profile.
pub(crate) async fn count_by_profile(axl: &AxlClient) -> Result<HashMap<String, usize>, AxlError> {
    let sql = "select c.name as profile, count(*) as phones from device d \
               inner join commonphoneconfig c on d.fkcommonphoneconfig = c.pkid \
               where d.tkclass = 1 group by c.name";
    let rows = axl.call(&ExecuteSqlQuery::new(sql)).await?;
    let counted = rows.into_iter().filter_map(|mut row| {
        Some((row.remove("profile")?, row.remove("phones")?.trim().parse().ok()?))
    });
    Ok(counted.collect())
}

/// Identifies a phone: its UUID, or its name where the server gives none.
pub(crate) fn key(row: &PhoneRow) -> Option<String> {
    let key = row.uuid.as_deref().or_else(|| (!row.name.is_empty()).then_some(&row.name))?;
    Some(key.to_ascii_lowercase())
}

/// More rows than any cluster has phones: one Unified CM cluster has 80,000 at most (Cisco's sizing rules
/// are below that).
const ROWS_AT_ONCE: u64 = 100_000;

/// After so many readings that disagree, the cluster is being changed in bulk.
const MOST_READINGS: u32 = 5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(uuid: &str, name: &str) -> PhoneRow {
        PhoneRow {
            uuid: (!uuid.is_empty()).then(|| uuid.to_owned()),
            name: name.to_owned(),
            ..PhoneRow::default()
        }
    }

    fn came(rows: &[PhoneRow]) -> HashSet<String> {
        let mut all = Rows::default();
        all.extend(rows.iter().cloned());
        all.keys
    }

    #[test]
    fn who_did_not_come_is_known_by_uuid_and_named() {
        let roll = PhoneIndex::of(&[row("{A}", "SEP1"), row("{B}", "SEP2"), row("", "SEP3")]);
        assert_eq!(roll.len(), 3);
        // Renamed meanwhile is not missing; the case of letters does not matter.
        let some = came(&[row("{a}", "SEP1new"), row("", "sep3")]);
        assert_eq!(roll.missing_from(&some), [("{b}".to_owned(), "SEP2".to_owned())]);
        let all = came(&[row("{a}", "x"), row("{b}", "y"), row("", "SEP3")]);
        assert!(roll.missing_from(&all).is_empty());
    }

    proptest! {
        /// Pages come shuffled, with rows twice, and lack some that were there when the roll was called.
        #[test]
        fn who_is_missing_and_who_came_are_everybody(
            phones in proptest::collection::hash_set(0_u8..60, 0..40),
            pages in proptest::collection::vec(0_u8..60, 0..80),
        ) {
            let phone = |n: u8| row(&format!("{{{n}}}"), &format!("SEP{n}"));
            let roll = PhoneIndex::of(&phones.iter().map(|n| phone(*n)).collect::<Vec<_>>());
            let mut rows = Rows::default();
            rows.extend(pages.iter().map(|n| phone(*n)));
            let missing = roll.missing_from(&rows.keys);
            for (_, name) in &missing {
                let n: u8 = name.trim_start_matches("SEP").parse().unwrap();
                prop_assert!(phones.contains(&n) && !pages.contains(&n));
                rows.add(phone(n));
            }
            let names: HashSet<&str> = rows.rows.iter().map(|row| row.name.as_str()).collect();
            prop_assert_eq!(names.len(), rows.rows.len(), "somebody is there twice");
            prop_assert!(phones.iter().all(|n| names.contains(phone(*n).name.as_str())));
        }
    }
}
