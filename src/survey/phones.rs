//! The phones, as the publisher has them configured.

use std::collections::HashSet;

use super::{SurveyError, whole};
use crate::axl::client::AxlClient;
use crate::axl::error::AxlError;
use crate::axl::execute_sql_query::ExecuteSqlQuery;
use crate::axl::list_phone::{ListPhone, PhoneRow};
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;
use crate::domain::personalization::Setting;
use crate::domain::registration::{Registration, Source, Status};
use crate::event::{Event, Observer, Stage};

/// The phones of a cluster, and those of them that may not register.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Every phone.
    pub(super) phones: Vec<Phone>,
    /// The names of those that are not active.
    pub(super) inactive: HashSet<DeviceName>,
}

/// Reads every phone of the cluster, and compares how many there are with what the database says.
///
/// # Errors
/// When the list cannot be read to its end.
pub(super) async fn read(
    axl: &AxlClient,
    observer: &dyn Observer,
    remarks: &mut Vec<String>,
) -> Result<Found, SurveyError> {
    let mut counted = count(axl).await?;
    let mut rows = rows(axl, counted, observer).await?;
    if counted.is_some_and(|counted| counted != length(&rows)) {
        // Somebody may just be adding or removing phones.
        counted = count(axl).await?;
        rows = self::rows(axl, counted, observer).await?;
    }
    match counted {
        Some(counted) if counted != length(&rows) => {
            remarks.push(different(counted, length(&rows)));
        }
        Some(_) => {}
        None => remarks.push(
            "SQL over AXL is not allowed, so the number of phones could not be cross-checked"
                .to_owned(),
        ),
    }
    let (mut found, mut left_out) = (Found::default(), Vec::new());
    for row in rows {
        let inactive = row.is_active == Some(false);
        match phone(row) {
            Ok(phone) => {
                if inactive {
                    found.inactive.insert(phone.name.clone());
                }
                found.phones.push(phone);
            }
            Err(why) => left_out.push(why),
        }
    }
    let more = left_out.len().saturating_sub(MOST_REMARKS);
    remarks.extend(left_out.into_iter().take(MOST_REMARKS));
    if more > 0 {
        remarks
            .push(format!("{more} more devices are left out, because their names cannot be used"));
    }
    Ok(found)
}

/// Reads the list once. Templates stand in it too; nobody can push to them.
async fn rows(
    axl: &AxlClient,
    counted: Option<u64>,
    observer: &dyn Observer,
) -> Result<Vec<PhoneRow>, SurveyError> {
    observer.observe(&Event::Started { stage: Stage::Phones, total: counted });
    let listing = axl
        .list(ListPhone::all(), |done| {
            observer.observe(&Event::Progress { stage: Stage::Phones, done: done as u64 });
        })
        .await?;
    observer.observe(&Event::Finished { stage: Stage::Phones });
    let mut rows = whole(listing, "phones")?;
    rows.retain(|row| row.class.as_deref().is_none_or(|class| class == "Phone"));
    Ok(rows)
}

fn length(rows: &[PhoneRow]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

fn different(counted: u64, listed: u64) -> String {
    let (by, who) = if counted > listed {
        (counted - listed, "the list lacks phones that the database has")
    } else {
        (listed - counted, "the list has phones that the database does not count")
    };
    format!(
        "the database counts {counted} phones and the list has {listed}, read twice: {who} ({by} of them), so look \
         whether a phone that you miss is there"
    )
}

/// Asks the database how many phones there are; nothing when it may not be asked.
async fn count(axl: &AxlClient) -> Result<Option<u64>, AxlError> {
    // Class 1 is Phone (CUCM data dictionary).
    let sql = "select count(*) from device where tkclass = 1";
    match axl.call(&ExecuteSqlQuery::new(sql)).await {
        Ok(answer) => {
            let value =
                answer.into_rows().into_iter().next().and_then(|row| row.into_values().next());
            Ok(value.and_then(|text| text.trim().parse().ok()))
        }
        Err(error) if error.is_sql_refused() => Ok(None),
        Err(error) => Err(error),
    }
}

fn phone(row: PhoneRow) -> Result<Phone, String> {
    let name = DeviceName::of_cluster(&row.name).map_err(|error| {
        format!(
            "a device of the phone list is left out, because its name {:?} cannot be used: {error}",
            row.name
        )
    })?;
    Ok(Phone {
        name,
        description: row.description.unwrap_or_default(),
        model: row.model.or(row.product).unwrap_or_default(),
        protocol: row.protocol.unwrap_or_default(),
        device_pool: row.device_pool.into_name().unwrap_or_default(),
        common_phone_profile: row.common_phone_config.into_name(),
        location: row.location.into_name(),
        owner: row.owner.into_name(),
        personalization: row.phone_suite.as_deref().and_then(Setting::parse),
        authentication_url: row.authentication_url.filter(|url| !url.trim().is_empty()),
        secure_authentication_url: row
            .secure_authentication_url
            .filter(|url| !url.trim().is_empty()),
        registration: Registration::unknown(Status::Unknown, Source::None),
    })
}

/// How many devices that are left out are told one by one.
const MOST_REMARKS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_which_side_has_more() {
        assert!(
            different(5, 3).contains("the list lacks phones that the database has (2 of them)")
        );
        assert!(different(3, 4).contains("the database does not count (1 of them)"));
    }
}
