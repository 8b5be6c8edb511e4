//! The directory numbers of the phones' first lines.
//!
//! AXL lists phones without their lines, and opening each phone takes hours; so the database is asked, in one question
//! (the tables are those of Unified CM's data dictionary).

use std::collections::HashMap;

use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::sql::{ExecuteSqlQuery, sql_list};
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;

/// Writes into each phone the number of its first line; `names` are their names, where they are few. Returns whether the database was willing to answer; where it is
/// not, RisPort70 still knows the numbers of phones that are registered.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn fill(
    axl: &AxlClient,
    phones: &mut [Phone],
    names: Option<&[DeviceName]>,
    remarks: &mut Vec<String>,
) -> Result<bool, AxlError> {
    match extensions(axl, names).await {
        Ok(mut numbers) => {
            for phone in phones {
                phone.extension = numbers.remove(&phone.name);
            }
            Ok(true)
        }
        Err(error) if error.fault().is_some() => {
            remarks.push(format!(
                "the database does not tell about directory numbers, so extensions are known of registered phones only: \
                 {}",
                error.why()
            ));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Reads the numbers of the first lines of all devices, or of these, where they are few.
///
/// # Errors
/// When the database does not answer.
pub async fn extensions(
    axl: &AxlClient,
    names: Option<&[DeviceName]>,
) -> Result<HashMap<DeviceName, String>, AxlError> {
    let few = names.filter(|names| names.len() <= MOST_NAMES);
    let among = few
        .map(|names| format!("and d.name in ({})", sql_list(names.iter().map(DeviceName::as_str))))
        .unwrap_or_default();
    let mut numbers = HashMap::new();
    let (mut skip, mut page) = (0, ROWS_AT_ONCE);
    loop {
        let sql = format!(
            "select skip {skip} first {page} d.name as name, n.dnorpattern as number from devicenumplanmap m \
             inner join device d on m.fkdevice = d.pkid inner join numplan n on m.fknumplan = n.pkid \
             where m.numplanindex = 1 {among} order by d.name"
        );
        let rows = match axl.call(&ExecuteSqlQuery::new(sql)).await {
            Ok(rows) => rows,
            Err(error) if error.wants_smaller_page() && page > LEAST_ROWS => {
                page /= 4;
                continue;
            }
            Err(error) => return Err(error),
        };
        let count = rows.len();
        numbers.extend(rows.into_iter().filter_map(|mut row| {
            let name = DeviceName::of_cluster(&row.remove("name")?).ok()?;
            Some((name, readable_number(&row.remove("number")?)?))
        }));
        if count < page {
            return Ok(numbers);
        }
        skip += count;
    }
}

/// Returns a directory number as people write it: the plus of an international number has a backslash in front in Unified
/// CM.
pub(super) fn readable_number(number: &str) -> Option<String> {
    let number = number.trim().replace('\\', "");
    (!number.is_empty()).then_some(number)
}

/// So many names are a short text of SQL.
const MOST_NAMES: usize = 200;

/// More than any cluster has phones.
const ROWS_AT_ONCE: usize = 100_000;

/// An answer with fewer rows is never too large.
const LEAST_ROWS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_as_it_is_dialled() {
        assert_eq!(readable_number(r"\+14085550100").as_deref(), Some("+14085550100"));
        assert_eq!(readable_number(" 1002 ").as_deref(), Some("1002"));
        assert_eq!(readable_number(" "), None);
    }
}
