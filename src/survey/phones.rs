//! The phones, as the publisher has them configured.

use std::collections::HashSet;

use crate::axl::client::AxlClient;
use crate::axl::phone::{ListPhone, PhoneRow};
use crate::domain::device_name::DeviceName;
use crate::domain::inventory::Phone;
use crate::domain::personalization::Setting;
use crate::domain::registration::{Registration, Source, Status};
use crate::domain::text::{names, pluralize, quoted};
use crate::event::{Event, Observer, Stage};
use crate::survey::error::{SurveyError, whole};
use crate::survey::phone_index;
use crate::survey::phone_index::Rows;

/// The phones of a cluster, and those of them that may not register.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) phones: Vec<Phone>,
    /// The names of those that are not active.
    pub(super) inactive: HashSet<DeviceName>,
}

/// Reads every phone of the cluster: none is missing and none is there twice, even if others change the
/// cluster meanwhile (see [`crate::survey::phone_index`]).
pub(super) async fn read(
    axl: &AxlClient,
    observer: &dyn Observer,
    remarks: &mut Vec<String>,
) -> Result<Found, SurveyError> {
    observer.observe(&Event::Started { stage: Stage::Phones, total: None });
    let index = phone_index::read(axl).await?;
    let mut found = Rows::default();
    found.extend(rows(axl, index.len(), observer).await?);
    if index.missing_from(&found.keys).len() > MOST_BY_NAME {
        // So many cannot be asked for one by one; read together, only who moves again can be missed.
        found.extend(rows(axl, index.len(), observer).await?);
    }
    let removed = ask_for(axl, index.missing_from(&found.keys), &mut found).await?;
    if !removed.is_empty() {
        let are = if removed.len() == 1 { "was" } else { "were" };
        let how_many = pluralize(removed.len(), "phone");
        remarks
            .push(format!("{how_many} {are} removed while the list was read: {}", names(&removed)));
    }
    observer.observe(&Event::Finished { stage: Stage::Phones });
    Ok(of_phones(found.rows, remarks))
}

/// Leaves out templates, which are in the list of phones too; they take no push.
fn of_phones(mut rows: Vec<PhoneRow>, remarks: &mut Vec<String>) -> Found {
    rows.retain(|row| row.class.as_deref().is_none_or(|class| class == "Phone"));
    sorted_out(rows, remarks)
}

/// Reads these phones; those that do not exist are left out.
pub(super) async fn read_named(
    axl: &AxlClient,
    names: &[DeviceName],
    observer: &dyn Observer,
    remarks: &mut Vec<String>,
) -> Result<Found, SurveyError> {
    if names.len() > MOST_BY_NAME {
        let mut found = read(axl, observer, remarks).await?;
        let wanted: HashSet<&DeviceName> = names.iter().collect();
        found.phones.retain(|phone| wanted.contains(&phone.name));
        return Ok(found);
    }
    let total = Some(names.len() as u64);
    observer.observe(&Event::Started { stage: Stage::Phones, total });
    let mut rows = Vec::new();
    for name in names {
        rows.extend(phone_index::by_name(axl, name.as_str()).await?);
    }
    observer.observe(&Event::Finished { stage: Stage::Phones });
    Ok(of_phones(rows, remarks))
}

/// Asks for indexed phones that were not read. Returns the names of those that no longer exist.
async fn ask_for(
    axl: &AxlClient,
    missing: Vec<(String, String)>,
    found: &mut Rows,
) -> Result<Vec<String>, SurveyError> {
    let mut gone = Vec::new();
    for (key, name) in missing {
        match phone_index::by_name(axl, &name).await? {
            // A phone that was removed and added anew has been read already, with another UUID.
            Some(row) => found.add(row),
            None => gone.push((key, name)),
        }
    }
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    // A phone that got another name meanwhile is still called by its UUID.
    let again = phone_index::read(axl).await?;
    let mut removed = Vec::new();
    for (key, name) in gone {
        let row = match again.name_of(&key) {
            Some(new) => phone_index::by_name(axl, new).await?,
            None => None,
        };
        match row {
            Some(row) => found.add(row),
            None => removed.push(name),
        }
    }
    Ok(removed)
}

async fn rows(
    axl: &AxlClient,
    expected: usize,
    observer: &dyn Observer,
) -> Result<Vec<PhoneRow>, SurveyError> {
    observer.observe(&Event::Started { stage: Stage::Phones, total: Some(expected as u64) });
    let listing = axl
        .list_expecting(ListPhone::all(), expected, |done| {
            observer.observe(&Event::Progress { stage: Stage::Phones, done: done as u64 });
        })
        .await?;
    Ok(whole(listing, "phones")?)
}

/// Makes phones of the rows; for those whose names cannot be used there is a remark instead.
fn sorted_out(rows: Vec<PhoneRow>, remarks: &mut Vec<String>) -> Found {
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
    found
}

fn phone(row: PhoneRow) -> Result<Phone, String> {
    let name = DeviceName::of_cluster(&row.name).map_err(|error| {
        format!(
            "a device of the phone list is left out, because its name {} cannot be used: {error}",
            quoted(&row.name)
        )
    })?;
    Ok(Phone {
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
        configured_load: row
            .load_information
            .name
            .filter(|_| row.load_information.special != Some(false)),
        ..Phone::unknown(name, Registration::unknown(Status::Unknown, Source::None))
    })
}

/// How many devices that are left out are named one by one.
const MOST_REMARKS: usize = 5;

/// How many phones are asked for one by one before the list is read again instead.
const MOST_BY_NAME: usize = 100;
